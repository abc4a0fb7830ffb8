/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_TEXT_INTERNAL_H
#define PARKSCOPE_OUTPUT_TEXT_INTERNAL_H

#include "output/buffer.h"
#include "output/format.h"
#include "output/text.h"
#include "output/text_layout.h"
#include <stdbool.h>

/* What text.c and text_process.c share. */

/* Less room than this on a line, and WHERE goes on a line of its own. */
#define WHERE_COLUMNS_MIN 20

struct text {
	struct text_config config;
	struct sink *sink;
	struct buffer buffer;
	struct layout layout;
	struct run_totals totals;
};

const char *text_ellipsis(const struct text *text);

/* `count`, or as many of them as are shown. */
size_t text_top(const struct text *text, size_t count);

/* "-" for 0, so that what happened stands out. */
void text_cell(uint64_t count, char cell[FORMAT_NUMBER_SIZE]);

/*
 * The application frame of a stack, up to the end of the line, which it ends.
 * `brief`: its function alone, where one is known.
 */
void text_where(struct text *text, const struct stack *stack, bool brief);

/* One process in detail. -ENOMEM. */
int text_process(struct text *text, const struct report *report,
		 const struct watched_process *process);

#endif
