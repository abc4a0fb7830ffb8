/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_DIFF_TEXT_SITES_H
#define PARKSCOPE_OUTPUT_DIFF_TEXT_SITES_H

#include "output/buffer.h"
#include "output/diff_text.h"
#include "output/format.h"
#include "output/text.h"
#include "output/text_layout.h"

/* What diff_text.c, which is the public face, and the tables of sites share. */

struct diff_text {
	const struct diff_text_config *config;
	struct buffer buffer;
	struct layout layout;
};

/* `count`, or as many of them as are shown. */
static inline size_t diff_text_top(const struct diff_text *text, size_t count)
{
	return text->config->top && text->config->top < count ? text->config->top : count;
}

static inline const char *diff_text_arrow(const struct diff_text *text)
{
	return text->config->ascii ? "->" : "\xe2\x86\x92";
}

/* "+1,204", "-3", "0". */
void diff_text_change(uint64_t old, uint64_t now, char text[FORMAT_NUMBER_SIZE + 1]);

/* The sites of one unit of a process: a table of those that differ; nothing where none does. */
void diff_text_sites(struct diff_text *text, const struct dump_diff *diff,
		     const struct process_diff *process, enum unit unit);

#endif
