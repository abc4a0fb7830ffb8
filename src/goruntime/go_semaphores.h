/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_GORUNTIME_GO_SEMAPHORES_H
#define PARKSCOPE_GORUNTIME_GO_SEMAPHORES_H

/*
 * Which goroutine waits for which semaphore: those of sync.Mutex, RWMutex, WaitGroup and
 * the runtime's own, which it queues in runtime.semtable. Not those of sync.Cond, which
 * keeps its queue to itself.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "goruntime/go_process.h"
#include "goruntime/goroutine.h"

struct go_semaphores;

/* `go` must outlive it. NULL without memory. */
struct go_semaphores *go_semaphores_new(const struct go_process *go);
void go_semaphores_free(struct go_semaphores *semaphores);
define_auto_free(go_semaphores)

/* What was read is old: the next question reads the table again. */
void go_semaphores_forget(struct go_semaphores *semaphores);

/*
 * The address of the semaphore for which a goroutine waits, and whether it does so alone;
 * true of a goroutine that has not moved since it was read. False where it is not known:
 * it was not there when the table was read, has moved, or stands too far behind in it, or
 * the table was not found, which may change with the next sweep.
 */
bool go_semaphores_find(struct go_semaphores *semaphores, const struct goroutine *goroutine,
			uint64_t *semaphore, bool *alone);

#endif
