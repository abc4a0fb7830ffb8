// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <errno.h>

#include "formats/profile.pb-c.h"
#include "input/gunzip.h"
#include "input/pprof_dump.h"
#include "model_builder.h"
#include "output/pprof.h"
#include "scratch_file.h"

typedef Perftools__Profiles__Profile Profile;

/* A profile that pprof_write() made, unpacked, so that tests can damage it. */
struct fixture {
	struct watched_process *processes[2];
	struct site *sites[3];
	Profile *profile;
};

static Profile *write_profile(struct watched_process **processes, struct losses *losses)
{
	const struct pprof_config config = {.version = "0.1.0"};
	const struct report report = {
		.wall_ns = 1790000000123000000,
		.processes = processes,
		.processes_count = 2,
		.losses = losses,
	};
	struct scratch scratch;
	struct sink *sink;
	uint8_t *data = NULL;
	size_t length = 0;
	Profile *profile;
	FILE *file;

	scratch_make(&scratch);
	assert_int_equal(sink_open(scratch.file, &sink, NULL), 0);
	assert_int_equal(pprof_write(&report, &config, sink, NULL), 0);
	sink_free(sink);
	file = fopen(scratch.file, "r");
	assert_non_null(file);
	assert_int_equal(gunzip(file, 1 << 20, &data, &length, NULL), 0);
	fclose(file);
	scratch_remove(&scratch);
	profile = perftools__profiles__profile__unpack(NULL, length, data);
	assert_non_null(profile);
	free(data);
	return profile;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct losses losses = {0};
	struct stack *stack;

	assert_non_null(fixture);
	*state = fixture;
	fixture->processes[0] = build_process(4711, "payments-api");
	fixture->processes[0]->go_version = build_string("go1.23.4");
	fixture->processes[0]->entity_id = build_string("00112233aabbccdd");
	fixture->processes[1] = build_process(7, "redis");
	fixture->sites[0] =
		build_site(fixture->processes[1], SITE_PARK, "futex",
			   build_stack("futex_wait@kernel", "__futex@libc.so.6", "work", NULL));
	stack = build_stack("main.send", "main.serve", NULL);
	set_line(&stack->frames[0], "/src/main.go", 30);
	set_line(&stack->frames[1], "/src/main.go", 48);
	fixture->sites[1] =
		build_goroutine_site(fixture->processes[0], SITE_PARK, "chan_send", stack);
	fixture->sites[1]->creator = build_stack("main.main", NULL);
	stack = build_stack("guessed@libx.so", "nameless@libx.so", NULL);
	stack->frames[0].guess = true;
	free(stack->frames[1].function);
	stack->frames[1].function = NULL;
	stack = stack_append_label(stack, "[unknown: no stack]");
	fixture->sites[2] = build_site(fixture->processes[0], SITE_PARK, "epoll", stack);
	for (int i = 0; i < 3; i++)
		sweep_site(fixture->sites[i], 2 + (uint64_t)i, 5, SECOND_NS);
	losses_add(&losses, "thread_moved", 12);
	losses_add(&losses, "stack_map_full", 1);
	fixture->profile = write_profile(fixture->processes, &losses);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	perftools__profiles__profile__free_unpacked(fixture->profile, NULL);
	watched_process_free(fixture->processes[0]);
	watched_process_free(fixture->processes[1]);
	free(fixture);
	return 0;
}

/* Reads what the profile is now. */
static int read_profile(const struct fixture *fixture, struct dump **dump, struct error *error)
{
	size_t size = perftools__profiles__profile__get_packed_size(fixture->profile);
	uint8_t *data = malloc(size);
	int err;

	assert_non_null(data);
	perftools__profiles__profile__pack(fixture->profile, data);
	err = pprof_dump_parse(data, size, dump, error);
	free(data);
	return err;
}

static void assert_refused(const struct fixture *fixture, const char *message)
{
	struct error error = {0};
	struct dump *dump = NULL;

	assert_int_equal(read_profile(fixture, &dump, &error), -EBADMSG);
	assert_string_equal(error.text, message);
	assert_null(dump);
}

static void assert_frame(const struct dump_site *site, size_t index, const char *expected)
{
	char text[128];

	assert_true(index < site->stack->count);
	dump_frame_print(&site->stack->frames[index], text, sizeof(text));
	assert_string_equal(text, expected);
}

static void test_what_pprof_writes_is_read_back(void **state)
{
	struct fixture *fixture = *state;
	const struct dump_process *process;
	const struct dump_site *site;
	struct dump *dump = NULL;

	assert_int_equal(read_profile(fixture, &dump, NULL), 0);
	assert_int_equal(dump->wall_ns, 1790000000123000000);
	assert_null(dump->hostname);
	assert_int_equal(dump->losses, 13);
	/* By pid, whatever their order was. */
	assert_int_equal(dump->processes_count, 2);
	process = &dump->processes[0];
	assert_int_equal(process->pid, 7);
	assert_string_equal(process->name, "redis");
	assert_null(process->entity_id);
	assert_false(process->go || process->threads_known || process->exec_id_known);
	assert_int_equal(process->sites_count, 1);
	assert_string_equal(process->sites[0].reason, "futex");
	assert_int_equal(process->sites[0].id, fixture->sites[0]->id.hash);
	assert_int_equal(process->sites[0].unit, UNIT_THREAD);
	assert_int_equal(process->sites[0].now, 2);
	assert_int_equal(process->sites[0].stack->count, 2);
	assert_frame(&process->sites[0], 1, "work (target)");

	process = &dump->processes[1];
	assert_string_equal(process->entity_id, "00112233aabbccdd");
	assert_true(process->go);
	assert_int_equal(process->sites_count, 2);
	site = &process->sites[0];
	assert_string_equal(site->reason, "epoll");
	assert_int_equal(site->now, 4);
	assert_frame(site, 0, "guessed (libx.so) [?]");
	assert_frame(site, 1, "libx.so");
	assert_frame(site, 2, "[unknown: no stack]");
	assert_int_equal(site->stack->frames[2].kind, FRAME_LABEL);
	site = &process->sites[1];
	assert_int_equal(site->unit, UNIT_GOROUTINE);
	assert_int_equal(site->now, 3);
	assert_frame(site, 0, "main.send (main.go:30)");
	assert_string_equal(site->created_by, "main.main+0x10 (target)");
	dump_free(dump);
}

static void test_other_profiles_are_refused(void **state)
{
	static const char foreign[] = "it is a profile, but not one of 'parkscope dump -f pprof'";
	struct fixture *fixture = *state;
	Profile *profile = fixture->profile;
	size_t count = profile->n_comment;
	int64_t key;

	profile->n_comment = 0;
	assert_refused(fixture, foreign);
	profile->n_comment = count;
	key = profile->sample_type[0]->type;
	profile->sample_type[0]->type = 0;
	assert_refused(fixture, foreign);
	profile->sample_type[0]->type = key;
	for (size_t i = 0; i < profile->sample[0]->n_label; i++) {
		const char *text = profile->string_table[profile->sample[0]->label[i]->key];

		if (strcmp(text, "site") == 0)
			profile->sample[0]->label[i]->key = 0;
	}
	assert_refused(fixture, foreign);
}

static void test_references_that_lead_nowhere(void **state)
{
	struct fixture *fixture = *state;
	Profile *profile = fixture->profile;
	uint64_t number;

	number = profile->sample[0]->location_id[0];
	profile->sample[0]->location_id[0] = profile->n_location + 1;
	assert_refused(fixture, "its locations are not as they should be");
	profile->sample[0]->location_id[0] = 0;
	assert_refused(fixture, "its locations are not as they should be");
	profile->sample[0]->location_id[0] = number;

	number = profile->location[0]->mapping_id;
	profile->location[0]->mapping_id = UINT64_MAX;
	assert_refused(fixture, "its mappings are not as they should be");
	profile->location[0]->mapping_id = number;

	number = profile->location[0]->line[0]->function_id;
	profile->location[0]->line[0]->function_id = profile->n_function + 1;
	assert_refused(fixture, "its functions are not as they should be");
	profile->location[0]->line[0]->function_id = number;

	profile->function[0]->name = (int64_t)profile->n_string_table;
	assert_refused(fixture, "its functions are not as they should be");
	profile->function[0]->name = -1;
	assert_refused(fixture, "its functions are not as they should be");
}

static void test_values_that_cannot_be(void **state)
{
	static const char message[] = "its values are not as they should be";
	struct fixture *fixture = *state;
	Profile *profile = fixture->profile;

	profile->sample[0]->value[0] = profile->sample[0]->value[1] = 1;
	assert_refused(fixture, message);
	profile->sample[0]->value[0] = -1;
	profile->sample[0]->value[1] = 0;
	assert_refused(fixture, message);
	profile->sample[0]->value[0] = INT64_MAX;
	assert_refused(fixture, message);
	profile->sample[0]->value[0] = 1;
	profile->sample[0]->n_value = 1;
	assert_refused(fixture, message);
}

/* Two bytes in the file are a hundred in memory. */
static void test_messages_have_a_limit(void **state)
{
	enum {
		SAMPLES = 8 << 20,
	};
	uint8_t *data = malloc(2 * SAMPLES);
	struct error error = {0};
	struct dump *dump = NULL;

	(void)state;
	assert_non_null(data);
	for (size_t i = 0; i < SAMPLES; i++) {
		data[2 * i] = 2 << 3 | 2; /* field 2, length-delimited: a sample */
		data[2 * i + 1] = 0;
	}
	assert_int_equal(pprof_dump_parse(data, 2 * SAMPLES, &dump, &error), -E2BIG);
	assert_string_equal(error.text, "it is too large to be compared");
	free(data);
}

static void test_what_is_no_profile(void **state)
{
	static const uint8_t text[] = "{\"event\":1}\n";
	struct error error = {0};
	struct dump *dump = NULL;

	(void)state;
	assert_int_equal(pprof_dump_parse(text, sizeof(text), &dump, &error), -EBADMSG);
	assert_string_equal(error.text, "it is no profile, or is damaged");
	assert_int_equal(pprof_dump_parse(text, 0, &dump, &error), -EBADMSG);
	assert_null(dump);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(test_what_pprof_writes_is_read_back),
		test(test_other_profiles_are_refused),
		test(test_references_that_lead_nowhere),
		test(test_values_that_cannot_be),
		cmocka_unit_test(test_messages_have_a_limit),
		cmocka_unit_test(test_what_is_no_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
