// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/elf_symbol_table.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/elf_symbols.h"

enum {
	/* Table entries that are read at once. */
	CHUNK_SYMBOLS = 2048,
	/* Compared when choosing between names for one address. */
	NAME_COMPARED = 128,
	UNDERSCORES_MAX = 16,
};

/* A symbol while the index is being made. There can be millions: 24 bytes. */
struct candidate {
	uint64_t address;
	uint32_t size; /* of an unsized one the bytes up to the end of its section, or 0 */
	uint32_t name; /* offset into the names */
	uint8_t rank;  /* the lower the better */
};

struct elf_symbol_table {
	struct candidate *list;
	size_t count;
	size_t capacity;
	char *names;
	size_t names_size;
	bool truncated;
};

/* Bits of candidate.rank, the most important one highest. */
enum {
	RANK_WEAK = 2,
	RANK_LOCAL = 1,
	RANK_NOT_FUNCTION = 4,
	RANK_UNSIZED = 8,
};

static Elf64_Sym symbol_at(const struct elf_image *image, const char *raw)
{
	Elf64_Sym wide;
	Elf32_Sym narrow;

	if (elf_image_is_64bit(image)) {
		memcpy(&wide, raw, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, raw, sizeof(narrow));
	return (Elf64_Sym){
		.st_name = narrow.st_name,
		.st_info = narrow.st_info,
		.st_other = narrow.st_other,
		.st_shndx = narrow.st_shndx,
		.st_value = narrow.st_value,
		.st_size = narrow.st_size,
	};
}

static uint32_t saturate(uint64_t size)
{
	return size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
}

/* Bytes from the address to the end of its section, 0 if it is not in it. */
static uint64_t room_in_section(const struct elf_section *section, uint64_t address)
{
	if (!section || address < section->vaddr || address - section->vaddr >= section->size)
		return 0;
	return section->size - (address - section->vaddr);
}

/* Makes a candidate of a symbol that names code; says whether it is one. */
static bool take_symbol(const struct elf_image *image, const Elf64_Sym *symbol,
			struct candidate *candidate)
{
	const struct elf_section *sections;
	size_t count = elf_image_sections(image, &sections);
	const struct elf_section *section =
		symbol->st_shndx < count ? &sections[symbol->st_shndx] : NULL;
	unsigned int type = ELF64_ST_TYPE(symbol->st_info);
	unsigned int binding = ELF64_ST_BIND(symbol->st_info);
	bool function = type == STT_FUNC || type == STT_GNU_IFUNC;
	uint64_t size = symbol->st_size;

	if (!function && type != STT_NOTYPE)
		return false;
	if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_COMMON || !symbol->st_name)
		return false;
	if (!function && (!section || !(section->flags & SHF_EXECINSTR)))
		return false;
	*candidate = (struct candidate){
		.address = symbol->st_value,
		.size = saturate(size ? size : room_in_section(section, symbol->st_value)),
		.name = symbol->st_name,
		.rank = (uint8_t)((binding == STB_WEAK ? RANK_WEAK : 0) |
				  (binding == STB_LOCAL ? RANK_LOCAL : 0) |
				  (function ? 0 : RANK_NOT_FUNCTION) | (size ? 0 : RANK_UNSIZED)),
	};
	return true;
}

static int add_candidate(struct elf_symbol_table *table, const struct candidate *candidate)
{
	if (table->count == table->capacity) {
		size_t wanted = table->capacity ? table->capacity * 2 : 1024;
		struct candidate *grown = realloc(table->list, wanted * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		table->list = grown;
		table->capacity = wanted;
	}
	table->list[table->count++] = *candidate;
	return 0;
}

/* Reads the symbols of one section, as far as the file goes. */
static int read_candidates(struct elf_symbol_table *table, const struct elf_image *image,
			   const struct elf_section *section)
{
	size_t entry_size = elf_image_is_64bit(image) ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint64_t total = section->size / entry_size;
	autofree char *chunk = malloc(CHUNK_SYMBOLS * entry_size);
	int result = 0;

	if (!chunk)
		return -ENOMEM;
	if (total > ELF_SYMBOLS_MAX) {
		total = ELF_SYMBOLS_MAX;
		table->truncated = true;
	}
	for (uint64_t done = 0; done < total && result == 0; done += CHUNK_SYMBOLS) {
		size_t count = total - done < CHUNK_SYMBOLS ? total - done : CHUNK_SYMBOLS;
		uint64_t offset;

		if (__builtin_add_overflow(section->offset, done * entry_size, &offset) ||
		    elf_image_read(image, offset, chunk, count * entry_size) < 0) {
			table->truncated = true;
			break;
		}
		for (size_t i = 0; i < count && result == 0; i++) {
			Elf64_Sym symbol = symbol_at(image, chunk + i * entry_size);
			struct candidate candidate;

			if (take_symbol(image, &symbol, &candidate))
				result = add_candidate(table, &candidate);
		}
	}
	return result;
}

/* Appends the section's names, with a NUL behind them. */
static int read_names(struct elf_symbol_table *table, const struct elf_image *image,
		      const struct elf_section *section)
{
	const struct elf_section *sections;
	size_t count = elf_image_sections(image, &sections);
	uint64_t size;
	char *grown;
	int result;

	if (section->link >= count || sections[section->link].type != SHT_STRTAB)
		return -ENODATA;
	size = sections[section->link].size;
	if (size > ELF_SYMBOLS_NAMES_MAX) {
		size = ELF_SYMBOLS_NAMES_MAX;
		table->truncated = true;
	}
	/* Before memory is taken for what cannot be there. */
	if (size > elf_image_size(image))
		return -ENODATA;
	grown = realloc(table->names, table->names_size + size + 1);
	if (!grown)
		return -ENOMEM;
	table->names = grown;
	result = elf_image_read(image, sections[section->link].offset, grown + table->names_size,
				size);
	if (result < 0)
		return result;
	table->names_size += size + 1;
	table->names[table->names_size - 1] = '\0';
	return 0;
}

static bool starts_with_mapping_mark(const char *name)
{
	/* $a, $d, $t, $x mark code and data of ARM, they name nothing. */
	return name[0] == '$' && name[1] && strchr("adtx", name[1]) && (!name[2] || name[2] == '.');
}

/*
 * Finds the names of the candidates from `first` on, which start at `names`; leaves out
 * those whose name is not there.
 */
static void name_candidates(struct elf_symbol_table *table, size_t first, size_t names)
{
	size_t kept = first;

	for (size_t i = first; i < table->count; i++) {
		struct candidate candidate = table->list[i];
		const char *name = table->names + names + candidate.name;

		if (candidate.name >= table->names_size - names || !*name)
			continue;
		if ((candidate.rank & RANK_NOT_FUNCTION) && starts_with_mapping_mark(name))
			continue;
		candidate.name += (uint32_t)names;
		table->list[kept++] = candidate;
	}
	table->count = kept;
}

static int add_section(struct elf_symbol_table *table, const struct elf_image *image,
		       const struct elf_section *section)
{
	size_t first = table->count, names = table->names_size;
	int result = read_candidates(table, image, section);

	if (result == 0 && table->count > first)
		result = read_names(table, image, section);
	if (result == 0)
		name_candidates(table, first, names);
	else
		table->count = first;
	return result;
}

int elf_symbol_table_add(struct elf_symbol_table *table, const struct elf_image *image,
			 uint32_t type)
{
	const struct elf_section *sections;
	size_t count = elf_image_sections(image, &sections);

	for (size_t i = 0; i < count; i++)
		if (sections[i].type == type)
			return add_section(table, image, &sections[i]) == -ENOMEM ? -ENOMEM : 0;
	return 0;
}

static int compare_candidates(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return (int)a->rank - (int)b->rank;
}

/* Bounded, as a hostile name may consist of megabytes of them. */
static size_t count_underscores(const char *name)
{
	size_t count = 0;

	while (name[count] == '_' && count < UNDERSCORES_MAX)
		count++;
	return count;
}

static bool better_name(const char *a, const char *b)
{
	size_t a_underscores = count_underscores(a), b_underscores = count_underscores(b);

	if (a_underscores != b_underscores)
		return a_underscores < b_underscores;
	return strncmp(a, b, NAME_COMPARED) < 0;
}

/* Leaves the best of the names for each address. The list is sorted. */
static void drop_aliases(struct elf_symbol_table *table)
{
	const char *names = table->names;
	size_t kept = 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct candidate *candidate = &table->list[i];
		struct candidate *best = kept ? &table->list[kept - 1] : NULL;

		if (!best || best->address != candidate->address)
			table->list[kept++] = *candidate;
		else if (best->rank == candidate->rank && best->name != candidate->name &&
			 better_name(names + candidate->name, names + best->name))
			*best = *candidate;
	}
	table->count = kept;
}

/* Leaves out labels inside of functions: the function is the better name. */
static void drop_labels(struct elf_symbol_table *table)
{
	uint64_t function_end = 0;
	size_t kept = 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct candidate *candidate = &table->list[i];
		bool sized = !(candidate->rank & RANK_UNSIZED);

		if (sized && candidate->address + candidate->size > function_end)
			function_end = candidate->address + candidate->size;
		if (!sized && candidate->address < function_end)
			continue;
		table->list[kept++] = *candidate;
	}
	table->count = kept;
}

/* Symbols of assembler code often have no size: up to the next one, in their section. */
static void bound_unsized(struct elf_symbol_table *table)
{
	size_t kept = 0;

	for (size_t i = 0; i < table->count; i++) {
		struct candidate candidate = table->list[i];

		if (i + 1 < table->count && (candidate.rank & RANK_UNSIZED)) {
			uint64_t gap = table->list[i + 1].address - candidate.address;

			if (gap < candidate.size)
				candidate.size = (uint32_t)gap;
		}
		if (candidate.size)
			table->list[kept++] = candidate;
	}
	table->count = kept;
}

static int keep_entries(struct symbol_index *index, const struct elf_symbol_table *table)
{
	struct symbol_entry *entries = malloc(table->count * sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < table->count; i++) {
		const struct candidate *candidate = &table->list[i];

		entries[i] = (struct symbol_entry){
			.address = candidate->address,
			.size = candidate->size,
			.name = candidate->name,
		};
	}
	index->entries = entries;
	index->count = table->count;
	return 0;
}

/*
 * Copies the names that are used, unless that would take more than all of them do:
 * a hostile table can make any number of symbols share one long name.
 */
static int keep_names(struct symbol_index *index, struct elf_symbol_table *table)
{
	size_t total = 0, at = 0;
	char *copy;

	for (size_t i = 0; i < index->count && total < table->names_size; i++)
		total += strlen(table->names + index->entries[i].name) + 1;
	if (total >= table->names_size) {
		index->names = take_ptr(table->names);
		index->names_size = table->names_size;
		return 0;
	}
	copy = malloc(total);
	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < index->count; i++) {
		const char *name = table->names + index->entries[i].name;
		size_t size = strlen(name) + 1;

		memcpy(copy + at, name, size);
		index->entries[i].name = (uint32_t)at;
		at += size;
	}
	index->names = copy;
	index->names_size = total;
	return 0;
}

static void clear(struct elf_symbol_table *table)
{
	free(table->list);
	free(table->names);
	*table = (struct elf_symbol_table){.truncated = table->truncated};
}

int elf_symbol_table_index(struct elf_symbol_table *table, struct symbol_index *index)
{
	struct symbol_index made = {0};
	int result = 0;

	if (table->count) {
		qsort(table->list, table->count, sizeof(*table->list), compare_candidates);
		drop_aliases(table);
		drop_labels(table);
		bound_unsized(table);
	}
	if (table->count)
		result = keep_entries(&made, table);
	if (result == 0 && table->count)
		result = keep_names(&made, table);
	clear(table);
	if (result < 0)
		symbol_index_clear(&made);
	else
		*index = made;
	return result;
}

struct elf_symbol_table *elf_symbol_table_new(void)
{
	return calloc(1, sizeof(struct elf_symbol_table));
}

void elf_symbol_table_free(struct elf_symbol_table *table)
{
	if (!table)
		return;
	clear(table);
	free(table);
}

bool elf_symbol_table_is_empty(const struct elf_symbol_table *table)
{
	return !table->count;
}

bool elf_symbol_table_truncated(const struct elf_symbol_table *table)
{
	return table->truncated;
}
