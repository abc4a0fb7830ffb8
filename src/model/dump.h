/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_DUMP_H
#define PARKSCOPE_MODEL_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "model/frame.h"
#include "model/site_id.h"
#include "model/stay_sample.h"

/*
 * What a dump says, whichever format it was written in: processes and their park sites. Whoever
 * reads one fills it; strings are owned by it and are what the file says, not escaped. Pure.
 */

/* Bound what a hostile file costs; -E2BIG beyond. */
#define DUMP_PROCESSES_MAX (1U << 18)
#define DUMP_SITES_MAX     (1U << 20)
#define DUMP_FRAMES_MAX    (1U << 22) /* of all stacks together */
#define DUMP_STACK_MAX     1024       /* frames of one stack */
#define DUMP_STRING_MAX    4096       /* bytes of a name, as the formats write them */
#define DUMP_BYTES_MAX     (1U << 28) /* of names and stays together */

/* Units of one site: so many that sums of sites do not overflow. */
#define DUMP_COUNT_MAX (1ULL << 40)

struct dump_site {
	enum unit unit;
	bool runtime; /* the Go runtime's own goroutines */
	char *reason;
	uint64_t id;
	uint64_t now;
	struct stack *stack; /* never NULL */
	char *created_by;    /* NULL: not known */
	/* Which stays they are; not known where it has none, but `now` is not 0. */
	struct stay_sample stays;
};

struct dump_process {
	uint32_t pid;     /* 0: not known */
	char *name;       /* NULL where not known, as all strings here */
	char *executable; /* path */
	char *entity_id;  /* the same: the same process, in the same boot */
	char *container_id;
	int64_t start_unix_ns; /* 0: not known */
	bool exec_id_known;
	uint32_t exec_id;
	bool go;            /* it is a Go program */
	bool threads_known; /* pprof profiles have only those that are parked */
	uint64_t threads;   /* parked or not */
	bool goroutines_known;
	uint64_t goroutines;
	struct dump_site *sites;
	size_t sites_count;
	size_t sites_capacity;
};

struct dump {
	int64_t wall_ns; /* of the look; Unix time */
	char *hostname;  /* NULL: not known */
	bool runtime;    /* the Go runtime's own goroutines are in it */
	uint64_t losses; /* what it says that it could not see, of all causes */
	struct dump_process *processes;
	size_t processes_count;
	size_t processes_capacity;
	size_t sites_count; /* of all processes */
	size_t frames_count;
	size_t bytes; /* of DUMP_BYTES_MAX */
};

struct dump *dump_new(void);
void dump_free(struct dump *dump);
define_auto_free(dump)

/*
 * Adds a process, or a site of one, zeroed but for a stack of `frames` zeroed frames. 0, -ENOMEM
 * or -E2BIG. What they point to moves when the next one is added.
 */
int dump_add_process(struct dump *dump, struct dump_process **process);
int dump_add_site(struct dump *dump, struct dump_process *process, size_t frames,
		  struct dump_site **site);

/* Whoever adds names or stays takes their bytes first. 0 or -E2BIG. */
int dump_take_bytes(struct dump *dump, size_t bytes);

/* As frame_print(), but without an offset where there is none: a pprof profile keeps none. */
void dump_frame_print(const struct frame *frame, char *text, size_t size);

#endif
