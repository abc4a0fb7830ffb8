/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_COMMANDS_REPORT_LOOP_H
#define PARKSCOPE_COMMANDS_REPORT_LOOP_H

#include "base/error.h"
#include "commands/session.h"
#include "model/report.h"
#include "options.h"

/* Why a report is taken. */
enum wake {
	WAKE_INTERVAL,
	WAKE_DURATION,
	WAKE_INTERRUPTED,
	WAKE_PROCESS_ENDED,
	WAKE_READER_GONE, /* of standard output: there is no report then */
};

/* Takes each report; the last one has `report->last`. Not 0 ends the loop and is its result. */
struct report_handler {
	int (*report)(struct session *session, const struct report *report, enum wake wake,
		      void *context, struct error *error);
	void *context;
};

/*
 * What `watch` and `check` do: opens a session with events, and takes a report every interval
 * until the count or the duration is reached, all processes that were named have ended, or
 * SIGINT or SIGTERM comes. -EPIPE: the reader of standard output has gone.
 */
int report_loop_run(const struct options *options, const struct report_handler *handler,
		    struct error *error);

#endif
