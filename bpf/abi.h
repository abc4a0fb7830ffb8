/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_BPF_ABI_H
#define PARKSCOPE_BPF_ABI_H

/*
 * What the BPF programs and user space say to each other. Compiled on both
 * sides: fixed-width types, explicit padding, sizes asserted below.
 *
 * Times are CLOCK_MONOTONIC nanoseconds (bpf_ktime_get_ns). Task ids are those
 * of the initial PID namespace. A task is identified by {tid, start_ns}: a tid
 * alone is reused.
 */

#include <linux/types.h>

#include "bpf/unwind_row.h"

/* Deepest stack kept. A power of two: BPF masks its index. */
#define ABI_STACK_FRAMES_MAX 128

/* Distinct reasons one task can use before the rest counts as REASON_OTHER. */
#define ABI_WAIT_TOTALS_MAX 6

/* Bucket i holds waits of [2^(i+9), 2^(i+10)) ns; the first and the last one are open. */
#define ABI_HISTOGRAM_BUCKETS 28

#define ABI_SYSCALLS_MAX 512

/* Places that a task remembers (wait_sampling.h). A power of two: BPF masks its index. */
#define ABI_REMEMBERED_WAITS_MAX 4

/* Waits that one sweep can stamp; those beyond are for the next one. */
#define ABI_STAMPS_MAX 16384

/* What the walks of one CPU may take is given for windows of 2^24 ns: 17 ms. */
#define ABI_SAMPLING_WINDOW_SHIFT 24

/* Entries of the map `wait_sites`: places with completed waits, of all processes. */
#define ABI_WAIT_SITES_MAX 16384

/* Rows of one shard of the unwind tables: 1 MiB. */
#define ABI_UNWIND_SHARD_ROWS 131072
/* The row searches of BPF halve a range that is at most a shard: 2^17 rows take 18 steps. */
#define ABI_UNWIND_ROW_STEPS  18
#define ABI_UNWIND_SHARDS_MAX 1024
/* Executable mappings of all processes together, and of one: 12 steps of its search. */
#define ABI_UNWIND_MAPPINGS_MAX         65536
#define ABI_UNWIND_MAPPING_STEPS        12
#define ABI_UNWIND_PROCESS_MAPPINGS_MAX ((1 << ABI_UNWIND_MAPPING_STEPS) - 1)
#define ABI_UNWIND_PROCESSES_MAX        16384

/*
 * Why a task is off the CPU. The names that formats print are in
 * src/sources/reasons.c; append only, the numbers are not part of any output.
 */
enum abi_reason {
	REASON_NONE = 0, /* on the CPU, or runnable */
	REASON_FUTEX,
	REASON_EPOLL,
	REASON_POLL,
	REASON_SELECT,
	REASON_SLEEP,
	REASON_SIGNAL,
	REASON_PIPE_READ,
	REASON_PIPE_WRITE,
	REASON_SOCKET_READ,
	REASON_SOCKET_WRITE,
	REASON_SOCKET_ACCEPT,
	REASON_SOCKET_CONNECT,
	REASON_FILE_READ,
	REASON_FILE_WRITE,
	REASON_FILE_SYNC,
	REASON_DEVICE_READ,
	REASON_DEVICE_WRITE,
	REASON_EVENT_READ,  /* eventfd, timerfd, inotify, signalfd, … */
	REASON_EVENT_WRITE, /* eventfd */
	REASON_WAIT_CHILD,
	REASON_VFORK,
	REASON_FILE_LOCK,
	REASON_IO_URING,
	REASON_MESSAGE_QUEUE,
	REASON_SYSV_SEMAPHORE,
	REASON_PAGE_FAULT,
	REASON_STOPPED, /* SIGSTOP or a debugger; only the sweep sees it */
	REASON_KERNEL,  /* a lock or I/O inside the kernel, in a system call of another kind */
	REASON_EXIT,    /* on the way out, after the exit was accounted */
	REASON_OTHER,
	REASON_COUNT,
};

/*
 * An entry of the system call table is a reason, or one of these where the
 * number alone does not tell.
 */
enum abi_syscall_class {
	SYSCALL_FUTEX_OPERATION = 0x80, /* futex(2): the operation decides */
	SYSCALL_READ_FD,                /* the file behind the first argument decides */
	SYSCALL_WRITE_FD,
	SYSCALL_CLONE,   /* vfork's parent */
	SYSCALL_FCNTL,   /* F_SETLKW and its like */
	SYSCALL_RESTART, /* restart_syscall(2): what was broken decides */
};

/* Counted per CPU in the map `losses`; names in src/sources/kernel_losses.c. */
enum abi_loss {
	LOSS_NO_RECORD,     /* a task began a wait before it had a record */
	LOSS_RECORD_CREATE, /* no room for a task's record */
	LOSS_MISSED_END, /* a wait whose end was not seen, so that its length is an upper bound */
	LOSS_REASON_OVERFLOW, /* counted as REASON_OTHER */
	LOSS_STACK_CAPTURE, /* registers or a kernel stack were not readable, or births too many */
	LOSS_STACK_MAP_FULL,
	LOSS_SITE_MAP_FULL,
	LOSS_EVENTS_FULL,     /* a birth, exit or exec: repaired by the next sweep */
	LOSS_EXEC_RECORD,     /* totals of a thread that called exec and was not the leader */
	LOSS_STACK_COLLISION, /* another stack has the same id */
	LOSS_STACK_CUT,       /* + enum unwind_end: walks that ended before the outermost frame */
	LOSS_COUNT = LOSS_STACK_CUT + UNWIND_END_COUNT,
};

/* Totals of the completed waits of one task and reason since its record was made. */
struct abi_wait_totals {
	__u32 reason;   /* enum abi_reason; REASON_NONE: unused */
	__u32 restarts; /* any number of them in one wait */
	__u64 count;
	__u64 duration_ns;
	__u32 histogram[ABI_HISTOGRAM_BUCKETS];
};

/* One stack, leaf first; the key in the map `stacks` is its hash (stack_hash.h). */
struct abi_stack {
	__u32 count;
	__u32 end;   /* enum unwind_end; of kernel stacks UNWIND_END_OUTERMOST */
	__u64 check; /* the other hash */
	__u64 frames[ABI_STACK_FRAMES_MAX];
};

enum abi_unwind_mapping_mark {
	UNWIND_MAPPING_GO = 1 << 0,       /* code of a Go program: its own rules */
	UNWIND_MAPPING_NO_FILE = 1 << 1,  /* code that a JIT made: frame pointers */
	UNWIND_MAPPING_NO_TABLE = 1 << 2, /* there is a file, but its table is not loaded */
	UNWIND_MAPPING_NO_CFI = 1 << 3,   /* the file has next to no call frame information */
};

/*
 * Executable code of a process and where its rows are, in the map `unwind_mappings`.
 * Those of one process stand side by side, by ascending address. A mapping whose
 * rows lie in two shards is two.
 */
struct abi_unwind_mapping {
	__u64 start;
	__u64 end;  /* first address behind it */
	__u64 base; /* address that the rows' pc counts from */
	__u32 first_row;
	__u32 rows;
	__u32 owner; /* abi_unwind_process.owner: the entry is still this process's */
	__u16 shard;
	__u16 marks; /* enum abi_unwind_mapping_mark */
};

/* What BPF knows of a process's code, in the map `unwind_processes`, by tgid. */
struct abi_unwind_process {
	__u64 start_ns;            /* of the main thread */
	__u64 requested_ns;        /* written by BPF: when it last asked for newer mappings */
	__u64 request_interval_ns; /* it asks no sooner than this after it asked */
	__u32 exec_id;
	__u32 owner; /* never the same twice */
	__u32 first_mapping;
	__u32 mappings; /* 0: they could not be loaded */
};

/*
 * Of the walks of waits on one CPU, in the map `unwind_statistics`. Not of births: those can be
 * preempted, so that they take longer than they cost, and could undo what a wait adds meanwhile.
 */
struct abi_unwind_statistics {
	__u64 walks;
	__u64 whole; /* of them: reached the outermost frame */
	__u64 frames;
	__u64 duration_ns;
	__u64 longest_ns;
};

/*
 * Completed waits at one place; those that were sampled with the weight that makes up for
 * those that were not.
 */
struct abi_wait_sum {
	__u64 count;
	__u64 duration_ns;
	__u64 max_ns; /* of those that were sampled */
	/*
	 * The estimated variance of duration_ns, which is what sampling does to it:
	 * (variance_high * 2^32 + variance_low) * (2^10 ns)^2.
	 */
	__u64 variance_high;
	__u64 variance_low;
};

#define ABI_SAMPLING_SQUARE_SHIFT 10

/* The same for one task, since it has remembered this stack. */
struct abi_remembered_waits {
	__u64 user_stack_id;
	__u32 reason; /* enum abi_reason; REASON_NONE: unused */
	__u32 padding;
	struct abi_wait_sum sum;
};

/* How the completed waits of one task were found, since its record was made. */
struct abi_sampling {
	__u64 captured;   /* walked, or seen by a sweep */
	__u64 inferred;   /* from what is remembered */
	__u64 skipped;    /* credited to no place; the other captured ones make up for them */
	__u64 verified;   /* of the inferred ones, estimated from those walked all the same: */
	__u64 mismatched; /* and those of them that were inferred wrongly */
};

/*
 * Completed waits by place, in the map `wait_sites`: those that no living task
 * remembers, value struct abi_wait_sum.
 */
struct abi_wait_site_key {
	__u64 user_stack_id; /* 0: unknown */
	__u32 tgid;
	__u32 exec_id; /* task_struct.self_exec_id: addresses mean nothing across exec */
	__u32 reason;
	__u32 padding;
};

enum abi_task_mark {
	TASK_MARK_COMPAT = 1 << 0,      /* in a 32-bit system call */
	TASK_MARK_IO_WORKER = 1 << 1,   /* made by io_uring */
	TASK_MARK_USER_WORKER = 1 << 2, /* made by the kernel for the process, e.g. vhost */
	TASK_MARK_EXITING = 1 << 3,     /* registers are not valid */
	TASK_MARK_REGISTERS = 1 << 4,   /* ip, sp, bp and the system call are valid */
	TASK_MARK_CLOCK = 1 << 5,       /* not watched: parkscope itself, for its scheduler clock */
	TASK_MARK_SAMPLED = 1 << 6,     /* its wait counts by a coin, unless it is stamped */
	TASK_MARK_ACCOUNTS = 1 << 7,    /* what the program has counted under `exec_id` follows */
	TASK_MARK_EXEC = 1 << 8,        /* calls exec: its record is still of the program before */
};

/*
 * What the sweep says of one task; `totals_count` struct abi_wait_totals follow, and then
 * `remembered_count` struct abi_remembered_waits.
 */
struct abi_task_snapshot {
	__u32 tid;
	__u32 tgid;
	__u64 start_ns;
	__u64 now_ns;
	__u64 switches;        /* voluntary and involuntary context switches */
	__u64 last_arrival_ns; /* scheduler clock; 0: the kernel does not keep it */
	__u64 begin_ns;        /* of the wait in the record, before any restart; 0: none */
	__u64 begin_switches;  /* `switches` then: equal means that this wait still lasts */
	__u64 waited_ns;       /* so far in that wait, without the time for which it was broken */
	__u64 broken_ns;       /* waited in a broken wait that may still be restarted */
	__u64 user_stack_id;   /* of the wait in the record */
	__u64 kernel_stack_id; /* 0: not captured */
	__u64 ip;
	__u64 sp;
	__u64 bp;
	__u64 arguments[6]; /* of the system call */
	__s32 syscall_number;
	__u32 state; /* task_struct.__state */
	__u32 exec_id;
	__u32 reason; /* enum abi_reason */
	__u32 marks;  /* enum abi_task_mark */
	__u32 totals_count;
	__u32 broken_reason;  /* enum abi_reason */
	__u32 user_stack_end; /* enum unwind_end */
	__u32 remembered_count;
	__u32 padding;
	struct abi_sampling sampling;
	char comm[16];
};

/*
 * In the map `stamps`, by tid: the sweep has the stack of the wait that began at this switch
 * count of the task that began then.
 */
struct abi_stamp {
	__u64 start_ns;
	__u64 begin_switches;
	__u64 user_stack_id;
};

/* The second pass of a sweep: has the task moved while its memory was read? */
struct abi_task_recheck {
	__u32 tid;
	__u32 padding;
	__u64 start_ns;
	__u64 switches;
};

enum abi_event_kind {
	EVENT_THREAD_BIRTH,
	EVENT_THREAD_EXIT,
	EVENT_EXEC,
	EVENT_UNWIND_REQUEST, /* struct abi_event alone, start_ns of the main thread: code
				 without a table was met */
};

/* Head of everything in the ring buffer `events`. */
struct abi_event {
	__u32 kind; /* enum abi_event_kind */
	__u32 tgid;
	__u32 tid;
	__u32 exec_id;
	__u64 start_ns;
	__u64 now_ns;
};

struct abi_birth_event {
	struct abi_event event;
	__u32 creator_tid;
	__u32 marks; /* enum abi_task_mark */
	struct abi_stack creator_stack;
};

/* Exit: of this task. Exec: of the task that called it, `previous_tid` being its id until then. */
struct abi_exit_event {
	struct abi_event event;
	__u32 previous_tid;
	__u32 accounts; /* 0: the task had no record, and what follows is undefined */
	struct abi_wait_totals totals[ABI_WAIT_TOTALS_MAX];
	struct abi_remembered_waits remembered[ABI_REMEMBERED_WAITS_MAX];
	struct abi_sampling sampling;
};

_Static_assert(sizeof(struct abi_wait_totals) == 136, "abi_wait_totals");
_Static_assert(sizeof(struct abi_stack) == 16 + 8 * ABI_STACK_FRAMES_MAX, "abi_stack");
_Static_assert(sizeof(struct abi_unwind_mapping) == 40, "abi_unwind_mapping");
_Static_assert(sizeof(struct abi_unwind_process) == 40, "abi_unwind_process");
_Static_assert(sizeof(struct abi_unwind_statistics) == 40, "abi_unwind_statistics");
_Static_assert(sizeof(struct abi_wait_site_key) == 24, "abi_wait_site_key");
_Static_assert(sizeof(struct abi_wait_sum) == 40, "abi_wait_sum");
_Static_assert(sizeof(struct abi_remembered_waits) == 56, "abi_remembered_waits");
_Static_assert(sizeof(struct abi_sampling) == 40, "abi_sampling");
_Static_assert(sizeof(struct abi_stamp) == 24, "abi_stamp");
_Static_assert(sizeof(struct abi_task_snapshot) == 256, "abi_task_snapshot");
_Static_assert(sizeof(struct abi_task_recheck) == 24, "abi_task_recheck");
_Static_assert(sizeof(struct abi_event) == 32, "abi_event");
_Static_assert(sizeof(struct abi_birth_event) == 40 + sizeof(struct abi_stack), "abi_birth_event");
_Static_assert(sizeof(struct abi_exit_event) ==
		       40 + 136 * ABI_WAIT_TOTALS_MAX + 56 * ABI_REMEMBERED_WAITS_MAX + 40,
	       "abi_exit_event");

#endif
