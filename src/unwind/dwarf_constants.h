/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_UNWIND_DWARF_CONSTANTS_H
#define PARKSCOPE_UNWIND_DWARF_CONSTANTS_H

/*
 * Numbers of call frame information. Not <dwarf.h>: that comes with elfutils,
 * which nothing else here needs.
 */

/* Encodings of pointers: LSB Core 5.0, table 10.5 to 10.7. */
enum {
	DW_EH_PE_ABSPTR = 0x00,
	DW_EH_PE_ULEB128 = 0x01,
	DW_EH_PE_UDATA2 = 0x02,
	DW_EH_PE_UDATA4 = 0x03,
	DW_EH_PE_UDATA8 = 0x04,
	DW_EH_PE_SLEB128 = 0x09,
	DW_EH_PE_SDATA2 = 0x0a,
	DW_EH_PE_SDATA4 = 0x0b,
	DW_EH_PE_SDATA8 = 0x0c,
	DW_EH_PE_FORMAT = 0x0f, /* the bits of the above */
	DW_EH_PE_PCREL = 0x10,
	DW_EH_PE_DATAREL = 0x30,
	DW_EH_PE_ALIGNED = 0x50,
	DW_EH_PE_RELATION = 0x70, /* the bits of what it is relative to */
};

/* Call frame instructions: DWARF 5, table 7.29; the GNU ones: LSB Core 5.0, 10.5.2. */
enum {
	DW_CFA_NOP = 0x00,
	DW_CFA_SET_LOC = 0x01,
	DW_CFA_ADVANCE_LOC1 = 0x02,
	DW_CFA_ADVANCE_LOC2 = 0x03,
	DW_CFA_ADVANCE_LOC4 = 0x04,
	DW_CFA_OFFSET_EXTENDED = 0x05,
	DW_CFA_RESTORE_EXTENDED = 0x06,
	DW_CFA_UNDEFINED = 0x07,
	DW_CFA_SAME_VALUE = 0x08,
	DW_CFA_REGISTER = 0x09,
	DW_CFA_REMEMBER_STATE = 0x0a,
	DW_CFA_RESTORE_STATE = 0x0b,
	DW_CFA_DEF_CFA = 0x0c,
	DW_CFA_DEF_CFA_REGISTER = 0x0d,
	DW_CFA_DEF_CFA_OFFSET = 0x0e,
	DW_CFA_DEF_CFA_EXPRESSION = 0x0f,
	DW_CFA_EXPRESSION = 0x10,
	DW_CFA_OFFSET_EXTENDED_SF = 0x11,
	DW_CFA_DEF_CFA_SF = 0x12,
	DW_CFA_DEF_CFA_OFFSET_SF = 0x13,
	DW_CFA_VAL_OFFSET = 0x14,
	DW_CFA_VAL_OFFSET_SF = 0x15,
	DW_CFA_VAL_EXPRESSION = 0x16,
	DW_CFA_GNU_ARGS_SIZE = 0x2e,
	DW_CFA_GNU_NEGATIVE_OFFSET_EXTENDED = 0x2f,
	/* The high two bits of those that have an operand in the low six. */
	DW_CFA_PRIMARY = 0xc0,
	DW_CFA_ADVANCE_LOC = 0x40,
	DW_CFA_OFFSET = 0x80,
	DW_CFA_RESTORE = 0xc0,
};

/* Operations of expressions: DWARF 5, table 7.9. */
enum {
	DW_OP_DEREF = 0x06,
	DW_OP_AND = 0x1a,
	DW_OP_PLUS = 0x22,
	DW_OP_SHL = 0x24,
	DW_OP_GE = 0x2a,
	DW_OP_LIT0 = 0x30,
	DW_OP_BREG0 = 0x70,
};

/* Registers: System V ABI, AMD64 supplement, figure 3.36. */
enum {
	DWARF_REGISTER_BP = 6,
	DWARF_REGISTER_SP = 7,
	DWARF_REGISTER_RA = 16,
};

#endif
