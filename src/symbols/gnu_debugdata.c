// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/gnu_debugdata.h"

#include <errno.h>
#include <lzma.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"

enum {
	/* Room at first; it doubles while the decoder has more to give. */
	FIRST_SIZE = 256 << 10,
};

static int errno_of(lzma_ret status)
{
	if (status == LZMA_MEM_ERROR)
		return -ENOMEM;
	return status == LZMA_MEMLIMIT_ERROR ? -EFBIG : -EBADMSG;
}

/* Runs the decoder to its end; `*data` is the caller's to free also on failure. */
static int decode_all(lzma_stream *stream, unsigned char **data)
{
	size_t room = 0;
	lzma_ret status;

	do {
		size_t wanted = room ? room * 2 : FIRST_SIZE;
		unsigned char *grown;

		if (wanted > GNU_DEBUGDATA_SIZE_MAX)
			return -EFBIG;
		grown = realloc(*data, wanted);
		if (!grown)
			return -ENOMEM;
		*data = grown;
		room = wanted;
		stream->next_out = grown + stream->total_out;
		stream->avail_out = room - stream->total_out;
		status = lzma_code(stream, LZMA_FINISH);
	} while (status == LZMA_OK && !stream->avail_out);
	return status == LZMA_STREAM_END ? 0 : errno_of(status);
}

static int decode(const unsigned char *compressed, size_t compressed_size, void **data,
		  size_t *size)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	autofree unsigned char *text = NULL;
	lzma_ret status = lzma_stream_decoder(&stream, GNU_DEBUGDATA_DECODER_MAX, 0);
	int result;

	if (status != LZMA_OK)
		return errno_of(status);
	stream.next_in = compressed;
	stream.avail_in = compressed_size;
	result = decode_all(&stream, &text);
	lzma_end(&stream);
	if (result < 0)
		return result;
	*size = stream.total_out;
	*data = take_ptr(text);
	return 0;
}

int gnu_debugdata_read(const struct elf_image *image, void **data, size_t *size)
{
	const struct elf_section *section = elf_image_find_section(image, ".gnu_debugdata");
	autofree unsigned char *compressed = NULL;
	int result;

	if (!section || !section->size)
		return -ENODATA;
	if (section->size > GNU_DEBUGDATA_COMPRESSED_MAX)
		return -EFBIG;
	compressed = malloc(section->size);
	if (!compressed)
		return -ENOMEM;
	result = elf_image_read(image, section->offset, compressed, section->size);
	return result < 0 ? result : decode(compressed, section->size, data, size);
}
