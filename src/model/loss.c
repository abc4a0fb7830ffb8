// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/loss.h"

#include <string.h>

static struct loss *losses_find_or_create(struct losses *losses, const char *cause)
{
	for (size_t i = 0; i < losses->count; i++)
		if (strcmp(losses->items[i].cause, cause) == 0)
			return &losses->items[i];
	if (losses->count == LOSS_CAUSES_MAX)
		return &losses->items[LOSS_CAUSES_MAX - 1];
	losses->items[losses->count].cause = cause;
	return &losses->items[losses->count++];
}

void losses_add(struct losses *losses, const char *cause, uint64_t count)
{
	struct loss *loss;

	if (!count)
		return;
	loss = losses_find_or_create(losses, cause);
	loss->total += count;
	loss->interval += count;
}

void losses_set_total(struct losses *losses, const char *cause, uint64_t total)
{
	struct loss *loss;

	if (!total)
		return;
	loss = losses_find_or_create(losses, cause);
	if (total > loss->total) {
		loss->interval += total - loss->total;
		loss->total = total;
	}
}

uint64_t losses_interval(const struct losses *losses)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < losses->count; i++)
		sum += losses->items[i].interval;
	return sum;
}

uint64_t losses_interval_of(const struct losses *losses, const char *cause)
{
	for (size_t i = 0; i < losses->count; i++)
		if (strcmp(losses->items[i].cause, cause) == 0)
			return losses->items[i].interval;
	return 0;
}

void losses_end_report(struct losses *losses)
{
	for (size_t i = 0; i < losses->count; i++)
		losses->items[i].interval = 0;
}
