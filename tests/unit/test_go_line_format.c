// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/go_line_format.h"

#include "go_line_fixture.h"

enum {
	ROOM = GO_FIXTURE_SIZE - GO_FIXTURE_TABLE,
};

static bool parse(const struct go_fixture *fixture, uint64_t size, struct go_line_header *header)
{
	return go_line_header_parse(fixture->bytes + GO_FIXTURE_TABLE, size, header);
}

static void parts_of_the_newer_formats(void **state)
{
	struct go_line_header header;
	struct go_fixture fixture;

	(void)state;
	for (enum go_fixture_format i = GO_FIXTURE_1_16; i < GO_FIXTURE_FORMATS; i++) {
		go_fixture_init(&fixture, i);
		assert_true(parse(&fixture, ROOM, &header));
		assert_int_equal(header.functions, GO_FIXTURE_FUNCTIONS);
		assert_int_equal(header.text, i >= GO_FIXTURE_1_18 ? GO_FIXTURE_TEXT : 0);
		assert_int_equal(header.names, fixture.names - GO_FIXTURE_TABLE);
		assert_int_equal(header.units, fixture.units - GO_FIXTURE_TABLE);
		assert_int_equal(header.files, fixture.files - GO_FIXTURE_TABLE);
		assert_int_equal(header.pc_values, fixture.values - GO_FIXTURE_TABLE);
		assert_int_equal(header.function_tab, fixture.functab - GO_FIXTURE_TABLE);
		assert_int_equal(header.function_base, header.function_tab);
		assert_int_equal(go_line_header_functab_size(&header),
				 (2 * GO_FIXTURE_FUNCTIONS + 1) * (i == GO_FIXTURE_1_16 ? 8 : 4));
	}
}

static void the_functab_must_fit(void **state)
{
	struct go_line_header header;
	struct go_fixture fixture;
	uint64_t needed;

	(void)state;
	for (enum go_fixture_format i = GO_FIXTURE_1_16; i < GO_FIXTURE_FORMATS; i++) {
		go_fixture_init(&fixture, i);
		assert_true(parse(&fixture, ROOM, &header));
		needed = header.function_tab + go_line_header_functab_size(&header);
		assert_true(parse(&fixture, needed, &header));
		assert_false(parse(&fixture, needed - 1, &header));
		assert_false(parse(&fixture, header.function_tab - 1, &header));
		assert_false(parse(&fixture, GO_LINE_HEADER_SIZE - 1, &header));
	}
}

static void parts_stand_in_order(void **state)
{
	struct go_line_header header;
	struct go_fixture fixture;

	(void)state;
	/* The words behind textStart. */
	for (size_t i = 0; i < 5; i++) {
		go_fixture_init(&fixture, GO_FIXTURE_1_20);
		memset(fixture.bytes + GO_FIXTURE_TABLE + 32 + 8 * i, 0xff, 8);
		assert_false(parse(&fixture, ROOM, &header));
		memset(fixture.bytes + GO_FIXTURE_TABLE + 32 + 8 * i, 0, 8);
		assert_false(parse(&fixture, ROOM, &header));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_of_the_newer_formats),
		cmocka_unit_test(the_functab_must_fit),
		cmocka_unit_test(parts_stand_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
