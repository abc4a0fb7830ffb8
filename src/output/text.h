/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_TEXT_H
#define PARKSCOPE_OUTPUT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "model/report.h"
#include "output/run.h"
#include "output/sink.h"

/*
 * For a person at three in the morning. One process is shown in detail: its
 * goroutines and threads, the largest park sites, birth sites, the waits of the
 * interval. What the Go runtime keeps for itself is one line. Several are one line each, unless
 * `details`. Counters are those of the interval. Everything a process says is escaped.
 */

#define TEXT_WIDTH_DEFAULT 80
#define TEXT_WIDTH_MIN     40
/* For what no person's terminal cuts: a file, a pipe into a pager. */
#define TEXT_WIDTH_UNLIMITED (SIZE_MAX / 2)
#define TEXT_FRAMES_DEFAULT  6
#define TEXT_STACKS_DEFAULT  3

struct text_config {
	size_t width;  /* columns to which names are cut; 0: TEXT_WIDTH_DEFAULT */
	size_t height; /* lines of the terminal, for `redraw`; 0: unknown */
	size_t top;    /* sites of each kind, or processes; 0: all */
	size_t stacks; /* largest sites shown with frames; 0: all */
	size_t frames; /* callers shown of such a site; 0: the whole stack */
	bool details;  /* every process in detail, even several (`dump`, -v) */
	bool verbose;  /* kernel frames, own cost and totals */
	bool runtime;  /* sites of the Go runtime like all others */
	enum shown_units units;
	bool colour;
	bool redraw; /* on a terminal: clears the screen and never scrolls */
	bool ascii;  /* the locale is not UTF-8 */
};

struct text;

/* The sink must outlive it. NULL without memory. */
struct text *text_new(const struct text_config *config, struct sink *sink);
void text_free(struct text *text);
define_auto_free(text)

/* The terminal was resized. */
void text_resize(struct text *text, size_t width, size_t height);

/* Each returns 0, -ENOMEM or what sink_write() says. */
int text_report(struct text *text, const struct report *report, struct error *error);

/* Totals, own cost and losses of the run: with `verbose` only. */
int text_end(struct text *text, const struct run_end *end, struct error *error);

#endif
