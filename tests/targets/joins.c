/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Threads in pthread_join, each on a thread of its own that reads an eventfd until released. */
#include "rounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define JOINED_STACK_BYTES (128 * 1024)

struct joined {
	pthread_t thread;
	int end_fd;
};

static uint64_t threads = 4;
static uint64_t created;
static struct joined *joined;

static void *run_until_released(void *argument)
{
	const struct joined *self = argument;
	uint64_t token;

	if (read(self->end_fd, &token, sizeof(token)) < 0)
		target_die("eventfd: %m");
	return NULL;
}

TARGET_FRAME static void wait_for_thread(struct rounds_worker *worker)
{
	pthread_join(joined[worker->index].thread, NULL);
	target_keep_frame();
}

static void prepare(struct rounds *rounds)
{
	for (size_t i = 0; i < rounds->count; i++) {
		pid_t tid = target_thread("joined", JOINED_STACK_BYTES, &joined[i].thread,
					  run_until_released, &joined[i]);

		target_wait_parked(tid, SYS_read, (uint64_t)joined[i].end_fd);
		created++;
	}
}

static void release(struct rounds *rounds)
{
	uint64_t one = 1;

	for (size_t i = 0; i < rounds->count; i++) {
		if (write(joined[i].end_fd, &one, sizeof(one)) < 0)
			target_die("eventfd: %m");
	}
}

static void report(void)
{
	target_print("joined_threads_created", created);
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {{"threads", &threads}, {"rounds", &rounds_option}};
	struct rounds rounds = {.prepare = prepare, .release = release, .report = report};

	target_start(argc, argv, options, 2);
	rounds.count = threads;
	rounds.workers = calloc(threads, sizeof(*rounds.workers));
	joined = calloc(threads, sizeof(*joined));
	if (!rounds.workers || !joined)
		target_die("no memory");
	for (size_t i = 0; i < threads; i++) {
		struct rounds_worker *worker = &rounds.workers[i];

		joined[i].end_fd = eventfd(0, EFD_CLOEXEC);
		if (joined[i].end_fd < 0)
			target_die("eventfd: %m");
		snprintf(worker->name, sizeof(worker->name), "joiner_%zu", i % 1000000);
		worker->wait = wait_for_thread;
		worker->syscall_number = SYS_futex;
		worker->first_argument = TARGET_ANY;
	}
	rounds_main(&rounds);
}
