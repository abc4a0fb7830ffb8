// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/wait_places.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "sources/places.h"

#define BATCH_ENTRIES      1024
#define WAIT_SITES_CROWDED (ABI_WAIT_SITES_MAX * 3 / 4)

static void sum_add(struct abi_wait_sum *sum, const struct abi_wait_sum *more)
{
	sum->count += more->count;
	sum->duration_ns += more->duration_ns;
	sum->variance_high += more->variance_high;
	sum->variance_low += more->variance_low;
	if (sum->max_ns < more->max_ns)
		sum->max_ns = more->max_ns;
}

/* But for the maximum, which only grows. */
static void sum_subtract(struct abi_wait_sum *sum, const struct abi_wait_sum *less)
{
	sum->count -= less->count;
	sum->duration_ns -= less->duration_ns;
	sum->variance_high -= less->variance_high;
	sum->variance_low -= less->variance_low;
}

/* In ns². */
static double variance_of(const struct abi_wait_sum *sum)
{
	const double unit = (double)(1ULL << ABI_SAMPLING_SQUARE_SHIFT) *
			    (double)(1ULL << ABI_SAMPLING_SQUARE_SHIFT);

	return ((double)sum->variance_high * 4294967296.0 + (double)sum->variance_low) * unit;
}

struct reading {
	struct sources_context *context;
	bool drain;      /* entries are taken out */
	bool ended_only; /* those of processes that ended */
	/* Those of this one, which called exec; NULL: of all. */
	const struct process_entry *replaced;
};

/* Its mappings are gone: where it has waited can no longer be named. */
static struct place *find_replaced(struct sources_context *context,
				   const struct process_entry *entry, uint32_t reason,
				   uint64_t user_stack_id, const struct abi_wait_sum *sum)
{
	struct place *place = places_known_wait(entry, reason, user_stack_id);

	if (!place)
		losses_add(&context->losses, "wait_site_replaced", sum->count);
	return place;
}

/* Whose entry no process has: will the sweep that comes next meet it? */
static bool is_still_to_come(const struct sources_context *context,
			     const struct abi_wait_site_key *key)
{
	const struct process_entry *entry = process_table_find(context->processes, key->tgid);

	if (entry)
		return !process_entry_is_past(entry, key->exec_id);
	return !kill((pid_t)key->tgid, 0) || errno != ESRCH;
}

/* False: the process is gone, or there is no place for it: the entry is of no use. */
static bool read_entry(const struct reading *reading, const struct abi_wait_site_key *key,
		       const struct abi_wait_sum *sum)
{
	struct sources_context *context = reading->context;
	struct process_entry *entry =
		process_table_find_exec(context->processes, key->tgid, key->exec_id);
	struct place *place;

	if (!entry)
		return is_still_to_come(context, key);
	if ((reading->ended_only && !entry->process->ended) ||
	    (reading->replaced && entry != reading->replaced))
		return true;
	place = reading->replaced
			? find_replaced(context, entry, key->reason, key->user_stack_id, sum)
			: places_wait(context, entry, key->reason,
				      &(struct user_stack){.id = key->user_stack_id});
	if (!place)
		return false;
	entry->waits_changed = true;
	if (reading->drain) {
		sum_add(&place->settled, sum);
		place->in_map = (struct abi_wait_sum){0};
	} else {
		place->in_map = *sum;
	}
	return true;
}

/* One pass over the map; returns how many entries it had, or a negative errno. */
static int read_map(const struct reading *reading)
{
	int fd = tracer_wait_sites_fd(reading->context->tracer);
	autofree struct abi_wait_site_key *keys = calloc(BATCH_ENTRIES, sizeof(*keys));
	autofree struct abi_wait_sum *sums = calloc(BATCH_ENTRIES, sizeof(*sums));
	bool first = true;
	__u32 batch = 0;
	int entries = 0;
	int err = 0;

	if (!keys || !sums)
		return -ENOMEM;
	while (!err) {
		__u32 count = BATCH_ENTRIES;
		__u32 *start = first ? NULL : &batch;

		err = reading->drain
			      ? bpf_map_lookup_and_delete_batch(fd, start, &batch, keys, sums,
								&count, NULL)
			      : bpf_map_lookup_batch(fd, start, &batch, keys, sums, &count, NULL);
		if (err && err != -ENOENT)
			return err;
		first = false;
		for (__u32 i = 0; i < count; i++)
			if (!read_entry(reading, &keys[i], &sums[i]) && !reading->drain)
				bpf_map_delete_elem(fd, &keys[i]);
		entries += (int)count;
	}
	return entries;
}

/*
 * Entries are left in place, because taking one out can lose a wait that is being
 * added; only a map that fills up is emptied.
 */
int wait_places_read_map(struct sources_context *context)
{
	struct reading reading = {.context = context};
	int entries = read_map(&reading);

	if (entries > WAIT_SITES_CROWDED) {
		reading.drain = true;
		entries = read_map(&reading);
	}
	return entries < 0 ? entries : 0;
}

int wait_places_read_ended(struct sources_context *context)
{
	const struct reading reading = {.context = context, .ended_only = true};
	int entries;

	if (process_table_count(context->processes, true) ==
	    process_table_count(context->processes, false))
		return 0;
	entries = read_map(&reading);
	return entries < 0 ? entries : 0;
}

int wait_places_read_replaced(struct sources_context *context, struct process_entry *entry)
{
	const struct reading reading = {.context = context, .replaced = entry};
	int entries = read_map(&reading);

	return entries < 0 ? entries : 0;
}

/* What the thread had at its places at the last sweep is no longer with it. */
static void take_back(struct thread *thread)
{
	for (size_t i = 0; i < ABI_REMEMBERED_WAITS_MAX; i++) {
		struct remembered_place *remembered = &thread->remembered[i];

		/* Places are gone with the program that had them. */
		if (remembered->place &&
		    thread->remembered_generation == thread->process->generation)
			sum_subtract(&remembered->place->with_threads, &remembered->sum);
		*remembered = (struct remembered_place){0};
	}
}

static struct place *find_place(struct sources_context *context, const struct thread *thread,
				const struct abi_remembered_waits *waits)
{
	if (waits->reason == 0 || !waits->sum.count)
		return NULL;
	return places_wait(context, thread->process, waits->reason,
			   &(struct user_stack){.id = waits->user_stack_id});
}

int wait_places_remember(struct sources_context *context, struct thread *thread,
			 const struct abi_remembered_waits *remembered, uint32_t count)
{
	if (count > ABI_REMEMBERED_WAITS_MAX)
		count = ABI_REMEMBERED_WAITS_MAX;
	if (!thread->remembered) {
		if (!count)
			return 0;
		thread->remembered = calloc(ABI_REMEMBERED_WAITS_MAX, sizeof(*thread->remembered));
		if (!thread->remembered)
			return -ENOMEM;
	}
	take_back(thread);
	thread->remembered_generation = thread->process->generation;
	for (uint32_t i = 0; i < count; i++) {
		struct place *place = find_place(context, thread, &remembered[i]);

		if (!place)
			continue;
		thread->remembered[i].place = place;
		thread->remembered[i].sum = remembered[i].sum;
		sum_add(&place->with_threads, &remembered[i].sum);
		thread->process->waits_changed = true;
	}
	return 0;
}

void wait_places_end_thread(struct sources_context *context, struct thread *thread,
			    const struct abi_remembered_waits *remembered)
{
	for (size_t i = 0; i < ABI_REMEMBERED_WAITS_MAX; i++) {
		const struct remembered_place *last =
			thread->remembered ? &thread->remembered[i] : NULL;
		const struct abi_wait_sum *sum = NULL;
		struct place *place = NULL;

		if (remembered) {
			place = find_place(context, thread, &remembered[i]);
			sum = &remembered[i].sum;
		} else if (last && thread->remembered_generation == thread->process->generation) {
			place = last->place;
			sum = &last->sum;
		}
		if (!place)
			continue;
		sum_add(&place->settled, sum);
		thread->process->waits_changed = true;
	}
	if (thread->remembered)
		take_back(thread);
}

void wait_places_end_program(struct sources_context *context, struct thread *thread,
			     const struct abi_remembered_waits *remembered)
{
	if (thread->remembered)
		take_back(thread);
	for (size_t i = 0; i < ABI_REMEMBERED_WAITS_MAX; i++) {
		const struct abi_remembered_waits *waits = &remembered[i];
		struct place *place;

		if (waits->reason == REASON_NONE || !waits->sum.count)
			continue;
		place = find_replaced(context, thread->process, waits->reason, waits->user_stack_id,
				      &waits->sum);
		if (!place)
			continue;
		sum_add(&place->settled, &waits->sum);
		thread->process->waits_changed = true;
	}
}

/* What the place has gained; it may lag behind, but what was credited is never taken back. */
static void settle_place(struct sources_context *context, struct process_entry *entry,
			 struct place *place)
{
	struct abi_wait_sum now = place->settled;
	struct wait_sum gained;
	struct site *site;

	sum_add(&now, &place->in_map);
	sum_add(&now, &place->with_threads);
	if (now.count < place->credited.count || now.duration_ns < place->credited.duration_ns ||
	    (now.count == place->credited.count && now.duration_ns == place->credited.duration_ns))
		return;
	site = places_site(context, entry, place);
	if (!site)
		return;
	gained = (struct wait_sum){
		.count = now.count - place->credited.count,
		.duration_ns = now.duration_ns - place->credited.duration_ns,
		.max_ns = now.max_ns,
		.variance = variance_of(&now) - variance_of(&place->credited),
	};
	place->credited = now;
	site_add_waits(site, &gained);
	entry->process->attribution.attributed_ns += gained.duration_ns;
}

void wait_places_settle_process(struct process_entry *entry, void *data)
{
	struct sources_context *context = data;
	struct place *place, *next;

	if (!entry->waits_changed)
		return;
	entry->waits_changed = false;
	HASH_ITER (hh, entry->places, place, next)
		settle_place(context, entry, place);
}

void wait_places_settle(struct sources_context *context)
{
	process_table_each(context->processes, true, wait_places_settle_process, context);
}
