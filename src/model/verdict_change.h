/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_VERDICT_CHANGE_H
#define PARKSCOPE_MODEL_VERDICT_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "model/report.h"

/*
 * The verdicts of a process that are not what the last report said. Pure.
 */

/* Of a site, or of all threads or goroutines of the process. */
struct verdict_change {
	const struct site *site; /* NULL: of all */
	enum unit unit;
	const struct verdict_state *state; /* belongs to the site or the process */
	enum verdict now, was;
	bool stopped, was_stopped;
	bool ended; /* the process has ended: so has what was wrong with it */
};

/*
 * Worst first, then largest, then by id. A process that ended takes back whatever is not steady,
 * last; what changed in its last interval comes before that. The array is the caller's to free();
 * -ENOMEM.
 */
int verdict_changes(const struct watched_process *process, enum shown_units units,
		    struct verdict_change **changes, size_t *count);

#define VERDICT_CHANGE_TEXT_SIZE 192

/*
 * The change as a person reads it, one phrase without a full stop: for park sites
 * verdict_message(); of birth sites and of all units "41 threads live, 2.3 more a minute, none
 * ended"; to steady "no longer leaking, 3 goroutines parked", "the process ended".
 */
void verdict_change_text(const struct verdict_change *change, char text[VERDICT_CHANGE_TEXT_SIZE]);

#endif
