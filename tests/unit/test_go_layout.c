// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_layout.h"

#include "unit_test.h"

static const struct go_layout *find(uint32_t minor)
{
	struct go_version version = {.minor = minor, .patch = 3};

	return go_layout_find(&version);
}

static void known_versions_have_rows(void **state)
{
	(void)state;
	for (uint32_t minor = 15; minor <= 26; minor++)
		assert_non_null(find(minor));
}

static void unknown_versions_have_none(void **state)
{
	struct go_version development = {.minor = 24, .development = true};

	(void)state;
	assert_null(find(0));
	assert_null(find(14));
	assert_null(find(27));
	assert_null(find(UINT32_MAX));
	assert_null(go_layout_find(&development));
}

/* What the table that this one was compared with has: opentelemetry-ebpf-profiler. */
static void offsets_agree_with_others(void **state)
{
	(void)state;
	assert_int_equal(find(17)->g.labels, 360);
	assert_int_equal(find(20)->g.labels, 360);
	assert_int_equal(find(22)->g.labels, 344);
	assert_int_equal(find(24)->g.labels, 352);
	assert_int_equal(find(25)->g.labels, 344);
	assert_int_equal(find(26)->g.labels, 352);
	assert_int_equal(find(24)->g.goid, 160);
	assert_int_equal(find(26)->g.goid, 152);
	assert_int_equal(find(24)->m.curg, 192);
	assert_int_equal(find(25)->m.curg, 184);
	assert_int_equal(find(24)->g.sched_bp, 104);
	assert_int_equal(find(25)->g.sched_bp, 96);
}

static void fields_come_and_go(void **state)
{
	(void)state;
	assert_int_equal(find(16)->g.tracking_seq, GO_FIELD_NONE);
	assert_int_not_equal(find(17)->g.tracking_seq, GO_FIELD_NONE);
	assert_int_equal(find(20)->g.parent_goid, GO_FIELD_NONE);
	assert_int_not_equal(find(21)->g.parent_goid, GO_FIELD_NONE);
	assert_int_equal(find(22)->g.syscall_bp, GO_FIELD_NONE);
	assert_int_not_equal(find(23)->g.syscall_bp, GO_FIELD_NONE);
	assert_int_equal(find(17)->module.func_data, GO_FIELD_NONE);
	assert_int_not_equal(find(18)->module.func_data, GO_FIELD_NONE);
}

static void fields_lie_within_the_sizes(void **state)
{
	(void)state;
	for (uint32_t minor = 15; minor <= 26; minor++) {
		const struct go_layout *layout = find(minor);

		assert_int_equal(layout->g.labels + 8, layout->g.size);
		assert_int_equal(layout->sudog.c + 8, layout->sudog.size);
		assert_int_equal(layout->sudog.next, layout->sudog.g + 8);
		assert_int_equal(layout->sudog.prev, layout->sudog.g + 16);
		assert_int_equal(layout->channel.senders + 8, layout->channel.size);
		assert_int_equal(layout->channel.senders, layout->channel.receivers + 16);
		assert_true(layout->module.text + 8 <= layout->module.size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_versions_have_rows),
		cmocka_unit_test(unknown_versions_have_none),
		cmocka_unit_test(offsets_agree_with_others),
		cmocka_unit_test(fields_come_and_go),
		cmocka_unit_test(fields_lie_within_the_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
