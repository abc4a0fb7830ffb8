// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit_test.h"

enum {
	NOBODY = 65534
};

/* A file of one page in a directory of its own, and its mapping. */
struct scene {
	char directory[64];
	char path[128];
	char other[128];
	void *pages;
	size_t size;
	struct process_maps *maps;
	const struct mapping *mapping;
};

static void write_file(const char *path, const char *text, size_t size)
{
	autoclose int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	autoclose int fd = -1;

	scene->size = (size_t)sysconf(_SC_PAGESIZE);
	strcpy(scene->directory, "/tmp/parkscope-mapped-XXXXXX");
	assert_non_null(mkdtemp(scene->directory));
	assert_int_equal(chmod(scene->directory, 0777), 0);
	snprintf(scene->path, sizeof(scene->path), "%s/file", scene->directory);
	snprintf(scene->other, sizeof(scene->other), "%s/other", scene->directory);
	write_file(scene->path, "mapped", scene->size);
	fd = open(scene->path, O_RDONLY | O_CLOEXEC);
	scene->pages = mmap(NULL, scene->size, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(scene->pages, MAP_FAILED);
	assert_int_equal(process_maps_read(getpid(), PROCESS_MAPS_ALL, &scene->maps, NULL), 0);
	scene->mapping = process_maps_find(scene->maps, (uint64_t)(uintptr_t)scene->pages);
	assert_non_null(scene->mapping);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	munmap(scene->pages, scene->size);
	unlink(scene->path);
	unlink(scene->other);
	assert_int_equal(rmdir(scene->directory), 0);
	process_maps_free(scene->maps);
	free(scene);
	return 0;
}

static void assert_opens(const struct scene *scene)
{
	autoclose int fd = mapped_file_open(getpid(), scene->mapping, true, NULL);
	char text[7] = "";

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, text, 6, 0), 6);
	assert_string_equal(text, "mapped");
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
}

static void need_map_files(void)
{
	if (geteuid() != 0)
		fail_msg("needs root on the host, with /proc/kallsyms, kthreadd and a vdso");
}

static void the_file_is_opened(void **state)
{
	assert_opens(*state);
}

static void a_file_is_told_without_opening_it(void **state)
{
	const struct scene *scene = *state;
	autoclose int named = mapped_file_name(getpid(), scene->mapping, true, NULL);
	autoclose int fd = -1;
	struct stat of_name, of_path;
	char text[7] = "";

	assert_true(named >= 0);
	assert_int_equal(fstat(named, &of_name), 0);
	assert_int_equal(stat(scene->path, &of_path), 0);
	assert_int_equal(of_name.st_ino, of_path.st_ino);
	assert_int_equal(of_name.st_dev, of_path.st_dev);
	assert_int_equal(pread(named, text, 6, 0), -1);
	assert_int_equal(errno, EBADF);
	fd = mapped_file_open_named(named);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, text, 6, 0), 6);
	assert_string_equal(text, "mapped");
}

static void a_deleted_file_is_opened(void **state)
{
	need_map_files();
	assert_int_equal(unlink(((struct scene *)*state)->path), 0);
	assert_opens(*state);
}

static void a_replaced_file_is_opened(void **state)
{
	struct scene *scene = *state;

	need_map_files();
	write_file(scene->other, "another one", scene->size);
	assert_int_equal(rename(scene->other, scene->path), 0);
	assert_opens(scene);
}

static void a_mapping_that_is_gone(void **state)
{
	struct scene *scene = *state;
	struct error error = {0};

	need_map_files();
	assert_int_equal(munmap(scene->pages, scene->size), 0);
	assert_int_equal(mapped_file_open(getpid(), scene->mapping, true, &error), -ENOENT);
	assert_non_null(strstr(error.text, "cannot open the file mapped at 0x"));
}

static void mappings_without_file_are_refused(void **state)
{
	struct mapping mapping = *((struct scene *)*state)->mapping;

	mapping.kind = MAPPING_ANONYMOUS;
	assert_int_equal(mapped_file_open(getpid(), &mapping, true, NULL), -EINVAL);
	mapping.kind = MAPPING_VDSO;
	assert_int_equal(mapped_file_open(getpid(), &mapping, true, NULL), -EINVAL);
}

/* What a process gets that may not use map_files: its exit code is the errno, 0 for a file. */
static int open_unprivileged(const struct scene *scene, const char *path)
{
	struct mapping mapping = *scene->mapping;
	pid_t child = fork();
	int status;

	if (child == 0) {
		int fd;

		if (path)
			mapping.path = path;
		if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0)
			_exit(255);
		/* Else its own /proc directory is root's. */
		prctl(PR_SET_DUMPABLE, 1);
		/* A FIFO that blocks ends here. */
		alarm(20);
		fd = mapped_file_open(getpid(), &mapping, true, NULL);
		_exit(fd >= 0 ? 0 : -fd);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void without_map_files_the_path_must_lead_to_the_same_file(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(open_unprivileged(scene, NULL), 0);
	assert_int_equal(open_unprivileged(scene, "relative"), EINVAL);
	assert_int_equal(rename(scene->path, scene->other), 0);
	assert_int_equal(open_unprivileged(scene, NULL), ENOENT);
	write_file(scene->path, "mapped", scene->size);
	assert_int_equal(open_unprivileged(scene, NULL), ESTALE);
}

static void without_map_files_neither_fifos_nor_links_are_opened(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(rename(scene->path, scene->other), 0);
	assert_int_equal(mkfifo(scene->path, 0666), 0);
	assert_int_equal(open_unprivileged(scene, NULL), EINVAL);
	assert_int_equal(unlink(scene->path), 0);
	assert_int_equal(symlink(scene->other, scene->path), 0);
	assert_int_equal(open_unprivileged(scene, NULL), EINVAL);
	assert_int_equal(open_unprivileged(scene, "/dev/zero"), EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_file_is_opened),
		TEST(a_file_is_told_without_opening_it),
		TEST(a_deleted_file_is_opened),
		TEST(a_replaced_file_is_opened),
		TEST(a_mapping_that_is_gone),
		TEST(mappings_without_file_are_refused),
		TEST(without_map_files_the_path_must_lead_to_the_same_file),
		TEST(without_map_files_neither_fifos_nor_links_are_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
