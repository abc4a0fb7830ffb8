// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/frame_program.h"

#include "unwind/dwarf_constants.h"

enum {
	/* Compilers remember one or two states; a program with more counts as damaged. */
	REMEMBERED_MAX = 16,
};

struct run {
	const struct frame_common *common;
	const struct cfi_pointer_base *base;
	struct cfi_cursor program;
	struct frame_rules rules;
	struct frame_rules remembered[REMEMBERED_MAX];
	size_t remembered_count;
	uint64_t start; /* where the present rules begin to hold */
	uint64_t end;
	frame_row_sink *sink; /* NULL: in the common program, which has no addresses */
	void *context;
	int result;
};

static void damaged(struct run *run)
{
	run->program.failed = true;
}

/* NULL for a register that nobody follows. */
static struct frame_register *register_in(struct frame_rules *rules, uint64_t number)
{
	switch (number) {
	case DWARF_REGISTER_BP:
		return &rules->bp;
	case DWARF_REGISTER_SP:
		return &rules->sp;
	case DWARF_REGISTER_RA:
		return &rules->ra;
	default:
		return NULL;
	}
}

static void set_register(struct run *run, uint64_t number, enum frame_register_kind kind,
			 int64_t offset)
{
	struct frame_register *target = register_in(&run->rules, number);

	if (target)
		*target = (struct frame_register){.kind = kind, .offset = offset};
}

static void set_expression(struct run *run, enum frame_register_kind kind)
{
	struct frame_register *target = register_in(&run->rules, cfi_uleb(&run->program));
	struct cfi_cursor expression = cfi_block(&run->program, cfi_uleb(&run->program));

	if (target)
		*target = (struct frame_register){.kind = kind, .expression = expression};
}

static void restore_register(struct run *run, uint64_t number)
{
	struct frame_rules initial = run->common->initial;
	struct frame_register *target = register_in(&run->rules, number);

	if (target)
		*target = *register_in(&initial, number);
}

/* In data units, to bytes. */
static int64_t factored(struct run *run, int64_t units)
{
	int64_t bytes;

	if (!__builtin_mul_overflow(units, run->common->data_factor, &bytes))
		return bytes;
	damaged(run);
	return 0;
}

static int64_t unsigned_operand(struct run *run)
{
	uint64_t value = cfi_uleb(&run->program);

	if (value <= INT64_MAX)
		return (int64_t)value;
	damaged(run);
	return 0;
}

static int64_t factored_unsigned(struct run *run)
{
	return factored(run, unsigned_operand(run));
}

static int64_t factored_signed(struct run *run)
{
	return factored(run, cfi_sleb(&run->program));
}

static void define_cfa(struct run *run, uint64_t number, int64_t offset)
{
	run->rules.cfa_defined = true;
	run->rules.cfa_is_expression = false;
	run->rules.cfa_register = number;
	run->rules.cfa_offset = offset;
}

/* The half of a rule can change only where there is a whole one. */
static bool cfa_is_register(struct run *run)
{
	if (run->rules.cfa_defined && !run->rules.cfa_is_expression)
		return true;
	damaged(run);
	return false;
}

static void change_cfa_register(struct run *run, uint64_t number)
{
	if (cfa_is_register(run))
		run->rules.cfa_register = number;
}

static void change_cfa_offset(struct run *run, int64_t offset)
{
	if (cfa_is_register(run))
		run->rules.cfa_offset = offset;
}

static void define_cfa_expression(struct run *run)
{
	run->rules.cfa_defined = true;
	run->rules.cfa_is_expression = true;
	run->rules.cfa_expression = cfi_block(&run->program, cfi_uleb(&run->program));
}

static void remember(struct run *run)
{
	if (run->remembered_count == REMEMBERED_MAX)
		damaged(run);
	else
		run->remembered[run->remembered_count++] = run->rules;
}

static void restore(struct run *run)
{
	if (run->remembered_count == 0)
		damaged(run);
	else
		run->rules = run->remembered[--run->remembered_count];
}

static void tell(struct run *run, const struct frame_rules *rules)
{
	if (run->result == 0 && run->start < run->end)
		run->result = run->sink(run->context, run->start, rules);
}

/* Addresses only grow; what lies behind the function's end is never told. */
static void advance_to(struct run *run, uint64_t address)
{
	if (!run->sink || address < run->start || run->program.failed) {
		damaged(run);
	} else if (address > run->start) {
		tell(run, &run->rules);
		run->start = address;
	}
}

static void advance(struct run *run, uint64_t units)
{
	uint64_t bytes, address;

	if (__builtin_mul_overflow(units, run->common->code_factor, &bytes) ||
	    __builtin_add_overflow(run->start, bytes, &address))
		damaged(run);
	else
		advance_to(run, address);
}

static void set_location(struct run *run)
{
	if (run->base)
		advance_to(run,
			   cfi_pointer(&run->program, run->common->pointer_encoding, run->base));
	else
		damaged(run);
}

/* False: it is none of these. */
static bool run_primary(struct run *run, uint8_t instruction)
{
	uint8_t operand = instruction & (uint8_t)~DW_CFA_PRIMARY;

	switch (instruction & DW_CFA_PRIMARY) {
	case DW_CFA_ADVANCE_LOC:
		advance(run, operand);
		return true;
	case DW_CFA_OFFSET:
		set_register(run, operand, FRAME_AT_OFFSET, factored_unsigned(run));
		return true;
	case DW_CFA_RESTORE:
		restore_register(run, operand);
		return true;
	default:
		return false;
	}
}

static bool run_location(struct run *run, uint8_t instruction)
{
	switch (instruction) {
	case DW_CFA_NOP:
		return true;
	case DW_CFA_SET_LOC:
		set_location(run);
		return true;
	case DW_CFA_ADVANCE_LOC1:
		advance(run, cfi_u8(&run->program));
		return true;
	case DW_CFA_ADVANCE_LOC2:
		advance(run, cfi_u16(&run->program));
		return true;
	case DW_CFA_ADVANCE_LOC4:
		advance(run, cfi_u32(&run->program));
		return true;
	case DW_CFA_REMEMBER_STATE:
		remember(run);
		return true;
	case DW_CFA_RESTORE_STATE:
		restore(run);
		return true;
	case DW_CFA_GNU_ARGS_SIZE:
		/* The bytes of pushed arguments: for throwing, not for walking. */
		cfi_uleb(&run->program);
		return true;
	default:
		return false;
	}
}

static bool run_cfa(struct run *run, uint8_t instruction)
{
	uint64_t number;

	switch (instruction) {
	case DW_CFA_DEF_CFA:
		number = cfi_uleb(&run->program);
		define_cfa(run, number, unsigned_operand(run));
		return true;
	case DW_CFA_DEF_CFA_SF:
		number = cfi_uleb(&run->program);
		define_cfa(run, number, factored_signed(run));
		return true;
	case DW_CFA_DEF_CFA_REGISTER:
		change_cfa_register(run, cfi_uleb(&run->program));
		return true;
	case DW_CFA_DEF_CFA_OFFSET:
		change_cfa_offset(run, unsigned_operand(run));
		return true;
	case DW_CFA_DEF_CFA_OFFSET_SF:
		change_cfa_offset(run, factored_signed(run));
		return true;
	case DW_CFA_DEF_CFA_EXPRESSION:
		define_cfa_expression(run);
		return true;
	default:
		return false;
	}
}

static void run_register(struct run *run, uint8_t instruction)
{
	uint64_t number;

	if (instruction == DW_CFA_EXPRESSION || instruction == DW_CFA_VAL_EXPRESSION) {
		set_expression(run, instruction == DW_CFA_EXPRESSION ? FRAME_AT_EXPRESSION
								     : FRAME_IS_EXPRESSION);
		return;
	}
	number = cfi_uleb(&run->program);
	switch (instruction) {
	case DW_CFA_OFFSET_EXTENDED:
		set_register(run, number, FRAME_AT_OFFSET, factored_unsigned(run));
		break;
	case DW_CFA_OFFSET_EXTENDED_SF:
		set_register(run, number, FRAME_AT_OFFSET, factored_signed(run));
		break;
	case DW_CFA_GNU_NEGATIVE_OFFSET_EXTENDED:
		set_register(run, number, FRAME_AT_OFFSET, factored(run, -unsigned_operand(run)));
		break;
	case DW_CFA_VAL_OFFSET:
		set_register(run, number, FRAME_IS_OFFSET, factored_unsigned(run));
		break;
	case DW_CFA_VAL_OFFSET_SF:
		set_register(run, number, FRAME_IS_OFFSET, factored_signed(run));
		break;
	case DW_CFA_RESTORE_EXTENDED:
		restore_register(run, number);
		break;
	case DW_CFA_UNDEFINED:
		set_register(run, number, FRAME_UNDEFINED, 0);
		break;
	case DW_CFA_SAME_VALUE:
		set_register(run, number, FRAME_SAME, 0);
		break;
	case DW_CFA_REGISTER:
		set_register(run, number, FRAME_IN_REGISTER, unsigned_operand(run));
		break;
	default:
		damaged(run);
	}
}

/* Each instruction takes a byte at least: the program's size bounds the loop. */
static void run_all(struct run *run)
{
	while (!cfi_at_end(&run->program) && run->result == 0 && run->start < run->end) {
		uint8_t instruction = cfi_u8(&run->program);

		if (!run_primary(run, instruction) && !run_location(run, instruction) &&
		    !run_cfa(run, instruction))
			run_register(run, instruction);
	}
}

int frame_program_run(const struct frame_common *common, struct cfi_cursor program,
		      const struct cfi_pointer_base *base, uint64_t start, uint64_t end,
		      frame_row_sink *sink, void *context)
{
	struct run run;

	/* Field by field: the remembered states are large, and most programs have none. */
	run.common = common;
	run.base = base;
	run.program = program;
	run.rules = common->initial;
	run.remembered_count = 0;
	run.start = start;
	run.end = end;
	run.sink = sink;
	run.context = context;
	run.result = 0;
	if (!common->is_supported)
		damaged(&run);
	run_all(&run);
	tell(&run, run.program.failed ? NULL : &run.rules);
	return run.result;
}

bool frame_program_run_initial(struct frame_common *common, struct cfi_cursor program)
{
	struct run run = {.common = common, .program = program, .end = 1};

	run_all(&run);
	if (run.program.failed)
		return false;
	common->initial = run.rules;
	return true;
}
