/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_GOROUTINE_PLACES_H
#define PARKSCOPE_SOURCES_GOROUTINE_PLACES_H

/*
 * From raw goroutine stacks to sites: each distinct stack and each go statement of a
 * process is named once and remembered by a small number.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "goruntime/go_process.h"
#include "goruntime/goroutine_stack.h"
#include "model/watched_process.h"

/* Distinct stacks, and go statements, that one process may cost. */
#define GOROUTINE_PLACES_MAX 16384

/* Frames of all these stacks: some 40 MB with their names, and about a second to name. */
#define GOROUTINE_PLACES_FRAMES_MAX 131072

/* A thread that a goroutine holds, because it is in a system call or in C. */
struct held_thread {
	uint32_t tid; /* in the initial PID namespace */
	char name[THREAD_NAME_SIZE];
	/* The site where it is parked, which may expire: its id, and its stack for now. */
	uint64_t site_hash;
	const struct stack *stack;
};

/* A go statement, and the function that it starts. */
struct goroutine_birth {
	struct {
		uint64_t gopc;
		uint64_t startpc;
	} key;
	uint32_t number; /* from 1 */
	struct site *site;
	struct stack *creator; /* owned; NULL: made by the runtime */
	bool main;             /* the main goroutine */
	bool runtime;          /* a goroutine of the runtime itself */
	bool finalizers;       /* of the runtime, but it calls what the program has given it */
	UT_hash_handle hh;
};

/* A stack with a reason and a birth, as it was read. */
struct goroutine_place {
	struct {
		uint64_t stack_hash;
		uint64_t birth;
		const char *reason;   /* static: the pointer tells them apart; NULL: not parked */
		uint64_t thread_site; /* of the thread that is in C for it; 0: none */
	} key;
	uint32_t number;     /* from 1 */
	struct site *site;   /* NULL without a reason */
	struct stack *stack; /* owned */
	bool stream;         /* see goroutine_kin_serves_stream() */
	UT_hash_handle hh;
};

struct goroutine_places;

/* `go` and `process` must outlive it. `runtime_frames`: nothing is hidden. NULL without memory. */
struct goroutine_places *goroutine_places_new(const struct go_process *go,
					      struct watched_process *process, bool runtime_frames);
void goroutine_places_free(struct goroutine_places *places);
define_auto_free(goroutine_places)

/* One that has been named before, which costs next to nothing; NULL: it has not. */
struct goroutine_birth *goroutine_places_known_birth(const struct goroutine_places *places,
						     const struct goroutine *goroutine);

/* Whether no more go statements can be named in this process, ever. */
bool goroutine_places_births_are_full(const struct goroutine_places *places);

/* Whether the process has all the stacks or sites that it may have. */
bool goroutine_places_are_full(const struct goroutine_places *places);

/* Whether there is memory for one more site; to ask before stacks are read. */
bool goroutine_places_have_room(const struct goroutine_places *places);

/*
 * Both NULL: there are too many, or no memory: the caller counts the loss. `thread`: that it
 * holds; NULL: none. `runtime`: it is the runtime's own that stands there.
 */
struct goroutine_birth *goroutine_places_birth(struct goroutine_places *places,
					       const struct goroutine *goroutine);
struct goroutine_place *goroutine_places_park(struct goroutine_places *places,
					      const struct goroutine_birth *birth,
					      const char *reason,
					      const struct goroutine_stack *stack,
					      const struct held_thread *thread, bool runtime);

/* By number; NULL for 0. */
struct goroutine_birth *goroutine_places_birth_at(const struct goroutine_places *places,
						  uint32_t number);
struct goroutine_place *goroutine_places_at(const struct goroutine_places *places, uint32_t number);

#endif
