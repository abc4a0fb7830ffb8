/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_HOST_USER_THREADS_H
#define PARKSCOPE_HOST_USER_THREADS_H

/* How many threads each user has on this host, and what /proc/PID/status says of a process. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

struct process_status {
	uid_t real_uid; /* as our user namespace numbers it */
	uint32_t threads;
	uint64_t capabilities; /* the effective ones, a bit each */
};

/* `proc`: "/proc". 0 or a negative errno, -EINVAL for a text that is not what it should be. */
int process_status_read(const char *proc, pid_t pid, struct process_status *status);

struct user_threads;

/* Reads the status of all processes. 0 or a negative errno. */
int user_threads_count(const char *proc, struct user_threads **out);
void user_threads_free(struct user_threads *users);
define_auto_free(user_threads)

/* By real user, as RLIMIT_NPROC counts them. */
uint64_t user_threads_of(const struct user_threads *users, uid_t real_uid);

#endif
