// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/kernel_symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "process/proc_file.h"

static const char path[] = "/proc/kallsyms";

struct entry {
	uint64_t address;
	uint32_t name; /* offset into names, where name, NUL, module, NUL stand */
	uint8_t rank;  /* of several names for one address the lowest stays */
};

struct kernel_symbols {
	struct entry *entries;
	size_t count;
	size_t capacity;
	char *names;
	size_t names_size;
};

/* One line: "ffffffff81000000 T name\t[module]", the module is optional. */
struct line {
	uint64_t address;
	char type;
	const char *name;
	size_t name_length;
	const char *module;
	size_t module_length;
};

static bool parse_address(const char **at, const char *end, uint64_t *address)
{
	const char *begin = *at;
	uint64_t value = 0;

	for (; *at < end && *at - begin < 16; (*at)++) {
		unsigned char c = (unsigned char)**at;
		unsigned int digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (c >= 'a' && c <= 'f')
			digit = c - 'a' + 10U;
		else
			break;
		value = value << 4 | digit;
	}
	*address = value;
	return *at > begin;
}

static bool parse_line(const char *at, const char *end, struct line *line)
{
	const char *tab;

	if (!parse_address(&at, end, &line->address) || end - at < 4 || at[0] != ' ' ||
	    at[2] != ' ')
		return false;
	line->type = at[1];
	line->name = at + 3;
	tab = memchr(line->name, '\t', (size_t)(end - line->name));
	line->name_length = (size_t)((tab ? tab : end) - line->name);
	line->module_length = 0;
	if (tab && end - tab > 3 && tab[1] == '[' && end[-1] == ']') {
		line->module = tab + 2;
		line->module_length = (size_t)(end - 1 - line->module);
	}
	return line->name_length > 0;
}

static bool is_function(char type)
{
	return type == 'T' || type == 't' || type == 'W' || type == 'w';
}

/* Global before local before weak, then fewer leading underscores. */
static uint8_t rank_of(const struct line *line)
{
	uint8_t binding = line->type == 'T' ? 0 : line->type == 't' ? 1 : 2;
	uint8_t underscores = 0;

	while (underscores < line->name_length && underscores < 15 &&
	       line->name[underscores] == '_')
		underscores++;
	return (uint8_t)(binding << 4 | underscores);
}

/*
 * Takes the name that was added last back where this one stands for the same address and
 * is better. False: that one is better, or as good and the first.
 */
static bool beats_last(struct kernel_symbols *symbols, const struct line *line)
{
	const struct entry *last;

	if (!symbols->count)
		return true;
	last = &symbols->entries[symbols->count - 1];
	if (last->address != line->address)
		return true;
	if (last->rank <= rank_of(line))
		return false;
	symbols->names_size = last->name;
	symbols->count--;
	return true;
}

static int add_line(struct kernel_symbols *symbols, const struct line *line)
{
	char *name;

	if (!beats_last(symbols, line))
		return 0;
	name = symbols->names + symbols->names_size;
	if (symbols->count == symbols->capacity) {
		size_t wanted = symbols->capacity ? symbols->capacity * 2 : 1 << 14;
		struct entry *grown = realloc(symbols->entries, wanted * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		symbols->entries = grown;
		symbols->capacity = wanted;
	}
	symbols->entries[symbols->count++] = (struct entry){
		.address = line->address,
		.name = (uint32_t)symbols->names_size,
		.rank = rank_of(line),
	};
	memcpy(name, line->name, line->name_length);
	name[line->name_length] = '\0';
	name += line->name_length + 1;
	if (line->module_length)
		memcpy(name, line->module, line->module_length);
	name[line->module_length] = '\0';
	symbols->names_size += line->name_length + line->module_length + 2;
	return 0;
}

/* Names stand in `names` in the order of the file: that decides the last ties. */
static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	if (a->rank != b->rank)
		return (int)a->rank - (int)b->rank;
	return a->name < b->name ? -1 : a->name > b->name;
}

/*
 * The kernel's own stand in order, and those of modules behind them in some other: only what
 * overlaps is sorted.
 */
static void sort(struct kernel_symbols *symbols)
{
	struct entry *entries = symbols->entries;
	size_t sorted = 0;
	const struct entry *least;

	while (sorted < symbols->count &&
	       (!sorted || compare_entries(&entries[sorted - 1], &entries[sorted]) <= 0))
		sorted++;
	if (sorted == symbols->count)
		return;
	least = &entries[sorted];
	for (size_t i = sorted + 1; i < symbols->count; i++)
		if (compare_entries(&entries[i], least) < 0)
			least = &entries[i];
	while (sorted && compare_entries(&entries[sorted - 1], least) > 0)
		sorted--;
	qsort(&entries[sorted], symbols->count - sorted, sizeof(*entries), compare_entries);
}

static void drop_aliases(struct kernel_symbols *symbols)
{
	size_t kept = 0;

	for (size_t i = 0; i < symbols->count; i++)
		if (!kept || symbols->entries[kept - 1].address != symbols->entries[i].address)
			symbols->entries[kept++] = symbols->entries[i];
	symbols->count = kept;
}

static void shrink(struct kernel_symbols *symbols)
{
	struct entry *entries =
		realloc(symbols->entries, symbols->count * sizeof(*symbols->entries));
	char *names = realloc(symbols->names, symbols->names_size);

	/* Where it fails, the larger block stays. */
	if (entries)
		symbols->entries = entries;
	if (names)
		symbols->names = names;
}

int kernel_symbols_parse(const char *text, size_t size, struct kernel_symbols **out,
			 struct error *error)
{
	auto_free(kernel_symbols) struct kernel_symbols *symbols = calloc(1, sizeof(*symbols));
	const char *end = text + size;
	bool hidden = false;

	if (!symbols || size > KERNEL_SYMBOLS_TEXT_MAX)
		return error_set(error, symbols ? -EFBIG : -ENOMEM, "%s is too large", path);
	/* A line has at least four bytes that are not kept, for two NULs that are added. */
	symbols->names = malloc(size + 2);
	if (!symbols->names)
		return error_set(error, -ENOMEM, "no memory for kernel symbols");
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		struct line line = {0};
		bool is_line = parse_line(text, newline ? newline : end, &line);

		text = newline ? newline + 1 : end;
		if (!is_line || !is_function(line.type))
			continue;
		/* Per-CPU symbols start at zero, functions do not. */
		if (!line.address)
			hidden = true;
		else if (add_line(symbols, &line) < 0)
			return error_set(error, -ENOMEM, "no memory for kernel symbols");
	}
	if (!symbols->count && hidden)
		return error_set(error, -EPERM,
				 "%s shows no addresses: CAP_SYSLOG or "
				 "kernel.kptr_restrict below 2 is needed",
				 path);
	if (!symbols->count)
		return error_set(error, -ENODATA, "%s has no functions", path);
	sort(symbols);
	drop_aliases(symbols);
	shrink(symbols);
	*out = take_ptr(symbols);
	return 0;
}

int kernel_symbols_load(struct kernel_symbols **out, struct error *error)
{
	struct proc_text text;
	int result = proc_file_read(AT_FDCWD, path, KERNEL_SYMBOLS_TEXT_MAX, &text);

	if (result < 0)
		return error_set(error, result, "cannot read %s: %s", path, strerror(-result));
	result = kernel_symbols_parse(text.text, text.size, out, error);
	free(text.text);
	return result;
}

void kernel_symbols_free(struct kernel_symbols *symbols)
{
	if (!symbols)
		return;
	free(symbols->entries);
	free(symbols->names);
	free(symbols);
}

bool kernel_symbols_find(const struct kernel_symbols *symbols, uint64_t address,
			 struct kernel_symbol *found)
{
	size_t low = 0, high = symbols->count;
	const struct entry *entry;
	const char *module;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->entries[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	entry = &symbols->entries[low - 1];
	if (address - entry->address >= KERNEL_SYMBOL_SIZE_MAX)
		return false;
	found->name = symbols->names + entry->name;
	module = found->name + strlen(found->name) + 1;
	found->module = *module ? module : NULL;
	found->offset = address - entry->address;
	return true;
}

size_t kernel_symbols_count(const struct kernel_symbols *symbols)
{
	return symbols->count;
}
