// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/code_tables.h"

#include <errno.h>

struct code_tables {
	bool use_map_files;
	struct file_cache *files;
};

static int load_table(int fd, void **thing)
{
	struct unwind_table *table = NULL;
	int err = unwind_table_load(fd, &table, NULL);

	if (!err)
		*thing = table;
	return err;
}

static int load_image_table(const void *data, size_t size, void **thing)
{
	struct unwind_table *table = NULL;
	int err = unwind_table_load_memory(data, size, &table, NULL);

	if (!err)
		*thing = table;
	return err;
}

static void free_table(void *thing)
{
	unwind_table_free(thing);
}

static size_t table_memory(const void *thing)
{
	return unwind_table_memory(thing);
}

static const struct file_cache_kind tables_of_files = {
	.load = load_table,
	.load_image = load_image_table,
	.free = free_table,
	.memory = table_memory,
};

struct code_tables *code_tables_new(const struct code_tables_config *config)
{
	auto_free(code_tables) struct code_tables *tables = calloc(1, sizeof(*tables));

	if (!tables)
		return NULL;
	tables->use_map_files = config->map_files;
	tables->files = file_cache_new(&tables_of_files, config->limit);
	return tables->files ? take_ptr(tables) : NULL;
}

void code_tables_free(struct code_tables *tables)
{
	if (!tables)
		return;
	file_cache_free(tables->files);
	free(tables);
}

/* What is mapped and no ELF file is code that a JIT has put into a file. */
static bool is_code_of_a_jit(const struct code_tables *tables, const struct mapped_object *object)
{
	return object->state == OBJECT_KNOWN &&
	       file_cache_error(tables->files, &object->key) == -ENOEXEC;
}

struct code code_tables_of(struct code_tables *tables, pid_t pid, const struct mapping *mapping,
			   struct mapped_object *object)
{
	const struct unwind_table *table;
	struct code code = {0};
	uint64_t vaddr;
	size_t rows;

	if (mapping->kind != MAPPING_FILE && mapping->kind != MAPPING_VDSO)
		return (struct code){.marks = UNWIND_MAPPING_NO_FILE};
	table = mapped_object_find(object, pid, mapping, tables->use_map_files, tables->files);
	if (!table)
		return (struct code){.marks = is_code_of_a_jit(tables, object)
						      ? UNWIND_MAPPING_NO_FILE
						      : UNWIND_MAPPING_NO_TABLE};
	if (unwind_table_is_go(table))
		code.marks |= UNWIND_MAPPING_GO;
	else if (!unwind_table_has_cfi(table))
		code.marks |= UNWIND_MAPPING_NO_CFI;
	unwind_table_rows(table, &rows);
	if (!rows)
		return code;
	if (!unwind_table_vaddr(table, mapping->file_offset, &vaddr))
		return (struct code){.marks = UNWIND_MAPPING_NO_TABLE};
	code.table = table;
	code.bias = mapping->start - vaddr;
	return code;
}

void code_tables_statistics(const struct code_tables *tables,
			    struct file_cache_statistics *statistics)
{
	file_cache_statistics(tables->files, statistics);
}
