// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/waits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "sources/places.h"
#include "sources/reasons.h"

_Static_assert(WAIT_HISTOGRAM_BUCKETS == ABI_HISTOGRAM_BUCKETS, "histograms differ");

#define BATCH_ENTRIES 1024

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
		waits->restarted += totals[i].restarted - credited->restarted;
		for (size_t bucket = 0; bucket < WAIT_HISTOGRAM_BUCKETS; bucket++)
			waits->histogram[bucket] +=
				totals[i].histogram[bucket] - credited->histogram[bucket];
		*credited = totals[i];
	}
	return 0;
}

/* False: the entry's process is gone. */
static bool credit_place(struct sources_context *context, const struct abi_wait_site_key *key,
			 const struct abi_wait_site *site)
{
	struct process_entry *entry = process_table_find(context->processes, key->tgid);
	const struct user_stack user = {.id = key->user_stack_id};
	struct wait_sum gained;
	struct place *place;

	if (!entry || entry->process->exec_id != key->exec_id)
		return false;
	place = places_park(context, entry, key->reason, &user, 0);
	if (!place)
		return true;
	gained.count = site->count - place->credited.count;
	gained.duration_ns = site->duration_ns - place->credited.duration_ns;
	gained.max_ns = site->max_ns;
	site_add_waits(place->site, &gained);
	place->credited = *site;
	return true;
}

int waits_collect(struct sources_context *context)
{
	int fd = tracer_wait_sites_fd(context->tracer);
	autofree struct abi_wait_site_key *keys = calloc(BATCH_ENTRIES, sizeof(*keys));
	autofree struct abi_wait_site *values = calloc(BATCH_ENTRIES, sizeof(*values));
	bool first = true;
	__u32 batch = 0;
	int err = 0;

	if (!keys || !values)
		return -ENOMEM;
	while (!err) {
		__u32 count = BATCH_ENTRIES;

		err = bpf_map_lookup_batch(fd, first ? NULL : &batch, &batch, keys, values, &count,
					   NULL);
		if (err && err != -ENOENT)
			return err;
		first = false;
		for (__u32 i = 0; i < count; i++)
			if (!credit_place(context, &keys[i], &values[i]))
				bpf_map_delete_elem(fd, &keys[i]);
	}
	return 0;
}
