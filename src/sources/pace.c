// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/pace.h"

#include <errno.h>
#include <stdlib.h>

_Static_assert(BUDGET_WINDOW_NS == 1ULL << ABI_SAMPLING_WINDOW_SHIFT,
	       "the budget's window is not that of the kernel's side");

struct pace {
	struct sources_context *context;
	struct own_cost_meter *meter;
	struct budget budget;
	struct own_cost_reading last;
	uint64_t report_began_tool_ns;
	uint64_t allowance_ns; /* as it was set */
};

void pace_free(struct pace *pace)
{
	free(pace);
}

static void allow_walks(struct pace *pace)
{
	uint64_t allowance_ns = budget_walk_allowance(&pace->budget);

	if (allowance_ns == pace->allowance_ns)
		return;
	tracer_set_walk_allowance(pace->context->tracer, allowance_ns);
	pace->allowance_ns = allowance_ns;
}

int pace_new(struct sources_context *context, struct own_cost_meter *meter,
	     const struct budget_config *config, struct pace **ret)
{
	struct pace *pace = calloc(1, sizeof(*pace));

	if (!pace)
		return -ENOMEM;
	pace->context = context;
	pace->meter = meter;
	budget_init(&pace->budget, config);
	pace->last = own_cost_meter_read(meter);
	allow_walks(pace);
	*ret = pace;
	return 0;
}

static void spend(struct pace *pace, const struct own_cost_reading *now, uint64_t reports_ns)
{
	const struct own_cost_reading *last = &pace->last;
	const struct budget_use use = {
		.elapsed_ns = now->now_ns - last->now_ns,
		.hooks_ns = now->hooks_ns - last->hooks_ns,
		.walks_ns = now->walks_ns - last->walks_ns,
		.tool_ns = now->tool_ns - last->tool_ns,
		.reports_ns = reports_ns,
	};

	budget_spend(&pace->budget, &use);
	pace->last = *now;
	allow_walks(pace);
}

void pace_step(struct pace *pace)
{
	const struct own_cost_reading now = own_cost_meter_read(pace->meter);

	spend(pace, &now, 0);
}

void pace_begin_report(struct pace *pace)
{
	const struct own_cost_reading now = own_cost_meter_read(pace->meter);
	const struct budget_status status = budget_status(&pace->budget);

	pace->report_began_tool_ns = now.tool_ns;
	if (budget_is_throttled(&status))
		losses_add(&pace->context->losses, "budget_throttled", 1);
	if (status.exceeded)
		losses_add(&pace->context->losses, "budget_exceeded", 1);
}

void pace_end_report(struct pace *pace)
{
	const struct own_cost_reading now = own_cost_meter_read(pace->meter);

	spend(pace, &now, now.tool_ns - pace->report_began_tool_ns);
}

uint64_t pace_interval(const struct pace *pace)
{
	return budget_interval(&pace->budget);
}

struct budget_status pace_status(const struct pace *pace)
{
	return budget_status(&pace->budget);
}
