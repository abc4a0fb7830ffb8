/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_HOST_TRACER_H
#define PARKSCOPE_HOST_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bpf/abi.h"
#include "host/features.h"

/*
 * The loaded BPF programs: opened, configured for this host, attached in order,
 * and their maps. Nothing stays attached when the tracer is freed or the tool
 * dies: links live as long as their descriptors. One thread uses a tracer.
 */
struct tracer;

struct tracer_config {
	const struct host_features *features;
	const uint32_t *pids; /* watched processes; copied */
	size_t pids_count;    /* 0: every process */
	uint64_t stack_hash_seed;
	const uint8_t *syscall_reasons;        /* ABI_SYSCALLS_MAX entries, bpf/abi.h */
	const uint8_t *compat_syscall_reasons; /* the same for 32-bit system calls */
	bool exact;                            /* every stack is walked */
	uint64_t walk_allowance_ns;            /* of one CPU, see bpf/config.bpf.h */
	bool sweep_only;                       /* load just the sweep: `dump` needs no events */
};

/*
 * Loads what the configuration needs. Errors name what the kernel refused and
 * what to do. `*tracer` is untouched on failure.
 */
int tracer_open(const struct tracer_config *config, struct tracer **tracer, struct error *error);
void tracer_free(struct tracer *tracer);
define_auto_free(tracer)

/*
 * Births, exits and exec first, then a sweep by the caller, then the waits: so
 * that every thread has a record when its waits begin to be seen.
 */
int tracer_attach_births(struct tracer *tracer, struct error *error);
int tracer_attach_waits(struct tracer *tracer, struct error *error);

/* A descriptor to read one sweep from: struct abi_task_snapshot with totals. The caller closes it.
 */
int tracer_open_sweep(struct tracer *tracer, struct error *error);
/* The same for struct abi_task_recheck. */
int tracer_open_recheck(struct tracer *tracer, struct error *error);

/* Descriptors of maps; they belong to the tracer. */
int tracer_events_fd(const struct tracer *tracer);
size_t tracer_events_size(const struct tracer *tracer); /* bytes */
int tracer_stacks_fd(const struct tracer *tracer);
int tracer_wait_sites_fd(const struct tracer *tracer);
int tracer_unwind_processes_fd(const struct tracer *tracer);
int tracer_unwind_mappings_fd(const struct tracer *tracer);
int tracer_unwind_shards_fd(const struct tracer *tracer);

/* Waits that the second pass of a sweep is to stamp; see struct abi_stamp. */
struct tracer_stamps {
	uint32_t *tids;
	struct abi_stamp *stamps;
	uint32_t count;
};

/* Room for ABI_STAMPS_MAX; -ENOMEM. */
int tracer_stamps_new(struct tracer_stamps *stamps);
void tracer_stamps_clear(struct tracer_stamps *stamps);

/* Before and after the second pass. 0, or a negative errno. */
int tracer_offer_stamps(struct tracer *tracer, const struct tracer_stamps *stamps);
void tracer_withdraw_stamps(struct tracer *tracer, const struct tracer_stamps *stamps);

/* The map `stacks` was emptied: nobody may rely on a stack that was in it. */
void tracer_next_stacks_epoch(struct tracer *tracer);

/* Where threads are records in a hash: forgets one that has exited. Else does nothing. */
void tracer_forget_task(struct tracer *tracer, uint32_t tid, uint64_t start_ns);

/* Losses that the programs counted since they were loaded, summed over CPUs. */
int tracer_losses(const struct tracer *tracer, uint64_t totals[LOSS_COUNT]);

/* Of the walks of waits since the programs were loaded, over all CPUs. 0, or a negative errno. */
int tracer_unwind_statistics(const struct tracer *tracer, struct abi_unwind_statistics *sum);

/* Scheduler events that the kernel skipped; 0 where it does not count them. */
uint64_t tracer_recursion_misses(const struct tracer *tracer);

/*
 * Of the programs that run on threads of others, while the kernel counted (bpf_enable_stats()).
 * That of the sweep is the tool's own CPU time.
 */
void tracer_hooks_run_time(const struct tracer *tracer, uint64_t *runs, uint64_t *nanoseconds);

/* What the kernel keeps for the maps, without maps in maps; bytes. */
uint64_t tracer_map_memory(const struct tracer *tracer);

/* What the kernel keeps for each thread that has a record, beside the maps; bytes. */
size_t tracer_record_bytes(const struct tracer *tracer);

/* So many more threads get records; of the others it is counted as a loss. Before, none does. */
void tracer_allow_records(struct tracer *tracer, uint64_t count);

/* ns of walks in one window on one CPU, from now on; bpf/config.bpf.h. */
void tracer_set_walk_allowance(struct tracer *tracer, uint64_t allowance_ns);

#endif
