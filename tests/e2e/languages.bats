#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Threads of C++, Python, Java and Rust programs: all seen, all named.

load common.bash

# Sums must hold whatever the runtime does besides: parked and running are all threads.
check_language() {
	local known now parked running tasks

	target_start "$@"
	known=$(target_counter "$TARGET" threads)
	RECORDS=$BATS_TEST_TMPDIR/dump.out
	tasks=$(task_count "$TARGET")
	"$PARKSCOPE" dump -f jsonl -p "$TARGET" >"$RECORDS"
	assert_complete
	# A JVM has threads that run now and then: one may do so while it is looked at.
	assert_equal "losses $(last end '.p.losses | del(.thread_moved) | tojson')" "losses {}"
	now=$(last process '.p.threads.now')
	assert_equal "threads $now" "threads $tasks"
	parked=$(sum park_site '.p.crowd.now')
	running=$((now - parked))
	# A JVM has threads that run now and then; the known ones stand.
	assert_between "parked" "$known" "$parked" "$now"
	assert_between "running or moving during the sweep" 0 "$running" 3
	assert_equal "live $(sum birth_site '.p.live')" "live $now"
	assert_between "threads in futex" 1 "$(crowd_of futex)" "$now"
	assert_equal "$(last process '.process.name')" "$(cat "/proc/$TARGET/comm")"
	assert_equal "$(last process '.process.executable')" "$(readlink "/proc/$TARGET/exe")"
	# No frame is a bare address: each is at least in a module.
	assert_equal "$(pick park_site '.p.stack[] | select(startswith("0x"))')" ""
}

# Threads that the program names stand in the wait that their thread's own /proc file shows.
futex_threads() {
	local tid count=0

	for tid in $(sed -n 's/^thread=[^ ]* tid=\([0-9]*\).*/\1/p' "${TARGET_OUTPUT[$TARGET]}"); do
		read -r number _ <"/proc/$TARGET/task/$tid/syscall"
		[ "$number" = 202 ] && count=$((count + 1))
	done
	echo "$count"
}

@test "C++" {
	check_language cpp_threads per=3
	assert_equal "$(futex_threads)" 12
	assert_equal "$(crowd_of futex)" 12
	assert_equal "$(crowd_of poll)" 1
	target_quit "$TARGET"
}

@test "Python" {
	check_language python_threads per=3
	assert_equal "$(futex_threads)" 9
	assert_equal "$(crowd_of futex)" 9
	assert_equal "$(crowd_of poll)" 1
	target_quit "$TARGET"
}

@test "Java" {
	check_language java_threads per=3
	assert_equal "$(target_counter "$TARGET" threads)" 15
	assert_between "known threads in futex" 14 "$(futex_threads)" 15
	assert_between "threads in futex" 14 "$(crowd_of futex)" "$(task_count "$TARGET")"
	target_quit "$TARGET"
}

@test "Rust" {
	check_language rust_threads per=3
	assert_equal "$(futex_threads)" "$(crowd_of futex)"
	assert_equal "$(crowd_of futex)" 15
	target_quit "$TARGET"
}

# Of all birth sites, in the newest report.
live_now() {
	pick birth_site ".p | select(.seq > $(last process .p.seq)) | .live" | awk '{ sum += $1 } END { print sum + 0 }'
}

@test "watch: the threads of a JVM, counted through its life" {
	target_launch java_threads per=2
	parkscope_start watch -p "$TARGET" -i 300ms --full
	target_wait "$TARGET" '^ready$'
	wait_until "threads as /proc has them" eval '[ "$(last process .p.threads.now)" = "$(task_count "$TARGET")" ]'
	parkscope_stop
	assert_complete
	# Those of before, those that came and those that went make a sum.
	assert_equal "$(last process '.p.threads.now')" "$(live_now)"
	target_quit "$TARGET"
}
