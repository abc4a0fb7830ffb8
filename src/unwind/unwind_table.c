// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/unwind_table.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "process/elf_image.h"
#include "process/load_segments.h"
#include "unwind/dwarf_constants.h"
#include "unwind/frame_description.h"
#include "unwind/row_builder.h"

/* debug/buildinfo of Go: what the linker puts at the start of the data. */
static const char go_build_info[] = "\xff Go buildinf:";

enum {
	/* LSB Core 5.0, 10.6.2: version, three encodings, and a pointer of at most 10 bytes. */
	HEADER_SIZE = 4 + 10,
	HEADER_VERSION = 1,
};

struct unwind_table {
	struct load_segments *segments;
	struct unwind_row *rows;
	size_t count;
	uint64_t base;
	bool has_cfi;
	bool is_go;
};

/* What a table is made of, while it is made. */
struct parts {
	struct frame_section section;
	unsigned char *data; /* the section's bytes; NULL: there is none */
	struct frame_descriptions descriptions;
};

static void parts_clear(struct parts *parts)
{
	frame_descriptions_clear(&parts->descriptions);
	free(parts->data);
}

static struct cfi_pointer_base pointer_base(const struct frame_section *section)
{
	return (struct cfi_pointer_base){section->data, section->vaddr, section->data_vaddr};
}

/* Takes what lies at `offset` of the file; what is not there counts as no section. */
static int read_bytes(const struct elf_image *image, uint64_t offset, uint64_t size,
		      struct parts *parts)
{
	autofree unsigned char *data = NULL;
	int result;

	/* Before memory is taken for what cannot be there. */
	if (!size || size > elf_image_size(image))
		return 0;
	if (size > UNWIND_TABLE_SECTION_MAX)
		return -E2BIG;
	data = malloc(size);
	if (!data)
		return -ENOMEM;
	result = elf_image_read(image, offset, data, size);
	if (result < 0)
		return result == -ENODATA ? 0 : result;
	parts->data = take_ptr(data);
	parts->section.data = parts->data;
	parts->section.size = size;
	return 0;
}

static const struct elf_section *find_readable(const struct elf_image *image, const char *name)
{
	const struct elf_section *section = elf_image_find_section(image, name);

	/* Files with debug information alone have no bytes; compressed ones are of no use here. */
	if (!section || section->type == SHT_NOBITS || section->flags & SHF_COMPRESSED)
		return NULL;
	return section;
}

static int read_section(const struct elf_image *image, const char *name, struct parts *parts)
{
	const struct elf_section *section = find_readable(image, name);
	/* LSB Core 5.0, table 10.6: what DW_EH_PE_datarel means in .eh_frame. */
	const struct elf_section *data = elf_image_find_section(image, ".got");

	if (!section)
		return 0;
	parts->section.vaddr = section->vaddr;
	parts->section.data_vaddr = data ? data->vaddr : 0;
	return read_bytes(image, section->offset, section->size, parts);
}

static const struct elf_segment *find_segment(const struct elf_image *image, uint32_t type)
{
	const struct elf_segment *segments;
	size_t count = elf_image_segments(image, &segments);

	for (size_t i = 0; i < count; i++)
		if (segments[i].type == type)
			return &segments[i];
	return NULL;
}

/* The vaddr of .eh_frame, as the header before its search table has it. */
static bool read_header(const struct elf_image *image, const struct elf_segment *segment,
			uint64_t *vaddr)
{
	unsigned char bytes[HEADER_SIZE];
	struct cfi_cursor cursor = cfi_cursor_of(bytes, sizeof(bytes));
	const struct cfi_pointer_base base = {bytes, segment->vaddr, segment->vaddr};
	uint8_t encoding;

	if (elf_image_read(image, segment->offset, bytes, sizeof(bytes)) < 0)
		return false;
	if (cfi_u8(&cursor) != HEADER_VERSION)
		return false;
	encoding = cfi_u8(&cursor);
	cfi_u16(&cursor);
	*vaddr = cfi_pointer(&cursor, encoding, &base);
	return !cursor.failed;
}

/* Without a section table nobody knows the size: to the end of the segment, or the limit. */
static int read_by_header(const struct elf_image *image, const struct load_segments *segments,
			  struct parts *parts)
{
	const struct elf_segment *header = find_segment(image, PT_GNU_EH_FRAME);
	uint64_t vaddr, offset, size;

	if (!header || !read_header(image, header, &vaddr) ||
	    !load_segments_offset(segments, vaddr, &offset, &size))
		return 0;
	if (size > UNWIND_TABLE_SECTION_MAX)
		size = UNWIND_TABLE_SECTION_MAX;
	parts->section.vaddr = vaddr;
	parts->section.ends_at_zero = true;
	return read_bytes(image, offset, size, parts);
}

static int read_eh_frame(const struct elf_image *image, const struct load_segments *segments,
			 struct parts *parts)
{
	int result = read_section(image, ".eh_frame", parts);

	if (result < 0 || parts->data)
		return result;
	return read_by_header(image, segments, parts);
}

static int describe(struct parts *parts, uint64_t code_start, uint64_t code_end)
{
	int result;

	if (!parts->data)
		return 0;
	result = frame_descriptions_read(&parts->descriptions, &parts->section, code_start,
					 code_end);
	if (result == 0)
		frame_descriptions_sort(&parts->descriptions);
	return result;
}

static int make_rows(struct unwind_table *table, const struct parts *eh_frame,
		     const struct parts *debug_frame)
{
	const struct cfi_pointer_base eh_base = pointer_base(&eh_frame->section);
	const struct cfi_pointer_base debug_base = pointer_base(&debug_frame->section);
	struct row_builder builder = {.base = table->base};
	int result = row_builder_add(&builder, &eh_frame->descriptions, &eh_base,
				     &debug_frame->descriptions, &debug_base);
	autofree struct unwind_row *rows = builder.rows;
	struct unwind_row *fitting;

	if (result < 0 || !builder.count)
		return result;
	fitting = realloc(rows, builder.count * sizeof(*rows));
	if (!fitting)
		return -ENOMEM;
	rows = NULL;
	table->rows = fitting;
	table->count = builder.count;
	return 0;
}

static int read_rows(struct unwind_table *table, const struct elf_image *image)
{
	cleanup(parts_clear) struct parts eh_frame = {0};
	cleanup(parts_clear) struct parts debug_frame = {.section = {.is_debug_frame = true}};
	uint64_t code_end;
	int result;

	if (!load_segments_code_range(table->segments, &table->base, &code_end))
		return 0;
	/* A row at the end of the code must have a pc, too. */
	if (code_end - table->base > UINT32_MAX)
		return -E2BIG;
	result = read_eh_frame(image, table->segments, &eh_frame);
	if (result == 0)
		result = read_section(image, ".debug_frame", &debug_frame);
	if (result == 0)
		result = describe(&eh_frame, table->base, code_end);
	if (result == 0)
		result = describe(&debug_frame, table->base, code_end);
	return result < 0 ? result : make_rows(table, &eh_frame, &debug_frame);
}

static bool starts_with_build_info(const struct elf_image *image, const struct elf_segment *segment)
{
	char bytes[sizeof(go_build_info) - 1];

	return segment->type == PT_LOAD && segment->flags & PF_W &&
	       elf_image_read(image, segment->offset, bytes, sizeof(bytes)) == 0 &&
	       memcmp(bytes, go_build_info, sizeof(bytes)) == 0;
}

static bool is_go(const struct elf_image *image)
{
	const struct elf_section *sections;
	const struct elf_segment *segments;
	size_t count;

	if (elf_image_sections(image, &sections) > 0)
		return elf_image_find_section(image, ".go.buildinfo") ||
		       elf_image_find_section(image, ".gopclntab");
	count = elf_image_segments(image, &segments);
	for (size_t i = 0; i < count; i++)
		if (starts_with_build_info(image, &segments[i]))
			return true;
	return false;
}

static bool describes_its_code(const struct unwind_table *table)
{
	uint64_t described = 0, start, end;

	/* The last row is the end of the one before. */
	for (size_t i = 0; i + 1 < table->count; i++) {
		unsigned int rule = table->rows[i].rules & 15;

		if (rule != UNWIND_CFA_NONE && rule != UNWIND_CFA_PLT)
			described += table->rows[i + 1].pc - table->rows[i].pc;
	}
	return described && load_segments_code_range(table->segments, &start, &end) &&
	       described >= (end - start) / UNWIND_TABLE_DESCRIBED_SHARE;
}

static int load(const struct elf_image *image, struct unwind_table **out, struct error *error)
{
	auto_free(unwind_table) struct unwind_table *table = NULL;
	int result;

	if (!elf_image_is_64bit(image) || elf_image_machine(image) != EM_X86_64)
		return error_set(error, -ENOEXEC, "not an ELF file of x86-64");
	table = calloc(1, sizeof(*table));
	result = table ? load_segments_new(image, &table->segments) : -ENOMEM;
	if (result == 0)
		result = read_rows(table, image);
	if (result == -E2BIG)
		return error_set(error, result,
				 "more call frame information, or wider code, than is read");
	if (result < 0)
		return error_set(error, result, "cannot read call frame information: %s",
				 strerror(-result));
	table->has_cfi = describes_its_code(table);
	table->is_go = is_go(image);
	*out = take_ptr(table);
	return 0;
}

int unwind_table_load(int fd, struct unwind_table **out, struct error *error)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	int result = elf_image_open_fd(fd, &image, error);

	return result < 0 ? result : load(image, out, error);
}

int unwind_table_load_memory(const void *data, size_t size, struct unwind_table **out,
			     struct error *error)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	int result = elf_image_open_memory(data, size, &image, error);

	return result < 0 ? result : load(image, out, error);
}

void unwind_table_free(struct unwind_table *table)
{
	if (!table)
		return;
	load_segments_free(table->segments);
	free(table->rows);
	free(table);
}

const struct unwind_row *unwind_table_rows(const struct unwind_table *table, size_t *count)
{
	*count = table->count;
	return table->rows;
}

uint64_t unwind_table_base(const struct unwind_table *table)
{
	return table->base;
}

const struct unwind_row *unwind_table_find(const struct unwind_table *table, uint64_t vaddr)
{
	uint64_t pc = vaddr - table->base;
	size_t low = 0, high = table->count;

	if (vaddr < table->base)
		return NULL;
	/* The first row behind the address. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->rows[middle].pc <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &table->rows[low - 1] : NULL;
}

bool unwind_table_vaddr(const struct unwind_table *table, uint64_t file_offset, uint64_t *vaddr)
{
	return load_segments_code_vaddr(table->segments, file_offset, vaddr);
}

bool unwind_table_has_cfi(const struct unwind_table *table)
{
	return table->has_cfi;
}

bool unwind_table_is_go(const struct unwind_table *table)
{
	return table->is_go;
}

size_t unwind_table_memory(const struct unwind_table *table)
{
	return sizeof(*table) + table->count * sizeof(*table->rows) +
	       load_segments_memory(table->segments);
}
