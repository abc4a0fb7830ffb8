// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/go_line_section.h"

#include <errno.h>

#include "go_line_fixture.h"

enum {
	/* Larger than the chunks in which the file is searched. */
	LARGE = 200 << 10,
	SECTIONS = 0x100,
	NAMES = 0x1c0,
};

/* The fixture with a section table of which the second entry names the table. */
static Elf64_Shdr *add_sections(struct go_fixture *fixture, const char *name)
{
	Elf64_Shdr *sections = (Elf64_Shdr *)(void *)(fixture->bytes + SECTIONS);
	Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)fixture->bytes;

	go_fixture_init(fixture, GO_FIXTURE_1_20);
	header->e_shoff = SECTIONS;
	header->e_shentsize = sizeof(Elf64_Shdr);
	header->e_shnum = 3;
	header->e_shstrndx = 2;
	memcpy(fixture->bytes + NAMES + 1, name, strlen(name) + 1);
	sections[2] = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = NAMES, .sh_size = 0x40};
	sections[1] = (Elf64_Shdr){
		.sh_name = 1,
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC,
		.sh_addr = GO_FIXTURE_VADDR + GO_FIXTURE_TABLE,
		.sh_offset = GO_FIXTURE_TABLE,
		.sh_size = GO_FIXTURE_SIZE - GO_FIXTURE_TABLE,
	};
	return &sections[1];
}

static int find(const void *bytes, size_t size, struct go_line_section *section)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	auto_free(load_segments) struct load_segments *segments = NULL;

	assert_int_equal(elf_image_open_memory(bytes, size, &image, NULL), 0);
	assert_int_equal(load_segments_new(image, &segments), 0);
	return go_line_section_find(image, segments, section);
}

static void sections_of_both_names(void **state)
{
	static const char *const names[] = {".gopclntab", ".data.rel.ro.gopclntab"};
	struct go_line_section section;
	struct go_fixture fixture;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		add_sections(&fixture, names[i]);
		assert_int_equal(find(fixture.bytes, sizeof(fixture.bytes), &section), 0);
		assert_int_equal(section.offset, GO_FIXTURE_TABLE);
		assert_int_equal(section.vaddr, GO_FIXTURE_VADDR + GO_FIXTURE_TABLE);
		assert_int_equal(section.size, GO_FIXTURE_SIZE - GO_FIXTURE_TABLE);
	}
}

static void sections_that_are_not_loaded_as_they_stand_are_refused(void **state)
{
	struct go_line_section section;
	struct go_fixture fixture;

	(void)state;
	add_sections(&fixture, ".gopclntab")->sh_flags |= SHF_COMPRESSED;
	assert_int_equal(find(fixture.bytes, sizeof(fixture.bytes), &section), -ENODATA);
	add_sections(&fixture, ".gopclntab")->sh_type = SHT_NOBITS;
	assert_int_equal(find(fixture.bytes, sizeof(fixture.bytes), &section), -ENODATA);
	add_sections(&fixture, ".gopclntab")->sh_size++;
	assert_int_equal(find(fixture.bytes, sizeof(fixture.bytes), &section), -ENODATA);
	add_sections(&fixture, ".gopclntab")->sh_addr += 8;
	assert_int_equal(find(fixture.bytes, sizeof(fixture.bytes), &section), -ENODATA);
	add_sections(&fixture, ".text");
	assert_int_equal(find(fixture.bytes, sizeof(fixture.bytes), &section), -ENODATA);
}

static void only_go_programs_are_searched(void **state)
{
	static const struct {
		const char *name;
		bool searched;
	} cases[] = {{".go.buildinfo", true}, {".gopclntab", false}, {".text", false}};
	struct go_fixture fixture;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_free(elf_image) struct elf_image *image = NULL;

		add_sections(&fixture, cases[i].name);
		assert_int_equal(
			elf_image_open_memory(fixture.bytes, sizeof(fixture.bytes), &image, NULL),
			0);
		assert_int_equal(go_line_section_may_be_elsewhere(image), cases[i].searched);
	}
}

/* Also where a header crosses the end of a chunk; the next one is found behind it. */
static void headers_are_found_anywhere_in_a_segment(void **state)
{
	static const size_t places[] = {0x80, (64 << 10) - 40, (64 << 10) - 72, (128 << 10) - 8,
					LARGE - (GO_FIXTURE_SIZE - GO_FIXTURE_TABLE)};
	autofree unsigned char *bytes = malloc(LARGE);
	struct go_fixture fixture;

	(void)state;
	assert_non_null(bytes);
	go_fixture_init(&fixture, GO_FIXTURE_1_18);
	((Elf64_Phdr *)(void *)(fixture.bytes + sizeof(Elf64_Ehdr)))->p_filesz = LARGE;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		auto_free(elf_image) struct elf_image *image = NULL;
		struct go_line_section section;

		memset(bytes, 0, LARGE);
		memcpy(bytes, fixture.bytes, 0x80);
		memcpy(bytes + places[i], fixture.bytes + GO_FIXTURE_TABLE,
		       GO_FIXTURE_SIZE - GO_FIXTURE_TABLE);
		assert_int_equal(elf_image_open_memory(bytes, LARGE, &image, NULL), 0);
		assert_int_equal(go_line_section_search(image, 0, &section), 0);
		assert_int_equal(section.offset, places[i]);
		assert_int_equal(section.vaddr, GO_FIXTURE_VADDR + places[i]);
		assert_int_equal(section.size, LARGE - places[i]);
		assert_int_equal(go_line_section_search(image, places[i] + 1, &section), -ENODATA);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_of_both_names),
		cmocka_unit_test(sections_that_are_not_loaded_as_they_stand_are_refused),
		cmocka_unit_test(only_go_programs_are_searched),
		cmocka_unit_test(headers_are_found_anywhere_in_a_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
