/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_WAITS_H
#define PARKSCOPE_SOURCES_WAITS_H

#include <stdint.h>

#include "sources/context.h"

/* Completed waits: exact totals per process and reason. By place: wait_places.h. */

/*
 * Credits the thread's process with what the totals grew by since they were last credited, and
 * with how the waits were found. `exec_id` is that of the program which has these totals: they
 * only ever grow until exec, and then begin at zero. -ENOMEM.
 */
int waits_credit(struct thread *thread, uint32_t exec_id, const struct abi_wait_totals *totals,
		 uint32_t count, const struct abi_sampling *sampling);

/* Exec has ended this program of the thread, and all that it had is credited. */
void waits_end_program(struct thread *thread, uint32_t exec_id);

#endif
