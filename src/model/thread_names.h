/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_THREAD_NAMES_H
#define PARKSCOPE_MODEL_THREAD_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The names of a crowd's threads, in bounded memory. Names that differ only in the
 * number at their end count as one: "worker-1" to "worker-200" are "worker-*", while
 * a name that nobody shares keeps its number. Zero-initialised is empty. Pure.
 *
 * Names are what the threads say: not yet escaped for any format.
 */

/* Bytes of a name with its NUL: TASK_COMM_LEN of the kernel. */
#define THREAD_NAME_SIZE 16

/* Distinct names that are counted apart; the threads of further ones are `others`. */
#define THREAD_NAMES_MAX 16

struct thread_name {
	char text[THREAD_NAME_SIZE]; /* "worker-7", or "worker-*" for several */
	uint64_t count;
	uint32_t tid; /* of the first thread seen, in the initial PID namespace */
};

struct thread_names {
	size_t count;
	struct thread_name items[THREAD_NAMES_MAX];
	uint64_t others;
};

void thread_names_clear(struct thread_names *names);

/* Counts a thread. `name` need not be terminated. */
void thread_names_add(struct thread_names *names, const char name[THREAD_NAME_SIZE], uint32_t tid);

/* Most frequent first, then by name; after the last thread_names_add(). */
void thread_names_sort(struct thread_names *names);

#endif
