/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_STACKS_H
#define PARKSCOPE_SOURCES_STACKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "model/report.h"
#include "sources/context.h"
#include "unwind/user_walk.h"

/*
 * User stacks: the unwind tables that BPF walks by, loaded for the processes that
 * need them, and the walk from outside. Its memory limit is shared out: half for the
 * tables in the kernel, half for those here.
 */
struct stacks;

/* `table_memory` in bytes. Without events nothing is loaded into the kernel. */
int stacks_open(struct sources_context *context, size_t table_memory, bool events,
		struct stacks **stacks, struct error *error);
void stacks_free(struct stacks *stacks);
define_auto_free(stacks)

/* Loads the tables of every process that is known: of few, named by the user. */
void stacks_load_known(struct stacks *stacks);

/*
 * BPF has met code that it knows nothing of. New processes that have lived for less
 * than a second are left to ask again, and so is who asks when loading has taken a quarter
 * of the last second: a storm of short-lived processes is not worth its tables.
 */
void stacks_handle_request(struct stacks *stacks, const struct abi_event *request);

/*
 * The process runs another program: if its tables were loaded, the new ones are, or it
 * asks for them where loading has taken too long.
 */
void stacks_handle_exec(struct stacks *stacks, const struct process_entry *entry);

/* To be called at each sweep: looks whether the code of some processes has changed. */
void stacks_sweep(struct stacks *stacks);

/* The process is gone. */
void stacks_forget(struct stacks *stacks, uint32_t tgid);

/* Walks the stack of a thread that is parked, from outside. */
void stacks_walk(struct stacks *stacks, const struct process_entry *entry,
		 const struct abi_task_snapshot *snapshot, struct user_walk_result *result);

/*
 * So many bytes are free for more tables in the kernel, which get no more than that, within their
 * share: a quarter of which they may have in any case.
 */
void stacks_limit_tables(struct stacks *stacks, uint64_t room);

void stacks_statistics(const struct stacks *stacks, struct unwind_cost *cost);

#endif
