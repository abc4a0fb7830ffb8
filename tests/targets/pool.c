/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A healthy pool: workers park on one condition variable, work, and come back. */
#include "target.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

static uint64_t workers = 8;
static uint64_t tasks_per_s = 200;
static uint64_t task_us = 200;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER;
static uint64_t queued;
static uint64_t submitted;
static _Atomic uint64_t done;
static _Atomic uint64_t *done_by_worker;

TARGET_FRAME static void do_task(void)
{
	uint64_t end_ns = target_now_ns() + task_us * 1000;

	while (target_now_ns() < end_ns)
		;
	target_keep_frame();
}

TARGET_FRAME static void take_task(void)
{
	pthread_mutex_lock(&lock);
	while (!queued)
		pthread_cond_wait(&not_empty, &lock);
	queued--;
	pthread_mutex_unlock(&lock);
	target_keep_frame();
}

static void *worker_main(void *argument)
{
	_Atomic uint64_t *own = argument;

	for (;;) {
		take_task();
		do_task();
		(*own)++;
		done++;
	}
	return NULL;
}

TARGET_FRAME static void submit_task(void)
{
	pthread_mutex_lock(&lock);
	queued++;
	pthread_mutex_unlock(&lock);
	pthread_cond_signal(&not_empty);
	submitted++;
	target_keep_frame();
}

static void report(void)
{
	uint64_t worked = 0;

	for (uint64_t i = 0; i < workers; i++)
		worked += done_by_worker[i] != 0;
	target_print("threads_now", workers + 1);
	target_print("workers", workers);
	target_print("workers_that_worked", worked);
	target_print("tasks_submitted", submitted);
	target_print("tasks_done", done);
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {
		{"workers", &workers},
		{"tasks_per_s", &tasks_per_s},
		{"task_us", &task_us},
	};
	uint64_t next_ns = 0, gap_ns;
	bool submitting = false;

	target_start(argc, argv, options, sizeof(options) / sizeof(*options));
	if (!workers || !tasks_per_s)
		target_die("workers and tasks_per_s must not be 0");
	gap_ns = 1000000000 / tasks_per_s;
	done_by_worker = calloc(workers, sizeof(*done_by_worker));
	if (!done_by_worker)
		target_die("no memory");
	target_on_report(report);
	for (uint64_t i = 0; i < workers; i++) {
		pid_t tid = target_thread("pool_worker", 0, NULL, worker_main, &done_by_worker[i]);

		target_wait_parked(tid, SYS_futex, TARGET_ANY);
	}
	target_print("threads", workers);
	target_ready();

	for (;;) {
		switch (target_next(submitting ? (int64_t)next_ns : -1)) {
		case TARGET_QUIT:
			target_finish();
		case TARGET_GO:
			submitting = true;
			next_ns = target_now_ns();
			break;
		case TARGET_STOP:
			submitting = false;
			break;
		case TARGET_TIMEOUT:
			submit_task();
			next_ns += gap_ns;
			break;
		case TARGET_NOTIFIED:
			break;
		}
	}
}
