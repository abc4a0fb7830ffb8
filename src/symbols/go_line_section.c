// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/go_line_section.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "symbols/go_line_format.h"

enum {
	CHUNK_SIZE = 64 << 10,
	/* Linkers align the table at 32 bytes; it consists of words of 8. */
	ALIGNMENT = 8,
};

int go_line_section_find(const struct elf_image *image, const struct load_segments *segments,
			 struct go_line_section *section)
{
	const struct elf_section *found = elf_image_find_section(image, ".gopclntab");
	uint64_t offset, available;

	/* So it is called where it holds addresses that the loader relocates. */
	if (!found)
		found = elf_image_find_section(image, ".data.rel.ro.gopclntab");
	if (!found || found->type != SHT_PROGBITS || (found->flags & SHF_COMPRESSED) ||
	    found->vaddr % ALIGNMENT ||
	    !load_segments_offset(segments, found->vaddr, &offset, &available) ||
	    offset != found->offset || available < found->size)
		return -ENODATA;
	*section = (struct go_line_section){
		.offset = found->offset,
		.size = found->size,
		.vaddr = found->vaddr,
	};
	return 0;
}

bool go_line_section_may_be_elsewhere(const struct elf_image *image)
{
	const struct elf_section *sections;

	return !elf_image_sections(image, &sections) ||
	       (!elf_image_find_section(image, ".gopclntab") &&
		!elf_image_find_section(image, ".data.rel.ro.gopclntab") &&
		elf_image_find_section(image, ".go.buildinfo"));
}

static bool is_header(const unsigned char *bytes, uint64_t size)
{
	struct go_line_header header;

	return go_line_format_matches(bytes) && go_line_header_parse(bytes, size, &header);
}

/* Searches one segment from file offset `from` on; `budget` is what may still be read. */
static int search_segment(const struct elf_image *image, const struct elf_segment *segment,
			  uint64_t from, uint64_t *budget, unsigned char *chunk,
			  struct go_line_section *section)
{
	uint64_t end = segment->offset + segment->file_size;
	uint64_t at = from > segment->offset ? from : segment->offset;

	/* The first place whose vaddr is aligned; both are small enough, see our caller. */
	at += (ALIGNMENT - (segment->vaddr + (at - segment->offset)) % ALIGNMENT) % ALIGNMENT;
	while (at < end && end - at >= GO_LINE_HEADER_SIZE) {
		size_t size = end - at < CHUNK_SIZE ? (size_t)(end - at) : CHUNK_SIZE;
		size_t last = size - GO_LINE_HEADER_SIZE;

		if (*budget < size || elf_image_read(image, at, chunk, size) < 0)
			return -ENODATA;
		*budget -= size;
		for (size_t i = 0; i <= last; i += ALIGNMENT) {
			if (!is_header(chunk + i, end - (at + i)))
				continue;
			*section = (struct go_line_section){
				.offset = at + i,
				.size = end - (at + i),
				.vaddr = segment->vaddr + (at + i - segment->offset),
			};
			return 0;
		}
		/* A header may begin in this chunk and end in the next one. */
		at += last / ALIGNMENT * ALIGNMENT + ALIGNMENT;
	}
	return -ENODATA;
}

int go_line_section_search(const struct elf_image *image, uint64_t from,
			   struct go_line_section *section)
{
	autofree unsigned char *chunk = malloc(CHUNK_SIZE);
	uint64_t budget = GO_LINE_SEARCH_MAX, file_size = elf_image_size(image);
	const struct elf_segment *segments;
	size_t count = elf_image_segments(image, &segments);

	if (!chunk)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct elf_segment *segment = &segments[i];

		if (segment->type != PT_LOAD || segment->file_size > file_size ||
		    segment->offset > file_size - segment->file_size ||
		    segment->vaddr > UINT64_MAX - segment->file_size)
			continue;
		if (search_segment(image, segment, from, &budget, chunk, section) == 0)
			return 0;
	}
	return -ENODATA;
}
