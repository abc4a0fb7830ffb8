/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_GORUNTIME_GOROUTINE_WAIT_H
#define PARKSCOPE_GORUNTIME_GOROUTINE_WAIT_H

/* What a goroutine waits for, besides its reason: through g.waiting, a sudog. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "goruntime/go_process.h"
#include "goruntime/goroutine.h"

struct goroutine_wait {
	enum {
		GOROUTINE_WAIT_UNKNOWN, /* the goroutine does not tell; go_semaphores.h may */
		GOROUTINE_WAIT_CHANNEL,
		GOROUTINE_WAIT_SELECT,    /* of several channels; `object` is the first */
		GOROUTINE_WAIT_SEMAPHORE, /* 1.26 and newer; `object` is its address */
	} kind;
	uint64_t object;   /* address: goroutines with the same one wait for the same thing */
	uint64_t capacity; /* of the channel */
	uint64_t length;   /* elements in it */
	bool closed;
	bool has_receivers, has_senders; /* parked on it */
	bool alone;   /* no other goroutine is parked on the same side of this channel */
	size_t cases; /* channels of the select that were read */
};

/* 0; -ESTALE: moved or damaged meanwhile. */
int goroutine_wait_read(const struct go_process *go, const struct goroutine *goroutine,
			struct goroutine_wait *wait);

/* The thread that it holds (m.procid, a tid of the target's PID namespace); 0: none. */
uint64_t goroutine_thread(const struct go_process *go, const struct goroutine *goroutine);

/*
 * pprof labels as "key=value, key=value", sorted, printable as they are, bounded:
 * what the process says, not escaped. "" where there are none.
 */
void goroutine_labels_read(const struct go_process *go, const struct goroutine *goroutine,
			   char *text, size_t size);

#endif
