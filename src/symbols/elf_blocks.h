/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_ELF_BLOCKS_H
#define PARKSCOPE_SYMBOLS_ELF_BLOCKS_H

/*
 * Small reads here and there in an ELF file, through a few blocks that are kept: a
 * lookup in a table of many megabytes costs a few system calls and little memory.
 * For one thread at a time.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "process/elf_image.h"

enum {
	ELF_BLOCK_SIZE = 4096,
	ELF_BLOCKS_KEPT = 16,
};

struct elf_blocks;

/* The image is borrowed and must outlive the blocks. NULL: no memory. */
struct elf_blocks *elf_blocks_new(const struct elf_image *image);
void elf_blocks_free(struct elf_blocks *blocks);
define_auto_free(elf_blocks)

/* Bytes of memory that the object takes. */
size_t elf_blocks_memory(const struct elf_blocks *blocks);

/* A part of the file; what is read of it lies within. Its ends do not overflow. */
struct elf_span {
	struct elf_blocks *blocks;
	uint64_t offset; /* in the file */
	uint64_t size;
};

/* The part of `span` that starts at `from` and ends before `to`, cut to what there is. */
struct elf_span elf_span_part(const struct elf_span *span, uint64_t from, uint64_t to);

/*
 * The bytes at `at` as far as they are at hand: NULL, or at least one, valid until the
 * next call that reads through the same blocks.
 */
const unsigned char *elf_span_peek(const struct elf_span *span, uint64_t at, size_t *available);

/* Reads exactly `size` bytes: 0, -ENODATA where the span ends before, or what reading says. */
int elf_span_read(const struct elf_span *span, uint64_t at, void *buffer, size_t size);

#endif
