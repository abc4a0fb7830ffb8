/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_GORUNTIME_GOROUTINE_SWEEP_H
#define PARKSCOPE_GORUNTIME_GOROUTINE_SWEEP_H

/*
 * Reads the headers of all goroutines of a process, in merged reads: runtime.g's stand
 * side by side in spans of 8 KiB. allgs only grows and a runtime.g is never freed or moved,
 * so its place in allgs names it for ever, and only what is new has to be sorted.
 * Takes 12 bytes of memory a goroutine and a buffer of bounded size.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "goruntime/go_process.h"
#include "goruntime/goroutine.h"

enum {
	/*
	 * Goroutines of one process that are looked at. So many that are real take 11 GB of it,
	 * but a list of so many lies only 32 MB.
	 */
	GOROUTINES_MAX = 4 << 20,
};

struct goroutine_sweep;

/* What one sweep could not believe. */
struct goroutine_sweep_losses {
	uint64_t unreadable; /* memory that could not be read */
	uint64_t damaged;    /* sched.g is not the goroutine, or a field is out of range */
	uint64_t beyond_limit;
};

/* `go` must outlive it. NULL without memory. */
struct goroutine_sweep *goroutine_sweep_new(const struct go_process *go);
void goroutine_sweep_free(struct goroutine_sweep *sweep);
define_auto_free(goroutine_sweep)

/*
 * Calls `visit` for each goroutine that is not dead or idle, in order of address, with
 * its index in allgs; those that are dead now are the ones that are not visited. What could
 * not be read or believed this time is visited with NULL.
 * `visit` returns 0, or a negative errno that ends the sweep and is returned. Else 0,
 * -ENOMEM, or what reading allgs says (-ESRCH, -EFAULT: the process is gone).
 */
int goroutine_sweep_run(struct goroutine_sweep *sweep,
			int (*visit)(size_t index, const struct goroutine *goroutine,
				     void *context),
			void *context, struct goroutine_sweep_losses *losses);

/* Length of allgs at the last sweep: indices are below it. */
size_t goroutine_sweep_length(const struct goroutine_sweep *sweep);

/* Reads one goroutine again, by its address. 0; -ESTALE: what is there is no goroutine. */
int goroutine_read(const struct go_process *go, uint64_t address, struct goroutine *goroutine);

size_t goroutine_sweep_memory(const struct goroutine_sweep *sweep);

#endif
