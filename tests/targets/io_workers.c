/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * io_uring workers: `splices` from an empty pipe, each forced into a worker of the kernel's, which
 * is a thread of this process with PF_IO_WORKER (Linux 5.12 and newer) that nobody here created. (A
 * read would be polled and keep no worker.) After `go` and when all splices stand, `done=1`;
 * `io_workers` counts the workers by their names in /proc/self/task.
 */
#include "target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RING_ENTRIES 64

static uint64_t splices = 5;
static int ring = -1;
static struct io_uring_params params;
static char *submissions;
static struct io_uring_sqe *entries;

static bool is_io_worker(const char *tid)
{
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/comm", tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	fclose(file);
	return strncmp(name, "iou-wrk-", strlen("iou-wrk-")) == 0;
}

static uint64_t count_io_workers(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	uint64_t count = 0;

	if (!tasks)
		target_die("/proc/self/task: %m");
	while ((entry = readdir(tasks)))
		count += entry->d_name[0] != '.' && is_io_worker(entry->d_name);
	closedir(tasks);
	return count;
}

static void open_ring(void)
{
	size_t bytes_of_ring;

	ring = (int)syscall(SYS_io_uring_setup, RING_ENTRIES, &params);
	if (ring < 0)
		return;
	bytes_of_ring = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
	submissions = mmap(NULL, bytes_of_ring, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			   ring, IORING_OFF_SQ_RING);
	entries = mmap(NULL, params.sq_entries * sizeof(*entries), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
	if (submissions == MAP_FAILED || entries == MAP_FAILED)
		target_die("mmap of the ring: %m");
}

static void submit_splices(int from, int to)
{
	uint32_t *tail = (uint32_t *)(void *)(submissions + params.sq_off.tail);
	uint32_t *mask = (uint32_t *)(void *)(submissions + params.sq_off.ring_mask);
	uint32_t *array = (uint32_t *)(void *)(submissions + params.sq_off.array);
	uint32_t at = *tail;

	for (uint64_t i = 0; i < splices; i++, at++) {
		uint32_t slot = at & *mask;

		entries[slot] = (struct io_uring_sqe){
			.opcode = IORING_OP_SPLICE,
			.flags = IOSQE_ASYNC,
			.fd = to,
			.off = UINT64_MAX,
			.splice_fd_in = from,
			.splice_off_in = UINT64_MAX,
			.len = 1,
		};
		array[slot] = slot;
	}
	__atomic_store_n(tail, at, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, splices, 0, 0, NULL, 0) != (long)splices)
		target_die("io_uring_enter: %m");
}

/* Until as many workers stand as there are splices. */
static void wait_workers(void)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	uint64_t limit_ns = target_now_ns() + 60000000000;

	while (count_io_workers() < splices) {
		if (target_now_ns() > limit_ns)
			target_die("io_uring makes %ju workers for %ju splices",
				   (uintmax_t)count_io_workers(), (uintmax_t)splices);
		nanosleep(&pause, NULL);
	}
}

static void report(void)
{
	target_print("io_workers", count_io_workers());
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {{"splices", &splices}};
	bool submitted = false;
	int ends[2], sink;

	target_start(argc, argv, options, 1);
	if (!splices || splices > RING_ENTRIES)
		target_die("splices must be 1 to %d", RING_ENTRIES);
	/* Blocking, so that each splice keeps its worker. */
	sink = open("/dev/null", O_WRONLY);
	if (pipe(ends) < 0 || sink < 0)
		target_die("pipe and /dev/null: %m");
	open_ring();
	if (ring < 0) {
		fprintf(stderr, "io_workers: io_uring_setup: %s\n", strerror(errno));
		target_unsupported("io_uring");
		target_ready();
		return 0;
	}
	target_on_report(report);
	target_print("threads", 0);
	target_ready();
	for (;;) {
		switch (target_next(-1)) {
		case TARGET_QUIT:
			target_finish();
		case TARGET_GO:
			if (!submitted) {
				submit_splices(ends[0], sink);
				wait_workers();
				submitted = true;
			}
			target_done();
			break;
		default:
			break;
		}
	}
}
