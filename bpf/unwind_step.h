/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_BPF_UNWIND_STEP_H
#define PARKSCOPE_BPF_UNWIND_STEP_H

/*
 * From one frame to its caller: the one implementation, compiled for BPF and for
 * user space (x86-64). Who includes it says how the stack's memory is read:
 *
 *   #define UNWIND_READ(memory, target, size, address)
 *
 * an expression that is 0 where all `size` bytes at `address` of the process were
 * read into `target`. `memory` is whatever was handed to unwind_step().
 */

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
	UNWIND_END_TOO_DEEP,
	UNWIND_END_TOO_SLOW, /* the time for one walk was over */
	UNWIND_END_COUNT,
};

/* What is known of a frame's registers. */
struct unwind_registers {
	__u64 ip;
	__u64 sp;
	__u64 bp;
	__u32 exact_ip;   /* ip is the next instruction; else the return address behind a call */
	__u32 bp_unknown; /* bp is not the frame's */
};

/* The address whose row tells of this frame: inside of the call instruction. */
UNWIND_INLINE __u64 unwind_code_address(const struct unwind_registers *registers)
{
	return registers->exact_ip ? registers->ip : registers->ip - 1;
}

/*
 * From sp of a signal handler's return trampoline to the registers in its
 * ucontext: arch/x86/include/uapi/asm/sigcontext.h, behind uc_flags, uc_link and
 * uc_stack: r8 to r15, di, si, bp, bx, dx, ax, cx, sp, ip.
 */
#define UNWIND_UCONTEXT_REGISTERS 40
#define UNWIND_SIGCONTEXT_BP      10
#define UNWIND_SIGCONTEXT_SP      15
#define UNWIND_SIGCONTEXT_IP      16
#define UNWIND_SIGCONTEXT_WORDS   17

UNWIND_INLINE enum unwind_end unwind_step_signal(struct unwind_registers *registers, void *memory)
{
	__u64 saved[UNWIND_SIGCONTEXT_WORDS];

	if (UNWIND_READ(memory, saved, sizeof(saved), registers->sp + UNWIND_UCONTEXT_REGISTERS))
		return UNWIND_END_MEMORY;
	/* An alternate stack may lie anywhere: sp need not grow. */
	registers->ip = saved[UNWIND_SIGCONTEXT_IP];
	registers->sp = saved[UNWIND_SIGCONTEXT_SP];
	registers->bp = saved[UNWIND_SIGCONTEXT_BP];
	registers->exact_ip = 1;
	registers->bp_unknown = 0;
	return registers->ip ? UNWIND_GOES_ON : UNWIND_END_OUTERMOST;
}

/* The saved bp and the return address above it, for code that keeps frame pointers. */
UNWIND_INLINE enum unwind_end unwind_step_frame_pointer(struct unwind_registers *registers,
							void *memory)
{
	__u64 saved[2];
	__u64 bp = registers->bp;

	if (registers->bp_unknown || bp + 8 <= registers->sp || (bp & 7))
		return UNWIND_END_BAD_FRAME;
	if (UNWIND_READ(memory, saved, sizeof(saved), bp))
		return UNWIND_END_MEMORY;
	registers->sp = bp + 16;
	registers->bp = saved[0];
	registers->ip = saved[1];
	registers->exact_ip = 0;
	return registers->ip ? UNWIND_GOES_ON : UNWIND_END_OUTERMOST;
}

/*
 * Takes the row that holds for unwind_code_address() and makes the registers
 * those of the caller. They are not to be used unless it returns UNWIND_GOES_ON.
 */
UNWIND_INLINE enum unwind_end unwind_step(struct unwind_registers *registers,
					  const struct unwind_row *row, void *memory)
{
	__u32 cfa_rule = row->rules & 15;
	__u32 bp_rule = row->rules >> 4;
	__s64 offset = row->offset;
	__u64 cfa, word;

	switch (cfa_rule) {
	case UNWIND_CFA_NONE:
		return unwind_step_frame_pointer(registers, memory);
	case UNWIND_CFA_SP:
		cfa = registers->sp + (__u64)(8 * offset);
		break;
	case UNWIND_CFA_BP:
		if (registers->bp_unknown)
			return UNWIND_END_UNSUPPORTED;
		cfa = registers->bp + (__u64)(8 * offset);
		break;
	case UNWIND_CFA_PLT:
		cfa = registers->sp + 8;
		if ((registers->ip & 15) >= (__u64)offset)
			cfa += 8;
		break;
	case UNWIND_CFA_AT_BP:
		if (registers->bp_unknown)
			return UNWIND_END_UNSUPPORTED;
		if (UNWIND_READ(memory, &cfa, sizeof(cfa), registers->bp + (__u64)(8 * offset)))
			return UNWIND_END_MEMORY;
		if (UNWIND_READ(memory, &word, sizeof(word), registers->bp))
			return UNWIND_END_MEMORY;
		registers->bp = word;
		break;
	case UNWIND_CFA_SIGNAL:
		return unwind_step_signal(registers, memory);
	case UNWIND_CFA_OUTERMOST:
		return UNWIND_END_OUTERMOST;
	default:
		return UNWIND_END_UNSUPPORTED;
	}
	if (cfa <= registers->sp)
		return UNWIND_END_BAD_FRAME;

	if (bp_rule == UNWIND_BP_SAVED) {
		if (UNWIND_READ(memory, &word, sizeof(word),
				cfa + (__u64)(8 * (__s64)row->bp_slot)))
			return UNWIND_END_MEMORY;
		registers->bp = word;
		registers->bp_unknown = 0;
	} else if (bp_rule == UNWIND_BP_UNKNOWN) {
		registers->bp_unknown = 1;
	}
	if (UNWIND_READ(memory, &word, sizeof(word), cfa - 8))
		return UNWIND_END_MEMORY;
	registers->ip = word;
	registers->sp = cfa;
	registers->exact_ip = 0;
	return registers->ip ? UNWIND_GOES_ON : UNWIND_END_OUTERMOST;
}

#endif
