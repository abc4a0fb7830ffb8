/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_LOSS_H
#define PARKSCOPE_MODEL_LOSS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Everything we failed to see, counted by cause. A cause is a snake_case word
 * with static lifetime; it is what every format prints. Zero-initialised is
 * empty. Pure.
 */

#define LOSS_CAUSES_MAX 64

struct loss {
	const char *cause;
	uint64_t total;    /* since the start */
	uint64_t interval; /* since losses_end_report() */
};

struct losses {
	size_t count;
	struct loss items[LOSS_CAUSES_MAX];
};

/* Adds to a cause; 0 adds nothing. Causes beyond LOSS_CAUSES_MAX count as the last one. */
void losses_add(struct losses *losses, const char *cause, uint64_t count);

/* Sets a cause to a total that somebody else counts. */
void losses_set_total(struct losses *losses, const char *cause, uint64_t total);

/* Of all causes, or of one, since the last report. */
uint64_t losses_interval(const struct losses *losses);
uint64_t losses_interval_of(const struct losses *losses, const char *cause);

void losses_end_report(struct losses *losses);

#endif
