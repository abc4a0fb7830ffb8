/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_BPF_UNWIND_ROW_H
#define PARKSCOPE_BPF_UNWIND_ROW_H

/* How an unwind table is written, and how a walk can end. For both sides. */

#include <linux/types.h>

#ifdef __bpf__
#define UNWIND_INLINE static __attribute__((always_inline)) inline
#else
#define UNWIND_INLINE static inline
#endif

/* How the canonical frame address (CFA), the caller's stack pointer, is found. */
enum unwind_cfa_rule {
	/* No call frame information covers this code. */
	UNWIND_CFA_NONE = 0,
	/* sp + 8 * offset */
	UNWIND_CFA_SP,
	/* bp + 8 * offset */
	UNWIND_CFA_BP,
	/*
	 * Lazy-binding stub of 16 bytes (binutils, bfd/elfxx-x86.c: elf_x86_64_eh_frame_plt):
	 * sp + 8, and 8 more once the stub has pushed, which is from its byte `offset` on.
	 */
	UNWIND_CFA_PLT,
	/* The word at bp + 8 * offset; the caller's bp is the word at bp (gcc's realigned stacks)
	 */
	UNWIND_CFA_AT_BP,
	/* A signal frame: all registers stand in the ucontext at sp. */
	UNWIND_CFA_SIGNAL,
	/* The outermost function: its return address is undefined. */
	UNWIND_CFA_OUTERMOST,
	/* There is a rule, and it is none of these. Never guessed. */
	UNWIND_CFA_UNSUPPORTED,
};

/* Where the caller's bp is. */
enum unwind_bp_rule {
	UNWIND_BP_SAME = 0,
	UNWIND_BP_SAVED,   /* the word at CFA + 8 * bp_slot */
	UNWIND_BP_UNKNOWN, /* a rule that is none of these: a caller that needs it ends the walk */
};

/* A row of an unwind table: holds from its pc to that of the next row. */
struct unwind_row {
	__u32 pc;     /* bytes from the table's base */
	__u8 rules;   /* unwind_rules() */
	__s8 bp_slot; /* words */
	__s16 offset; /* words, but bytes for UNWIND_CFA_PLT */
};

_Static_assert(sizeof(struct unwind_row) == 8, "unwind_row");

UNWIND_INLINE __u8 unwind_rules(enum unwind_cfa_rule cfa, enum unwind_bp_rule bp)
{
	return (__u8)(cfa | (unsigned int)bp << 4);
}

/* Why a walk ended. Only UNWIND_END_OUTERMOST is a whole stack. */
enum unwind_end {
	UNWIND_GOES_ON = 0,
	UNWIND_END_OUTERMOST,
	UNWIND_END_UNSUPPORTED, /* a rule that the table cannot hold */
	UNWIND_END_MEMORY,      /* the stack could not be read: swapped out, or not mapped */
	UNWIND_END_BAD_FRAME,   /* the stack would not grow towards its end, or bp is no pointer */
	UNWIND_END_NO_CODE,     /* the address lies in no code that is known of */
	UNWIND_END_NO_TABLE,    /* the code's table is not loaded, or the process's are not */
	UNWIND_END_NO_CFI, /* the file has next to no call frame information, and none for this */
	UNWIND_END_32BIT,  /* code for 32 bits, whose frames have another form */
	UNWIND_END_TOO_DEEP,
	UNWIND_END_TOO_SLOW, /* the time for one walk was over */
	UNWIND_END_COUNT,
};

#endif
