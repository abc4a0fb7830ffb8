// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/event_ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Mapping costs as much as a few events, and is needed once for so many bytes of them. */
#define WINDOW_BYTES (256UL * 1024)

/*
 * The file, by include/uapi/linux/bpf.h and kernel/bpf/ringbuf.c: a page with the consumer's
 * position, which is ours to write, one with the producer's, and the data twice, so that no
 * event is in two pieces. Positions only grow.
 */
struct event_ring {
	int fd;
	size_t page_size;
	size_t size;
	uint64_t *consumed;
	const uint64_t *produced;
	const char *window; /* of the data; NULL: none is mapped */
	size_t window_first;
	size_t window_length;
};

void event_ring_free(struct event_ring *ring)
{
	if (!ring)
		return;
	if (ring->consumed)
		munmap(ring->consumed, ring->page_size);
	if (ring->produced)
		munmap((void *)ring->produced, ring->page_size);
	if (ring->window)
		munmap((void *)ring->window, ring->window_length);
	free(ring);
}

/* NULL and errno on failure. */
static void *map(const struct event_ring *ring, size_t offset, size_t length, int protection)
{
	void *mapped = mmap(NULL, length, protection, MAP_SHARED, ring->fd, (off_t)offset);

	return mapped == MAP_FAILED ? NULL : mapped;
}

int event_ring_open(int fd, size_t size, struct event_ring **ret, struct error *error)
{
	auto_free(event_ring) struct event_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return error_set(error, -ENOMEM, "out of memory");
	ring->fd = fd;
	ring->size = size;
	ring->page_size = (size_t)sysconf(_SC_PAGESIZE);
	ring->consumed = map(ring, 0, ring->page_size, PROT_READ | PROT_WRITE);
	if (ring->consumed)
		ring->produced = map(ring, ring->page_size, ring->page_size, PROT_READ);
	if (!ring->produced)
		return error_set(error, -errno, "cannot map the ring buffer: %s", strerror(errno));
	*ret = take_ptr(ring);
	return 0;
}

static int move_window(struct event_ring *ring, size_t first, size_t length)
{
	if (ring->window)
		munmap((void *)ring->window, ring->window_length);
	ring->window = map(ring, 2 * ring->page_size + first, length, PROT_READ);
	ring->window_first = first;
	ring->window_length = length;
	return ring->window ? 0 : -errno;
}

/* What is at this position, with so many bytes behind it; valid until the next call. */
static int look_at(struct event_ring *ring, uint64_t position, size_t length, const char **bytes)
{
	size_t offset = position % ring->size;
	size_t first = offset - offset % ring->page_size;
	int err = 0;

	if (!ring->window || offset < ring->window_first ||
	    offset + length > ring->window_first + ring->window_length) {
		size_t wanted = WINDOW_BYTES < ring->size ? WINDOW_BYTES : ring->size;

		if (wanted < offset + length - first)
			wanted = offset + length - first;
		err = move_window(ring, first, wanted);
	}
	if (!err)
		*bytes = ring->window + (offset - ring->window_first);
	return err;
}

/* The event at this position, if it is written to its end: 1; 0: it is not; or an error. */
static int take_event(struct event_ring *ring, uint64_t *position, event_handler handle,
		      void *context)
{
	const char *bytes;
	uint32_t header;
	size_t length;
	int err = look_at(ring, *position, BPF_RINGBUF_HDR_SZ, &bytes);

	if (err)
		return err;
	header = __atomic_load_n((const uint32_t *)(const void *)bytes, __ATOMIC_ACQUIRE);
	if (header & BPF_RINGBUF_BUSY_BIT)
		return 0;
	length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
	err = look_at(ring, *position, BPF_RINGBUF_HDR_SZ + length, &bytes);
	if (err)
		return err;
	if (!(header & BPF_RINGBUF_DISCARD_BIT))
		handle(context, bytes + BPF_RINGBUF_HDR_SZ, length);
	*position += BPF_RINGBUF_HDR_SZ + (length + 7) / 8 * 8;
	return 1;
}

int event_ring_drain(struct event_ring *ring, event_handler handle, void *context)
{
	uint64_t position = __atomic_load_n(ring->consumed, __ATOMIC_ACQUIRE);
	int taken = 1;

	while (taken == 1 && position < __atomic_load_n(ring->produced, __ATOMIC_ACQUIRE)) {
		taken = take_event(ring, &position, handle, context);
		/* At once: it makes room for the next. */
		if (taken == 1)
			__atomic_store_n(ring->consumed, position, __ATOMIC_RELEASE);
	}
	return taken < 0 ? taken : 0;
}
