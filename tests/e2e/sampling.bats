#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What stands at the sites when not each wait is walked: sums near the exact totals, within the
# error that is stated, by few walks.

load common.bash

# watch_short_waits [OPTION]...: 8 threads that wait for 1 ms each, some 40,000 times together, so
# far down that to walk each time is more than the default budget.
watch_short_waits() {
	target_start timed_waits threads=8 count=5000 ms=1 frames=100
	parkscope_start watch -p "$TARGET" -i 1s --full "$@"
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	target_report "$TARGET"
	parkscope_stop
	assert_complete
}

# sampled FIELD: its sum over all reports
sampled() {
	sum process ".p.sampling.$1 // 0"
}

assert_sampling_adds_up() {
	assert_equal "$(($(sampled captured) + $(sampled inferred) + $(sampled skipped)))" \
		"$(sum process '.p.waits[].count')"
}

@test "each wait is in the totals, and few of them are walked" {
	watch_short_waits
	assert_equal "futex waits $(waits_of futex count)" \
		"futex waits $(target_counter "$TARGET" waits)"
	assert_sampling_adds_up
	assert_between "walked" 100 "$(sampled captured)" 39000
	assert_between "inferred" 1000 "$(sampled inferred)" 39900
	# The default budget is 1 % of one CPU.
	assert_between "walking, % of a CPU" 0.01 \
		"$(last end '100 * .p.cost.unwind.seconds / .p.watched_s')" 1.5
	target_quit "$TARGET"
}

@test "the sites have the time that was waited, within the stated error" {
	local total seconds error

	watch_short_waits
	total=$(waits_of futex seconds)
	seconds=$(sum park_site 'select(.p.reason == "futex") | .p.waits.seconds')
	error=$(sum park_site 'select(.p.reason == "futex") | .p.waits.error_s // 0')
	# What is captured in a stack before its tables are loaded is credited, too.
	assert_between "seconds at sites" "$(awk "BEGIN { print $total * 0.99 - $error }")" \
		"$seconds" "$(awk "BEGIN { print $total * 1.01 + $error }")"
	assert_between "share of the site that waits" 0.95 \
		"$(sum park_site 'select(.p.stack | any(startswith("wait_until_timeout"))) | .p.waits.seconds' |
			awk "{ print \$1 / $total }")" 1.02
	target_quit "$TARGET"
}

@test "--exact: each wait is walked" {
	watch_short_waits --exact
	assert_sampling_adds_up
	assert_equal "inferred $(sampled inferred)" "inferred 0"
	assert_equal "skipped $(sampled skipped)" "skipped 0"
	assert_equal "$(sum park_site 'select(.p.reason == "futex") | .p.waits.count')" \
		"$(waits_of futex count)"
	target_quit "$TARGET"
}

@test "-v says how the waits came to their sites" {
	target_start timed_waits threads=2 count=100000 ms=5 autogo=1
	run --separate-stderr "$PARKSCOPE" -p "$TARGET" -i 1s -n 2 -v --plain
	assert_success
	assert_output --regexp 'STACKS +[0-9]+ walked +[0-9,.kM]+ inferred'
	target_quit "$TARGET"
}
