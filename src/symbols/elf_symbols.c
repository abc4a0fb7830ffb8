// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/elf_symbols.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "process/elf_image.h"
#include "process/load_segments.h"
#include "symbols/debug_file.h"
#include "symbols/elf_symbol_table.h"
#include "symbols/gnu_debugdata.h"
#include "symbols/symbol_index.h"

struct elf_symbols {
	struct symbol_index index;
	struct load_segments *segments;
	char *build_id;
	bool truncated;
};

static int add_debug_file(struct elf_symbol_table *table, const char *build_id,
			  const struct elf_symbols_options *options)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	autoclose int fd = -1;

	if (!build_id)
		return 0;
	fd = debug_file_open(options ? options->debug_directory : NULL, build_id);
	if (fd < 0 || elf_image_open_fd(fd, &image, NULL) < 0)
		return 0;
	return elf_symbol_table_add(table, image, SHT_SYMTAB);
}

/* What is damaged or too large counts as not there. */
static int add_debugdata(struct elf_symbol_table *table, const struct elf_image *image)
{
	auto_free(elf_image) struct elf_image *inner = NULL;
	autofree void *data = NULL;
	size_t size;
	int result = gnu_debugdata_read(image, &data, &size);

	if (result == 0)
		result = elf_image_open_memory(data, size, &inner, NULL);
	if (result == 0)
		result = elf_symbol_table_add(table, inner, SHT_SYMTAB);
	return result == -ENOMEM ? result : 0;
}

/* .gnu_debugdata leaves out what .dynsym has. */
static int add_remains(struct elf_symbol_table *table, const struct elf_image *image)
{
	int result = add_debugdata(table, image);

	return result < 0 ? result : elf_symbol_table_add(table, image, SHT_DYNSYM);
}

static int read_index(struct elf_symbols *symbols, const struct elf_image *image,
		      bool has_debug_file, const struct elf_symbols_options *options)
{
	auto_free(elf_symbol_table) struct elf_symbol_table *table = elf_symbol_table_new();
	int result = table ? elf_symbol_table_add(table, image, SHT_SYMTAB) : -ENOMEM;

	if (result == 0 && has_debug_file && elf_symbol_table_is_empty(table))
		result = add_debug_file(table, symbols->build_id, options);
	if (result == 0 && elf_symbol_table_is_empty(table))
		result = add_remains(table, image);
	if (result == 0)
		result = elf_symbol_table_index(table, &symbols->index);
	if (result == 0)
		symbols->truncated = elf_symbol_table_truncated(table);
	return result;
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
		result = read_index(symbols, image, has_debug_file, options);
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
	symbol_index_clear(&symbols->index);
	load_segments_free(symbols->segments);
	free(symbols->build_id);
	free(symbols);
}

bool elf_symbols_find(const struct elf_symbols *symbols, uint64_t vaddr, struct elf_symbol *found)
{
	const struct symbol_entry *entry = symbol_index_find(&symbols->index, vaddr);

	if (!entry)
		return false;
	*found = (struct elf_symbol){
		.name = symbol_index_name(&symbols->index, entry),
		.address = entry->address,
		.size = entry->size,
	};
	return true;
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
	return symbols->index.count;
}

bool elf_symbols_truncated(const struct elf_symbols *symbols)
{
	return symbols->truncated;
}

size_t elf_symbols_memory(const struct elf_symbols *symbols)
{
	return sizeof(*symbols) + symbol_index_memory(&symbols->index) +
	       load_segments_memory(symbols->segments);
}
