// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// What the text format says of processes that are not steady.
#include "unit_test.h"

#include "text_fixture.h"

static const struct text_config plain = {.top = 10, .stacks = 1, .frames = 2, .ascii = true};

static struct watched_process *add_service(struct fixture *fixture)
{
	struct watched_process *process = add_process(fixture, 4711, "payments-api", 9, 9);

	process->go_version = build_string("go1.23.4");
	process->goroutines.rate_per_minute = 120;
	process->goroutines.now = 1424;
	return process;
}

static void judge(struct watched_process *process, struct site *site, enum verdict verdict,
		  enum verdict_class class, double rate)
{
	site->verdict.verdict = site->reported.verdict = verdict;
	site->verdict.class = class;
	site->verdict.evidence = (struct verdict_evidence){
		.now = site_size(site),
		.oldest_ns = site->crowd.oldest_ns,
		.oldest_bound = site->crowd.oldest_bound,
		.rate_per_minute = rate,
		.age_ns = 10 * SECOND_NS,
	};
	if (process->verdict < verdict)
		process->verdict = verdict;
}

/* The story of design.md. */
static struct site *add_lone_senders(struct watched_process *process)
{
	struct site *site = build_goroutine_site(process, SITE_PARK, "chan_send",
						 build_stack("main.handleRequest.func1", NULL));

	set_line(&site->stack->frames[0], "/src/payments/main.go", 30);
	site->creator = build_stack("main.handleRequest", NULL);
	set_line(&site->creator->frames[0], "/src/payments/main.go", 29);
	sweep_site(site, 1402, 702 * SECOND_NS, 0);
	for (uint64_t i = 1; i <= 32; i++)
		wait_objects_add(&site->objects, &(struct wait_object){.kind = WAIT_OBJECT_CHANNEL,
								       .identity = i,
								       .alone = true});
	judge(process, site, VERDICT_LEAKING, VERDICT_CLASS_PROOF, 120);
	return site;
}

/* Threads at one condition variable. */
static struct site *add_pool(struct watched_process *process)
{
	struct site *site = build_site(process, SITE_PARK, "futex",
				       build_stack("__futex_wait@libc.so.6", "take_job", "worker",
						   "start_thread@libc.so.6", NULL));

	sweep_site(site, 41, 30 * SECOND_NS, 0);
	for (uint64_t i = 0; i < 2; i++)
		wait_objects_add(&site->objects,
				 &(struct wait_object){.kind = WAIT_OBJECT_FUTEX, .identity = 1});
	return site;
}

static void test_a_leak_stands_first(void **state)
{
	struct fixture *fixture = fixture_new(&plain);
	struct watched_process *process = add_service(fixture);
	struct site *site = add_lone_senders(process);

	(void)state;
	site->reported.verdict = VERDICT_GROWING;
	site = build_goroutine_site(process, SITE_PARK, "io_wait",
				    build_stack("net/http.(*conn).serve", NULL));
	sweep_site(site, 22, 41 * SECOND_NS, 0);
	assert_report(
		fixture,
		"--- 2026-09-21T14:13:20Z  interval 2.0s\n"
		"payments-api 4711  LEAKING  goroutines 1,424 (+120.0/min)  born 0  exited 0\n"
		"  threads 9  watched 4s  go1.23.4\n"
		"CHANGED  now leaking, was growing: chan_send in main.handleRequest.func1\n"
		"LEAK +120/min  1402 parked, oldest 11m42s, none left       site afa6602670e0b384\n"
		"  chan_send, unbuffered channel, each alone on its own (32 looked at)\n"
		"  main.handleRequest.func1 (main.go:30)\n"
		"  created by main.handleRequest (main.go:29)\n"
		"  A buffer of one lets each sender finish.\n"
		" NOW  +IN  -OUT  OLDEST  REASON   WHERE\n"
		"  22   22     -   41.0s  io_wait  net/http.(*conn).serve+0x10 (target)\n");
	fixture_free(fixture);
}

static void test_growth_is_told_in_brief(void **state)
{
	struct fixture *fixture = fixture_new(&plain);
	struct watched_process *process = add_process(fixture, 7, "server", 40, 43);
	struct site *pool = add_pool(process), *birth;

	(void)state;
	pool->timed = true;
	judge(process, pool, VERDICT_GROWING, VERDICT_CLASS_NEVER, 2.34);
	birth = build_site(process, SITE_BIRTH, "birth",
			   build_stack("pthread_create@libc.so.6", "start_worker", "main", NULL));
	birth->births = (struct birth_count){.live = 41, .born = 41, .exited = 3};
	judge(process, birth, VERDICT_GROWING, VERDICT_CLASS_NEVER, 30);
	birth->verdict.evidence.departed = 3;
	process->threads.verdict.verdict = VERDICT_GROWING;
	watched_process_end_report(process);
	assert_report(fixture, "--- 2026-09-21T14:13:20Z  interval 2.0s\n"
			       "server 7  GROWING  threads 43 (+90.0/min)  born 0  exited 0  "
			       "watched 4s\n"
			       "GROWING +30/min  41 live, 3 ended\n"
			       "  created in start_worker+0x10 (target)\n"
			       "GROWING +2.3/min  none of 41 has left; such a wait may end at any "
			       "time\n"
			       "  futex, one futex, shared by all (2 looked at), with a timeout\n"
			       "  take_job+0x10 (target)\n");
	fixture_free(fixture);
}

static void test_what_is_left_of_a_leak(void **state)
{
	struct fixture *fixture = fixture_new(&plain);
	struct watched_process *process = add_service(fixture);
	struct site *site = add_lone_senders(process);

	(void)state;
	watched_process_end_report(process);
	site->verdict.verdict = VERDICT_STEADY;
	site->verdict.stopped = true;
	site->verdict.evidence.rate_per_minute = 0;
	process->verdict = VERDICT_STEADY;
	process->goroutines.rate_per_minute = 0;
	assert_report(
		fixture,
		"--- 2026-09-21T14:13:20Z  interval 2.0s\n"
		"payments-api 4711  goroutines 1,424 (+0.0/min)  born 0  exited 0  threads 9\n"
		"  watched 4s  go1.23.4\n"
		"CHANGED  stopped, 1402 remain: chan_send in main.handleRequest.func1\n"
		"LEAK  stopped, 1402 remain                                 site afa6602670e0b384\n"
		"  chan_send, unbuffered channel, each alone on its own (32 looked at)\n"
		"  main.handleRequest.func1 (main.go:30)\n");
	fixture_free(fixture);
}

static void test_changes_of_all_kinds(void **state)
{
	struct fixture *fixture = fixture_new(&plain);
	struct watched_process *process = add_process(fixture, 7, "server", 43, 43);
	struct site *pool = add_pool(process), *birth;

	(void)state;
	pool->reported.verdict = VERDICT_LEAKING;
	pool->verdict.evidence.now = 41;
	birth = build_site(process, SITE_BIRTH, "birth", build_stack("start_worker", NULL));
	birth->births.live = 41;
	birth->verdict.evidence.now = 41;
	birth->reported.verdict = VERDICT_GROWING;
	process->threads.verdict.verdict = VERDICT_GROWING;
	process->verdict = VERDICT_GROWING;
	assert_report(fixture, "--- 2026-09-21T14:13:20Z  interval 2.0s\n"
			       "server 7  GROWING  threads 43 (+0.0/min)  born 0  exited 0  "
			       "watched 4s\n"
			       "CHANGED  now growing: all threads together\n"
			       "CHANGED  no longer leaking, 41 threads parked: futex in take_job\n"
			       "CHANGED  no longer growing, 41 threads live: threads created in\n"
			       "         start_worker\n"
			       " NOW  +IN  -OUT  OLDEST  REASON  WHERE\n"
			       "  41   41     -   30.0s  futex   take_job+0x10 (target)\n"
			       "      one futex, shared by all (2 looked at)\n"
			       "      worker+0x10 (target)\n"
			       "      start_thread+0x10 (libc.so.6)\n"
			       " LIVE  BORN  EXIT  CREATED AT\n"
			       "   41     -     -  start_worker+0x10 (target)\n");
	fixture_free(fixture);
}

static void test_a_process_that_ended_was_leaking(void **state)
{
	struct fixture *fixture = fixture_new(&plain);
	struct watched_process *process = add_service(fixture);
	struct site *site = add_lone_senders(process);

	(void)state;
	process->ended = true;
	sweep_site(site, 0, 0, 0);
	site->crowd.departed = 0;
	watched_process_end_report(process);
	assert_report(fixture,
		      "--- 2026-09-21T14:13:20Z  interval 2.0s\n"
		      "payments-api 4711  ended  goroutines 1,424  born 0  exited 0  threads 9\n"
		      "  watched 4s  go1.23.4\n"
		      "CHANGED  ended, was leaking: chan_send in main.handleRequest.func1\n"
		      "no goroutine and no thread is parked\n");
	fixture_free(fixture);
}

/* All leaks are shown, of what only grows as many as --top says; most growth first. */
static void test_top_cuts_no_leak(void **state)
{
	struct text_config config = plain;
	struct fixture *fixture;
	struct watched_process *process;
	char *text;

	(void)state;
	config.top = 1;
	fixture = fixture_new(&config);
	process = add_process(fixture, 7, "server", 43, 43);
	for (int i = 0; i < 4; i++) {
		char name[] = {(char)('a' + i), '\0'};
		struct site *site =
			build_site(process, SITE_PARK, "futex", build_stack(name, NULL));

		sweep_site(site, 10, SECOND_NS, 0);
		judge(process, site, i % 2 ? VERDICT_LEAKING : VERDICT_GROWING,
		      VERDICT_CLASS_UNTIMED, 10 + i);
	}
	assert_int_equal(text_report(fixture->text, &fixture->report, NULL), 0);
	text = scratch_read(fixture->scratch.file);
	assert_non_null(strstr(text, "LEAK +13/min"));
	assert_non_null(strstr(text, "LEAK +11/min"));
	assert_true(strstr(text, "LEAK +13/min") < strstr(text, "LEAK +11/min"));
	assert_null(strstr(text, "GROWING +"));
	assert_non_null(strstr(text, "\n... and 2 more that are not steady\n"));
	free(text);
	fixture_free(fixture);
}

static void test_overview(void **state)
{
	struct text_config config = plain;
	struct fixture *fixture;
	struct watched_process *process;

	(void)state;
	config.top = 1;
	fixture = fixture_new(&config);
	process = add_process(fixture, 4711, "leaky", 103, 143);
	judge(process, add_pool(process), VERDICT_LEAKING, VERDICT_CLASS_UNTIMED, 120);
	/* Larger, and healthy. */
	sweep_site(build_site(process, SITE_PARK, "epoll", build_stack("serve", NULL)), 100,
		   SECOND_NS, 0);
	process = add_process(fixture, 12, "warms-up", 1, 9);
	process->verdict = VERDICT_GROWING;
	add_process(fixture, 13, "steady", 1000, 1000);
	assert_report(fixture, "--- 2026-09-21T14:13:20Z  interval 2.0s\n"
			       "  PID NAME     VERDICT THREADS    +/MIN  PARKED AT\n"
			       " 4711 leaky    LEAKING     143  +1200.0  41 futex take_job\n"
			       "   12 warms-up GROWING       9   +240.0  -\n"
			       "... and 1 more process, 1,000 threads\n");
	fixture_free(fixture);
}

/* What is wrong is worth a line of its own; where most of a healthy process are is not. */
static void test_overview_does_not_cut_what_leaks(void **state)
{
	struct fixture *fixture = fixture_new(&plain);
	struct watched_process *process = add_process(fixture, 4711, "leaky", 103, 143);
	const char *name = "payments::Service::handle_request_of_a_client";
	struct site *leak = build_site(process, SITE_PARK, "futex", build_stack(name, NULL));

	(void)state;
	sweep_site(leak, 41, SECOND_NS, 0);
	judge(process, leak, VERDICT_LEAKING, VERDICT_CLASS_UNTIMED, 120);
	process = add_process(fixture, 12, "healthy", 9, 9);
	sweep_site(build_site(process, SITE_PARK, "futex", build_stack(name, NULL)), 9, SECOND_NS,
		   0);
	assert_report(fixture, "--- 2026-09-21T14:13:20Z  interval 2.0s\n"
			       "  PID NAME    VERDICT THREADS    +/MIN  PARKED AT\n"
			       " 4711 leaky   LEAKING     143  +1200.0\n"
			       "      41 futex payments::Service::handle_request_of_a_client\n"
			       "   12 healthy               9        -  9 futex "
			       "payments::Servi...st_of_a_client\n");
	fixture_free(fixture);
}

/* One look says nothing of growth. */
static void test_dump_has_no_verdicts(void **state)
{
	struct text_config config = plain;
	struct fixture *fixture;
	char *text;

	(void)state;
	config.details = true;
	fixture = fixture_new(&config);
	add_lone_senders(add_service(fixture));
	fixture->report.events = false;
	assert_int_equal(text_report(fixture->text, &fixture->report, NULL), 0);
	text = scratch_read(fixture->scratch.file);
	assert_null(strstr(text, "LEAK"));
	assert_null(strstr(text, "CHANGED"));
	assert_non_null(strstr(text, "1402  11m42s  chan_send  main.handleRequest.func1"));
	free(text);
	fixture_free(fixture);
}

static void test_colours(void **state)
{
	struct text_config config = plain;
	struct fixture *fixture;
	char *text;

	(void)state;
	config.colour = true;
	fixture = fixture_new(&config);
	add_lone_senders(add_service(fixture));
	assert_int_equal(text_report(fixture->text, &fixture->report, NULL), 0);
	text = scratch_read(fixture->scratch.file);
	assert_non_null(strstr(text, "4711\033[0;1;31m  LEAKING\033[0m\033[1m  goroutines"));
	assert_non_null(strstr(text, "\033[0;1;31mLEAK +120/min\033[0m  1402 parked"));
	free(text);
	fixture_free(fixture);
}

static void add_forecast(struct watched_process *process, uint64_t until_s)
{
	process->forecast = calloc(1, sizeof(*process->forecast));
	assert_non_null(process->forecast);
	for (uint64_t s = 0; s <= 60; s++)
		for (int kind = 0; kind < 2; kind++) {
			uint64_t limit = (60 + until_s) * 1024 * 1024;

			limit_forecast_add(process->forecast,
					   kind ? LIMIT_PIDS_MAX : LIMIT_MEMORY_MAX, s * SECOND_NS,
					   s * 1024 * 1024, limit);
			limit_forecast_add_rss(process->forecast, s * SECOND_NS, s * 1024 * 1024);
		}
	process->swept_ns = 60 * SECOND_NS;
}

/* The process has 60 MiB of RSS all the time, and somebody else fills the memory of its cgroup. */
static void test_limit_that_others_use_up(void **state)
{
	struct fixture *fixture = fixture_new(&plain);
	struct watched_process *process = add_service(fixture);
	char *text;

	(void)state;
	judge(process, add_pool(process), VERDICT_GROWING, VERDICT_CLASS_NEVER, 120);
	add_forecast(process, 600);
	process->forecast->rss = (struct trend){0};
	for (uint64_t s = 0; s <= 60; s++)
		limit_forecast_add_rss(process->forecast, s * SECOND_NS, 60 * 1024 * 1024);
	assert_int_equal(text_report(fixture->text, &fixture->report, NULL), 0);
	text = scratch_read(fixture->scratch.file);
	assert_null(strstr(text, "OOM in "));
	assert_non_null(strstr(text, "memory.max 660.0 MiB: 60.0 MiB used, met in 10m0s, mostly "
				     "not its rss\n"));
	free(text);
	fixture_free(fixture);
}

/* Of limits on threads nothing is said while it is others whose threads grow in number. */
static void test_limits(void **state)
{
	struct fixture *fixture = fixture_new(&plain);
	struct watched_process *process = add_service(fixture);
	char *text;

	(void)state;
	judge(process, add_pool(process), VERDICT_LEAKING, VERDICT_CLASS_UNTIMED, 120);
	add_forecast(process, 600);
	assert_int_equal(text_report(fixture->text, &fixture->report, NULL), 0);
	text = scratch_read(fixture->scratch.file);
	assert_non_null(strstr(text, "goroutines 1,424 (+120.0/min)  OOM in "));
	assert_non_null(strstr(text, "\nLIMITS  rss 60.0 MiB (+60.0 MiB/min)\n"
				     "        memory.max 660.0 MiB: 60.0 MiB used, met in "));
	assert_null(strstr(text, "pids.max"));
	free(text);
	process->threads.verdict.verdict = VERDICT_GROWING;
	assert_int_equal(text_report(fixture->text, &fixture->report, NULL), 0);
	text = scratch_read(fixture->scratch.file);
	assert_non_null(strstr(text, "pids.max 692,060,160: 62,914,560 used, met in "));
	assert_non_null(strstr(text, "met in 10m0s, mostly by others\n"));
	free(text);
	fixture_free(fixture);
}

static void test_every_width_holds(void **state)
{
	(void)state;
	for (size_t width = 50; width <= 130; width++) {
		struct fixture *fixture = fixture_new(&(struct text_config){.width = width});
		struct watched_process *process = add_service(fixture);
		struct site *site = add_lone_senders(process);

		site->reported.verdict = VERDICT_STEADY;
		judge(process, add_pool(process), VERDICT_GROWING, VERDICT_CLASS_NEVER, 123456);
		process->threads.verdict.verdict = VERDICT_GROWING;
		add_forecast(process, 600);
		assert_layout(fixture, width);
		add_process(fixture, 4194304, "a name of some length", 999000, 999999);
		assert_layout(fixture, width);
		fixture_free(fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_leak_stands_first),
		cmocka_unit_test(test_growth_is_told_in_brief),
		cmocka_unit_test(test_what_is_left_of_a_leak),
		cmocka_unit_test(test_changes_of_all_kinds),
		cmocka_unit_test(test_a_process_that_ended_was_leaking),
		cmocka_unit_test(test_top_cuts_no_leak),
		cmocka_unit_test(test_overview),
		cmocka_unit_test(test_overview_does_not_cut_what_leaks),
		cmocka_unit_test(test_dump_has_no_verdicts),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_limit_that_others_use_up),
		cmocka_unit_test(test_every_width_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
