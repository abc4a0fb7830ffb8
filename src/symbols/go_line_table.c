// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/go_line_table.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "process/elf_image.h"
#include "process/load_segments.h"
#include "symbols/elf_blocks.h"
#include "symbols/go_functions.h"
#include "symbols/go_inline_tree.h"
#include "symbols/go_line_format.h"
#include "symbols/go_line_section.h"
#include "symbols/go_pc_values.h"

enum {
	/* Bytes of a name that are looked at; those of generic functions grow with their types. */
	NAME_LENGTH_MAX = 64 << 10,
	/*
	 * Bytes of names and of program counter tables that one lookup may decode, all calls
	 * together that are inlined there; see GO_PC_VALUES_MAX: a dozen of the longest tables.
	 */
	DECODED_MAX = 512 << 10,
	/* Places that look like a table in a file without section table. */
	SEARCHES_MAX = 4,
};

/* The funcID of functions that the compiler made, where the format alone does not say it. */
enum wrapper_id {
	WRAPPER_NOT_ASKED = -1,
	WRAPPER_UNKNOWN = -2,
};

struct go_line_table {
	int fd; /* -1: the file is in memory */
	struct elf_image *image;
	struct load_segments *segments;
	struct elf_blocks *blocks;
	struct go_functions *functions;
	struct go_line_section section;
	struct go_line_header header;
	struct elf_span names;
	struct elf_span units;
	struct elf_span files;
	struct elf_span pc_values;
	int *wrapper; /* funcID or enum wrapper_id; found out when it is first asked for */
};

/* A function and the place in it that is asked for. */
struct place {
	const struct go_line_table *table;
	struct go_function function;
	uint64_t entry; /* vaddr */
	uint64_t pc;    /* from the entry */
	size_t *budget; /* bytes that may still be decoded */
};

/* Up to Go 1.15 the number of files and their names' offsets follow the functab. */
static bool find_units(struct go_line_table *table, const struct elf_span *whole)
{
	struct go_line_header *header = &table->header;
	uint32_t at, count;

	if (header->unit_count || header->format->unit)
		return true;
	if (elf_span_read(whole, header->function_tab + go_line_header_functab_size(header), &at,
			  sizeof(at)) < 0 ||
	    elf_span_read(whole, at, &count, sizeof(count)) < 0)
		return false;
	header->units = at;
	header->unit_count = count;
	return true;
}

/* The parts of the table; in the oldest format names, files and values are anywhere in it. */
static void set_parts(struct go_line_table *table, const struct elf_span *whole)
{
	const struct go_line_header *header = &table->header;

	table->units = elf_span_part(whole, header->units,
				     header->units + header->unit_count * sizeof(uint32_t));
	if (!header->format->unit) {
		table->names = table->files = table->pc_values = *whole;
		return;
	}
	table->names = elf_span_part(whole, header->names, header->units);
	table->files = elf_span_part(whole, header->files, header->pc_values);
	table->pc_values = elf_span_part(whole, header->pc_values, header->function_tab);
}

static int open_table(struct go_line_table *table, const struct go_line_section *section)
{
	struct elf_span whole = {
		.blocks = table->blocks,
		.offset = section->offset,
		.size = section->size,
	};
	unsigned char bytes[GO_LINE_HEADER_SIZE];
	int result = elf_span_read(&whole, 0, bytes, sizeof(bytes));

	if (result < 0)
		return result;
	if (!go_line_header_parse(bytes, section->size, &table->header) ||
	    !find_units(table, &whole))
		return -ENODATA;
	table->section = *section;
	set_parts(table, &whole);
	return go_functions_new(&whole, &table->header, &table->functions);
}

static int search_table(struct go_line_table *table)
{
	struct go_line_section section = {0};
	uint64_t from = 0;

	for (int i = 0; i < SEARCHES_MAX; i++) {
		int result = go_line_section_search(table->image, from, &section);

		if (result == 0)
			result = open_table(table, &section);
		else
			return result;
		if (result != -ENODATA)
			return result;
		from = section.offset + 1;
	}
	return -ENODATA;
}

static int read_table(struct go_line_table *table)
{
	struct go_line_section section;
	int result;

	if (!elf_image_is_64bit(table->image))
		return -ENODATA;
	result = load_segments_new(table->image, &table->segments);
	if (result < 0)
		return result;
	table->wrapper = malloc(sizeof(*table->wrapper));
	table->blocks = elf_blocks_new(table->image);
	if (!table->blocks || !table->wrapper)
		return -ENOMEM;
	*table->wrapper = WRAPPER_NOT_ASKED;
	result = go_line_section_find(table->image, table->segments, &section);
	if (result == 0)
		return open_table(table, &section);
	return go_line_section_may_be_elsewhere(table->image) ? search_table(table) : result;
}

static int finish(struct go_line_table *table, struct error *error)
{
	int result = read_table(table);

	if (result == -ENODATA)
		return error_set(error, result, "no line table of Go in a known format");
	if (result < 0)
		return error_set(error, result, "cannot read Go's line table: %s",
				 strerror(-result));
	return 0;
}

static struct go_line_table *new_table(void)
{
	struct go_line_table *table = calloc(1, sizeof(*table));

	if (table)
		table->fd = -1;
	return table;
}

int go_line_table_load(int fd, struct go_line_table **out, struct error *error)
{
	auto_free(go_line_table) struct go_line_table *table = new_table();
	int result;

	if (!table)
		return error_set(error, -ENOMEM, "no memory for Go's line table");
	table->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (table->fd < 0)
		return error_set(error, -errno, "cannot keep the file open: %m");
	result = elf_image_open_fd(table->fd, &table->image, error);
	if (result == 0)
		result = finish(table, error);
	if (result < 0)
		return result;
	*out = take_ptr(table);
	return 0;
}

int go_line_table_load_memory(const void *data, size_t size, struct go_line_table **out,
			      struct error *error)
{
	auto_free(go_line_table) struct go_line_table *table = new_table();
	int result;

	if (!table)
		return error_set(error, -ENOMEM, "no memory for Go's line table");
	result = elf_image_open_memory(data, size, &table->image, error);
	if (result == 0)
		result = finish(table, error);
	if (result < 0)
		return result;
	*out = take_ptr(table);
	return 0;
}

void go_line_table_free(struct go_line_table *table)
{
	if (!table)
		return;
	go_functions_free(table->functions);
	elf_blocks_free(table->blocks);
	load_segments_free(table->segments);
	elf_image_free(table->image);
	if (table->fd >= 0)
		close(table->fd);
	free(table->wrapper);
	free(table);
}

size_t go_line_table_memory(const struct go_line_table *table)
{
	return sizeof(*table) + go_functions_memory(table->functions) +
	       elf_blocks_memory(table->blocks) + load_segments_memory(table->segments);
}

uint64_t go_line_table_vaddr(const struct go_line_table *table)
{
	return table->section.vaddr;
}

uint64_t go_line_table_text(const struct go_line_table *table)
{
	return table->header.text;
}

/* What the functab's addresses count from. False: it cannot be known. */
static bool find_base(const struct go_line_table *table, const struct go_module *module,
		      uint64_t *base)
{
	*base = 0;
	if (table->header.format->address_size == sizeof(*base))
		return true;
	*base = table->header.text;
	if (!*base && module)
		*base = module->text;
	return *base != 0;
}

/*
 * Copies a name. Where names bear their types, those become "[...]", as the runtime
 * prints them: see funcNamePiecesForPrint() in src/runtime/traceback.go. False: there is
 * none, or it does not end.
 */
static bool read_name(const struct place *place, uint32_t offset, char name[GO_NAME_SIZE])
{
	const struct go_line_table *table = place->table;
	static const char types[] = "[...]";
	bool shorten = table->header.format->shape_names, opened = false;
	size_t length = 0, bracket = 0, available;

	/* In the oldest format the header stands there; later a name, which runtimes do not print.
	 */
	if (!offset && !table->header.format->unit)
		return false;
	for (size_t read = 0; read < NAME_LENGTH_MAX; read += available) {
		const unsigned char *bytes =
			elf_span_peek(&table->names, (uint64_t)offset + read, &available);

		if (!bytes || !*place->budget)
			return false;
		if (available > *place->budget)
			available = *place->budget;
		for (size_t i = 0; i < available; i++) {
			--*place->budget;
			if (!bytes[i]) {
				name[length] = '\0';
				return length > 0;
			}
			if (bytes[i] == '[' && !opened) {
				opened = true;
				bracket = length;
			}
			if (bytes[i] == ']' && opened && shorten) {
				length = bracket;
				for (const char *type = types; *type && length < GO_NAME_SIZE - 1;)
					name[length++] = *type++;
			} else if (length < GO_NAME_SIZE - 1) {
				name[length++] = (char)bytes[i];
			}
		}
	}
	return false;
}

/* Copies a path, as far as it fits. False: it is empty, or does not end. */
static bool read_path(const struct elf_span *files, uint32_t offset, char path[GO_NAME_SIZE])
{
	size_t length = 0;

	while (length < GO_NAME_SIZE - 1) {
		size_t available;
		const unsigned char *bytes = elf_span_peek(files, offset + length, &available);

		if (!bytes)
			return false;
		for (size_t i = 0; i < available && length < GO_NAME_SIZE - 1; i++) {
			path[length] = (char)bytes[i];
			if (!bytes[i])
				return length > 0;
			length++;
		}
	}
	path[length] = '\0';
	return true;
}

static int32_t value_at(const struct place *place, uint32_t values, uint64_t pc)
{
	return go_pc_value(&place->table->pc_values, values, place->table->header.quantum, pc,
			   place->budget);
}

/* File and line of `pc`: both, or none where either is unknown. */
static void set_location(const struct place *place, uint64_t pc, struct go_call *call)
{
	int32_t line = value_at(place, place->function.lines, pc);
	int32_t number = value_at(place, place->function.files, pc);
	uint64_t unit = place->function.unit + (uint64_t)(uint32_t)number;
	uint32_t file;

	call->file[0] = '\0';
	call->line = 0;
	if (line < 0 || number < 0 ||
	    elf_span_read(&place->table->units, unit * sizeof(file), &file, sizeof(file)) < 0 ||
	    !read_path(&place->table->files, file, call->file)) {
		call->file[0] = '\0';
		return;
	}
	call->line = (uint32_t)line;
}

static bool find_function(const struct go_line_table *table, const char *name,
			  struct go_function *function)
{
	size_t size = strlen(name) + 1;
	char found[GO_NAME_SIZE];

	if (size > sizeof(found))
		return false;
	for (uint64_t i = 0; i < table->header.functions; i++) {
		struct go_function candidate;

		if (!go_functions_at(table->functions, i, &candidate) ||
		    elf_span_read(&table->names, candidate.name, found, size) < 0 ||
		    memcmp(found, name, size) != 0)
			continue;
		*function = candidate;
		return true;
	}
	return false;
}

/*
 * The id of wrappers moves when ids are added before it. It is the last one, behind that of
 * runtime.systemstack_switch: see src/internal/abi/symtab.go.
 */
static int find_wrapper_id(const struct go_line_table *table)
{
	struct go_function function;

	if (!find_function(table, "runtime.systemstack_switch", &function) || !function.id)
		return WRAPPER_UNKNOWN;
	return function.id + 1;
}

static bool is_wrapper(const struct go_line_table *table, uint8_t id)
{
	if (table->header.format->wrapper)
		return id == table->header.format->wrapper;
	/* Most functions have no id at all. */
	if (!id)
		return false;
	if (*table->wrapper == WRAPPER_NOT_ASKED)
		*table->wrapper = find_wrapper_id(table);
	return id == *table->wrapper;
}

/* A line of the source; what is no such is unknown. */
static uint32_t start_line(uint32_t line)
{
	return line > INT32_MAX ? 0 : line;
}

/* The tree of the function's inlined calls, up to the end of its segment. */
static bool find_tree(const struct place *place, const struct go_module *module,
		      struct elf_span *tree)
{
	uint64_t vaddr = place->function.inline_tree, offset, size;

	if (!place->function.has_inline_tree)
		return false;
	if (place->table->header.format->address_size != sizeof(vaddr) &&
	    (!module || !module->func_data ||
	     __builtin_add_overflow(module->func_data, vaddr, &vaddr)))
		return false;
	if (!load_segments_offset(place->table->segments, vaddr, &offset, &size))
		return false;
	*tree = (struct elf_span){.blocks = place->table->blocks, .offset = offset, .size = size};
	return true;
}

/* The function itself, of which `pc` is where it stands or calls what is inlined. */
static bool set_function(const struct place *place, uint64_t pc, struct go_call *call)
{
	if (!read_name(place, place->function.name, call->function))
		return false;
	call->start_line = start_line(place->function.start_line);
	call->inlined = false;
	call->wrapper = is_wrapper(place->table, place->function.id);
	call->entry = place->entry;
	set_location(place, pc, call);
	return true;
}

static bool set_inlined(const struct place *place, const struct go_inlined_call *inlined,
			uint64_t pc, struct go_call *call)
{
	if (!read_name(place, inlined->name, call->function))
		return false;
	call->start_line = start_line(inlined->start_line);
	call->inlined = true;
	call->wrapper = is_wrapper(place->table, inlined->id);
	call->entry = place->entry;
	set_location(place, pc, call);
	return true;
}

/*
 * The inlined calls at the place, and then the function. 0: there is something wrong in
 * the tree.
 */
static size_t expand(const struct place *place, const struct elf_span *tree, struct go_call *calls,
		     size_t capacity)
{
	const struct go_line_format *format = place->table->header.format;
	uint64_t size = place->function.end - place->function.entry, pc = place->pc;

	for (size_t depth = 0; depth <= GO_INLINE_DEPTH_MAX; depth++) {
		int32_t index = value_at(place, place->function.inlined, pc);
		struct go_inlined_call inlined;

		if (depth == capacity)
			return capacity;
		if (index < 0)
			return set_function(place, pc, &calls[depth]) ? depth + 1 : 0;
		if (!go_inline_tree_read(tree, format, index, &inlined) ||
		    inlined.parent_pc >= size || !set_inlined(place, &inlined, pc, &calls[depth]))
			return 0;
		pc = inlined.parent_pc;
	}
	return 0;
}

int go_line_table_find_function(const struct go_line_table *table, const struct go_module *module,
				const char *name, uint64_t *start, uint64_t *end)
{
	struct go_function function;
	uint64_t base, first, last;

	if (!find_base(table, module, &base) || !find_function(table, name, &function) ||
	    __builtin_add_overflow(base, function.entry, &first) ||
	    __builtin_add_overflow(base, function.end, &last))
		return -ENOENT;
	*start = first;
	*end = last;
	return 0;
}

static bool find_place(const struct go_line_table *table, const struct go_module *module,
		       uint64_t vaddr, struct place *place)
{
	uint64_t base;

	if (!find_base(table, module, &base) || vaddr < base ||
	    !go_functions_find(table->functions, vaddr - base, &place->function))
		return false;
	place->table = table;
	place->entry = base + place->function.entry;
	place->pc = vaddr - place->entry;
	return true;
}

int go_line_table_frame_size(const struct go_line_table *table, const struct go_module *module,
			     uint64_t vaddr, uint64_t *size)
{
	size_t budget = DECODED_MAX;
	struct place place = {.budget = &budget};
	int32_t value;

	if (!find_place(table, module, vaddr, &place))
		return -ENOENT;
	value = value_at(&place, place.function.frames, place.pc);
	if (value < 0)
		return -ENOENT;
	*size = (uint64_t)value;
	return 0;
}

size_t go_line_table_find(const struct go_line_table *table, const struct go_module *module,
			  uint64_t vaddr, struct go_call *calls, size_t capacity)
{
	size_t count, budget = DECODED_MAX;
	struct place place = {.budget = &budget};
	struct elf_span tree;

	if (!capacity || !find_place(table, module, vaddr, &place))
		return 0;
	count = find_tree(&place, module, &tree) ? expand(&place, &tree, calls, capacity) : 0;
	if (count)
		return count;
	return set_function(&place, place.pc, &calls[0]) ? 1 : 0;
}
