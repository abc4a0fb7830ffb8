// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One tiny program per kernel feature. src/host/features.c loads them, one by one if need
 * be: the kernel's own verifier says what works.
 */
#include "bpf/kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} probe_storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} probe_ringbuf SEC(".maps");

SEC("?tp_btf/sched_switch")
int probe_tp_btf(u64 *ctx)
{
	struct task_struct *next = (void *)ctx[2];

	return next->pid == 0;
}

SEC("?tp_btf/sched_switch")
int probe_task_storage(u64 *ctx)
{
	struct task_struct *next = (void *)ctx[2];

	return bpf_task_storage_get(&probe_storage, next, NULL, 0) != NULL;
}

SEC("?tp_btf/task_newtask")
int probe_ring_buffer(u64 *ctx)
{
	u64 value = 0;

	bpf_ringbuf_output(&probe_ringbuf, &value, sizeof(value), 0);
	return 0;
}

SEC("?iter/task")
int probe_task_iterator(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	u32 tid;

	if (!task)
		return 0;
	tid = (u32)task->pid;
	bpf_seq_write(ctx->meta->seq, &tid, sizeof(tid));
	return 0;
}

SEC("?iter/task")
int probe_task_pt_regs(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct pt_regs *registers;

	if (!task)
		return 0;
	registers = (struct pt_regs *)bpf_task_pt_regs(task);
	return BPF_CORE_READ(registers, orig_ax) == 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
