// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/proc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	FIRST_SIZE = 4096
};

/* 1 when there is more to come, 0 at the end, or a negative errno. */
static int read_some(int fd, char *text, size_t room, size_t *size)
{
	ssize_t got = read(fd, text + *size, room);

	if (got < 0)
		return errno == EINTR ? 1 : -errno;
	*size += (size_t)got;
	return got > 0;
}

int proc_file_read(int directory, const char *path, size_t limit, struct proc_text *out)
{
	autoclose int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t capacity = 0, size = 0;
	autofree char *text = NULL;
	int more = 1;

	if (fd < 0)
		return -errno;
	/* One byte past the limit tells a file of exactly that size from a longer one. */
	while (more > 0 && size <= limit) {
		if (size == capacity) {
			size_t wanted = capacity ? capacity * 2 : FIRST_SIZE;
			char *grown;

			if (wanted > limit + 1)
				wanted = limit + 1;
			grown = realloc(text, wanted + 1);
			if (!grown)
				return -ENOMEM;
			text = grown;
			capacity = wanted;
		}
		more = read_some(fd, text, capacity - size, &size);
		if (more < 0)
			return more;
	}
	out->truncated = size > limit;
	out->size = out->truncated ? limit : size;
	text[out->size] = '\0';
	out->text = take_ptr(text);
	return 0;
}
