// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The sweep: every thread of the watched processes, whatever it does now. Makes
 * the records that are missing. One sweep runs at a time; the kernel may call
 * the program twice for one task when the output buffer was full, so it may not
 * count anything.
 */
#include "bpf/kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/compat.bpf.h"
#include "bpf/reason.bpf.h"
#include "bpf/task_record.bpf.h"

/* Iterators can be preempted, but there is only the one that user space reads. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct abi_stack);
} sweep_scratch SEC(".maps");

static __always_inline u64 capture_kernel_stack(struct task_struct *task)
{
	struct abi_stack *scratch;
	struct stack_hash hash;
	u32 zero = 0;
	long bytes;

	scratch = bpf_map_lookup_elem(&sweep_scratch, &zero);
	if (!scratch)
		return 0;
	bytes = bpf_get_task_stack(task, scratch->frames, sizeof(scratch->frames), 0);
	if (bytes <= 0) {
		count_loss(LOSS_STACK_CAPTURE);
		return 0;
	}
	scratch->count = (u32)bytes / sizeof(u64);
	scratch->end = UNWIND_END_OUTERMOST;
	stack_hash_begin(&hash, stack_hash_seed);
	for (u32 i = 0; i < ABI_STACK_FRAMES_MAX; i++) {
		if (i >= scratch->count)
			break;
		stack_hash_word(&hash, scratch->frames[i]);
	}
	stack_hash_end(&hash, scratch->count, scratch->end);
	return stack_remember(scratch, &hash);
}

/*
 * The wait that the record describes still lasts: user space has the second pass stamp it.
 * Captured or not: if those were stamped at once, and these when they are walked, then those
 * that end in between would count too little on average.
 */
static __always_inline void mark_sampled_wait(struct abi_task_snapshot *snapshot,
					      const struct task_record *record)
{
	if (record->wait.begin_ns && record->wait.begin_switches == snapshot->switches &&
	    sampling_wants_stamp(&record->sampling, &record->wait.sampling, snapshot->switches))
		snapshot->marks |= TASK_MARK_SAMPLED;
}

static __always_inline void describe_wait(struct abi_task_snapshot *snapshot,
					  struct task_struct *task, struct task_record *record)
{
	struct user_registers registers = {};
	u32 state = snapshot->state;

	if (!compat_user_registers(task, &registers))
		return;
	snapshot->marks |= TASK_MARK_REGISTERS;
	if (registers.compat)
		snapshot->marks |= TASK_MARK_COMPAT;
	snapshot->ip = registers.ip;
	snapshot->sp = registers.sp;
	snapshot->bp = registers.bp;
	snapshot->syscall_number = registers.syscall_number;
	__builtin_memcpy(snapshot->arguments, registers.arguments, sizeof(snapshot->arguments));

	if (state & (TASK_STOPPED | TASK_TRACED))
		snapshot->reason = REASON_STOPPED;
	else if (record && record->wait.begin_ns &&
		 record->wait.begin_switches == snapshot->switches)
		snapshot->reason = record->wait.reason;
	else
		snapshot->reason = wait_reason(task, &registers, state & TASK_INTERRUPTIBLE);

	if (!record) {
		snapshot->kernel_stack_id = capture_kernel_stack(task);
		return;
	}
	if (record->wait.begin_ns) {
		snapshot->begin_ns = record->wait.first_begin_ns;
		snapshot->waited_ns =
			record->wait.waited_ns + snapshot->now_ns - record->wait.begin_ns;
	}
	snapshot->begin_switches = record->wait.begin_switches;
	mark_sampled_wait(snapshot, record);
	snapshot->user_stack_id = record->wait.sampling.stack_id;
	snapshot->user_stack_end = record->wait.sampling.stack_end;
	if (!record->swept_kernel_stack_id || record->swept_switches != snapshot->switches) {
		record->swept_kernel_stack_id = capture_kernel_stack(task);
		record->swept_switches = snapshot->switches;
	}
	snapshot->kernel_stack_id = record->swept_kernel_stack_id;
}

/*
 * The record begins anew when exec is through. Whoever calls exec and is not the leader has the
 * leader's id for a while before the new exec id.
 */
static __always_inline bool is_in_exec(struct task_struct *task, const struct task_record *record)
{
	if (record->exec_id != (u32)task->self_exec_id)
		return true;
	return bpf_core_field_exists(task->in_execve) && BPF_CORE_READ_BITFIELD(task, in_execve);
}

static __always_inline void describe_accounts(struct abi_task_snapshot *snapshot,
					      const struct task_record *record)
{
	for (u32 i = 0; i < ABI_WAIT_TOTALS_MAX; i++)
		if (record->totals[i].reason != REASON_NONE)
			snapshot->totals_count = i + 1;
	for (u32 i = 0; i < ABI_REMEMBERED_WAITS_MAX; i++)
		if (record->sampling.places[i].used)
			snapshot->remembered_count = i + 1;
	snapshot->sampling = record->sampling.counts;
	snapshot->marks |= TASK_MARK_ACCOUNTS;
}

/* Records are made before it is known whether the task waits: its next wait needs one. */
SEC("?iter/task")
int sweep_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct seq_file *seq = ctx->meta->seq;
	struct abi_task_snapshot snapshot = {};
	struct task_record *record = NULL;

	bool watched;

	if (!task || (task->flags & PF_KTHREAD) || task->exit_state)
		return 0;
	watched = is_watched((u32)task->tgid);
	if (!watched && (u32)task->tgid != own_tgid)
		return 0;

	snapshot.tid = (u32)task->pid;
	snapshot.tgid = (u32)task->tgid;
	snapshot.start_ns = task->start_time;
	snapshot.now_ns = bpf_ktime_get_ns();
	snapshot.switches = task_switches(task);
	snapshot.state = compat_task_state(task);
	snapshot.exec_id = (u32)task->self_exec_id;
	snapshot.marks = task_marks(task);
	snapshot.syscall_number = -1;
	if (bpf_core_field_exists(task->sched_info))
		snapshot.last_arrival_ns = task->sched_info.last_arrival;
	if (!watched)
		snapshot.marks |= TASK_MARK_CLOCK;
	bpf_probe_read_kernel_str(snapshot.comm, sizeof(snapshot.comm), task->comm);

	if (task->flags & PF_EXITING) {
		snapshot.marks |= TASK_MARK_EXITING;
	} else if (watched && runs_user_code(task)) {
		if (keeps_records)
			record = task_record_find_or_create(task);
		if (record && record->broken.begin_ns) {
			snapshot.broken_ns = record->broken.waited_ns;
			snapshot.broken_reason = record->broken.reason;
		}
		if (snapshot.state &
		    (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE | TASK_STOPPED | TASK_TRACED))
			describe_wait(&snapshot, task, record);
		if (record && is_in_exec(task, record)) {
			snapshot.marks |= TASK_MARK_EXEC;
			snapshot.exec_id = record->exec_id;
		} else if (record) {
			describe_accounts(&snapshot, record);
		}
	}

	bpf_seq_write(seq, &snapshot, sizeof(snapshot));
	for (u32 i = 0; record && i < ABI_WAIT_TOTALS_MAX; i++) {
		if (i >= snapshot.totals_count)
			break;
		bpf_seq_write(seq, &record->totals[i], sizeof(record->totals[i]));
	}
	for (u32 i = 0; record && i < ABI_REMEMBERED_WAITS_MAX; i++) {
		if (i >= snapshot.remembered_count)
			break;
		bpf_seq_write(seq, &record->sampling.places[i].waits,
			      sizeof(record->sampling.places[i].waits));
	}
	return 0;
}

/* The wait still lasts whose stack user space has: it counts once, and if skipped, there. */
static __always_inline void stamp_wait(struct task_struct *task, u64 switches)
{
	u32 tid = (u32)task->pid;
	struct abi_stamp *stamp = bpf_map_lookup_elem(&stamps, &tid);
	struct task_record *record;

	if (!stamp || stamp->begin_switches != switches || stamp->start_ns != task->start_time)
		return;
	record = task_record_find(task);
	if (!record || record->wait.begin_switches != switches)
		return;
	record->sampling.stamped_stack_id = stamp->user_stack_id;
	barrier();
	record->sampling.stamped_switches = switches;
}

/* The second pass: the counters, and stamps. */
SEC("?iter/task")
int recheck_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct abi_task_recheck recheck = {};

	if (!task || (task->flags & PF_KTHREAD) || !is_watched((u32)task->tgid))
		return 0;
	recheck.tid = (u32)task->pid;
	recheck.start_ns = task->start_time;
	recheck.switches = task_switches(task);
	if (keeps_records)
		stamp_wait(task, recheck.switches);
	bpf_seq_write(ctx->meta->seq, &recheck, sizeof(recheck));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
