// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Thread births and exits, and exec. Preemptible on newer kernels, so nothing
 * here uses scratch that others may be using.
 */
#include "bpf/kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/compat.bpf.h"
#include "bpf/task_record.bpf.h"
#include "bpf/unwind.bpf.h"
#include "bpf/wait_totals.bpf.h"

static __always_inline void event_fill(struct abi_event *event, u32 kind, struct task_struct *task)
{
	event->kind = kind;
	event->tgid = (u32)task->tgid;
	event->tid = (u32)task->pid;
	event->exec_id = (u32)task->self_exec_id;
	event->start_ns = task->start_time;
	event->now_ns = bpf_ktime_get_ns();
}

/*
 * The slots of births whose walk is under way. A birth can be preempted by another
 * one on its CPU: adding a key that is there fails, atomically and on every kernel.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* sized before loading: CPUs */
	__type(key, u32);
	__type(value, u32);
} births_walking SEC(".maps");

static __always_inline void walk_creator_stack(u32 slot, struct abi_stack *stack)
{
	struct task_struct *creator = compat_current_task();
	struct user_registers registers = {};
	struct unwind_walk *walk;
	/* Births do not ask for tables that are not there at all: waits do, at a lower rate. */
	u64 requested_ns = bpf_ktime_get_ns();

	if (!compat_user_registers(creator, &registers)) {
		count_loss(LOSS_STACK_CAPTURE);
		return;
	}
	walk = unwind_user_stack(slot, creator, &registers, UNWIND_TIME_UNLIMITED_NS,
				 &requested_ns);
	if (walk)
		bpf_probe_read_kernel(stack, sizeof(*stack), &walk->stack);
}

static __always_inline void capture_creator_stack(struct abi_stack *stack)
{
	u32 slot = possible_cpus + bpf_get_smp_processor_id();
	u32 walking = 1;

	stack->count = 0;
	stack->end = UNWIND_END_MEMORY;
	stack->check = 0;
	if (bpf_map_update_elem(&births_walking, &slot, &walking, BPF_NOEXIST)) {
		count_loss(LOSS_STACK_CAPTURE);
		return;
	}
	walk_creator_stack(slot, stack);
	bpf_map_delete_elem(&births_walking, &slot);
}

SEC("?tp_btf/task_newtask")
int BPF_PROG(on_task_newtask, struct task_struct *task, u64 clone_flags)
{
	struct abi_birth_event *birth;

	if ((task->flags & PF_KTHREAD) || !is_watched((u32)task->tgid))
		return 0;
	if (runs_user_code(task))
		task_record_find_or_create(task);
	if (!(clone_flags & CLONE_THREAD))
		return 0;

	birth = bpf_ringbuf_reserve(&events, sizeof(*birth), 0);
	if (!birth) {
		count_loss(LOSS_EVENTS_FULL);
		return 0;
	}
	event_fill(&birth->event, EVENT_THREAD_BIRTH, task);
	birth->creator_tid = (u32)bpf_get_current_pid_tgid();
	birth->marks = task_marks(task);
	capture_creator_stack(&birth->creator_stack);
	bpf_ringbuf_submit(birth, 0);
	return 0;
}

/* Tells what the record has counted; user space takes over from there. */
static __always_inline void send_accounts(u32 kind, struct task_struct *task, u32 previous_tid,
					  struct task_record *record)
{
	struct abi_exit_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count_loss(LOSS_EVENTS_FULL);
		return;
	}
	event_fill(&event->event, kind, task);
	event->previous_tid = previous_tid;
	event->accounts = record != NULL;
	if (record) {
		__builtin_memcpy(event->totals, record->totals, sizeof(event->totals));
		for (u32 i = 0; i < ABI_REMEMBERED_WAITS_MAX; i++)
			event->remembered[i] = record->sampling.places[i].waits;
		event->sampling = record->sampling.counts;
	}
	bpf_ringbuf_submit(event, 0);
}

/* Waits that have ended without being seen to, and nothing else will tell. */
static __always_inline void account_pending(struct task_record *record, struct task_struct *task)
{
	if (record->wait.begin_ns)
		wait_account(
			record, &record->wait,
			wait_missed_length(&record->wait, task, bpf_ktime_get_ns(),
					   task_switches(task) != record->wait.begin_switches));
	record->wait.begin_ns = 0;
	if (record->broken.begin_ns)
		wait_account(record, &record->broken, 0);
	record->broken.begin_ns = 0;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(on_sched_process_exit, struct task_struct *task)
{
	struct task_record *record;

	if ((task->flags & PF_KTHREAD) || !is_watched((u32)task->tgid))
		return 0;
	record = task_record_find(task);
	if (record) {
		account_pending(record, task);
		/* It still blocks on its way out; that is no wait of the program. */
		record->exited = 1;
	}
	send_accounts(EVENT_THREAD_EXIT, task, (u32)task->pid, record);
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(on_sched_process_exec, struct task_struct *task, s32 previous_tid)
{
	struct task_record *record;

	if (!is_watched((u32)task->tgid))
		return 0;
	/*
	 * A thread that is not the leader takes over the leader's tid and start
	 * time: in task_records the leader's entry, which its exit has closed, is
	 * now this thread's, and its own is out of reach.
	 */
	if (!use_task_storage && previous_tid != task->pid)
		count_loss(LOSS_EXEC_RECORD);
	record = task_record_find_or_create(task);
	if (record)
		account_pending(record, task);
	send_accounts(EVENT_EXEC, task, (u32)previous_tid,
		      use_task_storage || previous_tid == task->pid ? record : NULL);
	if (record) {
		/* In two, kept apart: clang refuses more than 1 KiB at once. */
		__builtin_memset(record, 0, __builtin_offsetof(struct task_record, totals));
		barrier_var(record);
		__builtin_memset(record->totals, 0, sizeof(record->totals));
		record->tgid = (u32)task->tgid;
		record->exec_id = (u32)task->self_exec_id;
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
