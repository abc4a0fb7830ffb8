// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <errno.h>
#include <string.h>

#include "text_fixture.h"

/* A leak of threads, as design.md tells it. */
static void add_leak(struct fixture *fixture)
{
	struct watched_process *process = add_process(fixture, 4711, "leaky", 103, 143);
	struct reason_waits *waits = watched_process_reason(process, "futex");
	struct site *site, *birth;

	site = build_site(process, SITE_PARK, "futex",
			  build_stack("futex_do_wait@kernel", "__futex_wait@libc.so.6",
				      "pthread_cond_wait@libc.so.6", "handle_request", "worker",
				      "start_thread@libc.so.6", "clone3@libc.so.6", NULL));
	sweep_site(site, 120, 4 * SECOND_NS, 0);
	name_threads(site, "worker-1", 4714, 1);
	name_threads(site, "worker-2", 4715, 118);
	name_threads(site, "main", 4711, 1);
	site->crowd.oldest_bound = AGE_AT_MOST;
	site->crowd.arrived = 40;
	site->crowd.departed = 0;
	site = build_site(process, SITE_PARK, "socket_connect",
			  build_stack("__connect@libc.so.6", "dial", "main", NULL));
	sweep_site(site, 1, 850000000, 0);
	name_threads(site, "dialer", 4713, 1);
	birth = build_site(process, SITE_BIRTH, "birth",
			   build_stack("clone3@libc.so.6", "pthread_create@libc.so.6",
				       "accept_loop", "main", NULL));
	birth->births = (struct birth_count){.live = 142, .born = 40};
	waits->count = 1234;
	waits->duration_ns = 56700000000;
	waits = watched_process_reason(process, "epoll");
	waits->count = 1;
	waits->duration_ns = 850000000;
	losses_add(&fixture->losses, "stack_map_full", 12);
	losses_add(&fixture->losses, "events_full", 3);
}

static void test_one_process(void **state)
{
	struct fixture *fixture =
		fixture_new(&(struct text_config){.top = 10, .stacks = 1, .frames = 2});

	(void)state;
	add_leak(fixture);
	assert_report(
		fixture,
		"--- 2026-09-21T14:13:20Z  interval 2.0s\n"
		"leaky 4711  threads 143 (+1200.0/min)  born 40  exited 0  watched 4s\n"
		" NOW  +IN  -OUT  OLDEST  REASON          WHERE\n"
		" 120   40     -   \xe2\x89\xa4"
		"4.0s  futex           handle_request+0x10 (target)\n"
		"      worker+0x10 (target)\n"
		"      start_thread+0x10 (libc.so.6)\n"
		"      \xe2\x80\xa6 1 more\n"
		"   1    1     -   850ms  socket_connect  dial+0x10 (target)\n"
		" LIVE  BORN  EXIT  CREATED AT\n"
		"  142    40     -  accept_loop+0x10 (target)\n"
		"      main+0x10 (target)\n"
		"WAITED  futex 1,234 waits 56.7s (mean 45ms)  epoll 1 wait 850ms (mean 850ms)\n"
		"LOST  12 stack_map_full, 3 events_full\n");
	fixture_free(fixture);
}

static void test_dump(void **state)
{
	struct fixture *fixture =
		fixture_new(&(struct text_config){.details = true, .ascii = true});

	(void)state;
	add_leak(fixture);
	fixture->report.events = false;
	assert_report(fixture, "--- 2026-09-21T14:13:20Z\n"
			       "leaky 4711  threads 143  parked 121\n"
			       " NOW  OLDEST  REASON          WHERE\n"
			       " 120   <4.0s  futex           handle_request+0x10 (target)\n"
			       "      threads: worker-* (119), main\n"
			       "      __futex_wait+0x10 (libc.so.6)\n"
			       "      pthread_cond_wait+0x10 (libc.so.6)\n"
			       "      handle_request+0x10 (target)\n"
			       "      worker+0x10 (target)\n"
			       "      start_thread+0x10 (libc.so.6)\n"
			       "      clone3+0x10 (libc.so.6)\n"
			       "\n"
			       "   1   850ms  socket_connect  dial+0x10 (target)\n"
			       "      thread: 4713 dialer\n"
			       "      __connect+0x10 (libc.so.6)\n"
			       "      dial+0x10 (target)\n"
			       "      main+0x10 (target)\n"
			       "LOST  12 stack_map_full, 3 events_full\n");
	fixture_free(fixture);
}

/* The frame that WHERE shows is not repeated; a stack of one frame has no more to show. */
static void test_verbose_dump_has_kernel_frames(void **state)
{
	struct fixture *fixture =
		fixture_new(&(struct text_config){.details = true, .ascii = true, .verbose = true});
	char *text;

	(void)state;
	add_leak(fixture);
	fixture->report.events = false;
	assert_int_equal(text_report(fixture->text, &fixture->report, NULL), 0);
	text = scratch_read(fixture->scratch.file);
	assert_non_null(strstr(text, "\n      futex_do_wait+0x10 [k]\n"
				     "      __futex_wait+0x10 (libc.so.6)\n"));
	free(text);
	fixture_free(fixture);
}

/* A stack as deep as there are, its last frame saying that it was cut, names of any length. */
static void test_dump_to_a_file_cuts_nothing(void **state)
{
	enum {
		DEPTH = 128,
		NAME_LENGTH = 500,
	};
	struct fixture *fixture = fixture_new(&(struct text_config){
		.details = true, .ascii = true, .width = TEXT_WIDTH_UNLIMITED});
	struct watched_process *process = add_process(fixture, 7, "deep", 1, 1);
	struct stack *stack = stack_new(DEPTH + 1);
	char name[NAME_LENGTH + 1], expected[NAME_LENGTH + 32];
	size_t found = 0;
	char *text;

	(void)state;
	memset(name, 'n', NAME_LENGTH);
	name[NAME_LENGTH] = '\0';
	for (size_t i = 0; i < DEPTH; i++) {
		stack->frames[i].function = build_string(name);
		stack->frames[i].module = build_string("target");
	}
	stack->frames[DEPTH].function = build_string("[cut: no unwind table]");
	stack->frames[DEPTH].kind = FRAME_LABEL;
	sweep_site(build_site(process, SITE_PARK, "futex", stack), 1, SECOND_NS, 0);
	assert_int_equal(text_report(fixture->text, &fixture->report, NULL), 0);
	text = scratch_read(fixture->scratch.file);

	snprintf(expected, sizeof(expected), "\n      %s+0x0 (target)", name);
	for (const char *at = text; (at = strstr(at, expected)); at++)
		found++;
	assert_int_equal(found, DEPTH);
	assert_non_null(strstr(text, "(target)\n      [cut: no unwind table]\n"));
	free(text);
	fixture_free(fixture);
}

static void test_threads_of_many_names(void **state)
{
	struct fixture *fixture =
		fixture_new(&(struct text_config){.details = true, .ascii = true});
	struct watched_process *process = add_process(fixture, 7, "many", 60, 60);
	struct site *site = build_site(process, SITE_PARK, "futex", build_stack("main", NULL));
	char *text;

	(void)state;
	sweep_site(site, 60, SECOND_NS, 0);
	name_threads(site, "x\n\033[2J", 10, 20);
	for (uint32_t i = 0; i < 20; i++) {
		char name[THREAD_NAME_SIZE];

		snprintf(name, sizeof(name), "name%c", 'a' + (int)i);
		name_threads(site, name, 20 + i, 2);
	}
	assert_int_equal(text_report(fixture->text, &fixture->report, NULL), 0);
	text = scratch_read(fixture->scratch.file);
	assert_non_null(strstr(text, "\n      threads: x\\x0a\\x1b[2J (20), namea (2), nameb (2), "
				     "namec (2), named (2),\n"
				     "        namee (2), namef (2), nameg (2), 26 more\n"));
	free(text);
	fixture_free(fixture);
}

static void test_several_processes(void **state)
{
	struct fixture *fixture = fixture_new(&(struct text_config){.top = 2});

	(void)state;
	add_leak(fixture);
	add_process(fixture, 12, "idle", 3, 3);
	add_process(fixture, 13, "more", 1000, 1000);
	add_process(fixture, 14, "evenmore", 234, 234);
	assert_report(fixture,
		      "--- 2026-09-21T14:13:20Z  interval 2.0s\n"
		      "    PID NAME            THREADS    +/MIN  BORN  EXIT  MOST PARKED AT\n"
		      "   4711 leaky               143  +1200.0    40     -  120 futex "
		      "handle_request\n"
		      "     12 idle                  3        -     -     -  -\n"
		      "\xe2\x80\xa6 and 2 more processes, 1,234 threads\n"
		      "LOST  12 stack_map_full, 3 events_full\n");
	fixture_free(fixture);
}

static void test_nothing_to_see(void **state)
{
	struct fixture *fixture = fixture_new(&(struct text_config){0});

	(void)state;
	assert_report(fixture, "--- 2026-09-21T14:13:20Z  interval 2.0s\nno process is watched\n");
	fixture_free(fixture);

	fixture = fixture_new(&(struct text_config){0});
	add_process(fixture, 7, "busy", 1, 1)->ended = true;
	assert_report(fixture, "--- 2026-09-21T14:13:20Z  interval 2.0s\n"
			       "busy 7  ended  threads 1  born 0  exited 0  watched 4s\n"
			       "no thread is parked\n");
	fixture_free(fixture);
}

static void test_more_sites_than_shown(void **state)
{
	struct fixture *fixture =
		fixture_new(&(struct text_config){.top = 1, .stacks = 1, .frames = 1});
	struct watched_process *process = add_process(fixture, 7, "busy", 9, 9);
	const char *const names[] = {"a", "b", "c"};

	(void)state;
	for (uint64_t i = 0; i < 3; i++)
		sweep_site(build_site(process, SITE_PARK, "futex", build_stack(names[i], NULL)),
			   i + 2, SECOND_NS, 0);
	watched_process_end_report(process);
	assert_report(fixture, "--- 2026-09-21T14:13:20Z  interval 2.0s\n"
			       "busy 7  threads 9 (+0.0/min)  born 0  exited 0  watched 4s\n"
			       " NOW  +IN  -OUT  OLDEST  REASON  WHERE\n"
			       "   4    -     -    1.0s  futex   c+0x10 (target)\n"
			       "\xe2\x80\xa6 and 2 more sites, 5 threads\n");
	fixture_free(fixture);
}

static void test_hostile_names_forge_no_line(void **state)
{
	struct fixture *fixture = fixture_new(&(struct text_config){0});
	const char *hostile = "x\n--- 2026\033[2J\xff\xe2\x80\xae\"";
	struct watched_process *process = add_process(fixture, 7, hostile, 1, 1);
	struct site *site = build_site(process, SITE_PARK, "futex", build_stack(hostile, NULL));

	(void)state;
	sweep_site(site, 1, SECOND_NS, 0);
	watched_process_end_report(process);
	assert_report(
		fixture,
		"--- 2026-09-21T14:13:20Z  interval 2.0s\n"
		"x\\x0a--- 2026\\x1b[2J\\xff\\u{202e}\" 7  threads 1 (+0.0/min)  born 0  exited 0\n"
		"  watched 4s\n"
		" NOW  +IN  -OUT  OLDEST  REASON  WHERE\n"
		"   1    -     -    1.0s  futex   x\\x0a--- 2026\\x1b[2J\\xff\\u{202e}\"+0x10 "
		"(target)\n");
	fixture_free(fixture);
}

static void test_every_width_holds(void **state)
{
	char name[600];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	/* Narrower, five-digit counts beside the longest reason need more. */
	for (size_t width = 50; width <= 130; width++) {
		for (int several = 0; several < 2; several++) {
			struct fixture *fixture =
				fixture_new(&(struct text_config){.width = width, .verbose = true});

			add_leak(fixture);
			sweep_site(build_site(fixture->processes[0], SITE_PARK, "sysv_semaphore",
					      build_stack(name, name, NULL)),
				   123456, SECOND_NS, 0);
			if (several)
				add_process(fixture, 4194304, name, 999000, 999999);
			assert_layout(fixture, width);
			fixture_free(fixture);
		}
	}
}

static void test_redraw_never_scrolls(void **state)
{
	struct fixture *fixture = fixture_new(&(struct text_config){.redraw = true, .height = 6});
	char *text;
	size_t lines = 0;

	(void)state;
	add_leak(fixture);
	assert_int_equal(text_report(fixture->text, &fixture->report, NULL), 0);
	text = scratch_read(fixture->scratch.file);
	assert_memory_equal(text, "\033[H\033[2J---", 10);
	for (const char *byte = text; *byte; byte++)
		lines += *byte == '\n';
	assert_int_equal(lines, 5);
	assert_non_null(strstr(text, "more lines\n"));
	free(text);
	fixture_free(fixture);
}

static void test_a_write_that_fails_is_reported(void **state)
{
	struct fixture *fixture = fixture_new(&(struct text_config){0});
	auto_free(sink) struct sink *full = NULL;
	auto_free(text) struct text *text = NULL;
	struct error error = {0};

	(void)state;
	assert_int_equal(sink_open("/dev/full", &full, NULL), 0);
	text = text_new(&(struct text_config){0}, full);
	assert_non_null(text);
	assert_int_equal(text_report(text, &fixture->report, &error), -ENOSPC);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_process),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_verbose_dump_has_kernel_frames),
		cmocka_unit_test(test_dump_to_a_file_cuts_nothing),
		cmocka_unit_test(test_threads_of_many_names),
		cmocka_unit_test(test_several_processes),
		cmocka_unit_test(test_nothing_to_see),
		cmocka_unit_test(test_more_sites_than_shown),
		cmocka_unit_test(test_hostile_names_forge_no_line),
		cmocka_unit_test(test_every_width_holds),
		cmocka_unit_test(test_redraw_never_scrolls),
		cmocka_unit_test(test_a_write_that_fails_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
