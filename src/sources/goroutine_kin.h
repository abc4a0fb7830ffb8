/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_GOROUTINE_KIN_H
#define PARKSCOPE_SOURCES_GOROUTINE_KIN_H

/*
 * Whether goroutines that stay parked each serve a connection of their own (`near_io` of their
 * site), by who made whom; Go says that from 1.21 on.
 *
 * A unit is near if it, or one of the few from whom it comes, has a child in network I/O, or one
 * of these is there itself. Nobody needs to live for that but who does the I/O: who made the two
 * pumps of a websocket has long ended. Whoever more than two units of the crowd come from says
 * nothing, nor who made him: an accept loop is the parent of all, and a connection that is kept
 * alive the parent of what many requests have left behind. The handler of one of many streams on
 * a connection (HTTP/2, gRPC) is the exception: it lives as long as its stream, and who made it
 * is the connection.
 *
 * Takes 16 bytes a goroutine while a sweep lasts, and only where a site wants an answer. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "model/watched_process.h"

/* Units of a crowd that are looked at, and of all the crowds of a sweep together, or one each. */
#define GOROUTINE_KIN_SAMPLE  256
#define GOROUTINE_KIN_SAMPLES 4096

/* From who made a unit on: the handler of a request, who reads the requests, who accepts. */
#define GOROUTINE_KIN_LEVELS 3

/* Units of one crowd that one connection has: it reads and it writes. */
#define GOROUTINE_KIN_UNITS 2

struct goroutine_kin;

/* NULL without memory. */
struct goroutine_kin *goroutine_kin_new(void);
void goroutine_kin_free(struct goroutine_kin *kin);
define_auto_free(goroutine_kin)

/* By its stack: it handles one of many streams that share a connection. */
bool goroutine_kin_serves_stream(const struct stack *stack);

/* A new sweep. false: no site wants an answer, or none can be given; nothing is to be added. */
bool goroutine_kin_begin(struct goroutine_kin *kin, const struct watched_process *process);

/* What a sweep sees of one goroutine. */
struct kin_goroutine {
	uint64_t goid;        /* below 2^48 */
	uint64_t parent_goid; /* 0: no goroutine made it (timers do), or it is not known */
	bool network;         /* it is in network I/O */
	bool stream;          /* see goroutine_kin_serves_stream() */
	/* NULL, or where it stays parked, with `near_io_wanted`; it is then not in network I/O. */
	const struct site *site;
};

void goroutine_kin_add(struct goroutine_kin *kin, const struct kin_goroutine *goroutine);

/*
 * All have been added: answers to the sites. What no answer can be given for stays as it was:
 * nobody is there, nobody's parent is known, or there is no memory.
 */
void goroutine_kin_settle(struct goroutine_kin *kin);

#endif
