// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/perf_map_lines.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEX_DIGITS_MAX = 16,
};

struct perf_map_lines {
	struct symbol_entry *list; /* in the file's order */
	size_t count;
	size_t capacity;
	char *names;
	size_t names_size;
	size_t names_capacity;
	char line[PERF_MAP_LINE_SIZE]; /* the start of the line that is not yet complete */
	size_t line_size;
	bool skipping; /* up to the next newline */
	bool truncated;
};

struct perf_map_lines *perf_map_lines_new(bool in_line)
{
	struct perf_map_lines *lines = calloc(1, sizeof(*lines));

	if (lines)
		lines->skipping = in_line;
	return lines;
}

void perf_map_lines_free(struct perf_map_lines *lines)
{
	if (!lines)
		return;
	free(lines->list);
	free(lines->names);
	free(lines);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes a number and the space behind it off the text. */
static bool take_hex(const char **text, const char *end, uint64_t *value)
{
	const char *at = *text;
	uint64_t number = 0;
	int digits = 0;

	if (end - at > 2 && at[0] == '0' && (at[1] | 0x20) == 'x')
		at += 2;
	for (; at < end && hex_digit(*at) >= 0; at++, digits++)
		number = number << 4 | (uint64_t)hex_digit(*at);
	if (!digits || digits > HEX_DIGITS_MAX || at == end || *at != ' ')
		return false;
	*text = at + 1;
	*value = number;
	return true;
}

static void *grow(void *list, size_t *capacity, size_t needed, size_t element)
{
	size_t wanted = *capacity ? *capacity : 1024;
	void *grown;

	if (needed <= *capacity)
		return list;
	while (wanted < needed)
		wanted *= 2;
	grown = realloc(list, wanted * element);
	if (grown)
		*capacity = wanted;
	return grown;
}

static int add_name(struct perf_map_lines *lines, const char *name, size_t length, uint32_t *at)
{
	char *names;

	if (length > PERF_MAP_NAME_SIZE - 1)
		length = PERF_MAP_NAME_SIZE - 1;
	names = grow(lines->names, &lines->names_capacity, lines->names_size + length + 1, 1);
	if (!names)
		return -ENOMEM;
	lines->names = names;
	*at = (uint32_t)lines->names_size;
	memcpy(names + lines->names_size, name, length);
	names[lines->names_size + length] = '\0';
	lines->names_size += length + 1;
	return 0;
}

static void forget_older_half(struct perf_map_lines *lines)
{
	size_t kept = lines->count - lines->count / 2;

	memmove(lines->list, lines->list + lines->count / 2, kept * sizeof(*lines->list));
	lines->count = kept;
	lines->truncated = true;
}

static int add_function(struct perf_map_lines *lines, const struct symbol_entry *entry)
{
	struct symbol_entry *list;

	if (lines->count == PERF_MAP_LINES_MAX)
		forget_older_half(lines);
	list = grow(lines->list, &lines->capacity, lines->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	lines->list = list;
	list[lines->count++] = *entry;
	return 0;
}

static int add_line(struct perf_map_lines *lines, const char *line, size_t length)
{
	const char *end = line + length;
	struct symbol_entry entry;
	uint64_t size, last;
	int err;

	if (!take_hex(&line, end, &entry.address) || !take_hex(&line, end, &size) || line == end ||
	    memchr(line, '\0', (size_t)(end - line)))
		return 0;
	if (!size || size > UINT32_MAX || __builtin_add_overflow(entry.address, size, &last))
		return 0;
	entry.size = (uint32_t)size;
	err = add_name(lines, line, (size_t)(end - line), &entry.name);
	return err ? err : add_function(lines, &entry);
}

/* Keeps the start of a line for when its rest comes. */
static void keep_start(struct perf_map_lines *lines, const char *text, size_t size)
{
	if (size > sizeof(lines->line) - lines->line_size)
		lines->skipping = true;
	if (lines->skipping)
		return;
	memcpy(lines->line + lines->line_size, text, size);
	lines->line_size += size;
}

static int end_line(struct perf_map_lines *lines, const char *text, size_t size)
{
	int err = 0;

	keep_start(lines, text, size);
	if (!lines->skipping)
		err = add_line(lines, lines->line, lines->line_size);
	lines->skipping = false;
	lines->line_size = 0;
	return err;
}

int perf_map_lines_add(struct perf_map_lines *lines, const char *text, size_t size)
{
	const char *end = text + size;
	const char *newline;

	while (text < end && (newline = memchr(text, '\n', (size_t)(end - text)))) {
		int err = end_line(lines, text, (size_t)(newline - text));

		if (err)
			return err;
		text = newline + 1;
	}
	keep_start(lines, text, (size_t)(end - text));
	return 0;
}

bool perf_map_lines_truncated(const struct perf_map_lines *lines)
{
	return lines->truncated;
}

/*
 * All addresses where a function starts or ends cut the address space into parts.
 * Going from the last line to the first, a function that finds one of its parts
 * taken was replaced. `next` leads from a part to the first one behind it, or it
 * itself, that is not taken, with the paths shortened as they are walked.
 */
struct parts {
	uint64_t *bounds; /* ascending, each once */
	uint32_t *next;
	size_t count; /* of bounds */
};

static int compare_addresses(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static int parts_make(const struct perf_map_lines *lines, struct parts *parts)
{
	size_t kept = 0;

	parts->bounds = malloc(2 * lines->count * sizeof(*parts->bounds));
	parts->next = malloc(2 * lines->count * sizeof(*parts->next));
	if (!parts->bounds || !parts->next)
		return -ENOMEM;
	for (size_t i = 0; i < lines->count; i++) {
		parts->bounds[2 * i] = lines->list[i].address;
		parts->bounds[2 * i + 1] = lines->list[i].address + lines->list[i].size;
	}
	qsort(parts->bounds, 2 * lines->count, sizeof(*parts->bounds), compare_addresses);
	for (size_t i = 0; i < 2 * lines->count; i++)
		if (!kept || parts->bounds[i] != parts->bounds[kept - 1])
			parts->bounds[kept++] = parts->bounds[i];
	for (size_t i = 0; i < kept; i++)
		parts->next[i] = (uint32_t)i;
	parts->count = kept;
	return 0;
}

static size_t parts_index(const struct parts *parts, uint64_t bound)
{
	const uint64_t *found =
		bsearch(&bound, parts->bounds, parts->count, sizeof(bound), compare_addresses);

	return (size_t)(found - parts->bounds);
}

static size_t parts_next_free(struct parts *parts, size_t at)
{
	while (parts->next[at] != at) {
		parts->next[at] = parts->next[parts->next[at]];
		at = parts->next[at];
	}
	return at;
}

/* Takes all parts of the function; says whether all were free. */
static bool parts_take(struct parts *parts, const struct symbol_entry *entry)
{
	size_t at = parts_index(parts, entry->address);
	size_t end = parts_index(parts, entry->address + entry->size);
	bool all_free = true;

	while (at < end) {
		size_t free_one = parts_next_free(parts, at);

		if (free_one != at)
			all_free = false;
		if (free_one < end)
			parts->next[free_one] = (uint32_t)free_one + 1;
		at = free_one + 1;
	}
	return all_free;
}

static int drop_replaced(struct perf_map_lines *lines)
{
	struct parts parts = {0};
	size_t kept = lines->count;
	int err = parts_make(lines, &parts);

	for (size_t i = lines->count; !err && i-- > 0;)
		if (parts_take(&parts, &lines->list[i]))
			lines->list[--kept] = lines->list[i];
	free(parts.bounds);
	free(parts.next);
	if (err)
		return err;
	memmove(lines->list, lines->list + kept, (lines->count - kept) * sizeof(*lines->list));
	lines->count -= kept;
	return 0;
}

static int compare_entries(const void *left, const void *right)
{
	const struct symbol_entry *a = left, *b = right;

	return compare_addresses(&a->address, &b->address);
}

/* Copies what is kept: lists and names have room to spare, and names of what is gone. */
static int copy_kept(const struct perf_map_lines *lines, struct symbol_index *index)
{
	autofree struct symbol_entry *entries = malloc(lines->count * sizeof(*entries));
	autofree char *names = NULL;
	size_t size = 0;

	for (size_t i = 0; i < lines->count; i++)
		size += strlen(lines->names + lines->list[i].name) + 1;
	names = malloc(size);
	if (!entries || !names)
		return -ENOMEM;
	size = 0;
	for (size_t i = 0; i < lines->count; i++) {
		const char *name = lines->names + lines->list[i].name;
		size_t length = strlen(name) + 1;

		memcpy(names + size, name, length);
		entries[i] = lines->list[i];
		entries[i].name = (uint32_t)size;
		size += length;
	}
	*index = (struct symbol_index){
		.entries = take_ptr(entries),
		.count = lines->count,
		.names = take_ptr(names),
		.names_size = size,
	};
	return 0;
}

int perf_map_lines_index(struct perf_map_lines *lines, struct symbol_index *index)
{
	int err;

	if (!lines->count) {
		*index = (struct symbol_index){0};
		return 0;
	}
	err = drop_replaced(lines);
	if (err)
		return err;
	qsort(lines->list, lines->count, sizeof(*lines->list), compare_entries);
	return copy_kept(lines, index);
}
