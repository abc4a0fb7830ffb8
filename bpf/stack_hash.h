/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_BPF_STACK_HASH_H
#define PARKSCOPE_BPF_STACK_HASH_H

/*
 * A stack's id: MurmurHash64A (Austin Appleby, public domain) of its frames,
 * which are whole 64-bit words, so that there is no tail. The same code runs
 * in BPF and in user space. The seed is random in each run: whoever is watched
 * cannot prepare collisions. 0 means "no stack" and is never an id.
 */

#include <linux/types.h>

#define STACK_HASH_MULTIPLIER 0xc6a4a7935bd1e995ULL

static inline __attribute__((always_inline)) __u64 stack_hash_begin(__u64 seed, __u32 count)
{
	return seed ^ ((__u64)count * 8 * STACK_HASH_MULTIPLIER);
}

static inline __attribute__((always_inline)) __u64 stack_hash_frame(__u64 hash, __u64 frame)
{
	frame *= STACK_HASH_MULTIPLIER;
	frame ^= frame >> 47;
	frame *= STACK_HASH_MULTIPLIER;
	hash ^= frame;
	return hash * STACK_HASH_MULTIPLIER;
}

static inline __attribute__((always_inline)) __u64 stack_hash_end(__u64 hash)
{
	hash ^= hash >> 47;
	hash *= STACK_HASH_MULTIPLIER;
	hash ^= hash >> 47;
	return hash ? hash : 1;
}

#endif
