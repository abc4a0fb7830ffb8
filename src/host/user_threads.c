// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/user_threads.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "host/kernel_file.h"

enum {
	/*
	 * Without groups some 1,500 bytes; they stand before what we look for. A process with
	 * several thousands of them, for which it must be privileged, is left out.
	 */
	STATUS_SIZE = 64 << 10,
};

struct user {
	uid_t uid;
	uint64_t threads;
	UT_hash_handle hh;
};

struct user_threads {
	struct user *users;
};

static bool parse_field(const char *text, const char *key, uint64_t *number)
{
	const char *field = kernel_file_field(text, key);

	return field && kernel_file_parse_number(field, number);
}

static int parse_status(const char *text, struct process_status *status)
{
	const char *capabilities = kernel_file_field(text, "CapEff:");
	uint64_t uid, threads;

	if (!parse_field(text, "Uid:", &uid) || uid > UINT32_MAX ||
	    !parse_field(text, "Threads:", &threads) || threads > UINT32_MAX || !capabilities)
		return -EINVAL;
	status->real_uid = (uid_t)uid;
	status->threads = (uint32_t)threads;
	status->capabilities = strtoull(capabilities, NULL, 16);
	return 0;
}

int process_status_read(const char *proc, pid_t pid, struct process_status *status)
{
	char path[PATH_MAX], text[STATUS_SIZE];
	int result;

	snprintf(path, sizeof(path), "%s/%d/status", proc, pid);
	result = kernel_file_read(path, text, sizeof(text));
	return result < 0 ? result : parse_status(text, status);
}

static int add_threads(struct user_threads *users, const struct process_status *status)
{
	struct user *user;

	HASH_FIND(hh, users->users, &status->real_uid, sizeof(status->real_uid), user);
	if (!user) {
		user = calloc(1, sizeof(*user));
		if (!user)
			return -ENOMEM;
		user->uid = status->real_uid;
		HASH_ADD(hh, users->users, uid, sizeof(user->uid), user);
	}
	user->threads += status->threads;
	return 0;
}

int user_threads_count(const char *proc, struct user_threads **out)
{
	auto_free(user_threads) struct user_threads *users = calloc(1, sizeof(*users));
	autoclosedir DIR *directory = opendir(proc);
	const struct dirent *entry;

	if (!users)
		return -ENOMEM;
	if (!directory)
		return -errno;
	while ((entry = readdir(directory))) {
		struct process_status status;
		uint64_t pid;

		/* A process that ends meanwhile has no threads. */
		if (!kernel_file_parse_number(entry->d_name, &pid) || pid > INT_MAX ||
		    process_status_read(proc, (pid_t)pid, &status) < 0)
			continue;
		if (add_threads(users, &status) < 0)
			return -ENOMEM;
	}
	*out = take_ptr(users);
	return 0;
}

void user_threads_free(struct user_threads *users)
{
	struct user *user, *next;

	if (!users)
		return;
	HASH_ITER (hh, users->users, user, next) {
		HASH_DEL(users->users, user);
		free(user);
	}
	free(users);
}

uint64_t user_threads_of(const struct user_threads *users, uid_t real_uid)
{
	const struct user *user;

	HASH_FIND(hh, users->users, &real_uid, sizeof(real_uid), user);
	return user ? user->threads : 0;
}
