// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/check_line.h"

#include <math.h>
#include <string.h>

#include "model_builder.h"
#include "unit_test.h"

static const struct check_rules no_limits;
static const struct check_line_config plain = {.rules = &no_limits};

/* As a string, until the next call. */
static const char *take(struct buffer *text)
{
	static char string[8192];

	assert_false(text->failed);
	assert_true(text->length < sizeof(string));
	memcpy(string, text->length ? text->data : "", text->length);
	string[text->length] = '\0';
	buffer_release(text);
	*text = (struct buffer){0};
	return string;
}

static struct watched_process *a_process(void)
{
	struct watched_process *process = build_process(4711, "server");

	process->first_seen_ns = 5 * SECOND_NS;
	process->swept_ns = 65 * SECOND_NS;
	process->threads.now = 8;
	return process;
}

static struct site *a_leak(struct watched_process *process)
{
	struct site *site = build_goroutine_site(
		process, SITE_PARK, "chan_send",
		build_stack("runtime.gopark@server", "main.doWork@server", NULL));

	site->crowd.now = 240;
	site->verdict.verdict = process->verdict = VERDICT_LEAKING;
	site->verdict.evidence = (struct verdict_evidence){
		.now = 240, .oldest_ns = 120 * SECOND_NS, .rate_per_minute = 119.6};
	return site;
}

static const char *line(const struct watched_process *process, const struct check_result *result,
			const struct check_line_config *config)
{
	struct buffer text = {0};

	check_line_process(&text, process, result, config);
	return take(&text);
}

/* Nothing wrong, and from this rate on it would have been seen. */
static struct check_result steady(double any)
{
	return (struct check_result){.power = {.any = any, .lone_goroutines = INFINITY}};
}

static void test_name(void **state)
{
	struct watched_process *process = a_process();
	struct buffer text = {0};

	(void)state;
	check_line_name(&text, process, false);
	assert_string_equal(take(&text), "server[4711]");
	free(process->name);
	process->name = build_string("a|b\n\x1b[31m");
	check_line_name(&text, process, false);
	assert_string_equal(take(&text), "a\\x7cb\\x0a\\x1b[31m[4711]");
	watched_process_free(process);
}

static void test_ok_states_its_power(void **state)
{
	struct watched_process *process = a_process();
	struct check_result result = steady(11.57);

	(void)state;
	assert_string_equal(line(process, &result, &plain),
			    "8 threads; no leak of 12/min or more in 1m0s");
	result = steady(1.12);
	process->threads.now = 1;
	process->go_version = build_string("go1.23.4");
	process->goroutines.now = 1003;
	assert_string_equal(line(process, &result, &plain),
			    "1 thread, 1003 goroutines; no leak of 1.2/min or more in 1m0s");
	watched_process_free(process);
}

static void test_what_a_crowd_hides(void **state)
{
	struct watched_process *process = a_process();
	struct check_result result = steady(11.57);
	struct site *pool = build_site(process, SITE_PARK, "futex", build_stack("worker", NULL));

	(void)state;
	pool->crowd.now = 1000;
	result.power.crowd = pool;
	result.power.in_crowd = 70.4;
	assert_string_equal(line(process, &result, &plain),
			    "8 threads; no leak of 12/min or more in 1m0s, of 71/min in the crowd "
			    "of 1000 at worker");
	result.power.in_crowd = INFINITY;
	assert_string_equal(line(process, &result, &plain),
			    "8 threads; no leak of 12/min or more in 1m0s, none can be told in the "
			    "crowd of 1000 at worker");
	watched_process_free(process);
}

static void test_what_takes_longer(void **state)
{
	struct watched_process *process = a_process();
	struct check_result result = steady(INFINITY);

	(void)state;
	result.power.soonest_ns = 752 * SECOND_NS;
	assert_string_equal(line(process, &result, &plain),
			    "8 threads; watched for 1m0s, too short to tell a leak, that takes "
			    "12m32s");
	result.power.lone_goroutines = 20.5;
	assert_string_equal(line(process, &result, &plain),
			    "8 threads; no leak of 21/min or more in 1m0s of goroutines each alone "
			    "at a channel, others take 12m32s");
	watched_process_free(process);
}

static void test_leaking_names_site_and_rate(void **state)
{
	struct watched_process *process = a_process();
	struct check_result result = {.status = CHECK_CRITICAL,
				      .verdict = VERDICT_LEAKING,
				      .site = a_leak(process),
				      .sites_count = 1};

	(void)state;
	process->go_version = build_string("go1.23.4");
	process->goroutines.now = 250;
	assert_string_equal(
		line(process, &result, &plain),
		"leaking at main.doWork, +120/min: 240 parked, oldest 2m00s, none left; "
		"8 threads, 250 goroutines");
	result.sites_count = 3;
	assert_non_null(strstr(line(process, &result, &plain), "; 2 more such sites; 8 threads"));
	watched_process_free(process);
}

static void test_a_stopped_leak(void **state)
{
	struct watched_process *process = a_process();
	struct site *site = a_leak(process);
	struct check_result result = {.status = CHECK_CRITICAL,
				      .verdict = VERDICT_LEAKING,
				      .stopped = true,
				      .site = site,
				      .sites_count = 1};

	(void)state;
	site->verdict.verdict = VERDICT_STEADY;
	site->verdict.stopped = true;
	assert_string_equal(line(process, &result, &plain),
			    "leaking at main.doWork: stopped, 240 remain; 8 threads");
	watched_process_free(process);
}

static void test_growth_without_a_park_site(void **state)
{
	struct watched_process *process = a_process();
	struct check_result result = {.status = CHECK_WARNING, .verdict = VERDICT_GROWING};
	struct site *born = build_site(process, SITE_BIRTH, "birth", build_stack("serve", NULL));

	(void)state;
	process->threads.verdict.verdict = VERDICT_GROWING;
	process->threads.rate_per_minute = 9.4;
	assert_string_equal(line(process, &result, &plain), "8 threads (growing, +9.4/min)");
	born->verdict.verdict = VERDICT_GROWING;
	born->verdict.evidence.rate_per_minute = 9.4;
	result.site = born;
	assert_string_equal(line(process, &result, &plain),
			    "growing in number, made at serve, +9.4/min; 8 threads");
	/* The user takes growth for no fault: then what could be a leak counts. */
	result.status = CHECK_OK;
	result.power = steady(2.5).power;
	assert_string_equal(line(process, &result, &plain),
			    "growing in number, made at serve, +9.4/min; 8 threads; no leak of "
			    "2.5/min or more in 1m0s");
	watched_process_free(process);
}

static void test_limits_that_are_exceeded(void **state)
{
	const struct check_rules rules = {
		.threads_max = 7, .goroutines_max = 100, .growth_max = 10};
	const struct check_line_config config = {.rules = &rules};
	struct watched_process *process = a_process();
	struct check_result result = steady(11.57);

	(void)state;
	assert_string_equal(line(process, &result, &config),
			    "8 threads (more than 7), no goroutines: not a Go program; no leak of "
			    "12/min or more in 1m0s");
	process->threads.rate_per_minute = 30;
	process->go_version = build_string("go1.99");
	process->go_refused = build_string("go1.99 is not known | sorry");
	assert_string_equal(line(process, &result, &config),
			    "8 threads (more than 7; +30/min, more than 10/min), goroutines not "
			    "read: go1.99 is not known \\x7c sorry; no leak of 12/min or more in "
			    "1m0s");
	free(process->go_refused);
	process->go_refused = NULL;
	process->goroutines.now = 101;
	assert_non_null(
		strstr(line(process, &result, &config), "101 goroutines (more than 100); no"));
	watched_process_free(process);
}

static void test_performance(void **state)
{
	const struct check_rules rules = {
		.threads_max = 400, .goroutines_max = 2000, .growth_max = 10};
	struct check_line_config config = {.rules = &rules};
	struct watched_process *process = a_process();
	struct buffer text = {0};

	(void)state;
	process->threads.rate_per_minute = -1.5;
	check_line_performance(&text, process, &plain);
	assert_string_equal(take(&text), " 'threads'=8;;;0 'thread_growth'=-1.50 'growing'=0;;;0 "
					 "'leaking'=0;;;0");
	a_leak(process);
	process->go_version = build_string("go1.23.4");
	process->goroutines.now = 250;
	process->goroutines.rate_per_minute = 120;
	check_line_performance(&text, process, &config);
	assert_string_equal(take(&text), " 'threads'=8;;400;0 'thread_growth'=-1.50;;~:10 "
					 "'goroutines'=250;;2000;0 'goroutine_growth'=120.00;;~:10 "
					 "'growing'=0;;;0 'leaking'=240;;;0");
	config = plain;
	config.by_pid = true;
	check_line_performance(&text, process, &config);
	assert_non_null(strstr(take(&text), " '4711_threads'=8;;;0 '4711_thread_growth'=-1.50 "));
	watched_process_free(process);
}

/* Behind a second bar other performance data would begin, behind a line end another line. */
static void test_hostile_names_stay_in_their_place(void **state)
{
	struct watched_process *process = a_process();
	struct site *site = build_site(process, SITE_PARK, "futex",
				       build_stack("operator|\n'x'=1\x1b]0;", NULL));
	struct check_result result = {.status = CHECK_CRITICAL,
				      .verdict = VERDICT_LEAKING,
				      .site = site,
				      .sites_count = 1};
	struct buffer text = {0};
	size_t lines = 0;
	const char *said;

	(void)state;
	site->verdict.verdict = process->verdict = VERDICT_LEAKING;
	said = line(process, &result, &plain);
	assert_non_null(strstr(said, "leaking at operator\\x7c\\x0a'x'=1\\x1b]0;, "));
	assert_null(strpbrk(said, "|\n\x1b"));
	check_line_details(&text, process, &plain);
	said = take(&text);
	assert_null(strpbrk(said, "|\x1b"));
	for (; (said = strchr(said, '\n')); said++)
		lines++;
	assert_int_equal(lines, 3);
	watched_process_free(process);
}

static void test_long_names_are_cut(void **state)
{
	struct watched_process *process = a_process();
	char name[1001];
	struct check_result result = {
		.status = CHECK_WARNING, .verdict = VERDICT_GROWING, .sites_count = 1};

	(void)state;
	memset(name, 'f', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	result.site = build_site(process, SITE_PARK, "futex", build_stack(name, NULL));
	assert_in_range(strlen(line(process, &result, &plain)), 100, 200);
	watched_process_free(process);
}

static void test_details_are_the_evidence(void **state)
{
	struct watched_process *process = a_process();
	struct site *site = a_leak(process);
	struct buffer text = {0};

	(void)state;
	site->creator = build_stack("main.handle@server", NULL);
	site->creators_differ = true;
	set_line(&site->stack->frames[1], "main.go", 29);
	check_line_details(&text, process, &plain);
	assert_string_equal(take(&text), "leaking: 240 goroutines, chan_send\n"
					 "  240 parked, oldest 2m00s, none left\n"
					 "    runtime.gopark+0x10 (server)\n"
					 "    main.doWork (main.go:29)\n"
					 "    created by main.handle+0x10 (server) and others\n");
	watched_process_free(process);
}

static void test_details_are_of_the_worst_five(void **state)
{
	static const char *const names[] = {"f0", "f1", "f2", "f3", "f4", "f5", "f6"};
	struct watched_process *process = a_process();
	struct buffer text = {0};
	const char *said, *at = NULL;

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		struct site *site =
			build_site(process, SITE_PARK, "futex", build_stack(names[i], NULL));

		site->verdict.verdict = i == 2 ? VERDICT_LEAKING : VERDICT_GROWING;
		site->verdict.evidence.rate_per_minute = (double)(i * 3 % 7);
	}
	check_line_details(&text, process, &plain);
	said = take(&text);
	/* Rates 0 3 6 2 5 1 4; number 2 leaks. */
	for (size_t i = 0; i < 5; i++) {
		const size_t expected[] = {2, 4, 6, 1, 3};
		const char *found = strstr(said, names[expected[i]]);

		assert_non_null(found);
		assert_true(!at || found > at);
		at = found;
	}
	assert_null(strstr(said, "f0+"));
	assert_null(strstr(said, "f5+"));
	watched_process_free(process);
}

static void test_losses(void **state)
{
	struct losses losses = {0};
	struct buffer text = {0};

	(void)state;
	check_line_losses(&text, &losses);
	assert_int_equal(text.length, 0);
	losses_add(&losses, "thread_moved", 3);
	check_line_losses(&text, &losses);
	assert_string_equal(take(&text), "not seen: thread_moved 3\n");
}

static void test_budget(void **state)
{
	struct budget_status budget = {.part = 0.01, .asked_s = 2, .interval_s = 2};
	struct buffer text = {0};

	(void)state;
	check_line_budget(&text, &budget);
	assert_int_equal(text.length, 0);
	budget.interval_s = 4.5;
	check_line_budget(&text, &budget);
	assert_string_equal(take(&text), "budget: reports every 4.5s, not 2s\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_ok_states_its_power),
		cmocka_unit_test(test_what_a_crowd_hides),
		cmocka_unit_test(test_what_takes_longer),
		cmocka_unit_test(test_leaking_names_site_and_rate),
		cmocka_unit_test(test_a_stopped_leak),
		cmocka_unit_test(test_growth_without_a_park_site),
		cmocka_unit_test(test_limits_that_are_exceeded),
		cmocka_unit_test(test_performance),
		cmocka_unit_test(test_hostile_names_stay_in_their_place),
		cmocka_unit_test(test_long_names_are_cut),
		cmocka_unit_test(test_details_are_the_evidence),
		cmocka_unit_test(test_details_are_of_the_worst_five),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
