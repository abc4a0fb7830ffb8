#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every wait is counted once, with its length, against programs that count their own. parkscope is
# attached while they stand at "ready" and stopped after "done=1", so that all waits are in the sum.

load common.bash

# The scheduler's time lies inside the time that the program takes around its system call, by less
# than 40 µs a wait on a machine that has nothing better to do, whatever the wait's length.
assert_time_of_short_waits() {
	local waits blocked

	waits=$(target_counter "$TARGET" waits)
	blocked=$(target_counter "$TARGET" blocked_ns)
	assert_between "seconds in futex" "$(awk "BEGIN { print $blocked * 0.95e-9 - $waits * 40e-6 }")" \
		"$(waits_of futex seconds)" "$(awk "BEGIN { print $blocked * 1.001e-9 }")"
}

# run_rounds "PARKSCOPE OPTIONS" TARGET [ARGUMENT]...
run_rounds() {
	watch_rounds "$@"
	assert_no_loss
}

# Each wait is walked, so that what is at the sites is exact, too; sampling.bats has the default.
watch_rounds() {
	local options="--exact $1"

	shift
	target_start "$@"
	# shellcheck disable=SC2086
	parkscope_start watch -p "$TARGET" -i 700ms --full $options
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	target_report "$TARGET"
	parkscope_stop
	assert_complete
}

# What every exact program must give: all waits under futex, none of them broken, the time right.
assert_exact() {
	assert_equal "futex waits $(waits_of futex count)" "futex waits $(target_counter "$TARGET" waits)"
	assert_equal "restarts $(waits_of futex restarts)" "restarts 0"
	# The same number in the process's own field, in its sites, and at the end.
	assert_equal "$(sum process '.p.futex.waits')" "$(waits_of futex count)"
	assert_equal "$(sum park_site 'select(.p.reason == "futex") | .p.waits.count')" "$(waits_of futex count)"
	assert_equal "$(last end '.p.totals.waits')" "$(sum process '.p.waits[].count')"
	# And in the histogram.
	assert_equal "$(sum process '.p.waits[] | select(.reason == "futex") | .histogram[][1]')" \
		"$(waits_of futex count)"
}

assert_time() {
	local blocked

	blocked=$(awk "BEGIN { print $(target_counter "$TARGET" blocked_ns) / 1e9 }")
	assert_within "seconds in futex" "$(waits_of futex seconds)" "$blocked" 5
	assert_within "seconds in futex" "$(sum process '.p.futex.seconds')" "$blocked" 5
	assert_within "seconds in futex, of sites" \
		"$(sum park_site 'select(.p.reason == "futex") | .p.waits.seconds')" "$blocked" 5
}

check_timed_waits() {
	run_rounds "$1" timed_waits threads=3 count=100 ms=10
	assert_exact
	assert_time
	# None can be shorter than its timeout.
	assert_between "time of $(target_counter "$TARGET" waits) waits of 10 ms" \
		"$(awk "BEGIN { print 0.0095 * $(target_counter "$TARGET" waits) }")" "$(waits_of futex seconds)" 1e9
	target_quit "$TARGET"
}

check_pingpong() {
	run_rounds "$1" futex_pingpong rounds=3000
	assert_equal "$(target_counter "$TARGET" anomalies)" 0
	assert_exact
	target_quit "$TARGET"
}

check_signalled() {
	local waited

	run_rounds "$1" signalled_waits signals=10 rounds=2 hold_ms=10
	assert_equal "$(target_counter "$TARGET" logical_waits)" 8
	assert_equal "$(target_counter "$TARGET" restarts)" 60
	# `restarts` counts how often they were broken. Now and then this kernel does not tell of a
	# switch out of idle, nor does perf see it: then a broken piece is a wait of its own.
	assert_equal "pieces $(($(waits_of futex count) + $(waits_of futex restarts)))" "pieces 68"
	assert_between "futex waits" 8 "$(waits_of futex count)" 9
	# All pieces of each wait, but not the time in which the process was stopped.
	waited=$(awk "BEGIN { print ($(target_counter "$TARGET" blocked_ns) - $(target_counter "$TARGET" stopped_ns)) / 1e9 }")
	assert_between "seconds of 64 pieces of 10 ms" 0.64 "$waited" 60
	assert_within "seconds in futex" "$(waits_of futex seconds)" "$waited" 5
	target_quit "$TARGET"
}

@test "timed waits: count and time" {
	check_timed_waits ""
}

@test "timed waits: the histogram has them in the right bucket" {
	run_rounds "" timed_waits threads=2 count=50 ms=20
	# 20 ms lie between 2^24 ns (16.8 ms) and 2^25 ns (33.6 ms); a loaded machine may add some.
	assert_equal "$(sum process '.p.waits[] | select(.reason == "futex") | .histogram[] | select(.[0] != null and .[0] < 33554432) | .[1]')" 0
	assert_between "waits of 20 ms" 90 \
		"$(sum process '.p.waits[] | select(.reason == "futex") | .histogram[] | select(.[0] == 33554432) | .[1]')" 100
	target_quit "$TARGET"
}

@test "futex ping-pong: every one of 6000 short waits" {
	check_pingpong ""
}

@test "mutexes: rounds of pthread_mutex_lock" {
	run_rounds "" mutex_contention threads=4 rounds=100
	assert_exact
	assert_time_of_short_waits
	target_quit "$TARGET"
}

@test "semaphores: sem_wait and sem_timedwait" {
	run_rounds "" semaphores threads=4 rounds=100
	assert_exact
	assert_time_of_short_waits
	target_quit "$TARGET"
}

@test "priority inheritance: FUTEX_LOCK_PI" {
	run_rounds "" pi_mutex threads=4 rounds=100
	assert_exact
	assert_time_of_short_waits
	target_quit "$TARGET"
}

@test "joins: pthread_join" {
	run_rounds "" joins threads=4 rounds=50
	assert_exact
	assert_time_of_short_waits
	target_quit "$TARGET"
}

@test "futex_waitv and FUTEX_WAIT_REQUEUE_PI" {
	run_rounds "" futex_waitv rounds=100
	assert_exact
	assert_time_of_short_waits
	target_quit "$TARGET"
}

@test "32-bit futex calls" {
	watch_rounds "" compat_futex threads=2 rounds=100
	# Every stack is cut, and that is all.
	assert_equal "$(last end '.p.losses | tojson')" \
		"{\"stack_cut_32bit\":$(target_counter "$TARGET" waits)}"
	assert_exact
	assert_time_of_short_waits
	target_quit "$TARGET"
}

@test "waits for the next round are event reads, counted too" {
	run_rounds "" mutex_contention threads=4 rounds=100
	# But for the four that began before parkscope came.
	assert_equal "event reads $(waits_of event_read count)" \
		"event reads $(($(target_counter "$TARGET" token_waits) - 4))"
	target_quit "$TARGET"
}

@test "broken and restarted waits are one wait each" {
	check_signalled ""
}

@test "without task storage: timed waits" {
	check_timed_waits --debug=no-task_storage
}

@test "without task storage: ping-pong" {
	check_pingpong --debug=no-task_storage
}

@test "without task storage: broken waits" {
	check_signalled --debug=no-task_storage
}

@test "without prev_state: timed waits" {
	check_timed_waits --debug=no-prev_state
}

@test "without prev_state: ping-pong" {
	check_pingpong --debug=no-prev_state
}

@test "without prev_state: broken waits" {
	check_signalled --debug=no-prev_state
}

@test "without task_pt_regs: timed waits" {
	check_timed_waits --debug=no-task_pt_regs
}

@test "without task_pt_regs: ping-pong" {
	check_pingpong --debug=no-task_pt_regs
}

@test "without task_pt_regs: broken waits" {
	check_signalled --debug=no-task_pt_regs
}

# Some of its programs are seen by a sweep, most by none.
check_exec() {
	local options=$1 slept locked

	shift
	target_start exec_waits execs=399 waits=3 "$@"
	# shellcheck disable=SC2086
	parkscope_start watch -p "$TARGET" -i 100ms --full $options
	target_send "$TARGET" go
	# While another thread executes, the leader is a zombie: that is not the end.
	wait_until "target is done" file_has "${TARGET_OUTPUT[$TARGET]}" '^done=1$'
	target_report "$TARGET"
	parkscope_stop
	assert_complete
	assert_equal "$(target_counter "$TARGET" executed)" 399
	assert_equal "futex $(waits_of futex count) sleep $(waits_of sleep count)" \
		"futex $(target_counter "$TARGET" futex_waits) sleep $(target_counter "$TARGET" sleeps)"
	# At the sites no more than that; how many is chance, since each sweep names few programs.
	slept=$(sum park_site 'select(.p.reason == "sleep") | .p.waits.count')
	locked=$(sum park_site 'select(.p.reason == "futex") | .p.waits.count')
	assert_between "sleeps at sites" 0 "$slept" "$(target_counter "$TARGET" sleeps)"
	assert_between "futex waits at sites" 0 "$locked" "$(target_counter "$TARGET" futex_waits)"
	assert_between "waits at sites" 1 $((slept + locked)) 1200
	target_quit "$TARGET"
}

@test "a process that executes itself again and again: every wait of each of its programs" {
	check_exec ""
}

@test "the same by a thread that is not the leader" {
	check_exec "" other=1
}

@test "the same without task storage" {
	check_exec --debug=no-task_storage
}

@test "a wait that began before attach is in the crowd, not in the totals" {
	target_start mutex_contention threads=4
	parkscope_start watch -p "$TARGET" -i 300ms --full
	wait_until "the crowd" has_reports 2
	assert_equal "$(crowd_of futex)" 4
	target_send "$TARGET" go
	target_wait "$TARGET" '^held=0$'
	parkscope_stop
	assert_complete
	assert_equal "$(waits_of futex count)" 0
	assert_equal "$(crowd_of futex)" 0
	assert_equal "$(sum park_site 'select(.p.reason == "futex") | .p.crowd.departed')" 4
	target_quit "$TARGET"
}

@test "a wait that ends is counted in full, in the report where it ends" {
	local total

	target_start semaphores threads=3
	target_send "$TARGET" go
	target_wait "$TARGET" '^held=0$'
	parkscope_start watch -p "$TARGET" -i 300ms --full
	target_send "$TARGET" go
	target_wait "$TARGET" '^held=1$'
	wait_until "five reports with the crowd" has_reports 5
	assert_equal "$(crowd_of futex)" 3
	assert_equal "$(waits_of futex count)" 0
	target_send "$TARGET" go
	wait_until "held=0 again" eval '[ "$(grep -c "^held=0$" "${TARGET_OUTPUT[$TARGET]}")" = 2 ]'
	parkscope_stop
	assert_complete
	assert_equal "$(waits_of futex count)" 3
	# Time spent waiting inside the intervals comes to the same as the completed waits.
	total=$(waits_of futex seconds)
	assert_between "seconds of three waits over at least four reports" 2.7 "$total" 1e9
	assert_within "waiting_s of all intervals" "$(waits_of futex waiting_s)" "$total" 2
	target_quit "$TARGET"
}
