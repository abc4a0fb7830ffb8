// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/frame_row.h"

#include <string.h>

#include "unwind/dwarf_constants.h"

enum {
	WORD = 8,
	/*
	 * Of a signal frame: the bytes from sp to where the caller's sp is, which are
	 * UNWIND_UCONTEXT_REGISTERS and UNWIND_SIGCONTEXT_SP words of bpf/unwind_step.h.
	 */
	SIGNAL_FRAME_SP = 40 + 15 * WORD,
};

static struct unwind_row row_of(enum unwind_cfa_rule cfa, int64_t offset)
{
	return (struct unwind_row){
		.rules = unwind_rules(cfa, UNWIND_BP_SAME),
		.offset = (int16_t)offset,
	};
}

static struct unwind_row unsupported(void)
{
	return row_of(UNWIND_CFA_UNSUPPORTED, 0);
}

/* Whether bytes are words, between two numbers of words. */
static bool in_words(int64_t bytes, int64_t min, int64_t max)
{
	return bytes % WORD == 0 && bytes / WORD >= min && bytes / WORD <= max;
}

static bool return_address_below_cfa(const struct frame_rules *rules)
{
	return rules->ra.kind == FRAME_AT_OFFSET && rules->ra.offset == -WORD;
}

static bool caller_sp_is_cfa(const struct frame_rules *rules)
{
	return rules->sp.kind == FRAME_UNSPECIFIED ||
	       (rules->sp.kind == FRAME_IS_OFFSET && rules->sp.offset == 0);
}

static bool bp_is_kept(const struct frame_register *bp)
{
	return bp->kind == FRAME_UNSPECIFIED || bp->kind == FRAME_SAME ||
	       (bp->kind == FRAME_IN_REGISTER && bp->offset == DWARF_REGISTER_BP);
}

static bool has_bytes(struct cfi_cursor expression, const void *bytes, size_t size)
{
	return (size_t)(expression.end - expression.at) == size &&
	       memcmp(expression.at, bytes, size) == 0;
}

/*
 * Takes `breg<number> offset` from the expression. The operand may be padded:
 * its bytes are not compared.
 */
static bool take_breg(struct cfi_cursor *expression, unsigned int number, int64_t *offset)
{
	if (cfi_u8(expression) != DW_OP_BREG0 + number)
		return false;
	*offset = cfi_sleb(expression);
	return !expression->failed;
}

/* The register's value plus bytes, and that is all. */
static bool is_breg(struct cfi_cursor expression, unsigned int number, int64_t offset)
{
	int64_t found;

	return take_breg(&expression, number, &found) && found == offset && cfi_at_end(&expression);
}

/* The word at a register's value plus bytes, and that is all. */
static bool is_deref(struct cfi_cursor expression, unsigned int number, int64_t *offset)
{
	return take_breg(&expression, number, offset) && cfi_u8(&expression) == DW_OP_DEREF &&
	       cfi_at_end(&expression) && !expression.failed;
}

/*
 * The word at bp: what unwind_step() reads for UNWIND_CFA_AT_BP. At CFA + offset
 * it may be in truth, but nothing here can tell.
 */
static bool bp_is_at_bp(const struct frame_register *bp)
{
	return bp->kind == FRAME_AT_EXPRESSION && is_breg(bp->expression, DWARF_REGISTER_BP, 0);
}

/*
 * breg7 (sp) 8; breg16 (ip) 0; lit15; and; lit<threshold>; ge; lit3; shl; plus:
 * binutils 2.40, bfd/elfxx-x86.c, with 11 for stubs that push at once and 10 for
 * those that begin with endbr64 or bnd.
 */
static bool is_plt(struct cfi_cursor expression, int64_t *threshold)
{
	for (*threshold = 10; *threshold <= 11; (*threshold)++) {
		const unsigned char bytes[] = {
			DW_OP_BREG0 + DWARF_REGISTER_SP,
			WORD,
			DW_OP_BREG0 + DWARF_REGISTER_RA,
			0,
			DW_OP_LIT0 + 15,
			DW_OP_AND,
			(unsigned char)(DW_OP_LIT0 + *threshold),
			DW_OP_GE,
			DW_OP_LIT0 + 3,
			DW_OP_SHL,
			DW_OP_PLUS,
		};

		if (has_bytes(expression, bytes, sizeof(bytes)))
			return true;
	}
	return false;
}

/* What the kernel pushed, where unwind_step_signal() looks for it, not something alike. */
static bool is_signal_frame(const struct frame_rules *rules)
{
	int64_t offset;

	return rules->cfa_is_expression &&
	       is_deref(rules->cfa_expression, DWARF_REGISTER_SP, &offset) &&
	       offset == SIGNAL_FRAME_SP;
}

static struct unwind_row expression_row(const struct frame_rules *rules)
{
	int64_t offset;

	if (is_plt(rules->cfa_expression, &offset) && bp_is_kept(&rules->bp))
		return row_of(UNWIND_CFA_PLT, offset);
	if (is_deref(rules->cfa_expression, DWARF_REGISTER_BP, &offset) &&
	    in_words(offset, INT16_MIN, INT16_MAX) && bp_is_at_bp(&rules->bp))
		return row_of(UNWIND_CFA_AT_BP, offset / WORD);
	return unsupported();
}

static void set_bp(struct unwind_row *row, enum unwind_cfa_rule cfa,
		   const struct frame_register *bp)
{
	if (bp_is_kept(bp))
		return;
	if (bp->kind == FRAME_AT_OFFSET && in_words(bp->offset, INT8_MIN, INT8_MAX)) {
		row->rules = unwind_rules(cfa, UNWIND_BP_SAVED);
		row->bp_slot = (int8_t)(bp->offset / WORD);
	} else {
		row->rules = unwind_rules(cfa, UNWIND_BP_UNKNOWN);
	}
}

static struct unwind_row register_row(const struct frame_rules *rules)
{
	bool is_sp = rules->cfa_register == DWARF_REGISTER_SP;
	enum unwind_cfa_rule cfa = is_sp ? UNWIND_CFA_SP : UNWIND_CFA_BP;
	struct unwind_row row;

	if ((!is_sp && rules->cfa_register != DWARF_REGISTER_BP) ||
	    !in_words(rules->cfa_offset, INT16_MIN, INT16_MAX))
		return unsupported();
	row = row_of(cfa, rules->cfa_offset / WORD);
	set_bp(&row, cfa, &rules->bp);
	return row;
}

struct unwind_row frame_row(const struct frame_rules *rules, bool is_signal)
{
	if (!rules || !rules->cfa_defined)
		return unsupported();
	if (is_signal)
		return is_signal_frame(rules) ? row_of(UNWIND_CFA_SIGNAL, 0) : unsupported();
	if (rules->ra.kind == FRAME_UNDEFINED)
		return row_of(UNWIND_CFA_OUTERMOST, 0);
	if (!return_address_below_cfa(rules) || !caller_sp_is_cfa(rules))
		return unsupported();
	return rules->cfa_is_expression ? expression_row(rules) : register_row(rules);
}
