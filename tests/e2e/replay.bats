#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What --record writes, --replay turns into the same records again, without root; and what is no
# whole recording is refused.

load common.bash

# start_leak: the service under 4 requests a second, of which every second one leaks; sets SERVICE.
start_leak() {
	local out=$BATS_TEST_TMPDIR/service.out

	"$TARGETS/leak_service" >"$out" 3>&- &
	SERVICE=$!
	STARTED+=("$SERVICE")
	wait_until "the service is ready" file_has "$out" '^ready$'
	"$TARGETS/leak_service" load -rate 4 "$(sed -n 's/^url=//p' "$out")" \
		>"$BATS_TEST_TMPDIR/load.out" 2>&1 3>&- &
	STARTED+=("$!")
}

# Of a file of records: all but those that cannot be the same, the first and the last.
comparable() {
	jq -c 'select(.event.dataset != "parkscope.start" and .event.dataset != "parkscope.end")' "$1"
}

verdicts() {
	grep -F '"dataset":"parkscope.verdict"' "$1"
}

# as_nobody COMMAND...: with nobody's rights, which are none.
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --no-new-privs "$@"
}

@test "replay: verdicts are those of the run, byte by byte, for a user without rights" {
	local dir=$BATS_TEST_TMPDIR/open
	local live=$dir/live recording=$dir/recording again=$dir/again

	mkdir -m 755 "$dir"
	# bats makes its folders for root alone.
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	start_leak
	run "$PARKSCOPE" watch -p "$SERVICE,$$" -i 2s -d 40s -f jsonl -o "$live" --record "$recording"
	assert_success
	assert_equal "$output" ""
	assert_equal "$(stat -c %a "$recording")" 600
	"${BATS_TEST_DIRNAME}/validate-jsonl" --recording "$recording"

	chmod 644 "$recording"
	as_nobody "$PARKSCOPE" --replay "$recording" -f jsonl >"$again"
	"${BATS_TEST_DIRNAME}/validate-jsonl" "$again"
	assert_equal "$(verdicts "$live" | jq -s 'map(select(.parkscope.verdict == "leaking")) | length')" 1
	cmp <(verdicts "$live") <(verdicts "$again")
	cmp <(comparable "$live") <(comparable "$again")
	assert_equal "$(wc -l <"$live")" "$(wc -l <"$again")"

	# The same from a compressed one, and in text.
	gzip "$recording"
	as_nobody "$PARKSCOPE" --replay "$recording.gz" -f jsonl | cmp "$again" -
	as_nobody "$PARKSCOPE" --replay "$recording.gz" >"$dir/text"
	file_has "$dir/text" "^ *$SERVICE leak_service LEAKING "

	# By other thresholds, it comes to other verdicts.
	as_nobody "$PARKSCOPE" --replay "$recording.gz" -f jsonl --leak-after 10m >"$dir/patient"
	run file_has "$dir/patient" '"verdict":"leaking"'
	assert_failure 1
	verdicts "$dir/patient" >"$dir/verdicts"
	file_has "$dir/verdicts" '"verdict":"growing","was":"steady"'
}

@test "replay: a whole host, every site at every report, while processes come and go" {
	local live=$BATS_TEST_TMPDIR/live recording=$BATS_TEST_TMPDIR/recording

	target_start churn
	(while sleep 0.05; do /bin/true; done) 3>&- &
	STARTED+=("$!")
	"$PARKSCOPE" watch -i 500ms -n 12 --full -f jsonl -o "$live" --record "$recording"
	"$PARKSCOPE" --replay "$recording" -f jsonl >"$live.again"
	cmp <(comparable "$live") <(comparable "$live.again")
	"${BATS_TEST_DIRNAME}/validate-jsonl" --recording "$recording"
}

@test "replay: a recording has a file of its own, and what is none is refused" {
	local recording=$BATS_TEST_TMPDIR/recording

	"$PARKSCOPE" watch -p $$ -i 200ms -n 3 --record "$recording" >/dev/null
	run "$PARKSCOPE" watch -p $$ -n 1 --record "$recording"
	assert_failure 1
	assert_output "parkscope: $recording exists already: a recording needs a file of its own"

	# What fails before there is anything to record leaves no file.
	run "$PARKSCOPE" watch -p $$ -n 1 --record "$recording.new" -o /nowhere/file
	assert_failure 1
	[ ! -e "$recording.new" ]

	head -n 5 "$recording" >"$recording.cut"
	run "$PARKSCOPE" --replay "$recording.cut"
	assert_failure 1
	assert_output --regexp "recording.cut: it is cut after line 5: parkscope was killed, or some of it is missing$"

	head -c -3 "$recording" >"$recording.torn"
	run --separate-stderr "$PARKSCOPE" --replay "$recording.torn"
	assert_failure 1
	# Up to there it is what it was.
	assert_equal "$(grep -c '^---' <<<"$output")" 3
	assert_regex "$stderr" 'recording.torn: line [0-9]+ is cut$'

	sed 's/"recording":1,/"recording":2,/' "$recording" >"$recording.newer"
	run "$PARKSCOPE" --replay "$recording.newer"
	assert_failure 1
	assert_output --regexp 'it has format 2, but this parkscope reads format 1: use the one that made it, or a newer one$'

	head -c 100000 /dev/urandom >"$recording.garbage"
	run "$PARKSCOPE" --replay "$recording.garbage"
	assert_failure 1
	assert_output --regexp '^parkscope: .*recording.garbage: line [0-9]+ '
	run "$PARKSCOPE" --replay "$recording" -p 1
	assert_failure 2
	assert_output "parkscope: --pid has no meaning with --replay. Try 'parkscope --help'."
}

@test "replay: a run that is interrupted ends its recording" {
	local recording=$BATS_TEST_TMPDIR/recording

	"$PARKSCOPE" watch -p $$ -i 200ms -f jsonl --record "$recording" >/dev/null 3>&- &
	STARTED+=("$!")
	wait_until "there are reports" file_has "$recording" '"report":true'
	kill -INT "$!"
	wait "$!"
	run "$PARKSCOPE" --replay "$recording" -f jsonl
	assert_success
	assert_equal "$(tail -n 1 <<<"$output" | jq -r .parkscope.reason)" interrupted
}
