/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_DUMP_DIFF_H
#define PARKSCOPE_MODEL_DUMP_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "model/dump.h"
#include "model/report.h"

/*
 * What changed from one dump to another. Processes belong together when they are the same (by
 * entity id), else by their names: several of a name, of which none is the same, are compared as
 * one. Sites belong together by unit and id. Pure.
 */

enum diff_change {
	DIFF_SAME,
	DIFF_NEW,
	DIFF_GONE,
	DIFF_GREW,
	DIFF_SHRANK,
	DIFF_CHANGES, /* how many there are */
};

/* "same", "new", "gone", "grew" or "shrank". Static. */
const char *diff_change_name(enum diff_change change);

/* Units that stayed in their waits; known only of the same process, and if both dumps say it. */
struct diff_stays {
	bool known;
	bool estimated; /* from a sample: the crowd was too large */
	uint64_t stayed, left, came;
};

struct site_diff {
	enum diff_change change;
	const struct dump_site *old; /* the first, where there are several; NULL: none */
	const struct dump_site *new; /* the same */
	uint64_t old_now, new_now;
	struct diff_stays stays;
};

/* Of one unit of a process. */
struct unit_diff {
	uint64_t old_parked, new_parked; /* at the sites that are compared */
	uint64_t old_folded, new_folded; /* the Go runtime's own, which are not */
	bool now_known;                  /* in both */
	uint64_t old_now, new_now;       /* parked or not */
	struct diff_stays stays;         /* of the sites that are compared */
	size_t changes[DIFF_CHANGES];    /* how many sites */
};

struct process_diff {
	const struct dump_process *old; /* the first, where there are several; NULL: none */
	const struct dump_process *new; /* the same */
	size_t old_count, new_count;    /* how many processes are one here */
	enum diff_change change;        /* DIFF_NEW, DIFF_GONE, else DIFF_SAME: in both dumps */
	bool same;                      /* one process, in the same boot */
	bool other_program;             /* the same process has called exec() between */
	bool differs;
	struct unit_diff units[UNIT_GOROUTINE + 1];
	struct site_diff *sites; /* the largest change first */
	size_t sites_count;
};

struct dump_diff {
	int64_t elapsed_ns; /* negative: the new dump is older */
	bool differs;
	struct process_diff *processes; /* the largest change first */
	size_t processes_count;
};

struct diff_rules {
	enum shown_units units;
	bool runtime; /* compare the Go runtime's own units, too, which come and go all the time */
};

/* Both dumps must outlive the difference. NULL without memory. */
struct dump_diff *dump_diff_new(const struct dump *old, const struct dump *new_dump,
				const struct diff_rules *rules);
void dump_diff_free(struct dump_diff *diff);
define_auto_free(dump_diff)

/* It is a Go program, in either dump. */
static inline bool process_diff_has_goroutines(const struct process_diff *process)
{
	return (process->old && process->old->go) || (process->new && process->new->go);
}

/*
 * Of a number that was `old` and is `now`, per minute; only of the same process, and not over less
 * than a second: else false.
 */
bool dump_diff_rate(const struct dump_diff *diff, const struct process_diff *process, uint64_t old,
		    uint64_t now, double *per_minute);

#endif
