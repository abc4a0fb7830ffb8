/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_GORUNTIME_GOROUTINE_H
#define PARKSCOPE_GORUNTIME_GOROUTINE_H

/* What was read of one goroutine: a runtime.g as it stood in memory at that moment. */

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/go_layout.h"

/* atomicstatus without the _Gscan bit, src/runtime/runtime2.go. */
enum go_status {
	GO_STATUS_IDLE = 0,
	GO_STATUS_RUNNABLE = 1,
	GO_STATUS_RUNNING = 2,
	GO_STATUS_SYSCALL = 3, /* in a system call or in C */
	GO_STATUS_WAITING = 4,
	GO_STATUS_DEAD = 6,
	GO_STATUS_COPYSTACK = 8,
	GO_STATUS_PREEMPTED = 9,
	GO_STATUS_LEAKED = 10,     /* 1.26 */
	GO_STATUS_DEAD_EXTRA = 11, /* 1.26 */
};

struct goroutine {
	uint64_t address; /* of its runtime.g */
	uint64_t goid;
	uint64_t stack_lo, stack_hi;
	uint64_t sp, pc,
		bp; /* where it stands; of the system call in GO_STATUS_SYSCALL; bp 0: unknown */
	uint64_t wait_since_ns; /* CLOCK_MONOTONIC of the target's time namespace; 0: no GC has set
				   it */
	uint64_t parent_goid;   /* 0: unknown */
	uint64_t gopc;          /* behind the go statement */
	uint64_t startpc;
	uint64_t m;        /* address of its runtime.m, 0: none */
	uint64_t locked_m; /* not 0: locked to a thread */
	uint64_t waiting;  /* address of the first sudog, 0: none */
	uint64_t labels;   /* address of its pprof labels, 0: none */
	uint32_t status;   /* enum go_status; one that is marked as leaked is waiting */
	uint8_t wait_reason;
	uint8_t sequence; /* counts how often it ran, modulo 256; 0 where the version does not */
};

/* The _Gscan bit: the garbage collector looks at its stack. */
#define GO_STATUS_SCAN 0x1000

/*
 * What stands in the `layout->g.size` bytes of a runtime.g that was at `address`. 0;
 * -ENOENT: nobody lives there (dead, idle); -ESTALE: it does not point to itself, or a
 * field is out of range: it is no runtime.g, or was being made. Pure.
 */
int goroutine_parse(const struct go_layout *layout, uint64_t address, const uint8_t *bytes,
		    struct goroutine *goroutine);

/* The two are one and the same stay: nothing that a goroutine changes by running has changed. */
static inline bool goroutine_unmoved(const struct goroutine *a, const struct goroutine *b)
{
	return a->goid == b->goid && a->status == b->status && a->sp == b->sp && a->pc == b->pc &&
	       a->stack_lo == b->stack_lo && a->waiting == b->waiting && a->sequence == b->sequence;
}

#endif
