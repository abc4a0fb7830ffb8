/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_WATCHED_PROCESS_H
#define PARKSCOPE_MODEL_WATCHED_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/attribution.h"
#include "model/goroutine_list.h"
#include "model/limit_forecast.h"
#include "model/memory_room.h"
#include "model/site.h"

/* Bounds what one process, which we do not trust, can cost. */
#define WATCHED_SITES_MAX   8192
#define WATCHED_REASONS_MAX 40
/* Most processes have no more; for others there is more memory. */
#define WATCHED_REASONS_FEW 4

#define WAIT_HISTOGRAM_BUCKETS 28

/* Completed waits of a process for one reason, since we attached. */
struct reason_waits {
	const char *reason; /* static */
	uint64_t count;
	uint64_t restarts; /* signals broke them so often; the kernel went on with the same wait */
	uint64_t duration_ns;
	/* Bucket i: [2^(i+9), 2^(i+10)) ns; the first and the last are open. */
	uint64_t histogram[WAIT_HISTOGRAM_BUCKETS];
	uint64_t open_ns; /* how long the waits that last now have lasted since we attached */
	struct {
		uint64_t count, restarts, duration_ns, open_ns;
	} reported;
};

/* Threads or goroutines of a process. */
struct unit_count {
	uint64_t now;
	uint64_t born;                /* since we attached */
	uint64_t exited;              /* since we attached */
	struct crowd crowd;           /* of `now`, for its trend */
	double rate_per_minute;       /* Theil and Sen's */
	struct verdict_state verdict; /* whether their number grows, wherever they are */
	struct {
		uint64_t born, exited;
		enum verdict verdict;
	} reported;
};

/*
 * One process that is watched: who it is, its threads, waits and sites. Owned
 * by the sources. Strings are owned by it, may be NULL where unknown, and are
 * what the process says: not yet escaped for any format. Pure.
 */
struct watched_process {
	uint32_t pid;          /* of the initial PID namespace */
	uint32_t ns_pid;       /* innermost namespace */
	uint64_t start_ns;     /* since boot, as the kernel keeps it: identifies with pid */
	int64_t start_unix_ns; /* wall clock */
	uint32_t exec_id;      /* changes with exec */
	char *name;
	char *executable;
	char *container_id;
	char *entity_id;

	struct unit_count threads;
	char *go_version; /* "go1.23.4"; NULL: there is no Go in it, as far as is known */
	char *go_refused; /* why its goroutines cannot be read, one line; NULL: they are, or no Go
			   */
	struct unit_count goroutines; /* as runtime.NumGoroutine() counts: not the runtime's own */
	uint64_t runtime_goroutines;  /* the runtime's own */
	struct goroutine_list goroutine_list; /* empty unless each goroutine was asked for */

	size_t reasons_count;
	struct reason_waits *reasons; /* `few`, or WATCHED_REASONS_MAX of them, owned */
	struct reason_waits few[WATCHED_REASONS_FEW];
	/* Of `waits` and `duration_ns` nothing: see watched_process_attribution(). */
	struct attribution attribution;
	struct attribution reported_attribution;
	struct site *sites; /* uthash */
	size_t sites_count;
	struct memory_room *room;        /* that its sites take from, not owned; NULL: no limit */
	uint64_t first_seen_ns;          /* monotonic */
	uint64_t swept_ns;               /* when the last sweep began, or first_seen_ns */
	uint64_t counted_ns;             /* when the last one began that has ended; 0: none has */
	uint64_t distance_ns;            /* of that one from the one before */
	uint64_t interval_ns;            /* the greater of the last two: one may come early */
	enum verdict verdict;            /* the worst of its units and sites */
	bool leak_pending;               /* of a site, see verdict_is_pending() */
	struct limit_forecast *forecast; /* owned; NULL: it has never been of interest */
	bool ended;
};

struct watched_process *watched_process_new(uint32_t pid, uint64_t start_ns, uint64_t now_ns);
void watched_process_free(struct watched_process *process);
define_auto_free(watched_process)

/* It is a Go program, and its goroutines are read. */
static inline bool watched_process_has_goroutines(const struct watched_process *process)
{
	return process->go_version && !process->go_refused;
}

/* There is something to say of its limits: it grows, or leaks. */
static inline bool watched_process_has_forecast(const struct watched_process *process)
{
	return process->forecast && !process->ended && process->verdict != VERDICT_STEADY;
}

/*
 * The site with this identity, made if it is new. NULL: no memory, no room, or
 * the process has WATCHED_SITES_MAX sites; the caller counts the loss.
 */
struct site *watched_process_site(struct watched_process *process, enum site_kind kind,
				  enum unit unit, const char *reason, const struct stack *stack);

/* Forgets one of its sites. */
void watched_process_drop_site(struct watched_process *process, struct site *site);

/* One more reason; NULL: there are WATCHED_REASONS_MAX, or no memory for more. */
struct reason_waits *watched_process_add_reason(struct watched_process *process,
						const char *reason);

/* The waits of a reason, made if new; never NULL (the last entry takes what is too many). */
struct reason_waits *watched_process_reason(struct watched_process *process, const char *reason);

/* With the totals of all reasons. */
struct attribution watched_process_attribution(const struct watched_process *process);

/*
 * Around each sweep: crowds start empty; then all is judged. -ENOMEM: who stays for how long is
 * not known of this sweep, for some sites.
 */
void watched_process_begin_sweep(struct watched_process *process, uint64_t now_ns);
int watched_process_end_sweep(struct watched_process *process, const struct verdict_rules *rules);

/* Between two sweeps or in one; see site_begin_sweep(). */
uint64_t watched_process_watched_ns(const struct watched_process *process);

/* The report is written: its interval ends. */
void watched_process_end_report(struct watched_process *process);

#endif
