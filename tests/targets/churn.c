/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Threads come and go: batches of `batch` threads are started and joined, `rate` threads a second
 * (0: as fast as it goes), `max` in all (0: no end). exec_after=N executes the program again, once,
 * after N threads, while one thread still stands. With together=1 the threads of a batch wait for
 * each other, so that the peak is the batch.
 */
#include "target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CREATED_VARIABLE "PARKSCOPE_TARGET_CREATED"
#define MAX_BATCH        1024
#define STACK_BYTES      (64 * 1024)

static uint64_t rate;
static uint64_t batch = 8;
static uint64_t max;
static uint64_t exec_after;
static uint64_t together;
static uint64_t created, exited, peak;
static uint64_t created_before_exec;
static _Atomic uint64_t now;
static struct target_gate gate, batch_gate;

static void *stand(void *argument)
{
	target_gate_pass(&gate);
	return argument;
}

TARGET_FRAME static void *short_task(void *argument)
{
	if (together)
		target_gate_pass(&batch_gate);
	now--;
	return argument;
}

TARGET_FRAME static void run_batch(uint64_t count)
{
	pthread_t threads[MAX_BATCH];

	if (together)
		target_gate_init(&batch_gate);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t standing = ++now;

		if (standing > peak)
			peak = standing;
		target_thread("short_task", STACK_BYTES, &threads[i], short_task, NULL);
		created++;
	}
	if (together)
		target_gate_open(&batch_gate);
	for (uint64_t i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		exited++;
	}
	if (together)
		close(batch_gate.read_end);
	target_keep_frame();
}

static void report(void)
{
	target_print("created", created);
	target_print("exited", exited);
	target_print("peak", peak);
	target_print("executed", created_before_exec != 0);
	target_print("created_before_exec", created_before_exec);
}

static void execute_again(char **argv)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, created);
	setenv(CREATED_VARIABLE, text, 1);
	target_print("created", created);
	target_print("exec", 1);
	target_execute_again(argv);
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {{"rate", &rate},
						{"batch", &batch},
						{"max", &max},
						{"exec_after", &exec_after},
						{"together", &together}};
	const char *before = getenv(CREATED_VARIABLE);
	uint64_t next_ns = 0;
	bool running = false;

	target_start(argc, argv, options, sizeof(options) / sizeof(*options));
	if (!batch || batch > MAX_BATCH)
		target_die("batch must be 1 to %d", MAX_BATCH);
	if (before)
		created_before_exec = strtoull(before, NULL, 10);
	target_on_report(report);
	target_gate_init(&gate);
	target_gate_wait_held(&gate, target_thread("bystander", 0, NULL, stand, NULL));
	target_print("threads", 1);
	target_ready();
	/* The storm goes on after exec, without another "go". */
	running = before != NULL;
	next_ns = target_now_ns();

	for (;;) {
		uint64_t count = batch;

		switch (target_next(running ? (int64_t)(rate ? next_ns : 0) : -1)) {
		case TARGET_QUIT:
			target_finish();
		case TARGET_GO:
			running = !max || created < max;
			next_ns = target_now_ns();
			continue;
		case TARGET_STOP:
			running = false;
			continue;
		case TARGET_TIMEOUT:
			break;
		case TARGET_NOTIFIED:
			continue;
		}
		if (max && max - created < count)
			count = max - created;
		if (exec_after && !before && exec_after - created < count)
			count = exec_after - created;
		run_batch(count);
		if (rate)
			next_ns += count * 1000000000 / rate;
		if (exec_after && !before && created == exec_after)
			execute_again(argv);
		if (max && created == max) {
			running = false;
			target_done();
		}
	}
}
