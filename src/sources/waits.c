// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/waits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sources/reasons.h"

_Static_assert(WAIT_HISTOGRAM_BUCKETS == ABI_HISTOGRAM_BUCKETS, "histograms differ");

static void forget(struct credited *credited, uint32_t exec_id)
{
	free(credited->totals);
	*credited = (struct credited){.exec_id = exec_id};
}

/*
 * A sweep can see a program before the event of the exec that began it, which tells what the
 * one before had in the end: so that is kept until then.
 */
static struct credited *credited_of(struct thread *thread, uint32_t exec_id)
{
	int32_t programs = (int32_t)(exec_id - thread->credited.exec_id);

	if (programs > 0) {
		free(thread->before.totals);
		thread->before = thread->credited;
		thread->credited = (struct credited){.exec_id = exec_id};
	}
	if (programs >= 0)
		return &thread->credited;
	if (thread->before.exec_id != exec_id)
		forget(&thread->before, exec_id);
	return &thread->before;
}

static int make_room(struct credited *credited, uint32_t count)
{
	struct abi_wait_totals *grown;

	if (count <= credited->count)
		return 0;
	grown = realloc(credited->totals, count * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memset(&grown[credited->count], 0, (count - credited->count) * sizeof(*grown));
	credited->totals = grown;
	credited->count = count;
	return 0;
}

/* Read while they were written to, or of a program whose exec was lost. */
static bool goes_back(const struct abi_wait_totals *now, const struct abi_wait_totals *before)
{
	return now->count < before->count || now->duration_ns < before->duration_ns ||
	       (before->reason != REASON_NONE && now->reason != before->reason &&
		now->reason != REASON_OTHER);
}

static void credit_totals(struct watched_process *process, const struct abi_wait_totals *now,
			  struct abi_wait_totals *before)
{
	struct reason_waits *waits;

	if (!memcmp(now, before, sizeof(*now)) || goes_back(now, before))
		return;
	waits = watched_process_reason(process, reason_name(now->reason));
	waits->count += now->count - before->count;
	waits->duration_ns += now->duration_ns - before->duration_ns;
	waits->restarts += now->restarts - before->restarts;
	for (size_t bucket = 0; bucket < WAIT_HISTOGRAM_BUCKETS; bucket++)
		waits->histogram[bucket] += now->histogram[bucket] - before->histogram[bucket];
	*before = *now;
}

/* The difference, or 0 where it goes back. */
static uint64_t take_gain(uint64_t now, __u64 *before)
{
	uint64_t gain = now > *before ? now - *before : 0;

	*before += gain;
	return gain;
}

int waits_credit(struct thread *thread, uint32_t exec_id, const struct abi_wait_totals *totals,
		 uint32_t count, const struct abi_sampling *sampling)
{
	struct watched_process *process = thread->process->process;
	struct credited *credited = credited_of(thread, exec_id);
	struct attribution *sums = &process->attribution;

	if (count > ABI_WAIT_TOTALS_MAX)
		count = ABI_WAIT_TOTALS_MAX;
	if (make_room(credited, count))
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		credit_totals(process, &totals[i], &credited->totals[i]);
	sums->captured += take_gain(sampling->captured, &credited->sampling.captured);
	sums->inferred += take_gain(sampling->inferred, &credited->sampling.inferred);
	sums->skipped += take_gain(sampling->skipped, &credited->sampling.skipped);
	sums->verified += take_gain(sampling->verified, &credited->sampling.verified);
	sums->mismatched += take_gain(sampling->mismatched, &credited->sampling.mismatched);
	return 0;
}

void waits_end_program(struct thread *thread, uint32_t exec_id)
{
	if (thread->credited.exec_id == exec_id)
		forget(&thread->credited, exec_id + 1);
	else if (thread->before.exec_id == exec_id)
		forget(&thread->before, 0);
}
