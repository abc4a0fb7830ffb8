// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_runtime_tables.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	CHUNK_SIZE = 256 << 10,
	/* Data segments that are searched; large programs have some 10 MiB, and bss more. */
	SEARCH_BYTES_MAX = 64 << 20,
	/* runtime.allgadd has some 200 bytes. */
	CODE_SIZE_MAX = 4096,
	OPERANDS_MAX = 256,
	/* Words that look like allgs and are followed into the process. */
	CANDIDATES_MAX = 4096,
};

/* A walk over the words of the writable segments, in memory. */
struct word_search {
	const struct go_loaded_file *file;
	/* Words needed from the one on that is looked at. */
	size_t words;
	/* True: this is it. `words` is what stands at the vaddr. */
	bool (*matches)(struct word_search *search, uint64_t vaddr, const uint64_t *words);
	const struct go_module *module;
	struct go_module *found_module;
	uint64_t found; /* vaddr */
	size_t candidates;
	bool empty; /* allgs is there, but nothing is in it */
};

static int read_words(const struct go_loaded_file *file, uint64_t vaddr, uint64_t *words,
		      size_t count)
{
	ssize_t got = go_memory_read(&file->memory, vaddr, words, count * sizeof(*words));

	return got == (ssize_t)(count * sizeof(*words)) ? 0 : -EFAULT;
}

static bool search_chunk(struct word_search *search, uint64_t vaddr, const uint64_t *words,
			 size_t count)
{
	for (size_t i = 0; i + search->words <= count; i++)
		if (search->matches(search, vaddr + i * sizeof(*words), &words[i])) {
			search->found = vaddr + i * sizeof(*words);
			return true;
		}
	return false;
}

/* Chunks overlap, so that what stands across their border is seen. */
static bool search_segment(struct word_search *search, const struct elf_segment *segment,
			   uint64_t *budget)
{
	const size_t chunk_words = CHUNK_SIZE / sizeof(uint64_t);
	autofree uint64_t *words = malloc(CHUNK_SIZE);
	uint64_t vaddr = (segment->vaddr + 7) & ~7ULL;
	uint64_t end = segment->vaddr + segment->memory_size;

	while (words && vaddr < end && *budget) {
		size_t wanted = (end - vaddr) / sizeof(*words);
		ssize_t got;

		if (wanted > chunk_words)
			wanted = chunk_words;
		if (wanted < search->words)
			break;
		got = go_memory_read(&search->file->memory, vaddr, words, wanted * sizeof(*words));
		if (got < (ssize_t)(search->words * sizeof(*words)))
			break;
		wanted = (size_t)got / sizeof(*words);
		if (search_chunk(search, vaddr, words, wanted))
			return true;
		*budget -= *budget < wanted * sizeof(*words) ? *budget : wanted * sizeof(*words);
		vaddr += (wanted - search->words + 1) * sizeof(*words);
	}
	return false;
}

static bool search_words(struct word_search *search)
{
	const struct elf_segment *segments;
	size_t count = elf_image_segments(search->file->image, &segments);
	uint64_t budget = SEARCH_BYTES_MAX;

	for (size_t i = 0; i < count; i++)
		if (segments[i].type == PT_LOAD && (segments[i].flags & PF_W) &&
		    segments[i].vaddr + segments[i].memory_size > segments[i].vaddr &&
		    search_segment(search, &segments[i], &budget))
			return true;
	return false;
}

static uint64_t field_of(const uint64_t *words, uint16_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)words + offset, sizeof(value));
	return value;
}

/* All of it is in what was read already: hostile memory may be full of words that match. */
static bool is_module(struct word_search *search, uint64_t vaddr, const uint64_t *words)
{
	const struct go_loaded_file *file = search->file;
	const struct go_layout *layout = file->layout;
	uint64_t text, func_data = 0, table_text = go_line_table_text(file->lines);
	uint64_t start, end;

	(void)vaddr;
	if (words[0] != go_line_table_vaddr(file->lines) + file->memory.bias)
		return false;
	text = field_of(words, layout->module.text) - file->memory.bias;
	if (!load_segments_code_range(file->segments, &start, &end) || text < start ||
	    text >= end || (table_text && table_text != text))
		return false;
	if (layout->module.func_data != GO_FIELD_NONE)
		func_data = field_of(words, layout->module.func_data);
	search->found_module->text = text;
	search->found_module->func_data = func_data ? func_data - file->memory.bias : 0;
	return true;
}

/* Words from the structure's start up to the last field of it that is read. */
static size_t module_words(const struct go_layout *layout)
{
	size_t last = layout->module.text;

	if (layout->module.func_data != GO_FIELD_NONE && layout->module.func_data > last)
		last = layout->module.func_data;
	return (last + 2 * sizeof(uint64_t) - 1) / sizeof(uint64_t);
}

int go_find_module(const struct go_loaded_file *file, struct go_module *module)
{
	struct go_module found = {0};
	struct word_search search = {
		.file = file,
		.words = module_words(file->layout),
		.matches = is_module,
		.found_module = &found,
	};

	if (!search_words(&search))
		return -ENODATA;
	*module = found;
	return 0;
}

/*
 * Whether a slice {pointer, length, capacity} is allgs: its first goroutine, runtime.g0's
 * or the main one, has sched.g == itself.
 */
static bool is_allgs(struct word_search *search, const uint64_t slice[3])
{
	const struct go_loaded_file *file = search->file;
	/* Words of the heap are addresses, not vaddrs of the file. */
	const struct go_memory heap = {.pid = file->memory.pid};
	uint64_t first, self;

	if (slice[1] > slice[2] || slice[2] > 1ULL << 32 || slice[0] % 8 || !slice[0] != !slice[2])
		return false;
	if (!slice[1]) {
		search->empty = true;
		return false;
	}
	if (search->candidates++ == CANDIDATES_MAX)
		return false;
	return go_memory_read(&heap, slice[0], &first, sizeof(first)) == sizeof(first) &&
	       first % 8 == 0 &&
	       go_memory_read(&heap, first + file->layout->g.sched_g, &self, sizeof(self)) ==
		       sizeof(self) &&
	       self == first;
}

/*
 * The vaddr that an instruction at `code` refers to, relative to what follows it: mov, lea
 * or cmp with REX.W, ModRM mod 0 and rm 5 (Intel SDM, volume 2, 2.1.5 and 2.2.1.6). 0: none.
 */
static uint64_t operand_at(const uint8_t *code, uint64_t vaddr)
{
	static const uint8_t opcodes[] = {0x8b, 0x89, 0x8d, 0x39, 0x3b};
	uint64_t length = 0;
	int32_t displacement;

	if ((code[0] & 0xf8) != 0x48 || (code[2] & 0xc7) != 0x05)
		return 0;
	for (size_t i = 0; i < sizeof(opcodes); i++)
		if (code[1] == opcodes[i])
			length = 7;
	if (code[1] == 0x83) /* with an operand of one byte behind it */
		length = 8;
	if (!length)
		return 0;
	memcpy(&displacement, code + 3, sizeof(displacement));
	return vaddr + length + (uint64_t)(int64_t)displacement;
}

static size_t read_operands(const struct go_loaded_file *file, uint64_t start, uint64_t end,
			    uint64_t operands[OPERANDS_MAX])
{
	uint64_t offset, available, size = end - start;
	uint8_t code[CODE_SIZE_MAX];
	size_t count = 0;

	if (size > sizeof(code))
		size = sizeof(code);
	if (!load_segments_offset(file->segments, start, &offset, &available))
		return 0;
	if (size > available)
		size = available;
	if (elf_image_read(file->image, offset, code, size))
		return 0;
	for (size_t i = 0; i + 8 <= size && count < OPERANDS_MAX; i++) {
		operands[count] = operand_at(code + i, start + i);
		count += operands[count] != 0;
	}
	return count;
}

/* All operands of the function of that name. */
static size_t find_operands(const struct go_loaded_file *file, const struct go_module *module,
			    const char *name, uint64_t operands[OPERANDS_MAX])
{
	uint64_t start, end;

	if (elf_image_machine(file->image) != EM_X86_64 ||
	    go_line_table_find_function(file->lines, module, name, &start, &end))
		return 0;
	return read_operands(file, start, end, operands);
}

static bool contains(const uint64_t *operands, size_t count, uint64_t operand)
{
	for (size_t i = 0; i < count; i++)
		if (operands[i] == operand)
			return true;
	return false;
}

/* The function appends to allgs: it refers to the three words of that slice. */
static bool find_in_code(struct word_search *search)
{
	uint64_t operands[OPERANDS_MAX], slice[3];
	size_t count = find_operands(search->file, search->module, "runtime.allgadd", operands);

	for (size_t i = 0; i < count; i++) {
		if (!contains(operands, count, operands[i] + 8) ||
		    !contains(operands, count, operands[i] + 16) ||
		    read_words(search->file, operands[i], slice, 3))
			continue;
		if (is_allgs(search, slice)) {
			search->found = operands[i];
			return true;
		}
	}
	return false;
}

static bool looks_like_allgs(struct word_search *search, uint64_t vaddr, const uint64_t *words)
{
	(void)vaddr;
	/* Zeros are nothing to go by here. */
	return words[0] && words[1] && is_allgs(search, words);
}

int go_find_allgs(const struct go_loaded_file *file, const struct go_module *module,
		  uint64_t *address)
{
	struct word_search search = {
		.file = file,
		.words = 3,
		.matches = looks_like_allgs,
		.module = module,
	};

	if (!find_in_code(&search)) {
		if (search.empty)
			return -EAGAIN;
		search.candidates = 0;
		if (!search_words(&search))
			return -ENODATA;
	}
	*address = search.found + file->memory.bias;
	return 0;
}

/* Zeros behind the file's own bytes are data, too: the table is there. */
static bool is_data(const struct go_loaded_file *file, uint64_t vaddr)
{
	const struct elf_segment *segments;
	size_t count = elf_image_segments(file->image, &segments);

	for (size_t i = 0; i < count; i++)
		if (segments[i].type == PT_LOAD && (segments[i].flags & PF_W) &&
		    vaddr >= segments[i].vaddr &&
		    vaddr - segments[i].vaddr < segments[i].memory_size)
			return true;
	return false;
}

size_t go_find_semtables(const struct go_loaded_file *file, const struct go_module *module,
			 uint64_t addresses[GO_SEMTABLES_MAX])
{
	uint64_t acquire[OPERANDS_MAX], release[OPERANDS_MAX];
	size_t acquire_count = find_operands(file, module, "runtime.semacquire1", acquire);
	size_t release_count = find_operands(file, module, "runtime.semrelease1", release);
	size_t found = 0;

	for (size_t i = 0; i < acquire_count && found < GO_SEMTABLES_MAX; i++)
		if (acquire[i] % sizeof(uint64_t) == 0 && is_data(file, acquire[i]) &&
		    contains(release, release_count, acquire[i]) &&
		    !contains(addresses, found, acquire[i] + file->memory.bias))
			addresses[found++] = acquire[i] + file->memory.bias;
	return found;
}
