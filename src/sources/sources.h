/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_SOURCES_H
#define PARKSCOPE_SOURCES_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "host/features.h"
#include "model/budget.h"
#include "model/report.h"

/*
 * All sources of facts together: opens them in the order that loses nothing,
 * and takes reports. One thread uses them; nothing stays attached after
 * sources_free().
 */
struct sources;

struct sources_config {
	const struct host_features *features; /* must outlive the sources */
	const uint32_t *pids;                 /* watched processes */
	size_t pids_count;                    /* 0: every process */
	bool events;                          /* waits, births and exits, not only the sweep */
	bool demangle;                        /* C++ and Rust names */
	uint64_t memory;                      /* bytes, for all of it; see memory_room.h */
	struct verdict_rules rules;           /* what is a leak */
	struct budget_config budget;          /* with events */
	bool exact;                           /* each stack is walked, whatever it costs */
	bool lines;                           /* source lines in stacks */
	bool each_goroutine; /* each goroutine by itself, for process->goroutine_list */
	bool keep_sites;     /* sites never expire, as a recording needs it */
	bool stays;          /* which stays each crowd has, for site->stays */
	bool runtime_frames; /* show frames of the Go runtime, and its own goroutines */
};

/* Loads, attaches and, with events, takes the baseline sweep. */
int sources_open(const struct sources_config *config, struct sources **sources,
		 struct error *error);
void sources_free(struct sources *sources);
define_auto_free(sources)

/* Readable when sources_handle_events() has something to do; -1 without events. */
int sources_events_fd(const struct sources *sources);
int sources_handle_events(struct sources *sources);

/*
 * Readable when sources_handle_timer() is to be called, about once a second, which measures the
 * cost and keeps to the budget; -1 without events.
 */
int sources_timer_fd(const struct sources *sources);
void sources_handle_timer(struct sources *sources);

/*
 * With events: the time from one report to the next that keeps to the budget, never less than was
 * asked for. May change in sources_end_report().
 */
uint64_t sources_interval_ns(const struct sources *sources);

/* Processes that live and are watched; 0 with pids given: there is nothing left to watch. */
size_t sources_living(const struct sources *sources);

/*
 * What a report of the sweep that sources_open() took would be, for those who want every sweep;
 * before any other one. Valid until the next call.
 */
int sources_baseline(struct sources *sources, struct report *report, struct error *error);

/*
 * Takes a sweep and fills the report. It and all it points to is valid until
 * sources_end_report(), which ends the interval and forgets what has ended.
 */
int sources_take_report(struct sources *sources, struct report *report, struct error *error);
void sources_end_report(struct sources *sources);

#endif
