/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_PACE_H
#define PARKSCOPE_SOURCES_PACE_H

#include <stdint.h>

#include "base/cleanup.h"
#include "model/budget.h"
#include "sources/context.h"
#include "sources/own_cost.h"

/*
 * Keeps to the budget (model/budget.h): tells it what was used, lets the kernel walk as long as it
 * says, and knows when the next report is due. What was used before pace_new() does not count.
 */
struct pace;

/* The meter and the context must outlive it. -ENOMEM. */
int pace_new(struct sources_context *context, struct own_cost_meter *meter,
	     const struct budget_config *config, struct pace **pace);
void pace_free(struct pace *pace);
define_auto_free(pace)

/* After a step of the meter. */
void pace_step(struct pace *pace);

/* Around all that is done for a report. The first counts what is lost because of the budget. */
void pace_begin_report(struct pace *pace);
void pace_end_report(struct pace *pace);

/* From one report to the next. */
uint64_t pace_interval(const struct pace *pace);

struct budget_status pace_status(const struct pace *pace);

#endif
