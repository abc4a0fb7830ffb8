// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/elf_blocks.h"

#include <errno.h>
#include <string.h>

struct block {
	uint64_t number; /* in the file; only meaningful where size is not 0 */
	size_t size;     /* bytes that it has, fewer in the file's last one; 0: unused */
};

struct elf_blocks {
	const struct elf_image *image;
	size_t last; /* the block that was asked for last: most reads are next to each other */
	size_t next; /* the block that is replaced next */
	struct block list[ELF_BLOCKS_KEPT];
	unsigned char bytes[ELF_BLOCKS_KEPT][ELF_BLOCK_SIZE];
};

struct elf_blocks *elf_blocks_new(const struct elf_image *image)
{
	struct elf_blocks *blocks = calloc(1, sizeof(*blocks));

	if (blocks)
		blocks->image = image;
	return blocks;
}

void elf_blocks_free(struct elf_blocks *blocks)
{
	free(blocks);
}

size_t elf_blocks_memory(const struct elf_blocks *blocks)
{
	return sizeof(*blocks);
}

static bool holds(const struct block *block, uint64_t number)
{
	return block->size && block->number == number;
}

/* Reads block `number` in the place of the oldest one. */
static int load(struct elf_blocks *blocks, uint64_t number)
{
	uint64_t start = number * ELF_BLOCK_SIZE, file_size = elf_image_size(blocks->image);
	struct block *block = &blocks->list[blocks->next];
	size_t size = ELF_BLOCK_SIZE;
	int result;

	if (start >= file_size)
		return -ENODATA;
	if (file_size - start < size)
		size = (size_t)(file_size - start);
	block->size = 0;
	result = elf_image_read(blocks->image, start, blocks->bytes[blocks->next], size);
	if (result < 0)
		return result;
	*block = (struct block){.number = number, .size = size};
	blocks->last = blocks->next;
	blocks->next = (blocks->next + 1) % ELF_BLOCKS_KEPT;
	return 0;
}

/* Makes the block the last one. */
static int find(struct elf_blocks *blocks, uint64_t number)
{
	if (holds(&blocks->list[blocks->last], number))
		return 0;
	for (size_t i = 0; i < ELF_BLOCKS_KEPT; i++) {
		if (!holds(&blocks->list[i], number))
			continue;
		blocks->last = i;
		return 0;
	}
	return load(blocks, number);
}

struct elf_span elf_span_part(const struct elf_span *span, uint64_t from, uint64_t to)
{
	if (to > span->size)
		to = span->size;
	if (from > to)
		from = to;
	return (struct elf_span){
		.blocks = span->blocks,
		.offset = span->offset + from,
		.size = to - from,
	};
}

static int peek(const struct elf_span *span, uint64_t at, const unsigned char **bytes,
		size_t *available)
{
	struct elf_blocks *blocks = span->blocks;
	size_t within;
	int result;

	if (at >= span->size)
		return -ENODATA;
	result = find(blocks, (span->offset + at) / ELF_BLOCK_SIZE);
	if (result < 0)
		return result;
	within = (span->offset + at) % ELF_BLOCK_SIZE;
	if (within >= blocks->list[blocks->last].size)
		return -ENODATA;
	*bytes = blocks->bytes[blocks->last] + within;
	*available = blocks->list[blocks->last].size - within;
	if (*available > span->size - at)
		*available = (size_t)(span->size - at);
	return 0;
}

const unsigned char *elf_span_peek(const struct elf_span *span, uint64_t at, size_t *available)
{
	const unsigned char *bytes;

	return peek(span, at, &bytes, available) < 0 ? NULL : bytes;
}

int elf_span_read(const struct elf_span *span, uint64_t at, void *buffer, size_t size)
{
	for (size_t done = 0; done < size;) {
		const unsigned char *bytes;
		size_t available;
		int result = peek(span, at + done, &bytes, &available);

		if (result < 0)
			return result;
		if (available > size - done)
			available = size - done;
		memcpy((unsigned char *)buffer + done, bytes, available);
		done += available;
	}
	return 0;
}
