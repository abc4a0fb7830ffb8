// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/range_allocator.h"

#include <errno.h>
#include <string.h>

struct range {
	uint32_t first;
	uint32_t length;
};

struct range_allocator {
	struct range *ranges; /* that are free, ascending; never two neighbours */
	size_t count;
	size_t capacity;
};

struct range_allocator *range_allocator_new(uint32_t size)
{
	auto_free(range_allocator) struct range_allocator *allocator =
		calloc(1, sizeof(*allocator));

	if (!allocator || range_allocator_give(allocator, 0, size))
		return NULL;
	return take_ptr(allocator);
}

void range_allocator_free(struct range_allocator *allocator)
{
	if (!allocator)
		return;
	free(allocator->ranges);
	free(allocator);
}

static void remove_range(struct range_allocator *allocator, size_t index)
{
	allocator->count--;
	memmove(&allocator->ranges[index], &allocator->ranges[index + 1],
		(allocator->count - index) * sizeof(struct range));
}

int range_allocator_take(struct range_allocator *allocator, uint32_t length, uint32_t *first)
{
	if (!length)
		return -EINVAL;
	for (size_t i = 0; i < allocator->count; i++) {
		struct range *range = &allocator->ranges[i];

		if (range->length < length)
			continue;
		*first = range->first;
		range->first += length;
		range->length -= length;
		if (!range->length)
			remove_range(allocator, i);
		return 0;
	}
	return -ENOSPC;
}

static int insert_range(struct range_allocator *allocator, size_t index, struct range range)
{
	if (allocator->count == allocator->capacity) {
		size_t capacity = allocator->capacity ? 2 * allocator->capacity : 8;
		struct range *grown = realloc(allocator->ranges, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		allocator->ranges = grown;
		allocator->capacity = capacity;
	}
	memmove(&allocator->ranges[index + 1], &allocator->ranges[index],
		(allocator->count - index) * sizeof(struct range));
	allocator->ranges[index] = range;
	allocator->count++;
	return 0;
}

int range_allocator_give(struct range_allocator *allocator, uint32_t first, uint32_t length)
{
	struct range *before, *behind;
	size_t index = 0;

	while (index < allocator->count && allocator->ranges[index].first < first)
		index++;
	before = index > 0 ? &allocator->ranges[index - 1] : NULL;
	behind = index < allocator->count ? &allocator->ranges[index] : NULL;
	if (before && before->first + before->length != first)
		before = NULL;
	if (behind && first + length != behind->first)
		behind = NULL;

	if (!before && !behind)
		return insert_range(allocator, index, (struct range){first, length});
	if (before && behind) {
		before->length += length + behind->length;
		remove_range(allocator, index);
	} else if (before) {
		before->length += length;
	} else {
		behind->first = first;
		behind->length += length;
	}
	return 0;
}

uint32_t range_allocator_longest(const struct range_allocator *allocator)
{
	uint32_t longest = 0;

	for (size_t i = 0; i < allocator->count; i++)
		if (allocator->ranges[i].length > longest)
			longest = allocator->ranges[i].length;
	return longest;
}

uint32_t range_allocator_available(const struct range_allocator *allocator)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < allocator->count; i++)
		sum += allocator->ranges[i].length;
	return sum;
}
