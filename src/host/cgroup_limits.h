/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_HOST_CGROUP_LIMITS_H
#define PARKSCOPE_HOST_CGROUP_LIMITS_H

/*
 * What limits a cgroup and those above it, and how much of it is used: each directory is read
 * once in a sweep, however many processes are below it.
 */

#include "host/cgroup_mounts.h"
#include "host/resource_limits.h"

struct cgroup_limits;

/* As resource_limits_new(). */
int cgroup_limits_new(const char *root, struct cgroup_limits **out);
void cgroup_limits_free(struct cgroup_limits *limits);
define_auto_free(cgroup_limits)

/* What was read goes, and so do directories that nobody asked for in the sweep before. */
void cgroup_limits_begin_sweep(struct cgroup_limits *limits);

/*
 * Of the process with this /proc/PID/cgroup: the ancestor that has the least room. Not known: it
 * has no limit, or cannot be read.
 */
struct resource_use cgroup_limits_find(struct cgroup_limits *limits,
				       enum cgroup_controller controller, const char *cgroup_text);

#endif
