// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "goruntime/goroutine.h"

#define ADDRESS 0xc000002000ULL

static bool has_no_position(uint32_t status)
{
	return status == GO_STATUS_RUNNING || status == GO_STATUS_COPYSTACK;
}

static void check_alive(const struct goroutine *g)
{
	FUZZ_REQUIRE(g->address == ADDRESS);
	FUZZ_REQUIRE(g->goid >= 1 && g->goid < 1ULL << 48);
	FUZZ_REQUIRE(g->stack_lo < g->stack_hi);
	FUZZ_REQUIRE(g->status <= GO_STATUS_DEAD_EXTRA);
	FUZZ_REQUIRE(g->status != GO_STATUS_IDLE && g->status != GO_STATUS_DEAD &&
		     g->status != GO_STATUS_DEAD_EXTRA);
	FUZZ_REQUIRE(has_no_position(g->status) || (g->sp >= g->stack_lo && g->sp < g->stack_hi));
	FUZZ_REQUIRE(goroutine_unmoved(g, g));
}

/* The bytes as each version would read them, in a buffer of exactly that size. */
static void parse(const struct go_layout *layout, const uint8_t *data, size_t size)
{
	uint8_t *bytes = calloc(1, layout->g.size);
	struct goroutine g, untouched;
	uint64_t self;
	int result;

	if (!bytes)
		return;
	memcpy(bytes, data, size < layout->g.size ? size : layout->g.size);
	memset(&g, 0x5a, sizeof(g));
	untouched = g;
	result = goroutine_parse(layout, ADDRESS, bytes, &g);
	FUZZ_REQUIRE(result == 0 || result == -ENOENT || result == -ESTALE);
	memcpy(&self, bytes + layout->g.sched_g, sizeof(self));
	if (result == 0) {
		FUZZ_REQUIRE(self == ADDRESS);
		check_alive(&g);
	} else {
		FUZZ_REQUIRE(memcmp(&g, &untouched, sizeof(g)) == 0);
	}
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct go_version version = {0};

	for (version.minor = 0; version.minor < 32; version.minor++) {
		const struct go_layout *layout = go_layout_find(&version);

		if (layout)
			parse(layout, data, size);
	}
	return 0;
}
