// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/elf_image.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	/* Bytes of one note segment that are searched: the build id stands near its start. */
	NOTES_SIZE_MAX = 16 << 10,
	NOTES_SEGMENTS_MAX = 16,
};

struct elf_image {
	int fd;           /* -1: the data are in memory */
	const char *data; /* NULL: the data are in a file */
	uint64_t size;
	bool is_64bit;
	uint16_t machine;
	struct elf_segment *segments;
	size_t segment_count;
	struct elf_section *sections;
	size_t section_count;
	char *names; /* of the sections; NULL where there are none */
	char build_id[2 * ELF_BUILD_ID_MAX + 1];
};

/* What the ELF header says about the two tables. */
struct tables {
	uint64_t segments_offset;
	uint64_t sections_offset;
	uint64_t segment_count;
	uint64_t section_count;
	size_t segment_size;
	size_t section_size;
	uint32_t names_section; /* index; SHN_XINDEX: it is in the first section's link */
	uint16_t machine;
};

int elf_image_read(const struct elf_image *image, uint64_t offset, void *buffer, size_t size)
{
	size_t done = 0;

	if (offset > image->size || size > image->size - offset)
		return -ENODATA;
	if (image->data) {
		memcpy(buffer, image->data + offset, size);
		return 0;
	}
	while (done < size) {
		ssize_t got = pread(image->fd, (char *)buffer + done, size - done,
				    (off_t)(offset + done));

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			return -ENODATA;
		if (got > 0)
			done += (size_t)got;
	}
	return 0;
}

/* The two classes differ in the width and order of fields, not in their names. */
#define TABLES_OF(header, class)                                                           \
	((struct tables){.segments_offset = (header).e_phoff,                              \
			 .sections_offset = (header).e_shoff,                              \
			 .segment_count = (header).e_phnum,                                \
			 .section_count = (header).e_shnum,                                \
			 .segment_size = (header).e_phentsize == sizeof(Elf##class##_Phdr) \
						 ? sizeof(Elf##class##_Phdr)               \
						 : 0,                                      \
			 .section_size = (header).e_shentsize == sizeof(Elf##class##_Shdr) \
						 ? sizeof(Elf##class##_Shdr)               \
						 : 0,                                      \
			 .names_section = (header).e_shstrndx,                             \
			 .machine = (header).e_machine})

#define SEGMENT_OF(header)                                     \
	((struct elf_segment){.type = (header).p_type,         \
			      .flags = (header).p_flags,       \
			      .offset = (header).p_offset,     \
			      .vaddr = (header).p_vaddr,       \
			      .file_size = (header).p_filesz,  \
			      .memory_size = (header).p_memsz, \
			      .align = (header).p_align})

#define SECTION_OF(header)                                  \
	((struct elf_section){.name = "",                   \
			      .type = (header).sh_type,     \
			      .link = (header).sh_link,     \
			      .flags = (header).sh_flags,   \
			      .vaddr = (header).sh_addr,    \
			      .offset = (header).sh_offset, \
			      .size = (header).sh_size,     \
			      .entry_size = (header).sh_entsize})

static struct elf_segment segment_at(const struct elf_image *image, const char *raw)
{
	Elf64_Phdr wide;
	Elf32_Phdr narrow;

	if (image->is_64bit) {
		memcpy(&wide, raw, sizeof(wide));
		return SEGMENT_OF(wide);
	}
	memcpy(&narrow, raw, sizeof(narrow));
	return SEGMENT_OF(narrow);
}

/* Of a section header, raw: its name's offset, which stands first in both classes. */
static uint32_t section_name_at(const char *raw)
{
	uint32_t offset;

	memcpy(&offset, raw, sizeof(offset));
	return offset;
}

static struct elf_section section_at(const struct elf_image *image, const char *raw)
{
	Elf64_Shdr wide;
	Elf32_Shdr narrow;

	if (image->is_64bit) {
		memcpy(&wide, raw, sizeof(wide));
		return SECTION_OF(wide);
	}
	memcpy(&narrow, raw, sizeof(narrow));
	return SECTION_OF(narrow);
}

static int read_header(struct elf_image *image, struct tables *tables)
{
	unsigned char native =
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	unsigned char ident[EI_NIDENT];
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;
	int result = elf_image_read(image, 0, ident, sizeof(ident));

	if (result < 0)
		return result;
	if (memcmp(ident, ELFMAG, SELFMAG) != 0 || ident[EI_DATA] != native)
		return -ENOEXEC;
	image->is_64bit = ident[EI_CLASS] == ELFCLASS64;
	if (image->is_64bit) {
		result = elf_image_read(image, 0, &wide, sizeof(wide));
		if (result == 0)
			*tables = TABLES_OF(wide, 64);
		return result;
	}
	if (ident[EI_CLASS] != ELFCLASS32)
		return -ENOEXEC;
	result = elf_image_read(image, 0, &narrow, sizeof(narrow));
	if (result == 0)
		*tables = TABLES_OF(narrow, 32);
	return result;
}

static int read_segments(struct elf_image *image, const struct tables *tables)
{
	size_t count = (size_t)tables->segment_count;
	autofree struct elf_segment *segments = NULL;
	autofree char *raw = NULL;
	int result;

	if (!count)
		return 0;
	if (!tables->segment_size || count > ELF_IMAGE_SEGMENTS_MAX)
		return -ENOEXEC;
	raw = malloc(count * tables->segment_size);
	segments = calloc(count, sizeof(*segments));
	if (!raw || !segments)
		return -ENOMEM;
	result = elf_image_read(image, tables->segments_offset, raw, count * tables->segment_size);
	if (result < 0)
		return result;
	for (size_t i = 0; i < count; i++)
		segments[i] = segment_at(image, raw + i * tables->segment_size);
	image->segments = take_ptr(segments);
	image->segment_count = count;
	return 0;
}

/* Files with SHN_LORESERVE sections or more have their number in the first one's size. */
static int count_sections(const struct elf_image *image, struct tables *tables)
{
	char raw[sizeof(Elf64_Shdr)];
	int result;

	if (tables->section_count || !tables->sections_offset)
		return 0;
	result = elf_image_read(image, tables->sections_offset, raw, tables->section_size);
	if (result == 0)
		tables->section_count = section_at(image, raw).size;
	return result;
}

/* Names that are not there, or too many, count as none. */
static int read_section_names(struct elf_image *image, const struct tables *tables, const char *raw)
{
	const struct elf_section *table;
	autofree char *names = NULL;
	size_t index = tables->names_section;

	if (index == SHN_XINDEX)
		index = image->sections[0].link;
	if (index == SHN_UNDEF || index >= image->section_count)
		return 0;
	table = &image->sections[index];
	if (table->type != SHT_STRTAB || table->size > ELF_IMAGE_NAMES_MAX)
		return 0;
	names = malloc(table->size + 1);
	if (!names)
		return -ENOMEM;
	if (elf_image_read(image, table->offset, names, table->size) < 0)
		return 0;
	names[table->size] = '\0';
	for (size_t i = 0; i < image->section_count; i++) {
		uint32_t offset = section_name_at(raw + i * tables->section_size);

		if (offset < table->size)
			image->sections[i].name = names + offset;
	}
	image->names = take_ptr(names);
	return 0;
}

static int read_sections(struct elf_image *image, struct tables *tables)
{
	autofree struct elf_section *sections = NULL;
	autofree char *raw = NULL;
	size_t count;
	int result;

	if (!tables->section_size)
		return 0;
	result = count_sections(image, tables);
	if (result < 0)
		return result;
	if (!tables->section_count || tables->section_count > ELF_IMAGE_SECTIONS_MAX)
		return 0;
	count = (size_t)tables->section_count;
	/* Before memory is taken for a table that cannot be there. */
	if (count * tables->section_size > image->size)
		return -ENODATA;
	raw = malloc(count * tables->section_size);
	sections = calloc(count, sizeof(*sections));
	if (!raw || !sections)
		return -ENOMEM;
	result = elf_image_read(image, tables->sections_offset, raw, count * tables->section_size);
	if (result < 0)
		return result;
	for (size_t i = 0; i < count; i++)
		sections[i] = section_at(image, raw + i * tables->section_size);
	image->sections = take_ptr(sections);
	image->section_count = count;
	return read_section_names(image, tables, raw);
}

static void print_hex(const unsigned char *bytes, size_t size, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * size] = '\0';
}

static size_t align_up(size_t value, size_t align)
{
	return (value + align - 1) & ~(align - 1);
}

/* Notes have a header of three words, a name and a description, each padded. */
static bool find_build_id(const char *notes, size_t size, size_t align, char *build_id)
{
	static const char owner[] = ELF_NOTE_GNU;
	size_t at = 0;

	while (size - at >= sizeof(Elf64_Nhdr)) {
		size_t name = at + sizeof(Elf64_Nhdr);
		size_t description;
		Elf64_Nhdr header; /* has the same layout in both classes */

		memcpy(&header, notes + at, sizeof(header));
		if (header.n_namesz > size || header.n_descsz > size)
			return false;
		description = align_up(name + header.n_namesz, align);
		if (description > size || header.n_descsz > size - description)
			return false;
		if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == sizeof(owner) &&
		    memcmp(notes + name, owner, sizeof(owner)) == 0 && header.n_descsz > 0 &&
		    header.n_descsz <= ELF_BUILD_ID_MAX) {
			print_hex((const unsigned char *)notes + description, header.n_descsz,
				  build_id);
			return true;
		}
		at = align_up(description + header.n_descsz, align);
		if (at > size)
			return false;
	}
	return false;
}

static bool search_notes(struct elf_image *image, uint64_t offset, uint64_t size, uint64_t align)
{
	autofree char *notes = NULL;

	if (size > NOTES_SIZE_MAX)
		size = NOTES_SIZE_MAX;
	notes = malloc(size ? size : 1);
	if (!notes || elf_image_read(image, offset, notes, size) < 0)
		return false;
	return find_build_id(notes, size, align == 8 ? 8 : 4, image->build_id);
}

/* Programs have note segments; separate debug files have only the sections. */
static void read_build_id(struct elf_image *image)
{
	size_t searched = 0;

	for (size_t i = 0; i < image->segment_count && searched < NOTES_SEGMENTS_MAX; i++) {
		const struct elf_segment *segment = &image->segments[i];

		if (segment->type != PT_NOTE)
			continue;
		if (search_notes(image, segment->offset, segment->file_size, segment->align))
			return;
		searched++;
	}
	for (size_t i = 0; i < image->section_count && searched < 2 * NOTES_SEGMENTS_MAX; i++) {
		const struct elf_section *section = &image->sections[i];

		if (section->type != SHT_NOTE)
			continue;
		if (search_notes(image, section->offset, section->size, 4))
			return;
		searched++;
	}
}

static int open_image(struct elf_image *image, struct error *error)
{
	struct tables tables = {0};
	int result = read_header(image, &tables);

	if (result == -ENODATA || result == -ENOEXEC)
		return error_set(error, -ENOEXEC, "not an ELF file of this machine's byte order");
	if (result == 0)
		result = read_segments(image, &tables);
	if (result == -ENODATA || result == -ENOEXEC)
		return error_set(error, -ENOEXEC, "the ELF program headers are damaged");
	if (result == 0 && read_sections(image, &tables) == -ENOMEM)
		result = -ENOMEM;
	if (result < 0)
		return error_set(error, result, "cannot read ELF headers: %s", strerror(-result));
	image->machine = tables.machine;
	read_build_id(image);
	return 0;
}

int elf_image_open_fd(int fd, struct elf_image **out, struct error *error)
{
	auto_free(elf_image) struct elf_image *image = calloc(1, sizeof(*image));
	struct stat status;
	int result;

	if (!image)
		return error_set(error, -ENOMEM, "no memory for ELF headers");
	if (fstat(fd, &status) < 0)
		return error_set(error, -errno, "cannot read the file's size: %m");
	image->fd = fd;
	image->size = status.st_size > 0 ? (uint64_t)status.st_size : 0;
	result = open_image(image, error);
	if (result < 0)
		return result;
	*out = take_ptr(image);
	return 0;
}

int elf_image_open_memory(const void *data, size_t size, struct elf_image **out,
			  struct error *error)
{
	auto_free(elf_image) struct elf_image *image = calloc(1, sizeof(*image));
	int result;

	if (!image)
		return error_set(error, -ENOMEM, "no memory for ELF headers");
	image->fd = -1;
	image->data = data;
	image->size = size;
	result = open_image(image, error);
	if (result < 0)
		return result;
	*out = take_ptr(image);
	return 0;
}

void elf_image_free(struct elf_image *image)
{
	if (!image)
		return;
	free(image->segments);
	free(image->sections);
	free(image->names);
	free(image);
}

bool elf_image_is_64bit(const struct elf_image *image)
{
	return image->is_64bit;
}

uint16_t elf_image_machine(const struct elf_image *image)
{
	return image->machine;
}

uint64_t elf_image_size(const struct elf_image *image)
{
	return image->size;
}

size_t elf_image_segments(const struct elf_image *image, const struct elf_segment **segments)
{
	*segments = image->segments;
	return image->segment_count;
}

size_t elf_image_sections(const struct elf_image *image, const struct elf_section **sections)
{
	*sections = image->sections;
	return image->section_count;
}

const struct elf_section *elf_image_find_section(const struct elf_image *image, const char *name)
{
	for (size_t i = 0; i < image->section_count; i++)
		if (strcmp(image->sections[i].name, name) == 0)
			return &image->sections[i];
	return NULL;
}

const char *elf_image_build_id(const struct elf_image *image)
{
	return image->build_id[0] ? image->build_id : NULL;
}
