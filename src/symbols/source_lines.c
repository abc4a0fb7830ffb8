// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/source_lines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <gelf.h>
#include <string.h>
#include <sys/stat.h>

/* An element that could not be added has hh.tbl NULL; nobody exits. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/clock.h"
#include "process/elf_image.h"
#include "symbols/debug_file.h"
#include "symbols/dwarf_links.h"

enum {
	/* Address ranges of compilation units that are looked at; a Chromium has 0.3 million. */
	RANGES_MAX = 1 << 20,
	/* Dead code leaves ranges at address 0 that others lie in. */
	NESTING_MAX = 32,
	/* Scopes inside of each other, and entries looked at for one address. */
	SCOPE_DEPTH_MAX = 64,
	ENTRIES_MAX = 1 << 20,
	/* Looking for one address takes some 0.2 ms, 1.5 at the worst in libc's file. */
	SEARCH_TIME_MAX_NS = 100000000,
	/* Addresses that are remembered: the same frames stand in many stacks. */
	KNOWN_MAX = 4096,
};

/* Code of one compilation unit. */
struct unit_range {
	Dwarf_Addr start;
	Dwarf_Addr end;
	Dwarf_Off unit; /* its DIE */
};

struct known_address {
	uint64_t vaddr;
	UT_hash_handle hh;
	size_t count;
	struct source_location locations[SOURCE_INLINED_MAX + 1];
};

/* Changes with lookups, while the lines stay what they are. */
struct known_table {
	struct known_address *by_vaddr;
	bool given_up;
};

struct source_lines {
	char *copy;
	size_t memory;
	Elf *elf;
	Dwarf *dwarf;
	struct unit_range *ranges;
	size_t ranges_count;
	size_t ranges_capacity;
	struct known_table *known;
};

static void forget_all(struct known_table *known)
{
	struct known_address *address, *next;

	HASH_ITER (hh, known->by_vaddr, address, next) {
		HASH_DEL(known->by_vaddr, address);
		free(address);
	}
}

void source_lines_free(struct source_lines *lines)
{
	if (!lines)
		return;
	if (lines->known)
		forget_all(lines->known);
	free(lines->known);
	dwarf_end(lines->dwarf);
	elf_end(lines->elf);
	free(lines->ranges);
	free(lines->copy);
	free(lines);
}

static int copy_file(struct source_lines *lines, int fd)
{
	struct stat status;
	size_t size, done = 0;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_size <= 0)
		return -ENODATA;
	if (status.st_size > SOURCE_LINES_SIZE_MAX)
		return -EFBIG;
	size = (size_t)status.st_size;
	lines->copy = malloc(size);
	if (!lines->copy)
		return -ENOMEM;
	while (done < size) {
		ssize_t got = pread(fd, lines->copy + done, size - done, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -ENODATA;
		done += (size_t)got;
	}
	lines->memory = size;
	return 0;
}

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Whether libdw may have this section; counts the memory that it will take. */
static int check_section(struct source_lines *lines, Elf_Scn *section, size_t names)
{
	const char *name;
	GElf_Shdr header;
	GElf_Chdr compressed;
	uint64_t size;

	if (!gelf_getshdr(section, &header))
		return -ENOEXEC;
	name = elf_strptr(lines->elf, names, header.sh_name);
	if (!name)
		return -ENOEXEC;
	/* .zdebug: an old compression, whose size cannot be told beforehand. */
	if (starts_with(name, ".zdebug") || dwarf_links_to_file(name))
		return -ENOTSUP;
	size = header.sh_size;
	if (header.sh_flags & SHF_COMPRESSED) {
		if (!gelf_getchdr(section, &compressed))
			return -ENOEXEC;
		size = compressed.ch_size;
		if (size > SOURCE_LINES_SIZE_MAX - lines->memory)
			return -EFBIG;
		lines->memory += size;
	}
	/* Also ".gnu.debuglto_.debug_line", which libdw takes where there is no other. */
	return strstr(name, ".debug_line") && size > SOURCE_LINES_TABLE_MAX ? -EFBIG : 0;
}

static int check_sections(struct source_lines *lines)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_kind(lines->elf) != ELF_K_ELF || elf_getshdrstrndx(lines->elf, &names))
		return -ENOEXEC;
	while ((section = elf_nextscn(lines->elf, section))) {
		int err = check_section(lines, section, names);

		if (err)
			return err;
	}
	return 0;
}

static int add_range(struct source_lines *lines, const struct unit_range *range)
{
	if (lines->ranges_count == lines->ranges_capacity) {
		size_t wanted = lines->ranges_capacity ? lines->ranges_capacity * 2 : 256;
		struct unit_range *grown = realloc(lines->ranges, wanted * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		lines->ranges = grown;
		lines->ranges_capacity = wanted;
	}
	lines->ranges[lines->ranges_count++] = *range;
	return 0;
}

/* The code of split units is described in another file, whose name we do not follow. */
static bool is_whole_unit(Dwarf_Die *unit)
{
	return dwarf_tag(unit) == DW_TAG_compile_unit && !dwarf_hasattr(unit, DW_AT_dwo_name) &&
	       !dwarf_hasattr(unit, DW_AT_GNU_dwo_name);
}

/* `*budget` bounds all units together: many can share one long list of ranges. */
static int add_unit(struct source_lines *lines, Dwarf_Die *unit, size_t *budget)
{
	struct unit_range range = {.unit = dwarf_dieoffset(unit)};
	Dwarf_Addr base;
	ptrdiff_t next = 0;
	int err = 0;

	while (!err && *budget &&
	       (next = dwarf_ranges(unit, next, &base, &range.start, &range.end)) > 0) {
		(*budget)--;
		if (range.start < range.end)
			err = add_range(lines, &range);
	}
	return err;
}

static int compare_ranges(const void *left, const void *right)
{
	const struct unit_range *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

/* Not from .debug_aranges: clang does not write it. */
static int index_units(struct source_lines *lines)
{
	Dwarf_Off offset = 0, next;
	size_t budget = RANGES_MAX, header_size;

	while (budget &&
	       dwarf_nextcu(lines->dwarf, offset, &next, &header_size, NULL, NULL, NULL) == 0) {
		Dwarf_Die unit;

		budget--;
		if (dwarf_offdie(lines->dwarf, offset + header_size, &unit) &&
		    is_whole_unit(&unit)) {
			int err = add_unit(lines, &unit, &budget);

			if (err)
				return err;
		}
		if (next <= offset)
			break;
		offset = next;
	}
	if (!lines->ranges_count)
		return -ENODATA;
	qsort(lines->ranges, lines->ranges_count, sizeof(*lines->ranges), compare_ranges);
	lines->memory += lines->ranges_capacity * sizeof(*lines->ranges);
	return 0;
}

static int load_file(int fd, struct source_lines **out)
{
	auto_free(source_lines) struct source_lines *lines = calloc(1, sizeof(*lines));
	int err;

	if (!lines)
		return -ENOMEM;
	lines->known = calloc(1, sizeof(*lines->known));
	if (!lines->known)
		return -ENOMEM;
	err = copy_file(lines, fd);
	if (err)
		return err;
	elf_version(EV_CURRENT);
	lines->elf = elf_memory(lines->copy, lines->memory);
	if (!lines->elf)
		return -ENOEXEC;
	err = check_sections(lines);
	if (err)
		return err;
	lines->dwarf = dwarf_begin_elf(lines->elf, DWARF_C_READ, NULL);
	if (!lines->dwarf)
		return -ENODATA;
	err = index_units(lines);
	if (err)
		return err;
	*out = take_ptr(lines);
	return 0;
}

static int load_debug_file(int fd, const char *directory, struct source_lines **out)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	int err = elf_image_open_fd(fd, &image, NULL);
	autoclose int debug_fd = -1;

	if (err)
		return err;
	if (!elf_image_build_id(image))
		return -ENOENT;
	debug_fd = debug_file_open(directory, elf_image_build_id(image));
	return debug_fd < 0 ? debug_fd : load_file(debug_fd, out);
}

int source_lines_load(int fd, const struct source_lines_options *options, struct source_lines **out,
		      struct error *error)
{
	/* First, as a file that was stripped would be copied for nothing. */
	int err = load_debug_file(fd, options ? options->debug_directory : NULL, out);

	if (err && err != -ENOMEM)
		err = load_file(fd, out);
	return err ? error_set(error, err, "no source lines: %s", strerror(-err)) : 0;
}

static const struct unit_range *find_range(const struct source_lines *lines, uint64_t vaddr)
{
	size_t low = 0, high = lines->ranges_count;

	/* The first range behind the address. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lines->ranges[middle].start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t tries = 0; low > 0 && tries < NESTING_MAX; tries++)
		if (vaddr < lines->ranges[--low].end)
			return &lines->ranges[low];
	return NULL;
}

/* Looks for the functions that are inlined at an address. */
struct search {
	Dwarf_Addr vaddr;
	size_t budget; /* entries that may still be looked at */
	uint64_t deadline_ns;
	size_t count;
	Dwarf_Die inlined[SOURCE_INLINED_MAX]; /* outermost first */
};

static void take_inlined(struct search *search, const Dwarf_Die *inlined)
{
	if (search->count == SOURCE_INLINED_MAX) {
		search->count--;
		memmove(&search->inlined[0], &search->inlined[1],
			search->count * sizeof(search->inlined[0]));
	}
	search->inlined[search->count++] = *inlined;
}

/*
 * Whether the code at the address was found below `parent`. Not dwarf_getscopes(): it
 * recurses as deep as the file says.
 */
static bool search_scope(struct search *search, Dwarf_Die *parent, unsigned int depth)
{
	Dwarf_Die entry;

	if (depth == SCOPE_DEPTH_MAX || dwarf_child(parent, &entry) != 0)
		return false;
	do {
		if (!search->budget || monotonic_ns() > search->deadline_ns) {
			search->budget = 0;
			return false;
		}
		search->budget--;
		switch (dwarf_tag(&entry)) {
		case DW_TAG_subprogram:
		case DW_TAG_inlined_subroutine:
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
			if (dwarf_haspc(&entry, search->vaddr) != 1)
				break;
			if (dwarf_tag(&entry) == DW_TAG_inlined_subroutine)
				take_inlined(search, &entry);
			search_scope(search, &entry, depth + 1);
			return true;
		case DW_TAG_namespace:
		case DW_TAG_module:
		case DW_TAG_class_type:
		case DW_TAG_structure_type:
		case DW_TAG_union_type:
			if (search_scope(search, &entry, depth + 1))
				return true;
			break;
		default:
			break;
		}
	} while (dwarf_siblingof(&entry, &entry) == 0);
	return false;
}

/* The name that a symbol table would have, so that both are demangled alike. */
static const char *function_name(Dwarf_Die *function)
{
	Dwarf_Attribute attribute;
	const char *name = NULL;

	if (dwarf_attr_integrate(function, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr_integrate(function, DW_AT_MIPS_linkage_name, &attribute))
		name = dwarf_formstring(&attribute);
	return name ? name : dwarf_diename(function);
}

static void set_location(struct source_location *location, const char *file, uint64_t line)
{
	bool known = file && line && line <= UINT32_MAX;

	location->file = known ? file : NULL;
	location->line = known ? (uint32_t)line : 0;
}

static void locate_instruction(Dwarf_Die *unit, uint64_t vaddr, struct source_location *location)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, vaddr);
	int number = 0;

	if (!line || dwarf_lineno(line, &number) || number <= 0)
		set_location(location, NULL, 0);
	else
		set_location(location, dwarf_linesrc(line, NULL, NULL), (uint64_t)number);
}

static void locate_call(Dwarf_Die *unit, Dwarf_Die *inlined, struct source_location *location)
{
	Dwarf_Word file = 0, line = 0;
	Dwarf_Attribute attribute;
	Dwarf_Files *files;
	size_t count;

	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) ||
	    dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) ||
	    dwarf_getsrcfiles(unit, &files, &count) || file >= count)
		set_location(location, NULL, 0);
	else
		set_location(location, dwarf_filesrc(files, file, NULL, NULL), line);
}

static size_t locate(const struct source_lines *lines, uint64_t vaddr,
		     struct source_location locations[SOURCE_INLINED_MAX + 1])
{
	const struct unit_range *range = find_range(lines, vaddr);
	struct search search = {
		.vaddr = vaddr,
		.budget = ENTRIES_MAX,
		.deadline_ns = monotonic_ns() + SEARCH_TIME_MAX_NS,
	};
	struct source_location here = {0};
	size_t count = 0;
	Dwarf_Die unit;

	if (!range || lines->known->given_up || !dwarf_offdie(lines->dwarf, range->unit, &unit))
		return 0;
	search_scope(&search, &unit, 0);
	/* Such a file is not made for us: the next address would cost as much. */
	if (!search.budget) {
		lines->known->given_up = true;
		return 0;
	}
	locate_instruction(&unit, vaddr, &here);
	for (size_t i = search.count; i-- > 0;) {
		here.function = function_name(&search.inlined[i]);
		if (here.function)
			locations[count++] = here;
		locate_call(&unit, &search.inlined[i], &here);
	}
	here.function = NULL;
	if (!count && !here.file)
		return 0;
	locations[count++] = here;
	return count;
}

size_t source_lines_find(const struct source_lines *lines, uint64_t vaddr,
			 const struct source_location **found)
{
	struct known_table *known = lines->known;
	struct known_address *address;

	HASH_FIND(hh, known->by_vaddr, &vaddr, sizeof(vaddr), address);
	if (!address) {
		if (HASH_COUNT(known->by_vaddr) >= KNOWN_MAX)
			forget_all(known);
		address = calloc(1, sizeof(*address));
		if (!address)
			return 0;
		address->vaddr = vaddr;
		address->count = locate(lines, vaddr, address->locations);
		HASH_ADD(hh, known->by_vaddr, vaddr, sizeof(address->vaddr), address);
		if (!address->hh.tbl) {
			free(address);
			return 0;
		}
	}
	*found = address->locations;
	return address->count;
}

size_t source_lines_memory(const struct source_lines *lines)
{
	return sizeof(*lines) + lines->memory;
}
