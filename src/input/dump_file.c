// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "input/dump_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "input/jsonl_dump.h"
#include "input/pprof_dump.h"

/* RFC 1952: the first byte of a gzip file. No JSON object begins like this. */
#define GZIP_FIRST_BYTE 0x1f

static int read_open_file(FILE *file, struct dump **dump, struct error *error)
{
	struct stat status;
	int first;

	if (!fstat(fileno(file), &status) && S_ISDIR(status.st_mode))
		return error_set(error, -EISDIR, "%s", strerror(EISDIR));
	first = fgetc(file);
	if (first == GZIP_FIRST_BYTE) {
		ungetc(first, file);
		return pprof_dump_read(file, dump, error);
	}
	if (first == '{') {
		ungetc(first, file);
		return jsonl_dump_read(file, dump, error);
	}
	if (ferror(file))
		return error_set(error, -EIO, "%s", strerror(EIO));
	if (first == EOF)
		return error_set(error, -EBADMSG, "it is empty");
	return error_set(error, -EBADMSG,
			 "it is no dump: make one by 'parkscope dump -f jsonl', or -f pprof");
}

int dump_file_read(const char *path, struct dump **dump, struct error *error)
{
	autofclose FILE *file = fopen(path, "re");
	int err;

	if (!file)
		return error_set(error, -errno, "%.256s: %s", path, strerror(errno));
	err = read_open_file(file, dump, error);
	if (err)
		error_prefix(error, "%.256s", path);
	return err;
}
