/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_PARKED_THREADS_H
#define PARKSCOPE_SOURCES_PARKED_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bpf/abi.h"
#include "sources/context.h"

/*
 * The sweep: every thread of the watched processes, whatever it waits for, by
 * the task iterator. A thread whose switch counters have not moved is where it
 * was: its stack is not read again.
 */
struct parked_threads;

int parked_threads_open(struct sources_context *context, struct parked_threads **parked,
			struct error *error);
void parked_threads_free(struct parked_threads *parked);
define_auto_free(parked_threads)

/* Enters the processes that are watched, before anything of them is counted. */
int parked_threads_meet(struct parked_threads *parked, struct error *error);

/*
 * Takes one sweep: threads, credited waits, crowds. Begins and counts
 * context->sweep, sets context->swept_ns and context->now_ns. The crowds are counted
 * by parked_threads_end(), after births and exits were drained: no crowd holds a
 * thread that has been counted as exited.
 */
int parked_threads_sweep(struct parked_threads *parked, struct error *error);
void parked_threads_end(struct parked_threads *parked);

/*
 * How long a thread has been parked, from its snapshot. Exact where we saw the
 * wait begin; else an upper bound: since the thread was last put on a CPU, or
 * since it was born. `clock_offset_ns` is CLOCK_MONOTONIC minus the scheduler's
 * clock, rounded down; INT64_MIN where the kernel does not tell. Pure.
 */
struct stay park_stay_of(const struct abi_task_snapshot *snapshot, int64_t clock_offset_ns);

#endif
