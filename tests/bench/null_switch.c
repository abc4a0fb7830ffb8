// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Attaches the null program to sched_switch until SIGINT or SIGTERM. Prints "ready". */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "null_switch.skel.h"

int main(void)
{
	struct null_switch *skeleton;
	sigset_t ends;
	int signal_number, rc;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	skeleton = null_switch__open_and_load();
	rc = skeleton ? null_switch__attach(skeleton) : -1;
	if (rc) {
		fprintf(stderr, "null_switch: not loaded or not attached\n");
		null_switch__destroy(skeleton);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	sigwait(&ends, &signal_number);
	null_switch__destroy(skeleton);
	return 0;
}
