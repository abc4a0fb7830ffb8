/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_PLACES_H
#define PARKSCOPE_SOURCES_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "sources/context.h"

/*
 * From raw stacks to sites: each distinct raw stack of a process is named once,
 * while the process lives, and remembered.
 *
 * All return NULL where there is no memory or the process has too many sites or
 * stacks; the loss is then counted here.
 */

/* A user stack: by its id, and, where the caller has them, its frames. */
struct user_stack {
	uint64_t id;            /* 0: unknown */
	const uint64_t *frames; /* NULL: they are in the map `stacks` */
	size_t count;
};

/* The id that BPF would give these frames. */
uint64_t places_stack_id(const struct sources_context *context, const uint64_t *frames,
			 size_t count);

/* Where a thread is parked. `kernel_stack_id` 0: without kernel frames. */
struct place *places_park(struct sources_context *context, struct process_entry *entry,
			  uint32_t reason, const struct user_stack *user, uint64_t kernel_stack_id);

/* Where a thread was created. */
struct place *places_birth(struct sources_context *context, struct process_entry *entry,
			   const struct user_stack *user);

/* A birth site without a stack: "[io_uring worker]", "[before parkscope]", … */
struct site *places_birth_label(struct sources_context *context, struct process_entry *entry,
				const char *label);

/* The frames of a stack in the map `stacks`; -ENOENT: it is not there. */
int places_read_stack(const struct sources_context *context, uint64_t id, struct abi_stack *stack);

/*
 * Empties the map `stacks` after it was full. What is parked or waited so far
 * has been named; what comes back is inserted anew under the same id.
 */
void places_drain_stacks(struct sources_context *context);

#endif
