// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "dump_builder.h"
#include "output/diff_text.h"
#include "scratch_file.h"

#define OLD_NS 1790000000000000000

struct fixture {
	struct dump *old, *new;
	struct diff_text_config config;
	struct scratch scratch;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->old = build_dump(OLD_NS);
	fixture->new = build_dump(OLD_NS + 600 * (int64_t)SECOND_NS);
	fixture->config = (struct diff_text_config){
		.old_path = "old",
		.new_path = "new",
		.old = fixture->old,
		.new = fixture->new,
		.top = 10,
		.ascii = true,
	};
	scratch_make(&fixture->scratch);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	dump_free(fixture->old);
	dump_free(fixture->new);
	scratch_remove(&fixture->scratch);
	free(fixture);
	return 0;
}

static void assert_text(const struct fixture *fixture, const char *expected)
{
	const struct diff_rules rules = {.units = SHOWN_ALL};
	struct dump_diff *diff = dump_diff_new(fixture->old, fixture->new, &rules);
	struct sink *sink;

	assert_non_null(diff);
	unlink(fixture->scratch.file);
	assert_int_equal(sink_open(fixture->scratch.file, &sink, NULL), 0);
	assert_int_equal(diff_text_write(diff, &fixture->config, sink, NULL), 0);
	sink_free(sink);
	dump_diff_free(diff);
	assert_file(fixture->scratch.file, expected);
}

static void one_process(struct fixture *fixture, const char *old_id, const char *new_id)
{
	dump_process(fixture->old, 4711, "api", old_id);
	dump_process(fixture->new, old_id == new_id ? 4711 : 4800, "api", new_id);
	dump_stays(dump_site(fixture->old, 0, 1, "wait_for_reply", 20), 0);
	dump_stays(dump_site(fixture->new, 0, 1, "wait_for_reply", 140), 2);
	dump_stays(dump_site(fixture->old, 0, 2, "read_socket", 3), 500);
	dump_stays(dump_site(fixture->new, 0, 2, "read_socket", 3), 500);
}

static void test_the_same_process(void **state)
{
	struct fixture *fixture = *state;

	one_process(fixture, "a", "a");
	fixture->old->hostname = build_string("db-1");
	fixture->new->losses = 1234;
	fixture->old->processes[0].threads_known = fixture->new->processes[0].threads_known = true;
	fixture->old->processes[0].threads = 24;
	fixture->new->processes[0].threads = 1144;
	assert_text(fixture,
		    "OLD 2026-09-21T14:13:20Z  old  db-1\n"
		    "NEW 2026-09-21T14:23:20Z  new  10m0s later\n"
		    "LOST 0 in OLD, 1,234 in NEW: they did not see everything\n"
		    "\n"
		    "api 4711  threads 24 -> 1,144 (+1,120, +112.0/min)  parked 23 -> 143\n"
		    "  the same process: 21 stayed, 2 left, 122 came\n"
		    "  sites: 1 grew, 1 same\n"
		    "        OLD  NEW  CHANGE  +/MIN  LEFT  CAME  REASON  WHERE\n"
		    "grew     20  140    +120  +12.0     2   122  futex\n"
		    "        wait_for_reply+0x1f (target)\n");
}

static void test_different_processes(void **state)
{
	struct fixture *fixture = *state;

	one_process(fixture, "a", "b");
	assert_text(fixture, "OLD 2026-09-21T14:13:20Z  old\n"
			     "NEW 2026-09-21T14:23:20Z  new  10m0s later\n"
			     "\n"
			     "api 4711 -> 4800  parked threads 23 -> 143 (+120)\n"
			     "  different processes: counts only\n"
			     "  sites: 1 grew, 1 same\n"
			     "        OLD  NEW  CHANGE  REASON  WHERE\n"
			     "grew     20  140    +120  futex   wait_for_reply+0x1f (target)\n");
}

static void test_narrow_lines_are_broken(void **state)
{
	struct fixture *fixture = *state;

	one_process(fixture, "a", "a");
	fixture->config.width = 60;
	assert_text(fixture, "OLD 2026-09-21T14:13:20Z  old\n"
			     "NEW 2026-09-21T14:23:20Z  new  10m0s later\n"
			     "\n"
			     "api 4711  parked threads 23 -> 143 (+120, +12.0/min)\n"
			     "  the same process: 21 stayed, 2 left, 122 came\n"
			     "  sites: 1 grew, 1 same\n"
			     "        OLD  NEW  CHANGE  +/MIN  LEFT  CAME  REASON\n"
			     "        WHERE\n"
			     "grew     20  140    +120  +12.0     2   122  futex\n"
			     "        wait_for_reply+0x1f (target)\n");
}

static void test_everything(void **state)
{
	struct fixture *fixture = *state;

	one_process(fixture, "a", "a");
	fixture->new->processes[0].sites[0].created_by = build_string("main.main");
	fixture->config.verbose = true;
	fixture->config.width = 100;
	assert_text(
		fixture,
		"OLD 2026-09-21T14:13:20Z  old\n"
		"NEW 2026-09-21T14:23:20Z  new  10m0s later\n"
		"\n"
		"api 4711  parked threads 23 -> 143 (+120, +12.0/min)\n"
		"  the same process: 21 stayed, 2 left, 122 came\n"
		"  sites: 1 grew, 1 same\n"
		"        OLD  NEW  CHANGE  +/MIN  LEFT  CAME  REASON  WHERE\n"
		"grew     20  140    +120  +12.0     2   122  futex   wait_for_reply+0x1f "
		"(target)\n"
		"        site 0000000000000001\n"
		"        wait_for_reply+0x1f (target)\n"
		"        created by main.main\n"
		"\n"
		"same      3    3       -      -     -     -  futex   read_socket+0x1f (target)\n"
		"        site 0000000000000002\n"
		"        read_socket+0x1f (target)\n");
}

static void test_more_than_top(void **state)
{
	struct fixture *fixture = *state;

	for (uint32_t pid = 1; pid <= 4; pid++) {
		char name[8];

		snprintf(name, sizeof(name), "p%u", pid);
		dump_process(fixture->new, pid, name, NULL);
		for (uint64_t id = 1; id <= 3; id++)
			dump_site(fixture->new, pid - 1, id, "work", (5 - pid) * 10 + id);
	}
	fixture->config.top = 1;
	assert_text(fixture, "OLD 2026-09-21T14:13:20Z  old\n"
			     "NEW 2026-09-21T14:23:20Z  new  10m0s later\n"
			     "\n"
			     "p1 1  NEW  parked threads 126\n"
			     "  sites: 3 new\n"
			     "        OLD  NEW  CHANGE  REASON  WHERE\n"
			     "new       -   43     +43  futex   work+0x1f (target)\n"
			     "... and 2 more sites, 0 -> 83 threads: see --top\n"
			     "\n"
			     "3 more processes differ: see --top\n");
}

static void test_what_is_the_same(void **state)
{
	struct fixture *fixture = *state;

	dump_process(fixture->old, 1, "api", "a");
	dump_process(fixture->new, 1, "api", "a");
	fixture->new->wall_ns = fixture->old->wall_ns;
	assert_text(fixture, "OLD 2026-09-21T14:13:20Z  old\n"
			     "NEW 2026-09-21T14:13:20Z  new  of the same moment\n"
			     "\n"
			     "api 1  parked threads 0\n"
			     "  the same process: 0 stayed, 0 left, 0 came\n"
			     "  sites: none\n");
	dump_process(fixture->old, 2, "db", "b");
	dump_process(fixture->new, 2, "db", "b");
	fixture->new->wall_ns -= 90 * (int64_t)SECOND_NS;
	assert_text(fixture,
		    "OLD 2026-09-21T14:13:20Z  old\n"
		    "NEW 2026-09-21T14:11:50Z  new  1m30s EARLIER than OLD: are they swapped?\n"
		    "\n"
		    "2 processes are the same\n");
}

static void test_nothing_at_all(void **state)
{
	struct fixture *fixture = *state;

	fixture->old->wall_ns = 0;
	assert_text(fixture, "OLD [no time]  old\n"
			     "NEW 2026-09-21T14:23:20Z  new\n"
			     "\n"
			     "0 processes in both dumps\n");
}

static void test_go_programs(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 2; i++) {
		struct dump *dump = i ? fixture->new : fixture->old;
		struct dump_site *site;

		dump_process(dump, 7, "api", "a");
		dump->processes[0].go = true;
		dump_site(dump, 0, 1, "runtime.futex", i ? 6 : 4);
		site = dump_site(dump, 0, 2, "main.send", i ? 30000 : 10000);
		site->unit = UNIT_GOROUTINE;
		dump_stays(site, 0);
	}
	fixture->config.width = 100;
	assert_text(fixture,
		    "OLD 2026-09-21T14:13:20Z  old\n"
		    "NEW 2026-09-21T14:23:20Z  new  10m0s later\n"
		    "\n"
		    "api 7  parked goroutines 10,000 -> 30,000 (+20,000, +2000.0/min)  parked "
		    "threads 0\n"
		    "  the same process: about 10,000 stayed, 0 left, 20,000 came\n"
		    "  sites: 1 grew\n"
		    "          OLD    NEW  CHANGE    +/MIN  LEFT   CAME  REASON  WHERE "
		    "(goroutines)\n"
		    "grew    10000  30000  +20000  +2000.0     -  20000  futex   main.send+0x1f "
		    "(target)\n"
		    "  not compared: idle scheduler threads 4 -> 6\n");
}

static void test_hostile_names_are_escaped(void **state)
{
	struct fixture *fixture = *state;

	dump_process(fixture->new, 1, "a\nb\x1b[2J", NULL);
	dump_site(fixture->new, 0, 1, "f\r\x1b]0;x\a", 1);
	fixture->new->processes[0].sites[0].created_by = build_string("x\ny");
	fixture->new->hostname = build_string("h\n");
	fixture->config.new_path = "n\nw";
	fixture->config.verbose = true;
	assert_text(fixture,
		    "OLD 2026-09-21T14:13:20Z  old\n"
		    "NEW 2026-09-21T14:23:20Z  n\\x0aw  h\\x0a  10m0s later\n"
		    "\n"
		    "a\\x0ab\\x1b[2J 1  NEW  parked threads 1\n"
		    "  sites: 1 new\n"
		    "        OLD  NEW  CHANGE  REASON  WHERE\n"
		    "new       -    1      +1  futex   f\\x0d\\x1b]0;x\\x07+0x1f (target)\n"
		    "        site 0000000000000001\n"
		    "        f\\x0d\\x1b]0;x\\x07+0x1f (target)\n"
		    "        created by x\\x0ay\n");
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(test_the_same_process),
		test(test_different_processes),
		test(test_narrow_lines_are_broken),
		test(test_everything),
		test(test_more_than_top),
		test(test_what_is_the_same),
		test(test_nothing_at_all),
		test(test_go_programs),
		test(test_hostile_names_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
