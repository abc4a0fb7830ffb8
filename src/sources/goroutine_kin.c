// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/goroutine_kin.h"

#include <stdlib.h>
#include <string.h>

enum {
	FIRST_CAPACITY = 4096,
	FILTER_BITS = 1 << 16,
};

/* One that was added; a million of them. */
struct member {
	uint64_t goid : 48;
	uint64_t crowd : 14; /* its index plus 1; 0: none */
	uint64_t network : 1;
	uint64_t stream : 1;
	uint64_t parent;
};

_Static_assert(sizeof(struct member) == 16, "a million of them are kept");
_Static_assert(WATCHED_SITES_MAX < 1 << 14, "numbers of crowds");

/* Those who stay at a site that wants an answer. */
struct kin_crowd {
	struct site *site;
	size_t units;
	size_t stride; /* one of so many is looked at */
	size_t passed;
	size_t lines, near; /* of those that are looked at */
};

/* A unit that is looked at, and who it comes from, as far as that is of use. */
struct line {
	uint32_t crowd;
	uint32_t length;
	uint64_t goids[1 + GOROUTINE_KIN_LEVELS];
	bool near;
	bool open; /* it may be near by the next one up */
};

/* One in such a line. */
struct node {
	uint64_t goid;
	uint64_t crowd; /* of the line, plus 1 */
	uint64_t parent;
	size_t units; /* of the crowd that come from it */
	bool alive;
	bool network; /* it, or a child of it, is in network I/O */
	bool stream;
};

struct goroutine_kin {
	bool parents_known;   /* of anybody, ever */
	bool parents_unknown; /* of everybody: Go before 1.21 */
	bool no_memory;       /* in this sweep */
	struct kin_crowd *crowds;
	size_t crowds_count;
	size_t crowd_of_last; /* added */
	struct member *members;
	size_t members_count, members_capacity;
	struct line *lines;
	size_t lines_count;
	struct node *nodes; /* by goid and crowd */
	size_t nodes_count;
	uint64_t filter[FILTER_BITS / 64]; /* of the goids of nodes: most members are none */
};

static void forget(struct goroutine_kin *kin)
{
	free(take_ptr(kin->crowds));
	free(take_ptr(kin->members));
	free(take_ptr(kin->lines));
	free(take_ptr(kin->nodes));
	kin->crowds_count = kin->crowd_of_last = 0;
	kin->members_count = kin->members_capacity = 0;
	kin->lines_count = kin->nodes_count = 0;
	kin->no_memory = false;
}

struct goroutine_kin *goroutine_kin_new(void)
{
	return calloc(1, sizeof(struct goroutine_kin));
}

void goroutine_kin_free(struct goroutine_kin *kin)
{
	if (!kin)
		return;
	forget(kin);
	free(kin);
}

bool goroutine_kin_serves_stream(const struct stack *stack)
{
	static const char *const handlers[] = {
		"google.golang.org/grpc.(*Server).handleStream",
		"golang.org/x/net/http2.(*serverConn).runHandler",
		"net/http.(*http2serverConn).runHandler",
	};

	for (size_t i = 0; i < stack->count; i++)
		for (size_t j = 0; j < sizeof(handlers) / sizeof(handlers[0]); j++)
			if (stack->frames[i].function &&
			    strcmp(stack->frames[i].function, handlers[j]) == 0)
				return true;
	return false;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_crowds(const void *left, const void *right)
{
	const struct kin_crowd *a = left, *b = right;

	return compare_numbers((uintptr_t)a->site, (uintptr_t)b->site);
}

bool goroutine_kin_begin(struct goroutine_kin *kin, const struct watched_process *process)
{
	struct site *site, *next;
	size_t wanted = 0;

	forget(kin);
	if (kin->parents_unknown)
		return false;
	HASH_ITER (hh, process->sites, site, next)
		wanted += site->near_io_wanted;
	if (!wanted)
		return false;
	kin->crowds = calloc(wanted, sizeof(*kin->crowds));
	if (!kin->crowds)
		return false;
	HASH_ITER (hh, process->sites, site, next)
		if (site->near_io_wanted)
			kin->crowds[kin->crowds_count++].site = site;
	qsort(kin->crowds, kin->crowds_count, sizeof(*kin->crowds), compare_crowds);
	return true;
}

/* Its index plus 1; 0: nobody wants to know. Neighbours often stay at the same site. */
static size_t crowd_at(struct goroutine_kin *kin, const struct site *site)
{
	const struct kin_crowd key = {.site = (struct site *)(uintptr_t)site}, *found;

	if (kin->crowds[kin->crowd_of_last].site == site)
		return kin->crowd_of_last + 1;
	found = bsearch(&key, kin->crowds, kin->crowds_count, sizeof(key), compare_crowds);
	if (!found)
		return 0;
	kin->crowd_of_last = (size_t)(found - kin->crowds);
	return kin->crowd_of_last + 1;
}

static bool make_room(struct goroutine_kin *kin)
{
	size_t capacity = kin->members_capacity ? 2 * kin->members_capacity : FIRST_CAPACITY;
	struct member *members;

	if (kin->members_count < kin->members_capacity)
		return true;
	members = realloc(kin->members, capacity * sizeof(*members));
	if (!members)
		return false;
	kin->members = members;
	kin->members_capacity = capacity;
	return true;
}

void goroutine_kin_add(struct goroutine_kin *kin, const struct kin_goroutine *g)
{
	size_t crowd = g->site ? crowd_at(kin, g->site) : 0;

	kin->parents_known |= g->parent_goid != 0;
	kin->no_memory |= !make_room(kin);
	if (kin->no_memory)
		return;
	kin->members[kin->members_count++] = (struct member){
		.goid = g->goid & ((1ULL << 48) - 1),
		.crowd = crowd & 0x3fff,
		.network = g->network && !g->site,
		.stream = g->stream,
		.parent = g->parent_goid,
	};
	if (crowd)
		kin->crowds[crowd - 1].units++;
}

/* Spread over each crowd. */
static bool draw_lines(struct goroutine_kin *kin)
{
	size_t sample = GOROUTINE_KIN_SAMPLES / kin->crowds_count, total = 0;

	if (sample > GOROUTINE_KIN_SAMPLE)
		sample = GOROUTINE_KIN_SAMPLE;
	if (!sample)
		sample = 1;
	for (size_t i = 0; i < kin->crowds_count; i++) {
		struct kin_crowd *crowd = &kin->crowds[i];

		crowd->stride = crowd->units / sample + (crowd->units % sample != 0);
		total += crowd->units < sample ? crowd->units : sample;
	}
	kin->lines = total ? calloc(total, sizeof(*kin->lines)) : NULL;
	if (!kin->lines)
		return false;
	for (size_t i = 0; i < kin->members_count; i++) {
		const struct member *member = &kin->members[i];
		struct kin_crowd *crowd;

		if (!member->crowd)
			continue;
		crowd = &kin->crowds[member->crowd - 1];
		if (crowd->passed++ % crowd->stride)
			continue;
		kin->lines[kin->lines_count++] = (struct line){
			.crowd = member->crowd,
			.length = member->parent ? 2 : 1,
			.goids = {member->goid, member->parent},
		};
		crowd->lines++;
	}
	return true;
}

static int compare_nodes(const void *left, const void *right)
{
	const struct node *a = left, *b = right;
	int by_goid = compare_numbers(a->goid, b->goid);

	return by_goid ? by_goid : compare_numbers(a->crowd, b->crowd);
}

static struct node *find_node(const struct goroutine_kin *kin, uint64_t goid, uint64_t crowd)
{
	const struct node key = {.goid = goid, .crowd = crowd};

	return bsearch(&key, kin->nodes, kin->nodes_count, sizeof(key), compare_nodes);
}

static size_t filter_bit(uint64_t goid)
{
	return (goid * 0x9e3779b97f4a7c15ULL) >> 48;
}

/* The first one of a goid, of whatever crowd; NULL: none. */
static struct node *first_node(const struct goroutine_kin *kin, uint64_t goid)
{
	size_t bit = filter_bit(goid), low = 0, high = kin->nodes_count;

	if (!(kin->filter[bit / 64] >> bit % 64 & 1))
		return NULL;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (kin->nodes[middle].goid < goid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < kin->nodes_count && kin->nodes[low].goid == goid ? &kin->nodes[low] : NULL;
}

/* Everybody in a line, once for each crowd. */
static bool make_nodes(struct goroutine_kin *kin)
{
	struct node *nodes = calloc(kin->lines_count * (1 + GOROUTINE_KIN_LEVELS), sizeof(*nodes));
	size_t count = 0, distinct = 0;

	if (!nodes)
		return false;
	for (size_t i = 0; i < kin->lines_count; i++)
		for (size_t j = 0; j < kin->lines[i].length; j++)
			nodes[count++] = (struct node){.goid = kin->lines[i].goids[j],
						       .crowd = kin->lines[i].crowd};
	qsort(nodes, count, sizeof(*nodes), compare_nodes);
	memset(kin->filter, 0, sizeof(kin->filter));
	for (size_t i = 0; i < count; i++) {
		size_t bit = filter_bit(nodes[i].goid);

		kin->filter[bit / 64] |= 1ULL << bit % 64;
		if (!distinct || compare_nodes(&nodes[distinct - 1], &nodes[i]) != 0)
			nodes[distinct++] = nodes[i];
	}
	free(kin->nodes);
	kin->nodes = nodes;
	kin->nodes_count = distinct;
	return true;
}

/* What holds for all crowds is noted in the first node of a goid. */
static void look_for_members(struct goroutine_kin *kin)
{
	for (size_t i = 0; i < kin->members_count; i++) {
		const struct member *member = &kin->members[i];
		struct node *node = first_node(kin, member->goid);

		if (node) {
			node->alive = true;
			node->parent = member->parent;
			node->network |= member->network;
			node->stream = member->stream;
		}
		node = member->network || member->crowd ? first_node(kin, member->parent) : NULL;
		if (!node)
			continue;
		node->network |= member->network;
		node = member->crowd ? find_node(kin, member->parent, member->crowd) : NULL;
		if (node)
			node->units++;
	}
	for (size_t i = 1; i < kin->nodes_count; i++) {
		const struct node *first = &kin->nodes[i - 1];
		struct node *node = &kin->nodes[i];

		if (node->goid != first->goid)
			continue;
		node->alive = first->alive;
		node->parent = first->parent;
		node->network = first->network;
		node->stream = first->stream;
	}
}

/* Of those further up only the units that are looked at are known: too few, which is near. */
static void count_units_further_up(struct goroutine_kin *kin)
{
	for (size_t i = 0; i < kin->lines_count; i++) {
		const struct line *line = &kin->lines[i];

		for (size_t j = 2; j < line->length; j++)
			find_node(kin, line->goids[j], line->crowd)->units++;
	}
}

static void judge_line(const struct goroutine_kin *kin, struct line *line)
{
	const struct node *node = NULL;

	line->open = false;
	for (size_t i = 0; i < line->length; i++) {
		bool made_stream = node && node->stream;
		bool shared;

		node = find_node(kin, line->goids[i], line->crowd);
		shared = i && node->units > GOROUTINE_KIN_UNITS;
		line->near = node->network && (!shared || made_stream);
		if (line->near || shared)
			return;
	}
	line->open = node->alive && node->parent && line->length < 1 + GOROUTINE_KIN_LEVELS;
}

/* Whether one of them goes on to who made the last one. */
static bool judge_lines(struct goroutine_kin *kin)
{
	bool open = false;

	for (size_t i = 0; i < kin->lines_count; i++)
		judge_line(kin, &kin->lines[i]);
	for (size_t i = 0; i < kin->lines_count; i++) {
		struct line *line = &kin->lines[i];

		if (!line->open)
			continue;
		open = true;
		line->goids[line->length] =
			find_node(kin, line->goids[line->length - 1], line->crowd)->parent;
		line->length++;
	}
	return open;
}

/* Most are near; what is near a half must not come and go. */
static enum near_io answer_of(const struct kin_crowd *crowd)
{
	size_t quarters = crowd->site->near_io == NEAR_IO_NO ? 3 : 2;

	return 4 * crowd->near >= quarters * crowd->lines ? NEAR_IO_YES : NEAR_IO_NO;
}

static void answer(struct goroutine_kin *kin)
{
	for (size_t i = 0; i < kin->lines_count; i++)
		kin->crowds[kin->lines[i].crowd - 1].near += kin->lines[i].near;
	for (size_t i = 0; i < kin->crowds_count; i++)
		if (kin->crowds[i].lines)
			kin->crowds[i].site->near_io = answer_of(&kin->crowds[i]);
}

static bool follow_lines(struct goroutine_kin *kin)
{
	do {
		if (!make_nodes(kin))
			return false;
		look_for_members(kin);
		count_units_further_up(kin);
	} while (judge_lines(kin));
	return true;
}

void goroutine_kin_settle(struct goroutine_kin *kin)
{
	kin->parents_unknown = kin->members_count && !kin->parents_known;
	if (kin->parents_known && !kin->no_memory && draw_lines(kin) && follow_lines(kin))
		answer(kin);
	forget(kin);
}
