// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include "dump_builder.h"
#include "jsonl_fixture.h"

struct pair {
	struct dump *old, *new;
};

static struct pair pair_new(void)
{
	struct pair pair = {build_dump(1790000000000000000), build_dump(1790000060000000000)};
	struct dump_site *site;

	dump_process(pair.old, 7, "api", "a");
	dump_process(pair.new, 7, "api", "a");
	for (uint64_t id = 1; id <= 3; id++) {
		dump_stays(dump_site(pair.old, 0, id, "work", 5 * id), 100 * id);
		dump_stays(dump_site(pair.new, 0, id, "work", 6 * id), 100 * id + 1);
	}
	site = dump_site(pair.new, 0, 9, "main.\"send\n", 4);
	site->unit = UNIT_GOROUTINE;
	free(site->reason);
	site->reason = build_string("chan_send");
	site->created_by = build_string("main.main");
	dump_stays(site, 900);
	pair.new->processes[0].go = true;
	dump_stays(dump_site(pair.old, 0, 5, "idle", 1), 0);
	dump_stays(dump_site(pair.new, 0, 5, "idle", 1), 0);
	pair.new->processes[0].container_id = build_string("abc");
	dump_process(pair.old, 9, "gone", NULL);
	return pair;
}

static void pair_free(struct pair *pair)
{
	dump_free(pair->old);
	dump_free(pair->new);
}

static void write_diff(struct fixture *fixture, const struct pair *pair)
{
	const struct diff_rules rules = {.units = SHOWN_ALL};
	struct dump_diff *diff = dump_diff_new(pair->old, pair->new, &rules);

	assert_non_null(diff);
	assert_int_equal(jsonl_diff(fixture->jsonl, diff, pair->old, pair->new, NULL), 0);
	dump_diff_free(diff);
	read_back(fixture);
	assert_valid(fixture);
}

static void test_a_record_for_each_process_and_site(void **state)
{
	struct fixture *fixture = fixture_new("diff", false, 0);
	struct pair pair = pair_new();
	json_t *record;

	(void)state;
	write_diff(fixture, &pair);
	/* Two processes, four sites that differ. */
	assert_int_equal(json_array_size(fixture->records), 6);
	record = record_of(fixture, "parkscope.diff", 0);
	assert_text(record, "@timestamp", "2026-09-21T14:14:20.000Z");
	assert_text(record, "event.kind", "state");
	assert_text(record, "host.name", "host-1");
	assert_text(record, "process.name", "api");
	assert_text(record, "container.id", "abc");
	assert_count(record, "parkscope.seq", 0);
	assert_real(record, "parkscope.interval_s", 60);
	assert_text(record, "parkscope.of", "process");
	assert_text(record, "parkscope.change", "differs");
	assert_true(json_is_true(at(record, "parkscope.same_process")));
	assert_text(record, "parkscope.old.time", "2026-09-21T14:13:20.000Z");
	assert_count(record, "parkscope.new.pid", 7);
	record = json_array_get(at(record, "parkscope.units"), 0);
	assert_text(record, "unit", "thread");
	assert_count(record, "parked.old", 31);
	assert_count(record, "parked.new", 37);
	assert_real(record, "parked.rate_per_min", 6);
	assert_count(record, "parked.stayed", 28);
	assert_count(record, "parked.left", 3);
	assert_count(record, "parked.came", 9);
	assert_count(record, "sites.grew", 3);
	assert_count(record, "sites.same", 1);
	assert_null(at(record, "now"));

	record = record_of(fixture, "parkscope.diff", 1);
	assert_text(record, "parkscope.of", "site");
	assert_text(record, "parkscope.change", "new");
	assert_text(record, "parkscope.unit", "goroutine");
	assert_text(record, "parkscope.reason", "chan_send");
	assert_text(record, "parkscope.site", "0000000000000009");
	assert_text(record, "parkscope.created_by", "main.main");
	assert_string_equal(json_string_value(json_array_get(at(record, "parkscope.stack"), 0)),
			    "main.\"send\n+0x1f (target)");
	assert_count(record, "parkscope.crowd.old", 0);
	assert_count(record, "parkscope.crowd.came", 4);

	record = record_of(fixture, "parkscope.diff", 5);
	assert_text(record, "process.name", "gone");
	assert_text(record, "parkscope.change", "gone");
	assert_count(record, "parkscope.new.processes", 0);
	assert_null(at(record, "container"));
	pair_free(&pair);
	fixture_free(fixture);
}

static void test_top_and_full(void **state)
{
	struct fixture *fixture = fixture_new("diff", false, 1);
	struct pair pair = pair_new();

	(void)state;
	write_diff(fixture, &pair);
	/* The largest change of each unit. */
	assert_int_equal(json_array_size(fixture->records), 4);
	assert_text(record_of(fixture, "parkscope.diff", 1), "parkscope.unit", "goroutine");
	assert_text(record_of(fixture, "parkscope.diff", 2), "parkscope.site", "0000000000000003");
	fixture_free(fixture);

	fixture = fixture_new("diff", true, 0);
	write_diff(fixture, &pair);
	assert_int_equal(json_array_size(fixture->records), 7);
	assert_text(record_of(fixture, "parkscope.diff", 5), "parkscope.change", "same");
	pair_free(&pair);
	fixture_free(fixture);
}

static void test_different_processes_have_counts_only(void **state)
{
	struct fixture *fixture = fixture_new("diff", false, 0);
	struct pair pair = pair_new();
	json_t *record;

	(void)state;
	free(pair.old->processes[0].entity_id);
	pair.old->processes[0].entity_id = NULL;
	/* An older one, besides: no time is negative. */
	pair.new->wall_ns = pair.old->wall_ns - 5;
	write_diff(fixture, &pair);
	record = record_of(fixture, "parkscope.diff", 0);
	assert_true(json_is_false(at(record, "parkscope.same_process")));
	assert_real(record, "parkscope.interval_s", 0);
	record = record_of(fixture, "parkscope.diff", 2);
	assert_count(record, "parkscope.crowd.old", 15);
	assert_null(at(record, "parkscope.crowd.stayed"));
	assert_null(at(record, "parkscope.crowd.rate_per_min"));
	pair_free(&pair);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_record_for_each_process_and_site),
		cmocka_unit_test(test_top_and_full),
		cmocka_unit_test(test_different_processes_have_counts_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
