/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_RECORDING_LINES_H
#define PARKSCOPE_OUTPUT_RECORDING_LINES_H

#include "model/recording.h"
#include "output/buffer.h"
#include "output/recording_memory.h"

/*
 * The lines of a recording; see doc/architecture.md. Numbers of 64 bits are written as signed
 * ones, and what only ever grows as what it grew by.
 */

void recording_line_start(struct buffer *buffer, const struct recording_start *start,
			  const char *version);
void recording_line_sweep(struct buffer *buffer, const struct report *report);

/*
 * What has changed of a process: its own line, then those of its sites; nothing where nothing
 * has. Adds to `*left_out` the sites whose line would be longer than RECORDING_LINE_MAX. 0 or
 * -ENOMEM.
 */
int recording_lines_process(struct buffer *buffer, const struct report *report,
			    const struct watched_process *process,
			    struct recorded_process *recorded, uint64_t *left_out);

/* The end of a sweep. `reported`: a report followed it. */
void recording_line_swept(struct buffer *buffer, const struct report *report, bool reported,
			  struct losses *recorded);
void recording_line_end(struct buffer *buffer, const char *reason, int64_t wall_ns);

/* For those who write lines. */

/*
 * Whether the text from `mark` on is what was written before, by its hash; then it is taken back.
 * (Who makes two texts of his own with the same hash hides his own names, and nothing else.)
 */
bool recording_is_old(struct buffer *buffer, size_t mark, uint64_t *hash);
void recording_end_line(struct buffer *buffer);

#endif
