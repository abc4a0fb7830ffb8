/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_VERDICT_POWER_H
#define PARKSCOPE_MODEL_VERDICT_POWER_H

#include <stdint.h>

#include "model/verdict.h"

/*
 * The power of a watch: which leaks it could have told, had there been any. Rates are units a
 * minute that park and never leave, one by one at random times (a Poisson process), from when we
 * attached on; of such leaks nine in ten are told in the time. INFINITY: none is, however fast.
 * Rates err upwards: tests/unit/test_verdict_power.c compares them with simulated leaks. Pure.
 */

struct verdict_watch {
	uint64_t watched_ns;
	uint64_t interval_ns; /* between sweeps */
};

/* From which rate on a leak at a site of this class is "leaking". */
double verdict_power_leaking(enum verdict_class class, const struct verdict_watch *watch,
			     const struct verdict_rules *rules);

/*
 * From which rate on it is at least "growing", whatever its class, where `crowd` others stay who
 * neither come nor leave. (Where they do, it takes more.)
 */
double verdict_power_growing(uint64_t crowd, const struct verdict_watch *watch,
			     const struct verdict_rules *rules);

/* How long to watch until any leak of this class, or any growth, can be told; UINT64_MAX: never. */
uint64_t verdict_power_growing_soonest_ns(uint64_t interval_ns, const struct verdict_rules *rules);
uint64_t verdict_power_soonest_ns(enum verdict_class class, uint64_t interval_ns,
				  const struct verdict_rules *rules);

#endif
