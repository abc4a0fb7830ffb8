// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/frame_description.h"

#include <errno.h>
#include <string.h>

#include "unwind/dwarf_constants.h"

enum {
	/* DWARF 5, section 7.4: the length follows in 8 bytes. */
	LENGTH_IS_64_BIT = 0xffffffff,
	/* Of registers and addresses. */
	ADDRESS_SIZE = 8,
};

/* One record of a section. */
struct record {
	uint64_t offset;        /* where it begins in the section */
	uint64_t common_offset; /* where a description's common record begins */
	bool is_common;
	struct cfi_cursor body; /* behind the identifier */
};

/* How a record says that it is common, or which one it wants: DWARF 5, 7.24; LSB, 10.6.1. */
static void read_identifier(struct record *record, const struct frame_section *section,
			    bool is_64bit)
{
	uint64_t here = (uint64_t)(record->body.at - section->data);
	uint64_t identifier;

	if (!section->is_debug_frame) {
		identifier = cfi_u32(&record->body);
		record->is_common = identifier == 0;
		/* Backwards from here; what wraps is found nowhere. */
		record->common_offset = here - identifier;
		return;
	}
	identifier = is_64bit ? cfi_u64(&record->body) : cfi_u32(&record->body);
	record->is_common = identifier == (is_64bit ? UINT64_MAX : UINT32_MAX);
	record->common_offset = identifier;
}

/* Takes the next record; false at the end of the section, or of what makes sense in it. */
static bool next_record(struct cfi_cursor *rest, const struct frame_section *section,
			struct record *record)
{
	while (!cfi_at_end(rest)) {
		uint64_t offset = (uint64_t)(rest->at - section->data);
		uint64_t length = cfi_u32(rest);
		bool is_64bit = length == LENGTH_IS_64_BIT;

		if (is_64bit)
			length = cfi_u64(rest);
		if (length == 0 && section->ends_at_zero)
			return false;
		*record = (struct record){.offset = offset, .body = cfi_block(rest, length)};
		if (rest->failed)
			return false;
		if (length == 0)
			continue;
		read_identifier(record, section, is_64bit);
		if (!record->body.failed)
			return true;
	}
	return false;
}

/*
 * What the letters announce. False where one is not known and its data cannot be
 * skipped. "eh" is what gcc 2 wrote; B is of arm64 and has no data.
 */
static bool read_augmentation(struct frame_common *common, struct cfi_cursor *body,
			      const char *letters)
{
	uint8_t encoding;

	for (; *letters; letters++) {
		switch (*letters) {
		case 'R':
			common->pointer_encoding = cfi_u8(body);
			break;
		case 'P':
			encoding = cfi_u8(body);
			/* Padded by where it will be loaded, which is not known here. */
			if ((encoding & DW_EH_PE_RELATION) == DW_EH_PE_ALIGNED)
				return false;
			cfi_pointer_value(body, encoding);
			break;
		case 'L':
			cfi_u8(body);
			break;
		case 'S':
			common->is_signal = true;
			break;
		case 'B':
			break;
		default:
			return common->is_sized;
		}
	}
	return true;
}

/* False where even the encoding of its descriptions is not known. */
static bool read_common(struct frame_common *common, struct record *record)
{
	struct cfi_cursor *body = &record->body;
	struct cfi_cursor block;
	uint8_t version = cfi_u8(body);
	const char *augmentation = cfi_text(body);
	uint64_t return_column;
	bool known = version == 1 || version == 3 || version == 4;

	*common = (struct frame_common){.section_offset = record->offset};
	if (!known || !augmentation)
		return false;
	if (strcmp(augmentation, "eh") == 0) {
		cfi_u64(body);
		augmentation = "";
	}
	if (version == 4 && (cfi_u8(body) != ADDRESS_SIZE || cfi_u8(body) != 0))
		return false;
	common->code_factor = cfi_uleb(body);
	common->data_factor = cfi_sleb(body);
	return_column = version == 1 ? cfi_u8(body) : cfi_uleb(body);
	if (*augmentation == 'z') {
		common->is_sized = true;
		block = cfi_block(body, cfi_uleb(body));
		known = read_augmentation(common, &block, augmentation + 1) && !block.failed;
	} else {
		known = read_augmentation(common, body, augmentation);
	}
	if (!known || body->failed)
		return false;
	common->is_supported =
		return_column == DWARF_REGISTER_RA && frame_program_run_initial(common, *body);
	return true;
}

/* Makes room for one more of a list that may hold `max`. */
static int grow(void **list, size_t count, size_t *capacity, size_t size, size_t max)
{
	size_t wanted = *capacity ? 2 * *capacity : 256;
	void *grown;

	if (count < *capacity)
		return 0;
	if (count >= max)
		return -E2BIG;
	grown = realloc(*list, wanted * size);
	if (!grown)
		return -ENOMEM;
	*list = grown;
	*capacity = wanted;
	return 0;
}

/*
 * First all common ones: in .debug_frame they may come behind those that want
 * them, and reading each once keeps a file from having one read a million times.
 */
static int read_commons(struct frame_descriptions *all, const struct frame_section *section)
{
	struct cfi_cursor rest = cfi_cursor_of(section->data, section->size);
	struct record record;
	int result = 0;

	while (result == 0 && next_record(&rest, section, &record)) {
		struct frame_common common;

		if (!record.is_common || !read_common(&common, &record))
			continue;
		result = grow((void **)&all->commons, all->common_count, &all->common_capacity,
			      sizeof(common), FRAME_COMMONS_MAX);
		if (result == 0)
			all->commons[all->common_count++] = common;
	}
	return result;
}

/* The place of the common record that begins there, or -1. */
static int64_t find_common(const struct frame_descriptions *all, uint64_t section_offset)
{
	size_t low = 0, high = all->common_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (all->commons[middle].section_offset < section_offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == all->common_count || all->commons[low].section_offset != section_offset)
		return -1;
	return (int64_t)low;
}

/* False where the record makes no sense, or is of no code. */
static bool read_description(const struct frame_common *common, struct record *record,
			     const struct frame_section *section, struct frame_description *made)
{
	const struct cfi_pointer_base base = {section->data, section->vaddr, section->data_vaddr};
	struct cfi_cursor *body = &record->body;
	uint64_t start = cfi_pointer(body, common->pointer_encoding, &base);
	uint64_t length = cfi_pointer_value(body, common->pointer_encoding);
	uint64_t end;

	if (common->is_sized)
		cfi_block(body, cfi_uleb(body));
	if (body->failed || !length || __builtin_add_overflow(start, length, &end))
		return false;
	*made = (struct frame_description){
		.start = start,
		.end = end,
		.program = body->at,
		.program_size = (uint32_t)(body->end - body->at),
	};
	return true;
}

int frame_descriptions_read(struct frame_descriptions *all, const struct frame_section *section,
			    uint64_t code_start, uint64_t code_end)
{
	struct cfi_cursor rest = cfi_cursor_of(section->data, section->size);
	struct record record;
	int result = read_commons(all, section);

	while (result == 0 && next_record(&rest, section, &record)) {
		struct frame_description made;
		int64_t common = record.is_common ? -1 : find_common(all, record.common_offset);

		if (common < 0 || !read_description(&all->commons[common], &record, section, &made))
			continue;
		if (made.start < code_start || made.start >= code_end)
			continue;
		if (made.end > code_end)
			made.end = code_end;
		made.common = (uint32_t)common;
		result = grow((void **)&all->list, all->count, &all->capacity, sizeof(made),
			      FRAME_DESCRIPTIONS_MAX);
		if (result == 0)
			all->list[all->count++] = made;
	}
	return result;
}

void frame_descriptions_clear(struct frame_descriptions *all)
{
	free(all->list);
	free(all->commons);
	*all = (struct frame_descriptions){0};
}

/* Programs lie in the section as their records do. */
static int compare(const void *left, const void *right)
{
	const struct frame_description *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->program < b->program ? -1 : a->program > b->program;
}

void frame_descriptions_sort(struct frame_descriptions *all)
{
	if (all->count)
		qsort(all->list, all->count, sizeof(*all->list), compare);
}
