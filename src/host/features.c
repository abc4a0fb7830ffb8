// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/features.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "feature_probes.skel.h"
#include "host/btf_signature.h"
#include "host/libbpf_messages.h"

static const struct feature_info infos[FEATURE_COUNT] = {
	[FEATURE_BTF] =
		{
			.name = "btf",
			.used_for = "every BPF program",
			.without = "parkscope cannot run: the kernel needs CONFIG_DEBUG_INFO_BTF",
			.required = true,
		},
	[FEATURE_TP_BTF] =
		{
			.name = "tp_btf",
			.used_for = "waits, thread births and exits",
			.without = "parkscope cannot run: the kernel refuses BPF tracing programs",
			.required = true,
		},
	[FEATURE_TASK_ITERATOR] =
		{
			.name = "task_iterator",
			.used_for = "threads parked now",
			.without = "parkscope cannot run: Linux 5.8 or newer is needed",
			.required = true,
		},
	[FEATURE_RING_BUFFER] =
		{
			.name = "ring_buffer",
			.used_for = "thread births and exits",
			.without = "parkscope cannot run: Linux 5.8 or newer is needed",
			.required = true,
		},
	[FEATURE_PREV_STATE] =
		{
			.name = "prev_state",
			.used_for = "telling a wait from a preemption",
			.without = "the task's state is read instead; the kind of a wait that is "
				   "already b"
				   "eing ended comes from its system call",
			.can_force_off = true,
		},
	[FEATURE_TASK_STATE] =
		{
			.name = "task_state",
			.used_for = "task_struct.__state",
			.without = "task_struct.state is read instead (before Linux 5.14)",
		},
	[FEATURE_TASK_STORAGE] =
		{
			.name = "task_storage",
			.used_for = "the record of each thread",
			.without = "a preallocated hash keyed by thread id and start time; threads "
				   "beyond "
				   "its size are lost and counted",
			.can_force_off = true,
		},
	[FEATURE_TASK_PT_REGS] =
		{
			.name = "task_pt_regs",
			.used_for = "registers of blocked threads",
			.without = "they are read from the end of the kernel stack",
			.can_force_off = true,
		},
	[FEATURE_SCHED_INFO] =
		{
			.name = "sched_info",
			.used_for = "age of waits that began before parkscope",
			.without = "their age is bounded by the thread's life only",
			.can_force_off = true,
		},
	[FEATURE_USER_WORKERS] =
		{
			.name = "user_workers",
			.used_for = "telling vhost workers from threads",
			.without = "the kernel makes no such workers, or calls them threads",
			.can_force_off = true,
		},
	[FEATURE_RECURSION_MISSES] =
		{
			.name = "recursion_misses",
			.used_for = "counting missed scheduler events",
			.without = "events that the kernel skipped are not counted",
			.can_force_off = true,
		},
	[FEATURE_KERNEL_SYMBOLS] =
		{
			.name = "kernel_symbols",
			.used_for = "names of kernel frames",
			.without = "kernel frames are printed as addresses",
			.can_force_off = true,
		},
	[FEATURE_MAP_FILES] =
		{
			.name = "map_files",
			.used_for = "symbols of deleted files and of containers",
			.without = "files are opened by path through /proc/PID/root",
			.can_force_off = true,
		},
	[FEATURE_PROCESS_MEMORY] =
		{
			.name = "process_memory",
			.used_for = "stacks of threads parked before parkscope",
			.without = "their stacks are one frame long",
			.can_force_off = true,
		},
	[FEATURE_WALK_DEADLINE] =
		{
			.name = "walk_deadline",
			.used_for = "ending a walk in the scheduler after 50 us",
			.without = "a walk in the scheduler is bounded by 128 frames only",
			.can_force_off = true,
		},
};

const struct feature_info *feature_info(enum feature feature)
{
	return &infos[feature];
}

int feature_by_name(const char *name, enum feature *feature)
{
	for (int i = 0; i < FEATURE_COUNT; i++) {
		if (strcmp(infos[i].name, name) == 0) {
			*feature = (enum feature)i;
			return 0;
		}
	}
	return -ENOENT;
}

static void feature_probes_close(struct feature_probes **probes)
{
	feature_probes__destroy(*probes);
}

/* A program for each of these features; the map that it needs. */
static const enum feature tried[] = {FEATURE_TP_BTF, FEATURE_TASK_ITERATOR, FEATURE_RING_BUFFER,
				     FEATURE_TASK_STORAGE, FEATURE_TASK_PT_REGS};

#define TRIED_COUNT (sizeof(tried) / sizeof(tried[0]))

static struct bpf_program *program_of(const struct feature_probes *probes, enum feature feature)
{
	switch (feature) {
	case FEATURE_TP_BTF:
		return probes->progs.probe_tp_btf;
	case FEATURE_TASK_ITERATOR:
		return probes->progs.probe_task_iterator;
	case FEATURE_RING_BUFFER:
		return probes->progs.probe_ring_buffer;
	case FEATURE_TASK_STORAGE:
		return probes->progs.probe_task_storage;
	case FEATURE_TASK_PT_REGS:
		return probes->progs.probe_task_pt_regs;
	default:
		return NULL;
	}
}

/*
 * Of the programs on tracepoints one is enough: to attach to a tracepoint that was just
 * left takes a grace period of RCU, some 10 ms.
 */
static bool can_attach(const struct feature_probes *probes, enum feature feature)
{
	struct bpf_link *link;

	if (feature == FEATURE_RING_BUFFER || feature == FEATURE_TASK_STORAGE)
		return true;
	link = bpf_program__attach(program_of(probes, feature));
	if (!link)
		return false;
	bpf_link__destroy(link);
	return true;
}

/* Since 9ed9e9ba2337 (5.12); an older kernel fills less of the structure. */
static bool has_recursion_misses(const struct bpf_program *program)
{
	struct bpf_prog_info info = {0};
	__u32 length = sizeof(info);

	return !bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length) &&
	       length >= offsetof(struct bpf_prog_info, recursion_misses) +
				 sizeof(info.recursion_misses);
}

/*
 * Which of these programs does the kernel load, with their maps, and attach? False, and
 * nothing is told: it refuses one of them, and none was loaded.
 */
static bool try_programs(const bool *wanted, bool *works)
{
	cleanup(feature_probes_close) struct feature_probes *probes = feature_probes__open();

	if (!probes)
		return false;
	bpf_map__set_autocreate(probes->maps.probe_storage, wanted[FEATURE_TASK_STORAGE]);
	bpf_map__set_autocreate(probes->maps.probe_ringbuf, wanted[FEATURE_RING_BUFFER]);
	for (size_t i = 0; i < TRIED_COUNT; i++)
		bpf_program__set_autoload(program_of(probes, tried[i]), wanted[tried[i]]);
	if (feature_probes__load(probes))
		return false;
	for (size_t i = 0; i < TRIED_COUNT; i++)
		if (wanted[tried[i]])
			works[tried[i]] = can_attach(probes, tried[i]);
	if (wanted[FEATURE_TP_BTF])
		works[FEATURE_RECURSION_MISSES] = has_recursion_misses(probes->progs.probe_tp_btf);
	return true;
}

/* All at once, as each object that is loaded reads the kernel's types again; else one by one. */
static void try_all(bool task_storage, bool *works)
{
	bool wanted[FEATURE_COUNT] = {0};

	for (size_t i = 0; i < TRIED_COUNT; i++)
		wanted[tried[i]] = tried[i] != FEATURE_TASK_STORAGE || task_storage;
	if (try_programs(wanted, works))
		return;
	for (size_t i = 0; i < TRIED_COUNT; i++) {
		bool alone[FEATURE_COUNT] = {0};

		alone[tried[i]] = wanted[tried[i]];
		if (alone[tried[i]])
			try_programs(alone, works);
	}
}

/*
 * A lookup in task storage must not fail while another one runs on the same CPU.
 * Up to 6.1 it does, by a busy counter that full preemption exposes; since
 * e8b02296a6b8 (6.2) tracing programs have a variant that does not, and that
 * variant's existence can be seen.
 */
static bool task_storage_lookup_never_fails(const struct btf *btf)
{
	return btf_has_function(btf, "bpf_task_storage_get_recur");
}

/* Addresses are zero where kernel.kptr_restrict hides them. */
static bool kernel_symbols_have_addresses(void)
{
	autofclose FILE *file = fopen("/proc/kallsyms", "re");
	uint64_t address = 0;

	for (int i = 0; file && i < 64 && !address; i++)
		if (fscanf(file, "%" SCNx64 "%*[^\n]", &address) != 1)
			return false;
	return address != 0;
}

/* Needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN. */
static bool can_open_map_files(void)
{
	autofclose FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	char path[128];
	autoclose int fd = -1;

	if (!maps || fscanf(maps, "%lx-%lx", &start, &end) != 2)
		return false;
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", start, end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0;
}

/* Refused by seccomp in some containers, and by yama's ptrace_scope 3. */
static bool can_read_process_memory(void)
{
	autofclose FILE *scope = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	char source = 'x', target = 0;
	struct iovec local = {&target, 1}, remote = {&source, 1};
	int level = 0;

	if (scope && fscanf(scope, "%d", &level) == 1 && level >= 3)
		return false;
	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1 && target == 'x';
}

static void free_btf(struct btf **btf)
{
	btf__free(*btf);
}

int features_probe(const bool *forced_off, struct host_features *features, struct error *error)
{
	struct host_features found = {0};
	struct sched_switch_layout layout = {0};
	cleanup(free_btf) struct btf *btf = NULL;
	int err;

	libbpf_messages_capture();
	if (geteuid() != 0)
		return error_set(error, -EPERM, "not root: run parkscope with sudo");

	btf = btf__load_vmlinux_btf();
	found.has[FEATURE_BTF] = btf != NULL;
	if (btf) {
		err = btf_sched_switch_layout(btf, &layout, error);
		if (err)
			return err;
		found.has[FEATURE_PREV_STATE] = layout.has_prev_state;
		found.has[FEATURE_TASK_STATE] = btf_has_field(btf, "task_struct", "__state");
		found.has[FEATURE_SCHED_INFO] = btf_has_field(btf, "sched_info", "last_arrival");
		found.has[FEATURE_USER_WORKERS] = btf_has_struct(btf, "vhost_task");
		try_all(task_storage_lookup_never_fails(btf), found.has);
	}
	found.has[FEATURE_KERNEL_SYMBOLS] = kernel_symbols_have_addresses();
	found.has[FEATURE_MAP_FILES] = can_open_map_files();
	found.has[FEATURE_PROCESS_MEMORY] = can_read_process_memory();
	found.has[FEATURE_WALK_DEADLINE] = true;

	for (int i = 0; forced_off && i < FEATURE_COUNT; i++) {
		if (forced_off[i]) {
			found.forced_off[i] = true;
			found.has[i] = false;
		}
	}
	*features = found;
	return 0;
}

int features_check_required(const struct host_features *features, struct error *error)
{
	for (int i = 0; i < FEATURE_COUNT; i++)
		if (infos[i].required && !features->has[i])
			return error_set(error, -ENOTSUP,
					 "this host lacks %s (%s); see 'parkscope features'",
					 infos[i].name, infos[i].without);
	return 0;
}
