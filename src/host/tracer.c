// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/tracer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "host/libbpf_messages.h"
#include "parkscope_bpf.skel.h"

/* As in bpf/config.bpf.h, which only the BPF side includes. */
enum watch_scope {
	WATCH_ALL,
	WATCH_ONE,
	WATCH_LISTED
};

/* As in bpf/task_record.bpf.h. */
struct task_record_key {
	uint32_t tid;
	uint32_t padding;
	uint64_t start_ns;
};

/* In front of a value in task storage: struct bpf_local_storage_elem, of Linux 5.11 to 6.18. */
#define STORAGE_ELEMENT_BYTES 128

#define TASK_RECORDS_MIN        16384
#define TASK_RECORDS_PER_THREAD 4

struct tracer {
	struct parkscope_bpf *bpf;
	struct bpf_link *sweep;
	struct bpf_link *recheck;
	bool uses_task_storage;
	bool counts_recursion_misses;
};

void tracer_free(struct tracer *tracer)
{
	if (!tracer)
		return;
	bpf_link__destroy(tracer->sweep);
	bpf_link__destroy(tracer->recheck);
	parkscope_bpf__destroy(tracer->bpf);
	free(tracer);
}

/* What the kernel is, where it refuses: the usual reasons for EPERM as root. */
static int refused(struct error *error, int code, const char *what)
{
	char lockdown[128] = "";
	autofclose FILE *file = fopen("/sys/kernel/security/lockdown", "re");

	if (file && fgets(lockdown, sizeof(lockdown), file) &&
	    strstr(lockdown, "[confidentiality]"))
		return error_set(error, code,
				 "the kernel refused %s: lockdown is 'confidentiality', which "
				 "forbids BPF to read kernel memory; boot with lockdown=integrity",
				 what);
	if (code == -EPERM || code == -EACCES)
		return error_set(error, code,
				 "the kernel refused %s: %s; CAP_BPF, CAP_PERFMON and "
				 "CAP_SYS_PTRACE are needed, and on kernels before 5.11 a "
				 "memlock limit that is high enough (run as root)",
				 what, strerror(-code));
	return error_set(error, code, "the kernel refused %s: %s (-v shows what libbpf said)", what,
			 strerror(-code));
}

/* Threads on the host now; a start for sizing, not a fact. */
static uint32_t count_threads(void)
{
	autofclose FILE *file = fopen("/proc/loadavg", "re");
	unsigned int running, threads;

	if (!file || fscanf(file, "%*f %*f %*f %u/%u", &running, &threads) != 2)
		return 0;
	return threads;
}

/* The walk of user stacks has slots for each CPU; without events it has nothing at all. */
static void configure_walks(struct parkscope_bpf *bpf, bool used)
{
	struct bpf_map *const maps[] = {
		bpf->maps.unwind_shards,     bpf->maps.unwind_processes, bpf->maps.unwind_mappings,
		bpf->maps.unwind_statistics, bpf->maps.unwind_scratch,   bpf->maps.births_walking,
	};
	int cpus = libbpf_num_possible_cpus();
	uint32_t count = cpus > 0 ? (uint32_t)cpus : 1;

	bpf->rodata->possible_cpus = count;
	bpf_map__set_max_entries(bpf->maps.unwind_scratch, 2 * count);
	bpf_map__set_max_entries(bpf->maps.births_walking, count);
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		bpf_map__set_autocreate(maps[i], used);
}

static void configure(struct tracer *tracer, const struct tracer_config *config)
{
	const bool *has = config->features->has;
	struct parkscope_bpf *bpf = tracer->bpf;
	uint32_t records = count_threads() * TASK_RECORDS_PER_THREAD;

	tracer->uses_task_storage = has[FEATURE_TASK_STORAGE];
	tracer->counts_recursion_misses = has[FEATURE_RECURSION_MISSES];

	bpf->rodata->use_task_storage = has[FEATURE_TASK_STORAGE];
	bpf->rodata->has_prev_state = has[FEATURE_PREV_STATE];
	bpf->rodata->has_task_pt_regs = has[FEATURE_TASK_PT_REGS];
	bpf->rodata->has_user_workers = has[FEATURE_USER_WORKERS];
	bpf->rodata->has_walk_deadline = has[FEATURE_WALK_DEADLINE];
	bpf->rodata->keeps_records = !config->sweep_only;
	bpf->rodata->exact = config->exact;
	bpf->bss->walk_allowance_ns = config->walk_allowance_ns;
	bpf->rodata->own_tgid = (uint32_t)getpid();
	bpf->rodata->stack_hash_seed = config->stack_hash_seed;
	memcpy((void *)bpf->rodata->syscall_reasons, config->syscall_reasons, ABI_SYSCALLS_MAX);
	memcpy((void *)bpf->rodata->compat_syscall_reasons, config->compat_syscall_reasons,
	       ABI_SYSCALLS_MAX);

	if (config->pids_count == 1) {
		bpf->rodata->watch_scope = WATCH_ONE;
		bpf->rodata->watched_tgid = config->pids[0];
	} else if (config->pids_count) {
		bpf->rodata->watch_scope = WATCH_LISTED;
		bpf_map__set_max_entries(bpf->maps.watched_processes, (uint32_t)config->pids_count);
	}

	bpf_map__set_autocreate(bpf->maps.task_storage, tracer->uses_task_storage);
	if (!tracer->uses_task_storage)
		bpf_map__set_max_entries(bpf->maps.task_records,
					 records > TASK_RECORDS_MIN ? records : TASK_RECORDS_MIN);

	configure_walks(bpf, !config->sweep_only);
	bpf_program__set_autoload(bpf->progs.sweep_tasks, true);
	bpf_program__set_autoload(bpf->progs.recheck_tasks, true);
	if (config->sweep_only)
		return;
	bpf_program__set_autoload(bpf->progs.on_sched_switch, true);
	bpf_program__set_autoload(bpf->progs.on_task_newtask, true);
	bpf_program__set_autoload(bpf->progs.on_sched_process_exit, true);
	bpf_program__set_autoload(bpf->progs.on_sched_process_exec, true);
}

static int list_watched_processes(struct tracer *tracer, const struct tracer_config *config,
				  struct error *error)
{
	int fd = bpf_map__fd(tracer->bpf->maps.watched_processes);
	const uint32_t listed = 1;

	for (size_t i = 0; config->pids_count > 1 && i < config->pids_count; i++) {
		int err = bpf_map_update_elem(fd, &config->pids[i], &listed, BPF_ANY);

		if (err)
			return error_set(error, err, "cannot list pid %u: %s", config->pids[i],
					 strerror(-err));
	}
	return 0;
}

static int attach(struct bpf_program *program, struct bpf_link **link, struct error *error)
{
	*link = bpf_program__attach(program);
	if (!*link)
		return refused(error, -errno, bpf_program__name(program));
	return 0;
}

int tracer_open(const struct tracer_config *config, struct tracer **ret, struct error *error)
{
	auto_free(tracer) struct tracer *tracer = calloc(1, sizeof(*tracer));
	int err;

	if (!tracer)
		return error_set(error, -ENOMEM, "out of memory");
	libbpf_messages_capture();
	tracer->bpf = parkscope_bpf__open();
	if (!tracer->bpf)
		return error_set(error, -errno, "cannot open the BPF object: %s", strerror(errno));
	configure(tracer, config);

	err = parkscope_bpf__load(tracer->bpf);
	if (err)
		return refused(error, err, "to load the BPF programs");
	err = list_watched_processes(tracer, config, error);
	if (!err)
		err = attach(tracer->bpf->progs.sweep_tasks, &tracer->sweep, error);
	if (!err)
		err = attach(tracer->bpf->progs.recheck_tasks, &tracer->recheck, error);
	if (err)
		return err;
	*ret = take_ptr(tracer);
	return 0;
}

int tracer_attach_births(struct tracer *tracer, struct error *error)
{
	struct parkscope_bpf *bpf = tracer->bpf;
	int err;

	err = attach(bpf->progs.on_task_newtask, &bpf->links.on_task_newtask, error);
	if (!err)
		err = attach(bpf->progs.on_sched_process_exit, &bpf->links.on_sched_process_exit,
			     error);
	if (!err)
		err = attach(bpf->progs.on_sched_process_exec, &bpf->links.on_sched_process_exec,
			     error);
	return err;
}

int tracer_attach_waits(struct tracer *tracer, struct error *error)
{
	return attach(tracer->bpf->progs.on_sched_switch, &tracer->bpf->links.on_sched_switch,
		      error);
}

static int open_iterator(struct bpf_link *link, struct error *error)
{
	int fd = bpf_iter_create(bpf_link__fd(link));

	if (fd < 0)
		return error_set(error, fd, "cannot start the task iterator: %s", strerror(-fd));
	return fd;
}

int tracer_open_sweep(struct tracer *tracer, struct error *error)
{
	return open_iterator(tracer->sweep, error);
}

int tracer_open_recheck(struct tracer *tracer, struct error *error)
{
	return open_iterator(tracer->recheck, error);
}

int tracer_events_fd(const struct tracer *tracer)
{
	return bpf_map__fd(tracer->bpf->maps.events);
}

size_t tracer_events_size(const struct tracer *tracer)
{
	return bpf_map__max_entries(tracer->bpf->maps.events);
}

int tracer_stacks_fd(const struct tracer *tracer)
{
	return bpf_map__fd(tracer->bpf->maps.stacks);
}

int tracer_wait_sites_fd(const struct tracer *tracer)
{
	return bpf_map__fd(tracer->bpf->maps.wait_sites);
}

int tracer_unwind_processes_fd(const struct tracer *tracer)
{
	return bpf_map__fd(tracer->bpf->maps.unwind_processes);
}

int tracer_unwind_mappings_fd(const struct tracer *tracer)
{
	return bpf_map__fd(tracer->bpf->maps.unwind_mappings);
}

int tracer_unwind_shards_fd(const struct tracer *tracer)
{
	return bpf_map__fd(tracer->bpf->maps.unwind_shards);
}

int tracer_stamps_new(struct tracer_stamps *stamps)
{
	autofree uint32_t *tids = calloc(ABI_STAMPS_MAX, sizeof(*tids));
	struct abi_stamp *values = calloc(ABI_STAMPS_MAX, sizeof(*values));

	if (!tids || !values) {
		free(values);
		return -ENOMEM;
	}
	*stamps = (struct tracer_stamps){.tids = take_ptr(tids), .stamps = values};
	return 0;
}

void tracer_stamps_clear(struct tracer_stamps *stamps)
{
	free(stamps->tids);
	free(stamps->stamps);
	*stamps = (struct tracer_stamps){0};
}

int tracer_offer_stamps(struct tracer *tracer, const struct tracer_stamps *stamps)
{
	__u32 count = stamps->count;

	if (!count)
		return 0;
	return bpf_map_update_batch(bpf_map__fd(tracer->bpf->maps.stamps), stamps->tids,
				    stamps->stamps, &count, NULL);
}

void tracer_withdraw_stamps(struct tracer *tracer, const struct tracer_stamps *stamps)
{
	__u32 count = stamps->count;

	if (count)
		bpf_map_delete_batch(bpf_map__fd(tracer->bpf->maps.stamps), stamps->tids, &count,
				     NULL);
}

void tracer_next_stacks_epoch(struct tracer *tracer)
{
	tracer->bpf->bss->stacks_epoch++;
}

void tracer_forget_task(struct tracer *tracer, uint32_t tid, uint64_t start_ns)
{
	struct task_record_key key = {.tid = tid, .start_ns = start_ns};

	if (!tracer->uses_task_storage)
		bpf_map_delete_elem(bpf_map__fd(tracer->bpf->maps.task_records), &key);
}

int tracer_losses(const struct tracer *tracer, uint64_t totals[LOSS_COUNT])
{
	int fd = bpf_map__fd(tracer->bpf->maps.losses);
	int cpus = libbpf_num_possible_cpus();
	autofree uint64_t *counts = NULL;

	if (cpus < 0)
		return cpus;
	counts = calloc((size_t)cpus, sizeof(*counts));
	if (!counts)
		return -ENOMEM;
	for (uint32_t cause = 0; cause < LOSS_COUNT; cause++) {
		int err = bpf_map_lookup_elem(fd, &cause, counts);

		if (err)
			return err;
		totals[cause] = 0;
		for (int cpu = 0; cpu < cpus; cpu++)
			totals[cause] += counts[cpu];
	}
	return 0;
}

int tracer_unwind_statistics(const struct tracer *tracer, struct abi_unwind_statistics *ret)
{
	int fd = bpf_map__fd(tracer->bpf->maps.unwind_statistics);
	int cpus = libbpf_num_possible_cpus();
	autofree struct abi_unwind_statistics *counts = NULL;
	struct abi_unwind_statistics sum = {0};
	const uint32_t zero = 0;
	int err;

	if (cpus < 0)
		return cpus;
	counts = calloc((size_t)cpus, sizeof(*counts));
	if (!counts)
		return -ENOMEM;
	err = bpf_map_lookup_elem(fd, &zero, counts);
	if (err)
		return err;
	for (int cpu = 0; cpu < cpus; cpu++) {
		sum.walks += counts[cpu].walks;
		sum.whole += counts[cpu].whole;
		sum.frames += counts[cpu].frames;
		sum.duration_ns += counts[cpu].duration_ns;
		if (sum.longest_ns < counts[cpu].longest_ns)
			sum.longest_ns = counts[cpu].longest_ns;
	}
	*ret = sum;
	return 0;
}

uint64_t tracer_recursion_misses(const struct tracer *tracer)
{
	struct bpf_program *program;
	uint64_t misses = 0;

	if (!tracer->counts_recursion_misses)
		return 0;
	bpf_object__for_each_program (program, tracer->bpf->obj) {
		struct bpf_prog_info info = {0};
		__u32 length = sizeof(info);
		int fd = bpf_program__fd(program);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &length))
			misses += info.recursion_misses;
	}
	return misses;
}

void tracer_hooks_run_time(const struct tracer *tracer, uint64_t *runs, uint64_t *nanoseconds)
{
	const struct parkscope_bpf *bpf = tracer->bpf;
	const struct bpf_program *const hooks[] = {
		bpf->progs.on_sched_switch,
		bpf->progs.on_task_newtask,
		bpf->progs.on_sched_process_exit,
		bpf->progs.on_sched_process_exec,
	};

	*runs = *nanoseconds = 0;
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		struct bpf_prog_info info = {0};
		__u32 length = sizeof(info);
		int fd = bpf_program__fd(hooks[i]);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
			continue;
		*runs += info.run_cnt;
		*nanoseconds += info.run_time_ns;
	}
}

/* 0 where it is not known. */
static uint64_t map_memory(int fd)
{
	char path[64], line[128];
	unsigned long long bytes = 0;
	autofclose FILE *file = NULL;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	return bytes;
}

uint64_t tracer_map_memory(const struct tracer *tracer)
{
	struct bpf_map *map;
	uint64_t sum = 0;

	bpf_object__for_each_map (map, tracer->bpf->obj)
		if (bpf_map__fd(map) >= 0)
			sum += map_memory(bpf_map__fd(map));
	return sum;
}

/* That of objects of more than 256 bytes: powers of two (mm/slab_common.c), as slabinfo shows. */
static size_t slab_bytes(size_t size)
{
	size_t bytes = 256;

	while (bytes < size)
		bytes *= 2;
	return bytes;
}

size_t tracer_record_bytes(const struct tracer *tracer)
{
	/* Those of the hash are there from the start, and in tracer_map_memory(). */
	if (!tracer->bpf->rodata->use_task_storage || !tracer->bpf->rodata->keeps_records)
		return 0;
	return slab_bytes(STORAGE_ELEMENT_BYTES +
			  bpf_map__value_size(tracer->bpf->maps.task_storage));
}

void tracer_allow_records(struct tracer *tracer, uint64_t count)
{
	tracer->bpf->bss->records_left = count < INT64_MAX ? (int64_t)count : INT64_MAX;
}

void tracer_set_walk_allowance(struct tracer *tracer, uint64_t allowance_ns)
{
	tracer->bpf->bss->walk_allowance_ns = allowance_ns;
}
