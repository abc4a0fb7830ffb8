// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/waits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sources/reasons.h"

_Static_assert(WAIT_HISTOGRAM_BUCKETS == ABI_HISTOGRAM_BUCKETS, "histograms differ");

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

void waits_credit_sampling(struct thread *thread, const struct abi_sampling *sampling)
{
	struct attribution *sums = &thread->process->process->attribution;

	sums->captured += sampling->captured - thread->sampling.captured;
	sums->inferred += sampling->inferred - thread->sampling.inferred;
	sums->skipped += sampling->skipped - thread->sampling.skipped;
	sums->verified += sampling->verified - thread->sampling.verified;
	sums->mismatched += sampling->mismatched - thread->sampling.mismatched;
	thread->sampling = *sampling;
}

void waits_begin_anew(struct thread *thread)
{
	thread->credited_count = 0;
	thread->sampling = (struct abi_sampling){0};
}
