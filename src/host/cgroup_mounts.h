/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_HOST_CGROUP_MOUNTS_H
#define PARKSCOPE_HOST_CGROUP_MOUNTS_H

/*
 * Where the cgroup of a process is in the file system: from /proc/self/mountinfo and
 * /proc/PID/cgroup, for cgroup v1, v2, and both at once (hybrid: each controller is in one of
 * them). Pure but for reading mountinfo.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum cgroup_controller {
	CGROUP_MEMORY,
	CGROUP_PIDS,
	CGROUP_CONTROLLERS,
};

/* Of a hierarchy. */
struct cgroup_mount {
	char *root;      /* the cgroup that is mounted, "/" for all of them; NULL: not mounted */
	char *directory; /* where */
};

struct cgroup_mounts {
	struct cgroup_mount v1[CGROUP_CONTROLLERS];
	struct cgroup_mount v2;
};

struct cgroup_place {
	bool v2;
	size_t mount_length; /* of `directory`, the part that is where the hierarchy is mounted */
	char directory[PATH_MAX];
};

/*
 * Of the mounts of one hierarchy, the one that shows most of it. 0 or a negative errno.
 * cgroup_mounts_clear() releases what is there.
 */
int cgroup_mounts_read(const char *mountinfo_path, struct cgroup_mounts *mounts);
void cgroup_mounts_clear(struct cgroup_mounts *mounts);

/*
 * The directory of the cgroup in which the controller limits the process whose /proc/PID/cgroup
 * this is. False: none, or it is not below the mount (it is outside of our own cgroup namespace,
 * "/../other"), or it is no path that the kernel makes.
 */
bool cgroup_mounts_locate(const struct cgroup_mounts *mounts, enum cgroup_controller controller,
			  const char *cgroup_text, struct cgroup_place *place);

#endif
