// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/event_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit_test.h"

#define RING_BYTES (1024UL * 1024)
#define HEADER     BPF_RINGBUF_HDR_SZ

/* A file that is laid out like a ring buffer, and what was read from it. */
struct ring_file {
	int fd;
	uint64_t produced;
	struct event_ring *ring;
	char seen[256]; /* the first byte of each event */
	size_t count;
	size_t bytes;
};

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The kernel maps the data twice; a file has to be written twice. */
static void write_data(const struct ring_file *file, uint64_t position, const void *bytes,
		       size_t size)
{
	size_t data = 2 * page();
	size_t offset = position % RING_BYTES;

	assert_int_equal(pwrite(file->fd, bytes, size, (off_t)(data + offset)), size);
	assert_int_equal(pwrite(file->fd, bytes, size, (off_t)(data + RING_BYTES + offset)), size);
	if (offset + size > RING_BYTES)
		assert_int_equal(pwrite(file->fd, (const char *)bytes + (RING_BYTES - offset),
					offset + size - RING_BYTES, (off_t)data),
				 offset + size - RING_BYTES);
}

static void publish(struct ring_file *file, uint64_t produced)
{
	file->produced = produced;
	assert_int_equal(pwrite(file->fd, &produced, sizeof(produced), (off_t)page()), 8);
}

/* Returns the position of its header. */
static uint64_t produce(struct ring_file *file, char letter, uint32_t length, uint32_t flags)
{
	uint64_t position = file->produced;
	const uint32_t header[2] = {length | flags};
	char bytes[4096];

	memset(bytes, letter, sizeof(bytes));
	memcpy(bytes, header, sizeof(header));
	write_data(file, position, bytes, HEADER + length);
	publish(file, position + HEADER + (length + 7) / 8 * 8);
	return position;
}

static uint64_t consumed(const struct ring_file *file)
{
	uint64_t position = 0;

	assert_int_equal(pread(file->fd, &position, sizeof(position), 0), 8);
	return position;
}

static void handle(void *context, const void *bytes, size_t size)
{
	struct ring_file *file = context;
	const char *text = bytes;

	assert_int_equal((uintptr_t)bytes % 8, 0);
	for (size_t i = 1; i < size; i++)
		assert_int_equal(text[i], text[0]);
	file->seen[file->count++ % sizeof(file->seen)] = text[0];
	file->bytes += size;
}

static int set_up(void **state)
{
	struct ring_file *file = calloc(1, sizeof(*file));

	assert_non_null(file);
	file->fd = memfd_create("event_ring", MFD_CLOEXEC);
	assert_true(file->fd >= 0);
	assert_int_equal(ftruncate(file->fd, (off_t)(2 * page() + 2 * RING_BYTES)), 0);
	assert_int_equal(event_ring_open(file->fd, RING_BYTES, &file->ring, NULL), 0);
	*state = file;
	return 0;
}

static int tear_down(void **state)
{
	struct ring_file *file = *state;

	event_ring_free(file->ring);
	close(file->fd);
	free(file);
	return 0;
}

static void events_are_read_once_and_in_order(void **state)
{
	struct ring_file *file = *state;

	assert_int_equal(event_ring_drain(file->ring, handle, file), 0);
	assert_int_equal(file->count, 0);
	produce(file, 'a', 40, 0);
	produce(file, 'b', 1, 0);
	produce(file, 'c', 1500, 0);
	assert_int_equal(event_ring_drain(file->ring, handle, file), 0);
	produce(file, 'd', 8, 0);
	assert_int_equal(event_ring_drain(file->ring, handle, file), 0);
	assert_int_equal(file->count, 4);
	assert_memory_equal(file->seen, "abcd", 4);
	assert_int_equal(file->bytes, 40 + 1 + 1500 + 8);
	assert_int_equal(consumed(file), file->produced);
}

static void discarded_events_are_skipped(void **state)
{
	struct ring_file *file = *state;

	produce(file, 'a', 16, BPF_RINGBUF_DISCARD_BIT);
	produce(file, 'b', 16, 0);
	assert_int_equal(event_ring_drain(file->ring, handle, file), 0);
	assert_int_equal(file->count, 1);
	assert_int_equal(file->seen[0], 'b');
}

static void an_event_that_is_being_written_ends_it(void **state)
{
	struct ring_file *file = *state;
	const uint32_t done = 16;
	uint64_t busy;

	produce(file, 'a', 16, 0);
	busy = produce(file, 'b', 16, BPF_RINGBUF_BUSY_BIT);
	produce(file, 'c', 16, 0);
	assert_int_equal(event_ring_drain(file->ring, handle, file), 0);
	assert_int_equal(file->count, 1);
	assert_int_equal(consumed(file), busy);
	write_data(file, busy, &done, sizeof(done));
	assert_int_equal(event_ring_drain(file->ring, handle, file), 0);
	assert_int_equal(file->count, 3);
	assert_memory_equal(file->seen, "abc", 3);
}

static uint64_t mapped_bytes(void)
{
	autofclose FILE *maps = fopen("/proc/self/maps", "re");
	uint64_t start, end, sum = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "memfd:event_ring") &&
		    sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) == 2)
			sum += end - start;
	return sum;
}

/* Three times around, so that events of 1,008 bytes with their header lie across the end. */
static void the_window_follows(void **state)
{
	struct ring_file *file = *state;
	size_t produced = 0;

	while (file->produced < 3 * RING_BYTES) {
		for (int i = 0; i < 700; i++)
			produce(file, (char)('a' + produced++ % 26), 1000, 0);
		assert_int_equal(event_ring_drain(file->ring, handle, file), 0);
		assert_int_equal(file->count, produced);
		assert_int_equal(file->seen[(produced - 1) % sizeof(file->seen)],
				 'a' + (produced - 1) % 26);
		assert_in_range(mapped_bytes(), 1, 2 * page() + RING_BYTES / 4 + page());
	}
	assert_int_equal(file->bytes, 1000 * produced);
}

static void what_cannot_be_mapped_is_refused(void **state)
{
	struct event_ring *ring = NULL;
	struct error error = {0};
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(event_ring_open(fd, RING_BYTES, &ring, &error), -ENODEV);
	assert_string_equal(error.text, "cannot map the ring buffer: No such device");
	assert_null(ring);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(events_are_read_once_and_in_order, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(discarded_events_are_skipped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_event_that_is_being_written_ends_it, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_window_follows, set_up, tear_down),
		cmocka_unit_test(what_cannot_be_mapped_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
