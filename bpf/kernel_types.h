/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_BPF_KERNEL_TYPES_H
#define PARKSCOPE_BPF_KERNEL_TYPES_H

/*
 * The kernel's types, reduced to the fields that are used. CO-RE moves every
 * access to where the running kernel has the field; what is not listed here is
 * not depended on.
 */

#include <linux/bpf.h>
#include <linux/types.h>

#ifndef __TARGET_ARCH_x86
#error "parkscope's BPF code knows x86-64 only: registers and system call numbers"
#endif

typedef __u8 u8;
typedef __s32 s32;
typedef __u32 u32;
typedef __u64 u64;
typedef _Bool bool;
#define true 1
#define false 0

#define TASK_COMM_LEN 16

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct thread_info {
	u32 status; /* x86: TS_COMPAT */
};

struct sched_entity {
	u64 sum_exec_runtime;
};

struct sched_info {
	unsigned long long last_arrival;
};

/* The kernel's sigset_t is an unnamed struct: reached through the fields that hold one. */
typedef struct {
	unsigned long sig[1];
} sigset_t;

struct sigpending {
	sigset_t signal;
};

struct signal_struct {
	struct sigpending shared_pending;
};

struct inode {
	unsigned short i_mode;
};

struct file {
	struct inode *f_inode;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct callback_head;
struct io_uring_task;

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	void *stack;
	unsigned int flags;
	struct sched_entity se;
	struct sched_info sched_info;
	int exit_state;
	s32 pid;
	s32 tgid;
	unsigned long nvcsw;
	unsigned long nivcsw;
	u64 start_time;
	struct task_struct *group_leader;
	char comm[TASK_COMM_LEN];
	struct files_struct *files;
	struct signal_struct *signal;
	sigset_t blocked;
	struct sigpending pending;
	struct callback_head *task_works;
	struct io_uring_task *io_uring;
	unsigned long jobctl;
	unsigned int in_execve : 1;
	u64 self_exec_id;
};

/* Before 5.14 (kernel commit 2f064a59a11f). */
struct task_struct___before_5_14 {
	volatile long state;
};

struct pt_regs {
	unsigned long bp;
	unsigned long bx;
	unsigned long r10;
	unsigned long r9;
	unsigned long r8;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
	unsigned long ip;
	__u16 cs; /* the low half of what it was before 6.9 */
	unsigned long sp;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

/* include/linux/sched.h */
#define TASK_INTERRUPTIBLE   0x0001
#define TASK_UNINTERRUPTIBLE 0x0002
#define TASK_STOPPED         0x0004 /* __TASK_STOPPED */
#define TASK_TRACED          0x0008 /* __TASK_TRACED */
#define TASK_WAKING          0x0200 /* 5.10 to 5.17, where it is needed */

#define PF_EXITING     0x00000004
#define PF_IO_WORKER   0x00000010
#define PF_USER_WORKER 0x00004000 /* since 6.4, see has_user_workers */
#define PF_KTHREAD     0x00200000

/* include/linux/sched/jobctl.h: a stop or trap is due and breaks interruptible waits */
#define JOBCTL_STOP_PENDING (1UL << 17)
#define JOBCTL_TRAP_STOP    (1UL << 19)
#define JOBCTL_TRAP_NOTIFY  (1UL << 20)
#define JOBCTL_TRAP_FREEZE  (1UL << 23)
#define JOBCTL_PENDING \
	(JOBCTL_STOP_PENDING | JOBCTL_TRAP_STOP | JOBCTL_TRAP_NOTIFY | JOBCTL_TRAP_FREEZE)

/* arch/x86/include/asm/thread_info.h */
#define TS_COMPAT 0x0002

/* arch/x86/include/asm/segment.h: user space runs with one of these */
#define USER32_CS 0x23
#define USER_CS   0x33

/* include/uapi/linux/sched.h */
#define CLONE_VFORK  0x00004000
#define CLONE_THREAD 0x00010000

/* include/uapi/linux/stat.h */
#define S_IFMT   0170000
#define S_IFIFO  0010000
#define S_IFCHR  0020000
#define S_IFREG  0100000
#define S_IFSOCK 0140000

#endif
