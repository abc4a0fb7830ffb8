// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/elf_symbols.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "process/elf_image.h"
#include "process/load_segments.h"
#include "symbols/debug_file.h"

enum {
	/* Table entries that are read at once. */
	CHUNK_SYMBOLS = 2048,
	/* Compared when choosing between names for one address. */
	NAME_COMPARED = 128,
	UNDERSCORES_MAX = 16,
	/* Symbols inside of others are rare, deep nests of them do not exist. */
	NESTING_MAX = 32,
};

struct entry {
	uint64_t address;
	uint32_t size;
	uint32_t name; /* offset into the names */
};

struct elf_symbols {
	struct entry *entries;
	size_t count;
	char *names;
	size_t names_size;
	struct load_segments *segments;
	char *build_id;
	bool truncated;
};

/* A symbol while the index is being made. There can be millions: 24 bytes. */
struct candidate {
	uint64_t address;
	uint32_t size;
	uint32_t name;
	uint16_t section;
	uint8_t rank; /* the lower the better */
};

struct candidates {
	struct candidate *list;
	size_t count;
	size_t capacity;
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

static const struct elf_section *section_at(const struct elf_image *image, size_t index)
{
	const struct elf_section *sections;
	size_t count = elf_image_sections(image, &sections);

	return index < count ? &sections[index] : NULL;
}

/* Makes a candidate of a symbol that names code; says whether it is one. */
static bool take_symbol(const struct elf_image *image, const Elf64_Sym *symbol,
			struct candidate *candidate)
{
	const struct elf_section *section = section_at(image, symbol->st_shndx);
	unsigned int type = ELF64_ST_TYPE(symbol->st_info);
	unsigned int binding = ELF64_ST_BIND(symbol->st_info);
	bool function = type == STT_FUNC || type == STT_GNU_IFUNC;

	if (!function && type != STT_NOTYPE)
		return false;
	if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_COMMON || !symbol->st_name)
		return false;
	if (!function && (!section || !(section->flags & SHF_EXECINSTR)))
		return false;
	*candidate = (struct candidate){
		.address = symbol->st_value,
		.size = symbol->st_size > UINT32_MAX ? UINT32_MAX : (uint32_t)symbol->st_size,
		.name = symbol->st_name,
		.section = symbol->st_shndx,
		.rank = (uint8_t)((binding == STB_WEAK ? RANK_WEAK : 0) |
				  (binding == STB_LOCAL ? RANK_LOCAL : 0) |
				  (function ? 0 : RANK_NOT_FUNCTION) |
				  (symbol->st_size ? 0 : RANK_UNSIZED)),
	};
	return true;
}

static int add_candidate(struct candidates *all, const struct candidate *candidate)
{
	if (all->count == all->capacity) {
		size_t wanted = all->capacity ? all->capacity * 2 : 1024;
		struct candidate *grown = realloc(all->list, wanted * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		all->list = grown;
		all->capacity = wanted;
	}
	all->list[all->count++] = *candidate;
	return 0;
}

/* Reads the symbols of one table, as far as the file goes. */
static int read_candidates(const struct elf_image *image, const struct elf_section *table,
			   struct candidates *all, bool *truncated)
{
	size_t entry_size = elf_image_is_64bit(image) ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint64_t total = table->size / entry_size;
	autofree char *chunk = malloc(CHUNK_SYMBOLS * entry_size);
	int result = 0;

	if (!chunk)
		return -ENOMEM;
	if (total > ELF_SYMBOLS_MAX) {
		total = ELF_SYMBOLS_MAX;
		*truncated = true;
	}
	for (uint64_t done = 0; done < total && result == 0; done += CHUNK_SYMBOLS) {
		size_t count = total - done < CHUNK_SYMBOLS ? total - done : CHUNK_SYMBOLS;
		uint64_t offset;

		if (__builtin_add_overflow(table->offset, done * entry_size, &offset) ||
		    elf_image_read(image, offset, chunk, count * entry_size) < 0) {
			*truncated = true;
			break;
		}
		for (size_t i = 0; i < count && result == 0; i++) {
			Elf64_Sym symbol = symbol_at(image, chunk + i * entry_size);
			struct candidate candidate;

			if (take_symbol(image, &symbol, &candidate))
				result = add_candidate(all, &candidate);
		}
	}
	return result;
}

/* Reads the table's names with a NUL behind them. */
static int read_names(const struct elf_image *image, const struct elf_section *table, char **names,
		      size_t *names_size, bool *truncated)
{
	const struct elf_section *sections;
	size_t count = elf_image_sections(image, &sections);
	autofree char *text = NULL;
	uint64_t size;
	int result;

	if (table->link >= count || sections[table->link].type != SHT_STRTAB)
		return -ENODATA;
	size = sections[table->link].size;
	if (size > ELF_SYMBOLS_NAMES_MAX) {
		size = ELF_SYMBOLS_NAMES_MAX;
		*truncated = true;
	}
	/* Before memory is taken for what cannot be there. */
	if (size > elf_image_size(image))
		return -ENODATA;
	text = malloc(size + 1);
	if (!text)
		return -ENOMEM;
	result = elf_image_read(image, sections[table->link].offset, text, size);
	if (result < 0)
		return result;
	text[size] = '\0';
	*names = take_ptr(text);
	*names_size = size + 1;
	return 0;
}

static bool starts_with_mapping_mark(const char *name)
{
	/* $a, $d, $t, $x mark code and data of ARM, they name nothing. */
	return name[0] == '$' && name[1] && strchr("adtx", name[1]) && (!name[2] || name[2] == '.');
}

/* Leaves out symbols whose name is not there. */
static void drop_nameless(struct candidates *all, const char *names, size_t names_size)
{
	size_t kept = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct candidate *candidate = &all->list[i];

		if (candidate->name >= names_size || !names[candidate->name])
			continue;
		if ((candidate->rank & RANK_NOT_FUNCTION) &&
		    starts_with_mapping_mark(names + candidate->name))
			continue;
		all->list[kept++] = *candidate;
	}
	all->count = kept;
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
static void drop_aliases(struct candidates *all, const char *names)
{
	size_t kept = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct candidate *candidate = &all->list[i];
		struct candidate *best = kept ? &all->list[kept - 1] : NULL;

		if (!best || best->address != candidate->address)
			all->list[kept++] = *candidate;
		else if (best->rank == candidate->rank && best->name != candidate->name &&
			 better_name(names + candidate->name, names + best->name))
			*best = *candidate;
	}
	all->count = kept;
}

/* Leaves out labels inside of functions: the function is the better name. */
static void drop_labels(struct candidates *all)
{
	uint64_t function_end = 0;
	size_t kept = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct candidate *candidate = &all->list[i];

		if (candidate->size && candidate->address + candidate->size > function_end)
			function_end = candidate->address + candidate->size;
		if (!candidate->size && candidate->address < function_end)
			continue;
		all->list[kept++] = *candidate;
	}
	all->count = kept;
}

/* The first address behind the section that holds the candidate, 0 if none does. */
static uint64_t section_end(const struct elf_image *image, const struct candidate *candidate)
{
	const struct elf_section *section = section_at(image, candidate->section);
	uint64_t end;

	if (!section || candidate->address < section->vaddr ||
	    __builtin_add_overflow(section->vaddr, section->size, &end))
		return 0;
	return end;
}

/* Symbols of assembler code often have no size: up to the next one, in their section. */
static void bound_unsized(struct candidates *all, const struct elf_image *image)
{
	size_t kept = 0;

	for (size_t i = 0; i < all->count; i++) {
		struct candidate candidate = all->list[i];

		if (!candidate.size) {
			uint64_t end = section_end(image, &candidate);

			if (i + 1 < all->count && all->list[i + 1].address < end)
				end = all->list[i + 1].address;
			if (end <= candidate.address)
				continue;
			end -= candidate.address;
			candidate.size = end > UINT32_MAX ? UINT32_MAX : (uint32_t)end;
		}
		all->list[kept++] = candidate;
	}
	all->count = kept;
}

static int keep_entries(struct elf_symbols *symbols, const struct candidates *all)
{
	struct entry *entries = malloc(all->count * sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < all->count; i++)
		entries[i] =
			(struct entry){all->list[i].address, all->list[i].size, all->list[i].name};
	symbols->entries = entries;
	symbols->count = all->count;
	return 0;
}

/*
 * Copies the names that are used, unless that would take more than the whole
 * table does: a hostile one can make any number of symbols share one long name.
 */
static int keep_names(struct elf_symbols *symbols, char **names, size_t names_size)
{
	size_t total = 0, at = 0;
	char *copy;

	for (size_t i = 0; i < symbols->count && total < names_size; i++)
		total += strlen(*names + symbols->entries[i].name) + 1;
	if (total >= names_size) {
		symbols->names = take_ptr(*names);
		symbols->names_size = names_size;
		return 0;
	}
	copy = malloc(total + 1);
	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < symbols->count; i++) {
		const char *name = *names + symbols->entries[i].name;
		size_t size = strlen(name) + 1;

		memcpy(copy + at, name, size);
		symbols->entries[i].name = (uint32_t)at;
		at += size;
	}
	symbols->names = copy;
	symbols->names_size = total + 1;
	return 0;
}

static int read_table(struct elf_symbols *symbols, const struct elf_image *image,
		      const struct elf_section *table)
{
	struct candidates all = {0};
	autofree char *names = NULL;
	autofree struct candidate *list = NULL;
	size_t names_size = 0;
	int result = read_candidates(image, table, &all, &symbols->truncated);

	list = all.list;
	if (result < 0 || !all.count)
		return result;
	result = read_names(image, table, &names, &names_size, &symbols->truncated);
	if (result < 0)
		return result;
	drop_nameless(&all, names, names_size);
	qsort(all.list, all.count, sizeof(*all.list), compare_candidates);
	drop_aliases(&all, names);
	drop_labels(&all);
	bound_unsized(&all, image);
	if (!all.count)
		return 0;
	result = keep_entries(symbols, &all);
	return result < 0 ? result : keep_names(symbols, &names, names_size);
}

/* Fills the index from the first table of that type, if it has any symbols. */
static int read_table_of_type(struct elf_symbols *symbols, const struct elf_image *image,
			      uint32_t type)
{
	const struct elf_section *sections;
	size_t count = elf_image_sections(image, &sections);

	for (size_t i = 0; i < count; i++) {
		int result;

		if (sections[i].type != type)
			continue;
		result = read_table(symbols, image, &sections[i]);
		/* What is damaged counts as not there. */
		return result == -ENOMEM ? result : 0;
	}
	return 0;
}

static int read_debug_file(struct elf_symbols *symbols, const struct elf_symbols_options *options)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	autoclose int fd = -1;

	if (!symbols->build_id)
		return 0;
	fd = debug_file_open(options ? options->debug_directory : NULL, symbols->build_id);
	if (fd < 0 || elf_image_open_fd(fd, &image, NULL) < 0)
		return 0;
	return read_table_of_type(symbols, image, SHT_SYMTAB);
}

static int read_build_id(struct elf_symbols *symbols, const struct elf_image *image)
{
	const char *build_id = elf_image_build_id(image);

	if (!build_id)
		return 0;
	symbols->build_id = strdup(build_id);
	return symbols->build_id ? 0 : -ENOMEM;
}

static int load(const struct elf_image *image, bool has_debug_file,
		const struct elf_symbols_options *options, struct elf_symbols **out,
		struct error *error)
{
	auto_free(elf_symbols) struct elf_symbols *symbols = calloc(1, sizeof(*symbols));
	int result = symbols ? 0 : -ENOMEM;

	if (result == 0)
		result = load_segments_new(image, &symbols->segments);
	if (result == 0)
		result = read_build_id(symbols, image);
	if (result == 0)
		result = read_table_of_type(symbols, image, SHT_SYMTAB);
	if (result == 0 && !symbols->count && has_debug_file)
		result = read_debug_file(symbols, options);
	if (result == 0 && !symbols->count)
		result = read_table_of_type(symbols, image, SHT_DYNSYM);
	if (result < 0)
		return error_set(error, result, "cannot read ELF symbols: %s", strerror(-result));
	*out = take_ptr(symbols);
	return 0;
}

int elf_symbols_load(int fd, const struct elf_symbols_options *options, struct elf_symbols **out,
		     struct error *error)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	int result = elf_image_open_fd(fd, &image, error);

	return result < 0 ? result : load(image, true, options, out, error);
}

int elf_symbols_load_memory(const void *data, size_t size, struct elf_symbols **out,
			    struct error *error)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	int result = elf_image_open_memory(data, size, &image, error);

	return result < 0 ? result : load(image, false, NULL, out, error);
}

void elf_symbols_free(struct elf_symbols *symbols)
{
	if (!symbols)
		return;
	free(symbols->entries);
	free(symbols->names);
	load_segments_free(symbols->segments);
	free(symbols->build_id);
	free(symbols);
}

bool elf_symbols_find(const struct elf_symbols *symbols, uint64_t vaddr, struct elf_symbol *found)
{
	size_t low = 0, high = symbols->count;

	/* The first entry behind the address. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->entries[middle].address <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	/* The nearest entry before it may be a short one inside of a longer one. */
	for (size_t tries = 0; low > 0 && tries < NESTING_MAX; tries++) {
		const struct entry *entry = &symbols->entries[--low];

		if (vaddr - entry->address >= entry->size)
			continue;
		*found = (struct elf_symbol){symbols->names + entry->name, entry->address,
					     entry->size};
		return true;
	}
	return false;
}

bool elf_symbols_vaddr(const struct elf_symbols *symbols, uint64_t file_offset, uint64_t *vaddr)
{
	return load_segments_code_vaddr(symbols->segments, file_offset, vaddr) ||
	       load_segments_data_vaddr(symbols->segments, file_offset, vaddr);
}

const char *elf_symbols_build_id(const struct elf_symbols *symbols)
{
	return symbols->build_id;
}

size_t elf_symbols_count(const struct elf_symbols *symbols)
{
	return symbols->count;
}

bool elf_symbols_truncated(const struct elf_symbols *symbols)
{
	return symbols->truncated;
}

size_t elf_symbols_memory(const struct elf_symbols *symbols)
{
	return sizeof(*symbols) + symbols->count * sizeof(*symbols->entries) + symbols->names_size +
	       load_segments_memory(symbols->segments);
}
