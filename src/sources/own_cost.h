/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_OWN_COST_H
#define PARKSCOPE_SOURCES_OWN_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "model/report.h"
#include "sources/context.h"

/*
 * Measures what parkscope itself costs.
 *
 * The kernel can count the run time of BPF programs, but that makes each run some tens of ns
 * longer. So it is let do so for short windows only, at random times, and what they show is taken
 * to hold until the next one. Where the host has it count all the time
 * (kernel.bpf_stats_enabled), that is used instead. How long walks take, which are most of what
 * a hook can cost, is always counted, by the programs themselves.
 *
 * Each window makes the kernel change its code twice, which interrupts every CPU: 0.5 ms of CPU
 * on a host with two. Most of the time there is one in four seconds.
 */
struct own_cost_meter;

/*
 * `hooks`: there are programs that run on the threads of others, which are to be measured.
 * The context must outlive the meter.
 */
int own_cost_meter_new(const struct sources_context *context, bool hooks,
		       struct own_cost_meter **meter);
void own_cost_meter_free(struct own_cost_meter *meter);
define_auto_free(own_cost_meter)

/*
 * Readable about once a second, when own_cost_meter_step() is to be called; -1 without hooks.
 * True: what was measured until now is worth a reading.
 */
int own_cost_meter_fd(const struct own_cost_meter *meter);
bool own_cost_meter_step(struct own_cost_meter *meter);

/* Sums that only grow, ns. */
struct own_cost_reading {
	uint64_t now_ns;   /* monotonic */
	uint64_t hooks_ns; /* run time of the hooks without walks; an estimate, 0: not known */
	uint64_t walks_ns;
	uint64_t tool_ns; /* CPU of the tool */
};

struct own_cost_reading own_cost_meter_read(struct own_cost_meter *meter);

/*
 * All that is in use, in the kernel and outside, and what is kept for unwind tables outside that
 * may still be needed, half of the share; those in the kernel take what is left. Bytes. Takes some
 * 10 µs.
 */
uint64_t own_cost_memory(const struct sources_context *context);

/* For a report; without `sweep_seconds` and `budget`. */
struct own_cost own_cost_meter_cost(struct own_cost_meter *meter);

#endif
