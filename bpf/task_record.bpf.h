/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_BPF_TASK_RECORD_BPF_H
#define PARKSCOPE_BPF_TASK_RECORD_BPF_H

/*
 * The record that each watched task has, and the maps that all programs share.
 * Records are made by the sweep and by thread birth, never on the scheduler
 * path: there a missing one is a loss.
 *
 * Who writes what: the fields of the wait and the totals belong to the task
 * itself (its own switch-out and switch-in, its exit and exec), those of the
 * sweep, and the stamp of a wait, to the one sweep that runs at a time. So nothing needs
 * a lock.
 */

#include "bpf/kernel_types.h"

#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/config.bpf.h"
#include "bpf/stack_hash.h"
#include "bpf/wait_sampling.h"

/* One wait, or a broken one that the kernel may restart. */
struct wait {
	u64 begin_ns; /* or of its last restart; 0: none */
	u64 first_begin_ns;
	u64 begin_switches;
	u64 begin_runtime_ns; /* on a CPU in the task's life, then */
	u64 waited_ns;        /* before it was broken */
	struct sampling_key key;
	struct sampling_wait sampling;
	u32 reason; /* enum abi_reason */
	u32 restarts;
	u32 doubtful; /* whether it has ended is not known: the task's next block tells */
	u32 padding;
};

struct task_record {
	struct wait wait;
	struct wait broken;
	u64 swept_switches;
	u64 swept_kernel_stack_id;
	u64 unwind_requested_ns; /* when this task last asked for its process's tables */
	u32 tgid;
	u32 exec_id;
	u32 exited;
	u32 stacks_epoch; /* in which `sampling` learnt what it knows */
	struct sampling_memory sampling;
	struct abi_wait_totals totals[ABI_WAIT_TOTALS_MAX];
};

struct task_record_key {
	u32 tid;
	u32 padding;
	u64 start_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_record);
} task_storage __weak SEC(".maps");

/* Instead of task_storage where that cannot be used: preallocated, sized before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct task_record_key);
	__type(value, struct task_record);
} task_records __weak SEC(".maps");

/* All zero: what a new record in `task_records` is made from. Too large for the BPF stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct task_record);
} blank_record __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u32); /* tgid */
	__type(value, u32);
} watched_processes __weak SEC(".maps");

/* Waits that a sweep saw, for its second pass to stamp. Filled by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_STAMPS_MAX);
	__type(key, u32); /* tid */
	__type(value, struct abi_stamp);
} stamps __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct sampling_limiter);
} sampling_limiters __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, u64); /* stack_hash */
	__type(value, struct abi_stack);
} stacks __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
} events __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LOSS_COUNT);
	__type(key, u32);
	__type(value, u64);
} losses __weak SEC(".maps");

/* Births and sweeps can be preempted by the scheduler, and are not to undo what it adds. */
static __always_inline void count_loss(u32 cause)
{
	u64 *count = bpf_map_lookup_elem(&losses, &cause);

	if (count)
		__sync_fetch_and_add(count, 1);
}

static __always_inline bool is_watched(u32 tgid)
{
	if (watch_scope == WATCH_ONE)
		return tgid == watched_tgid;
	if (watch_scope == WATCH_LISTED)
		return bpf_map_lookup_elem(&watched_processes, &tgid) != NULL;
	return true;
}

/* Kernel threads and workers that never run user code have no waits of the process. */
static __always_inline bool runs_user_code(struct task_struct *task)
{
	u32 flags = task->flags;

	if (flags & (PF_KTHREAD | PF_IO_WORKER))
		return false;
	return !(has_user_workers && (flags & PF_USER_WORKER));
}

static __always_inline u32 task_marks(struct task_struct *task)
{
	u32 flags = task->flags;

	if (flags & PF_IO_WORKER)
		return TASK_MARK_IO_WORKER;
	if (has_user_workers && (flags & PF_USER_WORKER))
		return TASK_MARK_USER_WORKER;
	return 0;
}

static __always_inline u64 task_switches(struct task_struct *task)
{
	return task->nvcsw + task->nivcsw;
}

static __always_inline struct task_record_key task_record_key(struct task_struct *task)
{
	struct task_record_key key = {
		.tid = (u32)task->pid,
		.start_ns = task->start_time,
	};

	return key;
}

/* NULL: it has none. */
static __always_inline struct task_record *task_record_find(struct task_struct *task)
{
	struct task_record_key key;

	if (use_task_storage)
		return bpf_task_storage_get(&task_storage, task, NULL, 0);
	key = task_record_key(task);
	return bpf_map_lookup_elem(&task_records, &key);
}

static __always_inline struct task_record *task_record_create(struct task_struct *task)
{
	struct task_record_key key;
	struct task_record *blank;
	u32 zero = 0;

	if (use_task_storage)
		return bpf_task_storage_get(&task_storage, task, NULL,
					    BPF_LOCAL_STORAGE_GET_F_CREATE);
	blank = bpf_map_lookup_elem(&blank_record, &zero);
	if (!blank)
		return NULL;
	key = task_record_key(task);
	bpf_map_update_elem(&task_records, &key, blank, BPF_NOEXIST);
	return bpf_map_lookup_elem(&task_records, &key);
}

/* May take a lock and memory: not for the scheduler path. */
static __always_inline struct task_record *task_record_find_or_create(struct task_struct *task)
{
	struct task_record *record = task_record_find(task);

	if (!record && records_left > 0) {
		__sync_fetch_and_add(&records_left, -1);
		record = task_record_create(task);
	}
	if (!record) {
		count_loss(LOSS_RECORD_CREATE);
	} else if (!record->tgid) {
		record->tgid = (u32)task->tgid;
		record->exec_id = (u32)task->self_exec_id;
	}
	return record;
}

/* Puts the stack into `stacks`; its id, or 0 if it could not be kept. */
static __always_inline u64 stack_remember(struct abi_stack *stack, const struct stack_hash *hash)
{
	struct abi_stack *known = bpf_map_lookup_elem(&stacks, &hash->id);

	stack->check = hash->check;
	/* -EEXIST: another CPU was first, with the same frames. */
	if (!known && bpf_map_update_elem(&stacks, &hash->id, stack, BPF_NOEXIST)) {
		known = bpf_map_lookup_elem(&stacks, &hash->id);
		if (!known) {
			count_loss(LOSS_STACK_MAP_FULL);
			return 0;
		}
	}
	if (known && known->check != hash->check) {
		count_loss(LOSS_STACK_COLLISION);
		return 0;
	}
	return hash->id;
}

#endif
