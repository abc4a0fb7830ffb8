// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/go_inline_tree.h"

#include "go_line_fixture.h"

static void calls_of_all_formats(void **state)
{
	struct go_fixture fixture;

	(void)state;
	for (enum go_fixture_format i = 0; i < GO_FIXTURE_FORMATS; i++) {
		auto_free(elf_image) struct elf_image *image = NULL;
		auto_free(elf_blocks) struct elf_blocks *blocks = NULL;
		struct go_line_header header;
		struct go_inlined_call call;
		struct elf_span tree;

		go_fixture_init(&fixture, i);
		fixture.bytes[GO_FIXTURE_FUNC_DATA + 8 + (i == GO_FIXTURE_1_20 ? 0 : 2)] = 17;
		assert_int_equal(
			elf_image_open_memory(fixture.bytes, sizeof(fixture.bytes), &image, NULL),
			0);
		assert_true(go_line_header_parse(fixture.bytes + GO_FIXTURE_TABLE,
						 GO_FIXTURE_SIZE - GO_FIXTURE_TABLE, &header));
		blocks = elf_blocks_new(image);
		assert_non_null(blocks);
		tree = (struct elf_span){
			.blocks = blocks,
			.offset = GO_FIXTURE_FUNC_DATA + 8,
			.size = 2 * (size_t)header.format->call_size,
		};
		assert_true(go_inline_tree_read(&tree, header.format, 0, &call));
		assert_int_equal(call.id, 17);
		assert_int_equal(call.parent_pc, 0x08);
		assert_int_equal(call.start_line, i == GO_FIXTURE_1_20 ? 29 : 0);
		assert_true(go_inline_tree_read(&tree, header.format, 1, &call));
		assert_int_equal(call.id, 0);
		assert_int_equal(call.parent_pc, 0x12);
		assert_false(go_inline_tree_read(&tree, header.format, 2, &call));
		assert_false(go_inline_tree_read(&tree, header.format, -1, &call));
		assert_false(go_inline_tree_read(&tree, header.format, INT32_MAX, &call));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_of_all_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
