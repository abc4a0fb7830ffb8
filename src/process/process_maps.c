// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/process_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "process/proc_file.h"

enum {
	/* /proc/PID/statm has seven numbers. */
	STATM_TEXT_MAX = 256,
};

struct process_maps {
	struct mapping *mappings;
	size_t count;
	size_t capacity;
	char *paths; /* the mappings' path strings, one behind the other */
	size_t paths_size;
	size_t lines;
	bool truncated;
};

/* What is left of one line. */
struct cursor {
	const char *at;
	const char *end;
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool take_number(struct cursor *line, unsigned int base, char terminator, uint64_t *number)
{
	const char *begin = line->at;
	uint64_t value = 0;

	for (; line->at < line->end; line->at++) {
		int digit = hex_digit(*line->at);

		if (digit < 0 || (unsigned int)digit >= base)
			break;
		if (value > (UINT64_MAX - (unsigned int)digit) / base)
			return false;
		value = value * base + (unsigned int)digit;
	}
	if (line->at == begin)
		return false;
	/* The inode of a mapping without a path may be the end of the line. */
	if (line->at == line->end ? terminator != ' ' : *line->at++ != terminator)
		return false;
	*number = value;
	return true;
}

static bool take_permissions(struct cursor *line, bool *executable)
{
	if (line->end - line->at < 5 || line->at[4] != ' ')
		return false;
	*executable = line->at[2] == 'x';
	line->at += 5;
	return true;
}

static bool strip_suffix(struct cursor *text, const char *suffix)
{
	size_t length = strlen(suffix);

	if ((size_t)(text->end - text->at) < length ||
	    memcmp(text->end - length, suffix, length) != 0)
		return false;
	text->end -= length;
	return true;
}

/* Parses all but the path, which is what is left of `line` then. */
static bool parse_line(struct cursor *line, struct mapping *mapping)
{
	uint64_t major, minor;

	if (!take_number(line, 16, '-', &mapping->start) ||
	    !take_number(line, 16, ' ', &mapping->end) ||
	    !take_permissions(line, &mapping->executable) ||
	    !take_number(line, 16, ' ', &mapping->file_offset) ||
	    !take_number(line, 16, ':', &major) || !take_number(line, 16, ' ', &minor) ||
	    !take_number(line, 10, ' ', &mapping->inode))
		return false;
	if (mapping->start >= mapping->end || major > UINT32_MAX || minor > UINT32_MAX)
		return false;
	mapping->device_major = (uint32_t)major;
	mapping->device_minor = (uint32_t)minor;
	while (line->at < line->end && *line->at == ' ')
		line->at++;
	return true;
}

static void classify(struct cursor *path, struct mapping *mapping)
{
	size_t length = (size_t)(path->end - path->at);

	if (mapping->inode) {
		mapping->kind = MAPPING_FILE;
		mapping->deleted = strip_suffix(path, " (deleted)");
	} else if (length == 0) {
		mapping->kind = MAPPING_ANONYMOUS;
	} else if (length == strlen("[vdso]") && memcmp(path->at, "[vdso]", length) == 0) {
		mapping->kind = MAPPING_VDSO;
	} else {
		mapping->kind = MAPPING_SPECIAL;
	}
}

/* Puts the path behind the others, unless it is that of the mapping before. */
static void keep_path(struct process_maps *maps, const struct cursor *path, struct mapping *mapping)
{
	const char *last = maps->count ? maps->mappings[maps->count - 1].path : NULL;
	size_t length = (size_t)(path->end - path->at);

	if (last && strlen(last) == length && memcmp(last, path->at, length) == 0) {
		mapping->path = last;
		return;
	}
	memcpy(maps->paths + maps->paths_size, path->at, length);
	maps->paths[maps->paths_size + length] = '\0';
	mapping->path = maps->paths + maps->paths_size;
	maps->paths_size += length + 1;
}

static int keep_mapping(struct process_maps *maps, const struct cursor *path,
			struct mapping *mapping)
{
	if (maps->count == PROCESS_MAPS_MAX) {
		maps->truncated = true;
		return 0;
	}
	if (maps->count == maps->capacity) {
		size_t wanted = maps->capacity ? maps->capacity * 2 : 64;
		struct mapping *grown = realloc(maps->mappings, wanted * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		maps->mappings = grown;
		maps->capacity = wanted;
	}
	keep_path(maps, path, mapping);
	maps->mappings[maps->count++] = *mapping;
	return 0;
}

/* Objects live long and there is one for each process: give back what growing left over. */
static int shrink(struct process_maps *maps)
{
	size_t count = maps->count ? maps->count : 1;
	struct mapping *mappings = realloc(maps->mappings, count * sizeof(*mappings));
	char *paths = malloc(maps->paths_size + 1);

	if (mappings)
		maps->mappings = mappings;
	if (!mappings || !paths) {
		free(paths);
		return -ENOMEM;
	}
	memcpy(paths, maps->paths, maps->paths_size);
	for (size_t i = 0; i < maps->count; i++)
		mappings[i].path = paths + (mappings[i].path - maps->paths);
	free(maps->paths);
	maps->paths = paths;
	maps->capacity = count;
	return 0;
}

int process_maps_parse(const char *text, size_t size, enum process_maps_filter filter,
		       struct process_maps **out)
{
	auto_free(process_maps) struct process_maps *maps = calloc(1, sizeof(*maps));
	const char *end = text + size;
	uint64_t previous_end = 0;
	int result;

	if (!maps)
		return -ENOMEM;
	/* A path and its NUL are never longer than the line they come from and its newline. */
	maps->paths = malloc(size + 2);
	if (!maps->paths)
		return -ENOMEM;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		struct cursor line = {text, newline ? newline : end};
		struct mapping mapping = {0};

		text = newline ? newline + 1 : end;
		maps->lines++;
		/* A NUL would cut the path short: no kernel writes one. */
		if (memchr(line.at, '\0', (size_t)(line.end - line.at)) ||
		    !parse_line(&line, &mapping) || mapping.start < previous_end)
			continue;
		previous_end = mapping.end;
		if (filter == PROCESS_MAPS_EXECUTABLE && !mapping.executable)
			continue;
		classify(&line, &mapping);
		result = keep_mapping(maps, &line, &mapping);
		if (result < 0)
			return result;
	}
	result = shrink(maps);
	if (result < 0)
		return result;
	*out = take_ptr(maps);
	return 0;
}

int process_maps_read(pid_t pid, enum process_maps_filter filter, struct process_maps **out,
		      struct error *error)
{
	struct proc_text text;
	struct process_maps *maps;
	char path[64];
	int result;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	result = proc_file_read(AT_FDCWD, path, PROCESS_MAPS_TEXT_MAX, &text);
	if (result == -ENOENT)
		result = -ESRCH;
	if (result < 0)
		return error_set(error, result, "cannot read %s: %s", path, strerror(-result));
	/* The last line may be cut: it would give a wrong path. */
	while (text.truncated && text.size && text.text[text.size - 1] != '\n')
		text.size--;
	result = process_maps_parse(text.text, text.size, filter, &maps);
	free(text.text);
	if (result < 0)
		return error_set(error, result, "cannot read %s: %s", path, strerror(-result));
	maps->truncated |= text.truncated;
	*out = maps;
	return 0;
}

uint64_t process_maps_code_pages(pid_t pid)
{
	autofree char *buffer = NULL;
	struct proc_text text;
	uint64_t all, data;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	if (proc_file_read(AT_FDCWD, path, STATM_TEXT_MAX, &text) < 0)
		return 0;
	buffer = text.text;
	/* size resident shared text lib data: proc_pid_statm(5). */
	if (sscanf(text.text, "%" SCNu64 " %*u %*u %*u %*u %" SCNu64, &all, &data) != 2)
		return 0;
	return all > data ? all - data : 0;
}

void process_maps_free(struct process_maps *maps)
{
	if (!maps)
		return;
	free(maps->mappings);
	free(maps->paths);
	free(maps);
}

const struct mapping *process_maps_find(const struct process_maps *maps, uint64_t address)
{
	size_t low = 0, high = maps->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (maps->mappings[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == maps->count || address < maps->mappings[low].start)
		return NULL;
	return &maps->mappings[low];
}

size_t process_maps_count(const struct process_maps *maps)
{
	return maps->count;
}

const struct mapping *process_maps_at(const struct process_maps *maps, size_t index)
{
	return index < maps->count ? &maps->mappings[index] : NULL;
}

size_t process_maps_lines(const struct process_maps *maps)
{
	return maps->lines;
}

bool process_maps_truncated(const struct process_maps *maps)
{
	return maps->truncated;
}

size_t process_maps_memory(const struct process_maps *maps)
{
	return sizeof(*maps) + maps->capacity * sizeof(*maps->mappings) + maps->paths_size;
}

const char *mapping_module(const struct mapping *mapping)
{
	const char *slash;

	if (mapping->kind == MAPPING_ANONYMOUS)
		return "[anon]";
	if (mapping->kind != MAPPING_FILE)
		return mapping->path;
	slash = strrchr(mapping->path, '/');
	return slash && slash[1] ? slash + 1 : mapping->path;
}
