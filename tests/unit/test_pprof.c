// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "formats/profile.pb-c.h"
#include "model_builder.h"
#include "output/pprof.h"
#include "scratch_file.h"

typedef Perftools__Profiles__Profile Profile;
typedef Perftools__Profiles__Sample Sample;

struct fixture {
	struct scratch scratch;
	struct sink *sink;
	struct losses losses;
	struct watched_process *processes[2];
	struct report report;
	struct pprof_config config;
	Profile *profile; /* what was read back */
};

static struct fixture *fixture_new(void)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	scratch_make(&fixture->scratch);
	assert_int_equal(sink_open(fixture->scratch.file, &fixture->sink, NULL), 0);
	fixture->processes[0] = build_process(4711, "payments-api");
	fixture->processes[0]->go_version = build_string("go1.23.4");
	fixture->processes[0]->entity_id = build_string("00112233aabbccdd");
	fixture->report = (struct report){
		.wall_ns = 1790000000123000000,
		.processes = fixture->processes,
		.processes_count = 1,
		.losses = &fixture->losses,
	};
	fixture->config.version = "0.1.0";
	return fixture;
}

static void fixture_free(struct fixture *fixture)
{
	if (fixture->profile)
		perftools__profiles__profile__free_unpacked(fixture->profile, NULL);
	for (size_t i = 0; i < fixture->report.processes_count; i++)
		watched_process_free(fixture->processes[i]);
	sink_free(fixture->sink);
	scratch_remove(&fixture->scratch);
	free(fixture);
}

/* Writes, unpacks and checks that every reference leads somewhere. */
static void write_and_read_back(struct fixture *fixture)
{
	enum {
		SIZE_MAX_READ = 1 << 20,
	};
	uint8_t *data = malloc(SIZE_MAX_READ);
	gzFile file;
	int length;

	assert_non_null(data);
	assert_int_equal(pprof_write(&fixture->report, &fixture->config, fixture->sink, NULL), 0);
	file = gzopen(fixture->scratch.file, "rb");
	assert_non_null(file);
	length = gzread(file, data, SIZE_MAX_READ);
	assert_false(gzdirect(file));
	assert_in_range(length, 1, SIZE_MAX_READ - 1);
	assert_int_equal(gzclose(file), Z_OK);
	fixture->profile = perftools__profiles__profile__unpack(NULL, (size_t)length, data);
	free(data);
	assert_non_null(fixture->profile);
	assert_string_equal(fixture->profile->string_table[0], "");
	for (size_t i = 0; i < fixture->profile->n_location; i++)
		assert_int_equal(fixture->profile->location[i]->id, i + 1);
	for (size_t i = 0; i < fixture->profile->n_function; i++)
		assert_int_equal(fixture->profile->function[i]->id, i + 1);
	for (size_t i = 0; i < fixture->profile->n_mapping; i++)
		assert_int_equal(fixture->profile->mapping[i]->id, i + 1);
}

static const char *text_of(const struct fixture *fixture, int64_t index)
{
	assert_in_range(index, 0, fixture->profile->n_string_table - 1);
	return fixture->profile->string_table[index];
}

static void assert_frame(const struct fixture *fixture, const Sample *sample, size_t index,
			 const char *function, const char *file, int64_t line)
{
	const Perftools__Profiles__Location *location;
	const Perftools__Profiles__Function *named;

	assert_true(index < sample->n_location_id);
	assert_in_range(sample->location_id[index], 1, fixture->profile->n_location);
	location = fixture->profile->location[sample->location_id[index] - 1];
	assert_int_equal(location->n_line, 1);
	assert_in_range(location->line[0]->function_id, 1, fixture->profile->n_function);
	named = fixture->profile->function[location->line[0]->function_id - 1];
	assert_string_equal(text_of(fixture, named->name), function);
	assert_string_equal(text_of(fixture, named->filename), file);
	assert_int_equal(location->line[0]->line, line);
}

/* "": the sample has no such label. */
static const char *label_of(const struct fixture *fixture, const Sample *sample, const char *key)
{
	for (size_t i = 0; i < sample->n_label; i++)
		if (strcmp(text_of(fixture, sample->label[i]->key), key) == 0)
			return text_of(fixture, sample->label[i]->str);
	return "";
}

static void assert_values(const Sample *sample, int64_t goroutines, int64_t threads)
{
	assert_int_equal(sample->n_value, 2);
	assert_int_equal(sample->value[0], goroutines);
	assert_int_equal(sample->value[1], threads);
}

static struct site *add_goroutines(struct fixture *fixture, const char *name, uint64_t count)
{
	struct site *site = build_goroutine_site(fixture->processes[0], SITE_PARK, "chan_send",
						 build_stack(name, "main.main", NULL));

	set_line(&site->stack->frames[0], "/src/main.go", 30);
	site->stack->frames[0].address = 0x1000;
	sweep_site(site, count, 1, 0);
	return site;
}

static void test_a_site_is_a_sample(void **state)
{
	struct fixture *fixture = fixture_new();
	struct site *site = add_goroutines(fixture, "main.f", 1402);
	const Perftools__Profiles__Mapping *mapping;
	const Profile *profile;
	char id[17];

	(void)state;
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)site->id.hash);
	site->creator = build_stack("main.serve", NULL);
	set_line(&site->creator->frames[0], "/src/main.go", 29);
	for (size_t i = 0; i < 2; i++)
		site->stack->frames[i].build_id = build_string("abcdef");
	losses_add(&fixture->losses, "goroutine_moved", 3);
	write_and_read_back(fixture);
	profile = fixture->profile;
	assert_int_equal(profile->n_sample_type, 2);
	assert_string_equal(text_of(fixture, profile->sample_type[0]->type), "goroutines");
	assert_string_equal(text_of(fixture, profile->sample_type[0]->unit), "count");
	assert_string_equal(text_of(fixture, profile->sample_type[1]->type), "threads");
	assert_string_equal(text_of(fixture, profile->sample_type[1]->unit), "count");
	assert_string_equal(text_of(fixture, profile->default_sample_type), "goroutines");
	assert_string_equal(text_of(fixture, profile->period_type->type), "goroutines");
	assert_int_equal(profile->period, 1);
	assert_true(profile->time_nanos == 1790000000123000000);
	assert_int_equal(profile->n_comment, 2);
	assert_string_equal(text_of(fixture, profile->comment[0]), "parkscope 0.1.0");
	assert_string_equal(text_of(fixture, profile->comment[1]), "lost: 3 goroutine_moved");

	assert_int_equal(profile->n_sample, 1);
	assert_values(profile->sample[0], 1402, 0);
	assert_int_equal(profile->sample[0]->n_location_id, 2);
	assert_frame(fixture, profile->sample[0], 0, "main.f", "/src/main.go", 30);
	assert_frame(fixture, profile->sample[0], 1, "main.main", "", 0);
	assert_string_equal(label_of(fixture, profile->sample[0], "reason"), "chan_send");
	assert_string_equal(label_of(fixture, profile->sample[0], "site"), id);
	assert_string_equal(label_of(fixture, profile->sample[0], "created_by"),
			    "main.serve (main.go:29)");
	assert_string_equal(label_of(fixture, profile->sample[0], "process"), "payments-api");
	assert_string_equal(label_of(fixture, profile->sample[0], "entity_id"), "00112233aabbccdd");
	assert_int_equal(profile->sample[0]->n_label, 6);

	assert_int_equal(profile->n_mapping, 1);
	mapping = profile->mapping[0];
	assert_string_equal(text_of(fixture, mapping->filename), "target");
	assert_string_equal(text_of(fixture, mapping->build_id), "abcdef");
	assert_true(mapping->has_functions);
	assert_int_equal(profile->location[0]->mapping_id, 1);
	assert_int_equal(profile->location[0]->address, 0x1000);
	fixture_free(fixture);
}

static void test_what_is_the_same_stands_once(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	add_goroutines(fixture, "main.f", 2);
	add_goroutines(fixture, "main.g", 1);
	write_and_read_back(fixture);
	assert_int_equal(fixture->profile->n_sample, 2);
	assert_int_equal(fixture->profile->n_location, 3);
	assert_int_equal(fixture->profile->n_function, 3);
	assert_int_equal(fixture->profile->n_mapping, 1);
	assert_frame(fixture, fixture->profile->sample[1], 0, "main.g", "/src/main.go", 30);
	for (size_t i = 0; i < fixture->profile->n_string_table; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(fixture->profile->string_table[i],
						fixture->profile->string_table[j]);
	fixture_free(fixture);
}

static void add_threads(struct fixture *fixture)
{
	struct site *site =
		build_site(fixture->processes[0], SITE_PARK, "futex",
			   build_stack("do_futex@kernel", "wait@libc.so.6", "work", NULL));

	free(site->stack->frames[1].function);
	site->stack->frames[1].function = NULL;
	site->stack->frames[2].guess = true;
	sweep_site(site, 5, 1, 0);
}

static void test_threads(void **state)
{
	struct fixture *fixture = fixture_new();
	const Sample *sample;

	(void)state;
	free(fixture->processes[0]->go_version);
	fixture->processes[0]->go_version = NULL;
	fixture->processes[0]->executable = build_string("/usr/bin/target");
	add_threads(fixture);
	write_and_read_back(fixture);
	assert_string_equal(text_of(fixture, fixture->profile->default_sample_type), "threads");
	assert_int_equal(fixture->profile->n_sample, 1);
	sample = fixture->profile->sample[0];
	assert_values(sample, 0, 5);
	/* No kernel frame; a frame without a name has no line; a guess says so. */
	assert_int_equal(sample->n_location_id, 2);
	assert_int_equal(fixture->profile->location[sample->location_id[0] - 1]->n_line, 0);
	assert_frame(fixture, sample, 1, "work [?]", "", 0);
	/* The program itself comes first, though the leaf is libc's. */
	assert_int_equal(fixture->profile->n_mapping, 2);
	assert_string_equal(text_of(fixture, fixture->profile->mapping[0]->filename), "target");
	assert_string_equal(text_of(fixture, fixture->profile->mapping[1]->filename), "libc.so.6");
	fixture_free(fixture);
}

static void test_only_what_is_wanted(void **state)
{
	static const struct {
		enum shown_units units;
		bool runtime;
		size_t samples;
		const char *by_default;
	} cases[] = {
		{SHOWN_ALL, false, 2, "goroutines"},
		{SHOWN_ALL, true, 3, "goroutines"},
		{SHOWN_GOROUTINES, false, 1, "goroutines"},
		{SHOWN_THREADS, true, 1, "threads"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture *fixture = fixture_new();

		add_goroutines(fixture, "main.f", 2);
		add_goroutines(fixture, "runtime.gopark", 1)->runtime = true;
		add_goroutines(fixture, "main.gone", 0);
		add_threads(fixture);
		fixture->config.units = cases[i].units;
		fixture->config.runtime = cases[i].runtime;
		write_and_read_back(fixture);
		assert_int_equal(fixture->profile->n_sample, cases[i].samples);
		assert_string_equal(text_of(fixture, fixture->profile->default_sample_type),
				    cases[i].by_default);
		fixture_free(fixture);
	}
}

static void test_several_processes_are_told_apart(void **state)
{
	struct fixture *fixture = fixture_new();
	const Sample *sample;
	bool found = false;

	(void)state;
	fixture->processes[1] = build_process(7, "redis");
	fixture->report.processes_count = 2;
	add_goroutines(fixture, "main.f", 2);
	sweep_site(build_site(fixture->processes[1], SITE_PARK, "epoll", build_stack("x", NULL)), 1,
		   1, 0);
	write_and_read_back(fixture);
	assert_int_equal(fixture->profile->n_sample, 2);
	assert_string_equal(label_of(fixture, fixture->profile->sample[0], "process"),
			    "payments-api");
	sample = fixture->profile->sample[1];
	assert_string_equal(label_of(fixture, sample, "process"), "redis");
	for (size_t i = 0; i < sample->n_label; i++)
		if (strcmp(text_of(fixture, sample->label[i]->key), "pid") == 0) {
			assert_int_equal(sample->label[i]->num, 7);
			found = true;
		}
	assert_true(found);
	fixture_free(fixture);
}

static void test_hostile_names_are_escaped(void **state)
{
	struct fixture *fixture = fixture_new();
	struct site *site = add_goroutines(fixture, "x\n\033[2J\xff", 2);

	(void)state;
	set_line(&site->stack->frames[0], "/a\nb", 1);
	write_and_read_back(fixture);
	assert_frame(fixture, fixture->profile->sample[0], 0, "x\\x0a\\x1b[2J\\xff", "/a\\x0ab", 1);
	fixture_free(fixture);
}

static void test_an_empty_report_is_a_profile(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	write_and_read_back(fixture);
	assert_int_equal(fixture->profile->n_sample, 0);
	assert_int_equal(fixture->profile->n_sample_type, 2);
	fixture_free(fixture);
}

static void test_many_sites(void **state)
{
	enum {
		COUNT = 1000,
	};
	struct fixture *fixture = fixture_new();
	char name[32];

	(void)state;
	for (unsigned int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "main.f%u", i);
		add_goroutines(fixture, name, COUNT - i);
	}
	write_and_read_back(fixture);
	assert_int_equal(fixture->profile->n_sample, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "main.f%zu", i);
		assert_values(fixture->profile->sample[i], (int64_t)(COUNT - i), 0);
		assert_frame(fixture, fixture->profile->sample[i], 0, name, "/src/main.go", 30);
	}
	fixture_free(fixture);
}

static void test_a_write_that_fails_is_reported(void **state)
{
	struct fixture *fixture = fixture_new();
	auto_free(sink) struct sink *full = NULL;
	struct error error = {0};

	(void)state;
	assert_int_equal(sink_open("/dev/full", &full, NULL), 0);
	assert_int_equal(pprof_write(&fixture->report, &fixture->config, full, &error), -ENOSPC);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_site_is_a_sample),
		cmocka_unit_test(test_what_is_the_same_stands_once),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_only_what_is_wanted),
		cmocka_unit_test(test_several_processes_are_told_apart),
		cmocka_unit_test(test_hostile_names_are_escaped),
		cmocka_unit_test(test_an_empty_report_is_a_profile),
		cmocka_unit_test(test_many_sites),
		cmocka_unit_test(test_a_write_that_fails_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
