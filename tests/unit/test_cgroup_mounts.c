// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/cgroup_mounts.h"

#include <errno.h>

#include "fake_host.h"

#define V1_MEMORY(root, directory) \
	"35 31 0:32 " root " " directory " rw,relatime shared:9 - cgroup cgroup rw,memory\n"
#define V1_PIDS             "36 31 0:33 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
#define V1_CPU              "37 31 0:34 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
#define V2(root, directory) "41 31 0:38 " root " " directory " rw - cgroup2 cgroup2 rw,nsdelegate\n"
#define OTHERS                                                              \
	"23 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"                    \
	"31 23 0:28 / /sys/fs/cgroup ro,relatime - tmpfs tmpfs rw,memory\n" \
	"nonsense\n"                                                        \
	"\n"                                                                \
	"1 2 0:3 / /short - \n"                                             \
	"1 2 0:3 / /short -\n"                                              \
	"1 2 0:3 x y z - cgroup2 none rw\n"

static int read_mounts(const char *mountinfo, struct cgroup_mounts *mounts)
{
	struct fake_host host;
	char path[PATH_MAX];
	int result;

	fake_host_make(&host);
	fake_file(&host, "/mountinfo", mountinfo);
	fake_host_path(&host, "/mountinfo", path);
	result = cgroup_mounts_read(path, mounts);
	fake_host_remove(&host);
	return result;
}

/* "": nowhere. Static. */
static const char *locate(const char *mountinfo, enum cgroup_controller controller,
			  const char *cgroup_text)
{
	static struct cgroup_place place;
	struct cgroup_mounts mounts = {0};
	bool found;

	assert_int_equal(read_mounts(mountinfo, &mounts), 0);
	found = cgroup_mounts_locate(&mounts, controller, cgroup_text, &place);
	cgroup_mounts_clear(&mounts);
	return found ? place.directory : "";
}

static void v2_is_one_hierarchy(void **state)
{
	const char *mountinfo = OTHERS V2("/", "/sys/fs/cgroup");

	(void)state;
	assert_string_equal(locate(mountinfo, CGROUP_MEMORY, "0::/a.slice/b.service\n"),
			    "/sys/fs/cgroup/a.slice/b.service");
	assert_string_equal(locate(mountinfo, CGROUP_PIDS, "0::/a.slice/b.service\n"),
			    "/sys/fs/cgroup/a.slice/b.service");
	assert_string_equal(locate(mountinfo, CGROUP_PIDS, "0::/\n"), "/sys/fs/cgroup");
	assert_string_equal(locate(mountinfo, CGROUP_PIDS, "0::/a"), "/sys/fs/cgroup/a");
}

static void v1_has_one_for_each_controller(void **state)
{
	const char *mountinfo = OTHERS V1_CPU V1_MEMORY("/", "/sys/fs/cgroup/memory") V1_PIDS;
	const char *text = "4:cpu,cpuacct:/c\n3:pids:/p\n2:memory:/m/n\n1:name=systemd:/s\n";

	(void)state;
	assert_string_equal(locate(mountinfo, CGROUP_MEMORY, text), "/sys/fs/cgroup/memory/m/n");
	assert_string_equal(locate(mountinfo, CGROUP_PIDS, text), "/sys/fs/cgroup/pids/p");
	assert_string_equal(locate(mountinfo, CGROUP_PIDS, "2:memory:/m\n"), "");
}

static void hybrid_takes_each_controller_from_where_it_is(void **state)
{
	const char *mountinfo =
		V1_MEMORY("/", "/sys/fs/cgroup/memory") V2("/", "/sys/fs/cgroup/unified");
	const char *text = "0::/two\n2:memory:/one\n";

	(void)state;
	assert_string_equal(locate(mountinfo, CGROUP_MEMORY, text), "/sys/fs/cgroup/memory/one");
	assert_string_equal(locate(mountinfo, CGROUP_PIDS, text), "/sys/fs/cgroup/unified/two");
	/* A controller of v1 that nobody mounted is not in v2 either: its files are missing there.
	 */
	assert_string_equal(locate(mountinfo, CGROUP_PIDS, "3:pids:/p\n0::/two\n"),
			    "/sys/fs/cgroup/unified/two");
}

static void mounts_show_a_part(void **state)
{
	const char *mountinfo = V2("/docker/abc", "/sys/fs/cgroup");

	(void)state;
	assert_string_equal(locate(mountinfo, CGROUP_MEMORY, "0::/docker/abc\n"), "/sys/fs/cgroup");
	assert_string_equal(locate(mountinfo, CGROUP_MEMORY, "0::/docker/abc/x\n"),
			    "/sys/fs/cgroup/x");
	assert_string_equal(locate(mountinfo, CGROUP_MEMORY, "0::/docker/other\n"), "");
	assert_string_equal(locate(mountinfo, CGROUP_MEMORY, "0::/docker/abcd\n"), "");
	assert_string_equal(locate(mountinfo, CGROUP_MEMORY, "0::/\n"), "");
}

static void the_mount_that_shows_most_counts(void **state)
{
	const char *mountinfo = V2("/docker/abc", "/part") V2("/", "/all") V2("/", "/again");

	(void)state;
	assert_string_equal(locate(mountinfo, CGROUP_MEMORY, "0::/docker/abc\n"),
			    "/all/docker/abc");
}

static void a_namespace_of_our_own_shows_what_is_outside_by_two_dots(void **state)
{
	(void)state;
	/* Mounted from inside: only what is below us is there. */
	assert_string_equal(locate(V2("/", "/sys/fs/cgroup"), CGROUP_MEMORY, "0::/../other\n"), "");
	assert_string_equal(locate(V2("/", "/sys/fs/cgroup"), CGROUP_MEMORY, "0::/..\n"), "");
	/* The host's mount, two above us: so is the process. */
	assert_string_equal(locate(V2("/../..", "/host"), CGROUP_MEMORY, "0::/../../other/x\n"),
			    "/host/other/x");
	assert_string_equal(locate(V2("/../..", "/host"), CGROUP_MEMORY, "0::/../..\n"), "/host");
	/* The names of those between are not known. */
	assert_string_equal(locate(V2("/../..", "/host"), CGROUP_MEMORY, "0::/../other\n"), "");
	assert_string_equal(locate(V2("/../..", "/host"), CGROUP_MEMORY, "0::/mine\n"), "");
	assert_string_equal(locate(V2("/..", "/host"), CGROUP_MEMORY, "0::/../../other\n"), "");
}

static void paths_that_lead_elsewhere_are_refused(void **state)
{
	static const char *const wrong[] = {"0::relative\n",
					    "0::/a/../../etc\n",
					    "0::/a/.\n",
					    "0::/a/..",
					    "0:/a\n",
					    "0\n",
					    "",
					    ":\n",
					    "\n\n",
					    "0::/./a\n"};
	char *path = calloc(1, PATH_MAX + 16);

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_string_equal(locate(V2("/", "/sys/fs/cgroup"), CGROUP_MEMORY, wrong[i]), "");
	assert_string_equal(locate(V2("/", "/c"), CGROUP_MEMORY, "0::/...\n"), "/c/...");
	/* As long as it may be, and one more. */
	assert_non_null(path);
	memset(path, 'a', PATH_MAX + 15);
	memcpy(path, "0::/", 4);
	path[3 + PATH_MAX - 3] = '\0';
	assert_int_equal(strlen(locate(V2("/", "/c"), CGROUP_MEMORY, path)), PATH_MAX - 1);
	path[3 + PATH_MAX - 3] = 'a';
	path[3 + PATH_MAX - 2] = '\0';
	assert_string_equal(locate(V2("/", "/c"), CGROUP_MEMORY, path), "");
	free(path);
}

static void only_mountinfo_is_escaped(void **state)
{
	const char *mountinfo = V2("/", "/a\\040dir\\134\\9\\01x");

	(void)state;
	assert_string_equal(locate(mountinfo, CGROUP_MEMORY, "0::/b\\040c d\n"),
			    "/a dir\\\\9\\01x/b\\040c d");
}

static void no_file_is_an_error(void **state)
{
	struct cgroup_mounts mounts = {.v2.root = (char *)"untouched"};

	(void)state;
	assert_int_equal(cgroup_mounts_read("/nonexistent/mountinfo", &mounts), -ENOENT);
	assert_string_equal(mounts.v2.root, "untouched");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v2_is_one_hierarchy),
		cmocka_unit_test(v1_has_one_for_each_controller),
		cmocka_unit_test(hybrid_takes_each_controller_from_where_it_is),
		cmocka_unit_test(mounts_show_a_part),
		cmocka_unit_test(the_mount_that_shows_most_counts),
		cmocka_unit_test(a_namespace_of_our_own_shows_what_is_outside_by_two_dots),
		cmocka_unit_test(paths_that_lead_elsewhere_are_refused),
		cmocka_unit_test(only_mountinfo_is_escaped),
		cmocka_unit_test(no_file_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
