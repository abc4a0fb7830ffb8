// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <errno.h>

#include "input/jsonl_dump.h"
#include "jsonl_fixture.h"

#define START                                                          \
	"{\"@timestamp\":\"2026-01-31T23:59:59.000Z\",\"event\":"      \
	"{\"dataset\":\"parkscope.start\"},\"host\":{\"name\":\"h\"}," \
	"\"parkscope\":{\"schema\":\"1.1\",\"command\":\"dump\"}}\n"
#define PROCESS                                                                \
	"{\"@timestamp\":\"2026-01-31T23:59:59.500Z\",\"event\":{\"dataset\":" \
	"\"parkscope.process\"},\"process\":{\"pid\":7},\"parkscope\":{\"exec_id\":3}}\n"
#define SITE_OF(pid, more)                                                                    \
	"{\"event\":{\"dataset\":\"parkscope.park_site\"},\"process\":{\"pid\":" pid          \
	"},\"parkscope\":{\"unit\":\"thread\",\"reason\":\"futex\",\"site\":\"00000000000000" \
	"aa\",\"stack\":[\"f+0x1 (m)\"]," more "}}\n"
#define SITE_WITH(crowd) SITE_OF("7", "\"crowd\":{" crowd "}")
#define SITE             SITE_WITH("\"now\":2")
#define END                                                                              \
	"{\"event\":{\"dataset\":\"parkscope.end\"},\"parkscope\":{\"losses\":{\"a\":2," \
	"\"b\":3}}}\n"

static int read_text(const char *text, struct dump **dump, struct error *error)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	int err;

	assert_non_null(file);
	err = jsonl_dump_read(file, dump, error);
	fclose(file);
	return err;
}

static void assert_refused(const char *text, int code, const char *message)
{
	struct error error = {0};
	struct dump *dump = NULL;

	assert_int_equal(read_text(text, &dump, &error), code);
	assert_string_equal(error.text, message);
	assert_null(dump);
}

static void identify(struct watched_process *process)
{
	process->entity_id = build_string("00112233aabbccdd");
	process->executable = build_string("/usr/bin/target");
	process->container_id = build_string("abc");
	process->start_unix_ns = 1780000000500000000;
	process->exec_id = 9;
	process->threads.now = 21;
}

static void test_what_dump_writes_is_read_back(void **state)
{
	struct fixture *fixture = fixture_new("dump", false, 0);
	const struct dump_process *process;
	const struct dump_site *sleeping;
	struct dump *dump = NULL;
	struct site *site;
	FILE *file;

	(void)state;
	fixture->report.events = false;
	identify(fixture->process);
	site = park(fixture, "work", 3);
	for (uint64_t i = 0; i < 3; i++)
		stay_sample_add(&site->stays, 30 - i);
	stay_sample_sort(&site->stays);
	site = build_goroutine_site(fixture->process, SITE_PARK, "chan_send",
				    build_stack("main.\"w\n", NULL));
	sweep_site(site, 2, 5, fixture->report.now_ns);
	site->creator = build_stack("main.main", NULL);
	fixture->process->go_version = build_string("go1.23");
	fixture->process->goroutines.now = 4;
	losses_add(&fixture->losses, "thread_moved", 5);
	assert_int_equal(jsonl_start(fixture->jsonl, 1790000000000000000, NULL), 0);
	report(fixture);
	end(fixture);
	assert_valid(fixture);

	file = fopen(fixture->scratch.file, "r");
	assert_non_null(file);
	assert_int_equal(jsonl_dump_read(file, &dump, NULL), 0);
	fclose(file);
	assert_string_equal(dump->hostname, "host-1");
	assert_int_equal(dump->wall_ns, 1790000000123000000);
	assert_int_equal(dump->losses, 5);
	assert_int_equal(dump->processes_count, 1);
	process = dump->processes;
	assert_int_equal(process->pid, 4711);
	assert_string_equal(process->name, "target");
	assert_string_equal(process->entity_id, "00112233aabbccdd");
	assert_string_equal(process->executable, "/usr/bin/target");
	assert_string_equal(process->container_id, "abc");
	assert_int_equal(process->start_unix_ns, 1780000000500000000);
	assert_true(process->exec_id_known);
	assert_int_equal(process->exec_id, 9);
	assert_true(process->threads_known && process->goroutines_known && process->go);
	assert_int_equal(process->threads, 21);
	assert_int_equal(process->goroutines, 4);

	assert_int_equal(process->sites_count, 2);
	assert_string_equal(process->sites[0].reason, "futex");
	assert_int_equal(process->sites[0].unit, UNIT_THREAD);
	assert_int_equal(process->sites[0].now, 3);
	assert_int_equal(process->sites[0].stack->count, 3);
	assert_string_equal(process->sites[0].stack->frames[1].function, "work");
	assert_string_equal(process->sites[0].stack->frames[0].module, "libc.so.6");
	assert_int_equal(process->sites[0].stays.count, 3);
	assert_int_equal(process->sites[0].stays.ids[0], 28);
	assert_int_equal(process->sites[0].stays.ids[2], 30);
	sleeping = &process->sites[1];
	assert_int_equal(sleeping->unit, UNIT_GOROUTINE);
	assert_int_equal(sleeping->id, site->id.hash);
	assert_string_equal(sleeping->stack->frames[0].function, "main.\"w\n");
	assert_string_equal(sleeping->created_by, "main.main+0x10 (target)");
	assert_int_equal(sleeping->stays.count, 0);
	dump_free(dump);
	fixture_free(fixture);
}

static void test_samples_of_stays_are_read_back(void **state)
{
	struct fixture *fixture = fixture_new("dump", false, 0);
	struct dump *dump = NULL;
	struct site *site;
	FILE *file;

	(void)state;
	fixture->report.events = false;
	site = park(fixture, "work", 5000);
	for (uint64_t i = 0; i < 5000; i++)
		stay_sample_add(&site->stays, i);
	stay_sample_sort(&site->stays);
	assert_int_equal(site->stays.shift, 1);
	assert_int_equal(jsonl_start(fixture->jsonl, 0, NULL), 0);
	report(fixture);
	end(fixture);
	assert_valid(fixture);
	file = fopen(fixture->scratch.file, "r");
	assert_non_null(file);
	assert_int_equal(jsonl_dump_read(file, &dump, NULL), 0);
	fclose(file);
	assert_int_equal(dump->processes[0].sites[0].stays.shift, 1);
	assert_int_equal(dump->processes[0].sites[0].stays.count, site->stays.count);
	dump_free(dump);
	fixture_free(fixture);
}

static void test_later_versions_are_read(void **state)
{
	struct dump *dump = NULL;

	(void)state;
	assert_int_equal(read_text(START PROCESS SITE
				   "{\"event\":{\"dataset\":\"parkscope.fibers\"},\"parkscope\":{}}"
				   "\n" SITE_WITH("\"now\":1,\"new_field\":[]") END,
				   &dump, NULL),
			 0);
	assert_int_equal(dump->processes[0].sites_count, 2);
	assert_int_equal(dump->losses, 5);
	assert_int_equal(dump->wall_ns % 1000000000, 500000000);
	dump_free(dump);
}

static void test_what_is_no_dump(void **state)
{
	(void)state;
	assert_refused("{}\n", -EBADMSG, "line 1: this is no record of parkscope");
	assert_refused("{\"event\":{\"dataset\":\"nginx\"},\"parkscope\":{}}\n", -EBADMSG,
		       "line 1: this is no record of parkscope");
	assert_refused("x\n", -EBADMSG, "line 1 is no JSON object");
	assert_refused("{\"event\":{\"dataset\":\"parkscope.start\"},\"parkscope\":{\"schema\":"
		       "\"1.1\",\"command\":\"watch\"}}\n",
		       -EBADMSG, "line 1: it was not written by 'parkscope dump', but by 'watch'");
	assert_refused("{\"event\":{\"dataset\":\"parkscope.start\"},\"parkscope\":{\"schema\":"
		       "\"2.0\",\"command\":\"dump\"}}\n",
		       -EBADMSG, "line 1: its schema is not version 1, which is known here");
	assert_refused(PROCESS, -EBADMSG,
		       "line 1: this stands outside of a run: a dump is from one parkscope.start "
		       "to its parkscope.end");
}

static void test_what_is_not_whole(void **state)
{
	(void)state;
	assert_refused(START PROCESS SITE, -EBADMSG,
		       "it is cut after line 3: there is no parkscope.end");
	assert_refused(START PROCESS "{\"event\"", -EBADMSG, "line 3 is cut");
	assert_refused(START PROCESS END START END, -EBADMSG,
		       "line 4: here begins a second run: give each dump a file of its own");
	assert_refused(START END PROCESS, -EBADMSG,
		       "line 3: this stands outside of a run: a dump is from one parkscope.start "
		       "to its parkscope.end");
}

static void test_damaged_fields(void **state)
{
	static const struct {
		const char *text, *field;
	} bad[] = {
		{SITE, "process.pid"},
		{PROCESS SITE_OF("8", "\"crowd\":{\"now\":1}"), "process.pid"},
		{PROCESS SITE_OF("7", "\"crowd\":1"), "parkscope.crowd.now"},
		{PROCESS SITE_WITH("\"now\":-1"), "parkscope.crowd.now"},
		{PROCESS SITE_WITH("\"now\":1.5"), "parkscope.crowd.now"},
		{PROCESS SITE_WITH("\"now\":9999999999999"), "parkscope.crowd.now"},
		{PROCESS SITE_WITH("\"now\":1,\"stays\":[]"), "parkscope.crowd.stays"},
		{PROCESS SITE_WITH("\"now\":1,\"stays\":{\"one_in\":1,\"ids\":[]}"),
		 "parkscope.crowd.stays"},
		{PROCESS SITE_WITH("\"now\":1,\"stays\":{\"one_in\":1,\"ids\":[7]}"),
		 "parkscope.crowd.stays"},
		{PROCESS SITE_WITH("\"now\":1,\"stays\":{\"one_in\":3,\"ids\":[]}"),
		 "parkscope.crowd.stays"},
		{PROCESS SITE_WITH("\"now\":1,\"stays\":{\"one_in\":0,\"ids\":[]}"),
		 "parkscope.crowd.stays"},
		{PROCESS SITE_WITH("\"now\":9,\"stays\":{\"one_in\":2,\"ids\":[\"0000000000000001"
				   "\"]}"),
		 "parkscope.crowd.stays"},
		{PROCESS "{\"event\":{\"dataset\":\"parkscope.park_site\"},\"process\":{\"pid\":7},"
			 "\"parkscope\":{\"unit\":\"thread\"}}\n",
		 "parkscope.stack"},
		{PROCESS "{\"event\":{\"dataset\":\"parkscope.park_site\"},\"process\":{\"pid\":7},"
			 "\"parkscope\":{\"stack\":[],\"site\":\"x\"}}\n",
		 "parkscope.site"},
		{PROCESS "{\"event\":{\"dataset\":\"parkscope.park_site\"},\"process\":{\"pid\":7},"
			 "\"parkscope\":{\"stack\":[],\"site\":\"0000000000000001\",\"unit\":1}}\n",
		 "parkscope.unit"},
		{PROCESS "{\"event\":{\"dataset\":\"parkscope.park_site\"},\"process\":{\"pid\":7},"
			 "\"parkscope\":{\"stack\":[],\"site\":\"0000000000000001\",\"unit\":"
			 "\"thread\",\"reason\":\"\\u001b[2J\"}}\n",
		 "parkscope.reason"},
		{PROCESS "{\"event\":{\"dataset\":\"parkscope.park_site\"},\"process\":{\"pid\":7},"
			 "\"parkscope\":{\"stack\":[1],\"site\":\"0000000000000001\",\"unit\":"
			 "\"thread\",\"reason\":\"futex\",\"crowd\":{\"now\":1}}}\n",
		 "parkscope.stack"},
		{"{\"event\":{\"dataset\":\"parkscope.process\"},\"process\":{\"pid\":0},"
		 "\"parkscope\":{}}\n",
		 "process.pid"},
		{"{\"event\":{\"dataset\":\"parkscope.process\"},\"process\":{\"pid\":7},"
		 "\"parkscope\":{}}\n",
		 "@timestamp"},
		{"{\"event\":{\"dataset\":\"parkscope.end\"},\"parkscope\":{\"losses\":{\"a\":-1}}}"
		 "\n",
		 "parkscope.losses"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[2048], expected[128];
		bool first = strncmp(bad[i].text, PROCESS, strlen(PROCESS)) != 0;

		snprintf(text, sizeof(text), START "%s" END, bad[i].text);
		snprintf(expected, sizeof(expected),
			 "line %d: %s is missing or is not what it should be", first ? 2 : 3,
			 bad[i].field);
		assert_refused(text, -EBADMSG, expected);
	}
}

static void test_stacks_have_a_limit(void **state)
{
	size_t capacity = 16 * DUMP_STACK_MAX, length;
	char *text = malloc(capacity);

	(void)state;
	assert_non_null(text);
	length = (size_t)snprintf(text, capacity,
				  START PROCESS
				  "{\"event\":{\"dataset\":\"parkscope.park_site\"},\"process\":{"
				  "\"pid\":7},\"parkscope\":{\"stack\":[\"f\"");
	for (int i = 0; i < DUMP_STACK_MAX; i++)
		length += (size_t)snprintf(text + length, capacity - length, ",\"f\"");
	snprintf(text + length, capacity - length, "]}}\n" END);
	assert_refused(text, -E2BIG, "line 3: it is too large to be compared");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_dump_writes_is_read_back),
		cmocka_unit_test(test_samples_of_stays_are_read_back),
		cmocka_unit_test(test_later_versions_are_read),
		cmocka_unit_test(test_what_is_no_dump),
		cmocka_unit_test(test_what_is_not_whole),
		cmocka_unit_test(test_damaged_fields),
		cmocka_unit_test(test_stacks_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
