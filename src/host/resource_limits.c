// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/resource_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cgroup_limits.h"
#include "host/kernel_file.h"
#include "host/user_threads.h"

enum {
	SHORT_SIZE = 256,       /* statm, loadavg */
	LIMITS_SIZE = 4096,     /* sixteen lines of 80 bytes */
	CGROUP_SIZE = 64 << 10, /* fifteen lines, each at most PATH_MAX long */
	MAPS_SIZE = 64 << 10,
};

/* PROC_USER_INIT_INO of include/linux/proc_ns.h, as readlink(2) shows it. */
#define INITIAL_USER_NAMESPACE "user:[4026531837]"

struct resource_limits {
	char *proc; /* with the root before it */
	struct cgroup_limits *cgroups;
	struct user_threads *users; /* of this sweep, or NULL */
	bool host_read;             /* the next two are of this sweep */
	struct resource_use threads_max, pid_max;
	uint64_t map_count_max; /* 0: not known */
};

int resource_limits_new(const char *root, struct resource_limits **out, struct error *error)
{
	auto_free(resource_limits) struct resource_limits *limits = calloc(1, sizeof(*limits));
	int result;

	if (!limits || asprintf(&limits->proc, "%s/proc", root) < 0) {
		if (limits)
			limits->proc = NULL;
		return error_set(error, -ENOMEM, "out of memory");
	}
	result = cgroup_limits_new(root, &limits->cgroups);
	if (result < 0)
		return error_set(error, result, "cannot read %s/self/mountinfo: %s", limits->proc,
				 strerror(-result));
	*out = take_ptr(limits);
	return 0;
}

void resource_limits_free(struct resource_limits *limits)
{
	if (!limits)
		return;
	user_threads_free(limits->users);
	cgroup_limits_free(limits->cgroups);
	free(limits->proc);
	free(limits);
}

void resource_limits_begin_sweep(struct resource_limits *limits)
{
	cgroup_limits_begin_sweep(limits->cgroups);
	user_threads_free(take_ptr(limits->users));
	limits->host_read = false;
}

int resource_limits_count_users(struct resource_limits *limits)
{
	user_threads_free(take_ptr(limits->users));
	return user_threads_count(limits->proc, &limits->users);
}

static int read_proc(const struct resource_limits *limits, const char *name, char *text,
		     size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", limits->proc, name);
	return kernel_file_read(path, text, size);
}

static uint64_t read_sysctl(const struct resource_limits *limits, const char *name)
{
	char path[PATH_MAX];
	uint64_t value;

	snprintf(path, sizeof(path), "%s/sys/%s", limits->proc, name);
	return kernel_file_read_number(path, &value) == 0 ? value : 0;
}

/* "0.20 0.18 0.12 1/80 11206": of tasks, 1 runs and 80 are there. */
static bool count_tasks(const struct resource_limits *limits, uint64_t *tasks)
{
	char text[SHORT_SIZE];
	const char *slash;

	if (read_proc(limits, "loadavg", text, sizeof(text)) < 0)
		return false;
	slash = strchr(text, '/');
	return slash && kernel_file_parse_number(slash + 1, tasks);
}

/* Once in a sweep. */
static void read_host(struct resource_limits *limits)
{
	uint64_t tasks = 0;
	bool known = count_tasks(limits, &tasks);

	limits->threads_max = (struct resource_use){
		.used = tasks,
		.limit = read_sysctl(limits, "kernel/threads-max"),
	};
	limits->pid_max = (struct resource_use){
		.used = tasks,
		.limit = read_sysctl(limits, "kernel/pid_max"),
	};
	limits->threads_max.known = known && limits->threads_max.limit;
	limits->pid_max.known = known && limits->pid_max.limit;
	limits->map_count_max = read_sysctl(limits, "vm/max_map_count");
	limits->host_read = true;
}

static int read_process_file(const struct resource_limits *limits, pid_t pid, const char *name,
			     char *text, size_t size)
{
	char path[PATH_MAX];
	int result;

	snprintf(path, sizeof(path), "%s/%d/%s", limits->proc, pid, name);
	result = kernel_file_read(path, text, size);
	return result == -ENOENT ? -ESRCH : result;
}

/* The second number of statm is in pages. */
static int read_rss(const struct resource_limits *limits, pid_t pid, uint64_t *bytes)
{
	char text[SHORT_SIZE];
	int result = read_process_file(limits, pid, "statm", text, sizeof(text));
	const char *space;
	uint64_t pages;

	if (result < 0)
		return result;
	space = strchr(text, ' ');
	if (!space || !kernel_file_parse_number(space + 1, &pages))
		return -EINVAL;
	*bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

/* As copy_process() in kernel/fork.c asks; INIT_USER is the host's root. */
static bool is_exempt_from_nproc(const struct resource_limits *limits, pid_t pid,
				 const struct process_status *status)
{
	const uint64_t exempting = 1ULL << CAP_SYS_RESOURCE | 1ULL << CAP_SYS_ADMIN;
	char path[PATH_MAX], name[sizeof(INITIAL_USER_NAMESPACE) + 1];
	ssize_t length;

	if (status->real_uid == 0)
		return true;
	if (!(status->capabilities & exempting))
		return false;
	/* Capabilities of another user namespace do not count. */
	snprintf(path, sizeof(path), "%s/%d/ns/user", limits->proc, pid);
	length = readlink(path, name, sizeof(name));
	return length == (ssize_t)strlen(INITIAL_USER_NAMESPACE) &&
	       memcmp(name, INITIAL_USER_NAMESPACE, (size_t)length) == 0;
}

/* "Max processes", then the soft limit, a number or "unlimited". */
static struct resource_use read_nproc(const struct resource_limits *limits, pid_t pid,
				      const struct process_status *status)
{
	struct resource_use use = {0};
	char text[LIMITS_SIZE];
	const char *field;

	if (!limits->users || is_exempt_from_nproc(limits, pid, status) ||
	    read_process_file(limits, pid, "limits", text, sizeof(text)) < 0)
		return use;
	field = kernel_file_field(text, "Max processes");
	use.known = field && kernel_file_parse_number(field, &use.limit);
	use.used = user_threads_of(limits->users, status->real_uid);
	return use;
}

/*
 * A line each. The kernel does not make more than the limit, but it may have been lowered since;
 * twice as many are enough to see that it is met.
 */
static struct resource_use count_mappings(const struct resource_limits *limits, pid_t pid)
{
	struct resource_use use = {.limit = limits->map_count_max};
	char path[PATH_MAX], text[MAPS_SIZE];
	autoclose int fd = -1;
	ssize_t got;

	snprintf(path, sizeof(path), "%s/%d/maps", limits->proc, pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || !use.limit)
		return use;
	while ((got = read(fd, text, sizeof(text))) > 0 && use.used < 2 * use.limit)
		for (const char *at = text; (at = memchr(at, '\n', (size_t)(text + got - at)));
		     at++)
			use.used++;
	/* Without any, the process has ended, or is the kernel's. */
	use.known = got >= 0 && use.used;
	return use;
}

int resource_limits_read(struct resource_limits *limits, pid_t pid, bool with_mappings,
			 struct process_resources *out)
{
	struct process_resources found = {0};
	struct process_status status;
	char text[CGROUP_SIZE];
	int result;

	if (!limits->host_read)
		read_host(limits);
	result = read_rss(limits, pid, &found.rss_bytes);
	if (result == 0)
		result = process_status_read(limits->proc, pid, &status);
	if (result < 0)
		return result == -ENOENT ? -ESRCH : result;
	found.threads = status.threads;
	found.threads_max = limits->threads_max;
	found.pid_max = limits->pid_max;
	found.nproc = read_nproc(limits, pid, &status);
	if (with_mappings)
		found.max_map_count = count_mappings(limits, pid);
	if (read_process_file(limits, pid, "cgroup", text, sizeof(text)) == 0) {
		found.memory_max = cgroup_limits_find(limits->cgroups, CGROUP_MEMORY, text);
		found.pids_max = cgroup_limits_find(limits->cgroups, CGROUP_PIDS, text);
	}
	*out = found;
	return 0;
}
