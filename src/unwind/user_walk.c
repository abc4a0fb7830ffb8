// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/user_walk.h"

#include <string.h>

#include "process/process_memory.h"

enum {
	/* Read at once from the stack: nearly all parked stacks are shorter. */
	WINDOW_SIZE = 32 << 10,
	/* Words that the searches for return addresses of one walk look at. */
	SCAN_WORDS_MAX = 4096,
	/* The longest call instruction: call [base + index * scale + disp32] with a prefix. */
	CALL_LENGTH_MAX = 8,
};

/* Memory of one process, of which a window was read ahead. */
struct remote_memory {
	pid_t pid;
	uint64_t start;
	size_t size;
	unsigned char bytes[WINDOW_SIZE];
};

static void read_ahead(struct remote_memory *memory, uint64_t address)
{
	ssize_t got = process_memory_read(memory->pid, address, memory->bytes, WINDOW_SIZE);

	memory->start = address;
	memory->size = got > 0 ? (size_t)got : 0;
}

static bool in_window(const struct remote_memory *memory, uint64_t address, size_t size)
{
	return address >= memory->start && address - memory->start <= memory->size &&
	       memory->size - (address - memory->start) >= size;
}

/* 0 where all of it was read. */
static int read_memory(struct remote_memory *memory, void *target, size_t size, uint64_t address)
{
	uint64_t end = memory->start + memory->size;

	/* A deep stack goes on behind the window; anything else is read by itself. */
	if (!in_window(memory, address, size) && address > memory->start &&
	    address - end < WINDOW_SIZE)
		read_ahead(memory, address);
	if (in_window(memory, address, size)) {
		memcpy(target, memory->bytes + (address - memory->start), size);
		return 0;
	}
	return process_memory_read(memory->pid, address, target, size) != (ssize_t)size;
}

#define UNWIND_READ(memory, target, size, address) read_memory(memory, target, size, address)

#include "bpf/unwind_step.h"

struct user_walk {
	struct mapping_cache *mappings;
	struct code_tables *tables;
	/* Of the walk that is under way. */
	struct process_mappings *process;
	uint64_t now_ns;
	unsigned int scanned;
	struct unwind_registers registers;
	struct remote_memory memory;
};

struct user_walk *user_walk_new(struct mapping_cache *mappings, struct code_tables *tables)
{
	struct user_walk *walk = calloc(1, sizeof(*walk));

	if (!walk)
		return NULL;
	walk->mappings = mappings;
	walk->tables = tables;
	return walk;
}

void user_walk_free(struct user_walk *walk)
{
	free(walk);
}

/*
 * Does a call instruction end there? Direct (e8 rel32), or indirect (ff /2) with
 * any addressing mode: Intel SDM volume 2, "CALL".
 */
static bool ends_call(const unsigned char *end)
{
	if (end[-5] == 0xe8)
		return true;
	for (int length = 2; length <= 7; length++) {
		unsigned int modrm = end[1 - length];
		unsigned int mode = modrm >> 6, base = modrm & 7;
		int expected = 2;

		if (end[-length] != 0xff || ((modrm >> 3) & 7) != 2)
			continue;
		if (mode != 3 && base == 4)
			expected++;
		if (mode == 1)
			expected++;
		else if (mode == 2 || (mode == 0 && base == 5))
			expected += 4;
		if (expected == length)
			return true;
	}
	return false;
}

static const struct mapping *find_code(struct user_walk *walk, uint64_t address,
				       struct mapped_object **object)
{
	if (!walk->process)
		return NULL;
	return process_mappings_find(walk->mappings, walk->process, address, walk->now_ns, object);
}

static bool is_return_address(struct user_walk *walk, uint64_t address)
{
	unsigned char code[CALL_LENGTH_MAX];
	struct mapped_object *object;

	return address > sizeof(code) && find_code(walk, address - 1, &object) &&
	       !read_memory(&walk->memory, code, sizeof(code), address - sizeof(code)) &&
	       ends_call(code + sizeof(code));
}

/* To the next word on the stack that looks like a return address. */
static enum unwind_end scan_for_caller(struct user_walk *walk)
{
	struct unwind_registers *registers = &walk->registers;
	uint64_t slot = registers->sp, word;

	for (; walk->scanned < SCAN_WORDS_MAX; walk->scanned++, slot += sizeof(word)) {
		if (read_memory(&walk->memory, &word, sizeof(word), slot))
			break;
		if (!is_return_address(walk, word))
			continue;
		registers->ip = word;
		registers->sp = slot + sizeof(word);
		registers->exact_ip = 0;
		return UNWIND_GOES_ON;
	}
	return UNWIND_END_NO_CFI;
}

/* The row for the code; all zero: none covers it. */
static struct unwind_row row_at(const struct code *code, uint64_t address)
{
	const struct unwind_row *row =
		code->table ? unwind_table_find(code->table, address - code->bias) : NULL;

	return row ? *row : (struct unwind_row){0};
}

/* As unwind_to_caller() in bpf/unwind.bpf.h. */
static enum unwind_end to_caller(struct user_walk *walk, const struct code *code, uint64_t address)
{
	struct unwind_row row;

	if (code->marks & UNWIND_MAPPING_NO_TABLE)
		return UNWIND_END_NO_TABLE;
	row = row_at(code, address);
	if (!row.rules) {
		if (code->marks & UNWIND_MAPPING_GO)
			return unwind_step_go(&walk->registers, &walk->memory);
		if (code->marks & UNWIND_MAPPING_NO_CFI)
			return UNWIND_END_NO_CFI;
	}
	return unwind_step(&walk->registers, &row, &walk->memory);
}

/* As unwind_frame() in bpf/unwind.bpf.h. */
static enum unwind_end add_frame(struct user_walk *walk, struct user_walk_result *result)
{
	uint64_t address = unwind_code_address(&walk->registers);
	struct mapped_object *object;
	const struct mapping *mapping;
	enum unwind_end end;
	struct code code;

	if (result->count == ABI_STACK_FRAMES_MAX)
		return UNWIND_END_TOO_DEEP;
	mapping = find_code(walk, address, &object);
	if (!mapping && result->count)
		return unwind_end_without_code(&walk->registers);
	result->frames[result->count++] = walk->registers.ip;
	if (!mapping)
		return UNWIND_END_NO_CODE;
	code = code_tables_of(walk->tables, walk->memory.pid, mapping, object);
	end = to_caller(walk, &code, address);
	if (end != UNWIND_END_NO_CFI)
		return end;
	if (result->first_guess > result->count)
		result->first_guess = result->count;
	return scan_for_caller(walk);
}

void user_walk_run(struct user_walk *walk, const struct process_ref *process,
		   const struct user_registers *registers, uint64_t now_ns,
		   struct user_walk_result *result)
{
	walk->process = mapping_cache_get(walk->mappings, process, now_ns);
	walk->now_ns = now_ns;
	walk->scanned = 0;
	walk->registers = (struct unwind_registers){
		.ip = registers->ip,
		.sp = registers->sp,
		.bp = registers->bp,
		.exact_ip = 1,
	};
	walk->memory.pid = process->pid;
	read_ahead(&walk->memory, registers->sp);

	result->count = 0;
	result->first_guess = SIZE_MAX;
	do
		result->end = add_frame(walk, result);
	while (!result->end);
	if (result->first_guess > result->count)
		result->first_guess = result->count;
}
