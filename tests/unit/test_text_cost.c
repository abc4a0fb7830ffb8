// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/text_internal.h"

#include <errno.h>

#include "text_fixture.h"

#define HEAD                                        \
	"--- 2026-09-21T14:13:20Z  interval 2.0s\n" \
	"no process is watched\n"

static void verbose_says_what_it_costs(void **state)
{
	struct fixture *fixture = fixture_new(&(struct text_config){.verbose = true});
	const struct run_end end = {
		.watched_s = 65,
		.reason = "count",
		.losses = &fixture->losses,
		.cost = &fixture->report.cost,
	};

	(void)state;
	fixture->report.cost.map_bytes = 3 << 20;
	losses_add(&fixture->losses, "moved", 1);
	assert_int_equal(text_report(fixture->text, &fixture->report, NULL), 0);
	assert_int_equal(text_end(fixture->text, &end, NULL), 0);
	assert_file(fixture->scratch.file, HEAD
		    "LOST  1 moved\n"
		    "COST  cpu 0.500s  bpf 0.250s in 12,345 runs  rss 12.3 MiB  maps 3.0 MiB\n"
		    "      sweep 3.2ms\n"
		    "TOTAL  watched 1m5s  0 processes  0 waits  0 births  0 exits\n"
		    "LOST  1 moved\n"
		    "COST  cpu 0.500s  bpf 0.250s in 12,345 runs  rss 12.3 MiB  maps 3.0 MiB\n");
	fixture_free(fixture);
}

static void what_is_an_estimate_is_called_one(void **state)
{
	struct fixture *fixture = fixture_new(&(struct text_config){.verbose = true, .width = 120});

	(void)state;
	fixture->report.cost.bpf_sampled_seconds = 0.1256;
	assert_report(fixture,
		      HEAD "COST  cpu 0.500s  bpf 0.250s in 12,345 runs (sampled for 0.13s)"
			   "  rss 12.3 MiB  maps 0 B  sweep 3.2ms\n");
	fixture_free(fixture);
}

static void what_the_kernel_refuses_is_not_known(void **state)
{
	struct fixture *fixture = fixture_new(&(struct text_config){.verbose = true, .width = 120});

	(void)state;
	fixture->report.cost.bpf_seconds = -1;
	fixture->report.cost.bpf_error = EPERM;
	assert_report(fixture, HEAD "COST  cpu 0.500s  bpf not known: Operation not permitted"
				    "  rss 12.3 MiB  maps 0 B  sweep 3.2ms\n");
	fixture_free(fixture);
}

static void without_hooks_nothing_is_said_of_them(void **state)
{
	struct fixture *fixture = fixture_new(&(struct text_config){.verbose = true});

	(void)state;
	fixture->report.cost.bpf_seconds = -1;
	assert_report(fixture, HEAD "COST  cpu 0.500s  rss 12.3 MiB  maps 0 B  sweep 3.2ms\n");
	fixture_free(fixture);
}

static void a_replay_costs_nothing_that_is_known(void **state)
{
	struct fixture *fixture = fixture_new(&(struct text_config){.verbose = true});

	(void)state;
	fixture->report.cost = (struct own_cost){.unknown = true};
	assert_report(fixture, HEAD);
	fixture_free(fixture);
}

static struct budget_status budget_of(double asked_s, double interval_s)
{
	return (struct budget_status){
		.part = 0.01,
		.hooks = 0.001,
		.walks = 0.0005,
		.reports = 0.003,
		.rest = 0.0002,
		.asked_s = asked_s,
		.interval_s = interval_s,
	};
}

static void a_budget_that_is_kept_is_told_with_verbose(void **state)
{
	struct fixture *verbose = fixture_new(&(struct text_config){.verbose = true});
	struct fixture *brief = fixture_new(&(struct text_config){0});

	(void)state;
	verbose->report.cost.budget = brief->report.cost.budget = budget_of(5, 5);
	assert_report(verbose, HEAD "BUDGET  1% of a CPU, used 0.47%  hooks 0.10%  walks 0.05%"
				    "  reports 0.30%\n"
				    "        rest 0.02%\n"
				    "COST  cpu 0.500s  bpf 0.250s in 12,345 runs  rss 12.3 MiB"
				    "  maps 0 B  sweep 3.2ms\n");
	assert_report(brief, HEAD);
	fixture_free(verbose);
	fixture_free(brief);
}

static void what_the_budget_put_off_is_always_told(void **state)
{
	struct fixture *fixture = fixture_new(&(struct text_config){0});

	(void)state;
	fixture->report.cost.budget = budget_of(5, 12);
	assert_report(fixture, HEAD "BUDGET  reports every 12s, not 5s\n");
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verbose_says_what_it_costs),
		cmocka_unit_test(what_is_an_estimate_is_called_one),
		cmocka_unit_test(what_the_kernel_refuses_is_not_known),
		cmocka_unit_test(without_hooks_nothing_is_said_of_them),
		cmocka_unit_test(a_replay_costs_nothing_that_is_known),
		cmocka_unit_test(a_budget_that_is_kept_is_told_with_verbose),
		cmocka_unit_test(what_the_budget_put_off_is_always_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
