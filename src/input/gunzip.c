// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "input/gunzip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"

enum {
	CHUNK_BYTES = 64 * 1024,
	/* 15: the largest window; 16 more: a gzip header instead of zlib's. */
	WINDOW_BITS = 15 + 16,
};

/* What has been unpacked, and room for more. */
struct unpacked {
	uint8_t *data;
	size_t length, capacity, limit;
};

static int make_room(struct unpacked *unpacked, struct error *error)
{
	size_t capacity = unpacked->capacity ? 2 * unpacked->capacity : CHUNK_BYTES;
	uint8_t *data;

	if (unpacked->length < unpacked->capacity)
		return 0;
	/* One byte more than the limit tells what is larger. */
	if (capacity > unpacked->limit + 1)
		capacity = unpacked->limit + 1;
	if (unpacked->length == capacity)
		return error_set(error, -E2BIG, "it is too large: more than %zu MiB unpacked",
				 unpacked->limit >> 20);
	data = realloc(unpacked->data, capacity);
	if (!data)
		return error_set(error, -ENOMEM, "out of memory");
	unpacked->data = data;
	unpacked->capacity = capacity;
	return 0;
}

/* What can be unpacked of the bytes that are there. 1: this was the end. */
static int unpack(z_stream *stream, struct unpacked *unpacked, struct error *error)
{
	int code;

	do {
		int err = make_room(unpacked, error);
		size_t room = unpacked->capacity - unpacked->length;

		if (err)
			return err;
		stream->next_out = unpacked->data + unpacked->length;
		stream->avail_out = (uInt)room;
		code = inflate(stream, Z_NO_FLUSH);
		unpacked->length += room - stream->avail_out;
		/* What did not fit is still to come, also when everything was read. */
	} while (code == Z_OK && (stream->avail_in || !stream->avail_out));
	if (code == Z_MEM_ERROR)
		return error_set(error, -ENOMEM, "out of memory");
	/* Z_BUF_ERROR: nothing was left to come. */
	if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
		return error_set(error, -EBADMSG, "its compressed data is damaged");
	return code == Z_STREAM_END;
}

static int unpack_file(FILE *file, z_stream *stream, struct unpacked *unpacked, struct error *error)
{
	autofree uint8_t *packed = malloc(CHUNK_BYTES);
	int code = 0;

	if (!packed)
		return error_set(error, -ENOMEM, "out of memory");
	while (!code) {
		size_t count;

		errno = 0;
		count = fread(packed, 1, CHUNK_BYTES, file);
		if (ferror(file))
			return error_set(error, errno ? -errno : -EIO, "%s",
					 strerror(errno ? errno : EIO));
		if (!count)
			return error_set(error, -EBADMSG, "its compressed data is cut");
		stream->next_in = packed;
		stream->avail_in = (uInt)count;
		code = unpack(stream, unpacked, error);
	}
	if (code < 0)
		return code;
	if (stream->avail_in || fgetc(file) != EOF)
		return error_set(error, -EBADMSG, "something follows its compressed data");
	return unpacked->length > unpacked->limit
		       ? error_set(error, -E2BIG, "it is too large: more than %zu MiB unpacked",
				   unpacked->limit >> 20)
		       : 0;
}

int gunzip(FILE *file, size_t limit, uint8_t **data, size_t *length, struct error *error)
{
	struct unpacked unpacked = {.limit = limit};
	z_stream stream = {0};
	int code;

	if (inflateInit2(&stream, WINDOW_BITS) != Z_OK)
		return error_set(error, -ENOMEM, "out of memory");
	code = unpack_file(file, &stream, &unpacked, error);
	inflateEnd(&stream);
	if (code) {
		free(unpacked.data);
		return code;
	}
	*data = unpacked.data;
	*length = unpacked.length;
	return 0;
}
