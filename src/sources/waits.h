/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_WAITS_H
#define PARKSCOPE_SOURCES_WAITS_H

#include <stdint.h>

#include "sources/context.h"

/* Completed waits: exact totals per process and reason. By place: wait_places.h. */

/*
 * Credits the thread's process with what the thread's totals grew by since they
 * were last credited. `totals` only ever grow. -ENOMEM.
 */
int waits_credit(struct thread *thread, const struct abi_wait_totals *totals, uint32_t count);

/* The same for how the thread's waits were found. */
void waits_credit_sampling(struct thread *thread, const struct abi_sampling *sampling);

/* The thread goes on with totals that begin at zero again. */
void waits_begin_anew(struct thread *thread);

#endif
