/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_GOROUTINE_TRACKER_H
#define PARKSCOPE_SOURCES_GOROUTINE_TRACKER_H

/*
 * The goroutines of one process from sweep to sweep: who is there, since when, where it
 * is parked, who came and who left. 24 bytes of memory a goroutine. Stacks are read of those
 * that were not there, or not so, in the last sweep.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "goruntime/go_process.h"
#include "model/loss.h"
#include "model/watched_process.h"
#include "sources/goroutine_reader.h"

struct goroutine_tracker;

/* `go` and `process` must outlive it. NULL without memory. */
struct goroutine_tracker *goroutine_tracker_new(const struct go_process *go,
						struct watched_process *process,
						const struct goroutine_reader_config *config);

/* Forgets the goroutines, without counting anything. */
void goroutine_tracker_free(struct goroutine_tracker *tracker);
define_auto_free(goroutine_tracker)

/*
 * Takes a sweep, between watched_process_begin_sweep() and watched_process_end_sweep():
 * counts goroutines, crowds and births. 0, or -ENOMEM, or why allgs cannot be read; then
 * what is known stays as it was.
 */
int goroutine_tracker_sweep(struct goroutine_tracker *tracker, uint64_t now_ns,
			    struct losses *losses);

/* The process is gone or runs another program: every goroutine has left. */
void goroutine_tracker_end(struct goroutine_tracker *tracker);

/*
 * They are to be looked for anew, by another tracker: they are taken off the counts, but have
 * not ended.
 */
void goroutine_tracker_drop(struct goroutine_tracker *tracker);

#endif
