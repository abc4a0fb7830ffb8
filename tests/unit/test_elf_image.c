// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/elf_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "elf_fixture.h"

static int open_fixture(const struct elf_fixture *file, struct elf_image **image)
{
	return elf_image_open_memory(file, sizeof(*file), image, NULL);
}

static void headers_are_read(void **state)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	const struct elf_segment *segments;
	const struct elf_section *sections;
	struct elf_fixture file;

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	assert_int_equal(open_fixture(&file, &image), 0);
	assert_true(elf_image_is_64bit(image));
	assert_int_equal(elf_image_size(image), sizeof(file));
	assert_int_equal(elf_image_segments(image, &segments), 2);
	assert_int_equal(segments[1].type, PT_LOAD);
	assert_int_equal(segments[1].vaddr, FIXTURE_TEXT_VADDR);
	assert_int_equal(segments[1].offset, FIXTURE_TEXT_OFFSET);
	assert_int_equal(segments[1].file_size, FIXTURE_TEXT_SIZE);
	assert_int_equal(segments[1].flags, PF_R | PF_X);
	assert_int_equal(elf_image_sections(image, &sections), FIXTURE_SECTIONS);
	assert_int_equal(sections[FIXTURE_SYMBOLS].type, SHT_SYMTAB);
	assert_int_equal(sections[FIXTURE_SYMBOLS].link, FIXTURE_NAMES);
	assert_string_equal(elf_image_build_id(image), "deadbeef01020304");
}

static void sections_are_found_by_name(void **state)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	const struct elf_section *sections;
	struct elf_fixture file;

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	strcpy(file.names + 1, ".text");
	file.sections[FIXTURE_NAMES].sh_size = 6;
	file.sections[FIXTURE_TEXT].sh_name = 1;
	file.sections[FIXTURE_DATA].sh_name = 6;
	file.sections[FIXTURE_SYMBOLS].sh_name = UINT32_MAX;
	/* The index where there is no room for it in the header. */
	file.header.e_shstrndx = SHN_XINDEX;
	file.sections[0].sh_link = FIXTURE_NAMES;
	file.header.e_machine = EM_X86_64;
	assert_int_equal(open_fixture(&file, &image), 0);
	assert_int_equal(elf_image_machine(image), EM_X86_64);
	elf_image_sections(image, &sections);
	assert_ptr_equal(elf_image_find_section(image, ".text"), &sections[FIXTURE_TEXT]);
	assert_null(elf_image_find_section(image, ".data"));
	assert_string_equal(sections[FIXTURE_DATA].name, "");
	assert_string_equal(sections[FIXTURE_SYMBOLS].name, "");
}

static void lying_name_tables_give_no_names(void **state)
{
	struct elf_fixture files[5];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		elf_fixture_init(&files[i], SHT_SYMTAB);
		files[i].header.e_shstrndx = FIXTURE_NAMES;
		files[i].sections[FIXTURE_TEXT].sh_name = 1;
		strcpy(files[i].names + 1, ".text");
		files[i].sections[FIXTURE_NAMES].sh_size = 7;
	}
	files[0].header.e_shstrndx = FIXTURE_SECTIONS;
	files[1].header.e_shstrndx = FIXTURE_TEXT;
	files[2].sections[FIXTURE_NAMES].sh_offset = UINT64_MAX;
	files[3].sections[FIXTURE_NAMES].sh_size = ELF_IMAGE_NAMES_MAX + 1;
	files[4].sections[FIXTURE_NAMES].sh_size = UINT64_MAX;
	for (size_t i = 0; i < 5; i++) {
		auto_free(elf_image) struct elf_image *image = NULL;

		assert_int_equal(open_fixture(&files[i], &image), 0);
		assert_null(elf_image_find_section(image, ".text"));
	}
}

static void the_32_bit_class_is_read(void **state)
{
	struct {
		Elf32_Ehdr header;
		Elf32_Phdr segment;
	} file = {
		.header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB},
			   .e_phoff = sizeof(Elf32_Ehdr),
			   .e_phentsize = sizeof(Elf32_Phdr),
			   .e_phnum = 1},
		.segment = {.p_type = PT_LOAD,
			    .p_offset = 0x1000,
			    .p_vaddr = 0x8048000,
			    .p_filesz = 0x200},
	};
	auto_free(elf_image) struct elf_image *image = NULL;
	const struct elf_segment *segments;

	(void)state;
	assert_int_equal(elf_image_open_memory(&file, sizeof(file), &image, NULL), 0);
	assert_false(elf_image_is_64bit(image));
	assert_int_equal(elf_image_segments(image, &segments), 1);
	assert_int_equal(segments[0].vaddr, 0x8048000);
	assert_int_equal(segments[0].file_size, 0x200);
	assert_null(elf_image_build_id(image));
}

static void what_is_no_elf_file_is_refused(void **state)
{
	static const char text[64] = "#!/bin/sh\n";
	struct elf_image *image = NULL;
	struct error error = {0};
	struct elf_fixture file;

	(void)state;
	assert_int_equal(elf_image_open_memory(text, sizeof(text), &image, &error), -ENOEXEC);
	assert_non_null(strstr(error.text, "not an ELF file"));
	assert_int_equal(elf_image_open_memory(text, 0, &image, NULL), -ENOEXEC);
	elf_fixture_init(&file, SHT_SYMTAB);
	file.header.e_ident[EI_DATA] ^= 3;
	assert_int_equal(open_fixture(&file, &image), -ENOEXEC);
	elf_fixture_init(&file, SHT_SYMTAB);
	file.header.e_ident[EI_CLASS] = 9;
	assert_int_equal(open_fixture(&file, &image), -ENOEXEC);
	assert_null(image);
}

static void lying_program_headers_are_refused(void **state)
{
	struct elf_image *image = NULL;
	struct elf_fixture file;

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	file.header.e_phoff = UINT64_MAX - 8;
	assert_int_equal(open_fixture(&file, &image), -ENOEXEC);
	elf_fixture_init(&file, SHT_SYMTAB);
	file.header.e_phnum = 0xffff;
	assert_int_equal(open_fixture(&file, &image), -ENOEXEC);
	elf_fixture_init(&file, SHT_SYMTAB);
	file.header.e_phentsize = 1;
	assert_int_equal(open_fixture(&file, &image), -ENOEXEC);
	assert_null(image);
}

static void lying_section_headers_count_as_none(void **state)
{
	struct elf_fixture files[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		elf_fixture_init(&files[i], SHT_SYMTAB);
	files[0].header.e_shoff = UINT64_MAX - 8;
	files[1].header.e_shnum = 0xfff0;
	files[2].header.e_shentsize = 3;
	/* The number is in the first section then, and a lie. */
	files[3].header.e_shnum = 0;
	files[3].sections[0].sh_size = UINT64_MAX / sizeof(Elf64_Shdr) + 2;
	for (size_t i = 0; i < 4; i++) {
		auto_free(elf_image) struct elf_image *image = NULL;
		const struct elf_section *sections;

		assert_int_equal(open_fixture(&files[i], &image), 0);
		assert_int_equal(elf_image_sections(image, &sections), 0);
	}
}

static void the_extended_section_number_is_read(void **state)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	const struct elf_section *sections;
	struct elf_fixture file;

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	file.header.e_shnum = 0;
	file.sections[0].sh_size = FIXTURE_SECTIONS;
	assert_int_equal(open_fixture(&file, &image), 0);
	assert_int_equal(elf_image_sections(image, &sections), FIXTURE_SECTIONS);
}

static void lying_notes_give_no_build_id(void **state)
{
	static const Elf64_Nhdr headers[] = {
		{4, 0, NT_GNU_BUILD_ID},
		{4, 9, NT_GNU_BUILD_ID},
		{4, UINT32_MAX, NT_GNU_BUILD_ID},
		{UINT32_MAX, 8, NT_GNU_BUILD_ID},
		{3, 8, NT_GNU_BUILD_ID},
		{4, 8, NT_GNU_ABI_TAG},
		{UINT32_MAX - 3, UINT32_MAX - 3, NT_GNU_BUILD_ID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		auto_free(elf_image) struct elf_image *image = NULL;
		struct elf_fixture file;

		elf_fixture_init(&file, SHT_SYMTAB);
		file.note.header = headers[i];
		assert_int_equal(open_fixture(&file, &image), 0);
		assert_null(elf_image_build_id(image));
	}
}

static void reads_stay_inside(void **state)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	struct elf_fixture file;
	char buffer[4];

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	assert_int_equal(open_fixture(&file, &image), 0);
	assert_int_equal(elf_image_read(image, 0, buffer, 4), 0);
	assert_memory_equal(buffer, ELFMAG, 4);
	assert_int_equal(elf_image_read(image, sizeof(file) - 4, buffer, 4), 0);
	assert_int_equal(elf_image_read(image, sizeof(file) - 3, buffer, 4), -ENODATA);
	assert_int_equal(elf_image_read(image, UINT64_MAX, buffer, 4), -ENODATA);
	assert_int_equal(elf_image_read(image, 0, buffer, SIZE_MAX), -ENODATA);
}

static void a_file_that_shrinks_gives_an_error(void **state)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	struct elf_fixture file;
	char buffer[64];
	autoclose int fd = -1;

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	fd = elf_fixture_file(&file, sizeof(file));
	assert_int_equal(elf_image_open_fd(fd, &image, NULL), 0);
	assert_int_equal(elf_image_read(image, 100, buffer, sizeof(buffer)), 0);
	assert_int_equal(ftruncate(fd, 120), 0);
	assert_int_equal(elf_image_read(image, 100, buffer, sizeof(buffer)), -ENODATA);
}

static void every_prefix_is_survived(void **state)
{
	struct elf_fixture file;

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	for (size_t size = 0; size <= sizeof(file); size++) {
		auto_free(elf_image) struct elf_image *image = NULL;
		autofree char *copy = malloc(size ? size : 1);
		int result;

		memcpy(copy, &file, size);
		result = elf_image_open_memory(copy, size, &image, NULL);
		assert_int_equal(result, size < offsetof(struct elf_fixture, note) ? -ENOEXEC : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_read),
		cmocka_unit_test(sections_are_found_by_name),
		cmocka_unit_test(lying_name_tables_give_no_names),
		cmocka_unit_test(the_32_bit_class_is_read),
		cmocka_unit_test(what_is_no_elf_file_is_refused),
		cmocka_unit_test(lying_program_headers_are_refused),
		cmocka_unit_test(lying_section_headers_count_as_none),
		cmocka_unit_test(the_extended_section_number_is_read),
		cmocka_unit_test(lying_notes_give_no_build_id),
		cmocka_unit_test(reads_stay_inside),
		cmocka_unit_test(a_file_that_shrinks_gives_an_error),
		cmocka_unit_test(every_prefix_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
