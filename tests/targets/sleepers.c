/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sleepers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STACK_BYTES (128 * 1024)

struct sleeper {
	const char *kind;
	void (*sleep)(void);
	long syscalls[3]; /* where it may sleep, by architecture; -1 ends */
	pid_t tid;
	int failure; /* errno of the wait that returned */
	_Atomic bool returned;
};

#ifdef SYS_epoll_wait
#define NUMBER_EPOLL SYS_epoll_wait
#define NUMBER_POLL  SYS_poll
#define NUMBER_PAUSE SYS_pause
#define NUMBER_VFORK SYS_vfork
#else
#define NUMBER_EPOLL SYS_epoll_pwait
#define NUMBER_POLL  SYS_ppoll
#define NUMBER_PAUSE SYS_ppoll
#define NUMBER_VFORK SYS_clone
#endif
#ifdef SYS_select
#define NUMBER_SELECT SYS_select
#else
#define NUMBER_SELECT SYS_pselect6
#endif

#define SLEEPER(name, ...)                                                              \
	{                                                                               \
		.kind = #name, .sleep = sleep_in_##name, .syscalls = {__VA_ARGS__, -1}, \
	}

static struct sleeper sleepers[] = {
	SLEEPER(epoll_wait, NUMBER_EPOLL, SYS_epoll_pwait),
	SLEEPER(poll, NUMBER_POLL),
	SLEEPER(select, NUMBER_SELECT, SYS_pselect6),
	SLEEPER(ppoll, SYS_ppoll),
	SLEEPER(pipe_read, SYS_read),
	SLEEPER(pipe_write, SYS_write),
	SLEEPER(socket_read, SYS_read),
	SLEEPER(accept, SYS_accept, SYS_accept4),
	SLEEPER(udp_recv, SYS_recvfrom),
	SLEEPER(nanosleep, SYS_clock_nanosleep, SYS_nanosleep),
	SLEEPER(pause, NUMBER_PAUSE),
	SLEEPER(sigwait, SYS_rt_sigtimedwait),
	SLEEPER(flock, SYS_flock),
	SLEEPER(fcntl_lock, SYS_fcntl),
	SLEEPER(wait4, SYS_wait4),
	SLEEPER(vfork, NUMBER_VFORK),
	SLEEPER(eventfd_read, SYS_read),
	SLEEPER(timerfd_read, SYS_read),
	SLEEPER(inotify_read, SYS_read),
	SLEEPER(msgrcv, SYS_msgrcv),
	SLEEPER(semop, SYS_semop, SYS_semtimedop),
	SLEEPER(io_uring, SYS_io_uring_enter),
	SLEEPER(futex, SYS_futex),
};

#define SLEEPERS (sizeof(sleepers) / sizeof(*sleepers))

static uint64_t parked;
static int locked_fd = -1; /* the child has an fcntl lock on it, main a flock */
static pid_t child;
static _Atomic pid_t vfork_child;
static _Atomic int message_queue = -1, semaphore_set = -1;

TARGET_FRAME void sleep_in_nanosleep(void)
{
	const struct timespec long_time = {.tv_sec = 7 * 24 * 3600};

	nanosleep(&long_time, NULL);
	target_keep_frame();
}

TARGET_FRAME void sleep_in_pause(void)
{
	pause();
	target_keep_frame();
}

TARGET_FRAME void sleep_in_sigwait(void)
{
	sigset_t awaited;

	sigemptyset(&awaited);
	sigaddset(&awaited, SIGUSR1);
	sigwaitinfo(&awaited, NULL);
	target_keep_frame();
}

TARGET_FRAME void sleep_in_flock(void)
{
	char path[32];
	int other;

	/* A flock belongs to the open file: a second open conflicts within one process. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", locked_fd);
	other = open(path, O_RDWR | O_CLOEXEC);
	if (other >= 0)
		flock(other, LOCK_EX);
	target_keep_frame();
}

TARGET_FRAME void sleep_in_fcntl_lock(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (child > 0 && locked_fd >= 0)
		fcntl(locked_fd, F_SETLKW, &lock);
	target_keep_frame();
}

TARGET_FRAME void sleep_in_wait4(void)
{
	if (child > 0)
		wait4(child, NULL, 0, NULL);
	target_keep_frame();
}

TARGET_FRAME void sleep_in_vfork(void)
{
	pid_t parent = getpid(), pid;

	/*
	 * The child runs on this stack and in this memory, so it calls nothing but the kernel, and
	 * this thread sleeps uninterruptibly until the child is killed by clean_up().
	 */
	pid = vfork();
	if (pid == 0) {
		vfork_child = getpid();
		target_child_setup(parent);
		for (;;)
			syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	target_keep_frame();
}

TARGET_FRAME void sleep_in_msgrcv(void)
{
	struct {
		long type;
		char text[8];
	} message;

	message_queue = msgget(IPC_PRIVATE, 0600);
	if (message_queue >= 0)
		msgrcv(message_queue, &message, sizeof(message.text), 0, 0);
	target_keep_frame();
}

TARGET_FRAME void sleep_in_semop(void)
{
	struct sembuf take = {.sem_op = -1};

	semaphore_set = semget(IPC_PRIVATE, 1, 0600);
	if (semaphore_set >= 0)
		semop(semaphore_set, &take, 1);
	target_keep_frame();
}

TARGET_FRAME void sleep_in_futex(void)
{
	static uint32_t word;

	target_futex_wait(&word, 0);
	target_keep_frame();
}

/* Holds the fcntl lock, which conflicts only between processes, and is what wait4 waits for. */
static void start_child(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	pid_t parent = getpid();
	int ends[2];
	char byte;

	locked_fd = (int)syscall(SYS_memfd_create, "locked", 1U /* MFD_CLOEXEC */);
	if (locked_fd < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return;
	flock(locked_fd, LOCK_EX);
	child = fork();
	if (child == 0) {
		target_child_setup(parent);
		if (fcntl(locked_fd, F_SETLK, &lock) < 0)
			_exit(1);
		if (write(ends[1], "l", 1) < 0)
			_exit(1);
		/* The pipe closes only with the process, so a failure is seen at once. */
		for (;;)
			pause();
	}
	close(ends[1]);
	if (child > 0 && read(ends[0], &byte, 1) != 1) {
		waitpid(child, NULL, 0);
		child = -1;
	}
	close(ends[0]);
}

static void *sleeper_main(void *argument)
{
	struct sleeper *sleeper = argument;

	errno = 0;
	sleeper->sleep();
	sleeper->failure = errno;
	sleeper->returned = true;
	return NULL;
}

/* Returns the number of the system call, or -1 if the wait returned. */
static long wait_asleep(struct sleeper *sleeper)
{
	const struct timespec pause = {.tv_nsec = 50000};
	uint64_t limit_ns = target_now_ns() + 60000000000;

	while (!sleeper->returned) {
		for (int i = 0; sleeper->syscalls[i] >= 0; i++) {
			uint64_t number = (uint64_t)sleeper->syscalls[i];

			if (target_is_parked(sleeper->tid, number, TARGET_ANY))
				return sleeper->syscalls[i];
		}
		if (target_now_ns() > limit_ns)
			target_die("%s does not sleep as it should", sleeper->kind);
		nanosleep(&pause, NULL);
	}
	return -1;
}

static uint64_t count_parked(void)
{
	uint64_t still = 0;

	for (size_t i = 0; i < SLEEPERS; i++)
		still += sleepers[i].tid && !sleepers[i].returned;
	return still;
}

static void report(void)
{
	target_print("threads_parked", count_parked());
}

static void clean_up(void)
{
	if (message_queue >= 0)
		msgctl(message_queue, IPC_RMID, NULL);
	if (semaphore_set >= 0)
		semctl(semaphore_set, 0, IPC_RMID);
	/* Threads wait for both and may reap them first; either way they are gone after this. */
	if (vfork_child > 0) {
		kill(vfork_child, SIGKILL);
		waitpid(vfork_child, NULL, 0);
	}
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	sigset_t awaited;

	target_start(argc, argv, NULL, 0);
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &awaited, NULL);
	/* Queues outlive a killed process, but not its namespace; without privilege, do without. */
	if (unshare(CLONE_NEWIPC) < 0)
		fprintf(stderr, "sleepers: no IPC namespace of its own: %s\n", strerror(errno));
	start_child();
	target_on_report(report);
	target_on_finish(clean_up);

	for (size_t i = 0; i < SLEEPERS; i++) {
		struct sleeper *sleeper = &sleepers[i];
		long number;

		sleeper->tid =
			target_thread(sleeper->kind, STACK_BYTES, NULL, sleeper_main, sleeper);
		number = wait_asleep(sleeper);
		if (number < 0) {
			fprintf(stderr, "sleepers: %s: %s\n", sleeper->kind,
				strerror(sleeper->failure));
			target_unsupported(sleeper->kind);
			continue;
		}
		printf("thread=%s tid=%d syscall=%ld\n", sleeper->kind, sleeper->tid, number);
		parked++;
	}
	target_print("vfork_child", (uint64_t)vfork_child);
	target_print("child", child > 0 ? (uint64_t)child : 0);
	target_print("threads", parked);
	target_ready();
	target_stand();
}
