// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/cost_meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"

/* How long the kernel counts, and how long it does not. */
#define COUNTING_NS 25000000ULL
#define RESTING_NS  975000000ULL

struct cost_meter {
	struct tracer *tracer;
	double began_cpu_s;
	int counting; /* descriptor that keeps the kernel counting; -1: it does not, for us */
	bool refused;
	uint64_t counted_to_ns; /* when it last stopped, or the meter was made */
	uint64_t window_ns;     /* when it last began */
	uint64_t window_run_ns, window_runs;

	uint64_t sampled_ns; /* in which it counted */
	double bpf_ns, bpf_runs;
};

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static uint64_t rss_bytes(void)
{
	autofclose FILE *statm = fopen("/proc/self/statm", "re");
	long pages;

	if (!statm || fscanf(statm, "%*d %ld", &pages) != 1)
		return 0;
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

struct cost_meter *cost_meter_new(struct tracer *tracer)
{
	struct cost_meter *meter = calloc(1, sizeof(*meter));

	if (!meter)
		return NULL;
	meter->tracer = tracer;
	meter->began_cpu_s = cpu_seconds();
	meter->counting = -1;
	meter->counted_to_ns = monotonic_ns();
	return meter;
}

void cost_meter_free(struct cost_meter *meter)
{
	if (!meter)
		return;
	if (meter->counting >= 0)
		close(meter->counting);
	free(meter);
}

static void begin_counting(struct cost_meter *meter)
{
	meter->counting = tracer_count_run_time();
	if (meter->counting < 0) {
		meter->refused = true;
		return;
	}
	tracer_run_time(meter->tracer, &meter->window_runs, &meter->window_run_ns);
	meter->window_ns = monotonic_ns();
}

/* What was counted stands for the time since it was last counted, too. */
static void end_counting(struct cost_meter *meter)
{
	uint64_t runs, run_ns, now_ns = monotonic_ns();
	double times;

	if (meter->counting < 0)
		return;
	tracer_run_time(meter->tracer, &runs, &run_ns);
	close(meter->counting);
	meter->counting = -1;
	if (now_ns <= meter->window_ns)
		return;
	times = (double)(now_ns - meter->counted_to_ns) / (double)(now_ns - meter->window_ns);
	meter->bpf_ns += (double)(run_ns - meter->window_run_ns) * times;
	meter->bpf_runs += (double)(runs - meter->window_runs) * times;
	meter->sampled_ns += now_ns - meter->window_ns;
	meter->counted_to_ns = now_ns;
}

uint64_t cost_meter_tick(struct cost_meter *meter)
{
	if (meter->counting >= 0)
		end_counting(meter);
	else if (!meter->refused)
		begin_counting(meter);
	return meter->counting >= 0 ? COUNTING_NS : RESTING_NS;
}

void cost_meter_read(struct cost_meter *meter, struct own_cost *cost)
{
	end_counting(meter);
	cost->cpu_seconds = cpu_seconds() - meter->began_cpu_s;
	cost->rss_bytes = rss_bytes();
	cost->map_bytes = tracer_map_bytes(meter->tracer);
	cost->bpf_seconds = meter->sampled_ns ? meter->bpf_ns / 1e9 : -1;
	cost->bpf_runs = (uint64_t)meter->bpf_runs;
	cost->bpf_sampled_seconds = (double)meter->sampled_ns / 1e9;
}
