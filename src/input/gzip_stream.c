// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "input/gzip_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/cleanup.h"

static ssize_t read_some(void *cookie, char *bytes, size_t size)
{
	int count = gzread(cookie, bytes, (unsigned int)(size < INT_MAX ? size : INT_MAX));

	/* Damaged: zlib sets errno only where read() failed. */
	if (count < 0 && !errno)
		errno = EBADMSG;
	return count;
}

static int close_stream(void *cookie)
{
	return gzclose_r(cookie) == Z_OK ? 0 : -1;
}

int gzip_stream_open(const char *path, FILE **ret, struct error *error)
{
	autoclose int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	struct stat status;
	FILE *file = NULL;
	gzFile gzip;

	if (fd < 0)
		return error_set(error, -errno, "%s", strerror(errno));
	if (!fstat(fd, &status) && S_ISDIR(status.st_mode))
		return error_set(error, -EISDIR, "%s", strerror(EISDIR));
	gzip = gzdopen(fd, "r");
	if (gzip) {
		take_fd(fd);
		file = fopencookie(
			gzip, "r",
			(cookie_io_functions_t){.read = read_some, .close = close_stream});
		if (!file)
			gzclose_r(gzip);
	}
	if (!file)
		return error_set(error, -ENOMEM, "out of memory");
	*ret = file;
	return 0;
}
