// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_semaphores.h"

#include <stdlib.h>
#include <string.h>

#include "process/process_memory.h"

enum {
	/* semTabSize, src/runtime/sema.go. */
	ROOTS = 251,
	/* A root has this many waiters or fewer, else it is none. */
	ROOT_WAITERS_MAX = 1 << 28,
	/* The words of a sudog that are read. */
	SUDOG_SIZE_MAX = 512,
	/* Sudogs that are read, of all semaphores and of one: a system call each. */
	WAITERS_MAX = 16384,
	LIST_MAX = 4096,
	/* Branches of a treap that wait to be read: as many as it is deep, log(n) by chance. */
	BRANCHES_MAX = 128,
	/* The runtime moves while the table is proved. */
	PROOF_TRIES = 3,
};

/* semaRoot and its padding to cpu.CacheLinePadSize, 64 on amd64. */
struct root {
	uint64_t lock;
	uint64_t treap; /* *sudog */
	uint32_t waiters;
	uint32_t padding_after_waiters;
	uint64_t padding[5];
};

_Static_assert(sizeof(struct root) == 64, "as in the runtime");

struct sudog {
	uint64_t goroutine, semaphore, channel;
	uint64_t next, prev; /* larger and smaller addresses in the treap */
	uint64_t wait_link;  /* the next one that waits for the same semaphore */
};

/* A goroutine that stood in the table. */
struct waiter {
	uint64_t goroutine, sudog, semaphore;
	bool first; /* in the treap, not behind another one */
};

struct go_semaphores {
	const struct go_process *go;
	uint64_t table; /* address of semtable; 0: not found yet */
	struct waiter *waiters;
	size_t count, capacity;
	bool fresh; /* `waiters` are those of this sweep */
	struct root roots[ROOTS];
};

struct go_semaphores *go_semaphores_new(const struct go_process *go)
{
	struct go_semaphores *semaphores = calloc(1, sizeof(*semaphores));

	if (semaphores)
		semaphores->go = go;
	return semaphores;
}

void go_semaphores_free(struct go_semaphores *semaphores)
{
	if (!semaphores)
		return;
	free(semaphores->waiters);
	free(semaphores);
}

void go_semaphores_forget(struct go_semaphores *semaphores)
{
	semaphores->fresh = false;
}

static uint64_t word_at(const uint8_t *bytes, uint16_t offset)
{
	uint64_t word;

	memcpy(&word, bytes + offset, sizeof(word));
	return word;
}

/* Whether there is one at the address, and it waits for a semaphore. */
static bool read_sudog(const struct go_semaphores *semaphores, uint64_t address,
		       struct sudog *sudog)
{
	const struct go_layout *layout = go_process_layout(semaphores->go);
	uint16_t size = layout->sudog.size;
	uint8_t bytes[SUDOG_SIZE_MAX];

	if (size > sizeof(bytes) || address % sizeof(uint64_t) ||
	    process_memory_read(go_process_pid(semaphores->go), address, bytes, size) != size)
		return false;
	*sudog = (struct sudog){
		.goroutine = word_at(bytes, layout->sudog.g),
		.semaphore = word_at(bytes, layout->sudog.elem),
		.channel = word_at(bytes, layout->sudog.c),
		.next = word_at(bytes, layout->sudog.next),
		.prev = word_at(bytes, layout->sudog.prev),
		.wait_link = word_at(bytes, layout->sudog.wait_link),
	};
	/* The runtime gives a sudog back with these at zero; one at a channel has c. */
	return sudog->goroutine && sudog->semaphore && !sudog->channel;
}

/* semTable.rootFor(), src/runtime/sema.go. */
static size_t root_of(uint64_t semaphore)
{
	return (semaphore >> 3) % ROOTS;
}

static bool read_roots(struct go_semaphores *semaphores, uint64_t table)
{
	return process_memory_read(go_process_pid(semaphores->go), table, semaphores->roots,
				   sizeof(semaphores->roots)) == sizeof(semaphores->roots);
}

static bool is_root(const struct root *root)
{
	uint64_t padding = root->padding_after_waiters;

	for (size_t i = 0; i < sizeof(root->padding) / sizeof(root->padding[0]); i++)
		padding |= root->padding[i];
	return !padding && root->waiters <= ROOT_WAITERS_MAX;
}

/* Every root that has a waiter must have the right one, and there must be such a root. */
static bool prove(struct go_semaphores *semaphores, uint64_t table)
{
	bool proved = false;

	if (!read_roots(semaphores, table))
		return false;
	for (size_t i = 0; i < ROOTS; i++)
		if (!is_root(&semaphores->roots[i]))
			return false;
	for (size_t i = 0; i < ROOTS; i++) {
		struct sudog sudog;

		if (!semaphores->roots[i].treap)
			continue;
		if (!read_sudog(semaphores, semaphores->roots[i].treap, &sudog) ||
		    root_of(sudog.semaphore) != i)
			return false;
		proved = true;
	}
	return proved;
}

static bool find_table(struct go_semaphores *semaphores)
{
	const uint64_t *tables;
	size_t count = go_process_semtables(semaphores->go, &tables);

	for (int try = 0; try < PROOF_TRIES; try++)
		for (size_t i = 0; i < count; i++)
			if (prove(semaphores, tables[i])) {
				semaphores->table = tables[i];
				return true;
			}
	return false;
}

/* False where there is no more room. */
static bool add_waiter(struct go_semaphores *semaphores, uint64_t address,
		       const struct sudog *sudog, bool first)
{
	if (semaphores->count == semaphores->capacity) {
		size_t capacity = semaphores->capacity ? 2 * semaphores->capacity : 64;
		struct waiter *waiters;

		if (capacity > WAITERS_MAX)
			return false;
		waiters = realloc(semaphores->waiters, capacity * sizeof(*waiters));
		if (!waiters)
			return false;
		semaphores->waiters = waiters;
		semaphores->capacity = capacity;
	}
	semaphores->waiters[semaphores->count++] = (struct waiter){
		.goroutine = sudog->goroutine,
		.sudog = address,
		.semaphore = sudog->semaphore,
		.first = first,
	};
	return true;
}

/* Those behind the first one. */
static void read_list(struct go_semaphores *semaphores, const struct sudog *first)
{
	uint64_t address = first->wait_link;
	struct sudog sudog;

	for (size_t length = 0; address && length < LIST_MAX; length++) {
		/* Who left the list meanwhile does not lead on. */
		if (!read_sudog(semaphores, address, &sudog) ||
		    sudog.semaphore != first->semaphore ||
		    !add_waiter(semaphores, address, &sudog, false))
			return;
		address = sudog.wait_link;
	}
}

/* A treap that is a cycle ends where the room for waiters does. */
static void read_treap(struct go_semaphores *semaphores, size_t root)
{
	uint64_t branches[BRANCHES_MAX];
	size_t count = 0;

	branches[count++] = semaphores->roots[root].treap;
	while (count) {
		uint64_t address = branches[--count];
		struct sudog sudog;

		if (!address || !read_sudog(semaphores, address, &sudog) ||
		    root_of(sudog.semaphore) != root)
			continue;
		if (!add_waiter(semaphores, address, &sudog, true))
			return;
		read_list(semaphores, &sudog);
		if (count + 2 > BRANCHES_MAX)
			return;
		branches[count++] = sudog.next;
		branches[count++] = sudog.prev;
	}
}

static int compare_waiters(const void *a, const void *b)
{
	const struct waiter *left = a, *right = b;

	return (left->goroutine > right->goroutine) - (left->goroutine < right->goroutine);
}

/* Once a sweep. */
static void refresh(struct go_semaphores *semaphores)
{
	semaphores->fresh = true;
	semaphores->count = 0;
	if (semaphores->table ? !read_roots(semaphores, semaphores->table)
			      : !find_table(semaphores))
		return;
	for (size_t i = 0; i < ROOTS; i++)
		read_treap(semaphores, i);
	if (semaphores->count)
		qsort(semaphores->waiters, semaphores->count, sizeof(*semaphores->waiters),
		      compare_waiters);
}

bool go_semaphores_find(struct go_semaphores *semaphores, const struct goroutine *goroutine,
			uint64_t *semaphore, bool *alone)
{
	const struct waiter key = {.goroutine = goroutine->address}, *waiter = NULL;
	struct sudog now;

	if (!semaphores->fresh)
		refresh(semaphores);
	if (semaphores->count)
		waiter = bsearch(&key, semaphores->waiters, semaphores->count, sizeof(key),
				 compare_waiters);
	/* The goroutine was read after the table, and may wait for another one since. */
	if (!waiter || !read_sudog(semaphores, waiter->sudog, &now) ||
	    now.goroutine != waiter->goroutine || now.semaphore != waiter->semaphore)
		return false;
	*semaphore = waiter->semaphore;
	*alone = waiter->first && !now.wait_link;
	return true;
}
