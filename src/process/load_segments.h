/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_PROCESS_LOAD_SEGMENTS_H
#define PARKSCOPE_PROCESS_LOAD_SEGMENTS_H

/*
 * What a loader maps of an ELF file: from file offsets, which a mapping knows, to
 * the file's own virtual addresses ("vaddr"). Does not change once made: several
 * threads may use it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "process/elf_image.h"

struct load_segments;

/* 0 and an object that the caller frees and that needs the image no more, or -ENOMEM. */
int load_segments_new(const struct elf_image *image, struct load_segments **out);

void load_segments_free(struct load_segments *segments);
define_auto_free(load_segments);

/* The vaddr of the byte at `file_offset`, as executable segments have it, or as others. */
bool load_segments_code_vaddr(const struct load_segments *segments, uint64_t file_offset,
			      uint64_t *vaddr);
bool load_segments_data_vaddr(const struct load_segments *segments, uint64_t file_offset,
			      uint64_t *vaddr);

/* The file offset of the byte at `vaddr`, and how many bytes of its segment follow, at least 1. */
bool load_segments_offset(const struct load_segments *segments, uint64_t vaddr,
			  uint64_t *file_offset, uint64_t *available);

/* The vaddrs between which all executable segments lie; false where there are none. */
bool load_segments_code_range(const struct load_segments *segments, uint64_t *start, uint64_t *end);

/* Bytes of memory that the object takes. */
size_t load_segments_memory(const struct load_segments *segments);

#endif
