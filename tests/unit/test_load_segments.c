// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/load_segments.h"

#include <stdlib.h>

#include "elf_fixture.h"

static struct load_segments *load(const struct elf_fixture *file)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	struct load_segments *segments = NULL;

	assert_int_equal(elf_image_open_memory(file, sizeof(*file), &image, NULL), 0);
	assert_int_equal(load_segments_new(image, &segments), 0);
	return segments;
}

/* The note's segment becomes one of data, just before the code in the file. */
static void init(struct elf_fixture *file)
{
	elf_fixture_init(file, SHT_SYMTAB);
	file->segments[0] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R,
		.p_offset = FIXTURE_TEXT_OFFSET - 0x100,
		.p_vaddr = 0x10000,
		.p_filesz = 0x180,
	};
}

static void file_offsets_become_addresses(void **state)
{
	auto_free(load_segments) struct load_segments *segments = NULL;
	struct elf_fixture file;
	uint64_t vaddr;

	(void)state;
	init(&file);
	segments = load(&file);
	assert_true(load_segments_code_vaddr(segments, FIXTURE_TEXT_OFFSET + 1, &vaddr));
	assert_int_equal(vaddr, FIXTURE_TEXT_VADDR + 1);
	assert_true(load_segments_data_vaddr(segments, FIXTURE_TEXT_OFFSET + 1, &vaddr));
	assert_int_equal(vaddr, 0x10101);
	assert_false(load_segments_code_vaddr(segments, FIXTURE_TEXT_OFFSET - 1, &vaddr));
	assert_false(load_segments_data_vaddr(segments, FIXTURE_TEXT_OFFSET + 0x80, &vaddr));
	assert_false(load_segments_code_vaddr(segments, UINT64_MAX, &vaddr));
	assert_int_equal(vaddr, 0x10101);
}

static void addresses_become_file_offsets(void **state)
{
	auto_free(load_segments) struct load_segments *segments = NULL;
	uint64_t offset, available;
	struct elf_fixture file;

	(void)state;
	init(&file);
	segments = load(&file);
	assert_true(load_segments_offset(segments, 0x10010, &offset, &available));
	assert_int_equal(offset, FIXTURE_TEXT_OFFSET - 0xf0);
	assert_int_equal(available, 0x170);
	assert_false(load_segments_offset(segments, 0x10180, &offset, &available));
	assert_false(load_segments_offset(segments, 0xffff, &offset, &available));
}

static void the_range_of_code(void **state)
{
	auto_free(load_segments) struct load_segments *two = NULL, *none = NULL;
	struct elf_fixture file;
	uint64_t start, end;

	(void)state;
	init(&file);
	file.segments[0].p_flags |= PF_X;
	two = load(&file);
	assert_true(load_segments_code_range(two, &start, &end));
	assert_int_equal(start, 0x10000);
	assert_int_equal(end, FIXTURE_TEXT_VADDR + FIXTURE_TEXT_SIZE);
	file.segments[0].p_flags = file.segments[1].p_flags = PF_R;
	none = load(&file);
	assert_false(load_segments_code_range(none, &start, &end));
}

static void segments_that_wrap_count_as_none(void **state)
{
	auto_free(load_segments) struct load_segments *segments = NULL;
	struct elf_fixture file;
	uint64_t value, other;

	(void)state;
	init(&file);
	file.segments[0].p_vaddr = UINT64_MAX - 0x10;
	file.segments[1].p_offset = UINT64_MAX - 0x10;
	segments = load(&file);
	assert_false(load_segments_code_range(segments, &value, &other));
	assert_false(load_segments_code_vaddr(segments, UINT64_MAX - 1, &value));
	assert_false(load_segments_offset(segments, UINT64_MAX - 1, &value, &other));
	assert_true(load_segments_memory(segments) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_offsets_become_addresses),
		cmocka_unit_test(addresses_become_file_offsets),
		cmocka_unit_test(the_range_of_code),
		cmocka_unit_test(segments_that_wrap_count_as_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
