// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/thread_names.h"

#include <stdlib.h>
#include <string.h>

#define ANY_NUMBER "*"

void thread_names_clear(struct thread_names *names)
{
	names->count = 0;
	names->others = 0;
}

/* Bytes before the number at the end; the whole length where there is none. */
static size_t stem_length(const char *name)
{
	size_t length = strlen(name);

	while (length && name[length - 1] >= '0' && name[length - 1] <= '9')
		length--;
	return length;
}

/* What stands behind the stem is a number, or stands for several of them. */
static bool is_numbered(const char *name, size_t stem)
{
	return name[stem] && (strspn(name + stem, "0123456789") == strlen(name + stem) ||
			      strcmp(name + stem, ANY_NUMBER) == 0);
}

static bool differ_in_number_only(const char *known, const char *name, size_t stem)
{
	return is_numbered(name, stem) && strncmp(known, name, stem) == 0 &&
	       is_numbered(known, stem);
}

void thread_names_add(struct thread_names *names, const char name[THREAD_NAME_SIZE], uint32_t tid)
{
	struct thread_name added = {.count = 1, .tid = tid};
	size_t stem;

	memcpy(added.text, name, THREAD_NAME_SIZE - 1);
	stem = stem_length(added.text);
	for (size_t i = 0; i < names->count; i++) {
		struct thread_name *known = &names->items[i];
		bool same = strcmp(known->text, added.text) == 0;

		if (!same && !differ_in_number_only(known->text, added.text, stem))
			continue;
		if (!same)
			strcpy(known->text + stem, ANY_NUMBER);
		known->count++;
		return;
	}
	if (names->count == THREAD_NAMES_MAX)
		names->others++;
	else
		names->items[names->count++] = added;
}

static int compare_names(const void *left, const void *right)
{
	const struct thread_name *a = left, *b = right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->text, b->text);
}

void thread_names_sort(struct thread_names *names)
{
	qsort(names->items, names->count, sizeof(names->items[0]), compare_names);
}
