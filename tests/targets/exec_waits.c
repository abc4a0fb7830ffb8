/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Waits of a process that executes itself `execs` times after "go". Each program waits `waits`
 * times `ms`: the first, third, … for a futex, the others in nanosleep(), so that one of them is
 * never taken for the other. With other=1 a thread that is not the leader waits and executes. A
 * wait counts only if the thread's own voluntary switches say that it blocked.
 */
#include "target.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STATE_VARIABLE "PARKSCOPE_TARGET_STATE"

static uint64_t execs = 100;
static uint64_t waits = 10;
static uint64_t ms = 1;
static uint64_t other;
static uint64_t executed, futex_waits, sleeps;
static char **arguments;

TARGET_FRAME static void wait_for_futex(void)
{
	const struct timespec timeout = {.tv_nsec = (long)(ms * 1000000)};
	static uint32_t word;

	if (syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &timeout, NULL, 0) != -1 ||
	    errno != ETIMEDOUT)
		target_die("futex: %m");
	target_keep_frame();
}

TARGET_FRAME static void sleep_shortly(void)
{
	const struct timespec time = {.tv_nsec = (long)(ms * 1000000)};

	if (nanosleep(&time, NULL))
		target_die("nanosleep: %m");
	target_keep_frame();
}

static void execute_again(void)
{
	char state[96];

	snprintf(state, sizeof(state), "%" PRIu64 " %" PRIu64 " %" PRIu64, executed + 1,
		 futex_waits, sleeps);
	setenv(STATE_VARIABLE, state, 1);
	target_execute_again(arguments);
}

static void *wait_and_execute(void *argument)
{
	bool sleeper = executed % 2;

	for (uint64_t i = 0; i < waits; i++) {
		uint64_t begin_switches = target_switches();

		if (sleeper)
			sleep_shortly();
		else
			wait_for_futex();
		*(sleeper ? &sleeps : &futex_waits) += target_switches() != begin_switches;
	}
	if (executed < execs)
		execute_again();
	target_notify();
	return argument;
}

static void begin(void)
{
	pthread_t thread;

	if (!other)
		wait_and_execute(NULL);
	else if (pthread_create(&thread, NULL, wait_and_execute, NULL) || pthread_detach(thread))
		target_die("pthread_create");
}

static void report(void)
{
	target_print("executed", executed);
	target_print("futex_waits", futex_waits);
	target_print("sleeps", sleeps);
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {
		{"execs", &execs}, {"waits", &waits}, {"ms", &ms}, {"other", &other}};
	const char *state = getenv(STATE_VARIABLE);

	target_start(argc, argv, options, sizeof(options) / sizeof(*options));
	arguments = argv;
	target_on_report(report);
	if (state) {
		if (sscanf(state, "%" SCNu64 " %" SCNu64 " %" SCNu64, &executed, &futex_waits,
			   &sleeps) != 3)
			target_die("%s: %s", STATE_VARIABLE, state);
		begin();
	} else {
		target_print("threads", 0);
		target_ready();
	}

	for (;;) {
		switch (target_next(-1)) {
		case TARGET_QUIT:
			target_finish();
		case TARGET_GO:
			begin();
			break;
		case TARGET_NOTIFIED:
			target_done();
			break;
		default:
			break;
		}
	}
}
