/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_SCRATCH_FILE_H
#define PARKSCOPE_TESTS_SCRATCH_FILE_H

/* A directory of the test's own, and what a file in it says. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit_test.h"

struct scratch {
	char directory[32];
	char file[48]; /* does not exist yet */
};

static inline void scratch_make(struct scratch *scratch)
{
	snprintf(scratch->directory, sizeof(scratch->directory), "/tmp/parkscope-XXXXXX");
	assert_non_null(mkdtemp(scratch->directory));
	snprintf(scratch->file, sizeof(scratch->file), "%s/file", scratch->directory);
}

static inline void scratch_remove(const struct scratch *scratch)
{
	unlink(scratch->file);
	assert_int_equal(rmdir(scratch->directory), 0);
}

/* The caller's to free(). */
static inline char *scratch_read(const char *path)
{
	FILE *file = fopen(path, "r");
	struct stat status;
	char *text;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &status), 0);
	text = calloc(1, (size_t)status.st_size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)status.st_size, file), status.st_size);
	fclose(file);
	return text;
}

static inline void assert_file(const char *path, const char *expected)
{
	char *text = scratch_read(path);

	assert_string_equal(text, expected);
	free(text);
}

#endif
