// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/perf_map.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "process/process_identity.h"
#include "symbols/perf_map_lines.h"

enum {
	/* Bytes that are read at once. */
	CHUNK_SIZE = 64 << 10,
};

/* Which state of which file was read. */
struct file_state {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
};

struct perf_map {
	pid_t pid;
	struct symbol_index index;
	bool truncated;
	struct file_state read; /* zeroed: nothing was */
	uint64_t next_check_ns;
};

struct perf_map *perf_map_new(pid_t pid)
{
	struct perf_map *map = calloc(1, sizeof(*map));

	if (map)
		map->pid = pid;
	return map;
}

void perf_map_free(struct perf_map *map)
{
	if (!map)
		return;
	symbol_index_clear(&map->index);
	free(map);
}

/* O_PATH only names the file: no driver, no FIFO and no lease sees it. */
static int name_file(int root, pid_t ns_pid)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	char path[64];
	long fd;

	snprintf(path, sizeof(path), "tmp/perf-%d.map", (int)ns_pid);
	fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

int perf_map_open(int root, pid_t ns_pid, uid_t owner)
{
	autoclose int named = name_file(root, ns_pid);
	struct stat status;
	char path[64];
	int fd;

	if (named < 0)
		return named;
	if (fstat(named, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || (status.st_uid != owner && status.st_uid != 0))
		return -EPERM;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", named);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

static int open_of_process(pid_t pid)
{
	auto_free(process_identity) struct process_identity *identity = NULL;
	autoclose int root = -1;
	char path[64];
	int err = process_identity_read(pid, &identity, NULL);

	if (err)
		return err;
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -errno : perf_map_open(root, identity->ns_pid, identity->effective_uid);
}

static int read_lines(struct perf_map_lines *lines, int fd, off_t from, off_t to)
{
	autofree char *chunk = malloc(CHUNK_SIZE);
	int err = chunk ? 0 : -ENOMEM;

	while (!err && from < to) {
		size_t wanted = to - from < CHUNK_SIZE ? (size_t)(to - from) : CHUNK_SIZE;
		ssize_t got = pread(fd, chunk, wanted, from);

		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		err = perf_map_lines_add(lines, chunk, (size_t)got);
		from += got;
	}
	return err;
}

static struct file_state state_of(const struct stat *status)
{
	return (struct file_state){
		.device = status->st_dev,
		.inode = status->st_ino,
		.size = status->st_size,
		.modified = status->st_mtim,
	};
}

static bool same_state(const struct file_state *a, const struct file_state *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

static int read_file(struct perf_map *map, int fd, off_t size)
{
	off_t from = size > PERF_MAP_SIZE_MAX ? size - PERF_MAP_SIZE_MAX : 0;
	auto_free(perf_map_lines) struct perf_map_lines *lines = perf_map_lines_new(from > 0);
	struct symbol_index index;
	int err = lines ? read_lines(lines, fd, from, size) : -ENOMEM;

	if (!err)
		err = perf_map_lines_index(lines, &index);
	if (err)
		return err;
	symbol_index_clear(&map->index);
	map->index = index;
	map->truncated = from > 0 || perf_map_lines_truncated(lines);
	return 0;
}

int perf_map_read(struct perf_map *map, int fd)
{
	struct file_state state;
	struct stat status;
	int err;

	if (fstat(fd, &status) < 0)
		return -errno;
	state = state_of(&status);
	if (same_state(&state, &map->read))
		return 0;
	err = read_file(map, fd, status.st_size);
	if (!err)
		map->read = state;
	return err;
}

bool perf_map_is_due(const struct perf_map *map, uint64_t now_ns)
{
	return now_ns >= map->next_check_ns;
}

size_t perf_map_refresh(struct perf_map *map, uint64_t now_ns)
{
	struct file_state before = map->read;
	autoclose int fd = open_of_process(map->pid);
	size_t size;

	map->next_check_ns = now_ns + PERF_MAP_CHECK_NS;
	if (fd < 0 || perf_map_read(map, fd) < 0 || same_state(&before, &map->read))
		return 0;
	size = map->read.size < PERF_MAP_SIZE_MAX ? (size_t)map->read.size : PERF_MAP_SIZE_MAX;
	map->next_check_ns += size * PERF_MAP_READ_NS_PER_BYTE;
	return size;
}

bool perf_map_find(const struct perf_map *map, uint64_t address, struct perf_map_symbol *found)
{
	const struct symbol_entry *entry = symbol_index_find(&map->index, address);

	if (!entry)
		return false;
	*found = (struct perf_map_symbol){
		.name = symbol_index_name(&map->index, entry),
		.address = entry->address,
		.size = entry->size,
	};
	return true;
}

size_t perf_map_count(const struct perf_map *map)
{
	return map->index.count;
}

bool perf_map_truncated(const struct perf_map *map)
{
	return map->truncated;
}

size_t perf_map_memory(const struct perf_map *map)
{
	return sizeof(*map) + symbol_index_memory(&map->index);
}
