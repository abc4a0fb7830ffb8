// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "jsonl_fixture.h"

#define HOSTILE "evil\n{\"forged\":1}\033[2J\xff\"\\\xe2\x80\xa8"

static void test_start(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	json_t *record;

	(void)state;
	assert_int_equal(jsonl_start(fixture->jsonl, 1790000000123456789, NULL), 0);
	read_back(fixture);
	record = record_of(fixture, "parkscope.start", 0);
	assert_text(record, "@timestamp", "2026-09-21T14:13:20.123Z");
	assert_text(record, "event.kind", "event");
	assert_text(record, "host.name", "host-1");
	assert_text(record, "ecs.version", "8.11.0");
	assert_text(record, "parkscope.run_id", "run-1");
	assert_text(record, "parkscope.schema", "1.4");
	assert_text(record, "parkscope.version", "0.1.0");
	assert_text(record, "parkscope.command", "watch");
	assert_count(record, "parkscope.seq", 0);
	assert_true(json_is_true(at(record, "parkscope.features.task_storage")));
	assert_true(json_is_false(at(record, "parkscope.features.signals")));
	assert_string_equal(json_string_value(json_array_get(at(record, "parkscope.degraded"), 0)),
			    degraded[0]);
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_process(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	struct watched_process *process = fixture->process;
	struct reason_waits *futex = watched_process_reason(process, "futex");
	json_t *record, *waits, *histogram;

	(void)state;
	process->executable = build_string("/usr/bin/target");
	process->container_id = build_string("abc123");
	process->entity_id = build_string("entity");
	process->start_unix_ns = 1780000000000000000;
	process->ns_pid = 7;
	process->exec_id = 3;
	process->threads.now = 143;
	process->threads.born = 40;
	process->threads.exited = 2;
	process->threads.rate_per_minute = 1200;
	watched_process_reason(process, "epoll");
	futex->count = 12;
	futex->restarts = 1;
	futex->duration_ns = 2500000000;
	futex->open_ns = 500000000;
	futex->histogram[0] = 10;
	futex->histogram[WAIT_HISTOGRAM_BUCKETS - 1] = 2;
	report(fixture);
	read_back(fixture);
	record = record_of(fixture, "parkscope.process", 0);
	assert_text(record, "@timestamp", "2026-09-21T14:13:20.123Z");
	assert_text(record, "event.kind", "metric");
	assert_count(record, "process.pid", 4711);
	assert_text(record, "process.name", "target");
	assert_text(record, "process.executable", "/usr/bin/target");
	assert_text(record, "process.start", "2026-05-28T20:26:40.000Z");
	assert_text(record, "process.entity_id", "entity");
	assert_text(record, "container.id", "abc123");
	assert_count(record, "parkscope.ns_pid", 7);
	assert_count(record, "parkscope.exec_id", 3);
	assert_real(record, "parkscope.interval_s", 5);
	assert_count(record, "parkscope.threads.now", 143);
	assert_count(record, "parkscope.threads.born", 40);
	assert_count(record, "parkscope.threads.exited", 2);
	assert_real(record, "parkscope.threads.rate_per_min", 1200);
	assert_count(record, "parkscope.futex.waits", 12);
	assert_real(record, "parkscope.futex.seconds", 2.5);
	assert_real(record, "parkscope.watched_s", 5);
	assert_null(at(record, "parkscope.ended"));
	assert_int_equal(json_array_size(at(record, "parkscope.waits")), 1);
	waits = json_array_get(at(record, "parkscope.waits"), 0);
	assert_text(waits, "reason", "futex");
	assert_count(waits, "count", 12);
	assert_count(waits, "restarts", 1);
	assert_real(waits, "seconds", 2.5);
	assert_real(waits, "waiting_s", 3);
	histogram = at(waits, "histogram");
	assert_int_equal(json_array_size(histogram), 2);
	assert_int_equal(json_integer_value(json_array_get(json_array_get(histogram, 0), 0)), 1024);
	assert_int_equal(json_integer_value(json_array_get(json_array_get(histogram, 0), 1)), 10);
	assert_true(json_is_null(json_array_get(json_array_get(histogram, 1), 0)));
	assert_valid(fixture);

	process->ended = true;
	report(fixture);
	read_back(fixture);
	assert_true(
		json_is_true(at(record_of(fixture, "parkscope.process", 1), "parkscope.ended")));
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_sites_and_their_stacks(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	struct site *site = park(fixture, "work", 12);
	struct site *birth = build_site(fixture->process, SITE_BIRTH, "birth",
					build_stack("clone3@libc.so.6", "spawn", NULL));
	json_t *record, *stack;
	char id[17];

	(void)state;
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)site->id.hash);
	site->crowd.oldest_bound = AGE_AT_MOST;
	site_add_waits(site, &(struct wait_sum){
				     .count = 4, .duration_ns = 2000000000, .max_ns = 1000000000});
	birth->births = (struct birth_count){.live = 12, .born = 14, .exited = 2};
	report(fixture);
	read_back(fixture);

	stack = record_of(fixture, "parkscope.stack", 0);
	record = record_of(fixture, "parkscope.park_site", 0);
	assert_text(stack, "event.kind", "state");
	assert_text(stack, "parkscope.site", id);
	assert_text(stack, "parkscope.reason", "futex");
	assert_null(at(stack, "process"));
	assert_int_equal(json_array_size(at(stack, "parkscope.stack")), 3);
	assert_string_equal(json_string_value(json_array_get(at(stack, "parkscope.stack"), 0)),
			    "__futex_wait+0x10 (libc.so.6)");
	/* The stack comes before the site that refers to it. */
	assert_true(json_integer_value(at(stack, "parkscope.seq")) <
		    json_integer_value(at(record, "parkscope.seq")));
	assert_text(record, "parkscope.site", id);
	assert_text(record, "parkscope.unit", "thread");
	assert_text(record, "parkscope.reason", "futex");
	assert_true(json_is_true(at(record, "parkscope.portable")));
	assert_null(at(record, "parkscope.stack"));
	assert_count(record, "process.pid", 4711);
	assert_count(record, "parkscope.crowd.now", 12);
	assert_count(record, "parkscope.crowd.arrived", 12);
	assert_count(record, "parkscope.crowd.departed", 0);
	assert_real(record, "parkscope.crowd.oldest_s", 1.5);
	assert_true(json_is_true(at(record, "parkscope.crowd.oldest_at_most")));
	assert_true(json_is_false(at(record, "parkscope.crowd.oldest_at_least")));
	assert_count(record, "parkscope.waits.count", 4);
	assert_real(record, "parkscope.waits.seconds", 2);
	assert_real(record, "parkscope.waits.max_s", 1);

	assert_null(at(record_of(fixture, "parkscope.stack", 1), "parkscope.reason"));
	record = record_of(fixture, "parkscope.birth_site", 0);
	assert_null(at(record, "parkscope.reason"));
	assert_count(record, "parkscope.live", 12);
	assert_count(record, "parkscope.born", 14);
	assert_count(record, "parkscope.exited", 2);
	assert_real(record, "parkscope.rate_per_min", 0);
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_full_has_stacks_inside(void **state)
{
	struct fixture *fixture = fixture_new("watch", true, 1);

	(void)state;
	park(fixture, "one", 1);
	park(fixture, "two", 2);
	report(fixture);
	report(fixture);
	read_back(fixture);
	assert_null(record_of(fixture, "parkscope.stack", 0));
	assert_null(record_of(fixture, "parkscope.other", 0));
	assert_non_null(record_of(fixture, "parkscope.process", 1));
	for (size_t i = 0; i < 4; i++) {
		json_t *record = record_of(fixture, "parkscope.park_site", i);

		assert_int_equal(json_array_size(at(record, "parkscope.stack")), 3);
	}
	assert_null(record_of(fixture, "parkscope.park_site", 4));
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_other(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 1);
	json_t *record;

	(void)state;
	park(fixture, "one", 1);
	park(fixture, "two", 2);
	park(fixture, "three", 3);
	for (uint64_t i = 0; i < 3; i++) {
		const char *const names[] = {"a", "b", "c"};
		struct site *birth = build_site(fixture->process, SITE_BIRTH, "birth",
						build_stack(names[i], NULL));

		birth->births = (struct birth_count){.live = i + 1, .born = i + 2, .exited = 1};
	}
	report(fixture);
	read_back(fixture);
	assert_count(record_of(fixture, "parkscope.park_site", 0), "parkscope.crowd.now", 3);
	assert_null(record_of(fixture, "parkscope.park_site", 1));
	record = record_of(fixture, "parkscope.other", 0);
	assert_text(record, "parkscope.kind", "park_site");
	assert_text(record, "parkscope.unit", "thread");
	assert_count(record, "parkscope.sites", 2);
	assert_count(record, "parkscope.now", 3);
	assert_count(record, "parkscope.arrived", 3);
	assert_count(record, "parkscope.departed", 0);
	record = record_of(fixture, "parkscope.other", 1);
	assert_text(record, "parkscope.kind", "birth_site");
	assert_count(record, "parkscope.live", 3);
	assert_count(record, "parkscope.born", 5);
	assert_count(record, "parkscope.exited", 2);
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_losses_only_where_there_are_some(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	json_t *record;

	(void)state;
	losses_add(&fixture->losses, "stack_map_full", 12);
	losses_add(&fixture->losses, "moved", 1);
	report(fixture);
	report(fixture);
	losses_add(&fixture->losses, "moved", 2);
	report(fixture);
	end(fixture);
	read_back(fixture);
	record = record_of(fixture, "parkscope.loss", 0);
	assert_count(record, "parkscope.losses.stack_map_full", 12);
	assert_count(record, "parkscope.losses.moved", 1);
	record = record_of(fixture, "parkscope.loss", 1);
	assert_null(at(record, "parkscope.losses.stack_map_full"));
	assert_count(record, "parkscope.losses.moved", 2);
	assert_null(record_of(fixture, "parkscope.loss", 2));
	assert_count(record_of(fixture, "parkscope.end", 0), "parkscope.losses.moved", 3);
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_end_has_totals_and_cost(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	json_t *record;

	(void)state;
	fixture->process->threads.born = 4;
	fixture->process->threads.exited = 1;
	fixture->process->goroutines.born = 70;
	fixture->process->goroutines.exited = 30;
	watched_process_reason(fixture->process, "futex")->count = 9;
	report(fixture);
	watched_process_reason(fixture->process, "futex")->count = 10;
	report(fixture);
	end(fixture);
	fixture->report.cost.bpf_seconds = -1;
	end(fixture);
	fixture->report.cost.unknown = true;
	end(fixture);
	read_back(fixture);
	record = record_of(fixture, "parkscope.end", 0);
	assert_count(record, "parkscope.totals.processes", 1);
	assert_count(record, "parkscope.totals.waits", 10);
	assert_count(record, "parkscope.totals.births", 4);
	assert_count(record, "parkscope.totals.exits", 1);
	assert_count(record, "parkscope.totals.goroutine_births", 70);
	assert_count(record, "parkscope.totals.goroutine_exits", 30);
	assert_real(record, "parkscope.cost.cpu_s", 0.5);
	assert_real(record, "parkscope.cost.bpf_s", 0.25);
	assert_count(record, "parkscope.cost.bpf_runs", 10);
	assert_count(record, "parkscope.cost.rss_bytes", 99);
	assert_text(record, "parkscope.reason", "count");
	assert_real(record, "parkscope.watched_s", 9);
	assert_null(at(record, "parkscope.cost.bpf_sampled_s"));
	assert_null(at(record, "parkscope.cost.budget"));
	assert_null(record_of(fixture, "parkscope.cost", 0));
	record = record_of(fixture, "parkscope.end", 1);
	assert_null(at(record, "parkscope.cost.bpf_s"));
	assert_null(at(record, "parkscope.cost.bpf_unknown"));
	assert_null(at(record_of(fixture, "parkscope.end", 2), "parkscope.cost"));
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_own_cost_with_each_report(void **state)
{
	struct fixture *fixture = fixture_new_verbose("watch", false, 10, true);
	struct own_cost *cost = &fixture->report.cost;
	json_t *record;

	(void)state;
	cost->bpf_sampled_seconds = 0.05;
	cost->budget = (struct budget_status){
		.part = 0.01,
		.hooks = 0.001,
		.walks = 0.002,
		.reports = 0.003,
		.rest = 0.0005,
		.asked_s = 5,
		.interval_s = 12,
	};
	report(fixture);
	cost->bpf_seconds = -1;
	cost->bpf_error = EPERM;
	cost->budget.interval_s = 5;
	report(fixture);
	cost->unknown = true;
	report(fixture);
	end(fixture);
	read_back(fixture);

	record = record_of(fixture, "parkscope.cost", 0);
	assert_text(record, "event.kind", "metric");
	assert_real(record, "parkscope.cost.bpf_s", 0.25);
	assert_real(record, "parkscope.cost.bpf_sampled_s", 0.05);
	assert_count(record, "parkscope.cost.map_bytes", 4096);
	assert_real(record, "parkscope.cost.sweep_s", 0.125);
	assert_real(record, "parkscope.cost.budget.percent", 1);
	assert_real(record, "parkscope.cost.budget.used_percent", 0.65);
	assert_real(record, "parkscope.cost.budget.hooks_percent", 0.1);
	assert_real(record, "parkscope.cost.budget.walks_percent", 0.2);
	assert_real(record, "parkscope.cost.budget.reports_percent", 0.3);
	assert_real(record, "parkscope.cost.budget.rest_percent", 0.05);
	assert_real(record, "parkscope.cost.budget.asked_interval_s", 5);
	assert_real(record, "parkscope.cost.budget.interval_s", 12);
	assert_true(json_is_false(at(record, "parkscope.cost.budget.exceeded")));
	assert_text(record, "parkscope.cost.budget.message", "reports every 12s, not 5s");
	record = record_of(fixture, "parkscope.cost", 1);
	assert_null(at(record, "parkscope.cost.bpf_s"));
	assert_text(record, "parkscope.cost.bpf_unknown", "Operation not permitted");
	assert_null(at(record, "parkscope.cost.budget.message"));
	assert_null(record_of(fixture, "parkscope.cost", 2));
	assert_valid(fixture);
	fixture_free(fixture);
}

/* What needs time is left out, instead of being 0. */
static void test_dump(void **state)
{
	struct fixture *fixture = fixture_new("dump", false, 1);
	json_t *record, *thread;
	struct site *site;

	(void)state;
	fixture->report.events = false;
	fixture->report.last = true;
	name_threads(park(fixture, "one", 1), "lone\n", 4712, 1);
	site = park(fixture, "two", 200);
	for (char last = 'a'; last < 'a' + THREAD_NAMES_MAX + 1; last++) {
		const char name[] = {'n', last, '\0'};

		name_threads(site, name, 4713, 2);
	}
	assert_int_equal(jsonl_start(fixture->jsonl, 0, NULL), 0);
	report(fixture);
	read_back(fixture);
	record = record_of(fixture, "parkscope.process", 0);
	assert_null(at(record, "parkscope.waits"));
	assert_null(at(record, "parkscope.threads.born"));
	record = record_of(fixture, "parkscope.park_site", 1);
	assert_int_equal(json_array_size(at(record, "parkscope.stack")), 3);
	assert_null(at(record, "parkscope.crowd.arrived"));
	assert_null(at(record, "parkscope.waits"));
	assert_int_equal(json_array_size(at(record, "parkscope.crowd.threads")), 1);
	thread = json_array_get(at(record, "parkscope.crowd.threads"), 0);
	assert_text(thread, "name", "lone\n");
	assert_count(thread, "count", 1);
	assert_count(thread, "tid", 4712);
	assert_null(at(record, "parkscope.crowd.threads_other"));

	record = record_of(fixture, "parkscope.park_site", 0);
	assert_int_equal(json_array_size(at(record, "parkscope.crowd.threads")), THREAD_NAMES_MAX);
	thread = json_array_get(at(record, "parkscope.crowd.threads"), 0);
	assert_text(thread, "name", "na");
	assert_count(thread, "count", 2);
	assert_null(at(thread, "tid"));
	assert_count(record, "parkscope.crowd.threads_other", 2);
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_hostile_names_forge_nothing(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	json_t *record;
	struct site *site;

	(void)state;
	free(fixture->process->name);
	fixture->process->name = build_string(HOSTILE);
	fixture->process->executable = build_string(HOSTILE);
	fixture->process->container_id = build_string(HOSTILE);
	fixture->process->entity_id = build_string(HOSTILE);
	site = build_site(fixture->process, SITE_PARK, "futex", build_stack(HOSTILE, NULL));
	sweep_site(site, 1, 1, 0);
	report(fixture);
	read_back(fixture);
	assert_int_equal(json_array_size(fixture->records), 3);
	record = record_of(fixture, "parkscope.process", 0);
	assert_text(record, "process.name",
		    "evil\n{\"forged\":1}\033[2J\xef\xbf\xbd\"\\\xe2\x80\xa8");
	assert_valid(fixture);
	fixture_free(fixture);
}

static void test_very_long_names_are_bounded(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 10);
	char *name = malloc(1 << 20);

	(void)state;
	assert_non_null(name);
	memset(name, '\xff', (1 << 20) - 1);
	name[(1 << 20) - 1] = '\0';
	fixture->process->executable = name;
	report(fixture);
	read_back(fixture);
	assert_true(strlen(json_string_value(at(record_of(fixture, "parkscope.process", 0),
						"process.executable"))) < 4096);
	fixture_free(fixture);
}

static void test_seq_is_consecutive(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 1);
	json_t *record;
	size_t i;

	(void)state;
	assert_int_equal(jsonl_start(fixture->jsonl, 0, NULL), 0);
	park(fixture, "one", 30);
	losses_add(&fixture->losses, "moved", 2);
	report(fixture);
	park(fixture, "one", 60);
	report(fixture);
	end(fixture);
	read_back(fixture);
	json_array_foreach(fixture->records, i, record)
		assert_count(record, "parkscope.seq", (json_int_t)i);
	assert_int_equal(i, 7);
	fixture_free(fixture);
}

static void test_a_write_that_fails_is_reported(void **state)
{
	struct fixture *fixture = fixture_new("watch", false, 1);
	const struct jsonl_config config = {
		.command = "watch", .version = "0", .hostname = "h", .run_id = "r"};
	auto_free(sink) struct sink *full = NULL;
	auto_free(jsonl) struct jsonl *jsonl = NULL;
	struct error error = {0};

	(void)state;
	assert_int_equal(sink_open("/dev/full", &full, NULL), 0);
	jsonl = jsonl_new(&config, full);
	assert_int_equal(jsonl_start(jsonl, 0, &error), -ENOSPC);
	assert_string_equal(error.text, "cannot write to /dev/full: No space left on device");
	assert_int_equal(jsonl_report(jsonl, &fixture->report, &error), -ENOSPC);
	fixture_free(fixture);
}

/* The validator must be able to say no. */
static void test_validator_finds_errors(void **state)
{
	static const char *const bad[] = {
		"{}\n",
		"not json\n",
		"{\"event\":{\"kind\":\"metric\",\"dataset\":\"parkscope.unknown\"}}\n",
		"{\"@timestamp\":\"2026-09-21T14:13:20.123Z\",\"event\":{\"kind\":\"metric\","
		"\"dataset\":\"parkscope.loss\"},\"host\":{\"name\":\"h\"},\"ecs\":{\"version\":"
		"\"8.11.0\"},\"parkscope\":{\"run_id\":\"r\",\"seq\":1,\"interval_s\":1,"
		"\"losses\":{}}}\n", /* seq starts at 0 */
		"{\"@timestamp\":\"2026-09-21T14:13:20.123Z\",\"event\":{\"kind\":\"metric\","
		"\"dataset\":\"parkscope.loss\"},\"host\":{\"name\":\"h\"},\"ecs\":{\"version\":"
		"\"8.11.0\"},\"parkscope\":{\"run_id\":\"r\",\"seq\":0,\"interval_s\":1,"
		"\"losses\":{},\"more\":1}}\n", /* a field that nobody knows */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fixture *fixture = fixture_new("watch", false, 1);
		int status;

		assert_int_equal(sink_write(fixture->sink, bad[i], strlen(bad[i]), NULL), 0);
		status = validate(fixture->scratch.file);
		assert_int_equal(status, 1);
		fixture_free(fixture);
	}
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* 300 processes with 50 sites of 12 frames: printed, not asserted, machines differ. */
static void test_speed(void **state)
{
	struct watched_process **processes = calloc(300, sizeof(*processes));
	char name[64];

	(void)state;
	assert_non_null(processes);
	for (uint32_t i = 0; i < 300; i++) {
		processes[i] = build_process(i + 1, "target");
		for (int j = 0; j < 50; j++) {
			snprintf(name, sizeof(name), "some_namespace::function_%d", j);
			sweep_site(build_site(processes[i], SITE_PARK, "futex",
					      build_stack("__futex_wait@libc.so.6", name, "a", "b",
							  "c", "d", "e", "f", "g", "h", "i", "j",
							  NULL)),
				   10, 1, 0);
		}
	}
	for (int full = 0; full < 2; full++) {
		struct fixture *fixture = fixture_new("watch", full, 10);
		double start = now_s(), first, second;

		fixture->report.processes_count = 300;
		fixture->report.processes = processes;
		assert_int_equal(jsonl_report(fixture->jsonl, &fixture->report, NULL), 0);
		first = now_s() - start;
		start = now_s();
		assert_int_equal(jsonl_report(fixture->jsonl, &fixture->report, NULL), 0);
		second = now_s() - start;
		print_message("300 x 50 sites, %s: first report %.0f ms, next %.0f ms\n",
			      full ? "--full" : "default", first * 1e3, second * 1e3);
		/* Ten times the goal: a debug build on a slow machine must pass. */
		assert_true(first < 5 && second < 5);
		fixture_free(fixture);
	}
	for (uint32_t i = 0; i < 300; i++)
		watched_process_free(processes[i]);
	free(processes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_sites_and_their_stacks),
		cmocka_unit_test(test_full_has_stacks_inside),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_losses_only_where_there_are_some),
		cmocka_unit_test(test_end_has_totals_and_cost),
		cmocka_unit_test(test_own_cost_with_each_report),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_hostile_names_forge_nothing),
		cmocka_unit_test(test_very_long_names_are_bounded),
		cmocka_unit_test(test_seq_is_consecutive),
		cmocka_unit_test(test_a_write_that_fails_is_reported),
		cmocka_unit_test(test_validator_finds_errors),
		cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
