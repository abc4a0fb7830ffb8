// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/cfi_cursor.h"

#include <stdlib.h>

#include "cfi_fixture.h"

static void leb128_numbers(void **state)
{
	static const struct {
		unsigned char bytes[11];
		size_t size;
		uint64_t value;
	} cases[] = {
		{{0}, 1, 0},
		{{0x7f}, 1, 127},
		{{0x80, 0x01}, 2, 128},
		{{0xe5, 0x8e, 0x26}, 3, 624485},
		{{0x81, 0x80, 0x80, 0}, 4, 1}, /* padded */
		{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 10, UINT64_MAX},
		{{0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0}, 11, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cfi_cursor cursor = cfi_cursor_of(cases[i].bytes, cases[i].size);

		assert_int_equal(cfi_uleb(&cursor), cases[i].value);
		assert_false(cursor.failed);
		assert_true(cfi_at_end(&cursor));
	}
}

static void signed_leb128_numbers(void **state)
{
	static const struct {
		unsigned char bytes[10];
		size_t size;
		int64_t value;
	} cases[] = {
		{{0x3f}, 1, 63},
		{{0x40}, 1, -64},
		{{0x7f}, 1, -1},
		{{0x78}, 1, -8},
		{{0x80, 0x7f}, 2, -128},
		{{0xa0, 0x01}, 2, 160},
		{{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}, 10, INT64_MIN},
		{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00}, 10, INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cfi_cursor cursor = cfi_cursor_of(cases[i].bytes, cases[i].size);

		assert_int_equal(cfi_sleb(&cursor), cases[i].value);
		assert_false(cursor.failed);
		assert_true(cfi_at_end(&cursor));
	}
}

static void numbers_that_are_cut_or_too_wide_fail(void **state)
{
	static const unsigned char wide[] = {0x80, 0x80, 0x80, 0x80, 0x80,
					     0x80, 0x80, 0x80, 0x80, 0x02};
	struct cfi_cursor cut = cfi_cursor_of(BYTES(0x80, 0x80));
	struct cfi_cursor cut_signed = cut;
	struct cfi_cursor too_wide = cfi_cursor_of(wide, sizeof(wide));
	struct cfi_cursor too_wide_signed = too_wide;
	struct cfi_cursor short_word = cfi_cursor_of(BYTES(1, 2, 3));

	(void)state;
	assert_int_equal(cfi_uleb(&cut), 0);
	assert_true(cut.failed);
	assert_int_equal(cfi_sleb(&cut_signed), 0);
	assert_true(cut_signed.failed);
	assert_int_equal(cfi_uleb(&too_wide), 0);
	assert_true(too_wide.failed);
	assert_int_equal(cfi_sleb(&too_wide_signed), 0);
	assert_true(too_wide_signed.failed);
	assert_int_equal(cfi_u32(&short_word), 0);
	assert_true(short_word.failed);
	/* And so does everything behind. */
	assert_int_equal(cfi_u8(&short_word), 0);
	assert_true(cfi_at_end(&short_word));
}

static void blocks_and_texts_end_inside(void **state)
{
	struct cfi_cursor cursor = cfi_cursor_of(BYTES('z', 'R', 0, 1, 2, 3));
	struct cfi_cursor block;

	(void)state;
	assert_string_equal(cfi_text(&cursor), "zR");
	block = cfi_block(&cursor, 2);
	assert_int_equal(cfi_u16(&block), 0x201);
	assert_true(cfi_at_end(&block));
	assert_int_equal(cfi_u8(&cursor), 3);
	cursor = cfi_cursor_of(BYTES('z', 'R'));
	assert_null(cfi_text(&cursor));
	assert_true(cursor.failed);
	cursor = cfi_cursor_of(BYTES(1, 2));
	block = cfi_block(&cursor, UINT64_MAX);
	assert_true(block.failed);
	assert_true(cursor.failed);
}

static void pointers_by_encoding(void **state)
{
	static const unsigned char data[] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const struct {
		uint8_t encoding;
		uint64_t value;
		size_t size;
	} cases[] = {
		{DW_EH_PE_ABSPTR, UINT64_MAX - 1, 8},
		{DW_EH_PE_UDATA8, UINT64_MAX - 1, 8},
		{DW_EH_PE_SDATA8, UINT64_MAX - 1, 8},
		{DW_EH_PE_UDATA4, 0xfffffffe, 4},
		{DW_EH_PE_SDATA4, UINT64_MAX - 1, 4},
		{DW_EH_PE_UDATA2, 0xfffe, 2},
		{DW_EH_PE_SDATA2, UINT64_MAX - 1, 2},
		{DW_EH_PE_PCREL | DW_EH_PE_SDATA4, 0x1000 - 2, 4},
		{DW_EH_PE_PCREL | DW_EH_PE_UDATA2, 0x1000 + 0xfffe, 2},
		{DW_EH_PE_DATAREL | DW_EH_PE_SDATA4, 0x2000 - 2, 4},
	};
	static const struct cfi_pointer_base base = {data, 0x1000, 0x2000};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cfi_cursor cursor = cfi_cursor_of(data, sizeof(data));

		assert_int_equal(cfi_pointer(&cursor, cases[i].encoding, &base), cases[i].value);
		assert_false(cursor.failed);
		assert_int_equal(cursor.at - data, cases[i].size);
	}
}

static void leb128_pointers(void **state)
{
	static const unsigned char data[] = {0, 0x78};
	static const struct cfi_pointer_base base = {data, 0x1000, 0};
	struct cfi_cursor cursor = {.at = data + 1, .end = data + 2};

	(void)state;
	assert_int_equal(cfi_pointer(&cursor, DW_EH_PE_PCREL | DW_EH_PE_SLEB128, &base), 0xff9);
	cursor = (struct cfi_cursor){.at = data + 1, .end = data + 2};
	assert_int_equal(cfi_pointer(&cursor, DW_EH_PE_PCREL | DW_EH_PE_ULEB128, &base), 0x1079);
}

static void pointers_that_nobody_can_know_fail(void **state)
{
	static const unsigned char data[8] = {1};
	/* Indirect, text- and function-relative, aligned, left out, unknown; no data base. */
	static const uint8_t encodings[] = {
		0x80, 0x9b, 0x20, 0x40, 0x50, 0xff, 0x05, 0x0d, DW_EH_PE_DATAREL};
	static const struct cfi_pointer_base base = {data, 0x1000, 0};

	(void)state;
	for (size_t i = 0; i < sizeof(encodings); i++) {
		struct cfi_cursor cursor = cfi_cursor_of(data, sizeof(data));

		assert_int_equal(cfi_pointer(&cursor, encodings[i], &base), 0);
		assert_true(cursor.failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leb128_numbers),
		cmocka_unit_test(signed_leb128_numbers),
		cmocka_unit_test(numbers_that_are_cut_or_too_wide_fail),
		cmocka_unit_test(blocks_and_texts_end_inside),
		cmocka_unit_test(pointers_by_encoding),
		cmocka_unit_test(leb128_pointers),
		cmocka_unit_test(pointers_that_nobody_can_know_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
