/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_ITERATOR_READ_H
#define PARKSCOPE_SOURCES_ITERATOR_READ_H

#include <stddef.h>

#include "base/error.h"
#include "bpf/abi.h"

/* What a BPF iterator wrote, in a buffer that is used again for each sweep. */
struct iterator_buffer {
	char *bytes;
	size_t length;
	size_t capacity;
};

/*
 * Reads all that the iterator writes and closes `fd`; a negative `fd` is an
 * error that is already described, and returned. -EFBIG beyond `limit` bytes.
 */
int iterator_read(int fd, size_t limit, struct iterator_buffer *buffer, struct error *error);

void iterator_buffer_clear(struct iterator_buffer *buffer);

/*
 * The snapshot at `*position`, which moves past it and its totals; NULL at the
 * end, or where what follows is not whole.
 */
struct abi_task_snapshot *iterator_next_snapshot(const struct iterator_buffer *buffer,
						 size_t *position);

/* The `totals_count` totals that follow a snapshot in its buffer. */
const struct abi_wait_totals *snapshot_totals(const struct abi_task_snapshot *snapshot);

/* The `remembered_count` sums behind them. */
const struct abi_remembered_waits *snapshot_remembered(const struct abi_task_snapshot *snapshot);

#endif
