/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_VERDICT_CLASS_H
#define PARKSCOPE_MODEL_VERDICT_CLASS_H

#include <stdbool.h>

#include "model/frame.h"
#include "model/site_id.h"
#include "model/wait_objects.h"

/*
 * What the kind of a wait can show: how long units must stay without leaving before a crowd of
 * them is a leak. Pure.
 */
enum verdict_class {
	VERDICT_CLASS_PROOF,   /* P: the structure shows that nobody can end the wait; from 10 s */
	VERDICT_CLASS_UNTIMED, /* U: it has no timeout, and nothing says that it is idle; from 300 s
				*/
	VERDICT_CLASS_NEVER,   /* X: what is outside may end it, or it is idle: never a leak */
};

/*
 * Whether most units of the crowd each serve a connection of their own, as far as can be seen: the
 * goroutine that made the unit, or another one that it made, is alive in network I/O. Such a unit
 * lives as long as its connection. Several units for one such goroutine are no sign of that.
 */
enum near_io {
	NEAR_IO_UNKNOWN,
	NEAR_IO_YES,
	NEAR_IO_NO,
};

/* What is known of the waits of a site. Pointers are not NULL. */
struct verdict_subject {
	enum unit unit;
	const char *reason;                 /* as in doc/schema.json; "birth" for birth sites */
	const struct wait_objects *objects; /* empty where nothing is known */
	const struct stack *stack;
	bool idle;    /* verdict_stack_is_idle(stack), which takes long to find out */
	bool timed;   /* the wait ends by itself at some time */
	bool runtime; /* of the Go runtime itself */
	enum near_io near_io;
};

/*
 * Whether an idle-pool frame stands in the stack (the table in verdict_class.c), or it may for
 * all that is known: a Java thread of whose stack no method has a name; threads that idle in Go's
 * scheduler.
 */
bool verdict_stack_is_idle(enum unit unit, const struct stack *stack);

/*
 * P  goroutine: chan_send, each alone on its channel, which is unbuffered or full
 *    goroutine: chan_send_nil_chan, chan_receive_nil_chan, select_no_cases
 * X  timed; of the Go runtime itself; birth sites; all at one object (a pool, back-pressure)
 *    idle
 *    goroutine: near I/O; chan_receive, select and sync_cond_wait, unless it is known that no
 *    I/O is near (the write pump of a connection waits like this, for hours)
 *    whatever is not U below: I/O, sleep, system calls, children, signals
 * U  goroutine: chan_send, chan_receive, select, semacquire, coroutine, sync_*
 *    thread: futex, file_lock, sysv_semaphore
 */
enum verdict_class verdict_class_of(const struct verdict_subject *subject);

/* Its class is U or X, and whether network I/O is near decides it. */
bool verdict_depends_on_near_io(const struct verdict_subject *subject);

/*
 * The way out, one sentence, where the structure shows it; else NULL. Static. Of a crowd that is
 * only growing no more is said than what is true of a pool that fills, too: that nobody signals,
 * sends or ends is shown by a leak alone.
 */
const char *verdict_way_out(const struct verdict_subject *subject, bool growing_only);

/* "proof", "untimed" or "never". Static. */
const char *verdict_class_name(enum verdict_class class);

#endif
