/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_SINK_H
#define PARKSCOPE_OUTPUT_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

/*
 * Where a format writes: standard output or a file. The caller ignores
 * SIGPIPE. A sink belongs to one thread.
 */
struct sink;

/*
 * `path` NULL: standard output, which sink_free() leaves open. Otherwise the
 * file is made if needed (0640) and appended to. Never blocks: a FIFO that
 * nobody reads is -ENXIO, a directory -EISDIR.
 */
int sink_open(const char *path, struct sink **sink, struct error *error);
void sink_free(struct sink *sink);
define_auto_free(sink)

/*
 * Writes everything or fails: -EPIPE when the reader is gone, -ENOSPC and the
 * like else. `text` is whole lines and goes out in one system call where the
 * kernel allows. A line that a failure has cut is ended before the next write,
 * so that it spoils no other.
 */
int sink_write(struct sink *sink, const char *text, size_t length, struct error *error);

/* Empties a regular file, for a format that is one document; nothing else has anything to empty. */
int sink_empty(struct sink *sink, struct error *error);

/*
 * While `fd` is readable (a signalfd), a write whose reader has not read for 2 s gives
 * up with -EINTR instead of waiting. -1: nothing interrupts. The caller keeps `fd`.
 */
void sink_interrupt_by(struct sink *sink, int fd);

/* From now on as if that were so: the caller has taken the signal from it. */
void sink_hurry(struct sink *sink);

/* For log rotation: opens the path again. On failure the old file stays in use. 0 for stdout. */
int sink_reopen(struct sink *sink, struct error *error);

bool sink_is_terminal(const struct sink *sink);

#endif
