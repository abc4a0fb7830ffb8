/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_BPF_UNWIND_BPF_H
#define PARKSCOPE_BPF_UNWIND_BPF_H

/*
 * The walk of a task's own user stack, by the tables that user space has loaded.
 *
 * One frame is a global function, which the verifier looks at once and not 128
 * times (4,000 instructions instead of 470,000). Linux 5.10 lets such a function
 * take numbers only: so a walk is known by its slot of `unwind_scratch`.
 */

#include "bpf/kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/compat.bpf.h"
#include "bpf/task_record.bpf.h"

#define UNWIND_READ(walk, target, size, address) unwind_read(walk, target, size, address)

struct unwind_walk;
static __always_inline long unwind_read(struct unwind_walk *walk, void *target, u32 size,
					u64 address);

#include "bpf/unwind_step.h"

/* In the scheduler: the run queue is locked meanwhile. Looked at every 8 frames. */
#define UNWIND_TIME_MAX_NS 50000
#define UNWIND_TIME_FRAMES 8
/* Where nothing is locked, 128 frames are bound enough. */
#define UNWIND_TIME_UNLIMITED_NS 1000000000ULL
/* How often one task asks for the tables of a process that has none. */
#define UNWIND_FIRST_REQUEST_INTERVAL_NS 1000000000ULL

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, ABI_UNWIND_SHARDS_MAX);
	__type(key, u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, ABI_UNWIND_SHARD_ROWS);
			__uint(map_flags, BPF_F_MMAPABLE);
			/* clang does not describe types that only an inner map names. */
			__uint(key_size, sizeof(u32));
			__uint(value_size, sizeof(struct unwind_row));
		});
} unwind_shards __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_UNWIND_PROCESSES_MAX);
	__type(key, u32); /* tgid */
	__type(value, struct abi_unwind_process);
} unwind_processes __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ABI_UNWIND_MAPPINGS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct abi_unwind_mapping);
} unwind_mappings __weak SEC(".maps");

/* The row for an address, in the list of mappings with this owner: neither ever changes. */
struct unwind_known_row {
	u64 address;
	u32 owner; /* 0: none */
	struct unwind_row row;
	u32 padding;
};

/* Words of the stack that are read at once. */
#define UNWIND_WINDOW_WORDS 32

#define UNWIND_KNOWN_ROWS_BITS 9
#define UNWIND_KNOWN_ROWS      (1U << UNWIND_KNOWN_ROWS_BITS)

/* A walk, its stack included, and what earlier ones have found. */
struct unwind_walk {
	struct abi_stack stack;
	struct unwind_registers registers;
	struct stack_hash hash;
	u64 began_ns;
	u64 deadline_ns;
	u64 duration_ns; /* when it has ended */
	u32 first_mapping;
	u32 mappings;
	u32 owner;
	u32 low; /* of the search that is under way */
	u32 high;
	u32 has_window;
	u64 window_address;
	u64 window[UNWIND_WINDOW_WORDS];
	struct unwind_known_row known[UNWIND_KNOWN_ROWS];
};

/*
 * Slots: one for each CPU's scheduler, which is never preempted, then one for each
 * CPU's births. Sized before loading.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct unwind_walk);
} unwind_scratch __weak SEC(".maps");

/*
 * Frames are small, and a read costs the same whether it is of one word or many. Where so many
 * cannot be read, at the end of a stack, the word is read alone.
 */
static __always_inline long unwind_read(struct unwind_walk *walk, void *target, u32 size,
					u64 address)
{
	u64 offset = address - walk->window_address;

	if (size != sizeof(u64) || address % sizeof(u64))
		return bpf_probe_read_user(target, size, (const void *)address);
	if (!walk->has_window || offset >= sizeof(walk->window)) {
		walk->has_window = !bpf_probe_read_user(walk->window, sizeof(walk->window),
							(const void *)address);
		if (!walk->has_window)
			return bpf_probe_read_user(target, size, (const void *)address);
		walk->window_address = address;
		offset = 0;
	}
	*(u64 *)target = walk->window[offset / sizeof(u64) % UNWIND_WINDOW_WORDS];
	return 0;
}

/* The mapping that holds the address; NULL: none. */
static __always_inline struct abi_unwind_mapping *unwind_find_mapping(struct unwind_walk *walk,
								      u64 address)
{
	struct abi_unwind_mapping *mapping;
	u32 index;

	walk->low = walk->first_mapping;
	walk->high = walk->first_mapping + walk->mappings;
	for (u32 i = 0; i < ABI_UNWIND_MAPPING_STEPS; i++) {
		if (walk->low >= walk->high)
			break;
		index = walk->low + (walk->high - walk->low) / 2;
		mapping = bpf_map_lookup_elem(&unwind_mappings, &index);
		if (!mapping)
			return NULL;
		if (mapping->start <= address)
			walk->low = index + 1;
		else
			walk->high = index;
	}
	if (walk->low == walk->first_mapping)
		return NULL;
	index = walk->low - 1;
	mapping = bpf_map_lookup_elem(&unwind_mappings, &index);
	if (!mapping || address >= mapping->end || mapping->owner != walk->owner)
		return NULL;
	return mapping;
}

/* The row of the mapping's table that holds for the address; NULL: it has none. */
static __always_inline struct unwind_row *
unwind_find_row(struct unwind_walk *walk, const struct abi_unwind_mapping *mapping, u64 address)
{
	u32 shard_index = mapping->shard;
	void *shard = bpf_map_lookup_elem(&unwind_shards, &shard_index);
	u32 pc = (u32)(address - mapping->base);
	u32 first = mapping->first_row;
	struct unwind_row *row;
	u32 index;

	if (!shard || address < mapping->base)
		return NULL;
	walk->low = first;
	walk->high = first + mapping->rows;
	for (u32 i = 0; i < ABI_UNWIND_ROW_STEPS; i++) {
		if (walk->low >= walk->high)
			break;
		index = walk->low + (walk->high - walk->low) / 2;
		row = bpf_map_lookup_elem(shard, &index);
		if (!row)
			return NULL;
		if (row->pc <= pc)
			walk->low = index + 1;
		else
			walk->high = index;
	}
	if (walk->low == first)
		return NULL;
	index = walk->low - 1;
	return bpf_map_lookup_elem(shard, &index);
}

static __always_inline struct unwind_known_row *unwind_known_row(struct unwind_walk *walk,
								 u64 address)
{
	/* Knuth's multiplicative hash: the upper bits. */
	u32 hash = ((u32)address + walk->owner) * 2654435761U;

	return &walk->known[hash >> (32 - UNWIND_KNOWN_ROWS_BITS) & (UNWIND_KNOWN_ROWS - 1)];
}

/* To the caller, by what is known of the code. `mapping` NULL: by the known row. */
static __always_inline u32 unwind_to_caller(struct unwind_walk *walk,
					    const struct abi_unwind_mapping *mapping, u64 address,
					    struct unwind_known_row *known)
{
	struct unwind_row *found, row = {};

	if (mapping) {
		if (mapping->marks & UNWIND_MAPPING_NO_TABLE)
			return UNWIND_END_NO_TABLE;
		if (mapping->rows) {
			found = unwind_find_row(walk, mapping, address);
			if (found)
				row = *found;
		}
		if (!row.rules) {
			if (mapping->marks & UNWIND_MAPPING_GO)
				return unwind_step_go(&walk->registers, walk);
			if (mapping->marks & UNWIND_MAPPING_NO_CFI)
				return UNWIND_END_NO_CFI;
		} else {
			known->address = address;
			known->owner = walk->owner;
			known->row = row;
		}
	} else {
		row = known->row;
	}
	return unwind_step(&walk->registers, &row, walk);
}

/* Adds a frame and goes on to its caller; an enum unwind_end. */
__weak __noinline u32 unwind_frame(u32 slot)
{
	struct unwind_walk *walk = bpf_map_lookup_elem(&unwind_scratch, &slot);
	struct abi_unwind_mapping *mapping = NULL;
	struct unwind_known_row *known;
	struct abi_stack *stack;
	bool is_known;
	u64 address;
	u32 count;

	if (!walk)
		return UNWIND_END_MEMORY;
	stack = &walk->stack;
	count = stack->count;
	address = unwind_code_address(&walk->registers);
	if (count >= ABI_STACK_FRAMES_MAX)
		return UNWIND_END_TOO_DEEP;
	if (count % UNWIND_TIME_FRAMES == UNWIND_TIME_FRAMES - 1 &&
	    bpf_ktime_get_ns() > walk->deadline_ns)
		return UNWIND_END_TOO_SLOW;
	known = unwind_known_row(walk, address);
	is_known = known->address == address && known->owner == walk->owner;
	if (!is_known)
		mapping = unwind_find_mapping(walk, address);
	/* Where a thread stands is a fact; what is found above it has to be code. */
	if (!is_known && !mapping && count)
		return unwind_end_without_code(&walk->registers);
	stack->frames[count & (ABI_STACK_FRAMES_MAX - 1)] = walk->registers.ip;
	stack->count = count + 1;
	stack_hash_word(&walk->hash, walk->registers.ip);
	if (!is_known && !mapping)
		return UNWIND_END_NO_CODE;
	return unwind_to_caller(walk, mapping, address, known);
}

/* Tells user space that it does not know all code of this process, but not too often. */
static __always_inline void unwind_request(struct task_struct *task, u64 *requested_ns,
					   u64 interval_ns, u64 now)
{
	struct abi_event *event;

	if (*requested_ns && now - *requested_ns < interval_ns)
		return;
	*requested_ns = now;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count_loss(LOSS_EVENTS_FULL);
		return;
	}
	event->kind = EVENT_UNWIND_REQUEST;
	event->tgid = (u32)BPF_CORE_READ(task, tgid);
	event->tid = (u32)BPF_CORE_READ(task, pid);
	event->exec_id = (u32)BPF_CORE_READ(task, self_exec_id);
	event->start_ns = BPF_CORE_READ(task, group_leader, start_time);
	event->now_ns = now;
	bpf_ringbuf_submit(event, 0);
}

/*
 * What user space has loaded for this process, unless that was for another program;
 * its list is copied into the walk. Copied first and compared then: an entry that is
 * replaced meanwhile may be used again for another process at once.
 */
static __always_inline struct abi_unwind_process *unwind_find_process(struct unwind_walk *walk,
								      struct task_struct *task)
{
	u32 tgid = (u32)BPF_CORE_READ(task, tgid);
	struct abi_unwind_process *process = bpf_map_lookup_elem(&unwind_processes, &tgid);

	if (!process)
		return NULL;
	walk->first_mapping = process->first_mapping;
	walk->mappings = process->mappings;
	walk->owner = process->owner;
	barrier();
	if (process->exec_id != (u32)BPF_CORE_READ(task, self_exec_id) ||
	    process->start_ns != BPF_CORE_READ(task, group_leader, start_time))
		return NULL;
	return process;
}

/*
 * Does the end of the walk say that its process's code may have changed? Another
 * library at the same address looks like damaged frames.
 */
static __always_inline bool unwind_end_asks(u32 end)
{
	switch (end) {
	case UNWIND_END_NO_CODE:
	case UNWIND_END_NO_TABLE:
	case UNWIND_END_BAD_FRAME:
	case UNWIND_END_MEMORY:
	case UNWIND_END_UNSUPPORTED:
		return true;
	default:
		return false;
	}
}

/*
 * Walks the user stack of the current task in this slot: its stack but for `check`,
 * and its hash. `time_max_ns`: it ends after this time. `task_requested_ns`: when the
 * task last asked for the tables of a process that has none. NULL: there is no such
 * slot.
 */
static __always_inline struct unwind_walk *unwind_user_stack(u32 slot, struct task_struct *task,
							     const struct user_registers *registers,
							     u64 time_max_ns,
							     u64 *task_requested_ns)
{
	struct unwind_walk *walk = bpf_map_lookup_elem(&unwind_scratch, &slot);
	struct abi_unwind_process *process;
	u64 request_interval_ns = UNWIND_FIRST_REQUEST_INTERVAL_NS;
	u64 *requested_ns = task_requested_ns;
	u32 end = UNWIND_GOES_ON;

	if (!walk)
		return NULL;
	walk->began_ns = bpf_ktime_get_ns();
	walk->deadline_ns = walk->began_ns + time_max_ns;
	walk->registers.ip = registers->ip;
	walk->registers.sp = registers->sp;
	walk->registers.bp = registers->bp;
	walk->registers.exact_ip = 1;
	walk->registers.bp_unknown = 0;
	stack_hash_begin(&walk->hash, stack_hash_seed);
	walk->stack.count = 0;
	walk->has_window = 0;

	process = unwind_find_process(walk, task);
	if (process) {
		requested_ns = &process->requested_ns;
		request_interval_ns = process->request_interval_ns;
	}
	if (registers->compat || !process || !walk->mappings) {
		end = registers->compat ? UNWIND_END_32BIT : UNWIND_END_NO_TABLE;
		walk->stack.frames[0] = registers->ip;
		walk->stack.count = 1;
		stack_hash_word(&walk->hash, registers->ip);
	}
	for (u32 i = 0; i <= ABI_STACK_FRAMES_MAX; i++) {
		if (end)
			break;
		end = unwind_frame(slot);
	}
	if (unwind_end_asks(end))
		unwind_request(task, requested_ns, request_interval_ns, walk->began_ns);
	walk->stack.end = end;
	stack_hash_end(&walk->hash, walk->stack.count, end);
	if (end != UNWIND_END_OUTERMOST)
		count_loss(LOSS_STACK_CUT + end);
	walk->duration_ns = bpf_ktime_get_ns() - walk->began_ns;
	return walk;
}

#endif
