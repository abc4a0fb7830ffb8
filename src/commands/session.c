// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/libbpf_messages.h"
#include "host/open_files.h"
#include "option_table.h"
#include "process/process_identity.h"
#include "version.h"

_Static_assert(FEATURE_COUNT <= RECORDING_FEATURES_MAX, "a recording has them all");

/* PROC_PID_INIT_INO, include/linux/proc_ns.h: the initial PID namespace has this inode. */
#define INITIAL_PID_NAMESPACE 0xEFFFFFFCU

void session_free(struct session *session)
{
	if (!session)
		return;
	sources_free(session->sources);
	recording_free(session->recording);
	formatter_free(session->formatter);
	sink_free(session->sink);
	free(session);
}

/* BPF sees the host's ids and /proc those of our namespace: they must be the same. */
static int check_pid_namespace(struct error *error)
{
	struct stat status;

	if (stat("/proc/self/ns/pid", &status))
		return error_set(error, -errno, "cannot read /proc: %s; is it mounted?",
				 strerror(errno));
	if (status.st_ino != INITIAL_PID_NAMESPACE)
		return error_set(error, -ENOTSUP,
				 "this is a container's PID namespace: run parkscope on the host, "
				 "or in a container with the host's (docker run --pid=host)");
	return 0;
}

static int check_process(uint32_t pid, struct error *error)
{
	auto_free(process_identity) struct process_identity *identity = NULL;
	int err = process_identity_read((pid_t)pid, &identity, NULL);

	if (err == -ESRCH || err == -ENOENT)
		return error_set(error, -ESRCH, "no process has PID %u", pid);
	if (err)
		return error_set(error, err, "cannot read /proc/%u: %s", pid, strerror(-err));
	if (identity->is_kernel_thread)
		return error_set(error, -EINVAL,
				 "PID %u is a kernel thread (%s); parkscope watches processes", pid,
				 identity->name);
	if (identity->tgid != (pid_t)pid)
		return error_set(error, -EINVAL, "%u is a thread of process %d; use -p %d", pid,
				 (int)identity->tgid, (int)identity->tgid);
	return 0;
}

/* What a replay shows and judges by, unless it is told otherwise. */
static void describe_options(const struct options *options, struct recording_start *start)
{
	start->top = options->top;
	start->units = options->units;
	start->full = options->full;
	start->runtime_frames = options->runtime_frames;
	start->leak_after_ns = options->rules.leak_after_ns;
	if (option_is_given(options, OPTION_LEAK_MIN))
		start->leak_min = options->rules.ladder.entrants_min;
}

static int start_recording(struct session *session, const struct options *options, int64_t began_ns,
			   struct error *error)
{
	struct recording_start start = {.wall_ns = began_ns, .features_count = FEATURE_COUNT};
	struct report report;
	int err = sources_baseline(session->sources, &report, error);

	if (err)
		return err;
	start.opened_ns = report.opened_ns;
	describe_options(options, &start);
	memcpy(start.run_id, session->identity.run_id, sizeof(start.run_id));
	memcpy(start.hostname, session->identity.hostname, sizeof(start.hostname));
	for (int i = 0; i < FEATURE_COUNT; i++) {
		snprintf(start.features[i].name, sizeof(start.features[i].name), "%s",
			 feature_info((enum feature)i)->name);
		start.features[i].available = session->features.has[i];
	}
	err = recording_start(session->recording, &start, PARKSCOPE_VERSION, error);
	return err ? err : recording_sweep(session->recording, &report, false, error);
}

static uint32_t cpus(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count > 0 ? (uint32_t)count : 1;
}

int session_open(const struct options *options, bool events, struct session **ret,
		 struct error *error)
{
	auto_free(session) struct session *session = calloc(1, sizeof(*session));
	struct sources_config config;
	int64_t began_ns;
	int err;

	if (!session)
		return error_set(error, -ENOMEM, "out of memory");
	open_files_raise_limit();
	err = run_identity_make(&session->identity);
	if (err)
		return error_set(error, err, "cannot make a run id: %s", strerror(-err));
	err = check_pid_namespace(error);
	for (size_t i = 0; !err && i < options->pids_count; i++)
		err = check_process(options->pids[i], error);
	if (!err && options->record)
		err = recording_open(options->record, &session->recording, error);
	if (!err)
		err = features_probe(options->forced_off, &session->features, error);
	if (!err)
		err = features_check_required(&session->features, error);
	if (!err)
		err = sink_open(options->output, &session->sink, error);
	/* It writes one line of its own. */
	if (!err && options->command != COMMAND_CHECK)
		err = formatter_new(options, &session->features, &session->identity, session->sink,
				    &session->formatter, error);
	if (err)
		return err;

	config = (struct sources_config){
		.features = &session->features,
		.pids = options->pids,
		.pids_count = options->pids_count,
		.events = events,
		.demangle = options->demangle,
		.keep_sites = options->record != NULL,
		.memory = options->memory,
		.rules = options->rules,
		.budget =
			{
				.part = options->budget_percent / 100,
				.cpus = cpus(),
				.interval_ns = options->interval_ns,
			},
		.exact = options->exact,
		.lines = options->lines,
		.each_goroutine = options->format == FORMAT_GO,
		/* For `diff`. */
		.stays = options->command == COMMAND_DUMP && options->format == FORMAT_JSONL,
		.runtime_frames = options->runtime_frames,
	};
	err = sources_open(&config, &session->sources, error);
	if (err) {
		if (options->verbose)
			fputs(libbpf_messages(), stderr);
		return err;
	}
	if (events && options->pids_count && !sources_living(session->sources))
		return error_set(error, -ESRCH, "the process ended before parkscope was attached");
	began_ns = (int64_t)clock_ns(CLOCK_REALTIME);
	if (session->formatter)
		err = formatter_start(session->formatter, began_ns, error);
	if (!err && session->recording)
		err = start_recording(session, options, began_ns, error);
	if (err)
		return err;
	*ret = take_ptr(session);
	return 0;
}
