// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_layout.h"

#include <stddef.h>

/*
 * Each list of fields is written once and named by the versions that have it.
 * "DWARF": compared with the DWARF of a program of that version, by
 * tests/unit/test_go_layout_dwarf.c. "Source": counted in src/runtime/runtime2.go,
 * chan.go and symtab.go of that version, for which there was no toolchain; goid, labels,
 * sched.bp and curg agree with interpreter/go/offsets.go of opentelemetry-ebpf-profiler.
 * 1.27 has no row: not all of its structures were to be had.
 *
 * The sizes are not those of the structures, but where their last field here ends.
 */

/* runtime.g begins with stack, stackguard0, stackguard1, _panic, _defer, m, sched. */
#define G_START .stack_lo = 0, .stack_hi = 8, .m = 48, .sched_sp = 56, .sched_pc = 64, .sched_g = 72

/* 1.15 (DWARF), 1.16 (source of 1.16.14). */
#define G_1_15                                                                                 \
	{                                                                                      \
		G_START, .sched_bp = 104, .syscall_sp = 112, .syscall_pc = 120,                \
			 .syscall_bp = GO_FIELD_NONE, .status = 144, .goid = 152,              \
			 .wait_since = 168, .wait_reason = 176, .tracking_seq = GO_FIELD_NONE, \
			 .locked_m = 216, .parent_goid = GO_FIELD_NONE, .gopc = 280,           \
			 .startpc = 296, .waiting = 312, .labels = 344, .size = 352            \
	}

/*
 * 1.19 (DWARF), 1.17, 1.18 and 1.20 (source of 1.17.13, 1.18, 1.20.6). casgstatus() of
 * proc.go adds one to trackingSeq whenever a goroutine leaves _Grunning.
 */
#define G_1_17                                                                       \
	{                                                                            \
		G_START, .sched_bp = 104, .syscall_sp = 112, .syscall_pc = 120,      \
			 .syscall_bp = GO_FIELD_NONE, .status = 144, .goid = 152,    \
			 .wait_since = 168, .wait_reason = 176, .tracking_seq = 189, \
			 .locked_m = 232, .parent_goid = GO_FIELD_NONE, .gopc = 296, \
			 .startpc = 312, .waiting = 328, .labels = 360, .size = 368  \
	}

/* 1.21 (DWARF): parentGoid came, what the tracer had here moved. */
#define G_1_21                                                                             \
	{                                                                                  \
		G_START, .sched_bp = 104, .syscall_sp = 112, .syscall_pc = 120,            \
			 .syscall_bp = GO_FIELD_NONE, .status = 144, .goid = 152,          \
			 .wait_since = 168, .wait_reason = 176, .tracking_seq = 188,       \
			 .locked_m = 208, .parent_goid = 272, .gopc = 280, .startpc = 296, \
			 .waiting = 312, .labels = 344, .size = 352                        \
	}

/* 1.22 (DWARF): inMarkAssist and coroexit came. */
#define G_1_22                                                                             \
	{                                                                                  \
		G_START, .sched_bp = 104, .syscall_sp = 112, .syscall_pc = 120,            \
			 .syscall_bp = GO_FIELD_NONE, .status = 144, .goid = 152,          \
			 .wait_since = 168, .wait_reason = 176, .tracking_seq = 191,       \
			 .locked_m = 208, .parent_goid = 272, .gopc = 280, .startpc = 296, \
			 .waiting = 312, .labels = 344, .size = 352                        \
	}

/* 1.23, 1.24 (DWARF): syscallbp came. */
#define G_1_23                                                                                     \
	{                                                                                          \
		G_START, .sched_bp = 104, .syscall_sp = 112, .syscall_pc = 120, .syscall_bp = 128, \
			 .status = 152, .goid = 160, .wait_since = 176, .wait_reason = 184,        \
			 .tracking_seq = 199, .locked_m = 216, .parent_goid = 280, .gopc = 288,    \
			 .startpc = 304, .waiting = 320, .labels = 352, .size = 360                \
	}

/* 1.25 (source of 1.25.3): gobuf.ret is gone. */
#define G_1_25                                                                                    \
	{                                                                                         \
		G_START, .sched_bp = 96, .syscall_sp = 104, .syscall_pc = 112, .syscall_bp = 120, \
			 .status = 144, .goid = 152, .wait_since = 168, .wait_reason = 176,       \
			 .tracking_seq = 191, .locked_m = 208, .parent_goid = 272, .gopc = 280,   \
			 .startpc = 296, .waiting = 312, .labels = 344, .size = 352               \
	}

/* 1.26 (source, as quoted in March 2026): fipsOnlyBypass, ditWanted and secret came. */
#define G_1_26                                                                                    \
	{                                                                                         \
		G_START, .sched_bp = 96, .syscall_sp = 104, .syscall_pc = 112, .syscall_bp = 120, \
			 .status = 144, .goid = 152, .wait_since = 168, .wait_reason = 176,       \
			 .tracking_seq = 191, .locked_m = 208, .parent_goid = 280, .gopc = 288,   \
			 .startpc = 304, .waiting = 320, .labels = 352, .size = 360               \
	}

/* g0, morebuf (a gobuf), divmod, procid, …; the gobuf got shorter in 1.25. */
#define M_1_15                            \
	{                                 \
		.procid = 72, .curg = 192 \
	}
#define M_1_25                            \
	{                                 \
		.procid = 64, .curg = 184 \
	}

#define SUDOG_1_15                                                                           \
	{                                                                                    \
		.g = 0, .next = 8, .prev = 16, .elem = 24, .is_select = 52, .wait_link = 64, \
		.c = 80, .size = 88                                                          \
	}
/* elem and c are a maybeTraceablePtr{vp, vu} now; vu tells, vp is nil at times. */
#define SUDOG_1_26                                                                           \
	{                                                                                    \
		.g = 0, .next = 8, .prev = 16, .elem = 32, .is_select = 60, .wait_link = 72, \
		.c = 96, .size = 104                                                         \
	}

#define CHANNEL_START .count = 0, .capacity = 8, .element_size = 24, .closed = 28
#define CHANNEL_1_15                                                      \
	{                                                                 \
		CHANNEL_START, .receivers = 56, .senders = 72, .size = 80 \
	}
/* timer came behind closed. */
#define CHANNEL_1_23                                                      \
	{                                                                 \
		CHANNEL_START, .receivers = 64, .senders = 80, .size = 88 \
	}

#define MODULE_1_15                                                 \
	{                                                           \
		.text = 96, .func_data = GO_FIELD_NONE, .size = 104 \
	}
/* pcHeader and five slices came to the front. */
#define MODULE_1_16                                                  \
	{                                                            \
		.text = 176, .func_data = GO_FIELD_NONE, .size = 184 \
	}
/* rodata and gofunc came. */
#define MODULE_1_18                                        \
	{                                                  \
		.text = 176, .func_data = 304, .size = 312 \
	}
/* covctrs and ecovctrs came; what 1.26 added, epclntab, stands behind. */
#define MODULE_1_20                                        \
	{                                                  \
		.text = 176, .func_data = 320, .size = 328 \
	}

#define LAYOUT(g_, m_, sudog_, channel_, module_)                                         \
	{                                                                                 \
		.g = g_, .m = m_, .sudog = sudog_, .channel = channel_, .module = module_ \
	}

static const struct go_layout layouts[] = {
	[15] = LAYOUT(G_1_15, M_1_15, SUDOG_1_15, CHANNEL_1_15, MODULE_1_15),
	[16] = LAYOUT(G_1_15, M_1_15, SUDOG_1_15, CHANNEL_1_15, MODULE_1_16),
	[17] = LAYOUT(G_1_17, M_1_15, SUDOG_1_15, CHANNEL_1_15, MODULE_1_16),
	[18] = LAYOUT(G_1_17, M_1_15, SUDOG_1_15, CHANNEL_1_15, MODULE_1_18),
	[19] = LAYOUT(G_1_17, M_1_15, SUDOG_1_15, CHANNEL_1_15, MODULE_1_18),
	[20] = LAYOUT(G_1_17, M_1_15, SUDOG_1_15, CHANNEL_1_15, MODULE_1_20),
	[21] = LAYOUT(G_1_21, M_1_15, SUDOG_1_15, CHANNEL_1_15, MODULE_1_20),
	[22] = LAYOUT(G_1_22, M_1_15, SUDOG_1_15, CHANNEL_1_15, MODULE_1_20),
	[23] = LAYOUT(G_1_23, M_1_15, SUDOG_1_15, CHANNEL_1_23, MODULE_1_20),
	[24] = LAYOUT(G_1_23, M_1_15, SUDOG_1_15, CHANNEL_1_23, MODULE_1_20),
	[25] = LAYOUT(G_1_25, M_1_25, SUDOG_1_15, CHANNEL_1_23, MODULE_1_20),
	[26] = LAYOUT(G_1_26, M_1_25, SUDOG_1_26, CHANNEL_1_23, MODULE_1_20),
};

const struct go_layout *go_layout_find(const struct go_version *version)
{
	if (version->development || version->minor >= sizeof(layouts) / sizeof(layouts[0]))
		return NULL;
	const struct go_layout *layout = &layouts[version->minor];
	/* Versions before the first have no row either. */
	return layout->g.size != 0 ? layout : NULL;
}
