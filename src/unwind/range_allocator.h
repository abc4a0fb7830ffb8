/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_UNWIND_RANGE_ALLOCATOR_H
#define PARKSCOPE_UNWIND_RANGE_ALLOCATOR_H

/*
 * Ranges of a numbered space of fixed size, such as the entries of a BPF array:
 * first fit, neighbours that are free become one. Pure.
 */

#include <stdint.h>

#include "base/cleanup.h"

struct range_allocator;

/* NULL without memory. */
struct range_allocator *range_allocator_new(uint32_t size);
void range_allocator_free(struct range_allocator *allocator);
define_auto_free(range_allocator)

/*
 * Takes `length` numbers that follow each other, the first of which is left in
 * `*first`; -ENOSPC, or -ENOMEM. A length of 0 is -EINVAL.
 */
int range_allocator_take(struct range_allocator *allocator, uint32_t length, uint32_t *first);

/* Gives back what was taken: all of it, or a part. 0, or -ENOMEM: it stays taken. */
int range_allocator_give(struct range_allocator *allocator, uint32_t first, uint32_t length);

/* The longest range that can be taken; the sum of all. */
uint32_t range_allocator_longest(const struct range_allocator *allocator);
uint32_t range_allocator_available(const struct range_allocator *allocator);

#endif
