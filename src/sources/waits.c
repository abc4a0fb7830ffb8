// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/waits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "sources/places.h"
#include "sources/reasons.h"

_Static_assert(WAIT_HISTOGRAM_BUCKETS == ABI_HISTOGRAM_BUCKETS, "histograms differ");

#define BATCH_ENTRIES      1024
#define WAIT_SITES_CROWDED (ABI_WAIT_SITES_MAX * 3 / 4)

int waits_credit(struct thread *thread, const struct abi_wait_totals *totals, uint32_t count)
{
	if (count > ABI_WAIT_TOTALS_MAX)
		count = ABI_WAIT_TOTALS_MAX;
	if (count > thread->credited_count) {
		struct abi_wait_totals *grown =
			realloc(thread->credited, count * sizeof(*thread->credited));

		if (!grown)
			return -ENOMEM;
		memset(&grown[thread->credited_count], 0,
		       (count - thread->credited_count) * sizeof(*grown));
		thread->credited = grown;
		thread->credited_count = count;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct abi_wait_totals *credited = &thread->credited[i];
		struct reason_waits *waits;

		if (totals[i].count == credited->count)
			continue;
		waits = watched_process_reason(thread->process->process,
					       reason_name(totals[i].reason));
		waits->count += totals[i].count - credited->count;
		waits->duration_ns += totals[i].duration_ns - credited->duration_ns;
		waits->restarts += totals[i].restarts - credited->restarts;
		for (size_t bucket = 0; bucket < WAIT_HISTOGRAM_BUCKETS; bucket++)
			waits->histogram[bucket] +=
				totals[i].histogram[bucket] - credited->histogram[bucket];
		*credited = totals[i];
	}
	return 0;
}

/* False: the process is gone. `drained`: the entry was taken out of the map. */
static bool credit_place(struct sources_context *context, const struct abi_wait_site_key *key,
			 const struct abi_wait_site *site, bool drained)
{
	struct process_entry *entry =
		process_table_find_exec(context->processes, key->tgid, key->exec_id);
	struct wait_sum gained;
	struct place *place;

	if (!entry)
		return false;
	place = places_wait(context, entry, key->reason, key->user_stack_id);
	if (!place)
		return true;
	gained.count = site->count - place->credited.count;
	gained.duration_ns = site->duration_ns - place->credited.duration_ns;
	gained.max_ns = site->max_ns;
	site_add_waits(place->site, &gained);
	place->credited = drained ? (struct abi_wait_site){0} : *site;
	return true;
}

/* One pass over the map; returns how many entries it had, or a negative errno. */
static int collect(struct sources_context *context, bool drain)
{
	int fd = tracer_wait_sites_fd(context->tracer);
	autofree struct abi_wait_site_key *keys = calloc(BATCH_ENTRIES, sizeof(*keys));
	autofree struct abi_wait_site *values = calloc(BATCH_ENTRIES, sizeof(*values));
	bool first = true;
	__u32 batch = 0;
	int entries = 0;
	int err = 0;

	if (!keys || !values)
		return -ENOMEM;
	while (!err) {
		__u32 count = BATCH_ENTRIES;
		__u32 *start = first ? NULL : &batch;

		err = drain ? bpf_map_lookup_and_delete_batch(fd, start, &batch, keys, values,
							      &count, NULL)
			    : bpf_map_lookup_batch(fd, start, &batch, keys, values, &count, NULL);
		if (err && err != -ENOENT)
			return err;
		first = false;
		for (__u32 i = 0; i < count; i++)
			if (!credit_place(context, &keys[i], &values[i], drain) && !drain)
				bpf_map_delete_elem(fd, &keys[i]);
		entries += (int)count;
	}
	return entries;
}

/*
 * Entries are left in place, because taking one out can lose a wait that is being
 * added; only a map that fills up is emptied.
 */
int waits_collect(struct sources_context *context)
{
	int entries = collect(context, false);

	if (entries > WAIT_SITES_CROWDED)
		entries = collect(context, true);
	return entries < 0 ? entries : 0;
}
