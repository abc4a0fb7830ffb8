// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/process_identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "unit_test.h"

#define ID_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID_B "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
/* Fields 3 to 24 of a stat file; field 9 are the flags, field 22 the start. */
#define STAT_TAIL(flags, start) \
	" S 1 2 3 4 5 " flags " 7 8 9 10 11 12 13 14 15 16 17 18 " start " 4096 100\n"

static int parse_stat(const char *text, struct process_identity *identity)
{
	return process_identity_parse_stat(text, strlen(text), identity);
}

static void stat_is_read(void **state)
{
	struct process_identity identity = {0};

	(void)state;
	assert_int_equal(parse_stat("7 (app)" STAT_TAIL("4194304", "98765"), &identity), 0);
	assert_string_equal(identity.name, "app");
	assert_false(identity.is_kernel_thread);
	assert_int_equal(identity.start_ticks, 98765);
	assert_int_equal(parse_stat("2 (kthreadd)" STAT_TAIL("2129984", "0"), &identity), 0);
	assert_true(identity.is_kernel_thread);
}

static void a_name_cannot_forge_the_fields(void **state)
{
	static const char *const names[] = {
		")",        "(", "a) S 1 2", "x) R 9 9 9 9 9 2097152", "()()", "new\nline",
		"\x1b[31m", " ", "",         ") S 1 2 3 4 5",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct process_identity identity = {0};
		char text[256];

		snprintf(text, sizeof(text), "7 (%s)" STAT_TAIL("64", "555"), names[i]);
		assert_int_equal(parse_stat(text, &identity), 0);
		assert_string_equal(identity.name, names[i]);
		assert_int_equal(identity.start_ticks, 555);
		assert_false(identity.is_kernel_thread);
	}
}

static void a_long_name_is_cut(void **state)
{
	struct process_identity identity = {0};
	char text[512], name[200];

	(void)state;
	memset(name, 'n', sizeof(name));
	snprintf(text, sizeof(text), "7 (%.*s)" STAT_TAIL("64", "5"), (int)sizeof(name), name);
	assert_int_equal(parse_stat(text, &identity), 0);
	assert_int_equal(strlen(identity.name), PROCESS_NAME_SIZE - 1);
}

static void damaged_stat_is_refused(void **state)
{
	static const char whole[] = "7 (a)" STAT_TAIL("64", "12");
	/* What stands behind the start time may be missing. */
	size_t needed = (size_t)(strstr(whole, " 12 ") - whole) + 2;

	(void)state;
	for (size_t size = 0; size < needed; size++) {
		struct process_identity identity = {.start_ticks = 77};
		char text[sizeof(whole)] = "";

		memcpy(text, whole, size);
		assert_int_equal(process_identity_parse_stat(text, size, &identity), -EINVAL);
		assert_int_equal(identity.start_ticks, 77);
		assert_string_equal(identity.name, "");
	}
	assert_int_equal(parse_stat(") x (", &(struct process_identity){0}), -EINVAL);
	assert_int_equal(parse_stat("7 (a)" STAT_TAIL("-1", "12"), &(struct process_identity){0}),
			 -EINVAL);
	assert_int_equal(parse_stat("7 (a)" STAT_TAIL("64", "99999999999999999999"),
				    &(struct process_identity){0}),
			 -EINVAL);
}

static void status_is_read(void **state)
{
	struct process_identity identity = {.ns_pid = 5};

	(void)state;
	/* The kernel escapes newlines in Name, so that only real fields start lines. */
	assert_int_equal(process_identity_parse_status(
				 "Name:\tThreads:\\nThreads:\t9\n"
				 "Tgid:\t4711\nUid:\t1\t1001\t2\t3\nNSpid:\t4711\t31\t1\n"
				 "Threads:\t12\nSigQ:\t0/1\n",
				 &identity),
			 0);
	assert_int_equal(identity.threads, 12);
	assert_int_equal(identity.ns_pid, 1);
	assert_int_equal(identity.tgid, 4711);
	assert_int_equal(identity.effective_uid, 1001);
	identity.ns_pid = 5;
	assert_int_equal(process_identity_parse_status("Threads:\t1", &identity), 0);
	assert_int_equal(identity.threads, 1);
	assert_int_equal(identity.ns_pid, 5);
	assert_int_equal(identity.effective_uid, 1001);
}

static void damaged_status_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"Name:\tx\n",
		"Threads:",
		"Threads:\t\n",
		"Threads:\tx\n",
		"Threads:\t-1x\n",
		"Threads:\t99999999999\n",
		"NSpid:\t\nThreads:\t1\n",
		"NSpid:\t99999999999\nThreads:\t1\n",
		"Uid:\t1\nThreads:\t1\n",
		"Uid:\t1\t99999999999\nThreads:\t1\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct process_identity identity = {.threads = 3, .ns_pid = 4};

		assert_int_equal(process_identity_parse_status(texts[i], &identity), -EINVAL);
		assert_int_equal(identity.threads, 3);
		assert_int_equal(identity.ns_pid, 4);
	}
}

static void container_ids(void **state)
{
	static const struct {
		const char *text;
		const char *id;
	} cases[] = {
		{"0::/system.slice/docker-" ID_A ".scope\n", ID_A},
		{"12:memory:/docker/" ID_A "\n0::/x\n", ID_A},
		{"0::/\n3:cpu:/kubepods/burstable/pod1234-5/" ID_A "\n", ID_A},
		{"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID_A ".scope", ID_A},
		{"0::/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" ID_A,
		 ID_A},
		{"0::/kubepods.slice/crio-" ID_A ".scope/container\n", ID_A},
		{"0::/machine.slice/libpod-" ID_A ".scope/container/init.scope\n", ID_A},
		{"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID_A
		 ".scope",
		 ID_A},
		{"0::/docker/" ID_A "/docker/" ID_B "/init\n", ID_B},
		{"0::/default/" ID_A, ID_A},
		/* The monitors of containers run outside of them. */
		{"0::/machine.slice/libpod-conmon-" ID_A ".scope\n", ""},
		{"0::/machine.slice/crio-conmon-" ID_A ".scope\n", ""},
		{"0::/system.slice/ssh.service\n", ""},
		{"0::/\n", ""},
		{"", ""},
		{"\n\n", ""},
		{"0::/docker/a" ID_A "\n", ""},
		{"0::/docker/" ID_A "0\n", ""},
		{"0::/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef\n",
		 ""},
		{"0::/docker/0123456789abcdef\n", ""},
		{"0::/" ID_A "\x1b[31m\n", ""},
		{"//////", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char id[CONTAINER_ID_SIZE] = "before";

		process_identity_parse_cgroup(cases[i].text, id);
		assert_string_equal(id, cases[i].id);
	}
}

static void entity_ids_tell_processes_apart(void **state)
{
	char a[ENTITY_ID_SIZE], b[ENTITY_ID_SIZE];

	(void)state;
	process_entity_id("11111111-2222-3333-4444-555555555555", 7, 100, a);
	process_entity_id("11111111-2222-3333-4444-555555555555", 7, 100, b);
	assert_int_equal(strlen(a), 16);
	assert_int_equal(strspn(a, "0123456789abcdef"), 16);
	assert_string_equal(a, b);
	process_entity_id("11111111-2222-3333-4444-555555555555", 8, 100, b);
	assert_string_not_equal(a, b);
	process_entity_id("11111111-2222-3333-4444-555555555555", 7, 101, b);
	assert_string_not_equal(a, b);
	process_entity_id("11111111-2222-3333-4444-555555555556", 7, 100, b);
	assert_string_not_equal(a, b);
}

static void reads_itself(void **state)
{
	auto_free(process_identity) struct process_identity *identity = NULL;
	char path[4096] = "";
	struct timespec now;
	int64_t age_ns;

	(void)state;
	assert_int_equal(prctl(PR_SET_NAME, "evil) R\n(x"), 0);
	assert_int_equal(process_identity_read(getpid(), &identity, NULL), 0);
	assert_int_equal(identity->pid, getpid());
	assert_int_equal(identity->tgid, getpid());
	assert_true(identity->ns_pid > 0);
	assert_int_equal(identity->threads, 1);
	assert_false(identity->is_kernel_thread);
	assert_false(identity->executable_deleted);
	assert_string_equal(identity->name, "evil) R\n(x");
	assert_true(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
	assert_string_equal(identity->executable, path);
	assert_int_equal(strlen(identity->entity_id), 16);
	clock_gettime(CLOCK_REALTIME, &now);
	age_ns = now.tv_sec * 1000000000LL + now.tv_nsec - identity->start_unix_ns;
	assert_in_range(age_ns, 0, 600LL * 1000000000);
	clock_gettime(CLOCK_BOOTTIME, &now);
	age_ns = now.tv_sec * 1000000000LL + now.tv_nsec - (int64_t)identity->start_ns;
	assert_in_range(age_ns, 0, 600LL * 1000000000);
}

static void kernel_threads_are_known(void **state)
{
	auto_free(process_identity) struct process_identity *identity = NULL;

	(void)state;
	/* kthreadd, unless this is a pid namespace of a container. */
	if (process_identity_read(2, &identity, NULL) != 0 ||
	    strcmp(identity->name, "kthreadd") != 0)
		fail_msg("needs root on the host, with /proc/kallsyms, kthreadd and a vdso");
	assert_true(identity->is_kernel_thread);
	assert_null(identity->executable);
}

static void no_such_process(void **state)
{
	struct process_identity *identity = NULL;
	struct error error = {0};

	(void)state;
	assert_int_equal(process_identity_read(1 << 30, &identity, &error), -ESRCH);
	assert_null(identity);
	assert_int_equal(error.code, -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_is_read),
		cmocka_unit_test(a_name_cannot_forge_the_fields),
		cmocka_unit_test(a_long_name_is_cut),
		cmocka_unit_test(damaged_stat_is_refused),
		cmocka_unit_test(status_is_read),
		cmocka_unit_test(damaged_status_is_refused),
		cmocka_unit_test(container_ids),
		cmocka_unit_test(entity_ids_tell_processes_apart),
		cmocka_unit_test(reads_itself),
		cmocka_unit_test(kernel_threads_are_known),
		cmocka_unit_test(no_such_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
