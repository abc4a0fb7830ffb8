/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_TEXT_INTERNAL_H
#define PARKSCOPE_OUTPUT_TEXT_INTERNAL_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "output/buffer.h"
#include "output/format.h"
#include "output/text.h"
#include "output/text_layout.h"

/* What text.c, which is the public face, and the files that it calls share. */

/* Less room than this on a line, and WHERE goes on a line of its own. */
#define WHERE_COLUMNS_MIN 20

/* Bytes of a frame before it is escaped and cut to the line. */
#define FRAME_TEXT_MAX 2048

struct text {
	struct text_config config;
	struct sink *sink;
	struct buffer buffer;
	struct layout layout;
	struct run_totals totals;
};

static inline const char *text_ellipsis(const struct text *text)
{
	return text->config.ascii ? "..." : "\xe2\x80\xa6";
}

/* `count`, or as many of them as are shown. */
static inline size_t text_top(const struct text *text, size_t count)
{
	return text->config.top && text->config.top < count ? text->config.top : count;
}

/* "-" for 0, so that what happened stands out. */
static inline void text_cell(uint64_t count, char cell[FORMAT_NUMBER_SIZE])
{
	if (count)
		snprintf(cell, FORMAT_NUMBER_SIZE, "%" PRIu64, count);
	else
		snprintf(cell, FORMAT_NUMBER_SIZE, "-");
}

/*
 * The application frame of a stack, up to the end of the line, which it ends.
 * `brief`: its function alone, where one is known.
 */
void text_where(struct text *text, const struct stack *stack, bool brief);

/* Goroutines and threads that the Go runtime keeps for itself: one line, unless all are shown. */
bool text_is_of_runtime(const struct watched_process *process, const struct site *site);

/*
 * What had to be done to keep to the budget; with `verbose` all that the tool costs, in a report
 * also the sweep.
 */
void text_cost(struct text *text, const struct own_cost *cost, bool with_sweep);

/* Several processes, one line each. -ENOMEM. */
int text_overview(struct text *text, const struct report *report);

/* One process in detail. -ENOMEM. */
int text_process(struct text *text, const struct report *report,
		 const struct watched_process *process);

#endif
