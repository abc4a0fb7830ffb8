/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_UNWIND_USER_WALK_H
#define PARKSCOPE_UNWIND_USER_WALK_H

/*
 * The walk of a blocked thread's stack from outside, without stopping it: the same
 * steps as in BPF (bpf/unwind_step.h) over remote memory. So a stack has the same
 * frames, and the same id, whoever walked it. The thread may move on meanwhile: the
 * caller compares its switch counters afterwards.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "bpf/abi.h"
#include "bpf/unwind_row.h"
#include "process/mapping_cache.h"
#include "unwind/code_tables.h"

/* Where a thread stands. */
struct user_registers {
	uint64_t ip;
	uint64_t sp;
	uint64_t bp;
};

struct user_walk_result {
	uint64_t frames[ABI_STACK_FRAMES_MAX]; /* leaf first */
	size_t count;                          /* at least 1 */
	size_t first_guess;                    /* frames from here on are guesses; `count`: none */
	enum unwind_end end;
};

struct user_walk;

/* NULL without memory. What it is given is not owned and must outlive it. */
struct user_walk *user_walk_new(struct mapping_cache *mappings, struct code_tables *tables);
void user_walk_free(struct user_walk *walk);
define_auto_free(user_walk)

/*
 * Walks. Where the code's file has no call frame information at all (musl), return
 * addresses are searched on the stack: what stands behind a call instruction is taken
 * for one, and that frame and all above it are guesses.
 */
void user_walk_run(struct user_walk *walk, const struct process_ref *process,
		   const struct user_registers *registers, uint64_t now_ns,
		   struct user_walk_result *result);

#endif
