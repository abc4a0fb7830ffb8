// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/resource_limits.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "fake_host.h"

#define STATUS(uid, capabilities) \
	"Name:\tapp\nUid:\t" uid "\t0\t0\t0\nThreads:\t7\nCapEff:\t" capabilities "\n"
#define LIMITS(processes)                                                                  \
	"Limit                     Soft Limit           Hard Limit           Units     \n" \
	"Max processes             " processes                                             \
	"                 99999                processes \n"                               \
	"Max open files            1024                 4096                 files     \n"
#define NO_CAPABILITIES  "0000000000000000"
#define SYS_RESOURCE     "0000000001000000"
#define SYS_ADMIN        "0000000000200000"
#define OTHER_CAPABILITY "0000000000080000"

static void write_process(struct fake_host *host, const char *status)
{
	fake_file(host, "/proc/7/statm", "1000 200 30 4 0 5 0\n");
	fake_file(host, "/proc/7/status", status);
	fake_file(host, "/proc/7/limits", LIMITS("512"));
	fake_file(host, "/proc/7/cgroup", "0::/app\n");
	fake_file(host, "/proc/7/maps", "a\nb\nc\n");
}

static void make_host(struct fake_host *host)
{
	fake_host_make(host);
	fake_file(host, "/proc/self/mountinfo",
		  "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	fake_file(host, "/proc/loadavg", "0.20 0.18 0.12 1/80 11206\n");
	fake_file(host, "/proc/sys/kernel/threads-max", "1000\n");
	fake_file(host, "/proc/sys/kernel/pid_max", "32768\n");
	fake_file(host, "/proc/sys/vm/max_map_count", "65530\n");
	fake_file(host, "/sys/fs/cgroup/app/memory.max", "1048576\n");
	fake_file(host, "/sys/fs/cgroup/app/memory.current", "4096\n");
	fake_file(host, "/sys/fs/cgroup/app/pids.max", "64\n");
	fake_file(host, "/sys/fs/cgroup/app/pids.current", "9\n");
}

static struct resource_limits *limits_of(const struct fake_host *host)
{
	struct resource_limits *limits = NULL;

	assert_int_equal(resource_limits_new(host->root, &limits, NULL), 0);
	resource_limits_begin_sweep(limits);
	return limits;
}

static void assert_use(struct resource_use use, uint64_t used, uint64_t limit)
{
	assert_true(use.known);
	assert_int_equal(use.used, used);
	assert_int_equal(use.limit, limit);
}

static void all_limits_are_read(void **state)
{
	struct process_resources resources;
	struct resource_limits *limits;
	struct fake_host host;

	(void)state;
	make_host(&host);
	write_process(&host, STATUS("1000", NO_CAPABILITIES));
	limits = limits_of(&host);
	assert_int_equal(resource_limits_count_users(limits), 0);
	assert_int_equal(resource_limits_read(limits, 7, true, &resources), 0);
	assert_int_equal(resources.rss_bytes, 200 * sysconf(_SC_PAGESIZE));
	assert_int_equal(resources.threads, 7);
	assert_use(resources.memory_max, 4096, 1048576);
	assert_use(resources.pids_max, 9, 64);
	assert_use(resources.nproc, 7, 512);
	assert_use(resources.threads_max, 80, 1000);
	assert_use(resources.pid_max, 80, 32768);
	assert_use(resources.max_map_count, 3, 65530);

	/* The users are those of one sweep. */
	resource_limits_begin_sweep(limits);
	assert_int_equal(resource_limits_read(limits, 7, false, &resources), 0);
	assert_false(resources.nproc.known);
	assert_false(resources.max_map_count.known);
	resource_limits_free(limits);
	fake_host_remove(&host);
}

/* `user_namespace`: NULL where there is none. */
static bool nproc_is_known(const char *status, const char *user_namespace)
{
	struct process_resources resources;
	struct resource_limits *limits;
	struct fake_host host;

	make_host(&host);
	write_process(&host, status);
	if (user_namespace)
		fake_link(&host, "/proc/7/ns/user", user_namespace);
	limits = limits_of(&host);
	assert_int_equal(resource_limits_count_users(limits), 0);
	assert_int_equal(resource_limits_read(limits, 7, false, &resources), 0);
	resource_limits_free(limits);
	fake_host_remove(&host);
	return resources.nproc.known;
}

static void who_is_exempt_has_no_nproc(void **state)
{
	(void)state;
	assert_false(nproc_is_known(STATUS("0", NO_CAPABILITIES), "user:[4026531837]"));
	assert_false(nproc_is_known(STATUS("1000", SYS_RESOURCE), "user:[4026531837]"));
	assert_false(nproc_is_known(STATUS("1000", SYS_ADMIN), "user:[4026531837]"));
	assert_true(nproc_is_known(STATUS("1000", OTHER_CAPABILITY), "user:[4026531837]"));
	/* They are of a user namespace that grants nothing here. */
	assert_true(nproc_is_known(STATUS("1000", SYS_ADMIN), "user:[4026531838]"));
	assert_true(nproc_is_known(STATUS("1000", SYS_ADMIN), "user:[40265318379]"));
	assert_true(nproc_is_known(STATUS("1000", SYS_ADMIN), NULL));
}

static void what_is_missing_is_not_known(void **state)
{
	struct process_resources resources;
	struct resource_limits *limits;
	struct fake_host host;

	(void)state;
	fake_host_make(&host);
	fake_file(&host, "/proc/self/mountinfo", "");
	fake_file(&host, "/proc/loadavg", "0.20 0.18 0.12\n");
	fake_file(&host, "/proc/sys/kernel/threads-max", "1000\n");
	fake_file(&host, "/proc/7/statm", "1000 200 30 4 0 5 0\n");
	fake_file(&host, "/proc/7/status", STATUS("1000", NO_CAPABILITIES));
	fake_file(&host, "/proc/7/limits", LIMITS("unlimited"));
	limits = limits_of(&host);
	assert_int_equal(resource_limits_count_users(limits), 0);
	assert_int_equal(resource_limits_read(limits, 7, true, &resources), 0);
	assert_false(resources.memory_max.known);
	assert_false(resources.pids_max.known);
	assert_false(resources.nproc.known);
	assert_false(resources.threads_max.known);
	assert_false(resources.pid_max.known);
	assert_false(resources.max_map_count.known);
	assert_int_equal(resources.threads, 7);
	resource_limits_free(limits);
	fake_host_remove(&host);
}

static void mappings_are_counted_no_further_than_needed(void **state)
{
	struct process_resources resources;
	struct resource_limits *limits;
	struct fake_host host;
	char *text = malloc(300001);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', 300000);
	text[300000] = '\0';
	make_host(&host);
	write_process(&host, STATUS("1000", NO_CAPABILITIES));
	fake_file(&host, "/proc/7/maps", text);
	limits = limits_of(&host);
	assert_int_equal(resource_limits_read(limits, 7, true, &resources), 0);
	assert_true(resources.max_map_count.known);
	assert_in_range(resources.max_map_count.used, 2 * 65530, 2 * 65530 + 65536);
	resource_limits_free(limits);
	fake_host_remove(&host);
	free(text);
}

static void a_process_that_is_gone_is_an_error(void **state)
{
	struct process_resources resources = {.threads = 99};
	struct resource_limits *limits;
	struct error error = {0};
	struct fake_host host;

	(void)state;
	make_host(&host);
	fake_file(&host, "/proc/8/statm", "1000 200 30 4 0 5 0\n");
	fake_file(&host, "/proc/9/statm", "many\n");
	limits = limits_of(&host);
	assert_int_equal(resource_limits_read(limits, 7, true, &resources), -ESRCH);
	assert_int_equal(resource_limits_read(limits, 8, true, &resources), -ESRCH);
	assert_int_equal(resource_limits_read(limits, 9, true, &resources), -EINVAL);
	assert_int_equal(resources.threads, 99);
	resource_limits_free(limits);
	fake_host_remove(&host);
	limits = NULL;
	assert_int_equal(resource_limits_new("/nonexistent", &limits, &error), -ENOENT);
	assert_null(limits);
	assert_string_equal(error.text, "cannot read /nonexistent/proc/self/mountinfo: "
					"No such file or directory");
}

static void this_host_limits_us(void **state)
{
	struct process_resources before, after;
	struct resource_limits *limits = NULL;
	char *memory;
	const size_t size = 32 << 20;

	(void)state;
	assert_int_equal(resource_limits_new("", &limits, NULL), 0);
	resource_limits_begin_sweep(limits);
	assert_int_equal(resource_limits_read(limits, getpid(), true, &before), 0);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	memset(memory, 1, size);
	/* One mapping becomes three. */
	assert_int_equal(mprotect(memory + size / 2, 4096, PROT_READ), 0);
	resource_limits_begin_sweep(limits);
	assert_int_equal(resource_limits_read(limits, getpid(), true, &after), 0);
	assert_true(after.rss_bytes >= before.rss_bytes + size / 2);
	assert_true(after.max_map_count.used >= before.max_map_count.used + 2);
	assert_true(after.threads_max.known && after.threads_max.used >= 1);
	assert_true(after.threads_max.used < after.threads_max.limit);
	assert_true(after.pid_max.known && after.pid_max.used < after.pid_max.limit);
	assert_int_equal(after.threads, 1);
	assert_int_equal(munmap(memory, size), 0);
	resource_limits_free(limits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_limits_are_read),
		cmocka_unit_test(who_is_exempt_has_no_nproc),
		cmocka_unit_test(what_is_missing_is_not_known),
		cmocka_unit_test(mappings_are_counted_no_further_than_needed),
		cmocka_unit_test(a_process_that_is_gone_is_an_error),
		cmocka_unit_test(this_host_limits_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
