/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "rounds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WORKER_STACK_BYTES (128 * 1024)

uint64_t rounds_option;

static struct rounds *current;
static uint64_t rounds_completed;

static void *worker_main(void *argument)
{
	struct rounds_worker *worker = argument;

	for (;;) {
		uint64_t token, begin_ns, begin_switches;

		if (read(worker->token_fd, &token, sizeof(token)) < 0) {
			if (errno == EINTR)
				continue;
			target_die("token: %m");
		}
		begin_switches = target_switches();
		begin_ns = target_now_ns();
		worker->wait(worker);
		atomic_fetch_add(&worker->blocked_ns, target_now_ns() - begin_ns);
		atomic_fetch_add(&worker->switches, target_switches() - begin_switches);
		atomic_fetch_add(&worker->waits, 1);
	}
	return NULL;
}

void rounds_wait_back(const struct rounds_worker *worker)
{
	target_wait_parked(worker->tid, SYS_read, (uint64_t)worker->token_fd);
}

static void hold(struct rounds *rounds)
{
	const struct timespec pause = {.tv_nsec = 200000};
	uint64_t one = 1;

	if (rounds->prepare)
		rounds->prepare(rounds);
	for (size_t i = 0; i < rounds->count; i++) {
		if (write(rounds->workers[i].token_fd, &one, sizeof(one)) < 0)
			target_die("token: %m");
	}
	for (size_t i = 0; i < rounds->count; i++) {
		const struct rounds_worker *worker = &rounds->workers[i];

		if (rounds->sleep_while_holding)
			nanosleep(&pause, NULL);
		target_wait_parked(worker->tid, worker->syscall_number, worker->first_argument);
	}
}

static void release(struct rounds *rounds)
{
	rounds->release(rounds);
	for (size_t i = 0; i < rounds->count; i++)
		rounds_wait_back(&rounds->workers[i]);
	rounds_completed++;
}

static void report(void)
{
	uint64_t waits = 0, blocked_ns = 0, switches = 0;

	for (size_t i = 0; i < current->count; i++) {
		struct rounds_worker *worker = &current->workers[i];

		printf("thread=%s tid=%d waits=%" PRIu64 " blocked_ns=%" PRIu64 " switches=%" PRIu64
		       "\n",
		       worker->name, worker->tid, worker->waits, worker->blocked_ns,
		       worker->switches);
		waits += worker->waits;
		blocked_ns += worker->blocked_ns;
		switches += worker->switches;
	}
	target_print("rounds_completed", rounds_completed);
	target_print("waits", waits);
	target_print("blocked_ns", blocked_ns);
	target_print("switches", switches);
	target_print("token_waits", rounds_completed * current->count);
	if (current->report)
		current->report();
}

void rounds_main(struct rounds *rounds)
{
	bool held = rounds_option == 0;
	bool running = false;

	current = rounds;
	target_on_report(report);
	for (size_t i = 0; i < rounds->count; i++) {
		struct rounds_worker *worker = &rounds->workers[i];

		worker->index = i;
		worker->token_fd = eventfd(0, EFD_CLOEXEC);
		if (worker->token_fd < 0)
			target_die("eventfd: %m");
		worker->tid =
			target_thread(worker->name, WORKER_STACK_BYTES, NULL, worker_main, worker);
		rounds_wait_back(worker);
	}
	if (held)
		hold(rounds);
	for (size_t i = 0; i < rounds->count; i++)
		printf("thread=%s tid=%d\n", rounds->workers[i].name, rounds->workers[i].tid);
	target_print("threads", rounds->count);
	target_ready();

	for (;;) {
		enum target_event event = target_next(running ? 0 : -1);

		if (event == TARGET_QUIT)
			target_finish();
		if (event == TARGET_GO && rounds_option) {
			running = rounds_completed < rounds_option;
		} else if (event == TARGET_GO) {
			if (held)
				release(rounds);
			else
				hold(rounds);
			held = !held;
			target_print("held", held);
		}
		if (!running)
			continue;
		hold(rounds);
		release(rounds);
		if (rounds_completed == rounds_option) {
			running = false;
			target_done();
		}
	}
}
