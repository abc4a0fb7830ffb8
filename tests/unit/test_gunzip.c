// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "input/gunzip.h"

struct packed {
	uint8_t bytes[1 << 20];
	size_t length;
};

static struct packed packed;

/* `count` bytes that are all `byte`, as a gzip member. */
static void pack(size_t count, int byte)
{
	uint8_t *data = malloc(count + 1);
	z_stream stream = {.next_in = data,
			   .avail_in = (uInt)count,
			   .next_out = packed.bytes,
			   .avail_out = sizeof(packed.bytes) - 16};

	assert_non_null(data);
	memset(data, byte, count);
	assert_int_equal(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
				      Z_DEFAULT_STRATEGY),
			 Z_OK);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	packed.length = stream.total_out;
	deflateEnd(&stream);
	free(data);
}

/* What gunzip() says of the first `length` bytes. */
static int unpack(size_t length, size_t limit, uint8_t **data, size_t *unpacked,
		  struct error *error)
{
	FILE *file = fmemopen(packed.bytes, length, "r");
	int err;

	assert_non_null(file);
	err = gunzip(file, limit, data, unpacked, error);
	fclose(file);
	return err;
}

static void test_what_was_packed_comes_back(void **state)
{
	/* Sizes around those of a chunk, and more than fits into the packed chunks' output. */
	static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 10000000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *data = NULL;
		size_t length = 0;

		pack(sizes[i], 'x');
		assert_int_equal(unpack(packed.length, sizes[i], &data, &length, NULL), 0);
		assert_int_equal(length, sizes[i]);
		for (size_t j = 0; j < length; j++)
			assert_int_equal(data[j], 'x');
		free(data);
	}
}

static void test_it_unpacks_no_more_than_the_limit(void **state)
{
	struct error error = {0};
	uint8_t *data = NULL;
	size_t length = 7;

	(void)state;
	pack(1 << 22, 0);
	assert_int_equal(unpack(packed.length, (1 << 22) - 1, &data, &length, &error), -E2BIG);
	assert_string_equal(error.text, "it is too large: more than 3 MiB unpacked");
	assert_int_equal(unpack(packed.length, 1 << 20, &data, &length, &error), -E2BIG);
	assert_null(data);
	assert_int_equal(length, 7);
}

static void test_damaged_files(void **state)
{
	struct error error = {0};
	uint8_t *data = NULL;
	size_t length;

	(void)state;
	pack(100000, 'x');
	for (size_t cut = 1; cut < packed.length; cut++) {
		assert_int_equal(unpack(cut, 1 << 20, &data, &length, &error), -EBADMSG);
		assert_string_equal(error.text, "its compressed data is cut");
	}
	packed.bytes[packed.length] = 0;
	assert_int_equal(unpack(packed.length + 1, 1 << 20, &data, &length, &error), -EBADMSG);
	assert_string_equal(error.text, "something follows its compressed data");
	packed.bytes[packed.length - 8] ^= 1; /* the checksum */
	assert_int_equal(unpack(packed.length, 1 << 20, &data, &length, &error), -EBADMSG);
	assert_string_equal(error.text, "its compressed data is damaged");
	packed.bytes[0] = 'x';
	assert_int_equal(unpack(packed.length, 1 << 20, &data, &length, &error), -EBADMSG);
	assert_null(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_packed_comes_back),
		cmocka_unit_test(test_it_unpacks_no_more_than_the_limit),
		cmocka_unit_test(test_damaged_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
