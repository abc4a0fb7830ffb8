// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/goroutine.h"

#include <errno.h>
#include <string.h>

/* Ids count up from 1; a number like this is none that a program can reach. */
#define GOID_MAX (1ULL << 48)

static uint64_t word_at(const uint8_t *bytes, uint16_t offset)
{
	uint64_t word;

	if (offset == GO_FIELD_NONE)
		return 0;
	memcpy(&word, bytes + offset, sizeof(word));
	return word;
}

static uint32_t half_word_at(const uint8_t *bytes, uint16_t offset)
{
	uint32_t word;

	memcpy(&word, bytes + offset, sizeof(word));
	return word;
}

static void set_position(const struct go_layout *layout, const uint8_t *bytes, struct goroutine *g)
{
	bool in_syscall = g->status == GO_STATUS_SYSCALL;

	g->sp = word_at(bytes, in_syscall ? layout->g.syscall_sp : layout->g.sched_sp);
	g->pc = word_at(bytes, in_syscall ? layout->g.syscall_pc : layout->g.sched_pc);
	g->bp = word_at(bytes, in_syscall ? layout->g.syscall_bp : layout->g.sched_bp);
}

/* Where it stands is on its stack; of one that runs, what is saved is old. */
static bool is_plausible(const struct goroutine *g)
{
	if (!g->goid || g->goid >= GOID_MAX || g->status > GO_STATUS_DEAD_EXTRA ||
	    g->stack_lo >= g->stack_hi)
		return false;
	return g->status == GO_STATUS_RUNNING || g->status == GO_STATUS_COPYSTACK ||
	       (g->sp >= g->stack_lo && g->sp < g->stack_hi);
}

int goroutine_parse(const struct go_layout *layout, uint64_t address, const uint8_t *bytes,
		    struct goroutine *goroutine)
{
	struct goroutine g = {
		.address = address,
		.goid = word_at(bytes, layout->g.goid),
		.stack_lo = word_at(bytes, layout->g.stack_lo),
		.stack_hi = word_at(bytes, layout->g.stack_hi),
		.wait_since_ns = word_at(bytes, layout->g.wait_since),
		.parent_goid = word_at(bytes, layout->g.parent_goid),
		.gopc = word_at(bytes, layout->g.gopc),
		.startpc = word_at(bytes, layout->g.startpc),
		.m = word_at(bytes, layout->g.m),
		.locked_m = word_at(bytes, layout->g.locked_m),
		.waiting = word_at(bytes, layout->g.waiting),
		.labels = word_at(bytes, layout->g.labels),
		.status = half_word_at(bytes, layout->g.status) & ~(uint32_t)GO_STATUS_SCAN,
		.wait_reason = bytes[layout->g.wait_reason],
	};

	/* The collector's mark on one that waits: it has not moved. */
	if (g.status == GO_STATUS_LEAKED)
		g.status = GO_STATUS_WAITING;
	if (layout->g.tracking_seq != GO_FIELD_NONE)
		g.sequence = bytes[layout->g.tracking_seq];
	if (g.status == GO_STATUS_IDLE || g.status == GO_STATUS_DEAD ||
	    g.status == GO_STATUS_DEAD_EXTRA)
		return -ENOENT;
	set_position(layout, bytes, &g);
	if (word_at(bytes, layout->g.sched_g) != address || !is_plausible(&g))
		return -ESTALE;
	*goroutine = g;
	return 0;
}
