// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/cgroup_limits.h"

#include <errno.h>

#include "fake_host.h"

#define MIB      (1ULL << 20)
#define V2_MOUNT "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
#define V1_MOUNTS                                                           \
	"35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" \
	"36 31 0:33 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
#define HYBRID_MOUNTS                                                       \
	"35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" \
	"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

static struct cgroup_limits *limits_of(struct fake_host *host, const char *mountinfo)
{
	struct cgroup_limits *limits = NULL;

	fake_file(host, "/proc/self/mountinfo", mountinfo);
	assert_int_equal(cgroup_limits_new(host->root, &limits), 0);
	cgroup_limits_begin_sweep(limits);
	return limits;
}

static void write_in(struct fake_host *host, const char *directory, const char *name,
		     const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fake_file(host, path, text);
}

static void write_v2_memory(struct fake_host *host, const char *directory, const char *limit,
			    const char *used, const char *stat)
{
	write_in(host, directory, "memory.max", limit);
	write_in(host, directory, "memory.current", used);
	write_in(host, directory, "memory.stat", stat);
}

static void assert_use(struct resource_use use, uint64_t used, uint64_t limit)
{
	assert_true(use.known);
	assert_int_equal(use.used, used);
	assert_int_equal(use.limit, limit);
}

static void v2_memory_is_without_the_page_cache_that_goes_first(void **state)
{
	struct cgroup_limits *limits;
	struct fake_host host;

	(void)state;
	fake_host_make(&host);
	write_v2_memory(&host, "/sys/fs/cgroup/app", "104857600\n", "62914560\n",
			"anon 1\nfile 2\ntotal_inactive_file 5\ninactive_file 10485760\n"
			"active_file 7\n");
	limits = limits_of(&host, V2_MOUNT);
	assert_use(cgroup_limits_find(limits, CGROUP_MEMORY, "0::/app\n"), 50 * MIB, 100 * MIB);
	assert_false(cgroup_limits_find(limits, CGROUP_PIDS, "0::/app\n").known);
	cgroup_limits_free(limits);
	fake_host_remove(&host);
}

static void the_ancestor_with_the_least_room_counts(void **state)
{
	struct cgroup_limits *limits;
	struct fake_host host;

	(void)state;
	fake_host_make(&host);
	/* Of 300 MiB, 250 are used by all below; the leaf has 60 left, and no limit between. */
	write_v2_memory(&host, "/sys/fs/cgroup/pods", "314572800\n", "262144000\n",
			"inactive_file 0\n");
	write_v2_memory(&host, "/sys/fs/cgroup/pods/a", "max\n", "150000000\n",
			"inactive_file 0\n");
	write_v2_memory(&host, "/sys/fs/cgroup/pods/a/leaf", "104857600\n", "41943040\n",
			"inactive_file 0\n");
	write_v2_memory(&host, "/sys/fs/cgroup/pods/b", "209715200\n", "188743680\n",
			"inactive_file 0\n");
	write_in(&host, "/sys/fs/cgroup/pods", "pids.max", "max\n");
	write_in(&host, "/sys/fs/cgroup/pods/a", "pids.max", "100\n");
	write_in(&host, "/sys/fs/cgroup/pods/a", "pids.current", "40\n");
	write_in(&host, "/sys/fs/cgroup/pods/a/leaf", "pids.max", "200\n");
	write_in(&host, "/sys/fs/cgroup/pods/a/leaf", "pids.current", "39\n");
	limits = limits_of(&host, V2_MOUNT);
	assert_use(cgroup_limits_find(limits, CGROUP_MEMORY, "0::/pods/a/leaf\n"), 250 * MIB,
		   300 * MIB);
	assert_use(cgroup_limits_find(limits, CGROUP_MEMORY, "0::/pods/b\n"), 180 * MIB, 200 * MIB);
	assert_use(cgroup_limits_find(limits, CGROUP_PIDS, "0::/pods/a/leaf\n"), 40, 100);
	assert_false(cgroup_limits_find(limits, CGROUP_PIDS, "0::/pods/b\n").known);
	cgroup_limits_free(limits);
	fake_host_remove(&host);
}

static void v1_has_totals_and_a_number_for_no_limit(void **state)
{
	const char *text = "3:pids:/svc\n2:memory:/svc/worker\n0::/\n";
	struct cgroup_limits *limits;
	struct fake_host host;

	(void)state;
	fake_host_make(&host);
	write_in(&host, "/sys/fs/cgroup/memory/svc", "memory.limit_in_bytes", "104857600\n");
	write_in(&host, "/sys/fs/cgroup/memory/svc", "memory.usage_in_bytes", "62914560\n");
	write_in(&host, "/sys/fs/cgroup/memory/svc", "memory.stat",
		 "inactive_file 1\ntotal_inactive_file 10485760\n");
	write_in(&host, "/sys/fs/cgroup/memory/svc/worker", "memory.limit_in_bytes",
		 "9223372036854771712\n");
	write_in(&host, "/sys/fs/cgroup/pids/svc", "pids.max", "512\n");
	write_in(&host, "/sys/fs/cgroup/pids/svc", "pids.current", "500\n");
	limits = limits_of(&host, V1_MOUNTS);
	assert_use(cgroup_limits_find(limits, CGROUP_MEMORY, text), 50 * MIB, 100 * MIB);
	assert_use(cgroup_limits_find(limits, CGROUP_PIDS, text), 500, 512);
	cgroup_limits_free(limits);
	fake_host_remove(&host);
}

static void hybrid_has_each_controller_where_it_is(void **state)
{
	const char *text = "2:memory:/one\n0::/two\n";
	struct cgroup_limits *limits;
	struct fake_host host;

	(void)state;
	fake_host_make(&host);
	write_in(&host, "/sys/fs/cgroup/memory/one", "memory.limit_in_bytes", "104857600\n");
	write_in(&host, "/sys/fs/cgroup/memory/one", "memory.usage_in_bytes", "1048576\n");
	write_in(&host, "/sys/fs/cgroup/unified/two", "pids.max", "7\n");
	write_in(&host, "/sys/fs/cgroup/unified/two", "pids.current", "8\n");
	limits = limits_of(&host, HYBRID_MOUNTS);
	/* Without memory.stat, all of it is used. */
	assert_use(cgroup_limits_find(limits, CGROUP_MEMORY, text), 1 * MIB, 100 * MIB);
	/* pids.max may be lowered below what is there. */
	assert_use(cgroup_limits_find(limits, CGROUP_PIDS, text), 8, 7);
	cgroup_limits_free(limits);
	fake_host_remove(&host);
}

static void a_sweep_reads_each_directory_once(void **state)
{
	struct cgroup_limits *limits;
	struct fake_host host;

	(void)state;
	fake_host_make(&host);
	write_in(&host, "/sys/fs/cgroup/app", "pids.max", "100\n");
	write_in(&host, "/sys/fs/cgroup/app", "pids.current", "40\n");
	limits = limits_of(&host, V2_MOUNT);
	assert_use(cgroup_limits_find(limits, CGROUP_PIDS, "0::/app/x\n"), 40, 100);
	write_in(&host, "/sys/fs/cgroup/app", "pids.current", "41\n");
	assert_use(cgroup_limits_find(limits, CGROUP_PIDS, "0::/app/y\n"), 40, 100);
	cgroup_limits_begin_sweep(limits);
	assert_use(cgroup_limits_find(limits, CGROUP_PIDS, "0::/app/x\n"), 41, 100);
	/* Those that nobody asks for are forgotten, and found again. */
	cgroup_limits_begin_sweep(limits);
	cgroup_limits_begin_sweep(limits);
	assert_use(cgroup_limits_find(limits, CGROUP_PIDS, "0::/app/y\n"), 41, 100);
	cgroup_limits_free(limits);
	fake_host_remove(&host);
}

static void what_cannot_be_read_is_not_known(void **state)
{
	struct cgroup_limits *limits;
	struct fake_host host;

	(void)state;
	fake_host_make(&host);
	write_in(&host, "/sys/fs/cgroup/words", "pids.max", "many\n");
	write_in(&host, "/sys/fs/cgroup/words", "pids.current", "40\n");
	write_in(&host, "/sys/fs/cgroup/half", "memory.max", "4096\n");
	limits = limits_of(&host, V2_MOUNT);
	assert_false(cgroup_limits_find(limits, CGROUP_PIDS, "0::/words\n").known);
	assert_false(cgroup_limits_find(limits, CGROUP_MEMORY, "0::/half\n").known);
	assert_false(cgroup_limits_find(limits, CGROUP_PIDS, "0::/gone (deleted)\n").known);
	assert_false(cgroup_limits_find(limits, CGROUP_PIDS, "0::/../words\n").known);
	assert_false(cgroup_limits_find(limits, CGROUP_PIDS, "").known);
	cgroup_limits_free(limits);
	fake_host_remove(&host);
}

static void depth_is_bounded(void **state)
{
	char text[1024] = "0::", deep[1024] = "/sys/fs/cgroup";
	struct cgroup_limits *limits;
	struct fake_host host;

	(void)state;
	for (int i = 0; i < 100; i++) {
		strcat(text, "/d");
		strcat(deep, "/d");
	}
	fake_host_make(&host);
	write_in(&host, "/sys/fs/cgroup/d", "pids.max", "100\n");
	write_in(&host, "/sys/fs/cgroup/d", "pids.current", "40\n");
	write_in(&host, deep, "pids.max", "50\n");
	write_in(&host, deep, "pids.current", "40\n");
	limits = limits_of(&host, V2_MOUNT);
	assert_use(cgroup_limits_find(limits, CGROUP_PIDS, text), 40, 100);
	cgroup_limits_free(limits);
	fake_host_remove(&host);
}

static void without_mountinfo_there_is_nothing(void **state)
{
	struct cgroup_limits *limits = NULL;

	(void)state;
	assert_int_equal(cgroup_limits_new("/nonexistent", &limits), -ENOENT);
	assert_null(limits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v2_memory_is_without_the_page_cache_that_goes_first),
		cmocka_unit_test(the_ancestor_with_the_least_room_counts),
		cmocka_unit_test(v1_has_totals_and_a_number_for_no_limit),
		cmocka_unit_test(hybrid_has_each_controller_where_it_is),
		cmocka_unit_test(a_sweep_reads_each_directory_once),
		cmocka_unit_test(what_cannot_be_read_is_not_known),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(without_mountinfo_there_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
