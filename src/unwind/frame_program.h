/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_UNWIND_FRAME_PROGRAM_H
#define PARKSCOPE_UNWIND_FRAME_PROGRAM_H

/*
 * The programs of call frame information (DWARF 5, section 6.4.2): they say, for
 * each address of a function, where its caller's registers are. Only those that
 * a walk needs are followed: sp, bp and the return address.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/cfi_cursor.h"

enum frame_register_kind {
	FRAME_UNSPECIFIED = 0, /* as the ABI has it: bp kept, sp is the CFA */
	FRAME_UNDEFINED,
	FRAME_SAME,
	FRAME_AT_OFFSET,     /* the word at CFA + offset */
	FRAME_IS_OFFSET,     /* CFA + offset itself */
	FRAME_IN_REGISTER,   /* the register of number `offset` */
	FRAME_AT_EXPRESSION, /* the word at the address that the expression gives */
	FRAME_IS_EXPRESSION, /* what the expression gives */
};

struct frame_register {
	enum frame_register_kind kind;
	int64_t offset;
	struct cfi_cursor expression;
};

/* All that holds at one address. */
struct frame_rules {
	bool cfa_defined;
	bool cfa_is_expression;
	uint64_t cfa_register;
	int64_t cfa_offset; /* bytes */
	struct cfi_cursor cfa_expression;
	struct frame_register sp, bp, ra;
};

/* What the descriptions that name one record (CIE) have in common. */
struct frame_common {
	uint64_t section_offset; /* of the record */
	uint64_t code_factor;
	int64_t data_factor;
	struct frame_rules initial;
	uint8_t pointer_encoding;
	bool is_sized;     /* augmentation z: descriptions have a block that can be skipped */
	bool is_signal;    /* augmentation S */
	bool is_supported; /* else nothing but the extent of its code is known */
};

/*
 * Told of each piece of code with its rules, in the order of addresses, without
 * gaps; `rules` is NULL where the program is damaged. Returns 0, or what
 * frame_program_run() shall stop with and return.
 */
typedef int frame_row_sink(void *context, uint64_t start, const struct frame_rules *rules);

/*
 * Runs the program for the code from `start` to before `end`. `base` is for
 * pointers inside of the program.
 */
int frame_program_run(const struct frame_common *common, struct cfi_cursor program,
		      const struct cfi_pointer_base *base, uint64_t start, uint64_t end,
		      frame_row_sink *sink, void *context);

/* Runs the program that is common to all, and fills `initial`. False if it is damaged. */
bool frame_program_run_initial(struct frame_common *common, struct cfi_cursor program);

#endif
