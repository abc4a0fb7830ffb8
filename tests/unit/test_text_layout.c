// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <string.h>

#include "output/text_layout.h"

static void assert_buffer(struct buffer *buffer, const char *expected)
{
	buffer_add(buffer, "", 1);
	assert_string_equal(buffer->data, expected);
	buffer_release(buffer);
}

static void test_cells_align_and_lines_have_no_trailing_blanks(void **state)
{
	struct buffer buffer = {0};
	struct layout layout = {.width = 40};

	(void)state;
	layout_begin(&layout, &buffer);
	layout_right(&layout, "12", 5);
	layout_tab(&layout, 8);
	layout_right(&layout,
		     "\xe2\x89\xa4"
		     "4s",
		     6);
	layout_text(&layout, "  ");
	layout_tab(&layout, 30);
	layout_end_line(&layout);
	layout_tab(&layout, 7);
	layout_end_line(&layout);
	layout_right(&layout, "123456", 5);
	layout_end_line(&layout);
	/* A name may end in blanks: they go, not the name. */
	layout_text(&layout, "a name  ");
	layout_end_line(&layout);
	assert_buffer(&buffer, "   12      \xe2\x89\xa4"
			       "4s\n\n123456\na name\n");
}

static void test_items_wrap(void **state)
{
	struct buffer buffer = {0};
	struct layout layout = {.width = 20};

	(void)state;
	layout_begin(&layout, &buffer);
	layout_text(&layout, "LOST");
	layout_item(&layout, "12 map_full,", 2, 6);
	layout_item(&layout, "3 full", 1, 6);
	layout_item(&layout, "a_very_long_item_indeed", 1, 6);
	layout_end_line(&layout);
	assert_buffer(&buffer, "LOST  12 map_full,\n      3 full\n      a_very_long_item_indeed\n");
}

static void test_hostile_text_is_escaped_and_fits(void **state)
{
	struct buffer buffer = {0};
	struct layout layout = {.width = 20};

	(void)state;
	layout_begin(&layout, &buffer);
	layout_hostile(&layout, "a\nb", 20);
	assert_int_equal(layout_room(&layout, 1), 14);
	assert_int_equal(layout_room(&layout, 16), 16);
	layout_hostile(&layout, "0123456789abcdef", 7);
	layout_end_line(&layout);
	assert_buffer(&buffer, "a\\x0ab012\xe2\x80\xa6"
			       "def\n");
}

static void test_words_are_not_broken(void **state)
{
	struct buffer buffer = {0};
	struct layout layout = {.width = 12};

	(void)state;
	layout_begin(&layout, &buffer);
	layout_text(&layout, "one");
	layout_words(&layout, "two three  four", 2, 4);
	layout_words(&layout, "", 2, 4);
	layout_end_line(&layout);
	assert_buffer(&buffer, "one  two\n    three\n    four\n");
}

static void test_colour_only_when_asked(void **state)
{
	struct buffer buffer = {0};
	struct layout layout = {.width = 20, .colour = true};

	(void)state;
	layout_begin(&layout, &buffer);
	layout_colour(&layout, COLOUR_HEAD);
	layout_text(&layout, "head");
	layout_colour(&layout, COLOUR_NONE);
	layout_end_line(&layout);
	layout.colour = false;
	layout_colour(&layout, COLOUR_WARNING);
	layout_text(&layout, "plain");
	layout_end_line(&layout);
	assert_buffer(&buffer, "\033[1mhead\033[0m\nplain\n");
}

static void test_hostile_items_are_escaped_and_cut(void **state)
{
	struct buffer buffer = {0};
	struct layout layout = {.width = 12, .ascii = true};

	(void)state;
	layout_begin(&layout, &buffer);
	layout_text(&layout, "one");
	layout_hostile_item(&layout, "a\n", 2, 4);
	layout_hostile_item(&layout, "abcdefghijkl", 2, 4);
	layout_end_line(&layout);
	assert_buffer(&buffer, "one  a\\x0a\n    abc...kl\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells_align_and_lines_have_no_trailing_blanks),
		cmocka_unit_test(test_items_wrap),
		cmocka_unit_test(test_hostile_text_is_escaped_and_fits),
		cmocka_unit_test(test_words_are_not_broken),
		cmocka_unit_test(test_colour_only_when_asked),
		cmocka_unit_test(test_hostile_items_are_escaped_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
