// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_layout.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <endian.h>
#include <errno.h>
#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "symbols/dwarf_links.h"

/*
 * libdw reads with pread(2), so that a file that shrinks is no SIGBUS, and it gets only
 * debug sections of bounded size. It is not made for hostile input (see
 * symbols/source_lines.h), therefore the search is bounded in entries and time, too.
 */

enum {
	/* All debug sections, uncompressed; those of kubelet have 60 MB. */
	DEBUG_SIZE_MAX = 256 << 20,
	/* Entries looked at; kubelet's top level has 0.6 million. */
	ENTRIES_MAX = 8 << 20,
	TIME_MAX_NS = 2000000000,
	/* Entries between two looks at the clock. */
	CLOCK_INTERVAL = 1024,
	MEMBERS_MAX = 1024,
	/* A typedef of a typedef of …; structures inside of each other. */
	TYPE_DEPTH_MAX = 8,
	NAME_PARTS_MAX = 3,
};

/* A structure that is looked for. */
enum type {
	TYPE_G,
	TYPE_M,
	TYPE_SUDOG,
	TYPE_CHANNEL,
	TYPE_MODULE,
	TYPES,
};

static const char *const type_names[TYPES] = {
	[TYPE_G] = "runtime.g",
	[TYPE_M] = "runtime.m",
	[TYPE_SUDOG] = "runtime.sudog",
	[TYPE_CHANNEL] = "runtime.hchan",
	[TYPE_MODULE] = "runtime.moduledata",
};

enum presence {
	REQUIRED,
	OPTIONAL, /* GO_FIELD_NONE where the version has none */
};

struct field {
	enum type type;
	enum presence presence;
	uint16_t size;                    /* bytes of it that are read */
	const char *path[NAME_PARTS_MAX]; /* a member, then a member of that one */
	size_t place;                     /* in struct go_layout */
};

#define PLACE(member) offsetof(struct go_layout, member)

static const struct field fields[] = {
	{TYPE_G, REQUIRED, 8, {"stack", "lo"}, PLACE(g.stack_lo)},
	{TYPE_G, REQUIRED, 8, {"stack", "hi"}, PLACE(g.stack_hi)},
	{TYPE_G, REQUIRED, 8, {"m"}, PLACE(g.m)},
	{TYPE_G, REQUIRED, 8, {"sched", "sp"}, PLACE(g.sched_sp)},
	{TYPE_G, REQUIRED, 8, {"sched", "pc"}, PLACE(g.sched_pc)},
	{TYPE_G, REQUIRED, 8, {"sched", "g"}, PLACE(g.sched_g)},
	{TYPE_G, REQUIRED, 8, {"sched", "bp"}, PLACE(g.sched_bp)},
	{TYPE_G, REQUIRED, 8, {"syscallsp"}, PLACE(g.syscall_sp)},
	{TYPE_G, REQUIRED, 8, {"syscallpc"}, PLACE(g.syscall_pc)},
	{TYPE_G, OPTIONAL, 8, {"syscallbp"}, PLACE(g.syscall_bp)},
	{TYPE_G, REQUIRED, 4, {"atomicstatus"}, PLACE(g.status)},
	{TYPE_G, REQUIRED, 8, {"goid"}, PLACE(g.goid)},
	{TYPE_G, REQUIRED, 8, {"waitsince"}, PLACE(g.wait_since)},
	{TYPE_G, REQUIRED, 1, {"waitreason"}, PLACE(g.wait_reason)},
	{TYPE_G, OPTIONAL, 1, {"trackingSeq"}, PLACE(g.tracking_seq)},
	{TYPE_G, REQUIRED, 8, {"lockedm"}, PLACE(g.locked_m)},
	{TYPE_G, OPTIONAL, 8, {"parentGoid"}, PLACE(g.parent_goid)},
	{TYPE_G, REQUIRED, 8, {"gopc"}, PLACE(g.gopc)},
	{TYPE_G, REQUIRED, 8, {"startpc"}, PLACE(g.startpc)},
	{TYPE_G, REQUIRED, 8, {"waiting"}, PLACE(g.waiting)},
	{TYPE_G, REQUIRED, 8, {"labels"}, PLACE(g.labels)},
	{TYPE_M, REQUIRED, 8, {"procid"}, PLACE(m.procid)},
	{TYPE_M, REQUIRED, 8, {"curg"}, PLACE(m.curg)},
	{TYPE_SUDOG, REQUIRED, 8, {"g"}, PLACE(sudog.g)},
	{TYPE_SUDOG, REQUIRED, 8, {"next"}, PLACE(sudog.next)},
	{TYPE_SUDOG, REQUIRED, 8, {"prev"}, PLACE(sudog.prev)},
	{TYPE_SUDOG, REQUIRED, 1, {"isSelect"}, PLACE(sudog.is_select)},
	{TYPE_SUDOG, REQUIRED, 8, {"waitlink"}, PLACE(sudog.wait_link)},
	/* Pointers, or (1.26) a maybeTraceablePtr and a maybeTraceableChan around one. */
	{TYPE_SUDOG, REQUIRED, 8, {"elem", "?vu"}, PLACE(sudog.elem)},
	{TYPE_SUDOG, REQUIRED, 8, {"c", "?maybeTraceablePtr", "?vu"}, PLACE(sudog.c)},
	{TYPE_CHANNEL, REQUIRED, 8, {"qcount"}, PLACE(channel.count)},
	{TYPE_CHANNEL, REQUIRED, 8, {"dataqsiz"}, PLACE(channel.capacity)},
	{TYPE_CHANNEL, REQUIRED, 2, {"elemsize"}, PLACE(channel.element_size)},
	{TYPE_CHANNEL, REQUIRED, 4, {"closed"}, PLACE(channel.closed)},
	{TYPE_CHANNEL, REQUIRED, 8, {"recvq", "first"}, PLACE(channel.receivers)},
	{TYPE_CHANNEL, REQUIRED, 8, {"sendq", "first"}, PLACE(channel.senders)},
	{TYPE_MODULE, REQUIRED, 8, {"text"}, PLACE(module.text)},
	{TYPE_MODULE, OPTIONAL, 8, {"gofunc"}, PLACE(module.func_data)},
};

/* Where a type's size goes; of m only two fields are ever read, each alone. */
static const size_t size_places[TYPES] = {
	[TYPE_G] = PLACE(g.size),
	[TYPE_SUDOG] = PLACE(sudog.size),
	[TYPE_CHANNEL] = PLACE(channel.size),
	[TYPE_MODULE] = PLACE(module.size),
};

struct search {
	Dwarf *dwarf;
	size_t entries_left;
	uint64_t deadline_ns;
	bool found[TYPES];
	struct go_layout layout;
};

static void put(struct go_layout *layout, size_t place, uint16_t value)
{
	memcpy((char *)layout + place, &value, sizeof(value));
}

static bool may_go_on(struct search *search)
{
	if (search->entries_left == 0)
		return false;
	search->entries_left--;
	return search->entries_left % CLOCK_INTERVAL != 0 || monotonic_ns() < search->deadline_ns;
}

/* A number in all versions since 1.15, in older ones an expression. */
static bool read_offset(Dwarf_Die *member, uint64_t *offset)
{
	Dwarf_Attribute attribute;
	Dwarf_Word constant;

	if (!dwarf_attr(member, DW_AT_data_member_location, &attribute) ||
	    dwarf_formudata(&attribute, &constant) != 0)
		return false;
	*offset = constant;
	return true;
}

/* Its type without names for it. */
static bool read_type(Dwarf_Die *member, Dwarf_Die *type)
{
	Dwarf_Die *from = member;

	for (int depth = 0; depth < TYPE_DEPTH_MAX; depth++) {
		Dwarf_Attribute attribute;

		if (!dwarf_attr(from, DW_AT_type, &attribute) ||
		    !dwarf_formref_die(&attribute, type))
			return false;
		if (dwarf_tag(type) != DW_TAG_typedef)
			return true;
		from = type;
	}
	return false;
}

static bool find_member(Dwarf_Die *structure, const char *name, Dwarf_Die *member)
{
	if (dwarf_child(structure, member) != 0)
		return false;
	for (int i = 0; i < MEMBERS_MAX; i++) {
		const char *found = dwarf_diename(member);

		if (dwarf_tag(member) == DW_TAG_member && found && strcmp(found, name) == 0)
			return true;
		if (dwarf_siblingof(member, member) != 0)
			return false;
	}
	return false;
}

/* Adds up the offsets along the path. A part that begins with '?' counts in structures only. */
static bool find_field(Dwarf_Die *structure, const struct field *field, uint64_t *offset)
{
	Dwarf_Die within = *structure, member, type;
	uint64_t sum = 0, step;

	for (int part = 0; part < NAME_PARTS_MAX && field->path[part]; part++) {
		const char *name = field->path[part];

		if (part > 0) {
			if (!read_type(&member, &type))
				return false;
			if (*name == '?' && dwarf_tag(&type) != DW_TAG_structure_type)
				break;
			within = type;
		}
		if (!find_member(&within, *name == '?' ? name + 1 : name, &member) ||
		    !read_offset(&member, &step) || step >= GO_FIELD_NONE)
			return false;
		sum += step;
	}
	*offset = sum;
	return true;
}

/* All fields of one structure: false where it cannot be the runtime's. */
static bool read_structure(Dwarf_Die *structure, enum type type, struct go_layout *layout)
{
	uint64_t size = 0, offset;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct field *field = &fields[i];

		if (field->type != type)
			continue;
		if (!find_field(structure, field, &offset)) {
			if (field->presence == REQUIRED)
				return false;
			put(layout, field->place, GO_FIELD_NONE);
			continue;
		}
		if (offset + field->size > GO_STRUCTURE_SIZE_MAX)
			return false;
		put(layout, field->place, (uint16_t)offset);
		if (offset + field->size > size)
			size = offset + field->size;
	}
	if (size_places[type] != 0)
		put(layout, size_places[type], (uint16_t)size);
	return true;
}

static bool found_all(const struct search *search)
{
	for (int type = 0; type < TYPES; type++) {
		if (!search->found[type])
			return false;
	}
	return true;
}

static void look_at(struct search *search, Dwarf_Die *entry)
{
	const char *name;

	if (dwarf_tag(entry) != DW_TAG_structure_type)
		return;
	name = dwarf_diename(entry);
	for (int type = 0; name && type < TYPES; type++) {
		if (!search->found[type] && strcmp(name, type_names[type]) == 0)
			search->found[type] =
				read_structure(entry, (enum type)type, &search->layout);
	}
}

/* Whether there is more to look for, and time. */
static bool search_unit(struct search *search, Dwarf_Die *unit)
{
	Dwarf_Die entry;

	if (dwarf_child(unit, &entry) != 0)
		return true;
	do {
		look_at(search, &entry);
		if (found_all(search) || !may_go_on(search))
			return false;
	} while (dwarf_siblingof(&entry, &entry) == 0);
	return true;
}

static void search_units(struct search *search)
{
	Dwarf_Off offset = 0, next;
	size_t header_size;

	while (may_go_on(search) &&
	       dwarf_nextcu(search->dwarf, offset, &next, &header_size, NULL, NULL, NULL) == 0) {
		Dwarf_Die unit;

		if (dwarf_offdie(search->dwarf, offset + header_size, &unit) &&
		    !search_unit(search, &unit))
			return;
		if (next <= offset)
			return;
		offset = next;
	}
}

/* Go before 1.19: "ZLIB" and the size in 8 bytes, big-endian, before the data. */
static int old_compressed_size(Elf_Scn *section, uint64_t *size)
{
	const Elf_Data *data = elf_rawdata(section, NULL);

	if (!data || !data->d_buf || data->d_size < 12 || memcmp(data->d_buf, "ZLIB", 4) != 0)
		return -ENOEXEC;
	memcpy(size, (const char *)data->d_buf + 4, sizeof(*size));
	*size = be64toh(*size);
	return 0;
}

/* Whether libdw may have this section; adds what it will take for it. */
static int check_section(Elf *elf, Elf_Scn *section, size_t names, uint64_t *total)
{
	GElf_Shdr header;
	GElf_Chdr compressed;
	uint64_t size;
	const char *name;

	if (!gelf_getshdr(section, &header))
		return -ENOEXEC;
	name = elf_strptr(elf, names, header.sh_name);
	if (!name)
		return 0;
	if (dwarf_links_to_file(name))
		return -ENOTSUP;
	if (strncmp(name, ".debug", 6) != 0 && strncmp(name, ".zdebug", 7) != 0)
		return 0;
	size = header.sh_size;
	if (size > DEBUG_SIZE_MAX)
		return -EFBIG;
	if (header.sh_flags & SHF_COMPRESSED) {
		if (!gelf_getchdr(section, &compressed))
			return -ENOEXEC;
		size = compressed.ch_size;
	} else if (name[1] == 'z') {
		int err = old_compressed_size(section, &size);

		if (err)
			return err;
	}
	if (size > DEBUG_SIZE_MAX - *total)
		return -EFBIG;
	*total += size;
	return 0;
}

static int check_sections(Elf *elf)
{
	Elf_Scn *section = NULL;
	uint64_t total = 0;
	size_t names;

	if (elf_kind(elf) != ELF_K_ELF || gelf_getclass(elf) != ELFCLASS64 ||
	    elf_getshdrstrndx(elf, &names) != 0)
		return -ENODATA;
	while ((section = elf_nextscn(elf, section))) {
		int err = check_section(elf, section, names, &total);

		if (err)
			return err;
	}
	return total ? 0 : -ENODATA;
}

static int search_file(struct search *search, Elf *elf)
{
	int err = check_sections(elf);

	if (err)
		return err;
	search->dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	if (!search->dwarf)
		return -ENODATA;
	search_units(search);
	dwarf_end(search->dwarf);
	return found_all(search) ? 0 : -ENODATA;
}

int go_layout_from_dwarf(int fd, struct go_layout *layout, struct error *error)
{
	struct search search = {
		.entries_left = ENTRIES_MAX,
		.deadline_ns = monotonic_ns() + TIME_MAX_NS,
	};
	int err = -ENODATA;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf)
		err = search_file(&search, elf);
	elf_end(elf);
	if (err)
		return error_set(error, -ENODATA, "no layout of the Go runtime in DWARF: %s",
				 err == -EFBIG ? "too much of it" : "types are missing");
	*layout = search.layout;
	return 0;
}
