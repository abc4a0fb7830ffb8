/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_WAIT_PLACES_H
#define PARKSCOPE_SOURCES_WAIT_PLACES_H

#include <stdint.h>

#include "sources/context.h"

/*
 * Completed waits by place.
 *
 * The kernel counts them in two kinds of sums that only grow: in each thread's record for
 * the places that it remembers, and in the map `wait_sites` for all others. A thread that
 * forgets a place moves its sum from the one to the other. The map is read first and the
 * threads after it: so a sum that moves meanwhile is missed until the next sweep, but never
 * counted twice. wait_places_settle() credits the sites with what the whole has gained.
 */

/* Reads the map `wait_sites`, and removes entries of which nothing can be made. */
int wait_places_read_map(struct sources_context *context);

/*
 * The map once more, for processes that ended: nothing in it moves any more, and there will
 * be no next sweep for them.
 */
int wait_places_read_ended(struct sources_context *context);

/*
 * The map once more, for a process that called exec: as far as its places are known. What it adds
 * from now on is of its new program.
 */
int wait_places_read_replaced(struct sources_context *context, struct process_entry *entry);

/*
 * What the thread's record remembers now, `count` of them. 0, or -ENOMEM: nothing is changed.
 */
int wait_places_remember(struct sources_context *context, struct thread *thread,
			 const struct abi_remembered_waits *remembered, uint32_t count);

/* The thread has ended: what it remembered last, or NULL: as the sweep before has seen it. */
void wait_places_end_thread(struct sources_context *context, struct thread *thread,
			    const struct abi_remembered_waits *remembered);

/*
 * The thread's program was replaced by exec, and remembered this in the end. Its mappings are gone
 * with it: what was not named before is a loss.
 */
void wait_places_end_program(struct sources_context *context, struct thread *thread,
			     const struct abi_remembered_waits *remembered);

/*
 * Credits the sites of one process, before it forgets its places, or of all. `context` is a
 * struct sources_context: for process_table_on_exec().
 */
void wait_places_settle_process(struct process_entry *entry, void *context);
void wait_places_settle(struct sources_context *context);

#endif
