/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_CHECK_H
#define PARKSCOPE_MODEL_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/verdict_power.h"
#include "model/watched_process.h"

/* From what is known of a process to the status that `check` ends with. Pure. */

/* The exit statuses of monitoring plugins (Monitoring Plugins Development Guidelines). */
enum check_status {
	CHECK_OK = 0,
	CHECK_WARNING = 1,
	CHECK_CRITICAL = 2,
	CHECK_UNKNOWN = 3,
};

/* What growth and leaks are. */
enum check_fail_on {
	CHECK_FAIL_ON_BOTH,    /* growing: a warning; leaking: critical */
	CHECK_FAIL_ON_GROWING, /* both critical */
	CHECK_FAIL_ON_LEAKING, /* growing: nothing */
};

/* A limit of 0: none. To be over one is critical. */
struct check_rules {
	uint64_t threads_max;
	uint64_t goroutines_max;
	double growth_max; /* of threads and of goroutines, a minute */
	enum check_fail_on fail_on;
};

/* Rates a minute from which on it would not have been OK; see verdict_power.h. */
struct check_power {
	double any;               /* a leak at any site that has no crowd; INFINITY: none, ever */
	double lone_goroutines;   /* of goroutines each alone at its channel, where that is less */
	double in_crowd;          /* a leak in the largest crowd, where that is much more */
	const struct site *crowd; /* it; NULL: all are the same */
	uint64_t soonest_ns;      /* `any` is INFINITY: how long it takes to tell one */
};

struct check_result {
	enum check_status status;
	enum verdict verdict;    /* of the process; a leak that has stopped but stays is one, too */
	bool stopped;            /* `verdict` is of such a leak */
	size_t sites_count;      /* that have it */
	const struct site *site; /* the worst of them; NULL: there is none */
	bool threads_over, goroutines_over;
	bool threads_grow_over, goroutines_grow_over;
	bool goroutines_unknown; /* they have a limit, but cannot be read */
	bool blind;              /* nothing is wrong, but nothing could have been seen either */
	struct check_power power;
};

/* As of the last sweep; `interval_ns` between sweeps. The sites belong to the process. */
struct check_result check_judge(const struct watched_process *process,
				const struct check_rules *rules,
				const struct verdict_rules *verdict_rules, uint64_t interval_ns);

/* By verdict, then park sites, as they say more than where units were made, then by growth. */
bool check_is_worse(const struct site *a, const struct site *b);

/* Of several processes: critical, then warning, then unknown, then OK. */
enum check_status check_worse(enum check_status a, enum check_status b);

/* "OK", "WARNING", "CRITICAL" or "UNKNOWN". Static. */
const char *check_status_name(enum check_status status);

/*
 * How often to sweep in a check of that length: every thirtieth of it, as more samples are not
 * kept of a trend, but not more often than two times a second nor more seldom than every 5 s.
 */
uint64_t check_interval_ns(uint64_t duration_ns);

#endif
