/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Crowds that leak and crowds that are healthy, for the labelled suite of verdicts (tests/suite).
 * A program names the ways its threads can wait; who comes when and stays how long is a plan, the
 * same one in every language (README.md, "Crowds").
 */
#ifndef TESTS_TARGETS_CROWDS_H
#define TESTS_TARGETS_CROWDS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A way to wait. Each thread has an object of its own, unless make() gives out a shared one. */
struct crowd_kind {
	const char *name;
	void *(*make)(void);
	/* Waits until release() was called once more than park() has returned. */
	void (*park)(void *object);
	/* NULL: nothing ends this wait. */
	void (*release)(void *object);
	/* After the last park(), by its thread; NULL: nothing to do. */
	void (*drop)(void *object);
	bool once; /* release() can be called but once */
};

/*
 * PROGRAM KIND[+KIND...] PLAN [name=number]...; does not return. `pool` is the kind of the
 * threads that pool=N puts beside.
 */
void crowds_run(int argc, char **argv, const struct crowd_kind *kinds, size_t count,
		const struct crowd_kind *pool) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif
#endif
