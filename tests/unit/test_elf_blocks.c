// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/elf_blocks.h"

#include <errno.h>
#include <sys/mman.h>

#include "elf_fixture.h"

enum {
	/* More blocks than are kept, and a part of one. */
	FILE_SIZE = (ELF_BLOCKS_KEPT + 4) * ELF_BLOCK_SIZE + 100,
};

struct file {
	int fd;
	struct elf_image *image;
	struct elf_span span;
};

/* Every byte behind the ELF header tells where it is. */
static unsigned char byte_at(size_t at)
{
	return (unsigned char)(at / ELF_BLOCK_SIZE * 7 + at);
}

static void make(struct file *file)
{
	autofree unsigned char *bytes = malloc(FILE_SIZE);
	struct elf_fixture header;

	assert_non_null(bytes);
	elf_fixture_init(&header, SHT_SYMTAB);
	for (size_t i = 0; i < FILE_SIZE; i++)
		bytes[i] = byte_at(i);
	memcpy(bytes, &header, sizeof(header));
	file->fd = elf_fixture_file(bytes, FILE_SIZE);
	assert_int_equal(elf_image_open_fd(file->fd, &file->image, NULL), 0);
	file->span = (struct elf_span){.blocks = elf_blocks_new(file->image), .size = FILE_SIZE};
	assert_non_null(file->span.blocks);
}

static void drop(struct file *file)
{
	elf_blocks_free(file->span.blocks);
	elf_image_free(file->image);
	close(file->fd);
}

static void blocks_come_back_as_they_are(void **state)
{
	struct file file;
	unsigned char read[300];

	(void)state;
	make(&file);
	for (int round = 0; round < 3; round++) {
		for (size_t at = ELF_BLOCK_SIZE * 2 - 150; at + 300 < FILE_SIZE;
		     at += ELF_BLOCK_SIZE) {
			assert_int_equal(elf_span_read(&file.span, at, read, sizeof(read)), 0);
			for (size_t i = 0; i < sizeof(read); i++)
				assert_int_equal(read[i], byte_at(at + i));
		}
	}
	drop(&file);
}

static void nothing_behind_the_end(void **state)
{
	struct elf_span part;
	unsigned char read[100];
	struct file file;
	size_t available;

	(void)state;
	make(&file);
	assert_int_equal(elf_span_read(&file.span, FILE_SIZE - 100, read, 100), 0);
	assert_int_equal(read[99], byte_at(FILE_SIZE - 1));
	assert_int_equal(elf_span_read(&file.span, FILE_SIZE - 99, read, 100), -ENODATA);
	assert_int_equal(elf_span_read(&file.span, UINT64_MAX, read, 1), -ENODATA);
	part = elf_span_part(&file.span, 0x2000, 0x2010);
	assert_non_null(elf_span_peek(&part, 0xc, &available));
	assert_int_equal(available, 4);
	assert_null(elf_span_peek(&part, 0x10, &available));
	part = elf_span_part(&part, 8, UINT64_MAX);
	assert_int_equal(part.size, 8);
	assert_int_equal(elf_span_part(&part, 20, 10).size, 0);
	/* A span that says more than the file has. */
	file.span.size = UINT64_MAX;
	assert_int_equal(elf_span_read(&file.span, FILE_SIZE, read, 1), -ENODATA);
	drop(&file);
}

static void a_file_that_shrinks(void **state)
{
	unsigned char byte;
	struct file file;

	(void)state;
	make(&file);
	assert_int_equal(ftruncate(file.fd, ELF_BLOCK_SIZE), 0);
	assert_int_equal(elf_span_read(&file.span, 2 * ELF_BLOCK_SIZE, &byte, 1), -ENODATA);
	assert_int_equal(elf_span_read(&file.span, ELF_BLOCK_SIZE - 1, &byte, 1), 0);
	drop(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_come_back_as_they_are),
		cmocka_unit_test(nothing_behind_the_end),
		cmocka_unit_test(a_file_that_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
