// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/frame_description.h"

#include <stdlib.h>

#include "cfi_fixture.h"

static struct frame_descriptions read_section(const struct frame_section *section)
{
	struct frame_descriptions all = {0};

	assert_int_equal(frame_descriptions_read(&all, section, CFI_CODE, CFI_CODE_END), 0);
	frame_descriptions_sort(&all);
	return all;
}

static struct frame_descriptions read_all(const struct cfi_fixture *cfi)
{
	const struct frame_section section = cfi_section(cfi);

	return read_section(&section);
}

static void assert_extent(const struct frame_descriptions *all, size_t i, uint64_t start,
			  uint64_t end)
{
	assert_true(i < all->count);
	assert_int_equal(all->list[i].start, CFI_CODE + start);
	assert_int_equal(all->list[i].end, CFI_CODE + end);
}

static void descriptions_are_sorted_by_start(void **state)
{
	cleanup(frame_descriptions_clear) struct frame_descriptions all = {0};
	struct cfi_fixture cfi = {0};
	size_t common = cfi_common(&cfi);

	(void)state;
	cfi_function(&cfi, common, CFI_CODE + 0x20, 0x10, BYTES(DW_CFA_NOP));
	cfi_function(&cfi, common, CFI_CODE, 0x10, BYTES(DW_CFA_NOP, DW_CFA_NOP));
	all = read_all(&cfi);
	assert_int_equal(all.count, 2);
	assert_extent(&all, 0, 0, 0x10);
	assert_int_equal(all.list[0].program_size, 2);
	assert_extent(&all, 1, 0x20, 0x30);
	assert_true(all.commons[all.list[1].common].is_supported);
}

static void only_code_counts(void **state)
{
	cleanup(frame_descriptions_clear) struct frame_descriptions all = {0};
	struct cfi_fixture cfi = {0};
	size_t common = cfi_common(&cfi);

	(void)state;
	cfi_function(&cfi, common, 0, 0x10, NULL, 0);
	cfi_function(&cfi, common, CFI_CODE - 1, 0x10, NULL, 0);
	cfi_function(&cfi, common, CFI_CODE_END, 0x10, NULL, 0);
	cfi_function(&cfi, common, CFI_CODE + 1, 0, NULL, 0);
	cfi_function(&cfi, common, CFI_CODE + 2, UINT64_MAX, NULL, 0);
	/* Too long: cut. */
	cfi_function(&cfi, common, CFI_CODE_END - 8, 0x1000000, NULL, 0);
	all = read_all(&cfi);
	assert_int_equal(all.count, 1);
	assert_extent(&all, 0, 0xff8, 0x1000);
}

static void augmentations_are_read(void **state)
{
	cleanup(frame_descriptions_clear) struct frame_descriptions all = {0};
	struct cfi_fixture cfi = {0};
	const size_t commons[] = {
		/* What g++ writes: a personality, indirect and relative. */
		cfi_common_augmented(&cfi, "zPLR",
				     BYTES(7, 0x9b, 1, 2, 3, 4, 0x1b, DW_EH_PE_UDATA4),
				     BYTES(CFI_USUAL)),
		cfi_common_augmented(&cfi, "zRS", BYTES(1, DW_EH_PE_UDATA4), BYTES(CFI_USUAL)),
		cfi_common_augmented(&cfi, "zRB", BYTES(1, DW_EH_PE_UDATA4), BYTES(CFI_USUAL)),
		/* An unknown letter whose data can be skipped. */
		cfi_common_augmented(&cfi, "zRQ", BYTES(3, DW_EH_PE_UDATA4, 7, 7),
				     BYTES(CFI_USUAL)),
	};

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		size_t record = cfi_begin_function(&cfi, commons[i]);

		cfi_put_u32(&cfi, CFI_CODE + 0x10 * i);
		cfi_put_u32(&cfi, 0x10);
		cfi_put(&cfi, BYTES(2, 0xaa, 0xbb, DW_CFA_NOP));
		cfi_end(&cfi, record);
	}
	all = read_all(&cfi);
	assert_int_equal(all.count, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct frame_common *common = &all.commons[all.list[i].common];

		assert_extent(&all, i, 0x10 * i, 0x10 * i + 0x10);
		assert_int_equal(all.list[i].program_size, 1);
		assert_true(common->is_supported);
		assert_int_equal(common->is_signal, i == 1);
		assert_int_equal(common->initial.cfa_offset, 8);
	}
}

static void the_eh_augmentation_has_a_pointer(void **state)
{
	cleanup(frame_descriptions_clear) struct frame_descriptions all = {0};
	struct cfi_fixture cfi = {0};
	size_t common = cfi_begin(&cfi, 0);

	(void)state;
	cfi_put(&cfi, BYTES(1, 'e', 'h', 0, 1, 2, 3, 4, 5, 6, 7, 8, 1, CFI_DATA_FACTOR & 0x7f,
			    DWARF_REGISTER_RA, CFI_USUAL));
	cfi_end(&cfi, common);
	cfi_function(&cfi, common, CFI_CODE, 0x10, NULL, 0);
	all = read_all(&cfi);
	assert_int_equal(all.count, 1);
	assert_int_equal(all.commons[0].data_factor, -8);
	assert_true(all.commons[0].is_supported);
}

static void relative_pointers_count_from_themselves(void **state)
{
	cleanup(frame_descriptions_clear) struct frame_descriptions all = {0};
	struct cfi_fixture cfi = {0};
	size_t common = cfi_common_augmented(&cfi, "zR", BYTES(1, DW_EH_PE_PCREL | DW_EH_PE_SDATA4),
					     BYTES(CFI_USUAL));
	size_t record = cfi_begin_function(&cfi, common);

	(void)state;
	cfi_put_u32(&cfi, (uint32_t)(CFI_CODE + 0x40 - (CFI_VADDR + cfi.size)));
	cfi_put_u32(&cfi, 0x20);
	cfi_put(&cfi, BYTES(0));
	cfi_end(&cfi, record);
	all = read_all(&cfi);
	assert_int_equal(all.count, 1);
	assert_extent(&all, 0, 0x40, 0x60);
}

static void records_of_64_bit_length_are_read(void **state)
{
	cleanup(frame_descriptions_clear) struct frame_descriptions all = {0};
	struct cfi_fixture cfi = {0};
	size_t common = cfi_common(&cfi);

	(void)state;
	cfi_put_u32(&cfi, UINT32_MAX);
	cfi_put_u64(&cfi, 4 + 16);
	cfi_put_u32(&cfi, (uint32_t)(cfi.size - common));
	cfi_put_u64(&cfi, CFI_CODE);
	cfi_put_u64(&cfi, 0x10);
	all = read_all(&cfi);
	assert_int_equal(all.count, 1);
	assert_extent(&all, 0, 0, 0x10);
}

static void debug_frame_may_name_what_comes_later(void **state)
{
	cleanup(frame_descriptions_clear) struct frame_descriptions all = {0};
	struct cfi_fixture cfi = {.is_debug_frame = true};
	const size_t function_size = 8 + 16;
	size_t wide, common;

	(void)state;
	cfi_function(&cfi, function_size, CFI_CODE, 0x10, NULL, 0);
	common = cfi_begin(&cfi, UINT32_MAX);
	assert_int_equal(common, function_size);
	/* Version 4: sizes of addresses and segment selectors; a number as LEB128. */
	cfi_put(&cfi, BYTES(4, 0, 8, 0, 1, 0x78, 0x90, 0, CFI_USUAL));
	cfi_end(&cfi, common);
	/* 64-bit DWARF. */
	wide = cfi.size;
	cfi_put_u32(&cfi, UINT32_MAX);
	cfi_put_u64(&cfi, 8 + 6);
	cfi_put_u64(&cfi, UINT64_MAX);
	cfi_put(&cfi, BYTES(3, 0, 1, 0x78, 16, DW_CFA_NOP));
	cfi_put_u32(&cfi, UINT32_MAX);
	cfi_put_u64(&cfi, 8 + 16);
	cfi_put_u64(&cfi, wide);
	cfi_put_u64(&cfi, CFI_CODE + 0x10);
	cfi_put_u64(&cfi, 0x10);
	all = read_all(&cfi);
	assert_int_equal(all.count, 2);
	assert_extent(&all, 0, 0, 0x10);
	assert_true(all.commons[all.list[0].common].initial.cfa_defined);
	assert_extent(&all, 1, 0x10, 0x20);
	assert_false(all.commons[all.list[1].common].initial.cfa_defined);
}

/* Bytes of a common record, behind its identifier, that nobody can use. */
static void commons_that_are_not_understood(void **state)
{
	static const struct {
		unsigned char bytes[8];
		size_t size;
	} cases[] = {
		{{2, 0, 1, 0x78, 16}, 5},              /* version */
		{{1, 'z', 'R'}, 3},                    /* a text without end */
		{{1, 'Q', 0, 1, 0x78, 16}, 6},         /* an unknown letter */
		{{4, 0, 4, 0, 1, 0x78, 16}, 7},        /* 32-bit addresses */
		{{4, 0, 8, 1, 1, 0x78, 16}, 7},        /* segments */
		{{1, 0, 0x80, 0x80, 0x80}, 5},         /* a number without end */
		{{1, 'z', 0, 1, 0x78, 16, 99}, 7},     /* data longer than the record */
		{{1, 'z', 'R', 0, 1, 0x78, 16, 0}, 8}, /* letters without data */
		{{1, 'P', 0, 1, 0x78, 16, 0x50}, 7},   /* an aligned pointer */
		{{1}, 1},
		{{0}, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup(frame_descriptions_clear) struct frame_descriptions all = {0};
		struct cfi_fixture cfi = {0};
		size_t common = cfi_begin(&cfi, 0);

		cfi_put(&cfi, cases[i].bytes, cases[i].size);
		cfi_end(&cfi, common);
		cfi_function(&cfi, common, CFI_CODE, 0x10, NULL, 0);
		all = read_all(&cfi);
		assert_int_equal(all.count, 0);
		assert_int_equal(all.common_count, 0);
	}
}

static void code_of_unsupported_commons_is_known(void **state)
{
	cleanup(frame_descriptions_clear) struct frame_descriptions all = {0};
	struct cfi_fixture cfi = {0};
	/* A damaged program; a return address elsewhere than in 16. */
	size_t damaged = cfi_common_augmented(&cfi, "", NULL, 0, BYTES(0x1f));
	size_t other = cfi_begin(&cfi, 0);

	(void)state;
	cfi_put(&cfi, BYTES(1, 0, 1, CFI_DATA_FACTOR & 0x7f, 8, CFI_USUAL));
	cfi_end(&cfi, other);
	cfi_function(&cfi, damaged, CFI_CODE, 0x10, NULL, 0);
	cfi_function(&cfi, other, CFI_CODE + 0x10, 0x10, NULL, 0);
	all = read_all(&cfi);
	assert_int_equal(all.count, 2);
	assert_false(all.commons[0].is_supported);
	assert_false(all.commons[1].is_supported);
}

static void pointers_to_common_records_are_checked(void **state)
{
	cleanup(frame_descriptions_clear) struct frame_descriptions all = {0};
	struct cfi_fixture cfi = {0};
	size_t common = cfi_common(&cfi), self;

	(void)state;
	/* Before the section, behind it, inside of a record, and to itself. */
	cfi_function(&cfi, common - 0x1000, CFI_CODE, 0x10, NULL, 0);
	cfi_function(&cfi, 0x7fffffff, CFI_CODE, 0x10, NULL, 0);
	cfi_function(&cfi, common + 1, CFI_CODE, 0x10, NULL, 0);
	self = cfi.size;
	cfi_function(&cfi, self, CFI_CODE, 0x10, NULL, 0);
	cfi_function(&cfi, common, CFI_CODE + 0x80, 0x10, NULL, 0);
	all = read_all(&cfi);
	assert_int_equal(all.count, 1);
	assert_extent(&all, 0, 0x80, 0x90);
}

static void lengths_that_lie_end_the_section(void **state)
{
	static const uint32_t lengths[] = {0x1000, 0x7fffffff, UINT32_MAX - 1, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		cleanup(frame_descriptions_clear) struct frame_descriptions all = {0};
		struct cfi_fixture cfi = {0};
		size_t common = cfi_common(&cfi);

		cfi_function(&cfi, common, CFI_CODE, 0x10, NULL, 0);
		cfi_put_u32(&cfi, lengths[i]);
		cfi_put_u64(&cfi, UINT64_MAX);
		cfi_put_u64(&cfi, 0);
		all = read_all(&cfi);
		assert_int_equal(all.count, 1);
	}
}

static void an_empty_record_ends_a_section_of_unknown_size(void **state)
{
	struct cfi_fixture cfi = {0};
	size_t common = cfi_common(&cfi);
	struct frame_section section;

	(void)state;
	cfi_function(&cfi, common, CFI_CODE, 0x10, NULL, 0);
	cfi_put_u32(&cfi, 0);
	cfi_function(&cfi, common, CFI_CODE + 0x10, 0x10, NULL, 0);
	section = cfi_section(&cfi);
	for (size_t expected = 2; expected > 0; expected--) {
		cleanup(frame_descriptions_clear) struct frame_descriptions all = {0};

		section.ends_at_zero = expected == 1;
		all = read_section(&section);
		assert_int_equal(all.count, expected);
	}
}

static void every_prefix_is_survived(void **state)
{
	struct cfi_fixture cfi = {0};
	size_t common =
		cfi_common_augmented(&cfi, "zPLR", BYTES(7, 0, 1, 2, 3, 4, 0, 0), BYTES(CFI_USUAL));

	(void)state;
	cfi_function(&cfi, common, CFI_CODE, 0x10, BYTES(0, DW_CFA_NOP));
	for (size_t size = 1; size <= cfi.size; size++) {
		cleanup(frame_descriptions_clear) struct frame_descriptions all = {0};
		autofree unsigned char *copy = malloc(size);
		const struct frame_section section = {.data = copy, .size = size};

		memcpy(copy, cfi.data, size);
		all = read_section(&section);
		assert_true(all.count <= 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptions_are_sorted_by_start),
		cmocka_unit_test(only_code_counts),
		cmocka_unit_test(augmentations_are_read),
		cmocka_unit_test(the_eh_augmentation_has_a_pointer),
		cmocka_unit_test(relative_pointers_count_from_themselves),
		cmocka_unit_test(records_of_64_bit_length_are_read),
		cmocka_unit_test(debug_frame_may_name_what_comes_later),
		cmocka_unit_test(commons_that_are_not_understood),
		cmocka_unit_test(code_of_unsupported_commons_is_known),
		cmocka_unit_test(pointers_to_common_records_are_checked),
		cmocka_unit_test(lengths_that_lie_end_the_section),
		cmocka_unit_test(an_empty_record_ends_a_section_of_unknown_size),
		cmocka_unit_test(every_prefix_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
