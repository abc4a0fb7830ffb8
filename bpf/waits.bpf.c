// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Waits: where a task leaves the CPU because it blocks, and where it comes back.
 *
 * Runs in the scheduler with the run queue locked and interrupts off: nothing
 * here allocates, and what is written is preallocated.
 */
#include "bpf/kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/compat.bpf.h"
#include "bpf/reason.bpf.h"
#include "bpf/task_record.bpf.h"
#include "bpf/unwind.bpf.h"
#include "bpf/wait_totals.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct abi_unwind_statistics);
} unwind_statistics SEC(".maps");

/* What tells one place at which a task waits from another, as far as that costs nothing to read. */
static __always_inline struct sampling_key wait_key(const struct user_registers *registers,
						    bool interruptible)
{
	struct sampling_key key = {
		.ip = registers->ip,
		.sp = registers->sp,
		.address = registers->arguments[0],
		.call = (u32)registers->syscall_number | (u64)interruptible << 32 |
			(u64)registers->compat << 33,
	};

	return key;
}

static __always_inline void count_walk(const struct unwind_walk *walk)
{
	struct abi_unwind_statistics *statistics;
	u32 zero = 0;

	statistics = bpf_map_lookup_elem(&unwind_statistics, &zero);
	if (!statistics)
		return;
	statistics->walks++;
	statistics->whole += walk->stack.end == UNWIND_END_OUTERMOST;
	statistics->frames += walk->stack.count;
	statistics->duration_ns += walk->duration_ns;
	if (statistics->longest_ns < walk->duration_ns)
		statistics->longest_ns = walk->duration_ns;
}

static __always_inline void capture_user_stack(struct task_struct *task, struct task_record *record,
					       u64 usual_ns, const struct user_registers *registers,
					       struct sampling_limiter *limiter)
{
	struct sampling_wait *sampling = &record->wait.sampling;
	struct abi_remembered_waits evicted;
	struct unwind_walk *walk;

	walk = unwind_user_stack(bpf_get_smp_processor_id(), task, registers,
				 has_walk_deadline ? UNWIND_TIME_MAX_NS : UNWIND_TIME_UNLIMITED_NS,
				 &record->unwind_requested_ns);
	sampling->stack_end = walk ? walk->stack.end : UNWIND_END_MEMORY;
	sampling->stack_id = walk ? stack_remember(&walk->stack, &walk->hash) : 0;
	if (walk) {
		count_walk(walk);
		sampling_walked(limiter, walk->duration_ns, walk_allowance_ns);
	}
	if (!sampling->stack_id) {
		sampling_learn_nothing(&record->sampling, sampling);
		return;
	}
	if (sampling_learn(&record->sampling, &record->wait.key, record->wait.reason, usual_ns,
			   sampling, bpf_get_prandom_u32(), &evicted))
		wait_site_add(record, evicted.user_stack_id, evicted.reason, &evicted.sum);
}

/* Why the task waits and where, by what it remembers or by a walk. */
static __always_inline void wait_attribute(struct task_struct *task, struct task_record *record,
					   const struct user_registers *registers,
					   bool interruptible, u64 now)
{
	struct sampling_wait *sampling = &record->wait.sampling;
	struct sampling_limiter *limiter;
	struct sampling_place *place;
	u32 shift, zero = 0;
	u64 usual_ns;

	limiter = bpf_map_lookup_elem(&sampling_limiters, &zero);
	if (!limiter)
		return;
	if (record->stacks_epoch != stacks_epoch) {
		record->stacks_epoch = stacks_epoch;
		sampling_distrust(&record->sampling);
	}
	record->wait.key = wait_key(registers, interruptible);
	sampling_meet(&record->sampling, &record->wait.key, sampling);
	place = &record->sampling.places[sampling->place & (SAMPLING_PLACES - 1)];
	/* Behind the same descriptor may be another file by now. */
	if (sampling->place == SAMPLING_NONE || reason_is_of_file(place->waits.reason)) {
		record->wait.reason = wait_reason(task, registers, interruptible);
		if (sampling->place != SAMPLING_NONE && record->wait.reason != place->waits.reason)
			sampling_forget(sampling);
	} else {
		record->wait.reason = place->waits.reason;
	}
	usual_ns = sampling->place == SAMPLING_NONE ? usual_length(record, record->wait.reason)
						    : place->usual_ns;
	shift = exact ? 0
		      : sampling_shift(limiter, now, walk_allowance_ns, log2_of(usual_ns),
				       sampling->trusted);
	if (sampling_captures(&record->sampling, sampling, shift,
			      shift ? bpf_get_prandom_u32() : 0))
		capture_user_stack(task, record, usual_ns, registers, limiter);
}

/* It waits, or waited, where the registers say. */
static __always_inline bool wait_is_at(const struct wait *wait,
				       const struct user_registers *registers)
{
	return wait->key.ip == registers->ip && wait->key.sp == registers->sp &&
	       wait->key.address == registers->arguments[0];
}

/*
 * The wait is over for now: whether it goes on, the task's next block tells. There is room for
 * one such wait. The one before it has ended if this one began after it; if a signal handler on
 * top of it waited here, what follows of it is counted as another wait.
 */
static __always_inline void wait_suspend(struct task_record *record, u64 last_ns)
{
	if (record->broken.begin_ns)
		wait_account(record, &record->broken, 0);
	record->wait.waited_ns += last_ns;
	record->broken = record->wait;
	record->wait.begin_ns = 0;
}

/*
 * Its end was not seen. If there is a suspended wait already, this one was on top of it, in a
 * signal handler.
 */
static __always_inline void wait_end_unseen(struct task_record *record, u64 last_ns)
{
	if (record->broken.begin_ns) {
		wait_account(record, &record->wait, last_ns);
		record->wait.begin_ns = 0;
	} else {
		record->wait.doubtful = true;
		wait_suspend(record, last_ns);
	}
}

/*
 * Is this the kernel's restart of the wait that a signal or task work broke? If
 * it waits somewhere else, and not in a signal handler on top of it, then the
 * broken one has ended. One that may have ended goes on only if the call has the number
 * under which the kernel goes on with calls: of others that are restarted nothing tells, so
 * that one wait becomes two.
 */
static __always_inline bool continues_broken_wait(struct task_record *record,
						  const struct user_registers *registers)
{
	struct wait *broken = &record->broken;

	if (!broken->begin_ns)
		return false;
	if (wait_is_at(broken, registers) && (!broken->doubtful || is_restarted_call(registers)))
		return true;
	if (broken->doubtful || registers->sp >= broken->key.sp) {
		wait_account(record, broken, 0);
		broken->begin_ns = 0;
	}
	return false;
}

static __always_inline void wait_begin(u64 *ctx, struct task_struct *prev, u64 now)
{
	struct user_registers registers = {};
	struct task_record *record;
	struct wait *wait;
	u64 switches;

	record = task_record_find(prev);
	if (!record) {
		count_loss(LOSS_NO_RECORD);
		return;
	}
	if (record->exited)
		return;
	if (!compat_user_registers(prev, &registers)) {
		/* It counts, as a wait in an unknown call on a stack that leads nowhere. */
		count_loss(LOSS_STACK_CAPTURE);
		registers.syscall_number = ABI_SYSCALLS_MAX;
	}

	wait = &record->wait;
	switches = task_switches(prev);
	if (wait->begin_ns)
		wait_end_unseen(record, wait_missed_length(wait, prev, now,
							   switches > wait->begin_switches + 1));

	if (continues_broken_wait(record, &registers)) {
		*wait = record->broken;
		record->broken.begin_ns = 0;
		wait->doubtful = compat_may_have_been_stopped(prev);
		wait->restarts += !wait->doubtful;
	} else {
		wait->first_begin_ns = now;
		wait->waited_ns = 0;
		wait->restarts = 0;
		wait->doubtful = false;
		wait_attribute(prev, record, &registers, compat_blocks_interruptibly(ctx, prev),
			       now);
	}
	wait->begin_switches = switches;
	wait->begin_runtime_ns = prev->se.sum_exec_runtime;
	wait->begin_ns = now;
}

/*
 * Task work breaks waits when it was sent like a signal, which is what io_uring
 * does; other work (scheduler, NUMA) waits for the task to return by itself. The
 * flag that tells them apart has no stable bit, but who uses io_uring is known.
 */
static __always_inline bool has_breaking_task_work(struct task_struct *task)
{
	return bpf_core_field_exists(task->io_uring) && task->io_uring && task->task_works;
}

/* Something is due that makes an interruptible wait return before what it waits for. */
static __always_inline bool wait_is_broken(struct task_struct *task)
{
	unsigned long pending =
		task->pending.signal.sig[0] | task->signal->shared_pending.signal.sig[0];

	return (pending & ~task->blocked.sig[0]) || (task->jobctl & JOBCTL_PENDING) ||
	       has_breaking_task_work(task);
}

static __always_inline void wait_end(struct task_struct *next, u64 now)
{
	struct task_record *record;
	struct wait *wait;

	record = task_record_find(next);
	if (!record || !record->wait.begin_ns)
		return;
	wait = &record->wait;
	if (wait->begin_switches != task_switches(next)) {
		wait_end_unseen(record, wait_missed_length(wait, next, now, true));
	} else if (reason_restarts(wait->reason) && (wait->doubtful || wait_is_broken(next))) {
		wait_suspend(record, now - wait->begin_ns);
	} else {
		wait_account(record, wait, now - wait->begin_ns);
		wait->begin_ns = 0;
	}
}

static __always_inline bool is_of_interest(struct task_struct *task)
{
	return is_watched((u32)task->tgid) && runs_user_code(task);
}

/* (bool preempt, struct task_struct *prev, struct task_struct *next[, unsigned int prev_state]) */
SEC("?tp_btf/sched_switch")
int on_sched_switch(u64 *ctx)
{
	struct task_struct *prev = (void *)ctx[1];
	struct task_struct *next = (void *)ctx[2];
	bool begins = !ctx[0] && is_of_interest(prev) && compat_really_blocks(ctx, prev);
	bool ends = is_of_interest(next);
	u64 now;

	/* Most switches are of no interest, and a clock costs more than all of this. */
	if (!begins && !ends)
		return 0;
	now = bpf_ktime_get_ns();
	if (begins)
		wait_begin(ctx, prev, now);
	if (ends)
		wait_end(next, now);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
