/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes that only stand: `processes` children that pause, all of them until the end. */
#include "target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint64_t processes = 100;

TARGET_FRAME static void stand(void)
{
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {{"processes", &processes}};
	pid_t parent = getpid(), child = 0;

	target_start(argc, argv, options, sizeof(options) / sizeof(*options));
	fflush(stdout);
	for (uint64_t i = 0; i < processes; i++) {
		child = fork();
		if (child < 0)
			target_die("fork of child %llu: %s", (unsigned long long)i,
				   strerror(errno));
		if (child)
			continue;
		target_child_setup(parent);
		stand();
	}
	target_print("processes", processes);
	target_ready();
	target_stand();
}
