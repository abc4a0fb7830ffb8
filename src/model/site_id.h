/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_SITE_ID_H
#define PARKSCOPE_MODEL_SITE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "model/frame.h"

/* What can park. */
enum unit {
	UNIT_THREAD,
	UNIT_GOROUTINE
};

const char *unit_name(enum unit unit);

/*
 * A site's identity, which holds across restarts, hosts and builds: XXH3 (64
 * bits) over a version tag, the unit, the reason ("birth" for birth sites) and
 * the function names leaf first. Lines, offsets, addresses, kernel frames, inlined
 * ones and guesses do not enter; compiler suffixes, Rust hashes and module versions are
 * stripped; recursion is collapsed. A frame without a name enters as module,
 * build id and offset, and makes the id not portable. Pure.
 */
struct site_id {
	uint64_t hash;
	bool portable;
};

struct site_id site_id_of(enum unit unit, const char *reason, const struct stack *stack);

#endif
