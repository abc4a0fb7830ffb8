#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# One thread in each kind of wait: parkscope names the reason of every one.

load common.bash

# Kinds of `sleepers` and the reason of each.
EXPECTED="
epoll_wait epoll
poll poll
ppoll poll
select select
pipe_read pipe_read
pipe_write pipe_write
socket_read socket_read
accept socket_accept
udp_recv socket_read
nanosleep sleep
pause signal
sigwait signal
flock file_lock
fcntl_lock file_lock
wait4 wait_child
vfork vfork
eventfd_read event_read
timerfd_read event_read
inotify_read event_read
msgrcv message_queue
semop sysv_semaphore
io_uring io_uring
futex futex
"

expected_crowds() {
	# The main thread stands in ppoll().
	{
		echo "main poll"
		grep . <<<"$EXPECTED"
	} | awk '{ count[$2]++ } END { for (r in count) print r, count[r] }' | sort
}

crowds() {
	jq -rs --argjson seq "$1" '[.[] | select(.event.dataset == "parkscope.park_site" and .parkscope.seq > $seq)]
		| group_by(.parkscope.reason)[] | [.[0].parkscope.reason, (map(.parkscope.crowd.now) | add)] | join(" ")' \
		"$RECORDS" | grep -v ' 0$' | sort
}

start_sleepers() {
	target_start sleepers
	# Nothing is left out of the table.
	assert_equal "$(sed -n 's/^thread=\([a-z0-9_]*\) .*/\1/p' "${TARGET_OUTPUT[$TARGET]}" | sort)" \
		"$(awk 'NF { print $1 }' <<<"$EXPECTED" | sort)"
}

check_dump() {
	start_sleepers
	RECORDS=$BATS_TEST_TMPDIR/dump.out
	"$PARKSCOPE" dump -f jsonl -p "$TARGET" "$@" >"$RECORDS"
	assert_complete
	assert_no_loss
	assert_equal "$(crowds 0)" "$(expected_crowds)"
	assert_equal "$(last process '.p.threads.now')" "$(task_count "$TARGET")"
	target_quit "$TARGET"
}

check_watch() {
	local begin

	start_sleepers
	parkscope_start watch -p "$TARGET" -i 500ms --full "$@"
	wait_until "two reports" has_reports 2
	parkscope_stop
	assert_complete
	assert_no_loss
	begin=$(last process '.p.seq')
	assert_equal "$(crowds "$begin")" "$(expected_crowds)"
	target_quit "$TARGET"
}

@test "dump: reason and number of every kind of wait" {
	check_dump
}

@test "dump: the same with registers from the kernel stack" {
	check_dump --debug=no-task_pt_regs
}

@test "dump: the same without kernel symbols" {
	check_dump --debug=no-kernel_symbols
}

@test "watch: reason and number of every kind of wait" {
	check_watch
}

@test "watch: the same without task storage" {
	check_watch --debug=no-task_storage
}

@test "dump: a 32-bit futex wait is a futex wait" {
	target_start compat_futex threads=3
	RECORDS=$BATS_TEST_TMPDIR/dump.out
	"$PARKSCOPE" dump -f jsonl -p "$TARGET" >"$RECORDS"
	assert_equal "$(crowds 0)" "futex 3
poll 1"
	target_quit "$TARGET"
}

@test "dump: futex_waitv, requeue and priority inheritance are futex waits" {
	target_start futex_waitv
	RECORDS=$BATS_TEST_TMPDIR/dump.out
	"$PARKSCOPE" dump -f jsonl -p "$TARGET" >"$RECORDS"
	assert_equal "$(crowds 0)" "futex 2
poll 1"
	target_quit "$TARGET"

	target_start pi_mutex threads=5
	"$PARKSCOPE" dump -f jsonl -p "$TARGET" >"$RECORDS"
	assert_equal "$(crowds 0)" "futex 5
poll 1"
	target_quit "$TARGET"
}

@test "a stopped process: its threads are stopped, and go on as what they were" {
	target_start leak_threads initial=5
	parkscope_start watch -p "$TARGET" -i 200ms --full
	wait_until "a report" has_reports 1
	kill -STOP "$TARGET"
	wait_until "its threads are seen stopped" is_crowd stopped 6
	kill -CONT "$TARGET"
	wait_until "the crowd is back" is_crowd futex 5
	parkscope_stop
	assert_complete
	# The stop broke the waits but none of them has ended.
	assert_equal "$(waits_of futex count)" 0
	assert_equal "$(crowd_of stopped)" 0
	assert_equal "$(crowd_of futex)" 5
	target_quit "$TARGET"
}
