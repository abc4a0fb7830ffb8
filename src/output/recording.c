// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "output/buffer.h"
#include "output/recording_lines.h"
#include "output/recording_memory.h"

/* Whole lines are collected up to here. */
#define FLUSH_BYTES ((size_t)256 * 1024)

struct recording {
	int fd;
	char *path;
	bool started, ended;
	uint64_t left_out;
	int64_t wall_ns; /* of the last sweep */
	struct recording_memory memory;
	struct buffer buffer;
};

int recording_open(const char *path, struct recording **ret, struct error *error)
{
	auto_free(recording) struct recording *recording = calloc(1, sizeof(*recording));
	int code;

	if (!recording)
		return error_set(error, -ENOMEM, "out of memory");
	recording->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOCTTY | O_CLOEXEC, 0600);
	if (recording->fd < 0 && errno == EEXIST)
		return error_set(error, -EEXIST,
				 "%.256s exists already: a recording needs a file of its own",
				 path);
	if (recording->fd < 0) {
		code = -errno;
		return error_set(error, code, "cannot make %.256s: %s", path, strerror(-code));
	}
	recording->path = strdup(path);
	if (!recording->path) {
		unlink(path);
		return error_set(error, -ENOMEM, "out of memory");
	}
	*ret = take_ptr(recording);
	return 0;
}

void recording_free(struct recording *recording)
{
	if (!recording)
		return;
	if (recording->started && !recording->ended)
		recording_end(recording, "failed", recording->wall_ns, NULL);
	if (recording->path && !recording->started)
		unlink(recording->path);
	if (recording->fd >= 0)
		close(recording->fd);
	recording_memory_clear(&recording->memory);
	buffer_release(&recording->buffer);
	free(recording->path);
	free(recording);
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t count = write(fd, text, length);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count ? -errno : -EIO;
		text += count;
		length -= (size_t)count;
	}
	return 0;
}

static int flush(struct recording *recording, struct error *error)
{
	int code;

	if (recording->buffer.failed)
		return error_set(error, -ENOMEM, "out of memory");
	code = write_all(recording->fd, recording->buffer.data, recording->buffer.length);
	buffer_clear(&recording->buffer);
	/* What follows a line that was cut could not be read. */
	if (code)
		recording->ended = true;
	return code ? error_set(error, code, "cannot write to %.256s: %s", recording->path,
				strerror(-code))
		    : 0;
}

int recording_start(struct recording *recording, const struct recording_start *start,
		    const char *version, struct error *error)
{
	recording_line_start(&recording->buffer, start, version);
	recording->started = true;
	recording->wall_ns = start->wall_ns;
	return flush(recording, error);
}

static int write_process(struct recording *recording, const struct report *report,
			 const struct watched_process *process, struct error *error)
{
	struct recorded_process *recorded = recording_memory_process(&recording->memory, process);
	int code = recorded ? recording_lines_process(&recording->buffer, report, process, recorded,
						      &recording->left_out)
			    : -ENOMEM;

	if (code)
		return error_set(error, code, "out of memory");
	return recording->buffer.length >= FLUSH_BYTES ? flush(recording, error) : 0;
}

int recording_sweep(struct recording *recording, const struct report *report, bool reported,
		    struct error *error)
{
	int code = 0;

	recording->wall_ns = report->wall_ns;
	recording_line_sweep(&recording->buffer, report);
	for (size_t i = 0; i < report->processes_count && !code; i++)
		code = write_process(recording, report, report->processes[i], error);
	if (code)
		return code;
	recording_line_swept(&recording->buffer, report, reported, &recording->memory.losses);
	if (reported)
		recording_memory_drop_ended(&recording->memory);
	return flush(recording, error);
}

int recording_end(struct recording *recording, const char *reason, int64_t wall_ns,
		  struct error *error)
{
	recording->ended = true;
	recording_line_end(&recording->buffer, reason, wall_ns);
	return flush(recording, error);
}

uint64_t recording_left_out(const struct recording *recording)
{
	return recording->left_out;
}
