/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stack that was never there before for each wait: `rate` of them a second, `count` after each
 * "go" (0: no end). The way down to call number n goes left or right by the lowest 20 bits of n.
 * A call counts in `waits` only if it blocked: a deadline that is over needs no sleep.
 */
#include "target.h"

#include <errno.h>
#include <time.h>

static uint64_t rate = 1000;
static uint64_t count;
static uint64_t calls;
static uint64_t waits;
static int64_t next_ns;

/* Commands are served from down there, too. */
TARGET_FRAME static void wait_here(void)
{
	const struct timespec deadline = {.tv_sec = next_ns / 1000000000,
					  .tv_nsec = next_ns % 1000000000};
	uint64_t switches = target_switches();

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR)
		;
	waits += target_switches() != switches;
	target_keep_frame();
}

static void descend_0(uint64_t path)
{
	(void)path;
	wait_here();
}

/*
 * Two ways to go on, by the next bit. Functions of their own for each level: recursion is one
 * place. They differ, or the compiler would make one of them.
 */
#define LEVEL(level, below)                                   \
	TARGET_FRAME static void left_##level(uint64_t path)  \
	{                                                     \
		descend_##below(path);                        \
		target_keep_frame();                          \
	}                                                     \
	TARGET_FRAME static void right_##level(uint64_t path) \
	{                                                     \
		descend_##below(path);                        \
		__asm__ volatile("nop" ::: "memory");         \
	}                                                     \
	static inline void descend_##level(uint64_t path)     \
	{                                                     \
		if (path & 1)                                 \
			right_##level(path >> 1);             \
		else                                          \
			left_##level(path >> 1);              \
	}

LEVEL(1, 0)
LEVEL(2, 1)
LEVEL(3, 2)
LEVEL(4, 3)
LEVEL(5, 4)
LEVEL(6, 5)
LEVEL(7, 6)
LEVEL(8, 7)
LEVEL(9, 8)
LEVEL(10, 9)
LEVEL(11, 10)
LEVEL(12, 11)
LEVEL(13, 12)
LEVEL(14, 13)
LEVEL(15, 14)
LEVEL(16, 15)
LEVEL(17, 16)
LEVEL(18, 17)
LEVEL(19, 18)
LEVEL(20, 19)

static void wait_often(void)
{
	next_ns = (int64_t)target_now_ns();
	for (uint64_t i = 0; !count || i < count; i++) {
		next_ns += (int64_t)(1000000000 / rate);
		descend_20(calls++);
		if (target_next(0) == TARGET_QUIT)
			target_finish();
	}
}

static void report(void)
{
	target_print("calls", calls);
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
	for (;;) {
		switch (target_next(-1)) {
		case TARGET_QUIT:
			target_finish();
		case TARGET_GO:
			wait_often();
			target_done();
			break;
		default:
			break;
		}
	}
}
