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

#include "bpf/unwind_row.h"

/* What is known of a frame's registers. */
struct unwind_registers {
	__u64 ip;
	__u64 sp;
	__u64 bp;
	__u32 exact_ip;   /* ip is the next instruction; else the return address behind a call */
	__u32 bp_unknown; /* bp is not the frame's */
	__u32 from_go;    /* ip was found by the rules of Go */
	__u32 reserved;
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

/* The saved bp and the return address above it. */
UNWIND_INLINE enum unwind_end unwind_step_by_bp(struct unwind_registers *registers, void *memory)
{
	__u64 saved[2];
	__u64 bp = registers->bp;

	if (UNWIND_READ(memory, saved, sizeof(saved), bp))
		return UNWIND_END_MEMORY;
	registers->sp = bp + 16;
	registers->bp = saved[0];
	registers->ip = saved[1];
	registers->exact_ip = 0;
	return registers->ip ? UNWIND_GOES_ON : UNWIND_END_OUTERMOST;
}

/* For code that keeps frame pointers, such as what JITs make. */
UNWIND_INLINE enum unwind_end unwind_step_frame_pointer(struct unwind_registers *registers,
							void *memory)
{
	if (registers->bp_unknown || registers->bp + 8 <= registers->sp || (registers->bp & 7))
		return UNWIND_END_BAD_FRAME;
	return unwind_step_by_bp(registers, memory);
}

#define UNWIND_CALL_BYTES     5
#define UNWIND_CALL_OPCODE    0xe8 /* call rel32 */
#define UNWIND_GO_LEAF_LENGTH 256  /* runtime.futex and its like are shorter */

/*
 * Go keeps frame pointers everywhere but in leaves, which have no frame: there the
 * return address is at sp, if it stands behind a call of this very function. The
 * chain may lead from the scheduler's stack to the goroutine's, so it need not grow.
 * A goroutine's ends with 0. That of a thread of the runtime ends with what its creator
 * had in bp (runtime.mstart, runtime.clone): see unwind_end_without_code().
 */
UNWIND_INLINE enum unwind_end unwind_step_go(struct unwind_registers *registers, void *memory)
{
	__u8 call[UNWIND_CALL_BYTES];
	__u64 return_address, called;

	if (registers->exact_ip &&
	    !UNWIND_READ(memory, &return_address, sizeof(return_address), registers->sp) &&
	    !UNWIND_READ(memory, call, sizeof(call), return_address - sizeof(call)) &&
	    call[0] == UNWIND_CALL_OPCODE) {
		called = return_address +
			 (__u64)(__s64)(__s32)((__u32)call[1] | (__u32)call[2] << 8 |
					       (__u32)call[3] << 16 | (__u32)call[4] << 24);
		if (registers->ip - called < UNWIND_GO_LEAF_LENGTH) {
			registers->ip = return_address;
			registers->sp += 8;
			registers->exact_ip = 0;
			return UNWIND_GOES_ON;
		}
	}
	if (registers->bp_unknown)
		return UNWIND_END_BAD_FRAME;
	if (!registers->bp || (registers->bp & 7))
		return UNWIND_END_OUTERMOST;
	registers->from_go = 1;
	return unwind_step_by_bp(registers, memory);
}

/* What it means that ip lies in no code. */
UNWIND_INLINE enum unwind_end unwind_end_without_code(const struct unwind_registers *registers)
{
	return registers->from_go ? UNWIND_END_OUTERMOST : UNWIND_END_NO_CODE;
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

	registers->from_go = 0;
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
