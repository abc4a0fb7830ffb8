// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/goroutines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "goruntime/go_process.h"
#include "sources/goroutine_tracker.h"

/*
 * How often a process without Go is asked again: it may load a library that has it. Most
 * have loaded nothing, which costs some µs to see.
 */
#define ASK_AGAIN_NS 30000000000ULL

/*
 * For all that are asked in one sweep together: most take some µs, but files and memory
 * can be made so that one takes a second. The others are asked in the next sweep.
 */
#define ASKING_MAX_NS 2000000000ULL

/* A runtime that cannot be read any more, though its process lives, is looked for anew. */
#define FAILURES_MAX 3

/* A process that was asked whether it runs Go. */
struct go_watch {
	uint32_t tgid;
	const struct watched_process *process; /* a tgid can be used again */
	uint32_t generation;                   /* of its program, see struct process_entry */
	uint64_t asked_ns;
	uint64_t not_ready_ns; /* when its runtime was not set up; 0: it was, or there is none */
	uint64_t wait_ns;      /* from then on, until it is asked again */
	uint64_t code_pages;   /* where there was no Go in them, see process_maps.h; 0: not known */
	uint32_t failures;
	bool postponed;        /* there was no time to ask it: it is the first in the next sweep */
	struct go_process *go; /* NULL: no Go, or it cannot be read */
	struct goroutine_tracker *tracker; /* with `go` */
	struct goroutines *goroutines;     /* where it belongs */
	UT_hash_handle hh;
};

/* The parked threads, by tid; made in a sweep when the first goroutine in C asks. */
struct thread_index {
	bool made;
	size_t count;
	size_t capacity;
	const struct thread **threads;
};

struct goroutines {
	struct sources_context *context;
	struct goroutines_config config;
	struct go_process_files *files; /* see go_process.h */
	struct go_watch *watches;       /* uthash */
	struct thread_index index;
	uint64_t asking_ns; /* of the sweep that is taken, as the next one */
	int err;
};

static void detach(struct go_watch *watch)
{
	goroutine_tracker_free(take_ptr(watch->tracker));
	go_process_free(take_ptr(watch->go));
}

static void watch_free(struct goroutines *goroutines, struct go_watch *watch)
{
	HASH_DEL(goroutines->watches, watch);
	detach(watch);
	free(watch);
}

void goroutines_free(struct goroutines *goroutines)
{
	struct go_watch *watch, *next;

	if (!goroutines)
		return;
	HASH_ITER (hh, goroutines->watches, watch, next)
		watch_free(goroutines, watch);
	free(goroutines->index.threads);
	go_process_files_free(goroutines->files);
	free(goroutines);
}

int goroutines_open(struct sources_context *context, const struct goroutines_config *config,
		    struct goroutines **ret, struct error *error)
{
	auto_free(goroutines) struct goroutines *goroutines = calloc(1, sizeof(*goroutines));

	if (!goroutines)
		return error_set(error, -ENOMEM, "out of memory");
	goroutines->files = go_process_files_new();
	if (!goroutines->files)
		return error_set(error, -ENOMEM, "out of memory");
	goroutines->context = context;
	goroutines->config = *config;
	*ret = take_ptr(goroutines);
	return 0;
}

static void index_thread(struct thread *thread, void *data)
{
	struct thread_index *index = data;

	if (!thread->park_site)
		return;
	if (index->count == index->capacity) {
		size_t capacity = index->capacity ? 2 * index->capacity : 64;
		const struct thread **threads =
			realloc(index->threads, capacity * sizeof(struct thread *));

		/* Without memory the goroutines' own frames are shown alone. */
		if (!threads)
			return;
		index->threads = threads;
		index->capacity = capacity;
	}
	index->threads[index->count++] = thread;
}

static int compare_tids(const void *left, const void *right)
{
	uint64_t a = (*(const struct thread *const *)left)->key.tid;
	uint64_t b = (*(const struct thread *const *)right)->key.tid;

	return (a > b) - (a < b);
}

static void make_index(struct goroutines *goroutines)
{
	struct thread_index *index = &goroutines->index;

	index->made = true;
	index->count = 0;
	thread_table_each(goroutines->context->threads, index_thread, index);
	if (index->count)
		qsort(index->threads, index->count, sizeof(index->threads[0]), compare_tids);
}

/*
 * Where the thread is parked that a goroutine holds. Threads are known by the ids of the
 * initial PID namespace: those of a process in another one are not found.
 */
static bool find_thread(uint64_t tid, struct held_thread *held, void *data)
{
	const struct go_watch *watch = data;
	struct goroutines *goroutines = watch->goroutines;
	const struct process_entry *entry =
		process_table_find(goroutines->context->processes, watch->tgid);
	const struct thread key = {.key = {.tid = tid}}, *wanted = &key, **found;

	if (!entry || entry->process->ns_pid != entry->process->pid)
		return false;
	if (!goroutines->index.made)
		make_index(goroutines);
	if (!goroutines->index.count)
		return false;
	found = bsearch(&wanted, goroutines->index.threads, goroutines->index.count,
			sizeof(struct thread *), compare_tids);
	if (!found || (*found)->process != entry)
		return false;
	held->tid = (uint32_t)tid;
	memcpy(held->name, (*found)->park_name, sizeof(held->name));
	held->site_hash = (*found)->park_site->id.hash;
	held->stack = (*found)->park_site->stack;
	return true;
}

static struct go_watch *watch_of(struct goroutines *goroutines, const struct process_entry *entry)
{
	struct go_watch *watch = NULL;

	HASH_FIND(hh, goroutines->watches, &entry->tgid, sizeof(entry->tgid), watch);
	if (watch)
		return watch;
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return NULL;
	watch->tgid = entry->tgid;
	watch->process = entry->process;
	watch->generation = entry->generation;
	watch->goroutines = goroutines;
	HASH_ADD(hh, goroutines->watches, tgid, sizeof(watch->tgid), watch);
	return watch;
}

static int set_string(char **target, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	free(*target);
	*target = copy;
	return 0;
}

/*
 * Looks for Go in what the process has mapped. The first time, in what others have read of
 * it for its stacks, which may be older than what has been loaded meanwhile: only what is
 * looked at after it was read anew holds as long as the process maps no other code.
 */
static int attach(struct go_watch *watch, const struct process_entry *entry, struct error *error)
{
	struct goroutines *goroutines = watch->goroutines;
	struct sources_context *context = goroutines->context;
	const struct process_ref ref = process_entry_ref(entry);
	uint64_t code_pages = watch->asked_ns ? process_maps_code_pages(ref.pid) : 0;
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC); /* not of the sweep: after the line above */
	struct process_mappings *mappings;
	int err;

	if (code_pages && code_pages == watch->code_pages)
		return -ENODATA;
	mappings = mapping_cache_get(context->mappings, &ref, now_ns);
	if (!mappings)
		return -ESRCH;
	if (watch->asked_ns && process_mappings_age_ns(mappings, now_ns))
		process_mappings_refresh(context->mappings, mappings, now_ns);
	err = go_process_attach(mappings, goroutines->files,
				context->features->has[FEATURE_MAP_FILES], &watch->go, error);
	watch->code_pages = err == -ENODATA || err == -ENOTSUP ? code_pages : 0;
	return err;
}

/* A runtime is set up within ms; what is never set up must not cost a search a sweep. */
static void wait_for_runtime(struct go_watch *watch, uint64_t now_ns)
{
	watch->wait_ns = watch->not_ready_ns ? 2 * (now_ns - watch->not_ready_ns) : 0;
	if (watch->wait_ns > ASK_AGAIN_NS)
		watch->wait_ns = ASK_AGAIN_NS;
	watch->not_ready_ns = now_ns;
}

static bool is_due(const struct go_watch *watch, uint64_t now_ns)
{
	if (watch->not_ready_ns)
		return now_ns - watch->not_ready_ns >= watch->wait_ns;
	return !watch->asked_ns || now_ns - watch->asked_ns >= ASK_AGAIN_NS;
}

/* What is found now holds until it runs another program. */
static int ask(struct go_watch *watch, const struct process_entry *entry)
{
	struct goroutines *goroutines = watch->goroutines;
	struct sources_context *context = goroutines->context;
	const struct goroutine_reader_config config = {
		.each = goroutines->config.each,
		.stays = goroutines->config.stays,
		.runtime_frames = goroutines->config.runtime_frames,
		.find_thread = find_thread,
		.data = watch,
	};
	struct watched_process *process = entry->process;
	struct error error = {0};
	uint64_t start_ns = monotonic_ns();
	int err;

	watch->postponed = goroutines->asking_ns >= ASKING_MAX_NS;
	if (watch->postponed) {
		losses_add(&context->losses, "go_not_attached", 1);
		return 0;
	}
	err = attach(watch, entry, &error);
	goroutines->asking_ns += monotonic_ns() - start_ns;
	if (err == -EAGAIN) {
		wait_for_runtime(watch, context->now_ns);
		return 0;
	}
	watch->not_ready_ns = 0;
	watch->asked_ns = context->now_ns;
	watch->failures = 0;
	if (err == -ENOTSUP) {
		losses_add(&context->losses, "go_version_unknown", 1);
		return set_string(&process->go_refused, error.text);
	}
	/* Gone, or there is no Go. */
	if (err == -ENODATA || err == -ESRCH)
		return 0;
	if (err) {
		losses_add(&context->losses, "go_not_attached", 1);
		return err == -ENOMEM ? err : 0;
	}
	watch->tracker = goroutine_tracker_new(watch->go, process, &config);
	if (!watch->tracker || set_string(&process->go_refused, NULL))
		return -ENOMEM;
	return set_string(&process->go_version, go_process_version(watch->go)->text);
}

/* The runtime is to be found again, in this program or in another one. */
static void start_anew(struct go_watch *watch, const struct process_entry *entry)
{
	detach(watch);
	watch->process = entry->process;
	watch->generation = entry->generation;
	watch->asked_ns = 0;
	watch->not_ready_ns = 0;
	watch->code_pages = 0;
	watch->postponed = false;
	set_string(&entry->process->go_version, NULL);
	set_string(&entry->process->go_refused, NULL);
}

static int sweep_watch(struct go_watch *watch, const struct process_entry *entry)
{
	struct sources_context *context = watch->goroutines->context;
	int err = 0;

	if (!watch->go && is_due(watch, context->now_ns))
		err = ask(watch, entry);
	if (err || !watch->tracker)
		return err;
	err = goroutine_tracker_sweep(watch->tracker, context->now_ns, &context->losses);
	if (!err)
		watch->failures = 0;
	if (!err || err == -ENOMEM)
		return err;
	/* It is ending, or moving its tables: the next sweep tells. */
	losses_add(&context->losses, "goroutine_sweep_failed", 1);
	if (++watch->failures == FAILURES_MAX) {
		goroutine_tracker_drop(watch->tracker);
		start_anew(watch, entry);
		watch->asked_ns = context->now_ns;
	}
	return 0;
}

static void sweep_process(struct process_entry *entry, void *data)
{
	struct goroutines *goroutines = data;
	struct go_watch *watch;

	if (goroutines->err)
		return;
	watch = watch_of(goroutines, entry);
	if (!watch) {
		goroutines->err = -ENOMEM;
		return;
	}
	if (entry->process->ended) {
		/* Its pid may have been used again. */
		if (watch->process == entry->process && watch->tracker)
			goroutine_tracker_end(watch->tracker);
		return;
	}
	if (watch->process != entry->process || watch->generation != entry->generation) {
		if (watch->tracker)
			goroutine_tracker_end(watch->tracker);
		start_anew(watch, entry);
	}
	goroutines->err = sweep_watch(watch, entry);
}

/* So that those who take long to ask do not keep others waiting for ever. */
static void ask_postponed(struct process_entry *entry, void *data)
{
	struct goroutines *goroutines = data;
	struct go_watch *watch = NULL;

	HASH_FIND(hh, goroutines->watches, &entry->tgid, sizeof(entry->tgid), watch);
	if (watch && watch->postponed && watch->process == entry->process &&
	    watch->generation == entry->generation && !watch->go && !goroutines->err &&
	    goroutines->asking_ns < ASKING_MAX_NS)
		goroutines->err = ask(watch, entry);
}

int goroutines_sweep(struct goroutines *goroutines, struct error *error)
{
	goroutines->index.made = false;
	goroutines->asking_ns = 0;
	goroutines->err = 0;
	process_table_each(goroutines->context->processes, false, ask_postponed, goroutines);
	process_table_each(goroutines->context->processes, true, sweep_process, goroutines);
	return goroutines->err ? error_set(error, goroutines->err, "out of memory") : 0;
}

void goroutines_forget(struct goroutines *goroutines, const struct process_entry *entry)
{
	struct go_watch *watch = NULL;

	HASH_FIND(hh, goroutines->watches, &entry->tgid, sizeof(entry->tgid), watch);
	if (watch && watch->process == entry->process)
		watch_free(goroutines, watch);
}
