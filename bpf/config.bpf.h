/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_BPF_CONFIG_BPF_H
#define PARKSCOPE_BPF_CONFIG_BPF_H

/*
 * Configuration that user space writes before loading. Constant for the
 * verifier, which then drops every branch that a kernel cannot run. Weak: each
 * .bpf.c that includes this shares the one copy after linking.
 */

#include "bpf/abi.h"

/* What the kernel has; see src/host/features.h. */
const volatile bool use_task_storage __weak = false;
const volatile bool has_prev_state __weak = false;
const volatile bool has_task_pt_regs __weak = false;
const volatile bool has_user_workers __weak = false;
const volatile bool has_walk_deadline __weak = false;

/* False: there is one sweep and nothing else, for which nothing has to be remembered. */
const volatile bool keeps_records __weak = false;

/* Which processes are watched: one, those in the map `watched_processes`, or all. */
enum watch_scope {
	WATCH_ALL,
	WATCH_ONE,
	WATCH_LISTED
};
const volatile __u32 watch_scope __weak = WATCH_ALL;
const volatile __u32 watched_tgid __weak = 0;

/* Each stack is walked, whatever that costs. */
const volatile bool exact __weak = false;

const volatile __u32 own_tgid __weak = 0;
const volatile __u32 possible_cpus __weak = 0;
const volatile __u64 stack_hash_seed __weak = 0;

/* enum abi_reason or enum abi_syscall_class by number; filled from src/sources/reasons.c. */
const volatile __u8 syscall_reasons[ABI_SYSCALLS_MAX] __weak = {};
const volatile __u8 compat_syscall_reasons[ABI_SYSCALLS_MAX] __weak = {};

/* Written by user space while the programs run. */

/* What walks may take on one CPU in one window of 2^ABI_SAMPLING_WINDOW_SHIFT ns. */
volatile __u64 walk_allowance_ns __weak = 0;
/* Grows when the map `stacks` is emptied: who relies on a stack in it finds it anew. */
volatile __u32 stacks_epoch __weak = 0;
/* So many more of them may be made until user space has measured its memory again. */
volatile __s64 records_left __weak = 0;

#endif
