/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_WAITS_H
#define PARKSCOPE_SOURCES_WAITS_H

#include <stdint.h>

#include "sources/context.h"

/* Completed waits: exact totals per process and reason, and by place. */

/*
 * Credits the thread's process with what the thread's totals grew by since they
 * were last credited. `totals` only ever grow. -ENOMEM.
 */
int waits_credit(struct thread *thread, const struct abi_wait_totals *totals, uint32_t count);

/* Adds what the map `wait_sites` has gained to the sites; removes entries of processes that are
 * gone. */
int waits_collect(struct sources_context *context);

#endif
