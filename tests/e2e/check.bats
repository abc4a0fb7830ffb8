#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# One line and an exit status, as monitoring systems and CI want it.

load common.bash

# performance LABEL: the value of it in the line of `run`; the whole of the line is parsed, by the
# Monitoring Plugins Development Guidelines, and must be sound.
performance() {
	python3 - "$1" "${lines[0]}" <<-'EOF'
		import re, sys
		wanted, line = sys.argv[1:]
		text, bar, data = line.partition("|")
		assert bar and "|" not in data, "one bar stands before the performance data"
		assert re.match(r"PARKSCOPE (OK|WARNING|CRITICAL|UNKNOWN) - \S", text), text
		number = r"-?[0-9]+(?:\.[0-9]+)?"
		limit = rf"(?:@?(?:~|{number})?:?(?:{number})?)?"
		item = rf"'([^'=]+)'=({number})(?:s|us|ms|%|B|KB|MB|TB|c)?(?:;{limit}){{0,2}}(?:;(?:{number})?){{0,2}}"
		values = {}
		for word in data.split():
		    found = re.fullmatch(item, word)
		    assert found, f"not performance data: {word}"
		    assert found[1] not in values, f"twice: {word}"
		    values[found[1]] = found[2]
		print(values[wanted])
	EOF
}

# expect STATUS ARGUMENT...: one check that ends so, and says nothing on stderr.
expect() {
	local expected=$1

	shift
	run --separate-stderr "$PARKSCOPE" check "$@"
	echo "$output"
	assert_equal "exit status $status" "exit status $expected"
	assert_equal "$stderr" ""
}

@test "check: a healthy pool is OK, and the line says what would have been seen" {
	target_start pool workers=8
	target_send "$TARGET" go
	expect 0 -p "$TARGET" --for 20s
	assert_equal "${#lines[@]}" 1
	assert_output --regexp "^PARKSCOPE OK - pool\[$TARGET\]: [0-9]+ threads; no leak of [0-9]+/min or more in 20s \| "
	target_report "$TARGET"
	assert_equal "$(performance threads)" "$(target_counter "$TARGET" threads_now)"
	assert_equal "$(performance leaking)" 0
	assert_equal "$(performance growing)" 0
	target_quit "$TARGET"
}

@test "check: threads that only become more are a warning, and critical if the user says so" {
	target_start leak_threads initial=20 interval_ms=250
	target_send "$TARGET" go
	expect 1 -p "$TARGET" --for 12s
	assert_equal "${#lines[@]}" 1
	assert_output --partial "PARKSCOPE WARNING - leak_threads[$TARGET]: growing at wait_for_reply, +"
	assert_between "growth a minute" 200 "$(performance thread_growth)" 250
	assert_between "threads that grow" 60 "$(performance growing)" 75

	expect 2 -p "$TARGET" --for 12s --fail-on growing
	assert_output --partial "PARKSCOPE CRITICAL - leak_threads[$TARGET]: growing at wait_for_reply, +"
	expect 2 -p "$TARGET" --for 5s --max-growth 200/min
	assert_output --regexp "[0-9]+ threads \(\+2[0-9]+/min, more than 200/min\)"
	# Nothing is known of leaks of threads within seconds, and of growth nothing is wanted.
	expect 3 -p "$TARGET" --for 5s --fail-on leaking
	assert_output --partial "too short to tell a leak, that takes 12m31s | "
	target_quit "$TARGET"
}

@test "check -v: the evidence below the line, with the stack" {
	target_start leak_threads initial=20 interval_ms=100
	target_send "$TARGET" go
	expect 1 -p "$TARGET" --for 8s -v
	assert_line --index 0 --partial "PARKSCOPE WARNING - "
	assert_line --index 1 --regexp "^growing: [0-9]+ threads, futex$"
	assert_line --regexp "^    wait_for_reply\+0x[0-9a-f]+ \(leak_threads\)$"
	assert_line --regexp "^    handle_request\+0x[0-9a-f]+ \(leak_threads\)$"
	assert_equal "$(grep -c '|' <<<"$output")" 1
	performance threads
	target_quit "$TARGET"
}

@test "check: a service that leaks goroutines is critical within its time, at the right function" {
	local out=$BATS_TEST_TMPDIR/service.out service url

	"$TARGETS/leak_service" >"$out" 3>&- &
	service=$!
	STARTED+=("$service")
	wait_until "the service is ready" file_has "$out" '^ready$'
	url=$(sed -n 's/^url=//p' "$out")
	expect 0 -p "$service" --for 10s
	"$TARGETS/leak_service" load -rate 8 "$url" >/dev/null 2>&1 3>&- &
	STARTED+=("$!")
	expect 2 -p "$service" --for 35s --max-goroutines 10000
	assert_equal "${#lines[@]}" 1
	assert_output --partial \
		"PARKSCOPE CRITICAL - leak_service[$service]: leaking at main.(*paymentsAPI).handleRequest.func1, +"
	assert_between "leaked" 120 "$(performance leaking)" 150
	assert_between "growth a minute" 200 "$(performance goroutine_growth)" 280
	expect 2 -p "$service" --for 5s --max-goroutines 20
	assert_output --regexp "[0-9]+ goroutines \(more than 20[;)]"
}

@test "check: over a limit is critical, whatever else was seen" {
	target_start pool workers=8
	expect 2 -p "$TARGET" --for 1s --max-threads 5
	assert_output --partial "9 threads (more than 5)"
	assert_output --partial "'threads'=9;;5;0"
	expect 0 -p "$TARGET" --for 1s --max-threads 9
	# It has none that could be counted.
	expect 3 -p "$TARGET" --for 1s --max-goroutines 5
	assert_output --partial "no goroutines: not a Go program"
	target_quit "$TARGET"
}

@test "check: of several processes the worst counts" {
	local healthy

	target_start pool workers=4
	healthy=$TARGET
	target_start leak_threads initial=20 interval_ms=100
	target_send "$TARGET" go
	expect 1 -p "$healthy,$TARGET" --for 8s -v
	assert_line --index 0 --partial "PARKSCOPE WARNING - 2 processes, the worst: leak_threads[$TARGET]: growing at "
	assert_line --partial "OK - pool[$healthy]: 5 threads; no leak of "
	assert_equal "$(performance "${healthy}_threads")" 5
	assert_between "threads" 21 "$(performance "${TARGET}_threads")" 130
	target_quit "$TARGET"
	target_quit "$healthy"
}

# check_launch ARGUMENT...: in the background, its output to check.out; sets CHECK.
check_launch() {
	"$PARKSCOPE" check "$@" >"$BATS_TEST_TMPDIR/check.out" 2>&1 3>&- &
	CHECK=$!
	STARTED+=("$CHECK")
}

check_ended() {
	local status=0

	wait "$CHECK" || status=$?
	assert_equal "$(cat "$BATS_TEST_TMPDIR/check.out"); exit status $status" \
		"$(cat "$BATS_TEST_TMPDIR/check.out"); exit status $1"
}

# It has its two timers once it is attached.
is_watching() {
	if is_gone "$CHECK"; then
		return 99
	fi
	[ "$(find "/proc/$CHECK/fd" -lname 'anon_inode:\[timerfd\]' 2>/dev/null | wc -l)" -ge 2 ]
}

@test "check: a process that ends is unknown, unless something was found before" {
	target_start pool workers=4
	check_launch -p "$TARGET" --for 60s -i 500ms
	wait_until "check watches" is_watching
	sleep 2
	target_quit "$TARGET"
	check_ended 3
	assert_equal "$(sed "s/after [0-9]*s; 5 threads;.*//" "$BATS_TEST_TMPDIR/check.out")" \
		"PARKSCOPE UNKNOWN - pool[$TARGET]: ended "

	target_start leak_threads initial=20 interval_ms=100
	target_send "$TARGET" go
	check_launch -p "$TARGET" --for 60s -i 500ms
	wait_until "check watches" is_watching
	sleep 8
	target_quit "$TARGET"
	check_ended 1
	file_has "$BATS_TEST_TMPDIR/check.out" \
		"^PARKSCOPE WARNING - leak_threads\[$TARGET\]: ended after [0-9]*s; growing at wait_for_reply"
}

@test "check: interrupted is unknown" {
	target_start pool workers=4
	check_launch -p "$TARGET" --for 60s -i 500ms
	wait_until "check watches" is_watching
	kill -TERM "$CHECK"
	check_ended 3
	file_has "$BATS_TEST_TMPDIR/check.out" "^PARKSCOPE UNKNOWN - pool\[$TARGET\]: interrupted after "
	target_quit "$TARGET"
}

@test "check: what cannot be checked is unknown, in one line on stdout" {
	local words

	for words in "" "-p 4194304" "-p 2" "-p nonsense" "-p $$ --nope" "--nope -p $$" "-p $$ -f jsonl" \
		"-p $$ --for 0" "-p $$ --max-threads 0" "-p $$ --fail-on never" "-p $$ extra"; do
		# shellcheck disable=SC2086
		expect 3 $words
		assert_equal "${#lines[@]}" 1
		assert_output --regexp '^PARKSCOPE UNKNOWN - '
	done
	expect 3 -p 4194303
	assert_output "PARKSCOPE UNKNOWN - no process has PID 4194303"
	run --separate-stderr setpriv --reuid 65534 --clear-groups "$PARKSCOPE" check -p $$
	assert_failure 3
	assert_output --partial "PARKSCOPE UNKNOWN - not root"
	# Options of check are for check.
	run "$PARKSCOPE" watch --max-threads 5
	assert_failure 2
	assert_output --partial "--max-threads is not for watch but for check"
}
