/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_BPF_STACK_HASH_H
#define PARKSCOPE_BPF_STACK_HASH_H

/*
 * A stack's id: MurmurHash64A (Austin Appleby, public domain) of its frames,
 * which are whole 64-bit words, so that there is no tail; how many there are and
 * how the walk ended stand at the end, as both are known only then. The same code
 * runs in BPF and in user space. The seed is random in each run: whoever is watched
 * cannot prepare collisions. 0 means "no stack" and is never an id.
 *
 * `check` is a second, independent hash (FNV-1a over words): two stacks with one
 * id are told apart by it.
 */

#include <linux/types.h>

#define STACK_HASH_MULTIPLIER 0xc6a4a7935bd1e995ULL
/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
#define STACK_CHECK_BASIS 0xcbf29ce484222325ULL
#define STACK_CHECK_PRIME 0x00000100000001b3ULL

struct stack_hash {
	__u64 id;
	__u64 check;
};

static inline __attribute__((always_inline)) void stack_hash_begin(struct stack_hash *hash,
								   __u64 seed)
{
	hash->id = seed;
	hash->check = STACK_CHECK_BASIS;
}

static inline __attribute__((always_inline)) void stack_hash_word(struct stack_hash *hash,
								  __u64 word)
{
	hash->check = (hash->check ^ word) * STACK_CHECK_PRIME;
	word *= STACK_HASH_MULTIPLIER;
	word ^= word >> 47;
	word *= STACK_HASH_MULTIPLIER;
	hash->id = (hash->id ^ word) * STACK_HASH_MULTIPLIER;
}

/* `end` is an enum unwind_end. */
static inline __attribute__((always_inline)) void stack_hash_end(struct stack_hash *hash,
								 __u32 count, __u32 end)
{
	stack_hash_word(hash, (__u64)end << 32 | count);
	hash->id ^= hash->id >> 47;
	hash->id *= STACK_HASH_MULTIPLIER;
	hash->id ^= hash->id >> 47;
	if (!hash->id)
		hash->id = 1;
}

#endif
