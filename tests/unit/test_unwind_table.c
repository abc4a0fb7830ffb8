// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/unwind_table.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "cfi_fixture.h"

enum {
	SECTION_NULL,
	SECTION_FRAME,
	SECTION_GO,
	SECTION_NAMES,
	SECTIONS,
};

enum {
	SEGMENT_CODE,
	SEGMENT_DATA, /* the whole file, at CFI_VADDR */
	SEGMENT_HEADER,
	SEGMENTS,
};

/* Places in the table of names. */
enum {
	NAME_EH_FRAME = 1,
	NAME_GO = 20,
	NAME_DEBUG_FRAME = 40,
};

enum {
	CODE_OFFSET = 0x5000,
};

/* A file with one function, in .eh_frame, and a header that leads there. */
struct file {
	Elf64_Ehdr header;
	Elf64_Phdr segments[SEGMENTS];
	Elf64_Shdr sections[SECTIONS];
	char names[64];
	unsigned char frame_header[16];
	unsigned char frame[512];
	unsigned char tail[64]; /* a pointer may be read behind the header's end */
};

static void put_frame(struct file *file)
{
	struct cfi_fixture cfi = {0};
	size_t common = cfi_common(&cfi);

	cfi_function(&cfi, common, CFI_CODE + 0x100, 0x10,
		     BYTES(DW_CFA_ADVANCE_LOC | 4, DW_CFA_DEF_CFA_OFFSET, 16));
	assert_true(cfi.size <= sizeof(file->frame));
	memcpy(file->frame, cfi.data, cfi.size);
	file->sections[SECTION_FRAME].sh_size = cfi.size;
}

static void put_frame_header(struct file *file)
{
	uint64_t here = CFI_VADDR + offsetof(struct file, frame_header) + 4;
	uint32_t distance = (uint32_t)(CFI_VADDR + offsetof(struct file, frame) - here);

	file->frame_header[0] = 1;
	file->frame_header[1] = DW_EH_PE_PCREL | DW_EH_PE_SDATA4;
	memcpy(file->frame_header + 4, &distance, sizeof(distance));
}

static void init(struct file *file)
{
	*file = (struct file){
		.header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				       EV_CURRENT},
			   .e_type = ET_DYN,
			   .e_machine = EM_X86_64,
			   .e_phoff = offsetof(struct file, segments),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = SEGMENTS,
			   .e_shoff = offsetof(struct file, sections),
			   .e_shentsize = sizeof(Elf64_Shdr),
			   .e_shnum = SECTIONS,
			   .e_shstrndx = SECTION_NAMES},
		.segments = {[SEGMENT_CODE] = {.p_type = PT_LOAD,
					       .p_flags = PF_R | PF_X,
					       .p_offset = CODE_OFFSET,
					       .p_vaddr = CFI_CODE,
					       .p_filesz = CFI_CODE_END - CFI_CODE},
			     [SEGMENT_DATA] = {.p_type = PT_LOAD,
					       .p_flags = PF_R,
					       .p_vaddr = CFI_VADDR,
					       .p_filesz = sizeof(*file)},
			     [SEGMENT_HEADER] = {.p_type = PT_GNU_EH_FRAME,
						 .p_offset = offsetof(struct file, frame_header),
						 .p_vaddr = CFI_VADDR +
							    offsetof(struct file, frame_header)}},
		.sections = {[SECTION_FRAME] = {.sh_name = NAME_EH_FRAME,
						.sh_type = SHT_PROGBITS,
						.sh_addr = CFI_VADDR + offsetof(struct file, frame),
						.sh_offset = offsetof(struct file, frame)},
			     [SECTION_GO] = {.sh_type = SHT_PROGBITS},
			     [SECTION_NAMES] = {.sh_type = SHT_STRTAB,
						.sh_offset = offsetof(struct file, names),
						.sh_size = sizeof(file->names)}},
	};
	strcpy(file->names + NAME_EH_FRAME, ".eh_frame");
	strcpy(file->names + NAME_GO, ".go.buildinfo");
	strcpy(file->names + NAME_DEBUG_FRAME, ".debug_frame");
	put_frame(file);
	put_frame_header(file);
}

static struct unwind_table *load(const struct file *file)
{
	struct unwind_table *table = NULL;

	assert_int_equal(unwind_table_load_memory(file, sizeof(*file), &table, NULL), 0);
	return table;
}

static void assert_function_found(const struct unwind_table *table)
{
	size_t count;
	const struct unwind_row *rows = unwind_table_rows(table, &count);

	assert_int_equal(count, 3);
	assert_int_equal(unwind_table_base(table), CFI_CODE);
	assert_int_equal(rows[0].pc, 0x100);
	assert_null(unwind_table_find(table, 0));
	assert_null(unwind_table_find(table, CFI_CODE + 0xff));
	assert_ptr_equal(unwind_table_find(table, CFI_CODE + 0x100), &rows[0]);
	assert_ptr_equal(unwind_table_find(table, CFI_CODE + 0x103), &rows[0]);
	assert_ptr_equal(unwind_table_find(table, CFI_CODE + 0x104), &rows[1]);
	assert_int_equal(rows[1].offset, 2);
	assert_ptr_equal(unwind_table_find(table, CFI_CODE + 0x110), &rows[2]);
	assert_int_equal(rows[2].rules, 0);
	assert_ptr_equal(unwind_table_find(table, UINT64_MAX), &rows[2]);
}

static void rows_are_found_by_address(void **state)
{
	auto_free(unwind_table) struct unwind_table *table = NULL;
	struct file file;

	(void)state;
	init(&file);
	table = load(&file);
	assert_function_found(table);
	assert_true(unwind_table_memory(table) > 3 * sizeof(struct unwind_row));
	assert_true(unwind_table_memory(table) < 512);
	assert_false(unwind_table_is_go(table));
}

static void files_are_read(void **state)
{
	auto_free(unwind_table) struct unwind_table *table = NULL;
	autoclose int fd = memfd_create("unwind_table", MFD_CLOEXEC);
	struct file file;

	(void)state;
	init(&file);
	assert_int_equal(write(fd, &file, sizeof(file)), sizeof(file));
	assert_int_equal(unwind_table_load(fd, &table, NULL), 0);
	assert_function_found(table);
}

static void the_header_leads_there_without_sections(void **state)
{
	auto_free(unwind_table) struct unwind_table *table = NULL;
	struct file file;

	(void)state;
	init(&file);
	file.header.e_shnum = 0;
	file.header.e_shoff = 0;
	table = load(&file);
	assert_function_found(table);
}

static void debug_frame_alone_is_enough(void **state)
{
	auto_free(unwind_table) struct unwind_table *table = NULL;
	struct cfi_fixture cfi = {.is_debug_frame = true};
	size_t common = cfi_common(&cfi);
	struct file file;

	(void)state;
	init(&file);
	cfi_function(&cfi, common, CFI_CODE + 0x100, 0x10,
		     BYTES(DW_CFA_ADVANCE_LOC | 4, DW_CFA_DEF_CFA_OFFSET, 16));
	memcpy(file.frame, cfi.data, cfi.size);
	file.sections[SECTION_FRAME].sh_size = cfi.size;
	file.sections[SECTION_FRAME].sh_name = NAME_DEBUG_FRAME;
	file.segments[SEGMENT_HEADER].p_type = PT_NULL;
	table = load(&file);
	assert_function_found(table);
}

static void file_offsets_become_addresses(void **state)
{
	auto_free(unwind_table) struct unwind_table *table = NULL;
	struct file file;
	uint64_t vaddr = 0;

	(void)state;
	init(&file);
	table = load(&file);
	assert_true(unwind_table_vaddr(table, CODE_OFFSET + 0x123, &vaddr));
	assert_int_equal(vaddr, CFI_CODE + 0x123);
	/* In a segment, but not in code. */
	assert_false(unwind_table_vaddr(table, 0x10, &vaddr));
	assert_false(unwind_table_vaddr(table, UINT64_MAX, &vaddr));
}

static void files_without_frames_give_no_rows(void **state)
{
	struct file files[8];

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		init(&files[i]);
		if (i != 3)
			files[i].segments[SEGMENT_HEADER].p_type = PT_NULL;
	}
	files[0].sections[SECTION_FRAME].sh_name = 0;
	files[1].sections[SECTION_FRAME].sh_type = SHT_NOBITS;
	files[2].sections[SECTION_FRAME].sh_size = UINT64_MAX;
	/* The header of another version. */
	files[3].header.e_shnum = 0;
	files[3].header.e_shoff = 0;
	files[3].frame_header[0] = 2;
	files[4].sections[SECTION_FRAME].sh_offset = UINT64_MAX - 8;
	files[5].segments[SEGMENT_CODE].p_flags = PF_R;
	files[6].sections[SECTION_FRAME].sh_flags = SHF_COMPRESSED;
	files[7].header.e_shstrndx = SECTION_GO;
	for (size_t i = 0; i < 8; i++) {
		auto_free(unwind_table) struct unwind_table *table = load(&files[i]);
		size_t count;

		unwind_table_rows(table, &count);
		assert_int_equal(count, 0);
		assert_false(unwind_table_has_cfi(table));
		assert_null(unwind_table_find(table, CFI_CODE + 0x100));
	}
}

/* As in musl: the linker's and libgcc's own, in a library that has none. */
static void a_little_is_as_good_as_none(void **state)
{
	struct file file;
	struct unwind_table *table;

	(void)state;
	init(&file);
	table = load(&file);
	assert_function_found(table);
	assert_false(unwind_table_has_cfi(table));
	unwind_table_free(table);
	/* The same 16 bytes of 256. */
	file.segments[SEGMENT_CODE].p_offset += 0x100;
	file.segments[SEGMENT_CODE].p_vaddr += 0x100;
	file.segments[SEGMENT_CODE].p_filesz = 0x100;
	table = load(&file);
	assert_true(unwind_table_has_cfi(table));
	unwind_table_free(table);
}

static void go_is_known_by_its_sections(void **state)
{
	auto_free(unwind_table) struct unwind_table *table = NULL;
	struct file file;

	(void)state;
	init(&file);
	file.sections[SECTION_GO].sh_name = NAME_GO;
	table = load(&file);
	assert_true(unwind_table_is_go(table));
}

static void go_is_known_by_its_data(void **state)
{
	static const char build_info[] = "\xff Go buildinf:";
	struct file file;

	(void)state;
	init(&file);
	memcpy(file.tail, build_info, sizeof(build_info));
	file.header.e_shnum = 0;
	file.header.e_shoff = 0;
	file.segments[SEGMENT_HEADER].p_type = PT_LOAD;
	file.segments[SEGMENT_HEADER].p_offset = offsetof(struct file, tail);
	for (unsigned int writable = 0; writable < 2; writable++) {
		auto_free(unwind_table) struct unwind_table *table = NULL;

		file.segments[SEGMENT_HEADER].p_flags = writable ? PF_R | PF_W : PF_R;
		table = load(&file);
		assert_int_equal(unwind_table_is_go(table), writable);
	}
}

static void other_files_are_refused(void **state)
{
	struct unwind_table *table = NULL;
	struct error error = {0};
	struct file file;

	(void)state;
	init(&file);
	file.header.e_machine = EM_AARCH64;
	assert_int_equal(unwind_table_load_memory(&file, sizeof(file), &table, &error), -ENOEXEC);
	assert_non_null(strstr(error.text, "x86-64"));
	file.header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(unwind_table_load_memory(&file, sizeof(file), &table, NULL), -ENOEXEC);
	assert_int_equal(unwind_table_load_memory("no", 2, &table, NULL), -ENOEXEC);
	assert_null(table);
}

static void code_wider_than_4_gib_is_refused(void **state)
{
	struct unwind_table *table = NULL;
	struct error error = {0};
	struct file file;

	(void)state;
	init(&file);
	file.segments[SEGMENT_CODE].p_filesz = UINT64_C(1) << 32;
	assert_int_equal(unwind_table_load_memory(&file, sizeof(file), &table, &error), -E2BIG);
	assert_non_null(strstr(error.text, "wider code"));
	assert_null(table);
}

static void a_huge_section_of_a_sparse_file_is_refused(void **state)
{
	struct unwind_table *table = NULL;
	autoclose int fd = memfd_create("unwind_table", MFD_CLOEXEC);
	struct file file;

	(void)state;
	init(&file);
	file.sections[SECTION_FRAME].sh_size = UINT64_C(1) << 40;
	assert_int_equal(write(fd, &file, sizeof(file)), sizeof(file));
	assert_int_equal(ftruncate(fd, (off_t)(UINT64_C(1) << 41)), 0);
	assert_int_equal(unwind_table_load(fd, &table, NULL), -E2BIG);
	assert_null(table);
}

static void every_prefix_is_survived(void **state)
{
	struct file file;

	(void)state;
	init(&file);
	for (size_t size = 0; size <= sizeof(file); size++) {
		auto_free(unwind_table) struct unwind_table *table = NULL;
		autofree unsigned char *copy = malloc(size ? size : 1);

		memcpy(copy, &file, size);
		if (unwind_table_load_memory(copy, size, &table, NULL) == 0)
			unwind_table_find(table, CFI_CODE + 0x104);
	}
}

static void spoiled_bytes_are_survived(void **state)
{
	static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
	struct file file;

	(void)state;
	init(&file);
	for (size_t i = 0; i < sizeof(file) * sizeof(values); i++) {
		auto_free(unwind_table) struct unwind_table *table = NULL;
		unsigned char *byte = (unsigned char *)&file + i / sizeof(values);
		unsigned char before = *byte;

		*byte = values[i % sizeof(values)];
		if (unwind_table_load_memory(&file, sizeof(file), &table, NULL) == 0)
			unwind_table_find(table, CFI_CODE + 0x104);
		*byte = before;
	}
}

/* The vdso, as a process's memory has it: it ends with its section table. */
static void the_vdso_has_a_table(void **state)
{
	auto_free(unwind_table) struct unwind_table *table = NULL;
	const Elf64_Ehdr *vdso = (const Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR);
	size_t size, count;

	(void)state;
	assert_non_null(vdso);
	size = vdso->e_shoff + (size_t)vdso->e_shnum * vdso->e_shentsize;
	assert_int_equal(unwind_table_load_memory(vdso, size, &table, NULL), 0);
	unwind_table_rows(table, &count);
	assert_true(count > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found_by_address),
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(the_header_leads_there_without_sections),
		cmocka_unit_test(debug_frame_alone_is_enough),
		cmocka_unit_test(file_offsets_become_addresses),
		cmocka_unit_test(files_without_frames_give_no_rows),
		cmocka_unit_test(a_little_is_as_good_as_none),
		cmocka_unit_test(go_is_known_by_its_sections),
		cmocka_unit_test(go_is_known_by_its_data),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(code_wider_than_4_gib_is_refused),
		cmocka_unit_test(a_huge_section_of_a_sparse_file_is_refused),
		cmocka_unit_test(every_prefix_is_survived),
		cmocka_unit_test(spoiled_bytes_are_survived),
		cmocka_unit_test(the_vdso_has_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
