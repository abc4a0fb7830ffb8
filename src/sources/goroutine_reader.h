/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_GOROUTINE_READER_H
#define PARKSCOPE_SOURCES_GOROUTINE_READER_H

/*
 * What is read of a goroutine besides its header: where it is parked, who made it, what it
 * waits for. In bounded time: what there is no time for is a counted loss, and can be asked
 * for again in the next sweep.
 *
 * Where many have the same header (function, reason, depth of the stack), stacks are read of
 * a sample; see goroutine_groups.h.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "goruntime/go_process.h"
#include "goruntime/goroutine.h"
#include "model/loss.h"
#include "model/watched_process.h"
#include "sources/goroutine_places.h"

/* Stacks that are read in one sweep where those of the same header turned out to differ. */
#define GOROUTINE_STACKS_MAX 16384

/*
 * What reading all this of one process may take in one sweep. A million honest goroutines take
 * a tenth of it; lies can be made to take hours.
 */
#define GOROUTINE_READING_NS      2000000000ULL
#define GOROUTINE_READING_EACH_NS 30000000000ULL /* where every stack is wanted */

struct goroutine_reader_config {
	bool each;           /* every stack is read, and the time is longer */
	bool stays;          /* which stays a crowd has is kept */
	bool runtime_frames; /* hides nothing */
	/* The thread with that id in the target's PID namespace; false: not known. */
	bool (*find_thread)(uint64_t tid, struct held_thread *thread, void *data);
	void *data;
};

struct goroutine_reader;

/* `go` and `process` must outlive it. NULL without memory. */
struct goroutine_reader *goroutine_reader_new(const struct go_process *go,
					      struct watched_process *process,
					      const struct goroutine_reader_config *config);
void goroutine_reader_free(struct goroutine_reader *reader);
define_auto_free(goroutine_reader)

/* A new sweep, whose losses are counted there. */
void goroutine_reader_begin(struct goroutine_reader *reader, struct losses *losses);

/* "chan send", "running", "syscall": as the runtime says it. Static, or the process's. */
const char *goroutine_state_text(const struct go_process *go, const struct goroutine *goroutine);

/* Whether it stays where it is until somebody or something wakes it. */
bool goroutine_is_parked(const struct goroutine *goroutine);

/* NULL: there are too many, or (`*later`) there was no time or memory to name it. */
struct goroutine_birth *goroutine_reader_birth(struct goroutine_reader *reader,
					       const struct goroutine *goroutine, bool *later);

/* Whether it is the runtime's own at this moment. */
bool goroutine_reader_is_runtime(const struct goroutine_reader *reader,
				 const struct goroutine_birth *birth,
				 const struct goroutine *goroutine);

/* By number; NULL for 0. */
struct goroutine_birth *goroutine_reader_birth_at(const struct goroutine_reader *reader,
						  uint32_t number);
struct goroutine_place *goroutine_reader_place_at(const struct goroutine_reader *reader,
						  uint32_t number);

/* The thread that it holds; false: none, or it is not known. */
bool goroutine_reader_thread(const struct goroutine_reader *reader,
			     const struct goroutine *goroutine, struct held_thread *thread);

/*
 * The number of the place where a parked goroutine is, or where one that is not parked stands
 * still. `goroutine` is then what it was at that moment. 0: it moved, there are too many, there
 * is no time, or no birth.
 */
uint32_t goroutine_reader_park(struct goroutine_reader *reader, const struct goroutine_birth *birth,
			       struct goroutine *goroutine);
uint32_t goroutine_reader_stand(struct goroutine_reader *reader,
				const struct goroutine_birth *birth, struct goroutine *goroutine);

/*
 * Whether the thread that it holds is parked elsewhere than when it was placed there: its own
 * header says nothing of what happens in C.
 */
bool goroutine_reader_has_moved_in_c(const struct goroutine_reader *reader, uint32_t place,
				     const struct goroutine *goroutine);

/* What one of a crowd waits for. */
bool goroutine_reader_object(struct goroutine_reader *reader, const struct site *site,
			     const struct goroutine *goroutine, struct wait_object *object);

/* pprof's, for the caller to free. NULL: none, no time or no memory. */
char *goroutine_reader_labels(struct goroutine_reader *reader, const struct goroutine *goroutine);

#endif
