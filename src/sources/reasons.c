// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/reasons.h"

#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

static const char *const names[REASON_COUNT] = {
	[REASON_NONE] = "none",
	[REASON_FUTEX] = "futex",
	[REASON_EPOLL] = "epoll",
	[REASON_POLL] = "poll",
	[REASON_SELECT] = "select",
	[REASON_SLEEP] = "sleep",
	[REASON_SIGNAL] = "signal",
	[REASON_PIPE_READ] = "pipe_read",
	[REASON_PIPE_WRITE] = "pipe_write",
	[REASON_SOCKET_READ] = "socket_read",
	[REASON_SOCKET_WRITE] = "socket_write",
	[REASON_SOCKET_ACCEPT] = "socket_accept",
	[REASON_SOCKET_CONNECT] = "socket_connect",
	[REASON_FILE_READ] = "file_read",
	[REASON_FILE_WRITE] = "file_write",
	[REASON_FILE_SYNC] = "file_sync",
	[REASON_DEVICE_READ] = "device_read",
	[REASON_DEVICE_WRITE] = "device_write",
	[REASON_EVENT_READ] = "event_read",
	[REASON_EVENT_WRITE] = "event_write",
	[REASON_WAIT_CHILD] = "wait_child",
	[REASON_VFORK] = "vfork",
	[REASON_FILE_LOCK] = "file_lock",
	[REASON_IO_URING] = "io_uring",
	[REASON_MESSAGE_QUEUE] = "message_queue",
	[REASON_SYSV_SEMAPHORE] = "sysv_semaphore",
	[REASON_PAGE_FAULT] = "page_fault",
	[REASON_STOPPED] = "stopped",
	[REASON_KERNEL] = "kernel",
	[REASON_EXIT] = "exit",
	[REASON_OTHER] = "other",
};

/* Newer than the headers of Debian 12 (Linux 6.1); the numbers are the same everywhere. */
#define NR_futex_wait 455

static const uint8_t by_syscall[ABI_SYSCALLS_MAX] = {
	[SYS_futex] = SYSCALL_FUTEX_OPERATION,
	[SYS_futex_waitv] = REASON_FUTEX,
	[NR_futex_wait] = REASON_FUTEX,
	[SYS_epoll_wait] = REASON_EPOLL,
	[SYS_epoll_pwait] = REASON_EPOLL,
	[SYS_epoll_pwait2] = REASON_EPOLL,
	[SYS_poll] = REASON_POLL,
	[SYS_ppoll] = REASON_POLL,
	[SYS_select] = REASON_SELECT,
	[SYS_pselect6] = REASON_SELECT,
	[SYS_nanosleep] = REASON_SLEEP,
	[SYS_clock_nanosleep] = REASON_SLEEP,
	[SYS_pause] = REASON_SIGNAL,
	[SYS_rt_sigsuspend] = REASON_SIGNAL,
	[SYS_rt_sigtimedwait] = REASON_SIGNAL,
	[SYS_read] = SYSCALL_READ_FD,
	[SYS_readv] = SYSCALL_READ_FD,
	[SYS_pread64] = SYSCALL_READ_FD,
	[SYS_preadv] = SYSCALL_READ_FD,
	[SYS_preadv2] = SYSCALL_READ_FD,
	[SYS_splice] = SYSCALL_READ_FD,
	[SYS_write] = SYSCALL_WRITE_FD,
	[SYS_writev] = SYSCALL_WRITE_FD,
	[SYS_pwrite64] = SYSCALL_WRITE_FD,
	[SYS_pwritev] = SYSCALL_WRITE_FD,
	[SYS_pwritev2] = SYSCALL_WRITE_FD,
	[SYS_sendfile] = SYSCALL_WRITE_FD,
	[SYS_recvfrom] = REASON_SOCKET_READ,
	[SYS_recvmsg] = REASON_SOCKET_READ,
	[SYS_recvmmsg] = REASON_SOCKET_READ,
	[SYS_sendto] = REASON_SOCKET_WRITE,
	[SYS_sendmsg] = REASON_SOCKET_WRITE,
	[SYS_sendmmsg] = REASON_SOCKET_WRITE,
	[SYS_accept] = REASON_SOCKET_ACCEPT,
	[SYS_accept4] = REASON_SOCKET_ACCEPT,
	[SYS_connect] = REASON_SOCKET_CONNECT,
	[SYS_fsync] = REASON_FILE_SYNC,
	[SYS_fdatasync] = REASON_FILE_SYNC,
	[SYS_msync] = REASON_FILE_SYNC,
	[SYS_sync] = REASON_FILE_SYNC,
	[SYS_syncfs] = REASON_FILE_SYNC,
	[SYS_sync_file_range] = REASON_FILE_SYNC,
	[SYS_wait4] = REASON_WAIT_CHILD,
	[SYS_waitid] = REASON_WAIT_CHILD,
	[SYS_vfork] = SYSCALL_CLONE,
	[SYS_clone] = SYSCALL_CLONE,
	[SYS_clone3] = SYSCALL_CLONE,
	[SYS_flock] = REASON_FILE_LOCK,
	[SYS_fcntl] = SYSCALL_FCNTL,
	[SYS_io_uring_enter] = REASON_IO_URING,
	[SYS_io_getevents] = REASON_FILE_READ,
	[SYS_io_pgetevents] = REASON_FILE_READ,
	[SYS_msgrcv] = REASON_MESSAGE_QUEUE,
	[SYS_msgsnd] = REASON_MESSAGE_QUEUE,
	[SYS_mq_timedreceive] = REASON_MESSAGE_QUEUE,
	[SYS_mq_timedsend] = REASON_MESSAGE_QUEUE,
	[SYS_semop] = REASON_SYSV_SEMAPHORE,
	[SYS_semtimedop] = REASON_SYSV_SEMAPHORE,
	[SYS_restart_syscall] = SYSCALL_RESTART,
};

/* arch/x86/entry/syscalls/syscall_32.tbl */
static const uint8_t by_compat_syscall[ABI_SYSCALLS_MAX] = {
	[0] = SYSCALL_RESTART,           /* restart_syscall */
	[3] = SYSCALL_READ_FD,           /* read */
	[4] = SYSCALL_WRITE_FD,          /* write */
	[7] = REASON_WAIT_CHILD,         /* waitpid */
	[29] = REASON_SIGNAL,            /* pause */
	[36] = REASON_FILE_SYNC,         /* sync */
	[55] = SYSCALL_FCNTL,            /* fcntl */
	[72] = REASON_SIGNAL,            /* sigsuspend */
	[82] = REASON_SELECT,            /* select */
	[114] = REASON_WAIT_CHILD,       /* wait4 */
	[118] = REASON_FILE_SYNC,        /* fsync */
	[120] = SYSCALL_CLONE,           /* clone */
	[142] = REASON_SELECT,           /* _newselect */
	[143] = REASON_FILE_LOCK,        /* flock */
	[144] = REASON_FILE_SYNC,        /* msync */
	[145] = SYSCALL_READ_FD,         /* readv */
	[146] = SYSCALL_WRITE_FD,        /* writev */
	[148] = REASON_FILE_SYNC,        /* fdatasync */
	[162] = REASON_SLEEP,            /* nanosleep */
	[168] = REASON_POLL,             /* poll */
	[177] = REASON_SIGNAL,           /* rt_sigtimedwait */
	[179] = REASON_SIGNAL,           /* rt_sigsuspend */
	[180] = SYSCALL_READ_FD,         /* pread64 */
	[181] = SYSCALL_WRITE_FD,        /* pwrite64 */
	[190] = SYSCALL_CLONE,           /* vfork */
	[221] = SYSCALL_FCNTL,           /* fcntl64 */
	[240] = SYSCALL_FUTEX_OPERATION, /* futex */
	[256] = REASON_EPOLL,            /* epoll_wait */
	[267] = REASON_SLEEP,            /* clock_nanosleep */
	[284] = REASON_WAIT_CHILD,       /* waitid */
	[308] = REASON_SELECT,           /* pselect6 */
	[309] = REASON_POLL,             /* ppoll */
	[319] = REASON_EPOLL,            /* epoll_pwait */
	[337] = REASON_SOCKET_READ,      /* recvmmsg */
	[362] = REASON_SOCKET_CONNECT,   /* connect */
	[364] = REASON_SOCKET_ACCEPT,    /* accept4 */
	[369] = REASON_SOCKET_WRITE,     /* sendto */
	[370] = REASON_SOCKET_WRITE,     /* sendmsg */
	[371] = REASON_SOCKET_READ,      /* recvfrom */
	[372] = REASON_SOCKET_READ,      /* recvmsg */
	[407] = REASON_SLEEP,            /* clock_nanosleep_time64 */
	[413] = REASON_SELECT,           /* pselect6_time64 */
	[414] = REASON_POLL,             /* ppoll_time64 */
	[422] = SYSCALL_FUTEX_OPERATION, /* futex_time64 */
	[426] = REASON_IO_URING,         /* io_uring_enter */
	[435] = SYSCALL_CLONE,           /* clone3 */
	[449] = REASON_FUTEX,            /* futex_waitv */
	[NR_futex_wait] = REASON_FUTEX,
};

/* The calls whose restart goes through restart_syscall: kernel/futex, kernel/time, fs/select.c */
static const struct {
	const char *function;
	uint32_t reason;
} restarted_by[] = {
	{"futex_wait", REASON_FUTEX},        {"futex_wait_restart", REASON_FUTEX},
	{"__futex_wait", REASON_FUTEX},      {"do_nanosleep", REASON_SLEEP},
	{"hrtimer_nanosleep", REASON_SLEEP}, {"do_sys_poll", REASON_POLL},
	{"do_restart_poll", REASON_POLL},    {"alarm_timer_nsleep_restart", REASON_SLEEP},
};

const char *reason_name(uint32_t reason)
{
	return names[reason < REASON_COUNT ? reason : REASON_OTHER];
}

const uint8_t *reasons_by_syscall(void)
{
	return by_syscall;
}

const uint8_t *reasons_by_compat_syscall(void)
{
	return by_compat_syscall;
}

uint32_t reason_of_kernel_function(const char *name)
{
	for (size_t i = 0; i < sizeof(restarted_by) / sizeof(restarted_by[0]); i++)
		if (strcmp(restarted_by[i].function, name) == 0)
			return restarted_by[i].reason;
	return REASON_NONE;
}
