/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_BPF_WAIT_SAMPLING_H
#define PARKSCOPE_BPF_WAIT_SAMPLING_H

/*
 * Which waits are walked, and what a wait that is not walked counts for. Compiled for BPF
 * and, for tests of the estimate, for user space.
 *
 * A task remembers the last few places at which it waited: a key that costs nothing to
 * read, and the stack that the last walk found there. Once walks have found the same
 * stack under a key often enough it is trusted: each further wait is credited to that
 * stack without a walk ("inferred"), and a coin has some of them walked nevertheless.
 * What those find is the error of the attribution.
 *
 * All other waits are sampled: captured with the probability p = 2^-shift, and then
 * counted 1/p times. The coin is thrown when the wait begins, with a p that follows from
 * the past alone, so that counts and times are right on average whatever the waits do
 * (Horvitz and Thompson). Under load p is smaller, and the smaller the shorter the waits
 * usually are here: the walks go where the time goes.
 *
 * A wait that lasted from the first pass of a sweep to the second one counts once, whatever
 * the coin said ("stamped"); if it was not captured it has its stack from the sweep. One that
 * ended in between counts by its coin: what is stamped must not depend on that.
 */

#include "bpf/abi.h"

#ifdef __bpf__
#define SAMPLING_INLINE static __always_inline
#else
#include <stdbool.h>
#define SAMPLING_INLINE static inline __attribute__((always_inline))
#endif

/* Places that a task remembers. A power of two: BPF masks its index. */
#define SAMPLING_PLACES ABI_REMEMBERED_WAITS_MAX
#define SAMPLING_NONE   SAMPLING_PLACES

/* p is at least 2^-12: what happens thousands of times is always seen. */
#define SAMPLING_SHIFT_MAX 12
/*
 * Walks in a row that found one stack under a key before it is trusted. Each time that one
 * finds another stack, four times as many are needed from then on: keys that several places
 * share are sampled for ever.
 */
#define SAMPLING_TRUST_FIRST 4
#define SAMPLING_TRUST_MOST  128
/* Trusted keys are walked this many halvings less often than others. */
#define SAMPLING_TRUSTED_SHIFT 3

/*
 * The sampler's threshold: waits that last 2^threshold ns or more, on average, are all
 * captured, shorter ones in proportion to their length.
 */
#define SAMPLING_THRESHOLD_MIN 10
#define SAMPLING_THRESHOLD_MAX 44
/* As if a task had waited that often before, for 2^16 ns: little is known of a new one. */
#define SAMPLING_PRIOR_WAITS  4
#define SAMPLING_PRIOR_LENGTH 16
/* The usual length at a place is a moving average, in which each wait has this part: 2^-4. */
#define SAMPLING_AVERAGE_SHIFT 4
/* The allowance is one for each window of 2^24 ns. */
#define SAMPLING_WINDOW_SHIFT ABI_SAMPLING_WINDOW_SHIFT

/* Squares of nanoseconds are kept in units of (2^10 ns)^2 and 2^32 of these. */
#define SAMPLING_SQUARE_SHIFT ABI_SAMPLING_SQUARE_SHIFT

/* Where a task waits, as far as that can be told without a walk. */
struct sampling_key {
	__u64 ip;
	__u64 sp;
	__u64 address; /* first argument of the system call: futex word, descriptor, … */
	__u64 call;    /* its number, and what else decides about the reason */
};

struct sampling_place {
	struct sampling_key key;
	struct abi_remembered_waits waits; /* credited to the stack since it stands here */
	__u64 usual_ns;                    /* length of its waits, whatever their stacks */
	__u32 stack_end;                   /* enum unwind_end */
	__u8 used;
	__u8 trust;  /* walks in a row that found this stack, after the first one */
	__u8 needed; /* so many of them */
	__u8 padding;
};

/* Of one task. */
struct sampling_memory {
	struct sampling_place places[SAMPLING_PLACES];
	struct abi_sampling counts;
	/* A wait that a sweep saw: the switch count when it began (0: none), and its stack. */
	__u64 stamped_switches;
	__u64 stamped_stack_id;
};

/* Of one CPU. */
struct sampling_limiter {
	__u64 window;
	__u64 walked_ns; /* in this window, but for what made the threshold rise */
	__u32 threshold;
	__u32 padding;
};

enum sampling_attribution {
	SAMPLING_SKIPPED = 0, /* not captured */
	SAMPLING_CAPTURED,
	SAMPLING_INFERRED,
};

/* What is known of the wait that is under way. */
struct sampling_wait {
	__u64 stack_id;   /* 0: not captured, or it could not be kept */
	__u32 stack_end;  /* enum unwind_end */
	__u8 attribution; /* enum sampling_attribution */
	__u8 shift;       /* captured with p = 2^-shift */
	__u8 place;       /* SAMPLING_NONE: none */
	__u8 trusted;
};

SAMPLING_INLINE __u32 sampling_log2(__u64 value)
{
	__u32 log = 0;

	if (value >> 32) {
		value >>= 32;
		log += 32;
	}
	if (value >> 16) {
		value >>= 16;
		log += 16;
	}
	if (value >> 8) {
		value >>= 8;
		log += 8;
	}
	if (value >> 4) {
		value >>= 4;
		log += 4;
	}
	if (value >> 2) {
		value >>= 2;
		log += 2;
	}
	return log + (value >> 1 ? 1 : 0);
}

/* The place with this key; SAMPLING_NONE: there is none. */
SAMPLING_INLINE __u32 sampling_find(const struct sampling_memory *memory,
				    const struct sampling_key *key)
{
	for (__u32 i = 0; i < SAMPLING_PLACES; i++) {
		const struct sampling_key *known = &memory->places[i].key;

		if (known->sp == key->sp && known->address == key->address &&
		    known->ip == key->ip && known->call == key->call && memory->places[i].used)
			return i;
	}
	return SAMPLING_NONE;
}

SAMPLING_INLINE void sampling_next_window(struct sampling_limiter *limiter, __u64 now_ns,
					  __u64 allowance_ns)
{
	__u64 window = now_ns >> SAMPLING_WINDOW_SHIFT;
	__u64 passed = window - limiter->window;

	if (!passed)
		return;
	if (limiter->walked_ns > allowance_ns / 8 * 3)
		passed--;
	limiter->window = window;
	limiter->walked_ns = 0;
	if (limiter->threshold >= SAMPLING_THRESHOLD_MIN + passed)
		limiter->threshold -= (__u32)passed;
	else
		limiter->threshold = SAMPLING_THRESHOLD_MIN;
}

/* How long a task usually waits that has waited so often and so long. */
SAMPLING_INLINE __u64 sampling_usual(__u64 count, __u64 duration_ns)
{
	return (duration_ns + (SAMPLING_PRIOR_WAITS << SAMPLING_PRIOR_LENGTH)) /
	       (count + SAMPLING_PRIOR_WAITS);
}

/* How often to capture now: with p = 2^-shift. `length`: log2 of the usual length, ns. */
SAMPLING_INLINE __u32 sampling_shift(struct sampling_limiter *limiter, __u64 now_ns,
				     __u64 allowance_ns, __u32 length, bool trusted)
{
	__u32 threshold;

	sampling_next_window(limiter, now_ns, allowance_ns);
	threshold = limiter->threshold + (trusted ? SAMPLING_TRUSTED_SHIFT : 0);
	if (threshold <= length)
		return 0;
	return threshold - length < SAMPLING_SHIFT_MAX ? threshold - length : SAMPLING_SHIFT_MAX;
}

/*
 * A walk took so long. Whenever three quarters of the allowance are used up in a window, walks
 * become half as many; while half of these are used, they stay as they are.
 */
SAMPLING_INLINE void sampling_walked(struct sampling_limiter *limiter, __u64 walk_ns,
				     __u64 allowance_ns)
{
	limiter->walked_ns += walk_ns;
	if (limiter->walked_ns <= allowance_ns / 4 * 3)
		return;
	/* What is left of it keeps the window's end from undoing this. */
	limiter->walked_ns -= allowance_ns / 8 * 3;
	if (limiter->threshold < SAMPLING_THRESHOLD_MAX)
		limiter->threshold++;
}

/* Where a new key goes: a free place, else any. */
SAMPLING_INLINE __u32 sampling_victim(const struct sampling_memory *memory, __u32 random)
{
	for (__u32 i = 0; i < SAMPLING_PLACES; i++)
		if (!memory->places[i].used)
			return i;
	return random & (SAMPLING_PLACES - 1);
}

/* Whose stacks had to be forgotten: what is remembered of them is not to be relied on. */
SAMPLING_INLINE void sampling_distrust(struct sampling_memory *memory)
{
	for (__u32 i = 0; i < SAMPLING_PLACES; i++)
		memory->places[i].trust = 0;
}

/* Where to look for the key of a wait that begins, and whether that is trusted. */
SAMPLING_INLINE void sampling_meet(const struct sampling_memory *memory,
				   const struct sampling_key *key, struct sampling_wait *wait)
{
	__u32 index = sampling_find(memory, key);
	const struct sampling_place *place;

	wait->stack_id = 0;
	wait->attribution = SAMPLING_SKIPPED;
	wait->shift = 0;
	wait->place = (__u8)index;
	place = &memory->places[index & (SAMPLING_PLACES - 1)];
	wait->trusted = index != SAMPLING_NONE && place->trust >= place->needed;
}

/* It turned out that the wait is another one, in spite of its key. */
SAMPLING_INLINE void sampling_forget(struct sampling_wait *wait)
{
	wait->place = SAMPLING_NONE;
	wait->trusted = 0;
}

/* The coin. True: the wait is to be walked, and what is found to be learnt. */
SAMPLING_INLINE bool sampling_captures(const struct sampling_memory *memory,
				       struct sampling_wait *wait, __u32 shift, __u32 random)
{
	const struct sampling_place *place;

	wait->shift = (__u8)shift;
	if (!(random & ((1U << shift) - 1))) {
		wait->attribution = SAMPLING_CAPTURED;
		return true;
	}
	if (wait->trusted) {
		place = &memory->places[wait->place & (SAMPLING_PLACES - 1)];
		wait->attribution = SAMPLING_INFERRED;
		wait->shift = 0;
		wait->stack_id = place->waits.user_stack_id;
		wait->stack_end = place->stack_end;
	}
	return false;
}

/* A walk under a trusted key found the stack that would have been inferred, or another one. */
SAMPLING_INLINE void sampling_verify(struct sampling_memory *memory, struct sampling_wait *wait,
				     bool same)
{
	if (!wait->trusted)
		return;
	memory->counts.verified += 1ULL << wait->shift;
	if (!same)
		memory->counts.mismatched += 1ULL << wait->shift;
	/* All waits of a trusted key count once, so that those that verify it do, too. */
	wait->shift = 0;
}

/* A walk found another stack than the one of the place. */
SAMPLING_INLINE void sampling_doubt(struct sampling_place *place)
{
	place->trust = 0;
	place->needed =
		place->needed < SAMPLING_TRUST_MOST / 4 ? place->needed * 4 : SAMPLING_TRUST_MOST;
}

/*
 * A walk found a stack that could not be kept. It is not the one of `wait->place`, which was:
 * that one stays, and the wait is credited to no stack.
 */
SAMPLING_INLINE void sampling_learn_nothing(struct sampling_memory *memory,
					    struct sampling_wait *wait)
{
	sampling_verify(memory, wait, false);
	if (wait->place != SAMPLING_NONE)
		sampling_doubt(&memory->places[wait->place & (SAMPLING_PLACES - 1)]);
	wait->place = SAMPLING_NONE;
}

/*
 * A walk found `wait->stack_id` under this key, which `wait->place` holds if that is not
 * SAMPLING_NONE. `usual_ns`: the usual length of such waits. True: `evicted` is what was
 * credited to a stack that had to go; the caller keeps it elsewhere.
 */
SAMPLING_INLINE bool sampling_learn(struct sampling_memory *memory, const struct sampling_key *key,
				    __u32 reason, __u64 usual_ns, struct sampling_wait *wait,
				    __u32 random, struct abi_remembered_waits *evicted)
{
	bool known = wait->place != SAMPLING_NONE;
	__u32 index = known ? wait->place : sampling_victim(memory, random);
	struct sampling_place *place = &memory->places[index & (SAMPLING_PLACES - 1)];
	bool same = known && place->waits.user_stack_id == wait->stack_id;
	bool evicts = place->used && !same && place->waits.sum.count;

	sampling_verify(memory, wait, same);
	if (evicts)
		*evicted = place->waits;
	if (!same) {
		place->key = *key;
		place->waits = (struct abi_remembered_waits){0};
		place->waits.user_stack_id = wait->stack_id;
		place->waits.reason = reason;
	} else if (place->trust < place->needed) {
		place->trust++;
	}
	if (!known) {
		place->trust = 0;
		place->needed = SAMPLING_TRUST_FIRST;
		place->usual_ns = usual_ns;
	} else if (!same) {
		sampling_doubt(place);
	}
	place->stack_end = wait->stack_end;
	place->used = 1;
	wait->place = (__u8)index;
	return evicts;
}

/* What captured waits of this weight add. */
SAMPLING_INLINE void sampling_sum_add(struct abi_wait_sum *sum, __u64 duration_ns, __u32 shift)
{
	__u64 weighted = duration_ns << shift;
	__u64 high, low;

	sum->count += 1ULL << shift;
	sum->duration_ns += weighted;
	if (sum->max_ns < duration_ns)
		sum->max_ns = duration_ns;
	if (!shift)
		return;
	/* (1 - p) / p^2 d^2, an unbiased estimate of the variance that the coin adds. */
	high = weighted >> SAMPLING_SQUARE_SHIFT;
	low = (weighted - duration_ns) >> SAMPLING_SQUARE_SHIFT;
	if (high >> 28) {
		sum->variance_high += (high >> 16) * (low >> 16);
	} else {
		sum->variance_high += (high * low) >> 32;
		sum->variance_low += (__u32)(high * low);
	}
}

/* Is the wait, which began at this switch count and still lasts, one for a sweep to stamp? */
SAMPLING_INLINE bool sampling_wants_stamp(const struct sampling_memory *memory,
					  const struct sampling_wait *wait, __u64 switches)
{
	return wait->shift && memory->stamped_switches != switches;
}

/*
 * The wait, which began at this switch count, has ended. False: the caller credits it to
 * `wait->stack_id`, with sampling_sum_add() and `wait->shift`. True: there is nothing more to do.
 */
SAMPLING_INLINE bool sampling_end(struct sampling_memory *memory, struct sampling_wait *wait,
				  __u64 switches, __u32 reason, __u64 duration_ns)
{
	struct sampling_place *place = &memory->places[wait->place & (SAMPLING_PLACES - 1)];

	if (wait->place != SAMPLING_NONE)
		place->usual_ns += (duration_ns >> SAMPLING_AVERAGE_SHIFT) -
				   (place->usual_ns >> SAMPLING_AVERAGE_SHIFT);
	if (switches && memory->stamped_switches == switches) {
		wait->shift = 0;
		if (wait->attribution == SAMPLING_SKIPPED) {
			wait->attribution = SAMPLING_CAPTURED;
			wait->stack_id = memory->stamped_stack_id;
		}
	}
	if (wait->attribution == SAMPLING_SKIPPED) {
		memory->counts.skipped++;
		return true;
	}
	if (wait->attribution == SAMPLING_CAPTURED)
		memory->counts.captured++;
	else
		memory->counts.inferred++;
	/* A signal handler's waits may have taken the place meanwhile. */
	if (wait->place == SAMPLING_NONE || place->waits.user_stack_id != wait->stack_id ||
	    place->waits.reason != reason)
		return false;
	sampling_sum_add(&place->waits.sum, duration_ns, wait->shift);
	return true;
}

#endif
