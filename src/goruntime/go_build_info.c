// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_build_info.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "process/process_memory.h"

/* The format is that of src/debug/buildinfo/buildinfo.go. */
static const char magic[] = {'\xff', ' ', 'G', 'o', ' ', 'b', 'u',
			     'i',    'l', 'd', 'i', 'n', 'f', ':'};

enum {
	HEADER_ALIGN = 16,
	HEADER_SIZE = 32,
	POINTER_SIZE_OFFSET = 14,
	FLAGS_OFFSET = 15,
	VERSION_POINTER_OFFSET = 16,

	FLAG_BIG_ENDIAN = 1,
	FLAG_INLINE = 2, /* since 1.18 strings follow the header; before it has pointers */

	/* Bytes of a number of 64 bits in groups of 7. */
	VARINT_MAX = 10,
	/* Versions have about 10 characters, those of development 60. */
	TEXT_MAX = 255,

	/* How much of the segments is searched where there is no section table. */
	SEARCH_CHUNK = 64 << 10, /* a multiple of HEADER_ALIGN */
	SEARCH_BYTES_MAX = 64 << 20,
	/* Programs that read build info have the magic as a constant. */
	CANDIDATES_MAX = 64,
};

/* Bytes of the file, and where they are when loaded. */
struct range {
	uint64_t offset;
	uint64_t vaddr;
	uint64_t size;
};

struct search {
	const struct elf_image *image;
	const struct go_memory *memory; /* NULL: only the file */
	struct go_version *version;
	uint64_t bytes_left;
	size_t candidates_left;
	char *chunk;
};

ssize_t go_memory_read(const struct go_memory *memory, uint64_t vaddr, void *buffer, size_t size)
{
	return process_memory_read(memory->pid, vaddr + memory->bias, buffer, size);
}

static int read_memory(const struct search *search, uint64_t vaddr, void *buffer, size_t size)
{
	ssize_t got = go_memory_read(search->memory, vaddr, buffer, size);

	if (got < 0)
		return (int)got;
	return (size_t)got == size ? 0 : -EFAULT;
}

static int read_file(const struct search *search, uint64_t vaddr, void *buffer, size_t size)
{
	const struct elf_segment *segments;
	size_t count = elf_image_segments(search->image, &segments);

	for (size_t i = 0; i < count; i++) {
		const struct elf_segment *segment = &segments[i];
		uint64_t inside = vaddr - segment->vaddr;

		if (segment->type == PT_LOAD && vaddr >= segment->vaddr &&
		    inside <= segment->file_size && size <= segment->file_size - inside)
			return elf_image_read(search->image, segment->offset + inside, buffer, size)
				       ? -EFAULT
				       : 0;
	}
	return -EFAULT;
}

/* gccgo has the build info of Go, and a runtime of its own. */
static int take_text(const struct search *search, const char *text)
{
	if (strstr(text, "gccgo") != NULL)
		return -ENODATA;
	return go_version_parse(text, search->version);
}

/* A Go string at `vaddr`: {pointer, length}. In memory pointers are addresses. */
static int read_string(const struct search *search, bool from_memory, uint64_t address)
{
	int (*read)(const struct search *, uint64_t, void *, size_t) =
		from_memory ? read_memory : read_file;
	uint64_t bias = from_memory ? search->memory->bias : 0;
	char text[TEXT_MAX + 1] = {0};
	uint64_t string[2];
	int err = read(search, address - bias, string, sizeof(string));

	if (err)
		return err;
	if (string[1] == 0 || string[1] > TEXT_MAX)
		return -EINVAL;
	err = read(search, string[0] - bias, text, (size_t)string[1]);
	return err ? err : take_text(search, text);
}

static int read_pointers(const struct search *search, const unsigned char *header, uint64_t vaddr)
{
	bool big_endian = header[FLAGS_OFFSET] & FLAG_BIG_ENDIAN;
	uint64_t pointer;
	int err;

	if (header[POINTER_SIZE_OFFSET] != sizeof(pointer) ||
	    big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__))
		return -EINVAL;
	if (search->memory &&
	    !read_memory(search, vaddr + VERSION_POINTER_OFFSET, &pointer, sizeof(pointer))) {
		err = read_string(search, true, pointer);
		if (!err || err == -ENODATA)
			return err;
	}
	memcpy(&pointer, header + VERSION_POINTER_OFFSET, sizeof(pointer));
	return read_string(search, false, pointer);
}

/* Returns the bytes that the number takes, 0 where it does not end. */
static size_t read_varint(const unsigned char *bytes, size_t size, uint64_t *number)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size && i < VARINT_MAX; i++) {
		value |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
		if (!(bytes[i] & 0x80)) {
			*number = value;
			return i + 1;
		}
	}
	return 0;
}

static int read_inline(const struct search *search, const struct range *header)
{
	unsigned char bytes[VARINT_MAX + TEXT_MAX];
	char text[TEXT_MAX + 1] = {0};
	uint64_t left = header->size - HEADER_SIZE, length;
	size_t size = left < sizeof(bytes) ? (size_t)left : sizeof(bytes), used;

	if (elf_image_read(search->image, header->offset + HEADER_SIZE, bytes, size) != 0)
		return -EFAULT;
	used = read_varint(bytes, size, &length);
	if (used == 0 || length == 0 || length > TEXT_MAX || length > size - used)
		return -EINVAL;
	memcpy(text, bytes + used, (size_t)length);
	return take_text(search, text);
}

/* `header` is where the magic is and what follows it. */
static int read_header(const struct search *search, const struct range *header)
{
	unsigned char bytes[HEADER_SIZE];

	if (header->size < HEADER_SIZE ||
	    elf_image_read(search->image, header->offset, bytes, sizeof(bytes)) != 0)
		return -EINVAL;
	if (bytes[FLAGS_OFFSET] & FLAG_INLINE)
		return read_inline(search, header);
	return read_pointers(search, bytes, header->vaddr);
}

/* The part of a range that is left behind its first `bytes`. */
static struct range range_behind(const struct range *range, uint64_t bytes)
{
	return (struct range){
		.offset = range->offset + bytes,
		.vaddr = range->vaddr + bytes,
		.size = range->size - bytes,
	};
}

/* Returns `result` where there is no magic, else as search_range(). */
static int search_chunk(struct search *search, const struct range *rest, size_t size, int result)
{
	for (size_t at = 0; at + sizeof(magic) <= size; at += HEADER_ALIGN) {
		struct range header;

		if (memcmp(search->chunk + at, magic, sizeof(magic)) != 0)
			continue;
		if (search->candidates_left == 0)
			return -EINVAL;
		search->candidates_left--;
		header = range_behind(rest, at);
		result = read_header(search, &header);
		if (result == 0)
			return 0;
	}
	return result;
}

/*
 * 0; -ENODATA: no magic, or what it says is no Go of ours; else why what it says
 * cannot be read.
 */
static int search_range(struct search *search, const struct range *range)
{
	uint64_t skip = -range->vaddr % HEADER_ALIGN;
	int result = -ENODATA;
	struct range rest;

	if (skip >= range->size)
		return -ENODATA;
	rest = range_behind(range, skip);
	while (rest.size >= sizeof(magic) && search->bytes_left > 0) {
		size_t size = rest.size < SEARCH_CHUNK ? (size_t)rest.size : SEARCH_CHUNK;

		if (size > search->bytes_left)
			size = (size_t)search->bytes_left;
		search->bytes_left -= size;
		if (elf_image_read(search->image, rest.offset, search->chunk, size) != 0)
			break;
		result = search_chunk(search, &rest, size, result);
		if (result == 0)
			break;
		rest = range_behind(&rest, size);
	}
	return result;
}

/* Go's linker puts it first into the data, if they are not made read-only after relocation. */
static int search_segments(struct search *search, uint32_t flags)
{
	const struct elf_segment *segments;
	size_t count = elf_image_segments(search->image, &segments);
	int result = -ENODATA;

	for (size_t i = 0; i < count; i++) {
		const struct elf_segment *segment = &segments[i];
		struct range range = {segment->offset, segment->vaddr, segment->file_size};
		int found;

		if (segment->type != PT_LOAD || (segment->flags & (PF_X | PF_W)) != flags)
			continue;
		found = search_range(search, &range);
		if (found == 0)
			return 0;
		if (found != -ENODATA)
			result = found;
	}
	return result;
}

static int search_image(struct search *search)
{
	const struct elf_section *section = elf_image_find_section(search->image, ".go.buildinfo");
	const struct elf_section *sections;
	int written, constant;

	if (section) {
		struct range range = {section->offset, section->vaddr, section->size};

		return section->type == SHT_NOBITS ? -ENODATA : search_range(search, &range);
	}
	if (elf_image_sections(search->image, &sections) > 0)
		return -ENODATA;
	written = search_segments(search, PF_W);
	if (written == 0)
		return 0;
	constant = search_segments(search, 0);
	return constant == -ENODATA ? written : constant;
}

int go_build_info_read(const struct elf_image *image, const struct go_memory *memory,
		       struct go_version *version)
{
	autofree char *chunk = malloc(SEARCH_CHUNK);
	struct search search = {
		.image = image,
		.memory = memory,
		.version = version,
		.bytes_left = SEARCH_BYTES_MAX,
		.candidates_left = CANDIDATES_MAX,
		.chunk = chunk,
	};
	int err;

	if (!chunk)
		return -ENOMEM;
	if (!elf_image_is_64bit(image))
		return -ENODATA;
	err = search_image(&search);
	return err == 0 || err == -ENODATA ? err : -EINVAL;
}
