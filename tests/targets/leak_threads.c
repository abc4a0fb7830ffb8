/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A server that loses one thread per request: each waits for a reply that nobody sends. */
#include "target.h"

#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>

static uint64_t initial = 100;
static uint64_t interval_ms = 50;
static uint64_t max = 100000;
static uint64_t stack_kb = 64;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t reply = PTHREAD_COND_INITIALIZER;
static bool reply_came;

static uint64_t leaked;
static uint64_t created_after_ready;
static bool is_ready;
static _Atomic uint64_t first_parked_ns;

TARGET_FRAME static void wait_for_reply(void)
{
	uint64_t none = 0;

	pthread_mutex_lock(&lock);
	atomic_compare_exchange_strong(&first_parked_ns, &none, target_now_ns());
	while (!reply_came)
		pthread_cond_wait(&reply, &lock);
	pthread_mutex_unlock(&lock);
	target_keep_frame();
}

TARGET_FRAME static void *serve(void *argument)
{
	wait_for_reply();
	target_keep_frame();
	return argument;
}

/* Returns when the new thread is parked, so the counters never run ahead of the truth. */
TARGET_FRAME static void handle_request(void)
{
	pid_t tid = target_thread("request", stack_kb * 1024, NULL, serve, NULL);

	target_wait_parked(tid, SYS_futex, TARGET_ANY);
	leaked++;
	if (is_ready)
		created_after_ready++;
	target_keep_frame();
}

static void report(void)
{
	target_print("threads_now", leaked + 1);
	target_print("leaked", leaked);
	target_print("oldest_parked_ns", leaked ? target_now_ns() - first_parked_ns : 0);
	target_print("created_after_ready", created_after_ready);
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {
		{"initial", &initial},
		{"interval_ms", &interval_ms},
		{"max", &max},
		{"stack_kb", &stack_kb},
	};
	uint64_t next_ns = 0;
	bool leaking = false;

	target_start(argc, argv, options, sizeof(options) / sizeof(*options));
	if (stack_kb * 1024 < (uint64_t)PTHREAD_STACK_MIN)
		target_die("stack_kb is below the minimum of %d", (int)PTHREAD_STACK_MIN / 1024);
	target_on_report(report);
	while (leaked < initial)
		handle_request();
	is_ready = true;
	target_print("threads", leaked);
	target_ready();

	for (;;) {
		bool due = leaking && leaked < max;

		switch (target_next(due ? (int64_t)next_ns : -1)) {
		case TARGET_QUIT:
			target_finish();
		case TARGET_GO:
			leaking = true;
			next_ns = target_now_ns() + interval_ms * 1000000;
			break;
		case TARGET_STOP:
			leaking = false;
			break;
		case TARGET_TIMEOUT:
			handle_request();
			next_ns += interval_ms * 1000000;
			break;
		case TARGET_NOTIFIED:
			break;
		}
	}
}
