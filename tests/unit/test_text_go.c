// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// What the text format says of Go programs; test_text.c has all others.
#include "unit_test.h"

#include <string.h>

#include "output/escape.h"
#include "text_fixture.h"

/* Units of a process that were 24 a minute fewer two seconds ago. */
static void set_goroutines(struct watched_process *process, uint64_t now)
{
	process->go_version = build_string("go1.23.4");
	process->goroutines.rate_per_minute = 120;
	process->goroutines.now = now;
	process->goroutines.born = 5;
	process->goroutines.exited = 1;
}

static void add_objects(struct site *site, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		wait_objects_add(&site->objects, &(const struct wait_object){
							 .kind = WAIT_OBJECT_CHANNEL,
							 .identity = i + 1,
							 .alone = true,
						 });
}

static struct watched_process *add_go(struct fixture *fixture)
{
	struct watched_process *process = add_process(fixture, 4711, "payments-api", 9, 9);
	struct site *site;

	set_goroutines(process, 1424);
	site = build_goroutine_site(process, SITE_PARK, "chan_send",
				    build_stack("main.handleRequest.func1", NULL));
	set_line(&site->stack->frames[0], "/src/payments/main.go", 30);
	site->creator = build_stack("main.handleRequest", NULL);
	set_line(&site->creator->frames[0], "/src/payments/main.go", 29);
	sweep_site(site, 1402, 702 * SECOND_NS, 0);
	site->crowd.oldest_bound = AGE_AT_LEAST;
	site->crowd.arrived = 4;
	add_objects(site, 32);

	site = build_goroutine_site(process, SITE_PARK, "io_wait",
				    build_stack("internal/poll.(*FD).Read", "net.(*conn).Read",
						"net/http.(*conn).serve", NULL));
	site->creator = build_stack("net/http.(*Server).Serve", NULL);
	site->creators_differ = true;
	sweep_site(site, 22, 41 * SECOND_NS, 0);

	for (int i = 0; i < 2; i++) {
		site = build_goroutine_site(process, SITE_PARK, i ? "finalizer_wait" : "force_gc",
					    build_stack("runtime.gopark", NULL));
		site->runtime = true;
		sweep_site(site, 2, (100 + (uint64_t)i) * SECOND_NS, 0);
	}
	site = build_site(process, SITE_PARK, "futex",
			  build_stack("runtime.futex", "runtime.stopm", "runtime.mstart", NULL));
	sweep_site(site, 4, 7200 * SECOND_NS, 0);
	site = build_site(process, SITE_PARK, "epoll",
			  build_stack("runtime.epollwait", "runtime.netpoll", NULL));
	sweep_site(site, 1, SECOND_NS, 0);
	site = build_site(process, SITE_PARK, "file_read",
			  build_stack("syscall.read", "main.readAll", NULL));
	sweep_site(site, 3, SECOND_NS, 0);

	site = build_goroutine_site(process, SITE_BIRTH, "birth",
				    build_stack("main.handleRequest", NULL));
	site->births = (struct birth_count){.live = 1402, .born = 4};
	site = build_goroutine_site(process, SITE_BIRTH, "birth",
				    build_stack("runtime.gcenable", NULL));
	site->runtime = true;
	site->births = (struct birth_count){.live = 4};
	site = build_site(process, SITE_BIRTH, "birth",
			  build_stack("runtime.newosproc", "runtime.newm", NULL));
	site->births = (struct birth_count){.live = 7, .born = 2};
	site = build_site(process, SITE_BIRTH, "birth",
			  build_stack("pthread_create@libc.so.6", "start_pool", NULL));
	site->births = (struct birth_count){.live = 2};
	return process;
}

static void test_goroutines_come_first(void **state)
{
	struct fixture *fixture = fixture_new(
		&(struct text_config){.top = 10, .stacks = 1, .frames = 2, .ascii = true});

	(void)state;
	add_go(fixture);
	assert_report(
		fixture,
		"--- 2026-09-21T14:13:20Z  interval 2.0s\n"
		"payments-api 4711  goroutines 1,424 (+120.0/min)  born 5  exited 1  threads 9\n"
		"  watched 4s  go1.23.4\n"
		" NOW  +IN  -OUT   OLDEST  REASON     WHERE\n"
		"1402    4     -  >11m42s  chan_send  main.handleRequest.func1 (main.go:30)\n"
		"      unbuffered channel, each alone on its own (32 looked at)\n"
		"      created by main.handleRequest (main.go:29)\n"
		"  22   22     -    41.0s  io_wait    net/http.(*conn).serve+0x10 (target)\n"
		"   4    4     -    1m41s  runtime goroutines\n"
		" NOW  +IN  -OUT  OLDEST  REASON     WHERE (threads)\n"
		"   3    3     -    1.0s  file_read  main.readAll+0x10 (target)\n"
		"   5    5     -    2h0m  idle scheduler threads\n"
		" LIVE  BORN  EXIT  CREATED AT\n"
		" 1402     4     -  main.handleRequest+0x10 (target)\n"
		"    4     -     -  runtime goroutines\n"
		" LIVE  BORN  EXIT  CREATED AT (threads)\n"
		"    2     -     -  start_pool+0x10 (target)\n"
		"    7     2     -  threads of the Go runtime\n");
	fixture_free(fixture);
}

static void test_dump(void **state)
{
	struct fixture *fixture =
		fixture_new(&(struct text_config){.details = true, .ascii = true});

	(void)state;
	add_go(fixture);
	fixture->report.events = false;
	assert_report(fixture,
		      "--- 2026-09-21T14:13:20Z\n"
		      "payments-api 4711  goroutines 1,424  threads 9  parked 1,424 goroutines\n"
		      "  parked 8 threads  go1.23.4\n"
		      " NOW   OLDEST  REASON     WHERE\n"
		      "1402  >11m42s  chan_send  main.handleRequest.func1 (main.go:30)\n"
		      "      unbuffered channel, each alone on its own (32 looked at)\n"
		      "      created by main.handleRequest (main.go:29)\n"
		      "\n"
		      "  22    41.0s  io_wait    net/http.(*conn).serve+0x10 (target)\n"
		      "      internal/poll.(*FD).Read+0x10 (target)\n"
		      "      net.(*conn).Read+0x10 (target)\n"
		      "      net/http.(*conn).serve+0x10 (target)\n"
		      "      created by net/http.(*Server).Serve+0x10 (target) and others\n"
		      "\n"
		      "   4    1m41s  runtime goroutines\n"
		      " NOW  OLDEST  REASON     WHERE (threads)\n"
		      "   3    1.0s  file_read  main.readAll+0x10 (target)\n"
		      "      syscall.read+0x10 (target)\n"
		      "      main.readAll+0x10 (target)\n"
		      "\n"
		      "   5    2h0m  idle scheduler threads\n");
	fixture_free(fixture);
}

static void test_the_runtime_when_it_is_asked_for(void **state)
{
	struct fixture *fixture = fixture_new(
		&(struct text_config){.stacks = 1, .frames = 1, .ascii = true, .runtime = true});

	(void)state;
	add_go(fixture);
	assert_report(
		fixture,
		"--- 2026-09-21T14:13:20Z  interval 2.0s\n"
		"payments-api 4711  goroutines 1,424 (+120.0/min)  born 5  exited 1  threads 9\n"
		"  watched 4s  go1.23.4\n"
		" NOW  +IN  -OUT   OLDEST  REASON          WHERE\n"
		"1402    4     -  >11m42s  chan_send       main.handleRequest.func1 (main.go:30)\n"
		"      unbuffered channel, each alone on its own (32 looked at)\n"
		"      created by main.handleRequest (main.go:29)\n"
		"  22   22     -    41.0s  io_wait         net/http.(*conn).serve+0x10 (target)\n"
		"   2    2     -    1m41s  finalizer_wait  runtime.gopark+0x10 (target)\n"
		"   2    2     -    1m40s  force_gc        runtime.gopark+0x10 (target)\n"
		" NOW  +IN  -OUT  OLDEST  REASON     WHERE (threads)\n"
		"   4    4     -    2h0m  futex      runtime.futex+0x10 (target)\n"
		"      runtime.stopm+0x10 (target)\n"
		"      ... 1 more\n"
		"   3    3     -    1.0s  file_read  main.readAll+0x10 (target)\n"
		"   1    1     -    1.0s  epoll      runtime.epollwait+0x10 (target)\n"
		" LIVE  BORN  EXIT  CREATED AT\n"
		" 1402     4     -  main.handleRequest+0x10 (target)\n"
		"    4     -     -  runtime.gcenable+0x10 (target)\n"
		" LIVE  BORN  EXIT  CREATED AT (threads)\n"
		"    7     2     -  runtime.newosproc+0x10 (target)\n"
		"      runtime.newm+0x10 (target)\n"
		"    2     -     -  start_pool+0x10 (target)\n");
	fixture_free(fixture);
}

static void test_one_unit_only(void **state)
{
	struct fixture *fixture = fixture_new(&(struct text_config){
		.top = 1, .stacks = 1, .frames = 1, .ascii = true, .units = SHOWN_GOROUTINES});

	(void)state;
	watched_process_reason(add_go(fixture), "futex")->count = 1;
	assert_report(
		fixture,
		"--- 2026-09-21T14:13:20Z  interval 2.0s\n"
		"payments-api 4711  goroutines 1,424 (+120.0/min)  born 5  exited 1  threads 9\n"
		"  watched 4s  go1.23.4\n"
		" NOW  +IN  -OUT   OLDEST  REASON     WHERE\n"
		"1402    4     -  >11m42s  chan_send  main.handleRequest.func1 (main.go:30)\n"
		"      unbuffered channel, each alone on its own (32 looked at)\n"
		"      created by main.handleRequest (main.go:29)\n"
		"... and 1 more site, 22 goroutines\n"
		"   4    4     -    1m41s  runtime goroutines\n"
		" LIVE  BORN  EXIT  CREATED AT\n"
		" 1402     4     -  main.handleRequest+0x10 (target)\n"
		"    4     -     -  runtime goroutines\n");
	fixture_free(fixture);

	fixture = fixture_new(&(struct text_config){
		.stacks = 1, .frames = 1, .ascii = true, .units = SHOWN_THREADS});
	add_go(fixture);
	assert_report(
		fixture,
		"--- 2026-09-21T14:13:20Z  interval 2.0s\n"
		"payments-api 4711  goroutines 1,424 (+120.0/min)  born 5  exited 1  threads 9\n"
		"  watched 4s  go1.23.4\n"
		" NOW  +IN  -OUT  OLDEST  REASON     WHERE (threads)\n"
		"   3    3     -    1.0s  file_read  main.readAll+0x10 (target)\n"
		"   5    5     -    2h0m  idle scheduler threads\n"
		" LIVE  BORN  EXIT  CREATED AT (threads)\n"
		"    2     -     -  start_pool+0x10 (target)\n"
		"    7     2     -  threads of the Go runtime\n");
	fixture_free(fixture);
}

static void test_goroutines_that_cannot_be_read(void **state)
{
	struct fixture *fixture =
		fixture_new(&(struct text_config){.stacks = 1, .frames = 1, .ascii = true});
	struct watched_process *process = add_process(fixture, 7, "new", 9, 9);

	(void)state;
	process->go_version = build_string("go1.99\n");
	process->go_refused = build_string("go1.99\n is not known");
	sweep_site(build_site(process, SITE_PARK, "futex",
			      build_stack("runtime.futex", "runtime.stopm", NULL)),
		   4, SECOND_NS, 0);
	assert_report(fixture,
		      "--- 2026-09-21T14:13:20Z  interval 2.0s\n"
		      "new 7  threads 9 (+0.0/min)  born 0  exited 0  watched 4s  go1.99\\x0a\n"
		      "goroutines: not read: go1.99\\x0a is not known\n"
		      " NOW  +IN  -OUT  OLDEST  REASON  WHERE\n"
		      "   4    4     -    1.0s  futex   runtime.futex+0x10 (target)\n"
		      "      runtime.stopm+0x10 (target)\n");
	fixture_free(fixture);
}

static void test_nothing_is_parked(void **state)
{
	struct fixture *fixture = fixture_new(&(struct text_config){.ascii = true});

	(void)state;
	set_goroutines(add_process(fixture, 7, "busy", 9, 9), 12);
	assert_report(
		fixture,
		"--- 2026-09-21T14:13:20Z  interval 2.0s\n"
		"busy 7  goroutines 12 (+120.0/min)  born 5  exited 1  threads 9  watched 4s\n"
		"  go1.23.4\n"
		"no goroutine and no thread is parked\n");
	fixture_free(fixture);
}

static void test_several_processes(void **state)
{
	struct fixture *fixture = fixture_new(&(struct text_config){.top = 4, .ascii = true});
	struct watched_process *idle;

	(void)state;
	add_go(fixture);
	sweep_site(build_site(add_process(fixture, 12, "threads", 3, 3), SITE_PARK, "futex",
			      build_stack("work", NULL)),
		   3, SECOND_NS, 0);
	idle = add_process(fixture, 13, "idle", 3, 3);
	set_goroutines(idle, 4);
	sweep_site(build_site(idle, SITE_PARK, "futex", build_stack("runtime.futex", NULL)), 2,
		   SECOND_NS, 0);
	sweep_site(build_site(idle, SITE_PARK, "poll", build_stack("main.cgo", NULL)), 1, SECOND_NS,
		   0);
	add_process(fixture, 14, "none", 1, 1);
	set_goroutines(add_process(fixture, 15, "more", 2, 2), 1);
	assert_report(
		fixture,
		"--- 2026-09-21T14:13:20Z  interval 2.0s\n"
		"    PID NAME             GOROUT THREADS    +/MIN  MOST PARKED AT\n"
		"   4711 payments-api       1424       9   +120.0  1402 chan_send main.h....func1\n"
		"     12 threads               -       3        -  3 futex work\n"
		"     13 idle                  4       3   +120.0  1 poll main.cgo\n"
		"     14 none                  -       1        -  -\n"
		"... and 1 more process, 2 threads, 1 goroutine\n");
	fixture_free(fixture);

	fixture = fixture_new(&(struct text_config){.width = 130, .top = 1, .ascii = true});
	add_go(fixture);
	add_process(fixture, 14, "none", 1, 1);
	assert_report(
		fixture,
		"--- 2026-09-21T14:13:20Z  interval 2.0s\n"
		"    PID NAME             GOROUT THREADS    +/MIN  BORN  EXIT  MOST PARKED AT\n"
		"   4711 payments-api       1424       9   +120.0     5     1  1402 chan_send "
		"main.handleRequest.func1\n"
		"... and 1 more process, 1 thread\n");
	fixture_free(fixture);
}

static void test_totals(void **state)
{
	struct fixture *fixture = fixture_new(&(struct text_config){.verbose = true});
	const struct run_end end = {
		.watched_s = 65,
		.reason = "count",
		.cost = &fixture->report.cost,
	};
	char *text;

	(void)state;
	set_goroutines(add_process(fixture, 7, "busy", 9, 9), 12);
	assert_int_equal(text_report(fixture->text, &fixture->report, NULL), 0);
	assert_int_equal(text_end(fixture->text, &end, NULL), 0);
	text = scratch_read(fixture->scratch.file);
	assert_non_null(strstr(text, "\nTOTAL  watched 1m5s  1 process  0 waits  0 births  0 exits"
				     "  5 goroutines born\n"
				     "       1 goroutine exited\n"));
	free(text);
	fixture_free(fixture);
}

/* Every line at most `width` columns, whatever the process calls itself. */
static void test_every_width_holds(void **state)
{
	char name[600];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t width = 50; width <= 130; width++) {
		for (int several = 0; several < 2; several++) {
			struct fixture *fixture =
				fixture_new(&(struct text_config){.width = width, .verbose = true});
			struct watched_process *process = add_go(fixture);
			struct site *site = build_goroutine_site(
				process, SITE_PARK, "sync_rwmutex_rlock", build_stack(name, NULL));
			char *text, *rest, *line;

			site->creator = build_stack(name, NULL);
			site->creators_differ = true;
			sweep_site(site, 12345, SECOND_NS, 0);
			free(process->go_version);
			process->go_version = build_string(name);
			if (several)
				add_process(fixture, 12, name, 3, 3);
			assert_int_equal(text_report(fixture->text, &fixture->report, NULL), 0);
			text = rest = scratch_read(fixture->scratch.file);
			while ((line = strsep(&rest, "\n")))
				if (escape_columns(line) > width)
					fail_msg("%zu of %zu columns: %s", escape_columns(line),
						 width, line);
			free(text);
			fixture_free(fixture);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goroutines_come_first),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_the_runtime_when_it_is_asked_for),
		cmocka_unit_test(test_one_unit_only),
		cmocka_unit_test(test_goroutines_that_cannot_be_read),
		cmocka_unit_test(test_nothing_is_parked),
		cmocka_unit_test(test_several_processes),
		cmocka_unit_test(test_totals),
		cmocka_unit_test(test_every_width_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
