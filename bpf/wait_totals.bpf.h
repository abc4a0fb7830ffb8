/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_BPF_WAIT_TOTALS_BPF_H
#define PARKSCOPE_BPF_WAIT_TOTALS_BPF_H

/* Accounting of completed waits: exact totals in the task's record, and by place. */

#include "bpf/kernel_types.h"

#include <bpf/bpf_helpers.h>

#include "bpf/task_record.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_WAIT_SITES_MAX);
	__type(key, struct abi_wait_site_key);
	__type(value, struct abi_wait_sum);
} wait_sites __weak SEC(".maps");

/*
 * The system calls behind these are restarted by the kernel after a signal
 * (signal(7)); the others return EINTR, which ends the wait.
 */
static __always_inline bool reason_restarts(u32 reason)
{
	switch (reason) {
	case REASON_FUTEX:
	case REASON_POLL:
	case REASON_SLEEP:
	case REASON_PIPE_READ:
	case REASON_PIPE_WRITE:
	case REASON_SOCKET_READ:
	case REASON_SOCKET_WRITE:
	case REASON_SOCKET_ACCEPT:
	case REASON_SOCKET_CONNECT:
	case REASON_DEVICE_READ:
	case REASON_DEVICE_WRITE:
	case REASON_EVENT_READ:
	case REASON_WAIT_CHILD:
	case REASON_FILE_LOCK:
		return true;
	default:
		return false;
	}
}

/* A global function: the verifier looks at its branches once, and not along every path to it. */
__weak __noinline u32 log2_of(u64 value)
{
	return sampling_log2(value);
}

/* 0 below 2^10 ns, then one bucket for each power of two. */
static __always_inline u64 histogram_bucket(u64 duration_ns)
{
	u64 value = duration_ns >> 10;

	return value ? log2_of(value) + 1 : 0;
}

static __always_inline void totals_add(struct task_record *record, const struct wait *wait,
				       u64 duration_ns)
{
	u64 bucket = histogram_bucket(duration_ns);

	if (bucket > ABI_HISTOGRAM_BUCKETS - 1)
		bucket = ABI_HISTOGRAM_BUCKETS - 1;
	/* The verifier follows this register and no other. */
	barrier_var(bucket);
	for (u32 i = 0; i < ABI_WAIT_TOTALS_MAX; i++) {
		struct abi_wait_totals *totals = &record->totals[i];

		if (i == ABI_WAIT_TOTALS_MAX - 1 && totals->reason != wait->reason) {
			if (wait->reason != REASON_OTHER)
				count_loss(LOSS_REASON_OVERFLOW);
			totals->reason = REASON_OTHER;
		} else if (totals->reason == REASON_NONE) {
			totals->reason = wait->reason;
		} else if (totals->reason != wait->reason) {
			continue;
		}
		totals->count++;
		totals->duration_ns += duration_ns;
		totals->restarts += wait->restarts;
		if (bucket < ABI_HISTOGRAM_BUCKETS)
			totals->histogram[bucket]++;
		return;
	}
}

/* The usual length of the task's waits for this reason, ns. */
static __always_inline u64 usual_length(const struct task_record *record, u32 reason)
{
	for (u32 i = 0; i < ABI_WAIT_TOTALS_MAX; i++) {
		const struct abi_wait_totals *totals = &record->totals[i];

		if (totals->reason == reason)
			return sampling_usual(totals->count, totals->duration_ns);
	}
	return sampling_usual(0, 0);
}

/* Adds to a place that no task remembers. */
static __always_inline void wait_site_add(const struct task_record *record, u64 user_stack_id,
					  u32 reason, const struct abi_wait_sum *sum)
{
	struct abi_wait_site_key key = {};
	struct abi_wait_sum *site;

	key.user_stack_id = user_stack_id;
	key.tgid = record->tgid;
	key.exec_id = record->exec_id;
	key.reason = reason;
	site = bpf_map_lookup_elem(&wait_sites, &key);
	if (!site) {
		struct abi_wait_sum fresh = {};

		bpf_map_update_elem(&wait_sites, &key, &fresh, BPF_NOEXIST);
		site = bpf_map_lookup_elem(&wait_sites, &key);
		if (!site) {
			count_loss(LOSS_SITE_MAP_FULL);
			return;
		}
	}
	__sync_fetch_and_add(&site->count, sum->count);
	__sync_fetch_and_add(&site->duration_ns, sum->duration_ns);
	__sync_fetch_and_add(&site->variance_high, sum->variance_high);
	__sync_fetch_and_add(&site->variance_low, sum->variance_low);
	if (site->max_ns < sum->max_ns)
		site->max_ns = sum->max_ns;
}

/* The wait has ended, `last_ns` after it last began. */
static __always_inline void wait_account(struct task_record *record, struct wait *wait, u64 last_ns)
{
	u64 duration_ns = wait->waited_ns + last_ns;
	struct abi_wait_sum sum = {};

	totals_add(record, wait, duration_ns);
	if (sampling_end(&record->sampling, &wait->sampling, wait->begin_switches, wait->reason,
			 duration_ns))
		return;
	sampling_sum_add(&sum, duration_ns, wait->sampling.shift);
	wait_site_add(record, wait->sampling.stack_id, wait->reason, &sum);
}

/*
 * How long a wait has lasted since it last began whose end was not seen: the kernel skipped
 * the program where the task came back. What the task spent on a CPU since is known, so the
 * length is right if it has not been switched out in between; `switched_out` says that it has.
 */
static __always_inline u64 wait_missed_length(const struct wait *wait, struct task_struct *task,
					      u64 now, bool switched_out)
{
	u64 since_ns = now - wait->begin_ns;
	u64 ran_ns = task->se.sum_exec_runtime - wait->begin_runtime_ns;

	if (switched_out)
		count_loss(LOSS_MISSED_END);
	return since_ns > ran_ns ? since_ns - ran_ns : 0;
}

#endif
