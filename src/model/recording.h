/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_RECORDING_H
#define PARKSCOPE_MODEL_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/report.h"

/*
 * What those who write a recording (output/recording.h) and those who read one
 * (input/recording.h) agree on; doc/architecture.md describes its lines.
 */

/* Of the lines. A reader refuses what is newer. */
#define RECORDING_FORMAT 1

#define RECORDING_FEATURES_MAX     32
#define RECORDING_FEATURE_NAME_MAX 32

/* A line has at most so many bytes: what cannot be said in that is left out. */
#define RECORDING_LINE_MAX ((size_t)4 << 20)

/* Who recorded, and what a replay shows and judges by unless it is told otherwise. */
struct recording_start {
	int64_t wall_ns;    /* when the run began, Unix time */
	uint64_t opened_ns; /* when we attached, on the sweeps' clock */
	char run_id[17];
	char hostname[256];
	uint64_t top;
	enum shown_units units;
	bool full;
	bool runtime_frames;
	/* Only what the user said of thresholds: others are those of whoever replays. */
	uint64_t leak_after_ns; /* 0: nothing */
	uint64_t leak_min;      /* 0: nothing */
	size_t features_count;
	struct {
		char name[RECORDING_FEATURE_NAME_MAX];
		bool available;
	} features[RECORDING_FEATURES_MAX];
};

#endif
