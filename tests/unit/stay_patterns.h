/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_STAY_PATTERNS_H
#define PARKSCOPE_TESTS_STAY_PATTERNS_H

/*
 * Leaks and healthy crowds, made stay by stay from a seed. Times are seconds since we attached;
 * what came before has negative ones.
 */

#include <math.h>

#include "stay_simulation.h"

#define HOUR 3600.0

static double pareto(struct simulation *simulation, double alpha)
{
	return pow(1 - uniform(simulation), -1 / alpha);
}

static double lognormal(struct simulation *simulation, double mu, double sigma)
{
	double radius = sqrt(exponential(simulation, 2));

	return exp(mu + sigma * radius * cos(6.283185307179586 * uniform(simulation)));
}

/* Units that park again and again at the same site. */
static void repark(struct simulation *simulation, size_t units, double mean)
{
	for (size_t i = 0; i < units; i++) {
		double t = -uniform(simulation) * mean;

		while (t < simulation->end) {
			double stay = exponential(simulation, mean);

			add(simulation, t, t + stay);
			t += stay + 0.5;
		}
	}
}

static void leak_2_per_s(struct simulation *simulation)
{
	simulation->end = 1200;
	leak(simulation, 2, 0, simulation->end);
}

static void leak_since_long(struct simulation *simulation)
{
	simulation->end = 1200;
	leak(simulation, 2, -600, simulation->end);
}

static void leak_2_per_s_long(struct simulation *simulation)
{
	simulation->end = 0.5 * HOUR;
	leak(simulation, 2, 0, simulation->end);
}

static void leak_12_per_min(struct simulation *simulation)
{
	simulation->end = 2 * HOUR;
	leak(simulation, 0.2, 60, simulation->end);
}

static void leak_1_per_min(struct simulation *simulation)
{
	simulation->end = 4 * HOUR;
	leak(simulation, 1 / 60., 60, simulation->end);
}

static void leak_each_minute(struct simulation *simulation)
{
	simulation->end = 4 * HOUR;
	for (double t = 60; t < simulation->end; t += 60)
		add(simulation, t + uniform(simulation) * 10, FOR_EVER);
}

static void leak_and_pool_20(struct simulation *simulation)
{
	simulation->end = 2 * HOUR;
	leak(simulation, 1 / 60., 60, simulation->end);
	repark(simulation, 1000, 20);
}

static void leak_and_pool_60(struct simulation *simulation)
{
	simulation->end = 4 * HOUR;
	leak(simulation, 1 / 60., 60, simulation->end);
	repark(simulation, 1000, 60);
}

static void leak_and_churn(struct simulation *simulation)
{
	double t = -HOUR;

	simulation->end = 4 * HOUR;
	leak(simulation, 1 / 60., 60, simulation->end);
	while ((t = next_arrival(simulation, t, 20)) < simulation->end)
		add(simulation, t, t + pareto(simulation, 1.5));
}

static void leak_stops(struct simulation *simulation)
{
	simulation->end = 4 * HOUR;
	leak(simulation, 0.2, 60, 1260);
}

static void leak_in_bursts(struct simulation *simulation)
{
	simulation->end = 4 * HOUR;
	for (double burst = 60; burst < simulation->end; burst += 600)
		for (int i = 0; i < 20; i++)
			add(simulation, burst + uniform(simulation) * 20, FOR_EVER);
}

/* One of twenty leaks: the others end within a minute. */
static void leak_of_some(struct simulation *simulation)
{
	double t = -HOUR;

	simulation->end = 2 * HOUR;
	while ((t = next_arrival(simulation, t, 4)) < simulation->end)
		add(simulation, t,
		    uniform(simulation) < 0.05 ? FOR_EVER : t + exponential(simulation, 10));
}

static void leak_6_per_min(struct simulation *simulation)
{
	simulation->end = 4 * HOUR;
	leak(simulation, 0.1, 60, simulation->end);
}

static void ramp(struct simulation *simulation)
{
	double t = 0;

	simulation->end = 3 * HOUR;
	while ((t = next_arrival(simulation, t, 20)) < simulation->end)
		if (uniform(simulation) * 20 < t / 180)
			add(simulation, t, t + exponential(simulation, 10));
}

static void slow_consumer(struct simulation *simulation)
{
	double t = 0;

	simulation->end = 6 * HOUR;
	while ((t = next_arrival(simulation, t, 10)) < simulation->end)
		if (uniform(simulation) * 10 < t / 60)
			add(simulation, t, t + exponential(simulation, 2));
}

/* Worker k lives while the load, which swings within two hours, needs more than k. */
static void autoscaling_pool(struct simulation *simulation)
{
	simulation->end = 12 * HOUR;
	for (int k = 0; k < 190; k++) {
		double t = 0;

		while (t < simulation->end) {
			double load = 100 + 95 * sin(6.283185307179586 * t / 7200);
			double stay = exponential(simulation, 20);

			if (load > k)
				add(simulation, t, t + stay);
			t += load > k ? stay + 1 : 60;
		}
	}
}

static void day_and_night(struct simulation *simulation)
{
	double t = 0;

	simulation->end = 24 * HOUR;
	while ((t = next_arrival(simulation, t, 4)) < simulation->end) {
		double load = 2 + 2 * sin(6.283185307179586 * t / simulation->end);

		if (uniform(simulation) * 4 < load)
			add(simulation, t, t + lognormal(simulation, 3.4, 1.5));
	}
}

static void batches(struct simulation *simulation, double fill)
{
	simulation->end = 24 * HOUR;
	for (double hour = 0; hour < 24; hour++)
		for (int i = 0; i < 500; i++)
			add(simulation, hour * HOUR + uniform(simulation) * fill,
			    hour * HOUR + 600 + uniform(simulation) * 20);
}

static void batch_held(struct simulation *simulation)
{
	batches(simulation, 60);
}

static void batch_filled_slowly(struct simulation *simulation)
{
	batches(simulation, 480);
}

static void heavy_tail(struct simulation *simulation)
{
	double t = -4 * HOUR;

	simulation->end = 24 * HOUR;
	while ((t = next_arrival(simulation, t, 2)) < simulation->end)
		add(simulation, t, t + pareto(simulation, 1.1));
}

/* Workers are made one a second and wait until all 200 are there, then work. */
static void slow_start(struct simulation *simulation)
{
	simulation->end = 24 * HOUR;
	for (int k = 0; k < 200; k++) {
		double t = k, stay = 200 - k + exponential(simulation, 20);

		while (t < simulation->end) {
			add(simulation, t, t + stay);
			t += stay + 0.5;
			stay = exponential(simulation, 60);
		}
	}
}

/* A pool that makes a worker a minute, and gives none of them a second task until it is full. */
static void filling_pool(struct simulation *simulation)
{
	simulation->end = 24 * HOUR;
	for (int k = 0; k < 200; k++) {
		double t = 60 * k, full = 60 * 200 + uniform(simulation) * 600;

		while (t < simulation->end) {
			add(simulation, t, full);
			t = full + 0.5;
			full = t + exponential(simulation, 60);
		}
	}
}

/* All that came since the last tooth leave together. */
static void sawtooth(struct simulation *simulation, double tooth)
{
	double phase = uniform(simulation) * tooth, t = -tooth;

	simulation->end = 24 * HOUR;
	while ((t = next_arrival(simulation, t, 1)) < simulation->end)
		add(simulation, t, (floor((t + phase) / tooth) + 1) * tooth - phase);
}

static void sawtooth_10_min(struct simulation *simulation)
{
	sawtooth(simulation, 600);
}

static void sawtooth_20_s(struct simulation *simulation)
{
	sawtooth(simulation, 20);
}

static void sawtooth_2_min(struct simulation *simulation)
{
	sawtooth(simulation, 120);
}

static void connection_cache(struct simulation *simulation)
{
	simulation->end = 24 * HOUR;
	for (int i = 0; i < 500; i++)
		add(simulation, uniform(simulation) * 2 * HOUR, FOR_EVER);
}

static void websockets(struct simulation *simulation)
{
	double t = 0;

	simulation->end = 24 * HOUR;
	while ((t = next_arrival(simulation, t, 0.1)) < simulation->end) {
		double load = sin(3.141592653589793 * t / simulation->end);

		if (uniform(simulation) < (load > 0.05 ? load : 0.05))
			add(simulation, t, t + exponential(simulation, 3 * HOUR));
	}
}

/* Attached in the middle of the day: there is a crowd already. */
static void websockets_at_noon(struct simulation *simulation)
{
	double t = -12 * HOUR;

	simulation->end = 12 * HOUR;
	while ((t = next_arrival(simulation, t, 0.1)) < simulation->end) {
		double stay = exponential(simulation, HOUR);

		if (t + stay > 0)
			add(simulation, t, t + stay);
	}
}

static void idle_pool(struct simulation *simulation)
{
	simulation->end = 24 * HOUR;
	for (int i = 0; i < 1000; i++)
		add(simulation, -1 - uniform(simulation) * HOUR, FOR_EVER);
}

/* As many as there are processors, made one by one within 10 minutes, and never needed again. */
static void few_lazy_workers(struct simulation *simulation)
{
	simulation->end = 24 * HOUR;
	for (int i = 0; i < 7; i++)
		add(simulation, 60 + i * 90, FOR_EVER);
}

static void start_up(struct simulation *simulation)
{
	simulation->end = 24 * HOUR;
	for (int i = 0; i < 200; i++)
		add(simulation, uniform(simulation) * 20, FOR_EVER);
}

/* Calls that wait for a slow server: ten minutes of trouble each hour, then all are answered. */
static void slow_server(struct simulation *simulation)
{
	double t = 0;

	simulation->end = 24 * HOUR;
	while ((t = next_arrival(simulation, t, 2)) < simulation->end) {
		double in_hour = fmod(t + 1800, HOUR);

		add(simulation, t,
		    in_hour < 600 ? t + 600 - in_hour + uniform(simulation) * 5 : t + 0.2);
	}
}

static void nothing_at_all(struct simulation *simulation)
{
	simulation->end = HOUR;
}

#endif
