/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_PROCESS_PROC_FILE_H
#define PARKSCOPE_PROCESS_PROC_FILE_H

/*
 * Reads whole files of /proc, whose size is not known before, into memory.
 * For procfs only: regular /proc files neither block nor have side effects.
 */

#include <stdbool.h>
#include <stddef.h>

struct proc_text {
	char *text;     /* always has a NUL after its last byte; the caller frees it */
	size_t size;    /* without that NUL; the text may itself contain NULs */
	bool truncated; /* the file was longer than the limit */
};

/*
 * Reads at most `limit` bytes of `path`, relative to `directory` as openat(2)
 * takes it. Returns 0 or a negative errno; -ESRCH where the process is gone.
 */
int proc_file_read(int directory, const char *path, size_t limit, struct proc_text *out);

#endif
