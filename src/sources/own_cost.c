// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/own_cost.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "base/clock.h"
#include "sources/stacks.h"

#define WINDOW_NS 25000000ULL
/* Less would show little. */
#define WINDOW_MIN_NS 2000000ULL
/* Between two steps: of a length that keeps pace with nothing. */
#define STEP_MIN_NS 500000000ULL
#define STEP_MAX_NS 1500000000ULL
/* One window in so many steps, but for the first ones. */
#define WINDOW_STEPS  4
#define WINDOWS_FIRST 4

/* What the kernel has counted by then. */
struct counts {
	uint64_t now_ns;
	uint64_t runs;
	uint64_t run_ns;
	uint64_t walks_ns;
};

struct own_cost_meter {
	const struct sources_context *context;
	int timer;        /* -1: there is nothing to measure */
	int statistics;   /* descriptor of kernel.bpf_stats_enabled; -1: it cannot be read */
	int window;       /* while it is held, the kernel counts; -1 */
	int refused;      /* why it does not, negative errno; 0: it does */
	bool host_counts; /* all the time, as of the last step */
	bool known;       /* there are rates */
	uint64_t steps;
	struct counts began; /* of the window, or of the step while the host counts */
	double hooks_rate;   /* ns a ns, and... */
	double runs_rate;    /* ...runs a ns, as of the last window */
	uint64_t estimated_until_ns;
	double hooks_ns, runs; /* estimated up to there */
	uint64_t sampled_ns;   /* in windows */
};

void own_cost_meter_free(struct own_cost_meter *meter)
{
	if (!meter)
		return;
	if (meter->window >= 0)
		close(meter->window);
	if (meter->timer >= 0)
		close(meter->timer);
	if (meter->statistics >= 0)
		close(meter->statistics);
	free(meter);
}

static uint64_t since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

static uint64_t walks_ns(const struct own_cost_meter *meter)
{
	struct abi_unwind_statistics walks = {0};

	tracer_unwind_statistics(meter->context->tracer, &walks);
	return walks.duration_ns;
}

static struct counts count(const struct own_cost_meter *meter)
{
	struct counts counts = {.now_ns = monotonic_ns(), .walks_ns = walks_ns(meter)};

	tracer_hooks_run_time(meter->context->tracer, &counts.runs, &counts.run_ns);
	return counts;
}

static bool host_counts(const struct own_cost_meter *meter)
{
	char digit;

	return meter->statistics >= 0 && pread(meter->statistics, &digit, 1, 0) == 1 &&
	       digit != '0';
}

/* What the last window showed has gone on until now. */
static void estimate(struct own_cost_meter *meter, uint64_t now_ns)
{
	double passed_ns = (double)since(now_ns, meter->estimated_until_ns);

	if (passed_ns <= 0)
		return;
	meter->hooks_ns += meter->hooks_rate * passed_ns;
	meter->runs += meter->runs_rate * passed_ns;
	meter->estimated_until_ns = now_ns;
}

/* The kernel has counted since `began`. False: for too short a time. */
static bool learn(struct own_cost_meter *meter, const struct counts *now)
{
	const struct counts *began = &meter->began;
	uint64_t length_ns = since(now->now_ns, began->now_ns);
	uint64_t hooks_ns =
		since(since(now->run_ns, began->run_ns), since(now->walks_ns, began->walks_ns));

	if (length_ns < WINDOW_MIN_NS)
		return false;
	/* What was before the first window was like it. */
	if (meter->known)
		estimate(meter, began->now_ns);
	meter->hooks_rate = (double)hooks_ns / (double)length_ns;
	meter->runs_rate = (double)since(now->runs, began->runs) / (double)length_ns;
	meter->known = true;
	estimate(meter, now->now_ns);
	if (!meter->host_counts)
		meter->sampled_ns += length_ns;
	return true;
}

static void open_window(struct own_cost_meter *meter)
{
	meter->window = bpf_enable_stats(BPF_STATS_RUN_TIME);
	meter->refused = meter->window < 0 ? -errno : 0;
	if (meter->window >= 0)
		meter->began = count(meter);
}

static void close_window(struct own_cost_meter *meter)
{
	const struct counts now = count(meter);

	close(meter->window);
	meter->window = -1;
	learn(meter, &now);
}

static void wake_after(const struct own_cost_meter *meter, uint64_t ns)
{
	const struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)(ns / 1000000000),
			     .tv_nsec = (long)(ns % 1000000000)},
	};

	timerfd_settime(meter->timer, 0, &when, NULL);
}

/* The first ones are shorter, so that short runs are measured, too: an eighth, a quarter, a half.
 */
static uint64_t next_step_ns(const struct own_cost_meter *meter)
{
	unsigned int shift =
		meter->steps < WINDOWS_FIRST ? WINDOWS_FIRST - (unsigned int)meter->steps : 0;
	uint64_t random = 0;

	/* Without randomness the steps are even. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = (STEP_MAX_NS - STEP_MIN_NS) / 2;
	return (STEP_MIN_NS + random % (STEP_MAX_NS - STEP_MIN_NS)) >> shift;
}

/* Between windows. */
static void step(struct own_cost_meter *meter)
{
	bool counted = meter->host_counts;

	meter->host_counts = host_counts(meter);
	if (meter->host_counts) {
		const struct counts now = count(meter);

		if (counted)
			learn(meter, &now);
		meter->began = now;
		meter->refused = 0;
	} else if (meter->steps < WINDOWS_FIRST || meter->steps % WINDOW_STEPS == 0) {
		open_window(meter);
	}
	meter->steps++;
	wake_after(meter, meter->window >= 0 ? WINDOW_NS : next_step_ns(meter));
}

bool own_cost_meter_step(struct own_cost_meter *meter)
{
	uint64_t times;

	if (meter->timer < 0 || read(meter->timer, &times, sizeof(times)) != sizeof(times))
		return false;
	if (meter->window < 0) {
		step(meter);
	} else {
		close_window(meter);
		wake_after(meter, next_step_ns(meter));
	}
	return meter->window < 0;
}

int own_cost_meter_new(const struct sources_context *context, bool hooks,
		       struct own_cost_meter **ret)
{
	auto_free(own_cost_meter) struct own_cost_meter *meter = calloc(1, sizeof(*meter));

	if (!meter)
		return -ENOMEM;
	meter->context = context;
	meter->timer = meter->window = meter->statistics = -1;
	if (hooks) {
		meter->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		if (meter->timer < 0)
			return -errno;
		meter->statistics =
			open("/proc/sys/kernel/bpf_stats_enabled", O_RDONLY | O_CLOEXEC);
		meter->estimated_until_ns = monotonic_ns();
		step(meter);
	}
	*ret = take_ptr(meter);
	return 0;
}

int own_cost_meter_fd(const struct own_cost_meter *meter)
{
	return meter->timer;
}

/* Also of a run that is too short for a second step. */
static void estimate_until_now(struct own_cost_meter *meter)
{
	if (meter->host_counts || (!meter->known && meter->window >= 0)) {
		const struct counts now = count(meter);

		if (learn(meter, &now) && meter->host_counts)
			meter->began = now;
	}
	if (meter->known)
		estimate(meter, monotonic_ns());
}

static uint64_t timeval_ns(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_usec * 1000;
}

static uint64_t tool_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return timeval_ns(&usage.ru_utime) + timeval_ns(&usage.ru_stime);
}

struct own_cost_reading own_cost_meter_read(struct own_cost_meter *meter)
{
	estimate_until_now(meter);
	return (struct own_cost_reading){
		.now_ns = monotonic_ns(),
		.hooks_ns = (uint64_t)meter->hooks_ns,
		.walks_ns = walks_ns(meter),
		.tool_ns = tool_ns(),
	};
}

static uint64_t rss_bytes(void)
{
	autofclose FILE *statm = fopen("/proc/self/statm", "re");
	long pages;

	if (!statm || fscanf(statm, "%*d %ld", &pages) != 1)
		return 0;
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t kernel_bytes(const struct sources_context *context,
			     const struct unwind_cost *unwind)
{
	return context->map_bytes + unwind->kernel_table_bytes +
	       thread_table_count(context->threads) * tracer_record_bytes(context->tracer);
}

uint64_t own_cost_memory(const struct sources_context *context)
{
	struct unwind_cost unwind = {0};

	stacks_statistics(context->stacks, &unwind);
	return rss_bytes() + kernel_bytes(context, &unwind) +
	       since(context->table_bytes / 2, unwind.table_bytes);
}

struct own_cost own_cost_meter_cost(struct own_cost_meter *meter)
{
	struct own_cost cost = {.bpf_seconds = -1, .rss_bytes = rss_bytes()};

	stacks_statistics(meter->context->stacks, &cost.unwind);
	cost.map_bytes = kernel_bytes(meter->context, &cost.unwind);
	cost.cpu_seconds = (double)tool_ns() / 1e9;
	if (meter->timer < 0)
		return cost;
	estimate_until_now(meter);
	if (meter->known) {
		cost.bpf_seconds = meter->hooks_ns / 1e9 + cost.unwind.seconds;
		cost.bpf_runs = (uint64_t)meter->runs;
		cost.bpf_sampled_seconds = (double)meter->sampled_ns / 1e9;
	}
	cost.bpf_error = meter->known ? 0 : -meter->refused;
	return cost;
}
