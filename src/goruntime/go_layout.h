/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_GORUNTIME_GO_LAYOUT_H
#define PARKSCOPE_GORUNTIME_GO_LAYOUT_H

/*
 * Where the fields of the Go runtime's structures are, in bytes, on 64-bit machines, by
 * version. One table, go_layout.c, with the source of each row. An unknown version has
 * no row: then DWARF may tell, and else nothing is guessed.
 */

#include <stdint.h>

#include "base/error.h"
#include "goruntime/go_version.h"

#define GO_FIELD_NONE UINT16_MAX /* the version has no such field */

/* No field that is read ends behind it, whatever DWARF says. Theirs end below 400. */
#define GO_STRUCTURE_SIZE_MAX 4096

struct go_layout {
	struct { /* runtime.g, src/runtime/runtime2.go */
		uint16_t stack_lo, stack_hi;
		uint16_t m;
		uint16_t sched_sp, sched_pc, sched_g, sched_bp;
		uint16_t syscall_sp, syscall_pc, syscall_bp; /* bp: 1.23+ */
		uint16_t status;                             /* atomicstatus, 32 bits */
		uint16_t goid;
		uint16_t wait_since;
		uint16_t wait_reason;  /* 8 bits */
		uint16_t tracking_seq; /* 8 bits, counts how often it left running; 1.17+ */
		uint16_t locked_m;
		uint16_t parent_goid; /* 1.21+ */
		uint16_t gopc, startpc;
		uint16_t waiting; /* *sudog */
		uint16_t labels;
		uint16_t size; /* bytes from the start that hold all of these; so are the others */
	} g;
	struct { /* runtime.m */
		uint16_t procid, curg;
	} m;
	struct { /* runtime.sudog */
		uint16_t g, next, prev, is_select, wait_link;
		uint16_t elem, c; /* the uintptr in it where it is a maybeTraceablePtr (1.26+) */
		uint16_t size;
	} sudog;
	struct { /* runtime.hchan, src/runtime/chan.go */
		uint16_t count, capacity, element_size, closed, receivers,
			senders; /* recvq.first, sendq.first */
		uint16_t size;
	} channel;
	/*
	 * runtime.moduledata, src/runtime/symtab.go. Its first word points to the pclntab:
	 * as pcHeader since 1.16, in 1.15 as the pointer of the slice pclntable.
	 */
	struct {
		uint16_t text;
		uint16_t func_data; /* gofunc; 1.18+ */
		uint16_t size;
	} module;
};

/* NULL: no row for this version, or it is a development version. Static. */
const struct go_layout *go_layout_find(const struct go_version *version);

/*
 * From the DWARF of the binary. 0, or -ENODATA where it has none or a field is missing;
 * `layout` is untouched then. Bounded in time: needs the types of package runtime only.
 */
int go_layout_from_dwarf(int fd, struct go_layout *layout, struct error *error);

#endif
