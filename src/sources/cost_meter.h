/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_COST_METER_H
#define PARKSCOPE_SOURCES_COST_METER_H

#include <stdint.h>

#include "base/cleanup.h"
#include "host/tracer.h"
#include "model/report.h"

/*
 * What parkscope itself costs, from when the meter was made: loading and attaching are not
 * in it. The kernel counts the run time of BPF programs only on demand, and doing so costs
 * tens of nanoseconds a run: so it counts for a few milliseconds now and then, and the rest
 * is extrapolated.
 */
struct cost_meter;

/* NULL without memory. The tracer must outlive it. */
struct cost_meter *cost_meter_new(struct tracer *tracer);
void cost_meter_free(struct cost_meter *meter);
define_auto_free(cost_meter)

/* Begins or ends one of these times. Returns when to call it again, ns from now. */
uint64_t cost_meter_tick(struct cost_meter *meter);

/* All but `unwind` and `sweep_seconds`. */
void cost_meter_read(struct cost_meter *meter, struct own_cost *cost);

#endif
