// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/commands.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "commands/session.h"

/* A leak that only one sweep has shown is looked at again before long. */
#define CONFIRM_NS 2500000000ULL

/* Why the next report is due. */
enum wake {
	WAKE_INTERVAL,
	WAKE_DURATION,
	WAKE_INTERRUPTED,
	WAKE_PROCESS_ENDED,
	WAKE_READER_GONE,
};

struct watch {
	const struct options *options;
	struct session *session;
	int signals;
	int interval_timer;
	int duration_timer; /* -1: no limit */
};

static void watch_close(const struct watch *watch)
{
	if (watch->signals >= 0)
		close(watch->signals);
	if (watch->interval_timer >= 0)
		close(watch->interval_timer);
	if (watch->duration_timer >= 0)
		close(watch->duration_timer);
}

/* Handled one at a time by the loop: a report is never cut. */
static int open_signals(struct error *error)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? error_set(error, -errno, "signalfd: %s", strerror(errno)) : fd;
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / 1000000000ULL),
		.tv_nsec = (long)(ns % 1000000000ULL),
	};
}

/* `repeat_ns` 0: expires once. */
static int set_timer(int timer, uint64_t first_ns, uint64_t repeat_ns, struct error *error)
{
	const struct itimerspec when = {
		.it_value = timespec_of(first_ns),
		.it_interval = timespec_of(repeat_ns),
	};

	if (timerfd_settime(timer, 0, &when, NULL))
		return error_set(error, -errno, "timerfd_settime: %s", strerror(errno));
	return 0;
}

static int open_timer(uint64_t first_ns, uint64_t repeat_ns, int *timer, struct error *error)
{
	*timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (*timer < 0)
		return error_set(error, -errno, "timerfd_create: %s", strerror(errno));
	return set_timer(*timer, first_ns, repeat_ns, error);
}

static bool expired(int timer)
{
	uint64_t times;

	return timer >= 0 && read(timer, &times, sizeof(times)) == sizeof(times);
}

/* SIGHUP opens the file again; true: a signal asks us to end. */
static int take_signals(struct watch *watch, bool *interrupted, struct error *error)
{
	struct signalfd_siginfo signal;

	while (read(watch->signals, &signal, sizeof(signal)) == sizeof(signal)) {
		if (signal.ssi_signo == SIGHUP && watch->options->output) {
			int err = sink_reopen(watch->session->sink, error);

			if (err)
				return err;
		} else {
			*interrupted = true;
		}
	}
	return 0;
}

/* Handles births and exits until the next report is due. */
static int wait_for_report(struct watch *watch, enum wake *wake, struct error *error)
{
	struct pollfd fds[] = {
		{.fd = watch->signals, .events = POLLIN},
		{.fd = watch->interval_timer, .events = POLLIN},
		{.fd = watch->duration_timer, .events = POLLIN},
		{.fd = sources_events_fd(watch->session->sources), .events = POLLIN},
		/* Only POLLERR: the reader of the pipe has gone. */
		{.fd = watch->options->output ? -1 : STDOUT_FILENO},
	};

	for (;;) {
		bool interrupted = false;
		int err;

		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0 && errno != EINTR)
			return error_set(error, -errno, "poll: %s", strerror(errno));
		err = sources_handle_events(watch->session->sources);
		if (err)
			return error_set(error, err, "cannot read events: %s", strerror(-err));
		err = take_signals(watch, &interrupted, error);
		if (err)
			return err;

		*wake = WAKE_INTERRUPTED;
		if (interrupted) {
			sink_hurry(watch->session->sink);
			return 0;
		}
		*wake = WAKE_READER_GONE;
		if (fds[4].revents & (POLLERR | POLLNVAL))
			return 0;
		*wake = WAKE_PROCESS_ENDED;
		if (watch->options->pids_count && !sources_living(watch->session->sources))
			return 0;
		*wake = WAKE_DURATION;
		if (expired(watch->duration_timer))
			return 0;
		*wake = WAKE_INTERVAL;
		if (expired(watch->interval_timer))
			return 0;
	}
}

static const char *end_reason(enum wake wake)
{
	switch (wake) {
	case WAKE_DURATION:
		return "duration";
	case WAKE_INTERRUPTED:
		return "interrupted";
	case WAKE_PROCESS_ENDED:
		return "process_ended";
	default:
		return "count";
	}
}

static int watch_loop(struct watch *watch, struct error *error)
{
	const struct options *options = watch->options;
	struct session *session = watch->session;

	for (uint64_t reports = 1;; reports++) {
		struct report report;
		enum wake wake;
		int err = wait_for_report(watch, &wake, error);

		if (err)
			return err;
		if (wake == WAKE_READER_GONE)
			return -EPIPE;
		err = sources_take_report(session->sources, &report, error);
		if (err)
			return err;
		/* The process may have ended in this very sweep. */
		if (wake == WAKE_INTERVAL && options->pids_count &&
		    !sources_living(session->sources))
			wake = WAKE_PROCESS_ENDED;
		report.last = wake != WAKE_INTERVAL || reports == options->count;
		err = formatter_report(session->formatter, &report, error);
		if (!err && report.last)
			err = formatter_end(session->formatter, &report, end_reason(wake), error);
		sources_end_report(session->sources);
		if (err || report.last)
			return err;
		if (report.leak_pending && options->interval_ns > CONFIRM_NS)
			err = set_timer(watch->interval_timer, CONFIRM_NS, options->interval_ns,
					error);
		if (err)
			return err;
	}
}

int watch_run(const struct options *options, struct error *error)
{
	auto_free(session) struct session *session = NULL;
	cleanup(watch_close) struct watch watch = {
		.options = options,
		.signals = -1,
		.interval_timer = -1,
		.duration_timer = -1,
	};
	int err;

	watch.signals = open_signals(error);
	if (watch.signals < 0)
		return watch.signals;
	err = session_open(options, true, &session, error);
	if (err)
		return err;
	watch.session = session;
	sink_interrupt_by(session->sink, watch.signals);
	err = open_timer(options->interval_ns, options->interval_ns, &watch.interval_timer, error);
	if (!err && options->duration_ns)
		err = open_timer(options->duration_ns, 0, &watch.duration_timer, error);
	return err ? err : watch_loop(&watch, error);
}
