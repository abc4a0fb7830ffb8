// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <string.h>

#include "jsonl_fixture.h"
#include "model/wait_objects.h"

#define VERDICT "parkscope.verdict"

/* 56 goroutines, each alone on its unbuffered channel. */
static struct site *lone_senders(struct fixture *fixture)
{
	struct site *site = build_goroutine_site(fixture->process, SITE_PARK, "chan_send",
						 build_stack("main.handle.func1", NULL));

	fixture->process->go_version = build_string("go1.23.4");
	site->creator = build_stack("main.handle", NULL);
	set_line(&site->creator->frames[0], "main.go", 29);
	sweep_site(site, 56, 26 * SECOND_NS, fixture->report.now_ns);
	for (uint64_t i = 1; i <= 2; i++)
		wait_objects_add(&site->objects, &(struct wait_object){.kind = WAIT_OBJECT_CHANNEL,
								       .identity = i,
								       .alone = true});
	return site;
}

static void make_leaking(struct site *site)
{
	site->verdict.verdict = VERDICT_LEAKING;
	site->verdict.class = VERDICT_CLASS_PROOF;
	site->verdict.evidence = (struct verdict_evidence){
		.now = 56,
		.oldest_ns = 26 * SECOND_NS,
		.oldest_bound = AGE_AT_LEAST,
		.rate_per_minute = 120,
		.watched_ns = 28 * SECOND_NS,
		.age_ns = 10 * SECOND_NS,
		.entrants = 36,
		.since_ns = 3 * SECOND_NS,
		.mean_gap_ns = 2 * SECOND_NS,
	};
}

static void test_a_leak(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	struct site *site = lone_senders(fixture);
	json_t *record;
	char id[17];

	(void)state;
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)site->id.hash);
	make_leaking(site);
	site->reported.verdict = VERDICT_GROWING;
	fixture->process->verdict = VERDICT_LEAKING;
	report(fixture);
	read_back(fixture);
	/* Before all else that is said of the process. */
	record = json_array_get(fixture->records, 0);
	assert_text(record, "event.dataset", VERDICT);
	assert_text(record, "event.kind", "event");
	assert_text(record, "@timestamp", "2026-09-21T14:13:20.123Z");
	assert_count(record, "process.pid", 4711);
	assert_count(record, "parkscope.exec_id", 0);
	assert_real(record, "parkscope.interval_s", 5);
	assert_text(record, "parkscope.kind", "park_site");
	assert_text(record, "parkscope.unit", "goroutine");
	assert_text(record, "parkscope.reason", "chan_send");
	assert_text(record, "parkscope.site", id);
	assert_text(record, "parkscope.verdict", "leaking");
	assert_text(record, "parkscope.was", "growing");
	assert_true(json_is_false(at(record, "parkscope.stopped")));
	assert_text(record, "parkscope.class", "proof");
	assert_text(record, "parkscope.created_by", "main.handle (main.go:29)");
	assert_text(record, "parkscope.channel.sharing", "alone");
	assert_int_equal(json_array_size(at(record, "parkscope.stack")), 1);
	assert_count(record, "parkscope.evidence.now", 56);
	assert_real(record, "parkscope.evidence.oldest_s", 26);
	assert_true(json_is_true(at(record, "parkscope.evidence.oldest_at_least")));
	assert_true(json_is_false(at(record, "parkscope.evidence.oldest_at_most")));
	assert_real(record, "parkscope.evidence.rate_per_min", 120);
	assert_real(record, "parkscope.evidence.watched_s", 28);
	assert_count(record, "parkscope.evidence.departed", 0);
	assert_real(record, "parkscope.evidence.age_s", 10);
	assert_count(record, "parkscope.evidence.entrants", 36);
	assert_count(record, "parkscope.evidence.ended", 0);
	/* Two seconds before the report. */
	assert_text(record, "parkscope.evidence.since", "2026-09-21T14:13:18.123Z");
	assert_real(record, "parkscope.evidence.mean_gap_s", 2);
	assert_null(at(record, "parkscope.evidence.told_after_s"));
	assert_text(record, "parkscope.message", "56 parked, oldest at least 26s, none left");
	assert_text(record, "parkscope.way_out", "A buffer of one lets each sender finish.");
	assert_null(at(record, "parkscope.ended"));
	assert_text(record_of(fixture, "parkscope.process", 0), "parkscope.verdict", "leaking");
	assert_text(record_of(fixture, "parkscope.park_site", 0), "parkscope.verdict", "leaking");
	assert_valid(fixture);

	/* Told once. */
	report(fixture);
	read_back(fixture);
	assert_null(record_of(fixture, VERDICT, 1));
	fixture_free(fixture);
}

static void test_growth_of_a_park_site_says_when_it_can_be_told(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	struct site *site = park(fixture, "work", 41);
	json_t *record;

	(void)state;
	site->timed = true;
	site->verdict.verdict = VERDICT_GROWING;
	site->verdict.class = VERDICT_CLASS_UNTIMED;
	site->verdict.evidence = (struct verdict_evidence){.now = 41,
							   .rate_per_minute = 12,
							   .age_ns = 300 * SECOND_NS,
							   .until_ns = 750 * SECOND_NS};
	wait_objects_add(
		&site->objects,
		&(struct wait_object){.kind = WAIT_OBJECT_FUTEX, .identity = 1, .alone = true});
	report(fixture);
	read_back(fixture);
	record = record_of(fixture, VERDICT, 0);
	assert_text(record, "parkscope.verdict", "growing");
	assert_text(record, "parkscope.was", "steady");
	assert_text(record, "parkscope.class", "untimed");
	assert_text(record, "parkscope.channel.kind", "futex");
	assert_true(json_is_true(at(record, "parkscope.timed")));
	assert_real(record, "parkscope.evidence.told_after_s", 750);
	assert_null(at(record, "parkscope.evidence.since"));
	assert_null(at(record, "parkscope.evidence.mean_gap_s"));
	assert_null(at(record, "parkscope.way_out"));
	record = record_of(fixture, "parkscope.park_site", 0);
	assert_text(record, "parkscope.verdict", "growing");
	assert_true(json_is_true(at(record, "parkscope.timed")));
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_growth_of_all_threads_and_of_births(void **state)
{
	const struct verdict_state growth = {
		.verdict = VERDICT_GROWING,
		.class = VERDICT_CLASS_NEVER,
		.evidence = {.now = 43, .rate_per_minute = 2.34, .watched_ns = 5 * SECOND_NS}};
	struct fixture *fixture = fixture_new("watch", false, 10);
	struct site *birth =
		build_site(fixture->process, SITE_BIRTH, "birth", build_stack("spawn", NULL));
	json_t *record;

	(void)state;
	birth->births = (struct birth_count){.live = 41, .born = 41, .exited = 7};
	birth->verdict = growth;
	birth->verdict.evidence.departed = 7;
	fixture->process->threads.now = 43;
	fixture->process->threads.verdict = growth;
	fixture->process->verdict = VERDICT_GROWING;
	report(fixture);
	read_back(fixture);
	/* Of as many, the site comes first. */
	record = record_of(fixture, VERDICT, 0);
	assert_text(record, "parkscope.kind", "birth_site");
	assert_text(record, "parkscope.message", "43 threads live, 2.3 more a minute, 7 ended");
	assert_int_equal(json_array_size(at(record, "parkscope.stack")), 1);
	assert_null(at(record, "parkscope.evidence.oldest_s"));
	record = record_of(fixture, VERDICT, 1);
	assert_text(record, "parkscope.kind", "process");
	assert_text(record, "parkscope.unit", "thread");
	assert_text(record, "parkscope.message", "43 threads live, 2.3 more a minute, none ended");
	assert_null(at(record, "parkscope.site"));
	assert_null(at(record, "parkscope.stack"));
	assert_text(record_of(fixture, "parkscope.birth_site", 0), "parkscope.verdict", "growing");
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_a_leak_that_stops_and_goes(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	struct site *site = lone_senders(fixture);
	json_t *record;

	(void)state;
	make_leaking(site);
	report(fixture);
	site->verdict.verdict = VERDICT_STEADY;
	site->verdict.stopped = true;
	report(fixture);
	site->verdict.stopped = false;
	site->verdict.evidence.now = 0;
	sweep_site(site, 0, 0, fixture->report.now_ns);
	report(fixture);
	read_back(fixture);
	record = record_of(fixture, VERDICT, 1);
	assert_text(record, "parkscope.verdict", "steady");
	assert_text(record, "parkscope.was", "leaking");
	assert_true(json_is_true(at(record, "parkscope.stopped")));
	assert_text(record, "parkscope.message", "stopped, 56 remain");
	assert_null(at(record, "parkscope.way_out"));
	record = record_of(fixture, VERDICT, 2);
	assert_text(record, "parkscope.verdict", "steady");
	assert_text(record, "parkscope.was", "steady");
	assert_true(json_is_false(at(record, "parkscope.stopped")));
	assert_text(record, "parkscope.message",
		    "those that remained have left, 0 goroutines parked");
	assert_null(record_of(fixture, VERDICT, 3));
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_a_crowd_that_empties_is_told(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	struct site *site = lone_senders(fixture);
	json_t *record;

	(void)state;
	make_leaking(site);
	report(fixture);
	sweep_site(site, 0, 0, fixture->report.now_ns);
	site->verdict.verdict = VERDICT_STEADY;
	site->verdict.evidence.now = 0;
	report(fixture);
	read_back(fixture);
	record = record_of(fixture, VERDICT, 1);
	assert_text(record, "parkscope.verdict", "steady");
	assert_text(record, "parkscope.was", "leaking");
	assert_text(record, "parkscope.message", "no longer leaking, 0 goroutines parked");
	assert_int_equal(json_array_size(at(record, "parkscope.stack")), 1);
	assert_valid(fixture);
	fixture_free(fixture);
}

/* A leak that is found in the last interval of a process is told, and taken back. */
static void test_a_process_that_ends_takes_its_verdicts_back(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	struct site *site = lone_senders(fixture);
	json_t *record;

	(void)state;
	make_leaking(site);
	fixture->process->ended = true;
	report(fixture);
	read_back(fixture);
	record = json_array_get(fixture->records, 0);
	assert_text(record, "parkscope.verdict", "leaking");
	assert_text(record, "parkscope.was", "steady");
	assert_null(at(record, "parkscope.ended"));
	record = json_array_get(fixture->records, 1);
	assert_text(record, "event.dataset", VERDICT);
	assert_text(record, "parkscope.verdict", "steady");
	assert_text(record, "parkscope.was", "leaking");
	assert_true(json_is_true(at(record, "parkscope.ended")));
	assert_text(record, "parkscope.message", "the process ended");
	assert_null(at(record, "parkscope.way_out"));
	assert_null(record_of(fixture, VERDICT, 2));
	assert_valid(fixture);
	fixture_free(fixture);
}

/* Threads of others count against pids.max, too: it is told only where its own grow in number. */
static void test_limits_that_will_be_met(void **state)
{
	struct fixture *fixture = fixture_new("watch", true, 10);
	struct watched_process *process = fixture->process;
	json_t *record, *limit;

	(void)state;
	process->forecast = calloc(1, sizeof(*process->forecast));
	assert_non_null(process->forecast);
	for (uint64_t s = 0; s <= 60; s++) {
		limit_forecast_add(process->forecast, LIMIT_MEMORY_MAX, s * SECOND_NS, s << 20,
				   660 << 20);
		limit_forecast_add(process->forecast, LIMIT_PIDS_MAX, s * SECOND_NS, s, 100);
		limit_forecast_add_rss(process->forecast, s * SECOND_NS, s << 20);
	}
	process->swept_ns = 60 * SECOND_NS;
	report(fixture);
	process->verdict = VERDICT_LEAKING;
	report(fixture);
	process->threads.verdict.verdict = VERDICT_GROWING;
	report(fixture);
	read_back(fixture);
	record = record_of(fixture, "parkscope.process", 0);
	assert_null(at(record, "parkscope.rss_bytes"));
	assert_null(at(record, "parkscope.limits"));
	record = record_of(fixture, "parkscope.process", 1);
	assert_count(record, "parkscope.rss_bytes", 60 << 20);
	assert_int_equal(json_array_size(at(record, "parkscope.limits")), 1);
	limit = json_array_get(at(record, "parkscope.limits"), 0);
	assert_text(limit, "name", "memory_max");
	assert_count(limit, "limit", 660 << 20);
	assert_count(limit, "used", 60 << 20);
	/* By steps as a memory limit is met; limit_forecast.h. */
	assert_true(json_real_value(at(limit, "rate_per_min")) > 59 << 20);
	assert_true(json_real_value(at(limit, "rate_per_min")) < 61 << 20);
	assert_true(json_real_value(at(limit, "seconds")) > 590);
	assert_true(json_real_value(at(limit, "seconds")) < 610);
	assert_null(json_object_get(limit, "by_others"));
	record = record_of(fixture, "parkscope.process", 2);
	assert_int_equal(json_array_size(at(record, "parkscope.limits")), 2);
	limit = json_array_get(at(record, "parkscope.limits"), 0);
	assert_text(limit, "name", "pids_max");
	/* None of the threads that fill it is this process's. */
	assert_true(json_is_true(json_object_get(limit, "by_others")));
	assert_valid(fixture);
	fixture_free(fixture);
}

/* One look says nothing of growth. */
static void test_dump_has_no_verdicts(void **state)
{
	struct fixture *fixture = fixture_new("dump", true, 0);
	struct site *site = lone_senders(fixture);

	(void)state;
	make_leaking(site);
	fixture->report.events = false;
	report(fixture);
	read_back(fixture);
	assert_null(record_of(fixture, VERDICT, 0));
	assert_null(at(record_of(fixture, "parkscope.process", 0), "parkscope.verdict"));
	assert_null(at(record_of(fixture, "parkscope.park_site", 0), "parkscope.verdict"));
	assert_valid(fixture);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_leak),
		cmocka_unit_test(test_growth_of_a_park_site_says_when_it_can_be_told),
		cmocka_unit_test(test_growth_of_all_threads_and_of_births),
		cmocka_unit_test(test_a_leak_that_stops_and_goes),
		cmocka_unit_test(test_a_crowd_that_empties_is_told),
		cmocka_unit_test(test_a_process_that_ends_takes_its_verdicts_back),
		cmocka_unit_test(test_limits_that_will_be_met),
		cmocka_unit_test(test_dump_has_no_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
