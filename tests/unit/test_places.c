// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/places.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit_test.h"

#define SECOND_NS 1000000000ULL
#define TGID      4000000 /* no such process */

/* What BPF has in `stacks`: for each id, whether it is there. */
static bool in_map[16];

int tracer_stacks_fd(const struct tracer *tracer)
{
	(void)tracer;
	return -1;
}

void tracer_next_stacks_epoch(struct tracer *tracer)
{
	(void)tracer;
}

int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	uint64_t id = *(const uint64_t *)key;

	(void)fd;
	if (!in_map[id])
		return -ENOENT;
	*(struct abi_stack *)value = (struct abi_stack){.count = 1, .frames = {0x1000 * id}};
	return 0;
}

int bpf_map_get_next_key(int fd, const void *key, void *next)
{
	(void)fd;
	(void)key;
	(void)next;
	return -ENOENT;
}

int bpf_map_delete_elem(int fd, const void *key)
{
	(void)fd;
	(void)key;
	return -ENOENT;
}

int symbolizer_stack(struct symbolizer *symbolizer, const struct process_ref *process,
		     const uint64_t *kernel, size_t kernel_count, const uint64_t *user,
		     size_t user_count, uint64_t now_ns, struct stack **out)
{
	char name[16];

	(void)symbolizer;
	(void)process;
	(void)kernel;
	(void)kernel_count;
	(void)user_count;
	(void)now_ns;
	snprintf(name, sizeof(name), "f%x", (unsigned int)user[0]);
	*out = stack_label(name);
	return *out ? 0 : -ENOMEM;
}

static struct sources_context context;
static struct process_entry *entry;

static int set_up(void **state)
{
	(void)state;
	memset(in_map, 0, sizeof(in_map));
	context = (struct sources_context){.swept_ns = SECOND_NS};
	memory_room_init(&context.room, 1 << 30);
	context.processes = process_table_new(&context.room);
	entry = process_table_enter(context.processes, TGID, 7, 1, SECOND_NS);
	return entry ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	process_table_free(context.processes);
	return 0;
}

static struct place *waits_at(uint64_t id)
{
	return places_wait(&context, entry, 1, &(struct user_stack){.id = id});
}

static const char *leaf(const struct site *site)
{
	return site->stack->frames[0].function;
}

static void expire(void)
{
	context.swept_ns += 2 * SITE_EXPIRES_NS;
	places_expire_sites(&context, entry);
	places_drop_expired(entry);
}

static void a_stack_is_named_once(void **state)
{
	struct place *place;

	(void)state;
	in_map[1] = in_map[2] = true;
	place = waits_at(1);
	assert_non_null(place);
	assert_string_equal(leaf(place->site), "f1000");
	assert_ptr_equal(waits_at(1), place);
	assert_ptr_equal(places_site(&context, entry, place), place->site);
	assert_ptr_not_equal(waits_at(2), place);
	/* The map was emptied: it is known. */
	in_map[1] = false;
	assert_ptr_equal(waits_at(1), place);
	assert_string_equal(leaf(places_site(&context, entry, place)), "f1000");
}

/* The map was emptied between the walk and the end of the wait: the next walk brings it back. */
static void frames_that_were_lost_may_come_back(void **state)
{
	struct place *place = waits_at(3);
	struct site *unknown;

	(void)state;
	assert_non_null(place);
	assert_null(place->site);
	unknown = places_site(&context, entry, place);
	assert_string_equal(leaf(unknown), "[unknown: stack not captured]");
	in_map[3] = true;
	assert_ptr_equal(waits_at(3), place);
	assert_string_equal(leaf(places_site(&context, entry, place)), "f3000");
	assert_ptr_equal(place->site, places_site(&context, entry, place));
}

static void without_an_id_nothing_is_known_for_good(void **state)
{
	struct place *place = waits_at(0);

	(void)state;
	assert_non_null(place);
	assert_string_equal(leaf(place->site), "[unknown: stack not captured]");
}

/* What a place still counts keeps it; once it is credited nothing does. */
static void a_place_goes_with_its_waits(void **state)
{
	struct place *credited, *counted;

	(void)state;
	in_map[1] = in_map[2] = true;
	credited = waits_at(1);
	credited->settled.count = credited->credited.count = 5;
	counted = waits_at(2);
	counted->in_map.count = counted->credited.count = 5;
	assert_int_equal(entry->places_count, 2);
	expire();
	assert_int_equal(entry->process->sites_count, 0);
	assert_int_equal(entry->places_count, 1);
	assert_ptr_equal(waits_at(2), counted);
	assert_null(counted->site);
	assert_string_equal(leaf(places_site(&context, entry, counted)), "f2000");
	/* Its entry in the map was taken out. */
	counted->settled = counted->in_map;
	counted->in_map.count = 0;
	expire();
	assert_int_equal(entry->places_count, 0);
}

static void with_many_sites_they_go_early(void **state)
{
	static char names[WATCHED_SITES_MAX][8];

	(void)state;
	for (size_t i = 0; i < WATCHED_SITES_MAX * 3 / 4 + 1; i++) {
		auto_free(stack) struct stack *stack = NULL;

		snprintf(names[i], sizeof(names[i]), "f%zu", i);
		stack = stack_label(names[i]);
		assert_non_null(watched_process_site(entry->process, SITE_PARK, UNIT_THREAD,
						     "futex", stack));
	}
	context.swept_ns += SITE_EXPIRES_SCARCE_NS - 1;
	places_expire_sites(&context, entry);
	assert_int_equal(entry->sites_expired, 0);
	context.swept_ns += 1;
	places_expire_sites(&context, entry);
	places_drop_expired(entry);
	assert_int_equal(entry->process->sites_count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_stack_is_named_once),
		TEST(frames_that_were_lost_may_come_back),
		TEST(without_an_id_nothing_is_known_for_good),
		TEST(a_place_goes_with_its_waits),
		TEST(with_many_sites_they_go_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
