// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/user_threads.h"

#include <errno.h>

#include "fake_host.h"

#define STATUS(uids, threads, capabilities)                                               \
	"Name:\tapp\nUid:\t" uids "\nGid:\t0\t0\t0\t0\nGroups:\t5 6 \nThreads:\t" threads \
	"\nCapInh:\t0000000000000000\nCapEff:\t" capabilities "\n"

static void threads_are_counted_by_real_user(void **state)
{
	struct user_threads *users = NULL;
	struct fake_host host;
	char proc[PATH_MAX];

	(void)state;
	fake_host_make(&host);
	fake_file(&host, "/proc/10/status", STATUS("1000\t0\t0\t0", "7", "0000000000000000"));
	fake_file(&host, "/proc/11/status", STATUS("1000\t1000\t1000\t1000", "3", "0"));
	fake_file(&host, "/proc/12/status", STATUS("4294967294\t0\t0\t0", "4294967295", "0"));
	/* Not of processes, or not what they should be. */
	fake_file(&host, "/proc/13/status", STATUS("x\t0\t0\t0", "3", "0"));
	fake_file(&host, "/proc/14/status", STATUS("4294967296\t0\t0\t0", "3", "0"));
	fake_file(&host, "/proc/15/status", "");
	fake_file(&host, "/proc/99999999999/status", STATUS("1000\t0\t0\t0", "7", "0"));
	fake_file(&host, "/proc/self/status", STATUS("1000\t0\t0\t0", "7", "0"));
	fake_file(&host, "/proc/16/stat", "16 (app)");
	fake_host_path(&host, "/proc", proc);
	assert_int_equal(user_threads_count(proc, &users), 0);
	assert_int_equal(user_threads_of(users, 1000), 10);
	assert_int_equal(user_threads_of(users, 4294967294), 4294967295);
	assert_int_equal(user_threads_of(users, 0), 0);
	user_threads_free(users);
	fake_host_remove(&host);
}

static void a_status_is_read(void **state)
{
	struct process_status status = {.threads = 99};
	struct fake_host host;
	char proc[PATH_MAX];

	(void)state;
	fake_host_make(&host);
	fake_file(&host, "/proc/10/status", STATUS("1000\t0\t0\t0", "7", "0000000001200000"));
	fake_file(&host, "/proc/11/status", "Uid:\t1\nThreads:\t1\n");
	fake_host_path(&host, "/proc", proc);
	assert_int_equal(process_status_read(proc, 11, &status), -EINVAL);
	assert_int_equal(process_status_read(proc, 12, &status), -ENOENT);
	assert_int_equal(status.threads, 99);
	assert_int_equal(process_status_read(proc, 10, &status), 0);
	assert_int_equal(status.real_uid, 1000);
	assert_int_equal(status.threads, 7);
	assert_int_equal(status.capabilities, 0x1200000);
	fake_host_remove(&host);
}

static void this_host_has_us(void **state)
{
	struct user_threads *users = NULL;

	(void)state;
	assert_int_equal(user_threads_count("/proc", &users), 0);
	assert_true(user_threads_of(users, getuid()) >= 1);
	user_threads_free(users);
	users = NULL;
	assert_int_equal(user_threads_count("/nonexistent", &users), -ENOENT);
	assert_null(users);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_are_counted_by_real_user),
		cmocka_unit_test(a_status_is_read),
		cmocka_unit_test(this_host_has_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
