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
#include "model/budget.h"

/* A leak that only one sweep has shown is looked at again before long. */
#define CONFIRM_NS 2500000000ULL

/* The kernel counts for the first time so soon after we are attached. */
#define MEASURE_FIRST_NS 100000000ULL

struct report_loop {
	const struct options *options;
	const struct report_handler *handler;
	struct session *session;
	int signals;
	int interval_timer;
	int duration_timer; /* -1: no limit */
	int measure_timer;  /* when what we cost is to be measured, and no longer */
	struct budget budget;
	struct own_cost known;  /* what we had cost when the budget was last adapted */
	uint64_t known_ns;      /* when that was */
	double sweep_began_cpu; /* CPU time at the last report's beginning, s */
};

static void report_loop_close(const struct report_loop *loop)
{
	if (loop->signals >= 0)
		close(loop->signals);
	if (loop->interval_timer >= 0)
		close(loop->interval_timer);
	if (loop->duration_timer >= 0)
		close(loop->duration_timer);
	if (loop->measure_timer >= 0)
		close(loop->measure_timer);
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
		{.fd = loop->measure_timer, .events = POLLIN},
		{.fd = sources_events_fd(loop->session->sources), .events = POLLIN},
		/* Only POLLERR: the reader of the pipe has gone. */
		{.fd = loop->options->output ? -1 : STDOUT_FILENO},
	};

	enum {
		READER = sizeof(fds) / sizeof(fds[0]) - 1
	};

	for (;;) {
		bool interrupted = false;
		int err;

		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0 && errno != EINTR)
			return error_set(error, -errno, "poll: %s", strerror(errno));
		err = sources_handle_events(loop->session->sources);
		if (err)
			return error_set(error, err, "cannot read events: %s", strerror(-err));
		err = take_signals(loop, &interrupted, error);
		if (err)
			return err;

		if (expired(loop->measure_timer))
			err = set_timer(loop->measure_timer,
					sources_measure(loop->session->sources), 0, error);
		if (err)
			return err;

		*wake = WAKE_INTERRUPTED;
		if (interrupted) {
			sink_hurry(loop->session->sink);
			return 0;
		}
		*wake = WAKE_READER_GONE;
		if (fds[READER].revents & (POLLERR | POLLNVAL))
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

static double cpu_seconds(void)
{
	return (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9;
}

static uint64_t ns_since(double now_s, double then_s)
{
	return now_s > then_s ? (uint64_t)((now_s - then_s) * 1e9) : 0;
}

/* After a report: what the interval has cost, and so how often to sweep and to walk from now on. */
static int keep_to_budget(struct report_loop *loop, const struct report *report,
			  struct error *error)
{
	const struct own_cost *now = &report->cost, *then = &loop->known;
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC), due_ns = loop->budget.due_interval_ns;
	double bpf_s = now->bpf_seconds > 0 ? now->bpf_seconds : 0;
	uint64_t walks_ns = ns_since(now->unwind.seconds, then->unwind.seconds);
	uint64_t bpf_ns = ns_since(bpf_s, then->bpf_seconds);
	const struct budget_use use = {
		.elapsed_ns = now_ns - loop->known_ns,
		.hooks_ns = bpf_ns > walks_ns ? bpf_ns - walks_ns : 0,
		.walks_ns = walks_ns,
		.tool_ns = ns_since(now->cpu_seconds, then->cpu_seconds),
		.sweep_ns = ns_since(cpu_seconds(), loop->sweep_began_cpu),
	};

	loop->known = *now;
	loop->known.bpf_seconds = bpf_s;
	loop->known_ns = now_ns;
	budget_adapt(&loop->budget, &use);
	sources_set_walk_allowance(loop->session->sources,
				   budget_walks_in(&loop->budget, 1000000000));
	if (budget_puts_off(&loop->budget))
		sources_throttled(loop->session->sources);
	if (loop->budget.due_interval_ns == due_ns)
		return 0;
	return set_timer(loop->interval_timer, loop->budget.due_interval_ns,
			 loop->budget.due_interval_ns, error);
}

/* What the last period took; of this one it is not known yet. */
static void note_budget(const struct report_loop *loop, struct own_cost *cost)
{
	cost->budget_percent = loop->budget.percent;
	cost->used_percent = loop->budget.used_percent;
	cost->interval_s = (double)loop->budget.due_interval_ns / 1e9;
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
		loop->sweep_began_cpu = cpu_seconds();
		err = sources_take_report(session->sources, &report, error);
		if (err)
			return err;
		note_budget(loop, &report.cost);
		/* The process may have ended in this very sweep. */
		if (wake == WAKE_INTERVAL && options->pids_count &&
		    !sources_living(session->sources))
			wake = WAKE_PROCESS_ENDED;
		report.last = wake != WAKE_INTERVAL || reports == options->count;
		err = loop->handler->report(session, &report, wake, loop->handler->context, error);
		sources_end_report(session->sources);
		if (err || report.last)
			return err;
		err = keep_to_budget(loop, &report, error);
		if (!err && report.leak_pending && loop->budget.due_interval_ns > CONFIRM_NS)
			err = set_timer(loop->interval_timer, CONFIRM_NS,
					loop->budget.due_interval_ns, error);
		if (err)
			return err;
	}
}

static void begin_budget(struct report_loop *loop)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	loop->budget = budget_new(loop->options->budget_percent, cpus > 0 ? (uint32_t)cpus : 1,
				  loop->options->interval_ns);
	loop->known_ns = clock_ns(CLOCK_MONOTONIC);
	sources_set_walk_allowance(loop->session->sources,
				   budget_walks_in(&loop->budget, 1000000000));
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
		.duration_timer = -1,
		.measure_timer = -1,
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
	if (!err)
		err = open_timer(MEASURE_FIRST_NS, 0, &loop.measure_timer, error);
	if (err)
		return err;
	begin_budget(&loop);
	return run(&loop, error);
}
