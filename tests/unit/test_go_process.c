// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_process.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "go_program_fixture.h"
#include "goruntime/go_build_info.h"
#include "goruntime/goroutine_sweep.h"
#include "process/process_memory.h"
#include "unit_test.h"

/* Not by /proc/PID/map_files, which takes more rights. */
static int attach(pid_t pid, struct go_process **go, struct error *error)
{
	auto_free(mapping_cache) struct mapping_cache *cache = mapping_cache_new(1 << 20);
	auto_free(go_process_files) struct go_process_files *files = go_process_files_new();
	const struct process_ref process = {.pid = pid, .generation = 1};
	struct process_mappings *mappings;

	assert_non_null(cache);
	assert_non_null(files);
	mappings = mapping_cache_get(cache, &process, 1);
	return mappings ? go_process_attach(mappings, files, false, go, error) : -ESRCH;
}

static void read_version(const char *path, struct go_version *version)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(elf_image_open_fd(fd, &image, NULL), 0);
	assert_int_equal(go_build_info_read(image, NULL, version), 0);
}

struct seen {
	const struct go_process *go;
	size_t senders, mains, others;
	struct goroutine sender;
};

static int see(size_t index, const struct goroutine *goroutine, void *context)
{
	struct seen *seen = context;
	struct go_call calls[GO_INLINE_DEPTH_MAX];
	size_t count =
		go_process_find_calls(seen->go, goroutine->startpc, calls, GO_INLINE_DEPTH_MAX);

	(void)index;
	assert_true(count > 0);
	assert_true(go_process_has_code(seen->go, goroutine->startpc));
	assert_int_equal(calls[count - 1].entry, goroutine->startpc);
	if (strcmp(calls[count - 1].function, "main.main.func1") == 0) {
		seen->senders++;
		seen->sender = *goroutine;
		assert_non_null(strstr(calls[count - 1].file, "/go_sample.go"));
	} else if (strcmp(calls[count - 1].function, "runtime.main") == 0) {
		seen->mains++;
		assert_int_equal(goroutine->goid, 1);
	} else {
		seen->others++;
		assert_memory_equal(calls[count - 1].function, "runtime.", 8);
	}
	return 0;
}

/* The stack of a parked sender ends in runtime.goexit, which is code, too. */
static void check_code(const struct go_process *go, const struct goroutine *sender)
{
	uint64_t words[64], goexits = 0;
	ssize_t got = process_memory_read(go_process_pid(go), sender->stack_hi - sizeof(words),
					  words, sizeof(words));
	struct go_call call;

	assert_int_equal(got, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (go_process_is_goexit(go, words[i])) {
			goexits++;
			assert_true(go_process_has_code(go, words[i]));
			assert_int_equal(go_process_find_calls(go, words[i] - 1, &call, 1), 1);
			assert_string_equal(call.function, "runtime.goexit");
		}
	assert_true(goexits > 0);
	assert_false(go_process_is_goexit(go, sender->pc));
	assert_false(go_process_is_goexit(go, 0));
	assert_false(go_process_has_code(go, 0));
	assert_false(go_process_has_code(go, UINT64_MAX));
	assert_false(go_process_has_code(go, sender->sp));
	assert_int_equal(go_process_find_calls(go, 0, &call, 1), 0);
}

/* The goroutines of go_sample.go; a parked sender stands in runtime.gopark. */
static void check_goroutines(const struct go_process *go)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(go);
	struct goroutine_sweep_losses losses = {0};
	struct seen seen = {.go = go};
	struct go_call calls[GO_INLINE_DEPTH_MAX];
	uint64_t size = 1;

	assert_int_equal(goroutine_sweep_run(sweep, see, &seen, &losses), 0);
	assert_int_equal(seen.senders, 3);
	assert_int_equal(seen.mains, 1);
	assert_true(seen.others >= 1);
	assert_int_equal(losses.damaged + losses.unreadable + losses.beyond_limit, 0);
	assert_int_equal(seen.sender.status, GO_STATUS_WAITING);
	if (go_process_wait_reasons(go)->count)
		assert_string_equal(go_process_wait_reasons(go)->texts[seen.sender.wait_reason],
				    "chan send");
	assert_true(go_process_find_calls(go, seen.sender.pc - 1, calls, GO_INLINE_DEPTH_MAX) > 0);
	assert_string_equal(calls[0].function, "runtime.gopark");
	assert_int_equal(go_process_frame_size(go, seen.sender.pc, &size), 0);
	assert_true(size >= 8 && size < 512 && size % 8 == 0);
	check_code(go, &seen.sender);
}

static void check_program(const char *path, const char *version_of, const char *module)
{
	auto_free(go_process) struct go_process *go = NULL;
	struct go_program program;
	struct go_version version;
	struct error error = {0};

	go_program_start(&program, path, false);
	if (attach(program.pid, &go, &error))
		fail_msg("%s: %s", path, error.text);
	read_version(version_of, &version);
	assert_string_equal(go_process_version(go)->text, version.text);
	assert_int_equal(go_process_version(go)->minor, version.minor);
	assert_int_equal(go_process_pid(go), program.pid);
	assert_string_equal(go_process_module(go), module);
	assert_memory_equal(go_process_layout(go), go_layout_find(&version),
			    sizeof(struct go_layout));
	check_goroutines(go);
	go_program_stop(&program);
}

static void programs_as_they_are_built(void **state)
{
	(void)state;
	check_program(GO_SAMPLE, GO_SAMPLE, "go_sample");
	check_program(GO_SAMPLE "-stripped", GO_SAMPLE, "go_sample-stripped");
	check_program(GO_SAMPLE "-pie", GO_SAMPLE, "go_sample-pie");
}

static void programs_without_section_table(void **state)
{
	struct scratch scratch;
	size_t size;
	char *bytes = go_program_read(GO_SAMPLE "-stripped", &size);

	(void)state;
	scratch_make(&scratch);
	go_program_cut_sections(bytes);
	go_program_write(scratch.file, bytes, size);
	free(bytes);
	check_program(scratch.file, GO_SAMPLE, "file");
	scratch_remove(&scratch);
}

/* A copy that says of itself that it is Go 1.99: the number has as many digits. */
static void write_unknown(const char *path, const char *copy)
{
	struct go_version version;
	size_t size, changed = 0;
	char *bytes = go_program_read(path, &size);

	read_version(path, &version);
	assert_true(version.minor >= 10 && version.minor < 99);
	for (size_t at = 0; at + strlen(version.text) <= size; at++)
		if (memcmp(bytes + at, version.text, strlen(version.text)) == 0) {
			memcpy(bytes + at + strlen("go1."), "99", 2);
			changed++;
		}
	assert_true(changed > 0);
	go_program_write(copy, bytes, size);
	free(bytes);
}

static void unknown_versions_need_dwarf(void **state)
{
	auto_free(go_process) struct go_process *go = NULL;
	struct go_wait_reasons reasons;
	struct go_version real;
	struct go_program program;
	struct error error = {0};
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	write_unknown(GO_SAMPLE, scratch.file);
	go_program_start(&program, scratch.file, false);
	assert_int_equal(attach(program.pid, &go, &error), 0);
	assert_int_equal(go_process_version(go)->minor, 99);
	read_version(GO_SAMPLE, &real);
	assert_memory_equal(go_process_layout(go), go_layout_find(&real), sizeof(struct go_layout));
	/* By the program's own symbols. */
	go_wait_reasons_of_version(&real, &reasons);
	assert_memory_equal(go_process_wait_reasons(go), &reasons, sizeof(reasons));
	check_goroutines(go);
	go_program_stop(&program);
	go_process_free(take_ptr(go));
	assert_int_equal(unlink(scratch.file), 0);
	write_unknown(GO_SAMPLE "-stripped", scratch.file);
	go_program_start(&program, scratch.file, false);
	assert_int_equal(attach(program.pid, &go, &error), -ENOTSUP);
	assert_null(go);
	assert_memory_equal(error.text, "go1.99", 6);
	assert_non_null(strstr(error.text, "no DWARF"));
	go_program_stop(&program);
	scratch_remove(&scratch);
}

static void a_program_that_has_not_begun(void **state)
{
	struct go_process *go = NULL;
	struct go_program program;

	(void)state;
	go_program_start(&program, GO_SAMPLE, true);
	assert_int_equal(attach(program.pid, &go, NULL), -EAGAIN);
	assert_null(go);
	go_program_stop(&program);
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void programs_in_c_have_no_go(void **state)
{
	enum {
		TIMES = 20
	};
	struct go_process *go = NULL;
	double start = seconds_now();

	(void)state;
	for (int i = 0; i < TIMES; i++)
		assert_int_equal(attach(getpid(), &go, NULL), -ENODATA);
	print_message("a process without Go: %.0f us\n", 1e6 * (seconds_now() - start) / TIMES);
	assert_null(go);
}

static void processes_that_are_gone(void **state)
{
	struct go_process *go = NULL;
	struct error error = {0};
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(attach(child, &go, &error), -ESRCH);
	assert_null(go);
}

/* With `count` descriptors to be had. */
static int attach_with_descriptors(rlim_t count, struct process_mappings *mappings,
				   struct go_process_files *files, struct go_process **go)
{
	int lowest = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0), result;
	struct rlimit before, few;

	assert_true(lowest >= 0);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){(rlim_t)lowest + count, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	result = go_process_attach(mappings, files, false, go, NULL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	return result;
}

/* It does not stand for a process without Go, and is nothing to remember. */
static void a_lack_of_descriptors_is_said(void **state)
{
	auto_free(mapping_cache) struct mapping_cache *cache = mapping_cache_new(1 << 20);
	auto_free(go_process_files) struct go_process_files *files = go_process_files_new();
	auto_free(go_process) struct go_process *go = NULL;
	struct process_mappings *mappings;
	struct go_program program;

	(void)state;
	go_program_start(&program, GO_SAMPLE, false);
	mappings = mapping_cache_get(cache,
				     &(struct process_ref){.pid = program.pid, .generation = 1}, 1);
	assert_non_null(mappings);
	/* The file's name, the file, and a duplicate for the line table. */
	for (rlim_t count = 0; count < 2; count++) {
		assert_int_equal(attach_with_descriptors(count, mappings, files, &go), -EMFILE);
		assert_null(go);
	}
	assert_int_equal(attach_with_descriptors(64, mappings, files, &go), 0);
	go_process_free(take_ptr(go));
	/* So, too, where the file is known already, if not its line table. */
	for (rlim_t count = 0; count < 2; count++) {
		assert_int_equal(attach_with_descriptors(count, mappings, files, &go), -EMFILE);
		assert_null(go);
	}
	go_program_stop(&program);
}

static size_t open_descriptors(void)
{
	autoclosedir DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	return count;
}

static void processes_of_one_program_share_its_lines(void **state)
{
	auto_free(mapping_cache) struct mapping_cache *cache = mapping_cache_new(1 << 20);
	auto_free(go_process_files) struct go_process_files *files = go_process_files_new();
	struct go_process *go[3] = {NULL};
	struct go_program programs[3];
	size_t open_before;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		go_program_start(&programs[i], GO_SAMPLE, false);
	open_before = open_descriptors();
	for (size_t i = 0; i < 3; i++) {
		const struct process_ref process = {.pid = programs[i].pid, .generation = 1};
		struct process_mappings *mappings = mapping_cache_get(cache, &process, 1);

		assert_non_null(mappings);
		assert_int_equal(go_process_attach(mappings, files, false, &go[i], NULL), 0);
		assert_int_equal(open_descriptors(), open_before + 1);
	}
	go_process_free(go[0]);
	check_goroutines(go[1]);
	check_goroutines(go[2]);
	go_process_free(go[1]);
	go_process_free(go[2]);
	assert_int_equal(open_descriptors(), open_before);
	for (size_t i = 0; i < 3; i++)
		go_program_stop(&programs[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_as_they_are_built),
		cmocka_unit_test(programs_without_section_table),
		cmocka_unit_test(unknown_versions_need_dwarf),
		cmocka_unit_test(a_program_that_has_not_begun),
		cmocka_unit_test(programs_in_c_have_no_go),
		cmocka_unit_test(processes_that_are_gone),
		cmocka_unit_test(a_lack_of_descriptors_is_said),
		cmocka_unit_test(processes_of_one_program_share_its_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
