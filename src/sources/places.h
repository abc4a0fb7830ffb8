/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_PLACES_H
#define PARKSCOPE_SOURCES_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/unwind_row.h"
#include "sources/context.h"

/*
 * From raw stacks to sites: each distinct raw stack of a process is named once,
 * while the process lives, and remembered.
 *
 * All return NULL where there is no memory or the process has too many sites or
 * stacks; the loss is then counted here.
 */

/* A user stack: its frames, or the id by which BPF put them into the map `stacks`. */
struct user_stack {
	uint64_t id;            /* where frames is NULL; 0: unknown */
	const uint64_t *frames; /* leaf first */
	size_t count;
	size_t first_guess; /* frames from here on are guesses; `count`: none */
	enum unwind_end end;
};

/* Where a thread is parked. `kernel_stack_id` 0: without kernel frames. */
struct site *places_park(struct sources_context *context, struct process_entry *entry,
			 uint32_t reason, const struct user_stack *user, uint64_t kernel_stack_id);

/*
 * Where threads waited, to credit completed waits; also NULL beyond PLACES_MAX. It may have no
 * site: places_site() when there is something to credit.
 */
struct place *places_wait(struct sources_context *context, struct process_entry *entry,
			  uint32_t reason, const struct user_stack *user);

/* The same, of a place that is known already; else NULL. */
struct place *places_known_wait(const struct process_entry *entry, uint32_t reason,
				uint64_t user_stack_id);

/* The id of a stack with frames: that by which BPF would know it. */
uint64_t places_stack_id(const struct sources_context *context, const struct user_stack *user);

/* The site of a place where threads waited, made anew where it expired. NULL: see above. */
struct site *places_site(struct sources_context *context, struct process_entry *entry,
			 struct place *place);

/*
 * Marks the sites of the process that nobody has used for some time. After the sweep of a report,
 * which says of them what none has said yet.
 */
void places_expire_sites(struct sources_context *context, struct process_entry *entry);

/*
 * After that report: forgets them. Nothing may hold one of them but its places, or have used it
 * since it was marked.
 */
void places_drop_expired(struct process_entry *entry);

/* Where a thread was created. */
struct site *places_birth(struct sources_context *context, struct process_entry *entry,
			  const struct user_stack *user);

/* A birth site without a stack: "[io_uring worker]", "[started before parkscope]", … */
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
