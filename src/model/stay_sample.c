// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/stay_sample.h"

#include <stdlib.h>

/* Whether an id is in a sample of one in 2^shift. */
static bool is_sampled(uint64_t id, unsigned int shift)
{
	return !(id & ((1ULL << shift) - 1));
}

static void thin_out(struct stay_sample *sample)
{
	size_t kept = 0;

	sample->shift++;
	for (size_t i = 0; i < sample->count; i++)
		if (is_sampled(sample->ids[i], sample->shift))
			sample->ids[kept++] = sample->ids[i];
	sample->count = kept;
}

static bool make_room(struct stay_sample *sample)
{
	size_t capacity = sample->capacity ? 2 * sample->capacity : 16;
	uint64_t *ids;

	if (sample->count < sample->capacity)
		return true;
	ids = realloc(sample->ids, capacity * sizeof(*ids));
	if (!ids)
		return false;
	sample->ids = ids;
	sample->capacity = capacity;
	return true;
}

void stay_sample_add(struct stay_sample *sample, uint64_t id)
{
	if (sample->failed || !is_sampled(id, sample->shift))
		return;
	/* Equal ids, which only a hostile file has, could fill it for ever. */
	while (sample->count == STAY_SAMPLE_MAX && sample->shift < STAY_SAMPLE_SHIFT_MAX)
		thin_out(sample);
	if (!is_sampled(id, sample->shift))
		return;
	if (sample->count == STAY_SAMPLE_MAX || !make_room(sample)) {
		sample->failed = true;
		return;
	}
	sample->ids[sample->count++] = id;
}

static int compare_ids(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

void stay_sample_sort(struct stay_sample *sample)
{
	if (sample->count)
		qsort(sample->ids, sample->count, sizeof(sample->ids[0]), compare_ids);
}

void stay_sample_clear(struct stay_sample *sample)
{
	sample->count = 0;
	sample->shift = 0;
	sample->failed = false;
}

void stay_sample_release(struct stay_sample *sample)
{
	free(sample->ids);
	*sample = (struct stay_sample){0};
}

uint64_t stay_sample_kept(const struct stay_sample *old, uint64_t old_now,
			  const struct stay_sample *new_sample)
{
	unsigned int shift = old->shift > new_sample->shift ? old->shift : new_sample->shift;
	size_t looked_at = 0, kept = 0;

	for (size_t i = 0, j = 0; i < old->count; i++) {
		if (!is_sampled(old->ids[i], shift))
			continue;
		looked_at++;
		while (j < new_sample->count && new_sample->ids[j] < old->ids[i])
			j++;
		if (j < new_sample->count && new_sample->ids[j] == old->ids[i]) {
			kept++;
			j++;
		}
	}
	if (!shift || !kept)
		return kept;
	return (uint64_t)((double)old_now * (double)kept / (double)looked_at + 0.5);
}
