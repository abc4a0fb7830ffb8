/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_HOST_EVENT_RING_H
#define PARKSCOPE_HOST_EVENT_RING_H

/*
 * Reads a BPF ring buffer through a window that moves along with what is read. libbpf's
 * reader maps the whole buffer twice, and all that is mapped counts as this process's memory.
 */

#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

struct event_ring;

/* `bytes` is 8-byte aligned, and there until the handler returns. */
typedef void (*event_handler)(void *context, const void *bytes, size_t size);

/*
 * `fd` is a map of type BPF_MAP_TYPE_RINGBUF with room for `size` bytes, and stays the
 * caller's. It is readable (poll(2)) when there are events.
 */
int event_ring_open(int fd, size_t size, struct event_ring **ring, struct error *error);
void event_ring_free(struct event_ring *ring);
define_auto_free(event_ring)

/*
 * Hands all events that are there to the handler. 0, or a negative errno where the buffer
 * cannot be mapped: the rest stays.
 */
int event_ring_drain(struct event_ring *ring, event_handler handle, void *context);

#endif
