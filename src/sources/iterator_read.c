// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/iterator_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The kernel hands out at most its own buffer of 32 KiB at a time. */
#define READ_BYTES (64UL * 1024)

void iterator_buffer_clear(struct iterator_buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct iterator_buffer){0};
}

static int reserve(struct iterator_buffer *buffer, size_t limit)
{
	size_t capacity = buffer->capacity ? buffer->capacity : 4 * READ_BYTES;
	char *grown;

	if (buffer->length + READ_BYTES <= buffer->capacity)
		return 0;
	if (buffer->length >= limit)
		return -EFBIG;
	while (capacity < buffer->length + READ_BYTES)
		capacity *= 2;
	grown = realloc(buffer->bytes, capacity);
	if (!grown)
		return -ENOMEM;
	buffer->bytes = grown;
	buffer->capacity = capacity;
	return 0;
}

int iterator_read(int fd, size_t limit, struct iterator_buffer *buffer, struct error *error)
{
	autoclose int owned = fd;

	if (fd < 0)
		return fd;
	buffer->length = 0;
	for (;;) {
		ssize_t got;
		int err = reserve(buffer, limit);

		if (err)
			return error_set(error, err, "too many threads for one sweep: %s",
					 strerror(-err));
		got = read(owned, buffer->bytes + buffer->length, READ_BYTES);
		if (got == 0)
			return 0;
		if (got > 0)
			buffer->length += (size_t)got;
		else if (errno != EINTR && errno != EAGAIN)
			return error_set(error, -errno, "cannot read the task iterator: %s",
					 strerror(errno));
	}
}

struct abi_task_snapshot *iterator_next_snapshot(const struct iterator_buffer *buffer,
						 size_t *position)
{
	size_t left = buffer->length - *position;
	struct abi_task_snapshot *snapshot;
	size_t totals_size, remembered_size;

	if (left < sizeof(*snapshot))
		return NULL;
	/* Aligned: the buffer is, and so is the size of everything in it. */
	snapshot = (struct abi_task_snapshot *)(void *)(buffer->bytes + *position);
	totals_size = (size_t)snapshot->totals_count * sizeof(struct abi_wait_totals);
	remembered_size = (size_t)snapshot->remembered_count * sizeof(struct abi_remembered_waits);
	if (snapshot->totals_count > ABI_WAIT_TOTALS_MAX ||
	    snapshot->remembered_count > ABI_REMEMBERED_WAITS_MAX ||
	    left - sizeof(*snapshot) < totals_size + remembered_size)
		return NULL;
	*position += sizeof(*snapshot) + totals_size + remembered_size;
	return snapshot;
}

const struct abi_wait_totals *snapshot_totals(const struct abi_task_snapshot *snapshot)
{
	return (const struct abi_wait_totals *)(const void *)(snapshot + 1);
}

const struct abi_remembered_waits *snapshot_remembered(const struct abi_task_snapshot *snapshot)
{
	return (const void *)(snapshot_totals(snapshot) + snapshot->totals_count);
}
