#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Starting, ending, and everything that happens to a long-running program in between.

load common.bash

setup_test() {
	need bpftool bpftool
}

# Ends by signal $1 long before its interval is over, with everything said.
check_signal() {
	target_start semaphores threads=3 rounds=50
	parkscope_start watch -p "$TARGET" -i 1h --full
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	kill "-$1" "$SCOPE"
	parkscope_wait
	assert_complete
	assert_equal "$(ended_because)" interrupted
	assert_equal "$(reports)" 1
	assert_equal "$(waits_of futex count)" 150
	assert_equal "$(last process '.p.threads.now')" 4
	target_quit "$TARGET"
}

@test "SIGINT: a last complete report, exit 0" {
	check_signal INT
}

@test "SIGTERM: a last complete report, exit 0" {
	check_signal TERM
}

@test "SIGINT in the middle of reports: each is whole" {
	target_start leak_threads initial=50 interval_ms=20
	target_send "$TARGET" go
	parkscope_start watch -p "$TARGET" -i 100ms --full
	wait_until "many reports" has_reports 10
	parkscope_stop
	assert_complete
	run "$BATS_TEST_DIRNAME/validate-jsonl" "$RECORDS"
	assert_success
	target_quit "$TARGET"
}

@test "-n: so many reports, in so much time" {
	local begin

	target_start leak_threads initial=3
	begin=$(now_ms)
	parkscope_start watch -p "$TARGET" -i 400ms -n 5 --full
	parkscope_wait
	assert_complete
	assert_equal "$(ended_because)" count
	assert_equal "$(reports)" 5
	assert_between "milliseconds of 5 reports" 2000 $(($(now_ms) - begin)) 60000
	assert_within "sum of intervals" "$(sum process .p.interval_s)" 2 20
	target_quit "$TARGET"
}

@test "-d: ends by time, with the begun interval" {
	target_start leak_threads initial=3
	parkscope_start watch -p "$TARGET" -i 1s -d 2500ms --full
	parkscope_wait
	assert_complete
	assert_equal "$(ended_because)" duration
	assert_equal "$(reports)" 3
	assert_between "last interval" 0.1 "$(last process .p.interval_s)" 0.9
	assert_within "watched" "$(last end .p.watched_s)" 2.5 20
	target_quit "$TARGET"
}

@test "-d shorter than the interval: one report" {
	target_start leak_threads initial=3
	parkscope_start watch -p "$TARGET" -d 500ms --full
	parkscope_wait
	assert_equal "$(ended_because)" duration
	assert_equal "$(reports)" 1
	target_quit "$TARGET"
}

@test "SIGHUP opens the output again; no record is lost" {
	local log=$BATS_TEST_TMPDIR/log stdout

	target_start leak_threads initial=20 interval_ms=50
	target_send "$TARGET" go
	parkscope_launch hup watch -p "$TARGET" -f jsonl -i 200ms --full -o "$log"
	stdout=$RECORDS
	RECORDS=$log
	wait_until "records" has_reports 2
	mv "$log" "$log.1"
	kill -HUP "$SCOPE"
	wait_until "records in the new file" has_reports 2
	mv "$log" "$log.2"
	kill -HUP "$SCOPE"
	wait_until "records in the third file" has_reports 2
	kill -INT "$SCOPE"
	parkscope_wait
	# Nothing on stdout, and one unbroken sequence over all files.
	assert_equal "$(wc -c <"$stdout")" 0
	RECORDS=$BATS_TEST_TMPDIR/all
	cat "$log.1" "$log.2" "$log" >"$RECORDS"
	assert_complete
	assert_equal "$(tail -n 1 "$log.1" | jq -r 'has("parkscope")')" true
	target_send "$TARGET" stop
	target_quit "$TARGET"
}

@test "-o appends to what is there" {
	local log=$BATS_TEST_TMPDIR/log

	echo '{"before":true}' >"$log"
	target_start leak_threads initial=3
	"$PARKSCOPE" dump -f jsonl -p "$TARGET" -o "$log"
	assert_equal "$(head -n 1 "$log")" '{"before":true}'
	RECORDS=$BATS_TEST_TMPDIR/added
	tail -n +2 "$log" >"$RECORDS"
	assert_complete
	target_quit "$TARGET"
}

@test "a reader that goes away ends it quietly, well before the next report" {
	local begin

	target_start leak_threads initial=3
	# The statuses of both sides, and no word on stderr.
	begin=$(now_ms)
	run --separate-stderr bash -c '"$1" -p "$2" -f jsonl -i 1h | head -n 1; echo "status ${PIPESTATUS[0]}"' \
		- "$PARKSCOPE" "$TARGET"
	assert_equal "$stderr" ""
	assert_equal "${#lines[@]}" 2
	assert_equal "$(jq -r .event.dataset <<<"${lines[0]}")" parkscope.start
	assert_line --index 1 "status 0"
	assert_between "milliseconds" 0 $(($(now_ms) - begin)) 60000

	run --separate-stderr bash -c '"$1" -p "$2" -i 300ms | head -n 2; echo "status ${PIPESTATUS[0]}"' \
		- "$PARKSCOPE" "$TARGET"
	assert_equal "$stderr" ""
	assert_equal "${lines[2]}" "status 0"

	run --separate-stderr bash -c '"$1" dump -p "$2" | true; echo "status ${PIPESTATUS[0]}"' \
		- "$PARKSCOPE" "$TARGET"
	assert_equal "$stderr" ""
	assert_equal "${lines[0]}" "status 0"
	target_quit "$TARGET"
}

# The descriptor is open for both directions: is there no room to write?
pipe_is_full() {
	python3 -c 'import select, sys
poll = select.poll()
poll.register(int(sys.argv[1]), select.POLLOUT)
sys.exit(bool(poll.poll(0)))' "$1"
}

@test "a reader that does not read does not lose records" {
	local fifo=$BATS_TEST_TMPDIR/fifo fd

	target_start leak_threads initial=100 stack_kb=64
	mkfifo "$fifo"
	exec {fd}<>"$fifo"
	"$PARKSCOPE" -p "$TARGET" -f jsonl -i 100ms -d 3s --full >"$fifo" 2>"$BATS_TEST_TMPDIR/slow.err" {fd}>&- 3>&- &
	SCOPE=$!
	STARTED+=("$SCOPE")
	ERRORS=$BATS_TEST_TMPDIR/slow.err
	RECORDS=$BATS_TEST_TMPDIR/slow.out
	# A pipe holds 64 KiB, some ten reports: it blocks until the reader comes.
	wait_until "it waits for its reader" pipe_is_full "$fd"
	cat <"$fifo" {fd}>&- >"$RECORDS" 3>&- &
	STARTED+=("$!")
	# Not a moment without a reader, which would be a closed pipe.
	wait_until "the reader is there" test "/proc/$!/fd/0" -ef "$fifo"
	exec {fd}>&-
	parkscope_wait
	wait "${STARTED[-1]}"
	assert_complete
	assert_equal "$(ended_because)" duration
	target_quit "$TARGET"
}

@test "SIGTERM ends it while its reader does not read" {
	local fifo=$BATS_TEST_TMPDIR/fifo fd

	target_start leak_threads initial=100
	mkfifo "$fifo"
	exec {fd}<>"$fifo"
	"$PARKSCOPE" -p "$TARGET" -f jsonl -i 100ms --full >"$fifo" 2>/dev/null {fd}>&- 3>&- &
	SCOPE=$!
	STARTED+=("$SCOPE")
	wait_until "it waits for its reader" pipe_is_full "$fd"
	kill -TERM "$SCOPE"
	PATIENCE_S=15
	wait_until "parkscope ends" is_gone "$SCOPE"
	exec {fd}>&-
	target_quit "$TARGET"
}

@test "nothing stays attached: every program, map and link is gone" {
	local held=$BATS_TEST_TMPDIR/held

	target_start leak_threads initial=3
	parkscope_start watch -p "$TARGET" -i 200ms --full
	bpf_held_by "$SCOPE" >"$held"
	assert_between "programs held while it runs" 3 "$(grep -c '^prog_id' "$held")" 100
	assert_between "links held while it runs" 3 "$(grep -c '^link_id' "$held")" 100
	assert_between "maps held while it runs" 3 "$(grep -c '^map_id' "$held")" 100
	parkscope_stop
	wait_until "all are gone" none_loaded "$held"

	# The same when it is killed.
	parkscope_start killed -p "$TARGET" -i 200ms --full
	bpf_held_by "$SCOPE" >"$held"
	kill -KILL "$SCOPE"
	wait "$SCOPE" || true
	wait_until "all are gone" none_loaded "$held"
	target_quit "$TARGET"
}

# Entries of parkscope's map with this name.
map_entries() {
	local id

	for id in $(bpf_held_by "$SCOPE" | sed -n 's/^map_id //p'); do
		if [ "$(bpftool -j map show id "$id" | jq -r .name)" = "$1" ]; then
			bpftool -j map dump id "$id" | jq length
		fi
	done
}

@test "without task storage the records of processes that no sweep has met are given back" {
	parkscope_start watch -i 1h --full --debug=no-task_storage
	for ((i = 0; i < 4000; i++)); do
		(:)
	done
	# Its other threads and processes have one each.
	assert_between "records" 1 "$(map_entries task_records)" 2000
	parkscope_stop
	assert_between "processes that no sweep has met" 4000 \
		"$(last end '.p.losses.process_between_sweeps // 0')" 1000000
	assert_equal "$(last end '.p.losses.thread_records_full // 0')" 0
}

@test "dump and features leave nothing attached" {
	local before=$BATS_TEST_TMPDIR/orphans

	target_start leak_threads initial=3
	bpf_orphans >"$before"
	"$PARKSCOPE" dump -p "$TARGET" >/dev/null
	"$PARKSCOPE" features >/dev/null
	wait_until "nothing more than before" no_new_orphans "$before"
	target_quit "$TARGET"
}

@test "two at once on the same process give the same counts" {
	local first second

	target_start mutex_contention threads=4 rounds=200
	parkscope_start first -p "$TARGET" -i 300ms --full
	first="$SCOPE $RECORDS $ERRORS"
	parkscope_start second -p "$TARGET" -i 500ms --full
	second="$SCOPE $RECORDS $ERRORS"
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	target_report "$TARGET"
	for both in "$first" "$second"; do
		read -r SCOPE RECORDS ERRORS <<<"$both"
		parkscope_stop
		assert_complete
		assert_no_loss
		assert_equal "futex waits $(waits_of futex count)" "futex waits $(target_counter "$TARGET" waits)"
		assert_equal "$(sum park_site 'select(.p.reason == "futex") | .p.waits.count')" "$(target_counter "$TARGET" waits)"
	done
	target_quit "$TARGET"
}

@test "the watched program runs on undisturbed: never stopped, memory untouched" {
	local before after

	target_start futex_pingpong rounds=2000
	parkscope_start watch -p "$TARGET" -i 100ms --full
	before=$(grep -E '^(TracerPid|SigPnd|ShdPnd|Seccomp):' "/proc/$TARGET/status")
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	after=$(grep -E '^(TracerPid|SigPnd|ShdPnd|Seccomp):' "/proc/$TARGET/status")
	assert_equal "$after" "$before"
	assert_equal "$(grep TracerPid "/proc/$TARGET/status" | tr -d '[:space:]')" TracerPid:0
	parkscope_stop
	target_report "$TARGET"
	assert_equal "$(target_counter "$TARGET" anomalies)" 0
	target_quit "$TARGET"
}
