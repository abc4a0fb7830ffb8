// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/perf_map_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit_test.h"

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct symbol_index));
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	symbol_index_clear(*state);
	free(*state);
	return 0;
}

/* Hands the text over in pieces of that size. */
static void parse_pieces(struct symbol_index *index, const char *text, size_t size, size_t piece)
{
	auto_free(perf_map_lines) struct perf_map_lines *lines = perf_map_lines_new(false);

	assert_non_null(lines);
	symbol_index_clear(index);
	for (size_t at = 0; at < size; at += piece) {
		size_t left = size - at;

		assert_int_equal(perf_map_lines_add(lines, text + at, left < piece ? left : piece),
				 0);
	}
	assert_int_equal(perf_map_lines_index(lines, index), 0);
	assert_false(perf_map_lines_truncated(lines));
}

static void parse(struct symbol_index *index, const char *text)
{
	parse_pieces(index, text, strlen(text), strlen(text));
}

static void assert_name(const struct symbol_index *index, uint64_t address, const char *name)
{
	const struct symbol_entry *entry = symbol_index_find(index, address);

	assert_non_null(entry);
	assert_string_equal(symbol_index_name(index, entry), name);
}

static void assert_no_name(const struct symbol_index *index, uint64_t address)
{
	assert_null(symbol_index_find(index, address));
}

static void lines_of_real_programs(void **state)
{
	struct symbol_index *index = *state;

	/* node --perf-basic-prof, jcmd Compiler.perfmap, python3.12 -X perf */
	parse(index, "3b30ae0c1b60 1c LazyCompile:~listOnTimeout node:internal/timers:520\n"
		     "0x00007f8b1d2a3c00 0x00000000000003f8 java.lang.String.hashCode()\n"
		     "7f3c8e0f4000 b py::main:/tmp/a b.py\n");
	assert_int_equal(index->count, 3);
	assert_name(index, 0x3b30ae0c1b60, "LazyCompile:~listOnTimeout node:internal/timers:520");
	assert_name(index, 0x3b30ae0c1b7b, "LazyCompile:~listOnTimeout node:internal/timers:520");
	assert_no_name(index, 0x3b30ae0c1b7c);
	assert_name(index, 0x7f8b1d2a3ff7, "java.lang.String.hashCode()");
	assert_name(index, 0x7f3c8e0f400a, "py::main:/tmp/a b.py");
}

static void pieces_of_any_size_give_the_same(void **state)
{
	static const char text[] = "30 10 three\n10 10 one\nrubbish\n20 8 two\n";
	struct symbol_index *index = *state;

	for (size_t piece = 1; piece < sizeof(text); piece++) {
		parse_pieces(index, text, strlen(text), piece);
		assert_int_equal(index->count, 3);
		assert_name(index, 0x1f, "one");
		assert_name(index, 0x20, "two");
		assert_no_name(index, 0x28);
		assert_name(index, 0x30, "three");
	}
}

static void later_lines_replace_what_they_overlap(void **state)
{
	struct symbol_index *index = *state;

	parse(index, "10 10 old\n18 10 new\n");
	assert_int_equal(index->count, 1);
	assert_no_name(index, 0x10);
	assert_name(index, 0x18, "new");
	parse(index, "10 40 old\n20 8 inner\n");
	assert_no_name(index, 0x1f);
	assert_name(index, 0x20, "inner");
	assert_no_name(index, 0x28);
	parse(index, "20 8 inner\n10 40 outer\n");
	assert_name(index, 0x20, "outer");
	parse(index, "10 10 same\n10 10 same again\n");
	assert_name(index, 0x10, "same again");
	/* The second replaced the first, whoever replaced the second. */
	parse(index, "50 10 first\n0 100 second\n10 10 third\n");
	assert_int_equal(index->count, 1);
	assert_name(index, 0x10, "third");
	parse(index, "10 10 a\n20 10 b\n30 10 c\n18 20 d\n");
	assert_int_equal(index->count, 1);
	assert_name(index, 0x37, "d");
}

/* Against the rule itself, tried on each pair. */
static void replacing_is_as_the_rule_says(void **state)
{
	enum {
		LINES = 60,
		ROUNDS = 200,
	};
	struct symbol_index *index = *state;

	srandom(7);
	for (size_t round = 0; round < ROUNDS; round++) {
		size_t start[LINES], size[LINES], alive = 0;
		char text[LINES * 32] = "";

		for (size_t i = 0; i < LINES; i++) {
			start[i] = (size_t)random() % 1000;
			size[i] = (size_t)random() % 40 + 1;
			sprintf(text + strlen(text), "%zx %zx f%zu\n", start[i], size[i], i);
		}
		parse(index, text);
		for (size_t i = 0; i < LINES; i++) {
			char name[16];
			size_t j = i + 1;

			while (j < LINES &&
			       (start[j] + size[j] <= start[i] || start[i] + size[i] <= start[j]))
				j++;
			if (j < LINES)
				continue;
			snprintf(name, sizeof(name), "f%zu", i);
			assert_name(index, start[i], name);
			assert_name(index, start[i] + size[i] - 1, name);
			alive++;
		}
		assert_int_equal(index->count, alive);
	}
}

static void what_is_no_line_counts_as_not_there(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		" \n",
		"10\n",
		"10 \n",
		"10 10\n",
		"10 10 \n",
		"10 0 name\n",
		"xyz 10 name\n",
		"10 xyz name\n",
		" 10 10 name\n",
		"-10 10 name\n",
		"0x 10 name\n",
		"11112222333344445 10 name\n",
		"10 100000000 name\n",
		"ffffffffffffffff 10 name\n",
		"10\t10\tname\n",
		"10 10 no newline",
	};
	static const char nul[] = "10 10 na\0me\n";
	struct symbol_index *index = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		parse(index, texts[i]);
		assert_int_equal(index->count, 0);
	}
	parse_pieces(index, nul, sizeof(nul) - 1, 4);
	assert_int_equal(index->count, 0);
}

static void the_ends_of_the_address_space(void **state)
{
	struct symbol_index *index = *state;

	parse(index, "0 1 first\nffffffffffffff00 ff last\n");
	assert_name(index, 0, "first");
	assert_no_name(index, 1);
	assert_name(index, UINT64_MAX - 1, "last");
}

static void binary_junk_is_survived(void **state)
{
	struct symbol_index *index = *state;
	char junk[64 << 10];

	srandom(3);
	for (size_t round = 0; round < 20; round++) {
		for (size_t i = 0; i < sizeof(junk); i++)
			junk[i] = "0 1f\n\t\xff"[random() % 8];
		parse_pieces(index, junk, sizeof(junk), 4096);
		for (size_t i = 1; i < index->count; i++)
			assert_true(index->entries[i - 1].address + index->entries[i - 1].size <=
				    index->entries[i].address);
	}
}

static void long_lines_are_left_out_and_long_names_cut(void **state)
{
	struct symbol_index *index = *state;
	char text[2 * PERF_MAP_LINE_SIZE + 64] = "10 10 ";
	size_t longest = PERF_MAP_LINE_SIZE;

	memset(text + strlen(text), 'x', longest - strlen(text));
	strcat(text, "\n40 10 next\n");
	parse_pieces(index, text, strlen(text), 1000);
	assert_int_equal(index->count, 2);
	assert_int_equal(strlen(symbol_index_name(index, symbol_index_find(index, 0x10))),
			 PERF_MAP_NAME_SIZE - 1);
	assert_name(index, 0x40, "next");
	memmove(text + longest + 1, text + longest, strlen(text + longest) + 1);
	text[longest] = 'x';
	parse_pieces(index, text, strlen(text), 1000);
	assert_int_equal(index->count, 1);
	assert_name(index, 0x40, "next");
}

static void a_text_may_start_within_a_line(void **state)
{
	auto_free(perf_map_lines) struct perf_map_lines *lines = perf_map_lines_new(true);
	static const char text[] = "10 10 rest of a name\n20 10 name\n";
	struct symbol_index *index = *state;

	assert_int_equal(perf_map_lines_add(lines, text, strlen(text)), 0);
	assert_int_equal(perf_map_lines_index(lines, index), 0);
	assert_int_equal(index->count, 1);
	assert_name(index, 0x20, "name");
}

static void of_too_many_lines_the_last_count(void **state)
{
	auto_free(perf_map_lines) struct perf_map_lines *lines = perf_map_lines_new(false);
	struct symbol_index *index = *state;
	size_t last = 0;

	for (size_t i = 1; i <= PERF_MAP_LINES_MAX + 1; i++) {
		char line[32];
		int length = snprintf(line, sizeof(line), "%zx 8 f\n", i * 16);

		assert_int_equal(perf_map_lines_add(lines, line, (size_t)length), 0);
		last = i * 16;
	}
	assert_int_equal(perf_map_lines_index(lines, index), 0);
	assert_true(perf_map_lines_truncated(lines));
	assert_in_range(index->count, PERF_MAP_LINES_MAX / 2, PERF_MAP_LINES_MAX);
	assert_name(index, last, "f");
	assert_name(index, (PERF_MAP_LINES_MAX / 2 + 10) * 16, "f");
	assert_no_name(index, 16);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(lines_of_real_programs),
		TEST(pieces_of_any_size_give_the_same),
		TEST(later_lines_replace_what_they_overlap),
		TEST(replacing_is_as_the_rule_says),
		TEST(what_is_no_line_counts_as_not_there),
		TEST(the_ends_of_the_address_space),
		TEST(binary_junk_is_survived),
		TEST(long_lines_are_left_out_and_long_names_cut),
		TEST(a_text_may_start_within_a_line),
		TEST(of_too_many_lines_the_last_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
