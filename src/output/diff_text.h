/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_DIFF_TEXT_H
#define PARKSCOPE_OUTPUT_DIFF_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/dump_diff.h"
#include "output/sink.h"

/* What changed between two dumps, for a person. Everything that the dumps say is escaped. */

struct diff_text_config {
	const char *old_path, *new_path;
	const struct dump *old, *new;
	size_t width; /* columns to which names are cut; 0: TEXT_WIDTH_DEFAULT */
	size_t top;   /* sites of a unit of a process, and processes; 0: all */
	bool verbose; /* whole stacks, and what is the same */
	enum shown_units units;
	bool ascii; /* the locale is not UTF-8 */
};

/* 0, -ENOMEM or what sink_write() says. */
int diff_text_write(const struct dump_diff *diff, const struct diff_text_config *config,
		    struct sink *sink, struct error *error);

#endif
