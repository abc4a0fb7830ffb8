/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Waits that signals break. One logical wait that the kernel restarts has `signals` restarts:
 *
 * untimed: FUTEX_WAIT without timeout; a handler with SA_RESTART runs, the call starts again.
 * timed:   FUTEX_WAIT with a timeout of a week. A handler would end it with EINTR, so here a child
 *          stops and continues the whole process: the kernel goes on through restart_syscall().
 * nested:  two logical waits. A handler ends the first one, timed, with EINTR; the second one,
 *          untimed, is in a function that the first one's calls, and is broken like `untimed`.
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
	NESTED,
	KINDS
};

static uint64_t signals = 10;
static uint64_t hold_ms;
static _Atomic uint64_t handled;
static uint64_t restarts[KINDS];
static uint64_t stopped_ns;
/* Nobody wakes who waits for it. */
static uint32_t ended_word;
static struct rounds_worker workers[] = {
	[UNTIMED] = {.name = "untimed"},
	[TIMED] = {.name = "timed"},
	[NESTED] = {.name = "nested"},
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

static long wait_a_week(uint32_t *word)
{
	const struct timespec timeout = {.tv_sec = 7 * 24 * 3600};

	return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, &timeout, NULL, 0);
}

TARGET_FRAME static void wait_timed(struct rounds_worker *worker)
{
	if (wait_a_week(&worker->word) < 0 ||
	    !__atomic_exchange_n(&worker->word, 0, __ATOMIC_ACQ_REL))
		target_die("timed wait: %m");
}

static void *wait_below(void *worker)
{
	wait_untimed(worker);
	return NULL;
}

TARGET_FRAME static void wait_nested(struct rounds_worker *worker)
{
	if (wait_a_week(&ended_word) >= 0 || errno != EINTR)
		target_die("wait that a signal ends: %m");
	/* So deep that the second wait is below the first one, whatever the frames' sizes. */
	target_call_below(8, wait_below, worker);
	target_keep_frame();
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

/* Until it stands in its untimed wait again. */
static void signal_worker(struct rounds_worker *worker)
{
	uint64_t before = handled;

	hold();
	syscall(SYS_tgkill, getpid(), worker->tid, SIGUSR1);
	while (handled == before)
		sched_yield();
	target_wait_parked(worker->tid, SYS_futex, (uintptr_t)&worker->word);
}

static void release_untimed(struct rounds_worker *worker)
{
	for (uint64_t i = 0; i < signals; i++) {
		signal_worker(worker);
		restarts[worker->index]++;
	}
	wake(worker);
	rounds_wait_back(worker);
}

static void release(struct rounds *rounds)
{
	struct rounds_worker *timed = &workers[TIMED];

	(void)rounds;
	/* Woken before the stops, which would restart these waits, too. */
	release_untimed(&workers[UNTIMED]);
	signal_worker(&workers[NESTED]);
	release_untimed(&workers[NESTED]);

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
	target_print("logical_waits",
		     workers[UNTIMED].waits + workers[TIMED].waits + 2 * workers[NESTED].waits);
	target_print("restarts", restarts[UNTIMED] + restarts[TIMED] + restarts[NESTED]);
	target_print("untimed_logical_waits", workers[UNTIMED].waits);
	target_print("untimed_restarts", restarts[UNTIMED]);
	target_print("untimed_blocked_ns", workers[UNTIMED].blocked_ns);
	target_print("timed_logical_waits", workers[TIMED].waits);
	target_print("timed_restarts", restarts[TIMED]);
	target_print("timed_blocked_ns", workers[TIMED].blocked_ns);
	target_print("nested_logical_waits", 2 * workers[NESTED].waits);
	target_print("nested_restarts", restarts[NESTED]);
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
	workers[NESTED].wait = wait_nested;
	for (int i = 0; i < KINDS; i++) {
		workers[i].syscall_number = SYS_futex;
		workers[i].first_argument = (uintptr_t)&workers[i].word;
	}
	workers[NESTED].first_argument = (uintptr_t)&ended_word;
	rounds_main(&rounds);
}
