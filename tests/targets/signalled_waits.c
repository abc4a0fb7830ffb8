/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Waits that signals break and the kernel restarts. One logical wait has `signals` restarts:
 *
 * untimed: FUTEX_WAIT without timeout; a handler with SA_RESTART runs, the call starts again.
 * timed:   FUTEX_WAIT with a timeout of a week. A handler would end it with EINTR, so here a child
 *          stops and continues the whole process: the kernel goes on through restart_syscall().
 *
 * Each signal is sent only when the thread is proved to sleep again.
 */
#include "rounds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	UNTIMED,
	TIMED,
	KINDS
};

static uint64_t signals = 10;
static uint64_t hold_ms;
static _Atomic uint64_t handled;
static uint64_t restarts[KINDS];
static uint64_t stopped_ns;
static struct rounds_worker workers[] = {
	[UNTIMED] = {.name = "untimed"},
	[TIMED] = {.name = "timed"},
};
/* To and from the child that stops us. */
static int request_fd, reply_fd;
static pid_t child;

static void on_signal(int number)
{
	(void)number;
	handled++;
}

TARGET_FRAME static void wait_untimed(struct rounds_worker *worker)
{
	long result = target_futex_wait(&worker->word, 0);

	if (result || !__atomic_exchange_n(&worker->word, 0, __ATOMIC_ACQ_REL))
		target_die("untimed wait: %ld", result);
}

TARGET_FRAME static void wait_timed(struct rounds_worker *worker)
{
	const struct timespec timeout = {.tv_sec = 7 * 24 * 3600};

	if (syscall(SYS_futex, &worker->word, FUTEX_WAIT_PRIVATE, 0, &timeout, NULL, 0) < 0 ||
	    !__atomic_exchange_n(&worker->word, 0, __ATOMIC_ACQ_REL))
		target_die("timed wait: %m");
}

static void wake(struct rounds_worker *worker)
{
	__atomic_store_n(&worker->word, 1, __ATOMIC_RELEASE);
	target_futex_wake(&worker->word, 1);
}

static bool all_stopped(pid_t pid)
{
	char path[32];
	struct dirent *entry;
	bool stopped = true;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		_exit(1);
	while (stopped && (entry = readdir(tasks))) {
		if (entry->d_name[0] != '.')
			stopped = target_task_state(pid, atoi(entry->d_name)) == 'T';
	}
	closedir(tasks);
	return stopped;
}

static void stop_on_request(pid_t parent, int requests, int replies)
{
	char byte;

	target_child_setup(parent);
	while (read(requests, &byte, 1) == 1) {
		uint64_t begin_ns = target_now_ns();

		kill(parent, SIGSTOP);
		while (!all_stopped(parent))
			sched_yield();
		begin_ns = target_now_ns() - begin_ns;
		kill(parent, SIGCONT);
		if (write(replies, &begin_ns, sizeof(begin_ns)) < 0)
			break;
	}
	_exit(0);
}

static void start_child(void)
{
	int requests[2], replies[2];
	pid_t parent = getpid();

	if (pipe2(requests, O_CLOEXEC) < 0 || pipe2(replies, O_CLOEXEC) < 0)
		target_die("pipe: %m");
	child = fork();
	if (child < 0)
		target_die("fork: %m");
	if (child == 0) {
		close(requests[1]);
		close(replies[0]);
		stop_on_request(parent, requests[0], replies[1]);
	}
	close(requests[0]);
	close(replies[1]);
	request_fd = requests[1];
	reply_fd = replies[0];
}

static void end_child(void)
{
	close(request_fd);
	waitpid(child, NULL, 0);
}

static void stop_and_continue(void)
{
	uint64_t ns;

	if (write(request_fd, "s", 1) < 0)
		target_die("request: %m");
	if (read(reply_fd, &ns, sizeof(ns)) != sizeof(ns))
		target_die("reply: %m");
	stopped_ns += ns;
}

/* Lets the thread wait on, so that what the signals cost is little beside it. */
static void hold(void)
{
	const struct timespec time = {
		.tv_sec = (time_t)(hold_ms / 1000),
		.tv_nsec = (long)(hold_ms % 1000) * 1000000,
	};

	if (hold_ms)
		nanosleep(&time, NULL);
}

static void release(struct rounds *rounds)
{
	struct rounds_worker *untimed = &workers[UNTIMED], *timed = &workers[TIMED];

	(void)rounds;
	for (uint64_t i = 0; i < signals; i++) {
		uint64_t before = handled;

		hold();
		syscall(SYS_tgkill, getpid(), untimed->tid, SIGUSR1);
		while (handled == before)
			sched_yield();
		target_wait_parked(untimed->tid, SYS_futex, (uintptr_t)&untimed->word);
		restarts[UNTIMED]++;
	}
	/* Woken before the stops, which would restart this wait, too. */
	wake(untimed);
	rounds_wait_back(untimed);

	for (uint64_t i = 0; i < signals; i++) {
		hold();
		stop_and_continue();
		/* The registers keep the arguments of the call that is restarted. */
		target_wait_parked(timed->tid, SYS_restart_syscall, (uintptr_t)&timed->word);
		restarts[TIMED]++;
	}
	wake(timed);
	rounds_wait_back(timed);
}

static void report(void)
{
	target_print("logical_waits", workers[UNTIMED].waits + workers[TIMED].waits);
	target_print("restarts", restarts[UNTIMED] + restarts[TIMED]);
	target_print("untimed_logical_waits", workers[UNTIMED].waits);
	target_print("untimed_restarts", restarts[UNTIMED]);
	target_print("untimed_blocked_ns", workers[UNTIMED].blocked_ns);
	target_print("timed_logical_waits", workers[TIMED].waits);
	target_print("timed_restarts", restarts[TIMED]);
	target_print("timed_blocked_ns", workers[TIMED].blocked_ns);
	target_print("stopped_ns", stopped_ns);
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {
		{"signals", &signals}, {"hold_ms", &hold_ms}, {"rounds", &rounds_option}};
	struct rounds rounds = {
		.workers = workers, .count = KINDS, .release = release, .report = report};
	const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	target_start(argc, argv, options, 3);
	sigaction(SIGUSR1, &action, NULL);
	start_child();
	target_on_finish(end_child);
	workers[UNTIMED].wait = wait_untimed;
	workers[TIMED].wait = wait_timed;
	for (int i = 0; i < KINDS; i++) {
		workers[i].syscall_number = SYS_futex;
		workers[i].first_argument = (uintptr_t)&workers[i].word;
	}
	rounds_main(&rounds);
}
