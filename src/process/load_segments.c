// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/load_segments.h"

#include <elf.h>
#include <errno.h>

/* The loader maps whole pages: what stands before a segment in its first page, too. */
#define PAGE_BYTES 4096U

struct load_segment {
	uint64_t offset;
	uint64_t vaddr;
	uint64_t size; /* bytes of the file; neither offset nor vaddr wraps before their end */
	bool executable;
};

struct load_segments {
	size_t count;
	struct load_segment list[];
};

static bool wraps(const struct elf_segment *segment)
{
	uint64_t end;

	return __builtin_add_overflow(segment->vaddr, segment->file_size, &end) ||
	       __builtin_add_overflow(segment->offset, segment->file_size, &end);
}

int load_segments_new(const struct elf_image *image, struct load_segments **out)
{
	const struct elf_segment *segments;
	size_t count = elf_image_segments(image, &segments);
	struct load_segments *made = calloc(1, sizeof(*made) + count * sizeof(made->list[0]));

	if (!made)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (segments[i].type != PT_LOAD || wraps(&segments[i]))
			continue;
		made->list[made->count++] = (struct load_segment){
			.offset = segments[i].offset,
			.vaddr = segments[i].vaddr,
			.size = segments[i].file_size,
			.executable = segments[i].flags & PF_X,
		};
	}
	*out = made;
	return 0;
}

void load_segments_free(struct load_segments *segments)
{
	free(segments);
}

static bool find_vaddr(const struct load_segments *segments, bool executable, uint64_t file_offset,
		       uint64_t *vaddr)
{
	for (size_t i = 0; i < segments->count; i++) {
		const struct load_segment *segment = &segments->list[i];

		uint64_t before = segment->offset % PAGE_BYTES;

		if (segment->executable != executable || !segment->size ||
		    file_offset < segment->offset - before ||
		    file_offset - (segment->offset - before) >= segment->size + before)
			continue;
		*vaddr = segment->vaddr + (file_offset - segment->offset);
		return true;
	}
	return false;
}

bool load_segments_code_vaddr(const struct load_segments *segments, uint64_t file_offset,
			      uint64_t *vaddr)
{
	return find_vaddr(segments, true, file_offset, vaddr);
}

bool load_segments_data_vaddr(const struct load_segments *segments, uint64_t file_offset,
			      uint64_t *vaddr)
{
	return find_vaddr(segments, false, file_offset, vaddr);
}

bool load_segments_offset(const struct load_segments *segments, uint64_t vaddr,
			  uint64_t *file_offset, uint64_t *available)
{
	for (size_t i = 0; i < segments->count; i++) {
		const struct load_segment *segment = &segments->list[i];
		uint64_t inside = vaddr - segment->vaddr;

		if (vaddr < segment->vaddr || inside >= segment->size)
			continue;
		*file_offset = segment->offset + inside;
		*available = segment->size - inside;
		return true;
	}
	return false;
}

bool load_segments_code_range(const struct load_segments *segments, uint64_t *start, uint64_t *end)
{
	uint64_t lowest = UINT64_MAX, highest = 0;

	for (size_t i = 0; i < segments->count; i++) {
		const struct load_segment *segment = &segments->list[i];

		if (!segment->executable || !segment->size)
			continue;
		if (segment->vaddr < lowest)
			lowest = segment->vaddr;
		if (segment->vaddr + segment->size > highest)
			highest = segment->vaddr + segment->size;
	}
	if (!highest)
		return false;
	*start = lowest;
	*end = highest;
	return true;
}

size_t load_segments_memory(const struct load_segments *segments)
{
	return sizeof(*segments) + segments->count * sizeof(segments->list[0]);
}
