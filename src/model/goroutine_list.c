// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/goroutine_list.h"

#include <errno.h>
#include <stdlib.h>

static int make_room(struct goroutine_list *list)
{
	size_t capacity = list->capacity ? 2 * list->capacity : 256;
	struct goroutine_entry *entries;

	if (list->count < list->capacity)
		return 0;
	entries = realloc(list->entries, capacity * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	list->entries = entries;
	list->capacity = capacity;
	return 0;
}

int goroutine_list_add(struct goroutine_list *list, const struct goroutine_entry *entry)
{
	int err = make_room(list);

	if (err) {
		free(entry->labels);
		return err;
	}
	list->entries[list->count++] = *entry;
	return 0;
}

static int compare_goids(const void *left, const void *right)
{
	uint64_t a = ((const struct goroutine_entry *)left)->goid;
	uint64_t b = ((const struct goroutine_entry *)right)->goid;

	return (a > b) - (a < b);
}

void goroutine_list_sort(struct goroutine_list *list)
{
	if (list->count)
		qsort(list->entries, list->count, sizeof(list->entries[0]), compare_goids);
}

void goroutine_list_clear(struct goroutine_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->entries[i].labels);
	free(list->entries);
	*list = (struct goroutine_list){0};
}
