// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/budget.h"

#define SECOND_NS   1000000000.0
#define WALKS_FLOOR 0.1
#define TOOL_FLOOR  0.25
/* An interval is shortened only when it could be by so much, and by half at most. */
#define SHORTEN_FROM 0.8

struct budget budget_new(double percent, uint32_t cpus, uint64_t interval_ns)
{
	struct budget budget = {
		.percent = percent,
		.cpus = cpus,
		.interval_ns = interval_ns,
		.due_interval_ns = interval_ns,
	};

	/* Half of it, until it is known what the rest takes. */
	budget.walks_ns_per_s = (uint64_t)(percent / 100 * SECOND_NS / 2);
	budget.share = 1.0 / cpus;
	return budget;
}

static double at_least(double value, double floor)
{
	return value > floor ? value : floor;
}

/*
 * A host with one busy CPU of many is to use its budget, too: while all walks together stay
 * well below what they may take, each CPU gets a larger share.
 */
static void adapt_walks(struct budget *budget, double whole, double others, double walks)
{
	double allowed = at_least(whole - others, WALKS_FLOOR * whole);

	budget->walks_ns_per_s = (uint64_t)allowed;
	if (walks < allowed / 2)
		budget->share *= 2;
	else if (walks > allowed)
		budget->share *= allowed / walks;
	if (budget->share > 1)
		budget->share = 1;
	if (budget->share < 1.0 / budget->cpus)
		budget->share = 1.0 / budget->cpus;
}

/* As long as it takes for a sweep to fit into what hooks, walks and events leave. */
static void adapt_interval(struct budget *budget, double whole, double others, double sweep_ns)
{
	double left = at_least(whole - others, TOOL_FLOOR * whole);
	double wanted = sweep_ns * SECOND_NS / left;
	double due = (double)budget->due_interval_ns;
	double most = (double)BUDGET_INTERVAL_MAX_NS;

	if (most < (double)budget->interval_ns)
		most = (double)budget->interval_ns;
	wanted = at_least(wanted, (double)budget->interval_ns);
	if (wanted > most)
		wanted = most;
	if (wanted > due)
		due = wanted;
	else if (wanted < SHORTEN_FROM * due || wanted <= (double)budget->interval_ns)
		due = wanted < due / 2 ? due / 2 : wanted;
	budget->due_interval_ns = (uint64_t)due;
	if (budget->due_interval_ns < budget->interval_ns)
		budget->due_interval_ns = budget->interval_ns;
}

void budget_adapt(struct budget *budget, const struct budget_use *use)
{
	double whole = budget->percent / 100 * SECOND_NS;
	double elapsed_s = (double)use->elapsed_ns / SECOND_NS;
	double hooks, walks, tool, sweeps;

	if (!use->elapsed_ns)
		return;
	hooks = (double)use->hooks_ns / elapsed_s;
	walks = (double)use->walks_ns / elapsed_s;
	tool = (double)use->tool_ns / elapsed_s;
	sweeps = (double)use->sweep_ns / elapsed_s;
	budget->used_percent = (hooks + walks + tool) / SECOND_NS * 100;
	budget->hooks_percent = hooks / SECOND_NS * 100;

	adapt_walks(budget, whole, hooks + tool, walks);
	adapt_interval(budget, whole, hooks + walks + at_least(tool - sweeps, 0),
		       (double)use->sweep_ns);
}

uint64_t budget_walks_in(const struct budget *budget, uint64_t window_ns)
{
	return (uint64_t)((double)budget->walks_ns_per_s * budget->share * (double)window_ns /
			  SECOND_NS);
}

bool budget_puts_off(const struct budget *budget)
{
	return budget->due_interval_ns > budget->interval_ns;
}
