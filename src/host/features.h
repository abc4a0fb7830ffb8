/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_HOST_FEATURES_H
#define PARKSCOPE_HOST_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * What this host can do. Each fact is tried out, or read from the kernel's type
 * information; none is derived from the kernel's version, and none from libbpf's
 * helper probe, which says yes to everything on newer kernels.
 */
enum feature {
	FEATURE_BTF,
	FEATURE_TP_BTF,
	FEATURE_TASK_ITERATOR,
	FEATURE_RING_BUFFER,
	FEATURE_PREV_STATE,
	FEATURE_TASK_STATE,
	FEATURE_TASK_STORAGE,
	FEATURE_TASK_PT_REGS,
	FEATURE_SCHED_INFO,
	FEATURE_USER_WORKERS,
	FEATURE_RECURSION_MISSES,
	FEATURE_KERNEL_SYMBOLS,
	FEATURE_MAP_FILES,
	FEATURE_PROCESS_MEMORY,
	FEATURE_WALK_DEADLINE,
	FEATURE_COUNT,
};

struct feature_info {
	const char *name;     /* as in `parkscope features` and --debug=no-NAME */
	const char *used_for; /* what needs it */
	const char *without;  /* what is degraded where it is missing */
	bool required;        /* nothing works without it */
	bool can_force_off;   /* there is a fallback that --debug=no-NAME selects */
};

struct host_features {
	bool has[FEATURE_COUNT];
	bool forced_off[FEATURE_COUNT];
};

const struct feature_info *feature_info(enum feature feature);

/* -ENOENT: no feature has this name. */
int feature_by_name(const char *name, enum feature *feature);

/*
 * Tries everything out; takes some 20 ms and needs root. A feature that is
 * missing is no error. `forced_off` (FEATURE_COUNT entries, may be NULL) makes
 * features missing although the host has them. libbpf's messages are captured.
 */
int features_probe(const bool *forced_off, struct host_features *features, struct error *error);

/* 0, or -ENOTSUP and a sentence that names the first required feature that is missing. */
int features_check_required(const struct host_features *features, struct error *error);

#endif
