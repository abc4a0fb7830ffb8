// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/perf_map_cache.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit_test.h"

enum {
	CHILDREN = 3,
	LIMIT = 4096,
};

/* Processes that do nothing; each has a perf map with one function at 0x1000. */
struct scene {
	struct perf_map_cache *cache;
	struct process_ref children[CHILDREN];
};

static void map_path(pid_t pid, char path[64])
{
	snprintf(path, 64, "/tmp/perf-%d.map", (int)pid);
}

static void write_map(pid_t pid, const char *name, size_t functions)
{
	char path[64];
	FILE *file;

	map_path(pid, path);
	file = fopen(path, "we");
	assert_non_null(file);
	for (size_t i = 0; i < functions; i++)
		fprintf(file, "%zx 10 %s\n", 0x1000 + i * 0x10, name);
	fclose(file);
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->cache = perf_map_cache_new(LIMIT);
	assert_non_null(scene->cache);
	for (size_t i = 0; i < CHILDREN; i++) {
		pid_t child = fork();

		if (child == 0)
			for (;;)
				pause();
		assert_true(child > 0);
		scene->children[i] = (struct process_ref){.pid = child, .generation = 1};
		write_map(child, "function", 1);
	}
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	perf_map_cache_free(scene->cache);
	for (size_t i = 0; i < CHILDREN; i++) {
		char path[64];

		map_path(scene->children[i].pid, path);
		unlink(path);
		kill(scene->children[i].pid, SIGKILL);
		waitpid(scene->children[i].pid, NULL, 0);
	}
	free(scene);
	return 0;
}

/* What the first function of the child is called. */
static const char *name_at(struct scene *scene, size_t child, uint64_t now_ns)
{
	struct perf_map_symbol symbol;

	return perf_map_cache_find(scene->cache, &scene->children[child], 0x1000, now_ns, &symbol)
		       ? symbol.name
		       : "";
}

/* At a time before any file is read again. */
static const char *name_of(struct scene *scene, size_t child)
{
	return name_at(scene, child, 1);
}

static struct perf_map_cache_statistics statistics_of(const struct scene *scene)
{
	struct perf_map_cache_statistics statistics;

	perf_map_cache_statistics(scene->cache, &statistics);
	return statistics;
}

static void each_process_has_its_own(void **state)
{
	struct scene *scene = *state;

	write_map(scene->children[1].pid, "another", 1);
	assert_string_equal(name_of(scene, 0), "function");
	assert_string_equal(name_of(scene, 1), "another");
	assert_string_equal(name_of(scene, 0), "function");
	assert_int_equal(statistics_of(scene).maps, 2);
	assert_int_equal(statistics_of(scene).truncated, 0);
	assert_in_range(statistics_of(scene).memory, 2 * 25, LIMIT);
}

static void another_program_is_read_anew(void **state)
{
	struct scene *scene = *state;

	assert_string_equal(name_of(scene, 0), "function");
	write_map(scene->children[0].pid, "of the next program", 1);
	assert_string_equal(name_of(scene, 0), "function");
	scene->children[0].generation++;
	assert_string_equal(name_of(scene, 0), "of the next program");
	assert_int_equal(statistics_of(scene).maps, 1);
}

static void the_least_recently_used_goes(void **state)
{
	struct scene *scene = *state;

	/* Each takes more than half of the limit. */
	write_map(scene->children[0].pid, "a", 130);
	write_map(scene->children[1].pid, "b", 130);
	assert_string_equal(name_of(scene, 0), "a");
	assert_string_equal(name_of(scene, 2), "function");
	assert_string_equal(name_of(scene, 1), "b");
	assert_int_equal(statistics_of(scene).maps, 2);
	assert_in_range(statistics_of(scene).memory, LIMIT / 2, LIMIT);
	write_map(scene->children[0].pid, "read again", 1);
	assert_string_equal(name_of(scene, 0), "read again");
}

static void one_above_the_limit_is_there_alone(void **state)
{
	struct scene *scene = *state;

	assert_string_equal(name_of(scene, 1), "function");
	write_map(scene->children[0].pid, "large", 1000);
	assert_string_equal(name_of(scene, 0), "large");
	assert_string_equal(name_of(scene, 0), "large");
	assert_int_equal(statistics_of(scene).maps, 1);
	assert_string_equal(name_of(scene, 1), "function");
	assert_int_equal(statistics_of(scene).maps, 1);
}

/* A sparse file of the largest size that is read whole. */
static void enlarge_map(pid_t pid)
{
	char path[64];

	map_path(pid, path);
	assert_int_equal(truncate(path, PERF_MAP_SIZE_MAX), 0);
}

static void what_is_read_by_all_is_limited(void **state)
{
	struct scene *scene = *state;
	uint64_t paid_ns = 1000000000ULL * PERF_MAP_SIZE_MAX / PERF_MAP_CACHE_READ_BYTES_PER_SECOND;

	for (size_t i = 0; i < CHILDREN; i++)
		enlarge_map(scene->children[i].pid);
	assert_string_equal(name_at(scene, 0, 1), "function");
	/* The next program of that process, as often as it likes. */
	scene->children[0].generation++;
	assert_string_equal(name_at(scene, 0, 1), "function");
	scene->children[0].generation++;
	assert_string_equal(name_at(scene, 0, 1), "");
	assert_string_equal(name_at(scene, 1, 1), "");
	assert_int_equal(statistics_of(scene).delayed, 2);
	assert_string_equal(name_at(scene, 1, 1 + paid_ns), "function");
	assert_string_equal(name_at(scene, 2, 1 + paid_ns), "");
	assert_string_equal(name_at(scene, 2, 3600000000000ULL), "function");
	assert_int_equal(statistics_of(scene).delayed, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(each_process_has_its_own),       TEST(another_program_is_read_anew),
		TEST(the_least_recently_used_goes),   TEST(one_above_the_limit_is_there_alone),
		TEST(what_is_read_by_all_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
