/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_GROWTH_H
#define PARKSCOPE_MODEL_GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How fast a number grows: its values over a sliding window, in bounded memory.
 * Zero-initialised is empty. Pure; times are nanoseconds of the caller's clock
 * and may not go back.
 */

#define GROWTH_WINDOW_NS (60ULL * 1000000000ULL)
/* Less, say between the birth and the end of a short process, makes one thread a flood. */
#define GROWTH_SHORTEST_NS (100ULL * 1000000ULL)
/* The newest sample replaces the one before it unless that is this far from its own. */
#define GROWTH_SPACING_NS  (2ULL * 1000000000ULL)
#define GROWTH_SAMPLES_MAX (GROWTH_WINDOW_NS / GROWTH_SPACING_NS + 4)

struct growth {
	size_t count;
	struct {
		uint64_t time_ns;
		int64_t value;
	} samples[GROWTH_SAMPLES_MAX]; /* oldest first */
};

/*
 * Adds a sample. Samples before the window go; one at or before its start is
 * kept, so that the window is always covered. Samples denser than memory allows
 * are left out, but never the newest.
 */
void growth_add(struct growth *growth, uint64_t time_ns, int64_t value);

/*
 * Units per minute over the window, or over the time so far; 0 before the second sample
 * and while the samples cover less than GROWTH_SHORTEST_NS.
 */
double growth_per_minute(const struct growth *growth);

#endif
