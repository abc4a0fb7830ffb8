// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/symbolizer.h"

#include <errno.h>
#include <string.h>

#include "process/mapped_file.h"
#include "process/process_memory.h"
#include "symbols/elf_symbols.h"
#include "symbols/kernel_symbols.h"
#include "symbols/mapping_cache.h"
#include "symbols/symbol_cache.h"

enum {
	/* The vdso has two pages, four on some architectures. */
	VDSO_SIZE_MAX = 256 << 10,
};

struct symbolizer {
	struct kernel_symbols *kernel; /* NULL: they cannot be read */
	bool use_map_files;
	struct symbol_cache *files;
	struct mapping_cache *processes;
};

/* One address on its way to a frame. */
struct lookup {
	const struct symbolizer_process *process;
	uint64_t address;
	uint64_t code; /* an address within the instruction: a return address is behind it */
	uint64_t now_ns;
};

int symbolizer_new(const struct symbolizer_config *config, struct symbolizer **out,
		   struct error *error)
{
	auto_free(symbolizer) struct symbolizer *symbolizer = calloc(1, sizeof(*symbolizer));

	if (!symbolizer)
		return error_set(error, -ENOMEM, "no memory for symbols");
	symbolizer->files = symbol_cache_new(SYMBOLIZER_SYMBOLS_LIMIT);
	symbolizer->processes = mapping_cache_new(SYMBOLIZER_MAPPINGS_LIMIT);
	if (!symbolizer->files || !symbolizer->processes)
		return error_set(error, -ENOMEM, "no memory for symbols");
	symbolizer->use_map_files = config->map_files;
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
	symbol_cache_free(symbolizer->files);
	mapping_cache_free(symbolizer->processes);
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

/* The vdso is no file, but every process has it in its memory. */
static struct elf_symbols *load_vdso(pid_t pid, const struct mapping *mapping)
{
	uint64_t size = mapping->end - mapping->start;
	struct elf_symbols *symbols = NULL;
	autofree char *image = NULL;
	ssize_t got;

	if (size > VDSO_SIZE_MAX)
		return NULL;
	image = malloc(size);
	if (!image)
		return NULL;
	got = process_memory_read(pid, mapping->start, image, size);
	if (got <= 0 || elf_symbols_load_memory(image, (size_t)got, &symbols, NULL) < 0)
		return NULL;
	return symbols;
}

/* Tries once to get at what is mapped; maps that are read again get another try. */
static const struct elf_symbols *load_object(struct symbolizer *symbolizer, pid_t pid,
					     const struct mapping *mapping,
					     struct mapped_object *object)
{
	const struct elf_symbols *symbols = NULL;
	autoclose int fd = -1;

	object->state = OBJECT_NONE;
	if (mapping->kind == MAPPING_VDSO) {
		object->own = load_vdso(pid, mapping);
		if (object->own)
			object->state = OBJECT_OWN;
		return object->own;
	}
	if (mapping->kind != MAPPING_FILE)
		return NULL;
	fd = mapped_file_open(pid, mapping, symbolizer->use_map_files, NULL);
	if (fd >= 0 && symbol_cache_load(symbolizer->files, fd, &object->key, &symbols) == 0)
		object->state = OBJECT_FILE;
	return symbols;
}

static const struct elf_symbols *object_symbols(struct symbolizer *symbolizer, pid_t pid,
						const struct mapping *mapping,
						struct mapped_object *object)
{
	const struct elf_symbols *symbols = NULL;

	if (object->state == OBJECT_NONE)
		return NULL;
	if (object->state == OBJECT_OWN)
		return object->own;
	if (object->state == OBJECT_FILE &&
	    symbol_cache_find(symbolizer->files, &object->key, &symbols))
		return symbols;
	return load_object(symbolizer, pid, mapping, object);
}

static int name_function(const struct elf_symbols *symbols, const struct lookup *lookup,
			 struct frame *frame)
{
	const char *build_id = elf_symbols_build_id(symbols);
	struct elf_symbol symbol;
	uint64_t vaddr;

	if (build_id && set_text(&frame->build_id, build_id) < 0)
		return -ENOMEM;
	/* frame->offset is still the offset in the file, of the address itself. */
	if (!elf_symbols_vaddr(symbols, frame->offset - (lookup->address - lookup->code), &vaddr))
		return 0;
	frame->offset = vaddr + (lookup->address - lookup->code);
	if (!elf_symbols_find(symbols, vaddr, &symbol))
		return 0;
	frame->offset -= symbol.address;
	return set_text(&frame->function, symbol.name);
}

static int user_frame(struct symbolizer *symbolizer, struct process_mappings *mappings,
		      const struct lookup *lookup, struct frame *frame)
{
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
	symbols = object_symbols(symbolizer, lookup->process->pid, mapping, object);
	return symbols ? name_function(symbols, lookup, frame) : 0;
}

/* Where to look: all but the first are return addresses, behind their call. */
static struct lookup lookup_at(const struct symbolizer_process *process, const uint64_t *addresses,
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

int symbolizer_stack(struct symbolizer *symbolizer, const struct symbolizer_process *process,
		     const uint64_t *kernel, size_t kernel_count, const uint64_t *user,
		     size_t user_count, uint64_t now_ns, struct stack **out)
{
	auto_free(stack) struct stack *stack = stack_new(kernel_count + user_count);
	struct process_mappings *mappings = NULL;
	int result = 0;

	if (!stack)
		return -ENOMEM;
	if (user_count)
		mappings = mapping_cache_get(symbolizer->processes, process->pid,
					     process->generation, now_ns);
	for (size_t i = 0; i < stack->count && result == 0; i++) {
		struct frame *frame = &stack->frames[i];
		bool is_kernel = i < kernel_count;
		struct lookup lookup = is_kernel
					       ? lookup_at(process, kernel, i, now_ns)
					       : lookup_at(process, user, i - kernel_count, now_ns);

		frame->address = lookup.address;
		result = is_kernel ? kernel_frame(symbolizer, &lookup, frame)
				   : user_frame(symbolizer, mappings, &lookup, frame);
	}
	if (result < 0)
		return result;
	*out = take_ptr(stack);
	return 0;
}

size_t symbolizer_plausible_frames(struct symbolizer *symbolizer,
				   const struct symbolizer_process *process, const uint64_t *user,
				   size_t user_count, uint64_t now_ns)
{
	struct process_mappings *mappings =
		mapping_cache_get(symbolizer->processes, process->pid, process->generation, now_ns);
	size_t count = user_count ? 1 : 0;

	if (!mappings)
		return user_count;
	for (; count < user_count; count++) {
		struct lookup lookup = lookup_at(process, user, count, now_ns);
		struct mapped_object *object;
		const struct mapping *mapping = process_mappings_find(
			symbolizer->processes, mappings, lookup.code, lookup.now_ns, &object);

		if (!mapping || !mapping->executable)
			break;
	}
	return count;
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

void symbolizer_forget_process(struct symbolizer *symbolizer, pid_t pid)
{
	mapping_cache_forget(symbolizer->processes, pid);
}

void symbolizer_statistics(const struct symbolizer *symbolizer,
			   struct symbolizer_statistics *statistics)
{
	struct symbol_cache_statistics files;

	symbol_cache_statistics(symbolizer->files, &files);
	*statistics = (struct symbolizer_statistics){
		.files = files.files,
		.processes = mapping_cache_count(symbolizer->processes),
		.memory = files.memory + mapping_cache_memory(symbolizer->processes),
		.loads = files.loads,
		.too_large = files.too_large,
	};
}
