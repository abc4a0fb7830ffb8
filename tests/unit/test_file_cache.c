// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/file_cache.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit_test.h"

enum {
	LARGE = 1 << 20,
	TEXT_MAX = 4096,
};

static unsigned int living;

/* The thing is the text itself; of what begins with '#' nothing can be made. */
static int copy_text(const void *data, size_t size, void **thing)
{
	char *text;

	if (size == 0 || *(const char *)data == '#')
		return -ENOEXEC;
	text = strndup(data, size);
	assert_non_null(text);
	living++;
	*thing = text;
	return 0;
}

static int read_text(int fd, void **thing)
{
	char text[TEXT_MAX];
	ssize_t size = pread(fd, text, sizeof(text), 0);

	assert_true(size >= 0);
	if (size && *text == '!')
		return -EIO;
	return copy_text(text, (size_t)size, thing);
}

static void free_text(void *thing)
{
	living--;
	free(thing);
}

static size_t text_memory(const void *thing)
{
	return strlen(thing) + 1;
}

static const struct file_cache_kind text_kind = {
	.load = read_text,
	.load_image = copy_text,
	.free = free_text,
	.memory = text_memory,
};

static struct file_cache *new_cache(size_t limit)
{
	struct file_cache *cache = file_cache_new(&text_kind, limit);

	assert_non_null(cache);
	return cache;
}

static int file_with(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static struct file_cache_statistics statistics_of(const struct file_cache *cache)
{
	struct file_cache_statistics statistics;

	file_cache_statistics(cache, &statistics);
	return statistics;
}

static void a_file_is_read_once(void **state)
{
	auto_free(file_cache) struct file_cache *cache = new_cache(LARGE);
	const void *first = NULL, *second = NULL, *found = NULL;
	autoclose int fd = file_with("once");
	struct file_key key;

	(void)state;
	assert_int_equal(file_cache_load(cache, fd, &key, &first), 0);
	assert_int_equal(file_cache_load(cache, fd, &key, &second), 0);
	assert_string_equal(first, "once");
	assert_ptr_equal(first, second);
	assert_true(file_cache_find(cache, &key, &found));
	assert_ptr_equal(found, first);
	assert_int_equal(file_cache_error(cache, &key), 0);
	assert_int_equal(statistics_of(cache).loads, 1);
	assert_int_equal(statistics_of(cache).files, 1);
	assert_true(statistics_of(cache).memory > strlen("once"));
}

static void files_with_the_same_text_stay_apart(void **state)
{
	auto_free(file_cache) struct file_cache *cache = new_cache(LARGE);
	autoclose int one = file_with("same"), other = file_with("same");
	const void *thing_of_one = NULL, *thing_of_other = NULL;
	struct file_key key;

	(void)state;
	assert_int_equal(file_cache_load(cache, one, &key, &thing_of_one), 0);
	assert_int_equal(file_cache_load(cache, other, &key, &thing_of_other), 0);
	assert_ptr_not_equal(thing_of_one, thing_of_other);
	assert_int_equal(statistics_of(cache).files, 2);
}

static void images_with_the_same_content_are_one(void **state)
{
	auto_free(file_cache) struct file_cache *cache = new_cache(LARGE);
	const char one[] = "image", other[] = "image", third[] = "other";
	const void *thing_of_one = NULL, *thing_of_other = NULL, *thing_of_third = NULL;
	struct file_key key;

	(void)state;
	assert_int_equal(file_cache_load_image(cache, one, 5, &key, &thing_of_one), 0);
	assert_int_equal(file_cache_load_image(cache, other, 5, &key, &thing_of_other), 0);
	assert_int_equal(file_cache_load_image(cache, third, 5, &key, &thing_of_third), 0);
	assert_ptr_equal(thing_of_one, thing_of_other);
	assert_string_equal(thing_of_third, "other");
	assert_int_equal(statistics_of(cache).loads, 2);
}

static void a_file_written_in_place_is_read_again(void **state)
{
	auto_free(file_cache) struct file_cache *cache = new_cache(LARGE);
	autoclose int fd = file_with("before");
	const void *thing = NULL;
	struct file_key key;

	(void)state;
	assert_int_equal(file_cache_load(cache, fd, &key, &thing), 0);
	/* The kernel's file times have the grain of a tick: longer makes sure. */
	assert_int_equal(pwrite(fd, "afterwards", 10, 0), 10);
	assert_int_equal(file_cache_load(cache, fd, &key, &thing), 0);
	assert_string_equal(thing, "afterwards");
	assert_int_equal(statistics_of(cache).loads, 2);
}

static void what_gives_nothing_is_remembered(void **state)
{
	auto_free(file_cache) struct file_cache *cache = new_cache(LARGE);
	autoclose int fd = file_with("#nothing");
	const void *thing = "";
	struct file_key key;

	(void)state;
	assert_int_equal(file_cache_load(cache, fd, &key, &thing), 0);
	assert_null(thing);
	thing = "";
	assert_true(file_cache_find(cache, &key, &thing));
	assert_null(thing);
	assert_int_equal(file_cache_load(cache, fd, &key, &thing), 0);
	assert_int_equal(statistics_of(cache).loads, 1);
	assert_int_equal(statistics_of(cache).too_large, 0);
	assert_int_equal(file_cache_error(cache, &key), -ENOEXEC);
}

static void a_read_that_fails_is_not_remembered(void **state)
{
	auto_free(file_cache) struct file_cache *cache = new_cache(LARGE);
	autoclose int fd = file_with("!");
	const void *thing = NULL;
	struct file_key key;

	(void)state;
	assert_int_equal(file_cache_load(cache, fd, &key, &thing), -EIO);
	assert_int_equal(statistics_of(cache).files, 0);
	assert_int_equal(pwrite(fd, "better", 6, 0), 6);
	assert_int_equal(file_cache_load(cache, fd, &key, &thing), 0);
	assert_string_equal(thing, "better");
}

static void the_least_recently_used_go(void **state)
{
	autoclose int a = file_with("a"), b = file_with("b"), c = file_with("c");
	struct file_cache *unbounded = new_cache(LARGE);
	auto_free(file_cache) struct file_cache *cache = NULL;
	struct file_key key_a, key_b, key_c;
	const void *thing = NULL;
	size_t limit;

	(void)state;
	/* Room for two. */
	assert_int_equal(file_cache_load(unbounded, a, &key_a, &thing), 0);
	limit = statistics_of(unbounded).memory * 5 / 2;
	file_cache_free(unbounded);
	cache = new_cache(limit);
	assert_int_equal(file_cache_load(cache, a, &key_a, &thing), 0);
	assert_int_equal(file_cache_load(cache, b, &key_b, &thing), 0);
	assert_true(file_cache_find(cache, &key_a, &thing));
	assert_int_equal(file_cache_load(cache, c, &key_c, &thing), 0);
	assert_string_equal(thing, "c");
	assert_true(file_cache_find(cache, &key_a, &thing));
	assert_string_equal(thing, "a");
	assert_false(file_cache_find(cache, &key_b, &thing));
	assert_int_equal(statistics_of(cache).files, 2);
	assert_int_equal(living, 2);
	assert_true(statistics_of(cache).memory <= limit);
	assert_int_equal(file_cache_load(cache, b, &key_b, &thing), 0);
	assert_string_equal(thing, "b");
	assert_int_equal(statistics_of(cache).loads, 4);
}

static void what_is_too_large_is_not_kept(void **state)
{
	auto_free(file_cache) struct file_cache *cache = new_cache(100);
	autoclose int fd = file_with("more than is left beside the entry itself");
	const void *thing = "";
	struct file_key key;

	(void)state;
	assert_int_equal(file_cache_load(cache, fd, &key, &thing), 0);
	assert_null(thing);
	assert_true(file_cache_find(cache, &key, &thing));
	assert_int_equal(statistics_of(cache).too_large, 1);
	assert_int_equal(file_cache_error(cache, &key), -EFBIG);
	assert_int_equal(living, 0);
}

static void a_bad_descriptor_is_an_error(void **state)
{
	auto_free(file_cache) struct file_cache *cache = new_cache(LARGE);
	const void *thing = NULL;
	struct file_key key;

	(void)state;
	assert_int_equal(file_cache_load(cache, -1, &key, &thing), -EBADF);
	assert_int_equal(statistics_of(cache).files, 0);
}

static int nothing_is_left(void **state)
{
	(void)state;
	assert_int_equal(living, 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_file_is_read_once, nothing_is_left),
		cmocka_unit_test_teardown(files_with_the_same_text_stay_apart, nothing_is_left),
		cmocka_unit_test_teardown(images_with_the_same_content_are_one, nothing_is_left),
		cmocka_unit_test_teardown(a_file_written_in_place_is_read_again, nothing_is_left),
		cmocka_unit_test_teardown(what_gives_nothing_is_remembered, nothing_is_left),
		cmocka_unit_test_teardown(a_read_that_fails_is_not_remembered, nothing_is_left),
		cmocka_unit_test_teardown(the_least_recently_used_go, nothing_is_left),
		cmocka_unit_test_teardown(what_is_too_large_is_not_kept, nothing_is_left),
		cmocka_unit_test_teardown(a_bad_descriptor_is_an_error, nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
