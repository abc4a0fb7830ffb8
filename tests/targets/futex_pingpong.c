/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two threads wake each other through raw futexes. Each wakes the other only when that one is
 * proved to sleep on its word, so every wait blocks: `rounds` waits per thread, no more, no fewer.
 * With rounds=0 nothing is proved and there is no end: for measurements of what a round takes, with
 * the waits below `frames` frames. Whoever measures puts both on one CPU, and looks at `waits`.
 */
#include "target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>

struct player {
	const char *name;
	struct player *other;
	bool serves;
	_Alignas(64) uint32_t word; /* 1 when it is this player's turn */
	_Atomic pid_t tid;
	_Atomic uint64_t waits;
	_Atomic uint64_t blocked_ns;
	_Atomic uint64_t switches;
	_Atomic uint64_t anomalies; /* waits that ended in any other way than by the wake */
};

static uint64_t rounds = 1000;
static uint64_t frames;
static _Atomic uint64_t free_rounds;
static struct target_gate start_gate, end_gate;
static _Atomic int finished;
static struct player players[2] = {
	{.name = "ping", .other = &players[1], .serves = true},
	{.name = "pong", .other = &players[0]},
};

TARGET_FRAME static void wait_for_turn(struct player *self)
{
	uint64_t begin_switches = target_switches();
	uint64_t begin_ns = target_now_ns();
	long result = target_futex_wait(&self->word, 0);

	self->blocked_ns += target_now_ns() - begin_ns;
	self->switches += target_switches() - begin_switches;
	self->waits++;
	if (result != 0 || __atomic_exchange_n(&self->word, 0, __ATOMIC_ACQ_REL) != 1)
		self->anomalies++;
}

static void pass_turn(struct player *other)
{
	target_wait_parked(other->tid, SYS_futex, (uintptr_t)&other->word);
	__atomic_store_n(&other->word, 1, __ATOMIC_RELEASE);
	target_futex_wake(&other->word, 1);
}

static void *play(void *argument)
{
	struct player *self = argument;

	target_gate_pass(&start_gate);
	for (uint64_t i = 0; i < rounds; i++) {
		if (self->serves)
			pass_turn(self->other);
		wait_for_turn(self);
		if (!self->serves)
			pass_turn(self->other);
	}
	if (++finished == 2)
		target_notify();
	target_gate_pass(&end_gate);
	return NULL;
}

TARGET_FRAME static void wait_freely(struct player *self)
{
	uint64_t waits = 0;

	while (!__atomic_exchange_n(&self->word, 0, __ATOMIC_ACQ_REL))
		waits += target_futex_wait(&self->word, 0) == 0;
	atomic_store_explicit(&self->waits, self->waits + waits, memory_order_relaxed);
}

/* Only what a round needs: its counters are stores without a lock. */
static void *play_freely(void *argument)
{
	struct player *self = argument;

	for (;;) {
		if (!self->serves)
			wait_freely(self);
		__atomic_store_n(&self->other->word, 1, __ATOMIC_RELEASE);
		target_futex_wake(&self->other->word, 1);
		if (self->serves) {
			wait_freely(self);
			atomic_store_explicit(&free_rounds, free_rounds + 1, memory_order_relaxed);
		}
	}
	return NULL;
}

static void *play_without_end(void *argument)
{
	target_gate_pass(&start_gate);
	target_call_below(frames, play_freely, argument);
	return NULL;
}

static void report(void)
{
	uint64_t waits = 0, blocked_ns = 0, switches = 0, anomalies = 0;

	for (int i = 0; i < 2; i++) {
		struct player *player = &players[i];

		printf("thread=%s tid=%d waits=%" PRIu64 " blocked_ns=%" PRIu64 " switches=%" PRIu64
		       "\n",
		       player->name, player->tid, player->waits, player->blocked_ns,
		       player->switches);
		waits += player->waits;
		blocked_ns += player->blocked_ns;
		switches += player->switches;
		anomalies += player->anomalies;
	}
	target_print("waits", waits);
	target_print("blocked_ns", blocked_ns);
	target_print("switches", switches);
	target_print("anomalies", anomalies);
	target_print("rounds", rounds ? players[0].waits : free_rounds);
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {{"rounds", &rounds}, {"frames", &frames}};

	target_start(argc, argv, options, 2);
	target_on_report(report);
	target_gate_init(&start_gate);
	target_gate_init(&end_gate);
	for (int i = 0; i < 2; i++) {
		players[i].tid = target_thread(players[i].name, 0, NULL,
					       rounds ? play : play_without_end, &players[i]);
		target_gate_wait_held(&start_gate, players[i].tid);
		printf("thread=%s tid=%d\n", players[i].name, players[i].tid);
	}
	target_print("threads", 2);
	target_ready();

	for (;;) {
		switch (target_next(-1)) {
		case TARGET_QUIT:
			target_finish();
		case TARGET_GO:
			target_gate_open(&start_gate);
			break;
		case TARGET_NOTIFIED:
			for (int i = 0; i < 2; i++)
				target_gate_wait_held(&end_gate, players[i].tid);
			target_done();
			break;
		default:
			break;
		}
	}
}
