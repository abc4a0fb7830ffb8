// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sink {
	int fd;
	char *path;       /* NULL: standard output */
	bool torn;        /* what was written last does not end a line */
	bool can_block;   /* a pipe, a terminal, a socket: somebody has to read */
	int interrupt_fd; /* -1: nothing interrupts a write */
	bool hurry;       /* a reader who does not read is not waited for any more */
};

static bool can_block(int fd)
{
	struct stat status;

	return fstat(fd, &status) || !S_ISREG(status.st_mode);
}

static int open_path(const char *path, struct error *error)
{
	/* O_NONBLOCK: opening a FIFO without a reader must fail instead of waiting for one. */
	autoclose int fd =
		open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640);
	int flags, code;

	if (fd < 0 && errno == ENXIO)
		return error_set(error, -ENXIO, "cannot open %s: nobody reads this FIFO", path);
	if (fd < 0) {
		code = -errno;
		return error_set(error, code, "cannot open %s: %s", path, strerror(-code));
	}
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0) {
		code = -errno;
		return error_set(error, code, "cannot open %s: %s", path, strerror(-code));
	}
	return take_fd(fd);
}

int sink_open(const char *path, struct sink **sink, struct error *error)
{
	auto_free(sink) struct sink *fresh = calloc(1, sizeof(*fresh));

	if (!fresh)
		return error_set(error, -ENOMEM, "out of memory");
	fresh->fd = -1;
	fresh->interrupt_fd = -1;
	if (!path) {
		int flags = fcntl(STDOUT_FILENO, F_GETFL);

		/* main() puts something read-only where it was closed. */
		if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
			return error_set(error, -EBADF, "standard output is closed");
		fresh->fd = STDOUT_FILENO;
		fresh->can_block = can_block(fresh->fd);
		*sink = take_ptr(fresh);
		return 0;
	}
	fresh->path = strdup(path);
	if (!fresh->path)
		return error_set(error, -ENOMEM, "out of memory");
	fresh->fd = open_path(path, error);
	if (fresh->fd < 0)
		return fresh->fd;
	fresh->can_block = can_block(fresh->fd);
	*sink = take_ptr(fresh);
	return 0;
}

void sink_free(struct sink *sink)
{
	if (!sink)
		return;
	if (sink->path && sink->fd >= 0)
		close(sink->fd);
	free(sink->path);
	free(sink);
}

/* For a reader who is slow, but reads: the last report is not to be cut for nothing. */
#define GRACE_MS 2000

/*
 * Until a write of up to PIPE_BUF bytes would not block. -EINTR: the reader does
 * not read, and somebody wants us to stop.
 */
static int wait_for_room(const struct sink *sink)
{
	struct pollfd fds[] = {
		{.fd = sink->fd, .events = POLLOUT},
		{.fd = sink->interrupt_fd, .events = POLLIN},
	};

	bool hurry = sink->hurry;

	for (;;) {
		int ready = poll(fds, hurry ? 1 : 2, hurry ? GRACE_MS : -1);

		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready == 0)
			return -EINTR;
		if (ready < 0)
			continue;
		/* An error or a hang-up is for write() to name. */
		if (fds[0].revents)
			return 0;
		hurry = true;
	}
}

/* In pieces that a pipe takes as a whole, so that a reader who does not read cannot hold us. */
static int write_all(const struct sink *sink, const char *text, size_t length, size_t *written)
{
	*written = 0;
	while (*written < length) {
		size_t left = length - *written;
		int code = sink->can_block ? wait_for_room(sink) : 0;
		ssize_t count;

		if (code)
			return code;
		count = write(sink->fd, text + *written,
			      sink->can_block && left > PIPE_BUF ? PIPE_BUF : left);
		if (count > 0)
			*written += (size_t)count;
		else if (count == 0)
			return -EIO;
		else if (errno == EAGAIN)
			code = wait_for_room(sink);
		else if (errno != EINTR)
			return -errno;
		if (code)
			return code;
	}
	return 0;
}

int sink_write(struct sink *sink, const char *text, size_t length, struct error *error)
{
	size_t written = 0;
	int code = 0;

	if (!length)
		return 0;
	if (sink->torn) {
		code = write_all(sink, "\n", 1, &written);
		sink->torn = code != 0;
	}
	if (!code) {
		code = write_all(sink, text, length, &written);
		sink->torn = written && text[written - 1] != '\n';
	}
	if (code)
		error_set(error, code, "cannot write to %s: %s",
			  sink->path ? sink->path : "standard output",
			  code == -EINTR ? "interrupted while its reader does not read"
					 : strerror(-code));
	return code;
}

int sink_empty(struct sink *sink, struct error *error)
{
	int code;

	if (!sink->path || sink->can_block)
		return 0;
	if (ftruncate(sink->fd, 0)) {
		code = -errno;
		return error_set(error, code, "cannot empty %s: %s", sink->path, strerror(-code));
	}
	sink->torn = false;
	return 0;
}

void sink_interrupt_by(struct sink *sink, int fd)
{
	sink->interrupt_fd = fd;
}

void sink_hurry(struct sink *sink)
{
	sink->hurry = true;
}

int sink_reopen(struct sink *sink, struct error *error)
{
	int fd;

	if (!sink->path)
		return 0;
	fd = open_path(sink->path, error);
	if (fd < 0)
		return fd;
	close(sink->fd);
	sink->fd = fd;
	sink->can_block = can_block(fd);
	sink->torn = false;
	return 0;
}

bool sink_is_terminal(const struct sink *sink)
{
	return isatty(sink->fd) == 1;
}
