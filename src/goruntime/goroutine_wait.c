// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/goroutine_wait.h"

#include <errno.h>
#include <string.h>

#include "goruntime/goroutine_sweep.h"
#include "process/process_memory.h"

enum {
	/* Channels of a select that are followed. */
	CASES_MAX = 64,
	/* A sudog, or an hchan with the end of its last queue. */
	RECORD_SIZE_MAX = GO_STRUCTURE_SIZE_MAX + sizeof(uint64_t),
};

struct sudog {
	uint64_t goroutine, next, channel;
	uint64_t element; /* of a semaphore: its address */
	bool is_select;
};

static uint64_t word_at(const uint8_t *bytes, uint16_t offset)
{
	uint64_t word;

	memcpy(&word, bytes + offset, sizeof(word));
	return word;
}

static int read_record(const struct go_process *go, uint64_t address, uint16_t size,
		       uint8_t bytes[RECORD_SIZE_MAX])
{
	return process_memory_read(go_process_pid(go), address, bytes, size) == size ? 0 : -ESTALE;
}

static int read_sudog(const struct go_process *go, uint64_t address, struct sudog *sudog)
{
	const struct go_layout *layout = go_process_layout(go);
	uint8_t bytes[RECORD_SIZE_MAX];
	int err = read_record(go, address, layout->sudog.size, bytes);

	if (err)
		return err;
	sudog->goroutine = word_at(bytes, layout->sudog.g);
	sudog->next = word_at(bytes, layout->sudog.wait_link);
	sudog->channel = word_at(bytes, layout->sudog.c);
	sudog->element = word_at(bytes, layout->sudog.elem);
	sudog->is_select = bytes[layout->sudog.is_select] != 0;
	return 0;
}

/* A queue of sudogs, src/runtime/chan.go: waitq{first, last}. */
static bool is_alone(const uint8_t *bytes, uint16_t queue, uint64_t sudog)
{
	return word_at(bytes, queue) == sudog &&
	       word_at(bytes, (uint16_t)(queue + sizeof(uint64_t))) == sudog;
}

static int read_channel(const struct go_process *go, const struct sudog *sudog, uint64_t address,
			struct goroutine_wait *wait)
{
	const struct go_layout *layout = go_process_layout(go);
	/* A queue's first is the last field of the layout; its last follows it. */
	uint16_t size = (uint16_t)(layout->channel.size + sizeof(uint64_t));
	uint8_t bytes[RECORD_SIZE_MAX];
	uint32_t closed;
	int err = read_record(go, sudog->channel, size, bytes);

	if (err)
		return err;
	memcpy(&closed, bytes + layout->channel.closed, sizeof(closed));
	wait->object = sudog->channel;
	wait->length = word_at(bytes, layout->channel.count);
	wait->capacity = word_at(bytes, layout->channel.capacity);
	wait->closed = closed != 0;
	wait->has_receivers = word_at(bytes, layout->channel.receivers) != 0;
	wait->has_senders = word_at(bytes, layout->channel.senders) != 0;
	wait->alone = is_alone(bytes, layout->channel.receivers, address) ||
		      is_alone(bytes, layout->channel.senders, address);
	/* Both are of type int: makechan() in src/runtime/chan.go. */
	return wait->length <= wait->capacity && wait->capacity <= INT64_MAX ? 0 : -ESTALE;
}

/* Of a select, in the order of its channels' addresses; alone if it is so on all of them. */
static int read_cases(const struct go_process *go, const struct goroutine *goroutine,
		      const struct sudog *first, struct goroutine_wait *wait)
{
	struct sudog sudog = *first;
	uint64_t address = goroutine->waiting;

	wait->kind = GOROUTINE_WAIT_SELECT;
	wait->cases = 1;
	while (sudog.next && wait->cases < CASES_MAX) {
		struct goroutine_wait other = {0};
		int err;

		address = sudog.next;
		err = read_sudog(go, address, &sudog);
		if (!err && (sudog.goroutine != goroutine->address || !sudog.channel))
			err = -ESTALE;
		if (!err)
			err = read_channel(go, &sudog, address, &other);
		if (err)
			return err;
		wait->alone &= other.alone;
		wait->cases++;
	}
	return 0;
}

static int read_channels(const struct go_process *go, const struct goroutine *goroutine,
			 const struct sudog *first, struct goroutine_wait *wait)
{
	int err = read_channel(go, first, goroutine->waiting, wait);

	wait->kind = GOROUTINE_WAIT_CHANNEL;
	return !err && first->is_select ? read_cases(go, goroutine, first, wait) : err;
}

/* From Go 1.26 on those who wait for a semaphore say so, too: src/runtime/sema.go, queue(). */
static int set_semaphore(const struct sudog *sudog, struct goroutine_wait *wait)
{
	wait->kind = GOROUTINE_WAIT_SEMAPHORE;
	wait->object = sudog->element;
	return sudog->element ? 0 : -ESTALE;
}

int goroutine_wait_read(const struct go_process *go, const struct goroutine *goroutine,
			struct goroutine_wait *wait)
{
	struct goroutine_wait found = {.kind = GOROUTINE_WAIT_UNKNOWN};
	struct goroutine again;
	struct sudog sudog;
	int err;

	if (goroutine->status != GO_STATUS_WAITING || !goroutine->waiting) {
		*wait = found;
		return 0;
	}
	err = read_sudog(go, goroutine->waiting, &sudog);
	if (err)
		return err;
	if (sudog.goroutine != goroutine->address)
		return -ESTALE;
	err = sudog.channel ? read_channels(go, goroutine, &sudog, &found)
			    : set_semaphore(&sudog, &found);
	if (err)
		return err;
	if (goroutine_read(go, goroutine->address, &again) || !goroutine_unmoved(goroutine, &again))
		return -ESTALE;
	*wait = found;
	return 0;
}

uint64_t goroutine_thread(const struct go_process *go, const struct goroutine *goroutine)
{
	uint64_t tid;

	if (!goroutine->m ||
	    process_memory_read(go_process_pid(go), goroutine->m + go_process_layout(go)->m.procid,
				&tid, sizeof(tid)) != sizeof(tid))
		return 0;
	return tid;
}
