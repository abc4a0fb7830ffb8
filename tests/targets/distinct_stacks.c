/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stack that was never there before for each wait: `rate` of them a second, `count` in all
 * (0: no end). The way down to wait number n goes left or right by the bits of n.
 */
#include "target.h"

#include <errno.h>
#include <time.h>

#define DEPTH 24

static uint64_t rate = 1000;
static uint64_t count;
static uint64_t waits;
static int64_t next_ns;

static void descend(uint64_t path, int depth);

TARGET_FRAME static void left(uint64_t path, int depth)
{
	descend(path, depth);
	target_keep_frame();
}

TARGET_FRAME static void right(uint64_t path, int depth)
{
	descend(path, depth);
	target_keep_frame();
}

/* Commands are served from down there, too. */
TARGET_FRAME static void wait_here(void)
{
	const struct timespec deadline = {.tv_sec = next_ns / 1000000000,
					  .tv_nsec = next_ns % 1000000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR)
		;
	target_keep_frame();
}

static inline __attribute__((always_inline)) void descend(uint64_t path, int depth)
{
	if (depth == DEPTH)
		wait_here();
	else if (path & 1)
		right(path >> 1, depth + 1);
	else
		left(path >> 1, depth + 1);
}

static void report(void)
{
	target_print("waits", waits);
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {{"rate", &rate}, {"count", &count}};

	target_start(argc, argv, options, sizeof(options) / sizeof(*options));
	if (!rate || rate > 1000000)
		target_die("rate is 1 to 1000000");
	target_on_report(report);
	target_print("threads", 0);
	target_ready();
	while (target_next(-1) != TARGET_GO)
		;
	next_ns = (int64_t)target_now_ns();
	for (waits = 0; !count || waits < count; waits++) {
		next_ns += (int64_t)(1000000000 / rate);
		left(waits, 0);
		if (target_next(0) == TARGET_QUIT)
			target_finish();
	}
	target_done();
	target_stand();
}
