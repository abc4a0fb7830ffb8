/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_RECORDING_H
#define PARKSCOPE_OUTPUT_RECORDING_H

#include "base/cleanup.h"
#include "base/error.h"
#include "model/recording.h"

/*
 * `watch --record FILE`: what each sweep said to the model, and not what the model made of it, so
 * that --replay can come to the same verdicts, or to others by other thresholds.
 */
struct recording;

/* Makes the file, 0600, which must not exist yet. */
int recording_open(const char *path, struct recording **recording, struct error *error);

/* Ends the recording as failed if nobody has ended it. A file without a start is removed. */
void recording_free(struct recording *recording);
define_auto_free(recording)

/* Each returns 0, -ENOMEM or why the file cannot be written. */
int recording_start(struct recording *recording, const struct recording_start *start,
		    const char *version, struct error *error);

/*
 * A sweep, as it is in a report or, not `reported`, in what would be one: every sweep must come,
 * also the first, of which there is no report.
 */
int recording_sweep(struct recording *recording, const struct report *report, bool reported,
		    struct error *error);

/* `reason`: as in output/run.h. */
int recording_end(struct recording *recording, const char *reason, int64_t wall_ns,
		  struct error *error);

/* Sites that are not in it, since their stack does not fit into RECORDING_LINE_MAX. */
uint64_t recording_left_out(const struct recording *recording);

#endif
