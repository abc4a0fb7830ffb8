// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/mapped_object.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "unit_test.h"

static char thing_of_all;
static int load_result;
static size_t loads;

static int load(int fd, void **thing)
{
	(void)fd;
	loads++;
	*thing = &thing_of_all;
	return load_result;
}

static void free_thing(void *thing)
{
	(void)thing;
}

static size_t memory_of(const void *thing)
{
	(void)thing;
	return 1;
}

static const struct file_cache_kind kind = {
	.load = load,
	.free = free_thing,
	.memory = memory_of,
};

/* The file of this program. */
struct scene {
	struct file_cache *cache;
	struct process_maps *maps;
	const struct mapping *mapping;
	struct mapped_object object;
};

static int set_up(void **state)
{
	static struct scene scene;

	load_result = 0;
	loads = 0;
	scene = (struct scene){.cache = file_cache_new(&kind, 1 << 20)};
	assert_non_null(scene.cache);
	assert_int_equal(process_maps_read(getpid(), PROCESS_MAPS_EXECUTABLE, &scene.maps, NULL),
			 0);
	scene.mapping = process_maps_at(scene.maps, 0);
	*state = &scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	process_maps_free(scene->maps);
	file_cache_free(scene->cache);
	return 0;
}

static const void *find(struct scene *scene)
{
	return mapped_object_find(&scene->object, getpid(), scene->mapping, false, scene->cache);
}

static void things_are_made_once(void **state)
{
	struct scene *scene = *state;

	assert_ptr_equal(find(scene), &thing_of_all);
	assert_int_equal(scene->object.state, OBJECT_KNOWN);
	assert_int_equal(scene->object.error, 0);
	assert_ptr_equal(find(scene), &thing_of_all);
	assert_int_equal(loads, 1);
}

static void what_cannot_be_read_is_not_tried_again(void **state)
{
	struct scene *scene = *state;
	struct mapping another = *scene->mapping;
	const struct mapping *right = scene->mapping;

	another.inode++;
	scene->mapping = &another;
	assert_null(find(scene));
	assert_int_equal(scene->object.state, OBJECT_NONE);
	assert_int_equal(scene->object.error, -ESTALE);
	scene->mapping = right;
	assert_null(find(scene));
	assert_int_equal(loads, 0);
}

static void shortages_are_not_remembered(void **state)
{
	struct scene *scene = *state;
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){0, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_null(find(scene));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(scene->object.state, OBJECT_UNTRIED);
	assert_int_equal(scene->object.error, -EMFILE);
	load_result = -ENOMEM;
	assert_null(find(scene));
	assert_int_equal(scene->object.error, -ENOMEM);
	load_result = 0;
	assert_ptr_equal(find(scene), &thing_of_all);
	assert_int_equal(scene->object.error, 0);
	assert_int_equal(loads, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(things_are_made_once),
		TEST(what_cannot_be_read_is_not_tried_again),
		TEST(shortages_are_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
