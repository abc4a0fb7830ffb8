// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/kernel_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	NUMBER_TEXT_SIZE = 32, /* 20 digits and a newline */
};

int kernel_file_read(const char *path, char *text, size_t size)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t filled = 0;

	if (fd < 0)
		return -errno;
	/* procfs gives a page or a few lines at a time. */
	while (filled < size - 1) {
		ssize_t got = read(fd, text + filled, size - 1 - filled);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		filled += (size_t)got;
	}
	text[filled] = '\0';
	return 0;
}

bool kernel_file_parse_number(const char *text, uint64_t *number)
{
	uint64_t parsed;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	parsed = strtoull(text, &end, 10);
	if (errno || !strchr(" \t\n", *end))
		return false;
	*number = parsed;
	return true;
}

int kernel_file_read_number(const char *path, uint64_t *number)
{
	char text[NUMBER_TEXT_SIZE];
	int result = kernel_file_read(path, text, sizeof(text));

	if (result < 0)
		return result;
	if (strcmp(text, "max\n") == 0) {
		*number = UINT64_MAX;
		return 0;
	}
	return kernel_file_parse_number(text, number) ? 0 : -EINVAL;
}

const char *kernel_file_field(const char *text, const char *key)
{
	size_t length = strlen(key);

	while (text && strncmp(text, key, length) != 0) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text ? text + length + strspn(text + length, " \t") : NULL;
}
