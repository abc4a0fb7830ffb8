// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// What the records say of Go programs; test_jsonl.c has all others.
#include "unit_test.h"

#include <string.h>

#include "jsonl_fixture.h"

static void set_goroutines(struct fixture *fixture)
{
	struct watched_process *process = fixture->process;

	process->go_version = build_string("go1.23.4");
	process->goroutines.now = 1424;
	process->goroutines.born = 70;
	process->goroutines.exited = 30;
	process->goroutines.rate_per_minute = 1200;
	process->runtime_goroutines = 5;
	process->threads.now = 9;
}

static struct site *park_goroutines(struct fixture *fixture, const char *name, uint64_t count)
{
	struct site *site = build_goroutine_site(fixture->process, SITE_PARK, "chan_send",
						 build_stack(name, NULL));

	set_line(&site->stack->frames[0], "/src/payments/main.go", 30);
	sweep_site(site, count, 702 * SECOND_NS, fixture->report.now_ns);
	site->crowd.oldest_bound = AGE_AT_LEAST;
	return site;
}

static void add_object(struct site *site, enum wait_object_kind kind, uint64_t identity,
		       uint64_t capacity, uint64_t length)
{
	wait_objects_add(&site->objects, &(const struct wait_object){
						 .kind = kind,
						 .identity = identity,
						 .alone = true,
						 .capacity = capacity,
						 .length = length,
					 });
}

static void test_process(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	json_t *record;

	(void)state;
	set_goroutines(fixture);
	report(fixture);
	read_back(fixture);
	record = record_of(fixture, "parkscope.process", 0);
	assert_text(record, "parkscope.go_version", "go1.23.4");
	assert_count(record, "parkscope.goroutines.now", 1424);
	assert_count(record, "parkscope.goroutines.born", 70);
	assert_count(record, "parkscope.goroutines.exited", 30);
	assert_real(record, "parkscope.goroutines.rate_per_min", 1200);
	assert_count(record, "parkscope.goroutines.runtime", 5);
	assert_count(record, "parkscope.threads.now", 9);
	assert_null(at(record, "parkscope.goroutines_unavailable"));
	assert_valid(fixture);
	fixture_free(fixture);

	/* What needs time is left out. */
	fixture = fixture_new("dump", false, 10);
	set_goroutines(fixture);
	fixture->report.events = false;
	report(fixture);
	read_back(fixture);
	record = record_of(fixture, "parkscope.process", 0);
	assert_int_equal(json_object_size(at(record, "parkscope.goroutines")), 2);
	assert_count(record, "parkscope.goroutines.now", 1424);
	assert_count(record, "parkscope.goroutines.runtime", 5);
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_goroutines_that_cannot_be_read(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	json_t *record;

	(void)state;
	set_goroutines(fixture);
	fixture->process->go_refused = build_string("go1.99 is not known");
	report(fixture);
	read_back(fixture);
	record = record_of(fixture, "parkscope.process", 0);
	assert_text(record, "parkscope.goroutines_unavailable", "go1.99 is not known");
	assert_text(record, "parkscope.go_version", "go1.23.4");
	assert_null(at(record, "parkscope.goroutines"));
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_a_crowd_of_goroutines(void **state)
{
	struct fixture *fixture = fixture_new("watch", true, 10);
	json_t *record;
	struct site *site;

	(void)state;
	set_goroutines(fixture);
	site = park_goroutines(fixture, "main.handleRequest.func1", 1402);
	site->creator = build_stack("main.inlined", "main.handleRequest", NULL);
	set_line(&site->creator->frames[1], "/src/payments/main.go", 29);
	site->creators_differ = true;
	add_object(site, WAIT_OBJECT_CHANNEL, 1, 0, 0);
	add_object(site, WAIT_OBJECT_CHANNEL, 2, 0, 0);
	report(fixture);
	read_back(fixture);
	record = record_of(fixture, "parkscope.park_site", 0);
	assert_text(record, "parkscope.unit", "goroutine");
	assert_text(record, "parkscope.reason", "chan_send");
	assert_text(record, "parkscope.created_by", "main.handleRequest (main.go:29)");
	assert_true(json_is_true(at(record, "parkscope.created_by_differs")));
	assert_null(at(record, "parkscope.runtime"));
	assert_string_equal(json_string_value(json_array_get(at(record, "parkscope.stack"), 0)),
			    "main.handleRequest.func1 (main.go:30)");
	assert_true(json_is_true(at(record, "parkscope.crowd.oldest_at_least")));
	assert_true(json_is_false(at(record, "parkscope.crowd.oldest_at_most")));
	assert_count(record, "parkscope.crowd.arrived", 1402);
	assert_null(at(record, "parkscope.crowd.threads"));
	assert_null(at(record, "parkscope.waits"));
	assert_text(record, "parkscope.channel.kind", "channel");
	assert_text(record, "parkscope.channel.sharing", "alone");
	assert_count(record, "parkscope.channel.looked_at", 2);
	assert_count(record, "parkscope.channel.distinct", 2);
	assert_count(record, "parkscope.channel.capacity", 0);
	assert_null(at(record, "parkscope.channel.capacity_min"));
	assert_count(record, "parkscope.channel.full", 0);
	assert_count(record, "parkscope.channel.empty", 0);
	assert_count(record, "parkscope.channel.closed", 0);
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_what_is_not_known_is_left_out(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	json_t *record;

	(void)state;
	park_goroutines(fixture, "main.work", 3)->runtime = true;
	report(fixture);
	read_back(fixture);
	record = record_of(fixture, "parkscope.park_site", 0);
	assert_true(json_is_true(at(record, "parkscope.runtime")));
	assert_null(at(record, "parkscope.created_by"));
	assert_null(at(record, "parkscope.created_by_differs"));
	assert_null(at(record, "parkscope.channel"));
	assert_true(
		json_is_true(at(record_of(fixture, "parkscope.stack", 0), "parkscope.runtime")));
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_channels_of_all_kinds(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	json_t *record;
	struct site *site;

	(void)state;
	site = park_goroutines(fixture, "main.differ", 3);
	add_object(site, WAIT_OBJECT_CHANNEL, 1, 4, 4);
	add_object(site, WAIT_OBJECT_CHANNEL, 1, 4, 4);
	add_object(site, WAIT_OBJECT_CHANNEL, 2, 16, 0);
	site = park_goroutines(fixture, "main.select", 2);
	add_object(site, WAIT_OBJECT_SELECT, 1, 4, 4);
	site = park_goroutines(fixture, "main.semaphore", 1);
	add_object(site, WAIT_OBJECT_SEMAPHORE, 1, 0, 0);
	report(fixture);
	read_back(fixture);
	record = record_of(fixture, "parkscope.park_site", 0);
	assert_text(record, "parkscope.channel.sharing", "several");
	assert_count(record, "parkscope.channel.distinct", 2);
	assert_null(at(record, "parkscope.channel.capacity"));
	assert_count(record, "parkscope.channel.capacity_min", 4);
	assert_count(record, "parkscope.channel.capacity_max", 16);
	assert_count(record, "parkscope.channel.full", 2);
	assert_count(record, "parkscope.channel.empty", 1);
	record = record_of(fixture, "parkscope.park_site", 1);
	assert_text(record, "parkscope.channel.kind", "select");
	assert_int_equal(json_object_size(at(record, "parkscope.channel")), 4);
	record = record_of(fixture, "parkscope.park_site", 2);
	assert_text(record, "parkscope.channel.kind", "semaphore");
	assert_int_equal(json_object_size(at(record, "parkscope.channel")), 4);
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_births_and_sums(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 1);
	struct site *birth = build_goroutine_site(fixture->process, SITE_BIRTH, "birth",
						  build_stack("main.spawn", NULL));
	json_t *record;

	(void)state;
	birth->births = (struct birth_count){.live = 12, .born = 14, .exited = 2};
	park_goroutines(fixture, "main.a", 30);
	park_goroutines(fixture, "main.b", 20);
	park_goroutines(fixture, "main.c", 10);
	report(fixture);
	read_back(fixture);
	record = record_of(fixture, "parkscope.birth_site", 0);
	assert_text(record, "parkscope.unit", "goroutine");
	assert_count(record, "parkscope.live", 12);
	assert_count(record, "parkscope.born", 14);
	record = record_of(fixture, "parkscope.other", 0);
	assert_text(record, "parkscope.kind", "park_site");
	assert_text(record, "parkscope.unit", "goroutine");
	assert_count(record, "parkscope.sites", 2);
	assert_count(record, "parkscope.now", 30);
	assert_null(at(record, "parkscope.waits"));
	assert_null(record_of(fixture, "parkscope.other", 1));
	assert_valid(fixture);
	fixture_free(fixture);
}

/* The schema's list of reasons is that of the unit. */
static void test_a_reason_of_the_other_unit_is_invalid(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);

	(void)state;
	sweep_site(build_goroutine_site(fixture->process, SITE_PARK, "futex",
					build_stack("main.f", NULL)),
		   1, 1, 0);
	report(fixture);
	assert_int_equal(validate(fixture->scratch.file), 1);
	fixture_free(fixture);

	fixture = fixture_new("watch", false, 10);
	sweep_site(build_site(fixture->process, SITE_PARK, "chan_send", build_stack("f", NULL)), 1,
		   1, 0);
	report(fixture);
	assert_int_equal(validate(fixture->scratch.file), 1);
	fixture_free(fixture);
}

static void test_hostile_text_forges_nothing(void **state)
{
	static const char hostile[] = "go1\n{\"forged\":1}\033[2J\xff\"\\";
	struct fixture *fixture = fixture_new("watch", false, 10);
	struct site *site;

	(void)state;
	set_goroutines(fixture);
	free(fixture->process->go_version);
	fixture->process->go_version = build_string(hostile);
	fixture->process->go_refused = build_string(hostile);
	site = park_goroutines(fixture, hostile, 3);
	site->creator = build_stack(hostile, NULL);
	report(fixture);
	read_back(fixture);
	assert_int_equal(json_array_size(fixture->records), 3);
	assert_valid(fixture);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_goroutines_that_cannot_be_read),
		cmocka_unit_test(test_a_crowd_of_goroutines),
		cmocka_unit_test(test_what_is_not_known_is_left_out),
		cmocka_unit_test(test_channels_of_all_kinds),
		cmocka_unit_test(test_births_and_sums),
		cmocka_unit_test(test_a_reason_of_the_other_unit_is_invalid),
		cmocka_unit_test(test_hostile_text_forges_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
