/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_CFI_ORACLE_H
#define PARKSCOPE_TESTS_CFI_ORACLE_H

/*
 * What elfutils says of a file's call frame information, as an unwind row: so
 * that a table and libdw can be compared whole, what is unsupported included.
 */

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf/unwind_row.h"
#include "unit_test.h"

enum {
	ORACLE_BP = 6,
	ORACLE_SP = 7,
	ORACLE_RA = 16,
	ORACLE_SECTIONS_MAX = 32,
};

struct cfi_oracle {
	int fd; /* borrowed */
	Elf *elf;
	Dwarf_CFI *cfi;
	/* Executable sections, to draw addresses from. */
	struct {
		uint64_t start, size;
	} code[ORACLE_SECTIONS_MAX];
	size_t code_count;
	uint64_t code_size;
};

static inline void cfi_oracle_open(struct cfi_oracle *oracle, int fd)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	*oracle = (struct cfi_oracle){.fd = fd};
	assert_int_not_equal(elf_version(EV_CURRENT), EV_NONE);
	oracle->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	assert_non_null(oracle->elf);
	oracle->cfi = dwarf_getcfi_elf(oracle->elf);
	assert_non_null(oracle->cfi);
	while ((section = elf_nextscn(oracle->elf, section))) {
		assert_non_null(gelf_getshdr(section, &header));
		if (!(header.sh_flags & SHF_EXECINSTR) || !header.sh_size)
			continue;
		assert_true(oracle->code_count < ORACLE_SECTIONS_MAX);
		oracle->code[oracle->code_count].start = header.sh_addr;
		oracle->code[oracle->code_count++].size = header.sh_size;
		oracle->code_size += header.sh_size;
	}
	assert_true(oracle->code_size > 0);
}

static inline void cfi_oracle_close(struct cfi_oracle *oracle)
{
	dwarf_cfi_end(oracle->cfi);
	elf_end(oracle->elf);
}

/* The address of the n-th byte of code. */
static inline uint64_t cfi_oracle_code(const struct cfi_oracle *oracle, uint64_t n)
{
	size_t i = 0;

	while (n >= oracle->code[i].size)
		n -= oracle->code[i++].size;
	return oracle->code[i].start + n;
}

struct oracle_operations {
	Dwarf_Op space[3];
	Dwarf_Op *list;
	size_t count;
};

static inline bool oracle_register(Dwarf_Frame *frame, int number,
				   struct oracle_operations *operations)
{
	return dwarf_frame_register(frame, number, operations->space, &operations->list,
				    &operations->count) == 0;
}

/* Of the i-th operation; 0 is none's number. */
static inline unsigned int oracle_atom(const struct oracle_operations *operations, size_t i)
{
	return i < operations->count ? operations->list[i].atom : 0;
}

/* The word at CFA + offset. */
static inline bool oracle_is_saved(const struct oracle_operations *operations, int64_t *offset)
{
	*offset = 0;
	if (oracle_atom(operations, 0) != DW_OP_call_frame_cfa)
		return false;
	if (operations->count == 2 && oracle_atom(operations, 1) == DW_OP_plus_uconst)
		*offset = (int64_t)operations->list[1].number;
	else
		return operations->count == 1;
	return true;
}

static inline bool oracle_is_undefined(const struct oracle_operations *operations)
{
	return operations->count == 0 && operations->list == operations->space;
}

static inline bool oracle_is_same(const struct oracle_operations *operations)
{
	return operations->count == 0 && operations->list == NULL;
}

static inline bool oracle_is_cfa(const struct oracle_operations *operations)
{
	return operations->count == 2 && oracle_atom(operations, 0) == DW_OP_call_frame_cfa &&
	       oracle_atom(operations, 1) == DW_OP_stack_value;
}

static inline bool oracle_words(int64_t bytes, int64_t min, int64_t max)
{
	return bytes % 8 == 0 && bytes / 8 >= min && bytes / 8 <= max;
}

static inline struct unwind_row oracle_row_of(enum unwind_cfa_rule cfa, enum unwind_bp_rule bp,
					      int64_t offset, int64_t bp_slot)
{
	return (struct unwind_row){.rules = unwind_rules(cfa, bp),
				   .offset = (int16_t)offset,
				   .bp_slot = (int8_t)bp_slot};
}

static inline bool oracle_plt(const struct oracle_operations *cfa, int64_t *threshold)
{
	static const unsigned int atoms[] = {DW_OP_breg0 + ORACLE_SP,
					     DW_OP_breg0 + ORACLE_RA,
					     DW_OP_lit15,
					     DW_OP_and,
					     0,
					     DW_OP_ge,
					     DW_OP_lit3,
					     DW_OP_shl,
					     DW_OP_plus};

	if (cfa->count != sizeof(atoms) / sizeof(atoms[0]))
		return false;
	for (size_t i = 0; i < cfa->count; i++)
		if (atoms[i] && cfa->list[i].atom != atoms[i])
			return false;
	*threshold = (int64_t)cfa->list[4].atom - DW_OP_lit0;
	return (*threshold == 10 || *threshold == 11) && cfa->list[0].number == 8 &&
	       cfa->list[1].number == 0;
}

static inline struct unwind_row oracle_register_row(const struct oracle_operations *cfa,
						    const struct oracle_operations *bp)
{
	int64_t offset = (int64_t)cfa->list[0].number2, saved;
	enum unwind_cfa_rule rule =
		cfa->list[0].number == ORACLE_SP ? UNWIND_CFA_SP : UNWIND_CFA_BP;

	if ((cfa->list[0].number != ORACLE_SP && cfa->list[0].number != ORACLE_BP) ||
	    !oracle_words(offset, INT16_MIN, INT16_MAX))
		return oracle_row_of(UNWIND_CFA_UNSUPPORTED, UNWIND_BP_SAME, 0, 0);
	if (oracle_is_same(bp))
		return oracle_row_of(rule, UNWIND_BP_SAME, offset / 8, 0);
	if (oracle_is_saved(bp, &saved) && oracle_words(saved, INT8_MIN, INT8_MAX))
		return oracle_row_of(rule, UNWIND_BP_SAVED, offset / 8, saved / 8);
	return oracle_row_of(rule, UNWIND_BP_UNKNOWN, offset / 8, 0);
}

static inline struct unwind_row oracle_frame_row(Dwarf_Frame *frame)
{
	const struct unwind_row unsupported =
		oracle_row_of(UNWIND_CFA_UNSUPPORTED, UNWIND_BP_SAME, 0, 0);
	struct oracle_operations cfa = {0}, bp, sp, ra;
	int64_t offset;
	bool is_signal;

	if (dwarf_frame_info(frame, NULL, NULL, &is_signal) != ORACLE_RA ||
	    dwarf_frame_cfa(frame, &cfa.list, &cfa.count) != 0 || !cfa.count ||
	    !oracle_register(frame, ORACLE_BP, &bp) || !oracle_register(frame, ORACLE_SP, &sp) ||
	    !oracle_register(frame, ORACLE_RA, &ra))
		return unsupported;
	if (is_signal)
		return cfa.count == 2 && oracle_atom(&cfa, 0) == DW_OP_breg0 + ORACLE_SP &&
				       cfa.list[0].number == 160 &&
				       oracle_atom(&cfa, 1) == DW_OP_deref
			       ? oracle_row_of(UNWIND_CFA_SIGNAL, UNWIND_BP_SAME, 0, 0)
			       : unsupported;
	if (oracle_is_undefined(&ra))
		return oracle_row_of(UNWIND_CFA_OUTERMOST, UNWIND_BP_SAME, 0, 0);
	if (!oracle_is_saved(&ra, &offset) || offset != -8 || !oracle_is_cfa(&sp))
		return unsupported;
	if (cfa.count == 1 && oracle_atom(&cfa, 0) == DW_OP_bregx)
		return oracle_register_row(&cfa, &bp);
	if (oracle_plt(&cfa, &offset) && oracle_is_same(&bp))
		return oracle_row_of(UNWIND_CFA_PLT, UNWIND_BP_SAME, offset, 0);
	if (cfa.count == 2 && oracle_atom(&cfa, 0) == DW_OP_breg0 + ORACLE_BP &&
	    oracle_atom(&cfa, 1) == DW_OP_deref &&
	    oracle_words((int64_t)cfa.list[0].number, INT16_MIN, INT16_MAX) && bp.count == 2 &&
	    oracle_atom(&bp, 0) == DW_OP_call_frame_cfa &&
	    oracle_atom(&bp, 1) == DW_OP_breg0 + ORACLE_BP && bp.list[1].number == 0)
		return oracle_row_of(UNWIND_CFA_AT_BP, UNWIND_BP_SAME,
				     (int64_t)cfa.list[0].number / 8, 0);
	return unsupported;
}

/* False where no description covers the address. */
static inline bool cfi_oracle_row(const struct cfi_oracle *oracle, uint64_t vaddr,
				  struct unwind_row *row)
{
	Dwarf_Frame *frame = NULL;

	if (dwarf_cfi_addrframe(oracle->cfi, vaddr, &frame) != 0)
		return false;
	*row = oracle_frame_row(frame);
	free(frame);
	return true;
}

#endif
