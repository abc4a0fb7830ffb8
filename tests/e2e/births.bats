#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Thread births and exits: none is lost, none is counted twice.

load common.bash

# churn_run "PARKSCOPE OPTIONS" [ARGUMENT]...: from `go` to the end of the storm.
churn_run() {
	local options=$1

	shift
	target_start churn "$@"
	# shellcheck disable=SC2086
	parkscope_start watch -p "$TARGET" -i 500ms --full $options
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	target_report "$TARGET"
	# pthread_join() returns a moment before the thread is gone.
	wait_until "the last thread is gone" has_tasks "$TARGET" 2
	parkscope_stop
	assert_complete
	assert_only_records_lost
}

# In a storm the kernel may refuse to make the record of a thread (its storage is busy on this CPU
# for a moment) or skip the end of a wait. That is told, is rare, and costs no birth and no exit.
assert_only_records_lost() {
	assert_equal "other losses $(last end '.p.losses | del(.thread_records_full, .wait_end_missed, .stack_cut_too_slow) | tojson')" \
		"other losses {}"
	assert_few_slow_walks
	assert_between "waits lost" 0 "$(last end '.p.losses | del(.stack_cut_too_slow) | add // 0')" \
		"$(($(target_counter "$TARGET" created) / 1000 + 1))"
	# What was lost in a report is told in that report, too.
	assert_equal "$(sum loss '.p.losses[]')" "$(last end '.p.losses | add // 0')"
}

check_storm() {
	local created

	churn_run "$1" max=20000 batch=8
	created=$(target_counter "$TARGET" created)
	assert_equal "$created" 20000
	assert_equal "born $(sum process '.p.threads.born')" "born $created"
	assert_equal "exited $(sum process '.p.threads.exited')" "exited $(target_counter "$TARGET" exited)"
	assert_equal "born at sites $(sum birth_site '.p.born')" "born at sites $created"
	assert_equal "exited at sites $(sum birth_site '.p.exited')" "exited at sites $created"
	assert_equal "$(last end '.p.totals.births')" "$created"
	assert_equal "$(last end '.p.totals.exits')" "$created"
	assert_equal "$(last process '.p.threads.now')" 2
	# Creators are walked, too, but are not among the walks in the scheduler. Two threads wait still.
	assert_between "walks in the scheduler" 1 "$(last end '.p.cost.unwind.stacks')" \
		"$(($(sum process '.p.sampling.captured // 0') + 2))"
	# All from one place, of which none is left.
	assert_equal "$(pick birth_site 'select(.p.stack[0] | startswith("[") | not) | .p.site' | sort -u | wc -l)" 1
	assert_equal "$(last birth_site 'select(.p.stack[0] | startswith("[") | not) | .p.live')" 0
	target_quit "$TARGET"
}

@test "a storm of 20000 threads: every birth and exit" {
	check_storm ""
}

@test "the same without task storage" {
	check_storm --debug=no-task_storage
}

@test "batches alive together: threads now is what stands" {
	churn_run "" max=3000 batch=100 together=1
	assert_equal "$(sum process '.p.threads.born')" 3000
	assert_equal "$(sum process '.p.threads.exited')" 3000
	assert_between "threads seen at once" 2 "$(pick process '.p.threads.now' | sort -n | tail -n 1)" 102
	assert_equal "$(last process '.p.threads.now')" 2
	target_quit "$TARGET"
}

@test "exec in the middle of a storm: survived, and counted on" {
	target_start churn max=600 exec_after=400
	parkscope_start watch -p "$TARGET" -i 300ms --full
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	target_report "$TARGET"
	assert_equal "$(target_counter "$TARGET" executed)" 1
	wait_until "the last thread is gone" has_tasks "$TARGET" 2
	parkscope_stop
	assert_complete
	# Of 600 births after exec the first are cut until the new program's tables are there.
	assert_between "stacks cut after exec" 0 \
		"$(last end '.p.losses | (.stack_cut_no_code // 0) + (.stack_cut_no_table // 0)')" 450
	# Both storms and both bystanders; the first bystander was there before and died in exec.
	assert_equal "$(target_counter "$TARGET" created_before_exec)" 400
	assert_equal "born $(sum process '.p.threads.born')" \
		"born $((400 + 1 + $(target_counter "$TARGET" created)))"
	assert_equal "exited $(sum process '.p.threads.exited')" \
		"exited $((400 + 1 + $(target_counter "$TARGET" created)))"
	assert_equal "$(last process '.p.threads.now')" 2
	assert_equal "$(last process '.process.name')" churn
	assert_equal "$(last process '.process.executable')" "$(readlink -f "$TARGETS/churn")"
	target_quit "$TARGET"
}

@test "a process that becomes another program is named after it" {
	local fifo=$BATS_TEST_TMPDIR/go

	mkfifo "$fifo"
	# Opening the FIFO blocks until the test writes to it.
	sh -c "read -r go <'$fifo'; exec sleep 3600" 3>&- &
	TARGET=$!
	STARTED+=("$TARGET")
	parkscope_start watch -p "$TARGET" -i 200ms --full
	wait_until "a report" has_reports 1
	assert_equal "$(last process '.process.name')" sh
	echo go >"$fifo"
	wait_until "the new name" eval '[ "$(last process .process.name)" = sleep ]'
	wait_until "the new wait" eval '[ "$(last park_site .p.reason)" = sleep ]'
	parkscope_stop
	assert_complete
	assert_equal "$(last process '.process.executable')" "$(readlink -f "$(command -v sleep)")"
	assert_equal "$(last process '.p.threads.now')" 1
}

@test "a process that ends: its last report is complete" {
	local waits

	target_start semaphores threads=4 rounds=100
	parkscope_start watch -p "$TARGET" -i 1h --full
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	target_quit "$TARGET"
	waits=$(target_counter "$TARGET" waits)
	# Well before the next report is due.
	parkscope_wait
	assert_complete
	assert_no_loss
	assert_equal "$(ended_because)" process_ended
	assert_equal "$(last process '.p.ended')" true
	assert_equal "$(last process '.p.threads.now')" 0
	assert_equal "$(last process '.p.threads.exited')" 5
	assert_equal "waits $(waits_of futex count)" "waits $waits"
	assert_equal "$(last process '.process.name')" semaphores
	assert_equal "$(sum park_site '.p.crowd.now')" 0
	assert_equal "$(sum birth_site '.p.live')" 0
}

@test "a process that ends before the first report: its stacks have names" {
	target_start semaphores threads=4 rounds=100
	parkscope_start watch -p "$TARGET" -i 1h --full
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	target_quit "$TARGET"
	parkscope_wait
	# Not one frame that is a bare address.
	assert_equal "$(pick park_site '.p.stack[]' | grep '^0x')" ""
	assert_equal "$(pick park_site 'select(.p.reason == "futex") | .p.stack | map(select(contains("libc.so.6"))) | length > 0' | sort -u)" true
}

@test "a process that is killed: the same" {
	target_start leak_threads initial=100
	parkscope_start watch -p "$TARGET" -i 1h --full
	kill -KILL "$TARGET"
	parkscope_wait
	assert_complete
	assert_no_loss
	assert_equal "$(ended_because)" process_ended
	assert_equal "$(last process '.p.threads.exited')" 101
	assert_equal "$(last process '.p.threads.now')" 0
}

@test "io_uring workers have a label of their own" {
	target_start io_workers
	parkscope_start watch -p "$TARGET" -i 300ms --full
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	target_report "$TARGET"
	wait_until "two reports" has_reports 2
	parkscope_stop
	assert_complete
	assert_no_loss
	assert_between "workers by the program" 1 "$(target_counter "$TARGET" io_workers)" 1000
	assert_equal "workers $(last birth_site 'select(.p.stack[0] == "[io_uring worker]") | .p.live')" \
		"workers $(target_counter "$TARGET" io_workers)"
	assert_equal "$(sum birth_site 'select(.p.stack[0] == "[io_uring worker]") | .p.born')" \
		"$(target_counter "$TARGET" io_workers)"
	assert_equal "$(last process '.p.threads.now')" "$(task_count "$TARGET")"
	target_quit "$TARGET"
}

@test "io_uring workers from before have it, too" {
	target_start io_workers
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	target_report "$TARGET"
	RECORDS=$BATS_TEST_TMPDIR/dump.out
	"$PARKSCOPE" dump -f jsonl -p "$TARGET" >"$RECORDS"
	assert_equal "workers $(last birth_site 'select(.p.stack[0] == "[io_uring worker]") | .p.live')" \
		"workers $(target_counter "$TARGET" io_workers)"
	assert_equal "$(last process '.p.threads.now')" "$(task_count "$TARGET")"
	target_quit "$TARGET"
}

check_two() {
	assert_complete
	assert_no_loss
	assert_equal "$(pick process '"\(.process.pid) \(.process.name) \(.p.threads.born)"' | sort | uniq)" \
		"$(printf '%s\n' "$1 leak_threads 0" "$2 leak_threads 0" | sort)"
	assert_equal "$(pick park_site "select(.process.pid == $1 and .p.reason == \"futex\") | .p.crowd.now" | tail -n 1)" 7
	assert_equal "$(pick park_site "select(.process.pid == $2 and .p.reason == \"futex\") | .p.crowd.now" | tail -n 1)" 9
}

@test "two processes: -p repeated and as a list" {
	local first second

	target_start leak_threads initial=7
	first=$TARGET
	target_start leak_threads initial=9
	second=$TARGET
	parkscope_start repeated -p "$first" -p "$second" -i 300ms -n 2 --full
	parkscope_wait
	check_two "$first" "$second"
	assert_equal "$(reports)" 4
	parkscope_start list -p "$first,$second" -i 300ms -n 2 --full
	parkscope_wait
	check_two "$first" "$second"
	assert_equal "$(reports)" 4

	# One ends, the other is watched on; when both have ended, so do we.
	parkscope_start both -p "$first,$second" -i 300ms --full
	target_quit "$first"
	wait_until "the first has ended" eval '[ "$(pick process "select(.process.pid == '"$first"') | .p.ended" | tail -n 1)" = true ]'
	wait_until "the second is still told" eval '[ "$(pick process ".process.pid" | tail -n 1)" = '"$second"' ]'
	kill -0 "$SCOPE"
	target_quit "$second"
	parkscope_wait
	assert_complete
	assert_equal "$(ended_because)" process_ended
}

@test "system-wide: a process of before and one of after" {
	local before after

	target_start leak_threads initial=31
	before=$TARGET
	parkscope_start all -i 500ms --full
	target_start leak_threads initial=33
	after=$TARGET
	wait_until "a report with both" eval 'file_has "$RECORDS" "\"born\":33,"'
	wait_until "one more" has_reports $(($(reports) + 1))
	parkscope_stop
	assert_complete
	assert_equal "$(pick park_site "select(.process.pid == $before and .p.reason == \"futex\") | .p.crowd.now" | tail -n 1)" 31
	assert_equal "$(pick park_site "select(.process.pid == $after and .p.reason == \"futex\") | .p.crowd.now" | tail -n 1)" 33
	assert_equal "$(pick process "select(.process.pid == $after) | .p.threads.now" | tail -n 1)" 34
	assert_equal "$(sum process "select(.process.pid == $after) | .p.threads.born")" 33
	assert_equal "$(sum process "select(.process.pid == $before) | .p.threads.born")" 0
	# Kernel threads are no processes.
	assert_equal "$(pick process 'select(.process.pid == 2) | .process.pid')" ""
	target_quit "$before"
	target_quit "$after"
}
