// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/report_loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* A leak that only one sweep has shown is looked at again before long. */
#define CONFIRM_NS 2500000000ULL
/*
 * So long events pile up once some have been handled: a storm of births costs a wake-up for
 * many of them, not for each, neither here nor on the threads that are born.
 */
#define EVENTS_REST_MS 10

struct report_loop {
	const struct options *options;
	const struct report_handler *handler;
	struct session *session;
	int signals;
	int interval_timer;
	uint64_t interval_ns; /* of that timer */
	int duration_timer;   /* -1: no limit */
};

static void report_loop_close(const struct report_loop *loop)
{
	if (loop->signals >= 0)
		close(loop->signals);
	if (loop->interval_timer >= 0)
		close(loop->interval_timer);
	if (loop->duration_timer >= 0)
		close(loop->duration_timer);
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
static int take_signals(struct report_loop *loop, bool *interrupted, struct error *error)
{
	struct signalfd_siginfo signal;

	while (read(loop->signals, &signal, sizeof(signal)) == sizeof(signal)) {
		if (signal.ssi_signo == SIGHUP && loop->options->output) {
			int err = sink_reopen(loop->session->sink, error);

			if (err)
				return err;
		} else {
			*interrupted = true;
		}
	}
	return 0;
}

/* Handles births and exits until the next report is due. */
static int wait_for_report(struct report_loop *loop, enum wake *wake, struct error *error)
{
	struct pollfd fds[] = {
		{.fd = loop->signals, .events = POLLIN},
		{.fd = loop->interval_timer, .events = POLLIN},
		{.fd = loop->duration_timer, .events = POLLIN},
		{.events = POLLIN}, /* births and exits, but while they pile up */
		{.fd = sources_timer_fd(loop->session->sources), .events = POLLIN},
		/* Only POLLERR: the reader of the pipe has gone. */
		{.fd = loop->options->output ? -1 : STDOUT_FILENO},
	};

	for (bool rest = false;; rest = fds[3].revents) {
		bool interrupted = false;
		int err;

		fds[3].fd = rest ? -1 : sources_events_fd(loop->session->sources);
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), rest ? EVENTS_REST_MS : -1) < 0 &&
		    errno != EINTR)
			return error_set(error, -errno, "poll: %s", strerror(errno));
		if (fds[4].revents)
			sources_handle_timer(loop->session->sources);
		err = sources_handle_events(loop->session->sources);
		if (err)
			return error_set(error, err, "cannot read events: %s", strerror(-err));
		err = take_signals(loop, &interrupted, error);
		if (err)
			return err;

		*wake = WAKE_INTERRUPTED;
		if (interrupted) {
			sink_hurry(loop->session->sink);
			return 0;
		}
		*wake = WAKE_READER_GONE;
		if (fds[5].revents & (POLLERR | POLLNVAL))
			return 0;
		*wake = WAKE_PROCESS_ENDED;
		if (loop->options->pids_count && !sources_living(loop->session->sources))
			return 0;
		*wake = WAKE_DURATION;
		if (expired(loop->duration_timer))
			return 0;
		*wake = WAKE_INTERVAL;
		if (expired(loop->interval_timer))
			return 0;
	}
}

/* After the report of a sweep that began at `began_ns`. */
static int plan_report(struct report_loop *loop, uint64_t began_ns, bool confirm,
		       struct error *error)
{
	uint64_t interval_ns = sources_interval_ns(loop->session->sources);
	uint64_t passed_ns = monotonic_ns() - began_ns;
	bool same = interval_ns == loop->interval_ns;

	loop->interval_ns = interval_ns;
	/* Unless the budget has put reports off. */
	if (confirm && interval_ns > CONFIRM_NS && interval_ns == loop->options->interval_ns)
		return set_timer(loop->interval_timer, CONFIRM_NS, interval_ns, error);
	/* Else it goes on by itself. */
	if (same)
		return 0;
	return set_timer(loop->interval_timer,
			 interval_ns > passed_ns ? interval_ns - passed_ns : 1, interval_ns, error);
}

static int run(struct report_loop *loop, struct error *error)
{
	const struct options *options = loop->options;
	struct session *session = loop->session;

	for (uint64_t reports = 1;; reports++) {
		struct report report;
		enum wake wake;
		int err = wait_for_report(loop, &wake, error);

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
		err = loop->handler->report(session, &report, wake, loop->handler->context, error);
		sources_end_report(session->sources);
		if (err || report.last)
			return err;
		err = plan_report(loop, report.now_ns, report.leak_pending, error);
		if (err)
			return err;
	}
}

int report_loop_run(const struct options *options, const struct report_handler *handler,
		    struct error *error)
{
	auto_free(session) struct session *session = NULL;
	cleanup(report_loop_close) struct report_loop loop = {
		.options = options,
		.handler = handler,
		.signals = -1,
		.interval_timer = -1,
		.interval_ns = options->interval_ns,
		.duration_timer = -1,
	};
	int err;

	loop.signals = open_signals(error);
	if (loop.signals < 0)
		return loop.signals;
	err = session_open(options, true, &session, error);
	if (err)
		return err;
	loop.session = session;
	sink_interrupt_by(session->sink, loop.signals);
	err = open_timer(options->interval_ns, options->interval_ns, &loop.interval_timer, error);
	if (!err && options->duration_ns)
		err = open_timer(options->duration_ns, 0, &loop.duration_timer, error);
	return err ? err : run(&loop, error);
}
