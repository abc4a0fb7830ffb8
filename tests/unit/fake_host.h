/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_FAKE_HOST_H
#define PARKSCOPE_TESTS_FAKE_HOST_H

/* A directory with files as /proc and /sys/fs/cgroup have them. */

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit_test.h"

struct fake_host {
	char root[32];
};

static inline void fake_host_make(struct fake_host *host)
{
	snprintf(host->root, sizeof(host->root), "/tmp/parkscope-XXXXXX");
	assert_non_null(mkdtemp(host->root));
}

static inline int fake_host_remove_one(const char *path, const struct stat *status, int type,
				       struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void fake_host_remove(const struct fake_host *host)
{
	assert_int_equal(nftw(host->root, fake_host_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Into `out`, with the directories that are missing. */
static inline void fake_host_path(const struct fake_host *host, const char *path,
				  char out[PATH_MAX])
{
	assert_in_range(snprintf(out, PATH_MAX, "%s%s", host->root, path), 1, PATH_MAX - 1);
	for (char *at = out + strlen(host->root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(out, 0700);
		*at = '/';
	}
}

static inline void fake_file(const struct fake_host *host, const char *path, const char *text)
{
	char full[PATH_MAX];
	FILE *file;

	fake_host_path(host, path, full);
	file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static inline void fake_link(const struct fake_host *host, const char *path, const char *target)
{
	char full[PATH_MAX];

	fake_host_path(host, path, full);
	assert_int_equal(symlink(target, full), 0);
}

#endif
