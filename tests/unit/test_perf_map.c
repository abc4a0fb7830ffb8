// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/perf_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "unit_test.h"

enum {
	NS_PID = 7,
	OTHER_USER = 65534,
};

/*
 * A root directory with a /tmp, as a container has it, beside a directory that is
 * outside of it; and the map that this process itself writes.
 */
struct scene {
	char directory[64];
	char outside[96];
	char tmp[96];
	char file[128]; /* below tmp, does not exist yet */
	char own[64];   /* /tmp/perf-PID.map, does not exist yet */
	int root;
	struct perf_map *map;
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	char root[80];

	assert_non_null(scene);
	strcpy(scene->directory, "/tmp/parkscope-perf-map-XXXXXX");
	assert_non_null(mkdtemp(scene->directory));
	snprintf(root, sizeof(root), "%s/root", scene->directory);
	snprintf(scene->outside, sizeof(scene->outside), "%s/outside", scene->directory);
	snprintf(scene->tmp, sizeof(scene->tmp), "%s/tmp", root);
	snprintf(scene->file, sizeof(scene->file), "%s/perf-%d.map", scene->tmp, NS_PID);
	snprintf(scene->own, sizeof(scene->own), "/tmp/perf-%d.map", (int)getpid());
	assert_int_equal(mkdir(root, 0755), 0);
	assert_int_equal(mkdir(scene->tmp, 0755), 0);
	assert_int_equal(mkdir(scene->outside, 0755), 0);
	scene->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(scene->root >= 0);
	scene->map = perf_map_new(getpid());
	assert_non_null(scene->map);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", scene->directory);
	assert_int_equal(system(command), 0);
	unlink(scene->own);
	close(scene->root);
	perf_map_free(scene->map);
	free(scene);
	return 0;
}

static void append(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int try_open(const struct scene *scene)
{
	return perf_map_open(scene->root, NS_PID, geteuid());
}

static void assert_opens(const struct scene *scene, const char *content)
{
	autoclose int fd = try_open(scene);
	char text[16] = "";

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, content);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

/* The name of what stands at the address in this process's own map, or "". */
static const char *name_at(struct scene *scene, uint64_t address, uint64_t now_ns)
{
	struct perf_map_symbol symbol;

	if (perf_map_is_due(scene->map, now_ns))
		perf_map_refresh(scene->map, now_ns);
	return perf_map_find(scene->map, address, &symbol) ? symbol.name : "";
}

static void the_file_is_opened(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(try_open(scene), -ENOENT);
	append(scene->file, "10 10 name\n");
	assert_opens(scene, "10 10 name\n");
}

static void only_regular_files_are_opened(void **state)
{
	struct scene *scene = *state;

	alarm(20); /* for a FIFO that blocks */
	assert_int_equal(mkfifo(scene->file, 0666), 0);
	assert_int_equal(try_open(scene), -EPERM);
	alarm(0);
	assert_int_equal(unlink(scene->file), 0);
	assert_int_equal(mkdir(scene->file, 0755), 0);
	assert_int_equal(try_open(scene), -EPERM);
}

static void a_link_is_not_followed(void **state)
{
	struct scene *scene = *state;
	char target[128];

	snprintf(target, sizeof(target), "%s/secret", scene->tmp);
	append(target, "10 10 name\n");
	assert_int_equal(symlink("secret", scene->file), 0);
	assert_int_equal(try_open(scene), -EPERM);
}

static void a_tmp_that_is_a_link_stays_inside_of_the_root(void **state)
{
	static const char *const ways_out[] = {"../outside", "/../outside", "../../../outside"};
	struct scene *scene = *state;
	char file[128];

	snprintf(file, sizeof(file), "%s/perf-%d.map", scene->outside, NS_PID);
	append(file, "10 10 stolen\n");
	assert_int_equal(rmdir(scene->tmp), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(symlink(ways_out[i], scene->tmp), 0);
		assert_int_equal(try_open(scene), -ENOENT);
		assert_int_equal(unlink(scene->tmp), 0);
	}
	/* "/tmp/…" in that root starts with the link itself. */
	assert_int_equal(symlink(scene->outside, scene->tmp), 0);
	assert_int_equal(try_open(scene), -ELOOP);
}

static void a_tmp_that_is_a_link_may_lead_elsewhere_inside(void **state)
{
	struct scene *scene = *state;
	char elsewhere[128], file[160];

	snprintf(elsewhere, sizeof(elsewhere), "%s/root/var", scene->directory);
	snprintf(file, sizeof(file), "%s/perf-%d.map", elsewhere, NS_PID);
	assert_int_equal(mkdir(elsewhere, 0755), 0);
	append(file, "10 10 name\n");
	assert_int_equal(rmdir(scene->tmp), 0);
	assert_int_equal(symlink("/var", scene->tmp), 0);
	assert_opens(scene, "10 10 name\n");
}

static void another_user_s_file_is_refused(void **state)
{
	struct scene *scene = *state;
	int fd;

	assert_int_equal(geteuid(), 0);
	append(scene->file, "10 10 name\n");
	fd = perf_map_open(scene->root, NS_PID, OTHER_USER); /* root's is nobody's trick */
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(chown(scene->file, OTHER_USER, OTHER_USER), 0);
	assert_int_equal(perf_map_open(scene->root, NS_PID, 0), -EPERM);
	assert_int_equal(perf_map_open(scene->root, NS_PID, 1234), -EPERM);
	fd = perf_map_open(scene->root, NS_PID, OTHER_USER);
	assert_true(fd >= 0);
	close(fd);
}

static void a_process_s_own_map_is_found(void **state)
{
	struct scene *scene = *state;
	struct perf_map_symbol symbol;

	append(scene->own, "1000 20 compiled\n");
	assert_true(perf_map_is_due(scene->map, 0));
	assert_int_equal(perf_map_refresh(scene->map, 0), strlen("1000 20 compiled\n"));
	assert_true(perf_map_find(scene->map, 0x101f, &symbol));
	assert_string_equal(symbol.name, "compiled");
	assert_int_equal(symbol.address, 0x1000);
	assert_int_equal(symbol.size, 0x20);
	assert_false(perf_map_find(scene->map, 0x1020, &symbol));
	/* Nothing has changed. */
	assert_int_equal(perf_map_refresh(scene->map, 0), 0);
	assert_true(perf_map_find(scene->map, 0x101f, &symbol));
	assert_int_equal(perf_map_count(scene->map), 1);
	assert_false(perf_map_truncated(scene->map));
	assert_in_range(perf_map_memory(scene->map), 16 + sizeof("compiled"), 1024);
}

static void a_file_that_grew_is_read_again_but_not_at_once(void **state)
{
	static const char first[] = "1000 20 first\n";
	struct scene *scene = *state;
	uint64_t due = PERF_MAP_CHECK_NS + sizeof(first) * PERF_MAP_READ_NS_PER_BYTE;

	append(scene->own, first);
	assert_string_equal(name_at(scene, 0x1000, 0), "first");
	append(scene->own, "2000 20 second\n1000 20 replaced\n");
	assert_string_equal(name_at(scene, 0x2000, PERF_MAP_CHECK_NS - 1), "");
	assert_string_equal(name_at(scene, 0x1000, PERF_MAP_CHECK_NS - 1), "first");
	assert_string_equal(name_at(scene, 0x2000, due), "second");
	assert_string_equal(name_at(scene, 0x1000, due), "replaced");
}

static void a_file_that_comes_later_is_found(void **state)
{
	struct scene *scene = *state;

	assert_string_equal(name_at(scene, 0x1000, 0), "");
	append(scene->own, "1000 20 late\n");
	assert_string_equal(name_at(scene, 0x1000, PERF_MAP_CHECK_NS - 1), "");
	assert_string_equal(name_at(scene, 0x1000, PERF_MAP_CHECK_NS), "late");
}

static void a_file_that_went_leaves_its_names(void **state)
{
	struct scene *scene = *state;

	append(scene->own, "1000 20 kept\n");
	assert_string_equal(name_at(scene, 0x1000, 0), "kept");
	assert_int_equal(unlink(scene->own), 0);
	assert_string_equal(name_at(scene, 0x1000, 10 * PERF_MAP_CHECK_NS), "kept");
}

static void of_a_large_file_the_end_is_read_and_never_often(void **state)
{
	struct scene *scene = *state;
	uint64_t due = PERF_MAP_CHECK_NS + PERF_MAP_SIZE_MAX * PERF_MAP_READ_NS_PER_BYTE;
	struct timespec before, after;

	append(scene->own, "1000 20 oldest\n");
	assert_int_equal(truncate(scene->own, 1 << 30), 0);
	append(scene->own, "\n2000 20 newest\n");
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_string_equal(name_at(scene, 0x2000, 0), "newest");
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_in_range(after.tv_sec - before.tv_sec, 0, 5);
	assert_string_equal(name_at(scene, 0x1000, 0), "");
	assert_true(perf_map_truncated(scene->map));
	append(scene->own, "3000 20 newer\n");
	assert_string_equal(name_at(scene, 0x3000, due - 1), "");
	assert_string_equal(name_at(scene, 0x3000, due), "newer");
}

static void a_process_that_is_gone_has_no_names(void **state)
{
	auto_free(perf_map) struct perf_map *map = perf_map_new(INT32_MAX);
	struct perf_map_symbol symbol;

	(void)state;
	assert_int_equal(perf_map_refresh(map, 0), 0);
	assert_false(perf_map_find(map, 0x1000, &symbol));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_file_is_opened),
		TEST(only_regular_files_are_opened),
		TEST(a_link_is_not_followed),
		TEST(a_tmp_that_is_a_link_stays_inside_of_the_root),
		TEST(a_tmp_that_is_a_link_may_lead_elsewhere_inside),
		TEST(another_user_s_file_is_refused),
		TEST(a_process_s_own_map_is_found),
		TEST(a_file_that_grew_is_read_again_but_not_at_once),
		TEST(a_file_that_comes_later_is_found),
		TEST(a_file_that_went_leaves_its_names),
		TEST(of_a_large_file_the_end_is_read_and_never_often),
		TEST(a_process_that_is_gone_has_no_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
