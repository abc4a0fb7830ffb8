/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_GOROUTINES_H
#define PARKSCOPE_SOURCES_GOROUTINES_H

/*
 * The goroutines of every watched process that has some: which processes run Go, and a
 * sweep over each. Nothing is stopped, nothing is hooked.
 */

#include "base/cleanup.h"
#include "base/error.h"
#include "sources/context.h"

struct goroutines;

struct goroutines_config {
	bool each; /* see struct goroutine_reader_config */
	bool stays;
	bool runtime_frames;
};

int goroutines_open(struct sources_context *context, const struct goroutines_config *config,
		    struct goroutines **goroutines, struct error *error);
void goroutines_free(struct goroutines *goroutines);
define_auto_free(goroutines)

/* Between parked_threads_sweep() and parked_threads_end(), which counts the crowds. */
int goroutines_sweep(struct goroutines *goroutines, struct error *error);

/* The process has ended, and its last report is written. */
void goroutines_forget(struct goroutines *goroutines, const struct process_entry *entry);

#endif
