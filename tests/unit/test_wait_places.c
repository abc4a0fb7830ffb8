// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/wait_places.h"

#include "bpf_maps.h"
#include "sources/places.h"

/*
 * A map `wait_sites` of our own. These functions stand in for tracer.c and places.c, which the
 * linker leaves out: each stack has a name.
 */

enum {
	GONE_PID = 4000001, /* no process has it */
	OTHER_PID = 4000002,
};

static int wait_sites;

int tracer_wait_sites_fd(const struct tracer *tracer)
{
	(void)tracer;
	return wait_sites;
}

struct place *places_known_wait(const struct process_entry *entry, uint32_t reason,
				uint64_t user_stack_id)
{
	struct place wanted = {0}, *place = NULL;

	wanted.key.user_stack_id = user_stack_id;
	wanted.key.kind_and_reason = reason;
	HASH_FIND(hh, entry->places, &wanted.key, sizeof(wanted.key), place);
	return place;
}

struct place *places_wait(struct sources_context *context, struct process_entry *entry,
			  uint32_t reason, const struct user_stack *user)
{
	struct place *place = places_known_wait(entry, reason, user->id);
	struct stack *stack;

	(void)context;
	if (place)
		return place;
	stack = stack_label("[a stack]");
	place = calloc(1, sizeof(*place));
	place->key.user_stack_id = user->id;
	place->key.kind_and_reason = reason;
	place->site = watched_process_site(entry->process, SITE_PARK, UNIT_THREAD, "futex", stack);
	stack_free(stack);
	HASH_ADD(hh, entry->places, key, sizeof(place->key), place);
	return place;
}

struct site *places_site(struct sources_context *context, struct process_entry *entry,
			 struct place *place)
{
	(void)context;
	(void)entry;
	return place->site;
}

static void set_up(struct sources_context *context)
{
	*context = (struct sources_context){0};
	context->processes = process_table_new(NULL);
	context->threads = thread_table_new(NULL);
	wait_sites =
		bpf_map_create(BPF_MAP_TYPE_HASH, "unit_test", sizeof(struct abi_wait_site_key),
			       sizeof(struct abi_wait_sum), ABI_WAIT_SITES_MAX, NULL);
	assert_true(wait_sites >= 0);
}

static void tear_down(struct sources_context *context)
{
	thread_table_free(context->threads);
	process_table_free(context->processes);
	close(wait_sites);
}

static struct abi_wait_site_key key_of(uint32_t tgid, uint32_t exec_id)
{
	return (struct abi_wait_site_key){
		.user_stack_id = 5, .tgid = tgid, .exec_id = exec_id, .reason = REASON_FUTEX};
}

static void put(uint32_t tgid, uint32_t exec_id, uint64_t count, uint64_t duration_ns)
{
	const struct abi_wait_site_key key = key_of(tgid, exec_id);
	const struct abi_wait_sum sum = {.count = count, .duration_ns = duration_ns};

	assert_int_equal(bpf_map_update_elem(wait_sites, &key, &sum, BPF_ANY), 0);
}

static bool is_kept(uint32_t tgid, uint32_t exec_id)
{
	const struct abi_wait_site_key key = key_of(tgid, exec_id);
	struct abi_wait_sum sum;

	return !bpf_map_lookup_elem(wait_sites, &key, &sum);
}

/* Of all its sites. */
static struct wait_sum credited(const struct process_entry *entry)
{
	struct wait_sum sum = {0};
	struct site *site, *next;

	HASH_ITER (hh, entry->process->sites, site, next)
		wait_sum_add(&sum, &site->waits);
	return sum;
}

static void who_was_not_met_yet_keeps_its_waits(void **state)
{
	const uint32_t self = (uint32_t)getpid();
	struct sources_context context;
	struct process_entry *entry;

	(void)state;
	set_up(&context);
	put(self, 1, 3, 30);
	put(GONE_PID, 1, 4, 40);
	assert_int_equal(wait_places_read_map(&context), 0);
	assert_true(is_kept(self, 1));
	assert_false(is_kept(GONE_PID, 1));

	entry = process_table_enter(context.processes, self, 7, 1, 100);
	assert_int_equal(wait_places_read_map(&context), 0);
	wait_places_settle(&context);
	assert_int_equal(credited(entry).count, 3);
	tear_down(&context);
}

static void what_a_process_will_execute_is_kept_and_what_it_has_executed_is_not(void **state)
{
	struct sources_context context;

	(void)state;
	set_up(&context);
	process_table_enter(context.processes, OTHER_PID, 7, 2, 100);
	put(OTHER_PID, 1, 1, 10);
	put(OTHER_PID, 3, 1, 10);
	assert_int_equal(wait_places_read_map(&context), 0);
	assert_false(is_kept(OTHER_PID, 1));
	assert_true(is_kept(OTHER_PID, 3));
	tear_down(&context);
}

/* The count was read before the time, and then nobody waited there again. */
static void a_torn_sum_is_made_good(void **state)
{
	struct sources_context context;
	struct process_entry *entry;

	(void)state;
	set_up(&context);
	entry = process_table_enter(context.processes, OTHER_PID, 7, 1, 100);
	put(OTHER_PID, 1, 1, 0);
	assert_int_equal(wait_places_read_map(&context), 0);
	wait_places_settle(&context);
	assert_int_equal(credited(entry).count, 1);
	put(OTHER_PID, 1, 1, 100);
	assert_int_equal(wait_places_read_map(&context), 0);
	wait_places_settle(&context);
	assert_int_equal(credited(entry).count, 1);
	assert_int_equal(credited(entry).duration_ns, 100);
	/* And what goes back is not taken back. */
	put(OTHER_PID, 1, 2, 90);
	assert_int_equal(wait_places_read_map(&context), 0);
	wait_places_settle(&context);
	assert_int_equal(credited(entry).count, 1);
	tear_down(&context);
}

static void of_a_replaced_program_known_places_count_and_the_rest_is_a_loss(void **state)
{
	struct abi_remembered_waits remembered[ABI_REMEMBERED_WAITS_MAX] = {
		{.user_stack_id = 6, .reason = REASON_FUTEX, .sum = {.count = 2}}};
	struct sources_context context;
	struct process_entry *entry;
	struct thread *thread;

	(void)state;
	set_up(&context);
	process_table_on_exec(context.processes, wait_places_settle_process, &context);
	entry = process_table_enter(context.processes, OTHER_PID, 7, 1, 100);
	thread = thread_table_add(context.threads, entry, OTHER_PID, 7);
	put(OTHER_PID, 1, 3, 30);
	assert_int_equal(wait_places_read_map(&context), 0);
	assert_int_equal(wait_places_remember(&context, thread, remembered, 1), 0);
	wait_places_settle(&context);
	assert_int_equal(credited(entry).count, 5);

	remembered[0].sum.count = 10;
	remembered[1] = (struct abi_remembered_waits){
		.user_stack_id = 8, .reason = REASON_FUTEX, .sum = {.count = 7}};
	put(OTHER_PID, 1, 4, 40);
	wait_places_end_program(&context, thread, remembered);
	assert_int_equal(wait_places_read_replaced(&context, entry), 0);
	process_table_exec(context.processes, entry, 2);
	assert_int_equal(credited(entry).count, 10 + 4);
	assert_int_equal(losses_interval_of(&context.losses, "wait_site_replaced"), 7);
	tear_down(&context);
}

static void the_reading_at_exec_leaves_other_processes_alone(void **state)
{
	struct sources_context context;
	struct process_entry *entry, *other;

	(void)state;
	set_up(&context);
	entry = process_table_enter(context.processes, OTHER_PID, 7, 1, 100);
	other = process_table_enter(context.processes, GONE_PID, 7, 1, 100);
	put(GONE_PID, 1, 3, 30);
	assert_int_equal(wait_places_read_replaced(&context, entry), 0);
	wait_places_settle(&context);
	assert_int_equal(credited(other).count, 0);
	assert_true(is_kept(GONE_PID, 1));
	assert_int_equal(losses_interval(&context.losses), 0);
	tear_down(&context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_was_not_met_yet_keeps_its_waits),
		cmocka_unit_test(
			what_a_process_will_execute_is_kept_and_what_it_has_executed_is_not),
		cmocka_unit_test(a_torn_sum_is_made_good),
		cmocka_unit_test(of_a_replaced_program_known_places_count_and_the_rest_is_a_loss),
		cmocka_unit_test(the_reading_at_exec_leaves_other_processes_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
