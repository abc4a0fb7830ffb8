/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_SITE_H
#define PARKSCOPE_MODEL_SITE_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "model/crowd.h"
#include "model/frame.h"
#include "model/ladder.h"
#include "model/site_id.h"
#include "model/stay_sample.h"
#include "model/thread_names.h"
#include "model/verdict.h"
#include "model/wait_objects.h"

enum site_kind {
	SITE_PARK,  /* where units wait */
	SITE_BIRTH, /* the stack that creates them */
};

/* Completed waits. */
struct wait_sum {
	uint64_t count;
	uint64_t duration_ns;
	uint64_t max_ns;
	double variance; /* of duration_ns, ns², as far as it was sampled */
};

/* Adds counts, durations and variances, and compares the maxima. */
void wait_sum_add(struct wait_sum *sum, const struct wait_sum *more);

/*
 * How far from the truth at most 95 of 100 estimates of a duration are, ns; 0: it is exact.
 * More than the 1.96 deviations of a normal distribution, as the deviation itself is estimated
 * from samples of different weights (tests/unit/test_wait_sampling.c).
 */
#define WAIT_ERROR_DEVIATIONS 2.2
double wait_error_ns(double variance);

struct birth_count {
	uint64_t live;
	uint64_t born; /* since we attached */
	uint64_t exited;
};

/*
 * A place of one process: a park site or a birth site. Counters run since we
 * attached; the interval since the last report is the difference to `reported`.
 * Belongs to its watched process, which makes and frees it.
 */
struct site {
	enum site_kind kind;
	enum unit unit;
	const char *reason; /* static; "birth" for birth sites */
	struct site_id id;
	struct stack *stack; /* owned; of the first unit seen here */
	/*
	 * SITE_PARK of goroutines: the go statement that made the first unit seen here; owned.
	 * NULL: not known, or it has none.
	 */
	struct stack *creator;
	bool creators_differ; /* other units here were made elsewhere */
	bool runtime;         /* of the Go runtime itself: not the application's units */
	bool idle;            /* SITE_PARK: see verdict_stack_is_idle() */
	bool timed;           /* SITE_PARK: some of these waits have a timeout */
	enum near_io near_io; /* SITE_PARK of goroutines */
	bool near_io_wanted; /* whether it is a leak depends on it: the next sweep is to find out */

	struct crowd crowd;   /* SITE_BIRTH: those alive */
	struct ladder ladder; /* SITE_PARK */
	struct verdict_state verdict;
	struct thread_names names;   /* SITE_PARK: the crowd, or the threads that it holds */
	struct stay_sample stays;    /* SITE_PARK: where they were asked for */
	struct wait_objects objects; /* SITE_PARK: what the crowd waits for */
	uint64_t objects_as_of;      /* arrivals and departures when they were looked at, plus 1 */
	uint64_t objects_ns;         /* of the sweep in which they were last asked for */
	bool objects_stale;          /* they are being looked at in this sweep */
	struct wait_sum waits;       /* SITE_PARK */
	struct birth_count births;   /* SITE_BIRTH */

	struct {
		uint64_t arrived, departed, born, exited;
		struct wait_sum waits;
		enum verdict verdict;
		bool stopped;
	} reported;

	/* Its counters count since this sweep; 0: since its process was first seen. */
	uint64_t since_ns;
	uint64_t active_ns;    /* the last sweep that found it used since the one before */
	uint64_t active_count; /* sum of its counters then */
	bool grew;             /* its verdict was something else than steady at some time */
	bool expired;          /* it is forgotten after the next report */

	struct { /* for uthash */
		uint64_t hash;
		uint64_t kind;
	} key;
	UT_hash_handle hh;
};

/* NULL without memory. Copies the stack. */
struct site *site_new(enum site_kind kind, enum unit unit, const char *reason,
		      const struct stack *stack);
void site_free(struct site *site);
define_auto_free(site)

/* A stay as a sweep finds it. */
struct stay {
	uint64_t age_ns;
	enum age_bound bound;
	bool early; /* it was there when we came */
};

/*
 * Around each sweep, and in it: see crowd.h and ladder.h, which these feed. `watched_ns`: since
 * the process was first seen. site_begin_sweep() may be called again, to count all anew.
 */
void site_begin_sweep(struct site *site, uint64_t now_ns, uint64_t watched_ns);

/* A unit is parked here. `arrived`: this stay was not here in the sweep before. */
void site_park(struct site *site, const struct stay *stay, bool arrived);

/* A stay has ended that was in the sweep before, as it was then. Also between two sweeps. */
void site_leave(struct site *site, const struct stay *stay);

/*
 * Counts and judges; `interval_ns` as in struct verdict_input. 0, or -ENOMEM: who stays for how
 * long is then not known of this sweep.
 */
int site_end_sweep(struct site *site, uint64_t interval_ns, const struct verdict_rules *rules);

/* What its verdict is made of. */
struct verdict_subject site_subject(const struct site *site);

/* The verdict, or whether the leak has stopped, is not what the last report said. */
bool site_verdict_changed(const struct site *site);

/* Units here now: parked, or alive. */
uint64_t site_size(const struct site *site);

double site_rate_per_minute(const struct site *site);

/* Adds completed waits. */
void site_add_waits(struct site *site, const struct wait_sum *sum);

/*
 * Nobody is here, nobody has been for so long, and nothing is wrong with it: it can be
 * forgotten. One that grew is kept for an hour, and one whose ladder remembers stays for as long as
 * that does: they speak against the next leak. `scarce`: there is little room for sites, so that
 * they go early and ladders keep nothing. Goroutines' sites never expire.
 */
#define SITE_EXPIRES_NS        (600ULL * 1000000000ULL)
#define SITE_EXPIRES_SCARCE_NS (60ULL * 1000000000ULL)
#define SITE_EXPIRES_GREW_NS   (3600ULL * 1000000000ULL)
bool site_is_expired(const struct site *site, uint64_t now_ns, bool scarce);

/* What changed since the last report. */
struct site_interval {
	uint64_t arrived;
	uint64_t departed;
	uint64_t born;
	uint64_t exited;
	uint64_t waits;
	uint64_t waits_ns;
	double waits_variance; /* of waits_ns */
};

struct site_interval site_interval(const struct site *site);

void site_end_report(struct site *site);

#endif
