// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goruntime/goroutine_wait.h"
#include "process/process_memory.h"

/*
 * runtime/pprof keeps a goroutine's labels in its runtime.g: from Go 1.24 on a sorted list
 * (src/runtime/pprof/label.go, LabelSet), before a map[string]string, whose buckets are those
 * of src/runtime/map.go.
 */
enum {
	FIRST_WITH_LIST = 24,
	LABELS_MAX = 32,
	LABEL_SIZE_MAX = 128, /* bytes that are kept of a key and of a value */

	MAP_LOG_BUCKETS = 9, /* hmap.B */
	MAP_BUCKETS = 16,    /* hmap.buckets */
	LOG_BUCKETS_MAX = 4,
	OVERFLOWS_MAX = 4,
	BUCKET_SLOTS = 8,
	TOP_HASH_MIN = 5, /* minTopHash: below it a slot is empty */
};

struct go_string {
	uint64_t pointer, length;
};

struct label {
	char key[LABEL_SIZE_MAX];
	char value[LABEL_SIZE_MAX];
};

struct labels {
	pid_t pid;
	size_t count;
	struct label items[LABELS_MAX];
};

/* bmap: the hashes' top bytes, the keys, the values, the overflow bucket. */
struct bucket {
	uint8_t top_hashes[BUCKET_SLOTS];
	struct go_string keys[BUCKET_SLOTS];
	struct go_string values[BUCKET_SLOTS];
	uint64_t overflow;
};

static bool read_memory(const struct labels *labels, uint64_t address, void *buffer, size_t size)
{
	return process_memory_read(labels->pid, address, buffer, size) == (ssize_t)size;
}

static bool read_string(const struct labels *labels, const struct go_string *string,
			char text[LABEL_SIZE_MAX])
{
	size_t length = string->length < LABEL_SIZE_MAX ? string->length : LABEL_SIZE_MAX - 1;

	text[length] = '\0';
	return !length || read_memory(labels, string->pointer, text, length);
}

static void add_label(struct labels *labels, const struct go_string *key,
		      const struct go_string *value)
{
	struct label *label = &labels->items[labels->count];

	if (labels->count < LABELS_MAX && read_string(labels, key, label->key) &&
	    read_string(labels, value, label->value) && *label->key)
		labels->count++;
}

static void read_list(struct labels *labels, uint64_t address)
{
	struct go_string strings[2 * LABELS_MAX];
	struct go_string slice; /* its first words: pointer and length */
	size_t count;

	if (!read_memory(labels, address, &slice, sizeof(slice)))
		return;
	count = slice.length < LABELS_MAX ? slice.length : LABELS_MAX;
	if (!read_memory(labels, slice.pointer, strings, 2 * count * sizeof(strings[0])))
		return;
	for (size_t i = 0; i < count; i++)
		add_label(labels, &strings[2 * i], &strings[2 * i + 1]);
}

static void read_bucket(struct labels *labels, uint64_t address)
{
	struct bucket bucket;

	for (int i = 0; address && i < OVERFLOWS_MAX; i++, address = bucket.overflow) {
		if (!read_memory(labels, address, &bucket, sizeof(bucket)))
			return;
		for (int slot = 0; slot < BUCKET_SLOTS; slot++)
			if (bucket.top_hashes[slot] >= TOP_HASH_MIN)
				add_label(labels, &bucket.keys[slot], &bucket.values[slot]);
	}
}

static void read_map(struct labels *labels, uint64_t address)
{
	uint64_t map, buckets;
	uint8_t log_buckets;

	if (!read_memory(labels, address, &map, sizeof(map)) ||
	    !read_memory(labels, map + MAP_LOG_BUCKETS, &log_buckets, sizeof(log_buckets)) ||
	    !read_memory(labels, map + MAP_BUCKETS, &buckets, sizeof(buckets)) ||
	    log_buckets > LOG_BUCKETS_MAX)
		return;
	for (uint64_t i = 0; i < 1ULL << log_buckets; i++)
		read_bucket(labels, buckets + i * sizeof(struct bucket));
}

static int compare_labels(const void *left, const void *right)
{
	return strcmp(((const struct label *)left)->key, ((const struct label *)right)->key);
}

void goroutine_labels_read(const struct go_process *go, const struct goroutine *goroutine,
			   char *text, size_t size)
{
	struct labels labels = {.pid = go_process_pid(go)};
	size_t length = 0;

	text[0] = '\0';
	if (!goroutine->labels)
		return;
	if (go_process_version(go)->minor >= FIRST_WITH_LIST)
		read_list(&labels, goroutine->labels);
	else
		read_map(&labels, goroutine->labels);
	if (labels.count)
		qsort(labels.items, labels.count, sizeof(labels.items[0]), compare_labels);
	for (size_t i = 0; i < labels.count && length < size; i++) {
		int added = snprintf(text + length, size - length, "%s%s=%s", i ? ", " : "",
				     labels.items[i].key, labels.items[i].value);

		length += added > 0 ? (size_t)added : 0;
	}
}
