// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/libbpf_messages.h"
#include "host/open_files.h"
#include "process/process_identity.h"

/* PROC_PID_INIT_INO, include/linux/proc_ns.h: the initial PID namespace has this inode. */
#define INITIAL_PID_NAMESPACE 0xEFFFFFFCU

void session_free(struct session *session)
{
	if (!session)
		return;
	sources_free(session->sources);
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

int session_open(const struct options *options, bool events, struct session **ret,
		 struct error *error)
{
	auto_free(session) struct session *session = calloc(1, sizeof(*session));
	struct sources_config config;
	int err;

	if (!session)
		return error_set(error, -ENOMEM, "out of memory");
	open_files_raise_limit();
	err = check_pid_namespace(error);
	for (size_t i = 0; !err && i < options->pids_count; i++)
		err = check_process(options->pids[i], error);
	if (!err)
		err = features_probe(options->forced_off, &session->features, error);
	if (!err)
		err = features_check_required(&session->features, error);
	if (!err)
		err = sink_open(options->output, &session->sink, error);
	/* It writes one line of its own. */
	if (!err && options->command != COMMAND_CHECK)
		err = formatter_new(options, &session->features, session->sink, &session->formatter,
				    error);
	if (err)
		return err;

	config = (struct sources_config){
		.features = &session->features,
		.pids = options->pids,
		.pids_count = options->pids_count,
		.events = events,
		.demangle = options->demangle,
		.table_memory = options->table_memory,
		.rules = options->rules,
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
	if (session->formatter)
		err = formatter_start(session->formatter, error);
	if (err)
		return err;
	*ret = take_ptr(session);
	return 0;
}
