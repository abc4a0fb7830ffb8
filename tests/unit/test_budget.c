// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/budget.h"

#include <math.h>
#include <string.h>

#include "unit_test.h"

#define S_NS  1000000000ULL
#define MS_NS 1000000ULL

/* A host, and how it goes on under the controller. */
struct world {
	struct budget budget;
	double hooks;        /* part of a CPU */
	double report_s;     /* CPU of one report */
	double rest;         /* part of a CPU */
	double walks_wanted; /* of each busy CPU */
	uint32_t busy;
	double sampler; /* of an allowance the sampler uses so much, at most */
	/* What came of it: */
	double now_s, report_due_s;
	double used_s, walks_s;
	uint64_t reports, changes;
	double longest_s;
};

static void world_init(struct world *world, double part, uint32_t cpus, double interval_s)
{
	const struct budget_config config = {
		.part = part,
		.cpus = cpus,
		.interval_ns = (uint64_t)(interval_s * 1e9),
	};

	*world = (struct world){.sampler = 0.6};
	budget_init(&world->budget, &config);
	world->report_due_s = interval_s;
}

/* ns of walks in a second, as the kernel's side takes them. */
static double walks_of_a_second(const struct world *world)
{
	double may = (double)budget_walk_allowance(&world->budget) / (double)BUDGET_WINDOW_NS;
	double each = world->sampler * may;

	return world->busy * (world->walks_wanted < each ? world->walks_wanted : each);
}

static void second(struct world *world)
{
	uint64_t before = budget_interval(&world->budget);
	double walks = walks_of_a_second(world);
	bool report = world->now_s + 1 >= world->report_due_s;
	const struct budget_use use = {
		.elapsed_ns = S_NS,
		.hooks_ns = (uint64_t)(world->hooks * 1e9),
		.walks_ns = (uint64_t)(walks * 1e9),
		.tool_ns = (uint64_t)((world->rest + (report ? world->report_s : 0)) * 1e9),
		.reports_ns = report ? (uint64_t)(world->report_s * 1e9) : 0,
	};

	world->now_s += 1;
	budget_spend(&world->budget, &use);
	world->used_s += (double)(use.hooks_ns + use.walks_ns + use.tool_ns) / 1e9;
	world->walks_s += walks;
	if (report) {
		world->reports++;
		world->report_due_s = world->now_s + (double)budget_interval(&world->budget) / 1e9;
	}
	if (budget_interval(&world->budget) != before)
		world->changes++;
	if ((double)budget_interval(&world->budget) / 1e9 > world->longest_s)
		world->longest_s = (double)budget_interval(&world->budget) / 1e9;
}

static void run(struct world *world, double seconds)
{
	world->used_s = world->walks_s = 0;
	world->reports = world->changes = 0;
	world->longest_s = 0;
	for (double end = world->now_s + seconds; world->now_s < end;)
		second(world);
}

static void assert_between(double low, double value, double high)
{
	if (!(value >= low && value <= high))
		fail_msg("%g is not between %g and %g", value, low, high);
}

static double interval_s(const struct world *world)
{
	return (double)budget_interval(&world->budget) / 1e9;
}

static const char *message(const struct world *world)
{
	static char text[BUDGET_MESSAGE_SIZE];
	const struct budget_status status = budget_status(&world->budget);

	budget_message(&status, text, sizeof(text));
	return text;
}

static void reports_that_fit_come_as_asked_for(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 0.01, 2, 5);
	world.report_s = 0.02;
	world.hooks = 0.002;
	run(&world, 600);
	assert_int_equal(world.changes, 0);
	assert_int_equal(world.reports, 120);
	assert_float_equal(interval_s(&world), 5, 1e-9);
	assert_string_equal(message(&world), "");
}

/* 100 ms of CPU at 1 %: one in 10 s and a bit. */
static void reports_that_do_not_fit_are_put_off(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 0.01, 2, 1);
	world.report_s = 0.1;
	run(&world, 60);
	run(&world, 600);
	assert_between(10, interval_s(&world), 15);
	assert_between(0.8, world.used_s / 6, 1.01);
	assert_between(0, (double)world.changes, 2);
	assert_non_null(strstr(message(&world), "reports every 1"));
	assert_non_null(strstr(message(&world), "s, not 1s"));
	assert_null(strstr(message(&world), "exceeded"));
}

/* What was saved in a minute is spent before anything is put off. */
static void short_runs_are_not_put_off(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 0.01, 2, 1);
	world.report_s = 0.05;
	run(&world, 10);
	assert_int_equal(world.reports, 10);
	assert_float_equal(interval_s(&world), 1, 1e-9);
	run(&world, 20);
	assert_true(interval_s(&world) > 1);
}

static void the_first_report_puts_nothing_off(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 0.01, 2, 5);
	world.report_s = 2;
	run(&world, 5);
	assert_int_equal(world.reports, 1);
	world.report_s = 0.01;
	run(&world, 300);
	assert_int_equal(world.changes, 0);
	/* A second one that is as dear does, but not for long. */
	world_init(&world, 0.01, 2, 5);
	world.report_s = 2;
	run(&world, 10);
	assert_float_equal(interval_s(&world), 60, 1e-9);
	world.report_s = 0.01;
	run(&world, 420);
	assert_float_equal(interval_s(&world), 5, 1e-9);
}

/* Every fifth report costs 25 times as much as the others. */
static void what_costs_now_and_then_is_paid_back(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 0.01, 2, 1);
	run(&world, 60);
	for (int i = 0; i < 4000; i++) {
		if (i == 400)
			world.used_s = 0;
		world.report_s = world.reports % 5 ? 0.02 : 0.5;
		second(&world);
	}
	assert_between(0.008, world.used_s / 3600, 0.0105);
}

static void the_interval_does_not_move_without_need(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 0.01, 4, 2);
	run(&world, 60);
	/* Costs that vary by a tenth, about what there is for 2 s, and hooks that do. */
	for (int i = 0; i < 300; i++) {
		world.report_s = 0.019 * (1 + 0.1 * sin(i));
		world.hooks = 0.001 * (1 + 0.5 * cos(i * 1.7));
		second(&world);
		for (int j = 0; j < 9; j++)
			second(&world);
	}
	assert_int_equal(world.changes, 1);
	assert_between(2.2, interval_s(&world), 2.8);
}

static void the_interval_comes_back(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 0.01, 2, 2);
	world.report_s = 0.2;
	run(&world, 300);
	assert_true(interval_s(&world) > 15);
	world.report_s = 0.005;
	run(&world, 300);
	assert_float_equal(interval_s(&world), 2, 1e-9);
	assert_string_equal(message(&world), "");
}

static void a_minute_is_the_longest(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 0.001, 2, 0.2);
	world.report_s = 0.5;
	run(&world, 600);
	assert_float_equal(interval_s(&world), 60, 1e-9);
	/* Then it is not kept, and that is told. */
	assert_non_null(strstr(message(&world), "reports every 60s, not 0.2s; exceeded: "));
	world_init(&world, 0.001, 2, 300);
	world.report_s = 1.5;
	run(&world, 6000);
	assert_float_equal(interval_s(&world), 300, 1e-9);
	assert_string_equal(message(&world), "exceeded: 0.50% of a CPU, hooks 0.00%, walks 0.00%, "
					     "reports 0.50%");
}

static void hooks_that_take_more_are_told(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 0.01, 4, 5);
	world.hooks = 0.032;
	world.report_s = 0.025;
	world.walks_wanted = 1;
	world.busy = 4;
	run(&world, 120);
	assert_non_null(strstr(message(&world), "exceeded: the hooks alone take 3.2% of a CPU"));
	/* Walks keep a tenth, reports a quarter. */
	assert_between(0.0005, world.walks_s / 120, 0.0011);
	assert_between(10, interval_s(&world), 13);
	world.hooks = 0.001;
	run(&world, 300);
	assert_string_equal(message(&world), "");
}

/* Whether 1 or 64 CPUs are busy: together they use what there is, and no more. */
static void walks_use_the_budget_on_however_many_cpus(void **state)
{
	static const uint32_t busy[] = {1, 2, 16, 64};

	(void)state;
	for (size_t i = 0; i < sizeof(busy) / sizeof(busy[0]); i++) {
		struct world world;

		world_init(&world, 0.01, 64, 5);
		world.hooks = 0.002;
		world.report_s = 0.01;
		world.walks_wanted = 1;
		world.busy = busy[i];
		run(&world, 60);
		run(&world, 300);
		assert_between(0.003, world.walks_s / 300, 0.0062);
		assert_between(0.006, world.used_s / 300, 0.0101);
	}
}

/* From one busy CPU to all: too much for a few seconds only. */
static void walks_on_all_cpus_at_once_are_stopped(void **state)
{
	struct world world;
	double most = 0;

	(void)state;
	world_init(&world, 0.01, 64, 5);
	world.walks_wanted = 1;
	world.busy = 1;
	run(&world, 60);
	world.busy = 64;
	for (int i = 0; i < 10; i++) {
		most = walks_of_a_second(&world);
		second(&world);
	}
	assert_between(0.002, most, 0.0101);
	run(&world, 60);
	assert_between(0.2, world.used_s, 0.61);
}

static void walks_do_not_swing(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 0.01, 8, 5);
	world.report_s = 0.04;
	world.walks_wanted = 0.0005;
	world.busy = 3;
	run(&world, 120);
	for (int i = 0; i < 100; i++) {
		double before = (double)budget_walk_allowance(&world.budget);

		second(&world);
		assert_between(0.9, (double)budget_walk_allowance(&world.budget) / before, 1.12);
	}
	/* They have what they want, beside the reports. */
	assert_between(0.00149, walks_of_a_second(&world), 0.00151);
	assert_float_equal(interval_s(&world), 5, 1e-9);
}

/* Reports that fit beside the least of walks come as asked for, also after they did not. */
static void walks_make_room(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 0.01, 4, 5);
	world.report_s = 0.025;
	world.walks_wanted = 1;
	world.busy = 4;
	run(&world, 300);
	assert_int_equal(world.changes, 0);
	world.report_s = 0.2;
	run(&world, 300);
	assert_true(interval_s(&world) > 20);
	world.report_s = 0.025;
	run(&world, 600);
	assert_float_equal(interval_s(&world), 5, 1e-9);
	run(&world, 300);
	assert_int_equal(world.changes, 0);
	assert_between(0.0075, world.used_s / 300, 0.0101);
}

/* Who wants all of it gets half. */
static void reports_and_walks_share(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 0.01, 2, 1);
	world.report_s = 0.1;
	world.walks_wanted = 1;
	world.busy = 2;
	run(&world, 300);
	run(&world, 600);
	assert_between(0.002, world.walks_s / 600, 0.0055);
	assert_between(15, interval_s(&world), 30);
	assert_between(0, (double)world.changes, 3);
	assert_between(0.006, world.used_s / 600, 0.0101);
}

/* What happens right after the start says little: walks are not stopped by it. */
static void the_start_is_no_measure(void **state)
{
	const struct budget_use start = {.elapsed_ns = 20 * MS_NS, .tool_ns = 10 * MS_NS};
	struct world world;

	(void)state;
	world_init(&world, 0.01, 2, 5);
	budget_spend(&world.budget, &start);
	assert_float_equal(budget_status(&world.budget).rest, 0.5, 1e-9);
	assert_between(0.85 * (double)BUDGET_WINDOW_NS / 200,
		       (double)budget_walk_allowance(&world.budget),
		       (double)BUDGET_WINDOW_NS / 200);
}

static void allowances_have_bounds(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1e-9, 100000, 5);
	assert_true(budget_walk_allowance(&world.budget) >= 1);
	world_init(&world, 64, 64, 5);
	run(&world, 60);
	assert_int_equal(budget_walk_allowance(&world.budget), BUDGET_WINDOW_NS);
	/* At first an even share. */
	world_init(&world, 0.01, 4, 5);
	assert_int_equal(budget_walk_allowance(&world.budget), BUDGET_WINDOW_NS / 400);
}

static void senseless_configurations_become_sensible(void **state)
{
	static const double parts[] = {0, -1, NAN, INFINITY, 1e300};
	struct budget budget;

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		budget_init(&budget, &(struct budget_config){.part = parts[i]});
		budget_spend(&budget, &(struct budget_use){S_NS, 1, 1, 2, 1});
		assert_true(budget_walk_allowance(&budget) >= 1);
		assert_true(budget_walk_allowance(&budget) <= BUDGET_WINDOW_NS);
		assert_true(isfinite(budget_status(&budget).reports));
	}
}

/* What was used while a clock stood still is not forgotten, and divides by nothing. */
static void clocks_that_stand_still(void **state)
{
	struct world world;
	struct budget_use use = {.tool_ns = 50 * MS_NS, .reports_ns = 50 * MS_NS};

	(void)state;
	world_init(&world, 0.01, 2, 5);
	for (int i = 0; i < 10; i++)
		budget_spend(&world.budget, &use);
	assert_float_equal(budget_status(&world.budget).reports, 0, 0);
	use = (struct budget_use){.elapsed_ns = 10 * S_NS};
	budget_spend(&world.budget, &use);
	assert_float_equal(budget_status(&world.budget).reports, 0.5 / 5, 1e-9);
}

static void numbers_that_cannot_be(void **state)
{
	static const struct budget_use uses[] = {
		{1, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
		{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
		{UINT64_MAX, 0, 0, 0, 0},
		{S_NS, 0, 0, 0, UINT64_MAX},
		{0, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
	};
	struct world world;

	(void)state;
	world_init(&world, 0.01, 2, 5);
	for (size_t i = 0; i < 50; i++) {
		struct budget_status status;

		budget_spend(&world.budget, &uses[i % (sizeof(uses) / sizeof(uses[0]))]);
		status = budget_status(&world.budget);
		assert_between(0, status.hooks, 2.001);
		assert_between(0, status.walks, 2.001);
		assert_between(0, status.rest, 2.001);
		assert_true(isfinite(status.reports));
		assert_between(5, interval_s(&world), 60);
		assert_between(1, (double)budget_walk_allowance(&world.budget),
			       (double)BUDGET_WINDOW_NS);
	}
	/* And it recovers. */
	world.report_s = 0.005;
	run(&world, 36000);
	assert_float_equal(interval_s(&world), 5, 1e-9);
	assert_string_equal(message(&world), "");
}

static void messages_fit(void **state)
{
	const struct budget_status status = {
		.part = 0.01,
		.walks = 12345.678,
		.reports = 0.0123,
		.hooks = 0.00999,
		.asked_s = 31536000,
		.interval_s = 31536001,
		.exceeded = true,
	};
	char text[BUDGET_MESSAGE_SIZE], little[8];

	(void)state;
	budget_message(&status, text, sizeof(text));
	assert_string_equal(text, "reports every 3.154e+07s, not 3.154e+07s; exceeded: 1234570% of "
				  "a CPU, hooks 1.00%, walks 1234568%, reports 1.2%");
	budget_message(&status, little, sizeof(little));
	assert_string_equal(little, "reports");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_that_fit_come_as_asked_for),
		cmocka_unit_test(reports_that_do_not_fit_are_put_off),
		cmocka_unit_test(short_runs_are_not_put_off),
		cmocka_unit_test(the_first_report_puts_nothing_off),
		cmocka_unit_test(what_costs_now_and_then_is_paid_back),
		cmocka_unit_test(the_interval_does_not_move_without_need),
		cmocka_unit_test(the_interval_comes_back),
		cmocka_unit_test(a_minute_is_the_longest),
		cmocka_unit_test(hooks_that_take_more_are_told),
		cmocka_unit_test(walks_use_the_budget_on_however_many_cpus),
		cmocka_unit_test(walks_on_all_cpus_at_once_are_stopped),
		cmocka_unit_test(walks_do_not_swing),
		cmocka_unit_test(walks_make_room),
		cmocka_unit_test(reports_and_walks_share),
		cmocka_unit_test(the_start_is_no_measure),
		cmocka_unit_test(allowances_have_bounds),
		cmocka_unit_test(senseless_configurations_become_sensible),
		cmocka_unit_test(clocks_that_stand_still),
		cmocka_unit_test(numbers_that_cannot_be),
		cmocka_unit_test(messages_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
