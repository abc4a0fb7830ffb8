// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/escape.h"

static void assert_text(const char *hostile, const char *expected)
{
	char safe[256];

	assert_int_equal(escape_text(hostile, false, safe, sizeof(safe)), strlen(expected));
	assert_string_equal(safe, expected);
}

static void assert_json(const char *hostile, const char *expected)
{
	char valid[256];

	assert_int_equal(escape_utf8(hostile, valid, sizeof(valid)), strlen(expected));
	assert_string_equal(valid, expected);
}

static void test_harmless_text_stays(void **state)
{
	(void)state;
	assert_text("", "");
	assert_text("payments-api (v2) \"x\" 'y'", "payments-api (v2) \"x\" 'y'");
	assert_text("größe \xe2\x82\xac \xf0\x9f\x98\x80", "größe \xe2\x82\xac \xf0\x9f\x98\x80");
}

static void test_controls_are_shown(void **state)
{
	(void)state;
	assert_text("a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd");
	assert_text("\033[31mred\007\177", "\\x1b[31mred\\x07\\x7f");
	assert_text("\xc2\x85", "\\u{85}"); /* next line */
	assert_text("\xc2\x9b"
		    "2J",
		    "\\u{9b}2J"); /* CSI in one character */
}

static void test_line_separators_and_reordering_are_shown(void **state)
{
	(void)state;
	assert_text("a\xe2\x80\xa8"
		    "b\xe2\x80\xa9",
		    "a\\u{2028}b\\u{2029}");
	assert_text("\xe2\x80\xaa\xe2\x80\xae", "\\u{202a}\\u{202e}");
	assert_text("\xe2\x81\xa6\xe2\x81\xa9", "\\u{2066}\\u{2069}");
	assert_text("\xe2\x80\x8b\xef\xbb\xbf", "\\u{200b}\\u{feff}");
	assert_text("\xf3\xa0\x81\x81", "\\u{e0041}");
}

static void test_what_is_not_utf8_is_shown(void **state)
{
	(void)state;
	assert_text("\xff\xfe", "\\xff\\xfe");
	assert_text("\x80", "\\x80");
	assert_text("\xc0\xaf", "\\xc0\\xaf");                   /* overlong */
	assert_text("\xe0\x80\x8a", "\\xe0\\x80\\x8a");          /* overlong newline */
	assert_text("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* surrogate */
	assert_text("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond U+10FFFF */
	assert_text("\xe2\x82", "\\xe2\\x82");                   /* cut */
	assert_text("\xe2\x82"
		    "a",
		    "\\xe2\\x82a");
}

static void test_nobody_can_write_an_escape(void **state)
{
	(void)state;
	assert_text("\\x0a", "\\\\x0a");
}

static void test_ascii_escapes_the_rest(void **state)
{
	char safe[64];

	(void)state;
	escape_text("a\xc3\xb6\xe2\x82\xac", true, safe, sizeof(safe));
	assert_string_equal(safe, "a\\u{f6}\\u{20ac}");
}

static void test_never_cuts_a_character_or_an_escape(void **state)
{
	const char *text = "a\n\xe2\x82\xac\xff"
			   "b";
	char exact[32];

	(void)state;
	for (size_t size = 1; size < sizeof(exact); size++) {
		size_t length;

		/* The last byte is a guard; ASan sees what goes beyond `size`. */
		memset(exact, 'z', sizeof(exact));
		length = escape_text(text, false, exact, size);
		assert_true(length < size);
		assert_int_equal(strlen(exact), length);
		for (size_t i = size; i < sizeof(exact); i++)
			assert_int_equal(exact[i], 'z');
		assert_true(length == 0 || length == 1 || length == 5 || length == 8 ||
			    length == 12 || length == 13);
		length = escape_utf8(text, exact, size);
		assert_true(length == 0 || length == 1 || length == 2 || length == 5 ||
			    length == 8 || length == 9);
	}
}

static void test_json_gets_valid_utf8(void **state)
{
	(void)state;
	assert_json("a\nb\\", "a\nb\\"); /* the JSON writer escapes these */
	assert_json("\xc3\xb6", "\xc3\xb6");
	assert_json("\xff"
		    "a\xc3",
		    "\xef\xbf\xbd"
		    "a\xef\xbf\xbd");
	assert_json("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void assert_shortened(const char *text, size_t columns, bool ascii, const char *expected)
{
	char *exact = strdup(text); /* ASan sees a byte more */

	assert_non_null(exact);
	escape_shorten(exact, columns, ascii);
	assert_string_equal(exact, expected);
	free(exact);
}

static void test_shortens_in_the_middle(void **state)
{
	(void)state;
	assert_shortened("abcdefghij", 10, false, "abcdefghij");
	assert_shortened("abcdefghij", 7, false, "abc\xe2\x80\xa6hij");
	assert_shortened("abcdefghij", 6, false, "abc\xe2\x80\xa6ij");
	assert_shortened("abcdefghij", 7, true, "ab...ij");
	assert_shortened("abcdefghij", 2, true, "ab");
	assert_shortened("abcdefghij", 1, false, "a");
	assert_shortened("abcdefghij", 0, false, "");
	/* The cut would be two bytes and the mark has three. */
	assert_shortened("abcdef", 5, false,
			 "ab\xe2\x80\xa6"
			 "f");
	assert_shortened("\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6", 3, false,
			 "\xc3\xb6\xe2\x80\xa6\xc3\xb6");
}

static void test_shortened_text_always_fits(void **state)
{
	char text[64];

	(void)state;
	for (size_t length = 0; length < 24; length++) {
		for (size_t columns = 0; columns < 24; columns++) {
			memset(text, 'a', length);
			text[length] = '\0';
			escape_shorten(text, columns, columns % 2);
			assert_true(escape_columns(text) <= columns || length <= columns);
			assert_true(strlen(text) <= length);
		}
	}
}

static void test_columns_are_characters(void **state)
{
	(void)state;
	assert_int_equal(escape_columns(""), 0);
	assert_int_equal(escape_columns("a\xc3\xb6\xe2\x82\xac\xf0\x9f\x98\x80"), 4);
}

static void test_what_is_utf8(void **state)
{
	(void)state;
	assert_true(escape_is_utf8(""));
	assert_true(escape_is_utf8("a\n\xc3\xb6\xe2\x82\xac\xf0\x9f\x98\x80"));
	assert_false(escape_is_utf8("a\xff"));
	assert_false(escape_is_utf8("\xe2\x82"));
	assert_false(escape_is_utf8("\xed\xa0\x80")); /* a surrogate */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_harmless_text_stays),
		cmocka_unit_test(test_controls_are_shown),
		cmocka_unit_test(test_line_separators_and_reordering_are_shown),
		cmocka_unit_test(test_what_is_not_utf8_is_shown),
		cmocka_unit_test(test_nobody_can_write_an_escape),
		cmocka_unit_test(test_ascii_escapes_the_rest),
		cmocka_unit_test(test_never_cuts_a_character_or_an_escape),
		cmocka_unit_test(test_json_gets_valid_utf8),
		cmocka_unit_test(test_shortens_in_the_middle),
		cmocka_unit_test(test_shortened_text_always_fits),
		cmocka_unit_test(test_columns_are_characters),
		cmocka_unit_test(test_what_is_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
