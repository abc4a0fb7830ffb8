// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/cgroup_limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "host/kernel_file.h"

enum {
	FILE_NAME_SIZE = 32,  /* room for the names below */
	STAT_SIZE = 16 << 10, /* memory.stat has some 60 lines of at most 50 bytes */
	DEPTH_MAX = 64,
};

/* v1 has no "max", but PAGE_COUNTER_MAX pages: nearly 2^63 bytes. */
#define UNLIMITED_LEAST (1ULL << 62)

/* A cgroup's directory. */
struct directory {
	uint64_t sweep;                                   /* in which it was asked for */
	bool fresh[CGROUP_CONTROLLERS];                   /* was read in this sweep */
	struct resource_use tightest[CGROUP_CONTROLLERS]; /* of this one and those above */
	UT_hash_handle hh;
	char path[];
};

struct cgroup_limits {
	char *root;
	struct cgroup_mounts mounts;
	struct directory *directories;
	uint64_t sweep;
};

int cgroup_limits_new(const char *root, struct cgroup_limits **out)
{
	auto_free(cgroup_limits) struct cgroup_limits *limits = calloc(1, sizeof(*limits));
	char path[PATH_MAX];
	int result;

	if (!limits)
		return -ENOMEM;
	limits->root = strdup(root);
	if (!limits->root)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/proc/self/mountinfo", root);
	result = cgroup_mounts_read(path, &limits->mounts);
	if (result < 0)
		return result;
	*out = take_ptr(limits);
	return 0;
}

static void drop_directory(struct cgroup_limits *limits, struct directory *directory)
{
	HASH_DEL(limits->directories, directory);
	free(directory);
}

void cgroup_limits_free(struct cgroup_limits *limits)
{
	struct directory *directory, *next;

	if (!limits)
		return;
	HASH_ITER (hh, limits->directories, directory, next)
		drop_directory(limits, directory);
	cgroup_mounts_clear(&limits->mounts);
	free(limits->root);
	free(limits);
}

void cgroup_limits_begin_sweep(struct cgroup_limits *limits)
{
	struct directory *directory, *next;

	HASH_ITER (hh, limits->directories, directory, next) {
		if (directory->sweep != limits->sweep)
			drop_directory(limits, directory);
		else
			memset(directory->fresh, 0, sizeof(directory->fresh));
	}
	limits->sweep++;
}

/* NULL without memory. */
static struct directory *find_directory(struct cgroup_limits *limits, const char *path,
					size_t length)
{
	struct directory *directory;

	HASH_FIND(hh, limits->directories, path, length, directory);
	if (!directory) {
		directory = calloc(1, sizeof(*directory) + length + 1);
		if (!directory)
			return NULL;
		memcpy(directory->path, path, length);
		HASH_ADD(hh, limits->directories, path, length, directory);
	}
	directory->sweep = limits->sweep;
	return directory;
}

struct file_path {
	char text[2 * PATH_MAX + FILE_NAME_SIZE];
};

static const char *file_in(struct file_path *path, const struct cgroup_limits *limits,
			   const struct directory *directory, const char *name)
{
	snprintf(path->text, sizeof(path->text), "%s%s/%s", limits->root, directory->path, name);
	return path->text;
}

/* Files that are not there are of cgroups without this controller, or of the root. */
static bool read_number(const struct cgroup_limits *limits, const struct directory *directory,
			const char *name, uint64_t *number)
{
	struct file_path path;

	return kernel_file_read_number(file_in(&path, limits, directory, name), number) == 0;
}

static bool read_limit(const struct cgroup_limits *limits, const struct directory *directory,
		       const char *name, uint64_t *limit)
{
	return read_number(limits, directory, name, limit) && *limit < UNLIMITED_LEAST;
}

/* `key` is of a line of memory.stat, with its space. */
static uint64_t inactive_file_bytes(const struct cgroup_limits *limits,
				    const struct directory *directory, const char *key)
{
	struct file_path path;
	char text[STAT_SIZE];
	const char *field;
	uint64_t bytes;

	if (kernel_file_read(file_in(&path, limits, directory, "memory.stat"), text, sizeof(text)) <
	    0)
		return 0;
	field = kernel_file_field(text, key);
	return field && kernel_file_parse_number(field, &bytes) ? bytes : 0;
}

static struct resource_use read_memory(const struct cgroup_limits *limits,
				       const struct directory *directory, bool v2)
{
	struct resource_use use = {0};
	uint64_t cache;

	/* Most have no limit: the files that cost more are then not read. */
	if (!read_limit(limits, directory, v2 ? "memory.max" : "memory.limit_in_bytes",
			&use.limit) ||
	    !read_number(limits, directory, v2 ? "memory.current" : "memory.usage_in_bytes",
			 &use.used))
		return use;
	/* v1 counts those below only in the "total_" lines. */
	cache = inactive_file_bytes(limits, directory,
				    v2 ? "inactive_file " : "total_inactive_file ");
	use.used -= cache < use.used ? cache : use.used;
	use.known = true;
	return use;
}

static struct resource_use read_pids(const struct cgroup_limits *limits,
				     const struct directory *directory)
{
	struct resource_use use = {0};

	use.known = read_limit(limits, directory, "pids.max", &use.limit) &&
		    read_number(limits, directory, "pids.current", &use.used);
	return use;
}

static uint64_t room(const struct resource_use *use)
{
	return use->limit > use->used ? use->limit - use->used : 0;
}

/* How long the path is of the cgroup below the one whose path is `length` long. */
static size_t next_length(const char *path, size_t length)
{
	return length + 1 + strcspn(path + length + 1, "/");
}

struct resource_use cgroup_limits_find(struct cgroup_limits *limits,
				       enum cgroup_controller controller, const char *cgroup_text)
{
	struct resource_use tightest = {0};
	struct cgroup_place place;
	size_t length;

	if (!cgroup_mounts_locate(&limits->mounts, controller, cgroup_text, &place))
		return tightest;
	length = place.mount_length;
	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		struct directory *directory = find_directory(limits, place.directory, length);
		struct resource_use use;

		if (!directory)
			return tightest;
		if (!directory->fresh[controller]) {
			use = controller == CGROUP_MEMORY ? read_memory(limits, directory, place.v2)
							  : read_pids(limits, directory);
			directory->tightest[controller] =
				use.known && (!tightest.known || room(&use) < room(&tightest))
					? use
					: tightest;
			directory->fresh[controller] = true;
		}
		tightest = directory->tightest[controller];
		if (!place.directory[length])
			break;
		length = next_length(place.directory, length);
	}
	return tightest;
}
