/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_SITE_H
#define PARKSCOPE_MODEL_SITE_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "model/crowd.h"
#include "model/frame.h"
#include "model/growth.h"
#include "model/site_id.h"
#include "model/stay_sample.h"
#include "model/thread_names.h"
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
};

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

	struct crowd crowd;          /* SITE_PARK */
	struct thread_names names;   /* SITE_PARK: the crowd, or the threads that it holds */
	struct stay_sample stays;    /* SITE_PARK: where they were asked for */
	struct wait_objects objects; /* SITE_PARK of goroutines: what the crowd waits for */
	uint64_t objects_as_of;      /* arrivals and departures when they were looked at, plus 1 */
	uint64_t objects_ns;         /* of the sweep in which they were last asked for */
	bool objects_stale;          /* they are being looked at in this sweep */
	struct wait_sum waits;       /* SITE_PARK */
	struct birth_count births;   /* SITE_BIRTH */
	struct growth growth;        /* SITE_BIRTH: of `live` */

	struct {
		uint64_t arrived, departed, born, exited;
		struct wait_sum waits;
	} reported;

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

/* Units here now: parked, or alive. */
uint64_t site_size(const struct site *site);

double site_rate_per_minute(const struct site *site);

/* Adds completed waits: `sum.count` and `sum.duration_ns` are added, `sum.max_ns` is compared. */
void site_add_waits(struct site *site, const struct wait_sum *sum);

/* What changed since the last report. */
struct site_interval {
	uint64_t arrived;
	uint64_t departed;
	uint64_t born;
	uint64_t exited;
	uint64_t waits;
	uint64_t waits_ns;
};

struct site_interval site_interval(const struct site *site);

void site_end_report(struct site *site);

#endif
