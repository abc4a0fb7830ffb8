// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/symbolizer.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "process/file_cache.h"
#include "process/mapped_object.h"
#include "symbols/demangle.h"
#include "symbols/elf_symbols.h"
#include "symbols/go_line_table.h"
#include "symbols/kernel_symbols.h"
#include "symbols/perf_map_cache.h"
#include "symbols/source_lines.h"

struct symbolizer {
	struct kernel_symbols *kernel; /* NULL: they cannot be read */
	bool use_map_files;
	bool demangle;
	struct file_cache *files;
	struct file_cache *lines; /* NULL: not wanted */
	struct file_cache *go_tables;
	struct perf_map_cache *perf_maps;
	struct mapping_cache *processes; /* not owned */
	/* Where lookups in Go's tables leave their results: too large for the stack. */
	struct go_call go_calls[GO_INLINE_DEPTH_MAX + 1];
};

/* One address on its way to a frame. */
struct lookup {
	const struct process_ref *process;
	uint64_t address;
	uint64_t code; /* an address within the instruction: a return address is behind it */
	uint64_t now_ns;
};

/* Where the source line of a frame is found. */
struct code_place {
	const struct source_lines *lines; /* NULL: nowhere */
	uint64_t vaddr;
	size_t go_calls; /* how many of the symbolizer's hold, 0: no Go code */
};

static int load_symbols(int fd, void **thing)
{
	struct elf_symbols *symbols = NULL;
	int err = elf_symbols_load(fd, NULL, &symbols, NULL);

	if (!err)
		*thing = symbols;
	return err;
}

static int load_image_symbols(const void *data, size_t size, void **thing)
{
	struct elf_symbols *symbols = NULL;
	int err = elf_symbols_load_memory(data, size, &symbols, NULL);

	if (!err)
		*thing = symbols;
	return err;
}

static void free_symbols(void *thing)
{
	elf_symbols_free(thing);
}

static size_t symbols_memory(const void *thing)
{
	return elf_symbols_memory(thing);
}

static const struct file_cache_kind symbols_of_files = {
	.load = load_symbols,
	.load_image = load_image_symbols,
	.free = free_symbols,
	.memory = symbols_memory,
};

static int load_lines(int fd, void **thing)
{
	struct source_lines *lines = NULL;
	int err = source_lines_load(fd, NULL, &lines, NULL);

	if (!err)
		*thing = lines;
	return err;
}

/* A vdso has none. */
static int load_image_lines(const void *data, size_t size, void **thing)
{
	(void)data;
	(void)size;
	(void)thing;
	return -ENODATA;
}

static void free_lines(void *thing)
{
	source_lines_free(thing);
}

static size_t lines_memory(const void *thing)
{
	return source_lines_memory(thing);
}

static const struct file_cache_kind lines_of_files = {
	.load = load_lines,
	.load_image = load_image_lines,
	.free = free_lines,
	.memory = lines_memory,
};

static int load_go_table(int fd, void **thing)
{
	struct go_line_table *table = NULL;
	int err = go_line_table_load(fd, &table, NULL);

	if (!err)
		*thing = table;
	return err;
}

/* A vdso is not written in Go. */
static int load_image_go_table(const void *data, size_t size, void **thing)
{
	(void)data;
	(void)size;
	(void)thing;
	return -ENODATA;
}

static void free_go_table(void *thing)
{
	go_line_table_free(thing);
}

static size_t go_table_memory(const void *thing)
{
	return go_line_table_memory(thing);
}

static const struct file_cache_kind go_tables_of_files = {
	.load = load_go_table,
	.load_image = load_image_go_table,
	.free = free_go_table,
	.memory = go_table_memory,
};

static size_t limit_of(size_t configured)
{
	return configured ? configured : SIZE_MAX;
}

int symbolizer_new(const struct symbolizer_config *config, struct symbolizer **out,
		   struct error *error)
{
	auto_free(symbolizer) struct symbolizer *symbolizer = calloc(1, sizeof(*symbolizer));

	if (!symbolizer)
		return error_set(error, -ENOMEM, "no memory for symbols");
	symbolizer->processes = config->processes;
	symbolizer->files = file_cache_new(&symbols_of_files, limit_of(config->symbols_limit));
	symbolizer->go_tables =
		file_cache_new(&go_tables_of_files, limit_of(config->go_tables_limit));
	symbolizer->perf_maps = perf_map_cache_new(limit_of(config->perf_maps_limit));
	if (config->lines)
		symbolizer->lines = file_cache_new(&lines_of_files, SYMBOLIZER_LINES_LIMIT);
	if (!symbolizer->files || !symbolizer->go_tables || !symbolizer->perf_maps ||
	    (config->lines && !symbolizer->lines))
		return error_set(error, -ENOMEM, "no memory for symbols");
	symbolizer->use_map_files = config->map_files;
	symbolizer->demangle = config->demangle;
	if (config->kernel_symbols)
		kernel_symbols_load(&symbolizer->kernel, NULL);
	*out = take_ptr(symbolizer);
	return 0;
}

void symbolizer_free(struct symbolizer *symbolizer)
{
	if (!symbolizer)
		return;
	kernel_symbols_free(symbolizer->kernel);
	file_cache_free(symbolizer->files);
	file_cache_free(symbolizer->lines);
	file_cache_free(symbolizer->go_tables);
	perf_map_cache_free(symbolizer->perf_maps);
	free(symbolizer);
}

static int set_text(char **target, const char *text)
{
	*target = strndup(text, SYMBOL_NAME_SIZE - 1);
	return *target ? 0 : -ENOMEM;
}

static int kernel_frame(const struct symbolizer *symbolizer, const struct lookup *lookup,
			struct frame *frame)
{
	struct kernel_symbol symbol;
	int result;

	frame->kind = FRAME_KERNEL;
	if (!symbolizer->kernel || !kernel_symbols_find(symbolizer->kernel, lookup->code, &symbol))
		return 0;
	frame->offset = symbol.offset + (lookup->address - lookup->code);
	result = set_text(&frame->function, symbol.name);
	if (result == 0 && symbol.module)
		result = set_text(&frame->module, symbol.module);
	return result;
}

static int set_function(const struct symbolizer *symbolizer, struct frame *frame, const char *name)
{
	int err =
		symbolizer->demangle ? demangle(name, SYMBOL_NAME_SIZE, &frame->function) : -EINVAL;

	return err == -EINVAL ? set_text(&frame->function, name) : err;
}

/* "name@@VERSION": symbol tables of debug files say which version it is. */
static const char *without_version(const char *name, char plain[DEMANGLE_NAME_MAX + 1])
{
	const char *at = memchr(name, '@', strnlen(name, DEMANGLE_NAME_MAX));
	size_t length = at ? (size_t)(at - name) : 0;

	if (!length)
		return name;
	memcpy(plain, name, length);
	plain[length] = '\0';
	return plain;
}

/*
 * Go code is named by its own table even where there are symbols, so that stripping a
 * program does not change its sites: symbols bear suffixes (".abi0") and the types of
 * generic functions. False: there is no Go function.
 */
static bool find_go_function(struct symbolizer *symbolizer, const struct go_line_table *table,
			     uint64_t vaddr, struct code_place *place)
{
	const size_t capacity = sizeof(symbolizer->go_calls) / sizeof(*symbolizer->go_calls);

	place->go_calls =
		table ? go_line_table_find(table, NULL, vaddr, symbolizer->go_calls, capacity) : 0;
	return place->go_calls > 0;
}

static int name_elf_function(struct symbolizer *symbolizer, const struct elf_symbols *symbols,
			     const struct go_line_table *go_table, const struct lookup *lookup,
			     struct frame *frame, struct code_place *place)
{
	const char *build_id = elf_symbols_build_id(symbols);
	char plain[DEMANGLE_NAME_MAX + 1];
	struct elf_symbol symbol;
	uint64_t vaddr;

	if (build_id && set_text(&frame->build_id, build_id) < 0)
		return -ENOMEM;
	/* frame->offset is still the offset in the file, of the address itself. */
	if (!elf_symbols_vaddr(symbols, frame->offset - (lookup->address - lookup->code), &vaddr))
		return 0;
	frame->offset = vaddr + (lookup->address - lookup->code);
	place->vaddr = vaddr;
	if (find_go_function(symbolizer, go_table, vaddr, place)) {
		const struct go_call *call = &symbolizer->go_calls[place->go_calls - 1];

		frame->offset -= call->entry;
		return set_text(&frame->function, call->function);
	}
	if (!elf_symbols_find(symbols, vaddr, &symbol))
		return 0;
	frame->offset -= symbol.address;
	return set_function(symbolizer, frame, without_version(symbol.name, plain));
}

static int name_jit_function(struct symbolizer *symbolizer, const struct lookup *lookup,
			     struct frame *frame)
{
	struct perf_map_symbol symbol;

	if (!perf_map_cache_find(symbolizer->perf_maps, lookup->process, lookup->code,
				 lookup->now_ns, &symbol))
		return 0;
	frame->offset = lookup->address - symbol.address;
	return set_function(symbolizer, frame, symbol.name);
}

static int user_frame(struct symbolizer *symbolizer, struct process_mappings *mappings,
		      const struct lookup *lookup, struct frame *frame, struct code_place *place)
{
	const struct go_line_table *go_table;
	const struct elf_symbols *symbols;
	const struct mapping *mapping;
	struct mapped_object *object;
	int result;

	frame->kind = FRAME_USER;
	if (!mappings)
		return 0;
	mapping = process_mappings_find(symbolizer->processes, mappings, lookup->code,
					lookup->now_ns, &object);
	if (!mapping)
		return 0;
	frame->offset = lookup->address - mapping->start + mapping->file_offset;
	result = set_text(&frame->module, mapping_module(mapping));
	if (result < 0)
		return result;
	symbols = mapped_object_find(object, lookup->process->pid, mapping,
				     symbolizer->use_map_files, symbolizer->files);
	if (!symbols)
		return name_jit_function(symbolizer, lookup, frame);
	if (symbolizer->lines)
		place->lines = mapped_object_find(object, lookup->process->pid, mapping,
						  symbolizer->use_map_files, symbolizer->lines);
	go_table = mapped_object_find(object, lookup->process->pid, mapping,
				      symbolizer->use_map_files, symbolizer->go_tables);
	return name_elf_function(symbolizer, symbols, go_table, lookup, frame, place);
}

static int set_location(struct frame *frame, const struct source_location *location)
{
	const char *slash;

	if (!location->file)
		return 0;
	slash = memrchr(location->file, '/', strnlen(location->file, PATH_MAX));
	frame->line = location->line;
	return set_text(&frame->file, slash && slash[1] ? slash + 1 : location->file);
}

static int set_inlined(const struct symbolizer *symbolizer, struct frame *frame,
		       const struct frame *outer, const struct source_location *location)
{
	int result = set_function(symbolizer, frame, location->function);

	frame->kind = FRAME_INLINED;
	frame->address = outer->address;
	if (result == 0 && outer->module)
		result = set_text(&frame->module, outer->module);
	return result < 0 ? result : set_location(frame, location);
}

/* Where Go's table says that the place is, in the form of source lines. */
static size_t find_go_lines(const struct symbolizer *symbolizer, const struct code_place *place,
			    struct source_location locations[GO_INLINE_DEPTH_MAX + 1])
{
	for (size_t i = 0; i < place->go_calls; i++) {
		const struct go_call *call = &symbolizer->go_calls[i];

		locations[i] = (struct source_location){
			.function = call->inlined ? call->function : NULL,
			.file = call->file[0] ? call->file : NULL,
			.line = call->line,
		};
	}
	return place->go_calls;
}

/* Says where the frame `*at` is in the source; what is inlined there comes before it. */
static int add_lines(const struct symbolizer *symbolizer, const struct code_place *place,
		     struct stack **stack, size_t *at)
{
	struct source_location of_go[GO_INLINE_DEPTH_MAX + 1];
	const struct source_location *locations = of_go;
	size_t count = place->lines ? source_lines_find(place->lines, place->vaddr, &locations) : 0;
	struct frame *frames;
	int result = 0;

	if (!count) {
		locations = of_go;
		count = find_go_lines(symbolizer, place, of_go);
	}
	if (!count)
		return 0;
	*stack = stack_insert(*stack, *at, count - 1);
	if (!*stack)
		return -ENOMEM;
	frames = &(*stack)->frames[*at];
	for (size_t i = 0; i + 1 < count && result == 0; i++)
		result = set_inlined(symbolizer, &frames[i], &frames[count - 1], &locations[i]);
	*at += count - 1;
	return result < 0 ? result : set_location(&frames[count - 1], &locations[count - 1]);
}

/* Where to look: all but the first are return addresses, behind their call. */
static struct lookup lookup_at(const struct process_ref *process, const uint64_t *addresses,
			       size_t index, uint64_t now_ns)
{
	uint64_t address = addresses[index];

	return (struct lookup){
		.process = process,
		.address = address,
		.code = index && address ? address - 1 : address,
		.now_ns = now_ns,
	};
}

int symbolizer_stack(struct symbolizer *symbolizer, const struct process_ref *process,
		     const uint64_t *kernel, size_t kernel_count, const uint64_t *user,
		     size_t user_count, uint64_t now_ns, struct stack **out)
{
	auto_free(stack) struct stack *stack = stack_new(kernel_count + user_count);
	struct process_mappings *mappings = NULL;
	int result = 0;

	if (!stack)
		return -ENOMEM;
	if (user_count)
		mappings = mapping_cache_get(symbolizer->processes, process, now_ns);
	for (size_t i = 0, at = 0; i < kernel_count + user_count && result == 0; i++, at++) {
		struct code_place place = {0};
		struct frame *frame = &stack->frames[at];
		bool is_kernel = i < kernel_count;
		struct lookup lookup = is_kernel
					       ? lookup_at(process, kernel, i, now_ns)
					       : lookup_at(process, user, i - kernel_count, now_ns);

		frame->address = lookup.address;
		result = is_kernel ? kernel_frame(symbolizer, &lookup, frame)
				   : user_frame(symbolizer, mappings, &lookup, frame, &place);
		if (result == 0 && symbolizer->lines)
			result = add_lines(symbolizer, &place, &stack, &at);
	}
	if (result < 0)
		return result;
	*out = take_ptr(stack);
	return 0;
}

int symbolizer_kernel_name(const struct symbolizer *symbolizer, uint64_t address, const char **name,
			   uint64_t *offset)
{
	struct kernel_symbol symbol;

	if (!symbolizer->kernel || !kernel_symbols_find(symbolizer->kernel, address, &symbol))
		return -ENOENT;
	*name = symbol.name;
	*offset = symbol.offset;
	return 0;
}

void symbolizer_drop_caches(struct symbolizer *symbolizer)
{
	file_cache_clear(symbolizer->files);
	perf_map_cache_clear(symbolizer->perf_maps);
}

void symbolizer_statistics(const struct symbolizer *symbolizer,
			   struct symbolizer_statistics *statistics)
{
	struct perf_map_cache_statistics perf_maps;
	struct file_cache_statistics files, go_tables;

	file_cache_statistics(symbolizer->files, &files);
	file_cache_statistics(symbolizer->go_tables, &go_tables);
	perf_map_cache_statistics(symbolizer->perf_maps, &perf_maps);
	*statistics = (struct symbolizer_statistics){
		.files = files.files,
		.memory = files.memory + go_tables.memory + perf_maps.memory,
		.loads = files.loads,
		.too_large = files.too_large,
		.perf_maps_truncated = perf_maps.truncated,
		.perf_maps_delayed = perf_maps.delayed,
	};
}
