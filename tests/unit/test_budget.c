// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/budget.h"

#include "unit_test.h"

#define SECOND_NS 1000000000ULL
#define MS_NS     1000000ULL

/* Of one CPU: 10 ms a second. */
static struct budget one_percent(void)
{
	return budget_new(1, 4, 5 * SECOND_NS);
}

static void what_fits_is_not_put_off(void **state)
{
	const struct budget_use use = {
		.elapsed_ns = 5 * SECOND_NS, .tool_ns = 10 * MS_NS, .sweep_ns = 8 * MS_NS};
	struct budget budget = one_percent();

	(void)state;
	for (int i = 0; i < 20; i++) {
		budget_adapt(&budget, &use);
		assert_false(budget_puts_off(&budget));
		assert_int_equal(budget.due_interval_ns, 5 * SECOND_NS);
	}
	assert_float_equal(budget.used_percent, 0.2, 1e-9);
	/* Nobody walks much: each CPU may use all that is left. */
	assert_float_equal(budget.share, 1, 0);
	assert_int_equal(budget.walks_ns_per_s, 8 * MS_NS);
	assert_int_equal(budget_walks_in(&budget, SECOND_NS), 8 * MS_NS);
}

/* A sweep of 200 ms: every 20 s, whatever the interval was. */
static void long_sweeps_become_rare(void **state)
{
	struct budget budget = one_percent();

	(void)state;
	for (int i = 0; i < 20; i++) {
		const struct budget_use use = {.elapsed_ns = budget.due_interval_ns,
					       .tool_ns = 200 * MS_NS,
					       .sweep_ns = 200 * MS_NS};

		budget_adapt(&budget, &use);
		assert_int_equal(budget.due_interval_ns, 20 * SECOND_NS);
	}
	assert_true(budget_puts_off(&budget));
	assert_float_equal(budget.used_percent, 1, 1e-9);
}

static void intervals_shrink_again(void **state)
{
	struct budget budget = one_percent();
	struct budget_use use = {
		.elapsed_ns = 5 * SECOND_NS, .tool_ns = 500 * MS_NS, .sweep_ns = 500 * MS_NS};

	(void)state;
	budget_adapt(&budget, &use);
	assert_int_equal(budget.due_interval_ns, 50 * SECOND_NS);
	/* A little less is no reason to change. */
	use.elapsed_ns = 50 * SECOND_NS;
	use.tool_ns = use.sweep_ns = 450 * MS_NS;
	budget_adapt(&budget, &use);
	assert_int_equal(budget.due_interval_ns, 50 * SECOND_NS);
	use.tool_ns = use.sweep_ns = 10 * MS_NS;
	budget_adapt(&budget, &use);
	assert_int_equal(budget.due_interval_ns, 25 * SECOND_NS);
	for (int i = 0; i < 5; i++)
		budget_adapt(&budget, &use);
	assert_int_equal(budget.due_interval_ns, 5 * SECOND_NS);
}

/* Hooks alone take five times the budget: walks and sweeps go on, at their least. */
static void hooks_cannot_be_slowed(void **state)
{
	const struct budget_use use = {.elapsed_ns = 5 * SECOND_NS,
				       .hooks_ns = 250 * MS_NS,
				       .walks_ns = 20 * MS_NS,
				       .tool_ns = 50 * MS_NS,
				       .sweep_ns = 50 * MS_NS};
	struct budget budget = one_percent();

	(void)state;
	for (int i = 0; i < 10; i++)
		budget_adapt(&budget, &use);
	assert_float_equal(budget.hooks_percent, 5, 1e-9);
	assert_int_equal(budget.walks_ns_per_s, MS_NS);
	assert_float_equal(budget.share, 0.25, 0);
	/* A quarter of 10 ms a second is the tool's. */
	assert_int_equal(budget.due_interval_ns, 20 * SECOND_NS);
}

/* One busy CPU of four: it may walk as much as all of them. */
static void a_busy_cpu_gets_the_share_of_idle_ones(void **state)
{
	struct budget budget = one_percent();

	(void)state;
	for (int i = 0; i < 50; i++) {
		const struct budget_use use = {
			.elapsed_ns = SECOND_NS,
			.walks_ns = budget_walks_in(&budget, SECOND_NS) * 9 / 10,
		};

		budget_adapt(&budget, &use);
	}
	assert_true(budget.share > 0.5);
	/* All four busy: no more than the whole. */
	for (int i = 0; i < 50; i++) {
		const struct budget_use use = {
			.elapsed_ns = SECOND_NS,
			.walks_ns = 4 * budget_walks_in(&budget, SECOND_NS),
		};

		budget_adapt(&budget, &use);
	}
	assert_true(4 * budget_walks_in(&budget, SECOND_NS) <= 10 * MS_NS);
}

static void it_settles(void **state)
{
	struct budget budget = one_percent();
	uint64_t last_ns = 0;

	(void)state;
	for (int i = 0; i < 30; i++) {
		const struct budget_use use = {
			.elapsed_ns = budget.due_interval_ns,
			.hooks_ns = budget.due_interval_ns / 500,
			.walks_ns = budget_walks_in(&budget, budget.due_interval_ns),
			.tool_ns = 130 * MS_NS,
			.sweep_ns = 120 * MS_NS,
		};

		budget_adapt(&budget, &use);
		if (i > 20)
			assert_int_equal(budget.due_interval_ns, last_ns);
		last_ns = budget.due_interval_ns;
	}
	assert_true(last_ns >= 12 * SECOND_NS && last_ns <= BUDGET_INTERVAL_MAX_NS);
}

static void extremes(void **state)
{
	const struct budget_use still = {.tool_ns = 1000};
	const struct budget_use wild = {.elapsed_ns = 1,
					.hooks_ns = UINT64_MAX,
					.walks_ns = UINT64_MAX,
					.tool_ns = UINT64_MAX,
					.sweep_ns = UINT64_MAX};
	struct budget budget = one_percent(), before = budget;
	struct budget slow = budget_new(0.01, 1, 3600 * SECOND_NS);

	(void)state;
	budget_adapt(&budget, &still);
	assert_memory_equal(&budget, &before, sizeof(budget));
	budget_adapt(&budget, &wild);
	assert_int_equal(budget.due_interval_ns, BUDGET_INTERVAL_MAX_NS);
	assert_int_equal(budget.walks_ns_per_s, MS_NS);
	budget_adapt(&slow, &wild);
	assert_int_equal(slow.due_interval_ns, 3600 * SECOND_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_is_not_put_off),
		cmocka_unit_test(long_sweeps_become_rare),
		cmocka_unit_test(intervals_shrink_again),
		cmocka_unit_test(hooks_cannot_be_slowed),
		cmocka_unit_test(a_busy_cpu_gets_the_share_of_idle_ones),
		cmocka_unit_test(it_settles),
		cmocka_unit_test(extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
