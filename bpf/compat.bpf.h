/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_BPF_COMPAT_BPF_H
#define PARKSCOPE_BPF_COMPAT_BPF_H

/*
 * One shim per difference between kernels, with the commit that made it and
 * the version from which the shim can go.
 */

#include "bpf/kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/config.bpf.h"

/* 2f064a59a11f (5.14) renamed `state`. Goes when 5.14 is the oldest kernel. */
static __always_inline u32 compat_task_state(struct task_struct *task)
{
	struct task_struct___before_5_14 *old = (void *)task;

	if (bpf_core_field_exists(task->__state))
		return task->__state;
	return (u32)BPF_CORE_READ(old, state);
}

/* Where user space's registers of a blocked task are saved. */
struct user_registers {
	u64 ip;
	u64 sp;
	u64 bp;
	s32 syscall_number; /* -1: not in a system call */
	bool compat;
	u64 arguments[6];
};

/* THREAD_SIZE of x86-64, without and with KASAN. */
#define KERNEL_STACK_BYTES       16384
#define KERNEL_STACK_BYTES_KASAN 32768
/* TOP_OF_KERNEL_STACK_PADDING where the kernel knows FRED (6.9). */
#define FRED_PADDING_BYTES 16

/* The registers if they end here; NULL: what is here does not look like registers of user space. */
static __always_inline struct pt_regs *saved_registers_below(char *end)
{
	struct pt_regs *saved = (void *)(end - bpf_core_type_size(struct pt_regs));
	__u16 cs = BPF_CORE_READ(saved, cs);

	return cs == USER_CS || cs == USER32_CS ? saved : NULL;
}

/*
 * dd6e4a98a1d6 (5.15) added bpf_task_pt_regs(). Before it the registers stand
 * at the end of the kernel stack. Goes when 5.15 is the oldest kernel.
 */
static __always_inline struct pt_regs *compat_task_pt_regs(struct task_struct *task)
{
	struct pt_regs *saved;
	char *stack;

	if (has_task_pt_regs)
		return (struct pt_regs *)bpf_task_pt_regs(task);
	stack = BPF_CORE_READ(task, stack);
	saved = saved_registers_below(stack + KERNEL_STACK_BYTES);
	if (!saved)
		saved = saved_registers_below(stack + KERNEL_STACK_BYTES - FRED_PADDING_BYTES);
	if (!saved)
		saved = saved_registers_below(stack + KERNEL_STACK_BYTES_KASAN);
	return saved;
}

/*
 * 3ca1032ab7ab (5.11) gave the current task a type. The untyped one is good for
 * BPF_CORE_READ() only. Goes with compat_task_pt_regs().
 */
static __always_inline struct task_struct *compat_current_task(void)
{
	if (has_task_pt_regs)
		return bpf_get_current_task_btf();
	return (struct task_struct *)bpf_get_current_task();
}

/* A field of what the shims above return: read at once where the verifier knows its type. */
#define COMPAT_READ(pointer, field) \
	(has_task_pt_regs ? (pointer)->field : BPF_CORE_READ(pointer, field))

/* False: the registers cannot be read. */
static __always_inline bool compat_user_registers(struct task_struct *task,
						  struct user_registers *registers)
{
	struct pt_regs *saved = compat_task_pt_regs(task);

	if (!saved)
		return false;

	registers->compat = COMPAT_READ(task, thread_info.status) & TS_COMPAT;
	registers->ip = COMPAT_READ(saved, ip);
	registers->sp = COMPAT_READ(saved, sp);
	registers->bp = COMPAT_READ(saved, bp);
	registers->syscall_number = (s32)COMPAT_READ(saved, orig_ax);
	if (registers->compat) {
		registers->arguments[0] = (u32)COMPAT_READ(saved, bx);
		registers->arguments[1] = (u32)COMPAT_READ(saved, cx);
		registers->arguments[2] = (u32)COMPAT_READ(saved, dx);
		registers->arguments[3] = (u32)COMPAT_READ(saved, si);
		registers->arguments[4] = (u32)COMPAT_READ(saved, di);
		registers->arguments[5] = (u32)registers->bp;
	} else {
		registers->arguments[0] = COMPAT_READ(saved, di);
		registers->arguments[1] = COMPAT_READ(saved, si);
		registers->arguments[2] = COMPAT_READ(saved, dx);
		registers->arguments[3] = COMPAT_READ(saved, r10);
		registers->arguments[4] = COMPAT_READ(saved, r8);
		registers->arguments[5] = COMPAT_READ(saved, r9);
	}
	return true;
}

/*
 * Does this switch-out begin a wait? 9c2136be0878 (5.18) passes prev_state, the
 * state before a pending signal or a wake-up could change it. Without it a task
 * that is already being woken shows TASK_WAKING. The state-only branch goes when
 * 5.18 is the oldest kernel.
 */
static __always_inline bool compat_really_blocks(u64 *ctx, struct task_struct *prev)
{
	if (has_prev_state)
		return (ctx[3] & (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)) &&
		       compat_task_state(prev);
	return compat_task_state(prev) & (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE | TASK_WAKING);
}

/* Is it an interruptible wait? Where only TASK_WAKING is left to see: take it for one. */
static __always_inline bool compat_blocks_interruptibly(u64 *ctx, struct task_struct *prev)
{
	if (has_prev_state)
		return ctx[3] & TASK_INTERRUPTIBLE;
	return compat_task_state(prev) & (TASK_INTERRUPTIBLE | TASK_WAKING);
}

/*
 * Where only TASK_WAKING is left to see, the task may as well be one that was stopped and
 * is being continued. Goes with compat_really_blocks().
 */
static __always_inline bool compat_may_have_been_stopped(struct task_struct *prev)
{
	return !has_prev_state && compat_task_state(prev) == TASK_WAKING;
}

#endif
