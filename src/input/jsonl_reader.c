// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "input/jsonl_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK_BYTES = 64 * 1024,
};

struct jsonl_reader {
	FILE *file;
	uint64_t line;
	/* What was read; the line that is next begins at `start`. */
	char *bytes;
	size_t start, end, capacity;
	bool ended; /* there is nothing more to read */
};

struct jsonl_reader *jsonl_reader_new(FILE *file)
{
	struct jsonl_reader *reader = calloc(1, sizeof(*reader));

	if (reader)
		reader->file = file;
	return reader;
}

void jsonl_reader_free(struct jsonl_reader *reader)
{
	if (!reader)
		return;
	free(reader->bytes);
	free(reader);
}

uint64_t jsonl_reader_line(const struct jsonl_reader *reader)
{
	return reader->line;
}

static int read_more(struct jsonl_reader *reader, struct error *error)
{
	size_t count;

	if (reader->start) {
		memmove(reader->bytes, reader->bytes + reader->start, reader->end - reader->start);
		reader->end -= reader->start;
		reader->start = 0;
	}
	if (reader->capacity - reader->end < CHUNK_BYTES) {
		size_t capacity = 2 * reader->capacity + CHUNK_BYTES;
		char *bytes = realloc(reader->bytes, capacity);

		if (!bytes)
			return error_set(error, -ENOMEM, "out of memory");
		reader->bytes = bytes;
		reader->capacity = capacity;
	}
	errno = 0;
	count = fread(reader->bytes + reader->end, 1, CHUNK_BYTES, reader->file);
	if (ferror(reader->file))
		return error_set(error, errno ? -errno : -EIO, "%s", strerror(errno ? errno : EIO));
	reader->end += count;
	reader->ended = count < CHUNK_BYTES;
	return 0;
}

/* 1: there is a line; 0: the file has ended. */
static int next_line(struct jsonl_reader *reader, char **line, size_t *length, struct error *error)
{
	size_t looked_at = 0;
	int err;

	for (;;) {
		size_t have = reader->end - reader->start;
		char *begin = have ? reader->bytes + reader->start : NULL;
		char *newline =
			have > looked_at ? memchr(begin + looked_at, '\n', have - looked_at) : NULL;

		if (newline) {
			reader->line++;
			*line = begin;
			*length = (size_t)(newline - begin);
			reader->start += *length + 1;
			return 1;
		}
		if (reader->ended && !have)
			return 0;
		if (reader->ended)
			return error_set(error, -EBADMSG, "line %" PRIu64 " is cut",
					 reader->line + 1);
		if (have > JSONL_LINE_MAX)
			return error_set(error, -E2BIG, "line %" PRIu64 " is longer than %zu bytes",
					 reader->line + 1, JSONL_LINE_MAX);
		looked_at = have;
		err = read_more(reader, error);
		if (err)
			return err;
	}
}

int jsonl_reader_next(struct jsonl_reader *reader, json_t **ret, struct error *error)
{
	json_error_t problem;
	json_t *record;
	size_t length = 0;
	char *line = NULL;
	int code = next_line(reader, &line, &length, error);

	if (code <= 0)
		return code;
	record = json_loadb(line, length, JSON_REJECT_DUPLICATES, &problem);
	if (!record && json_error_code(&problem) == json_error_out_of_memory)
		return error_set(error, -ENOMEM, "out of memory");
	if (!json_is_object(record)) {
		json_decref(record);
		return error_set(error, -EBADMSG, "line %" PRIu64 " is no JSON object",
				 reader->line);
	}
	*ret = record;
	return 1;
}
