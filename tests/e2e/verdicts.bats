#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What a leak looks like in text and jsonl, from attach to the end of the process; and that the
# same service without the leak is left in peace.

load common.bash

# start_service [ARGUMENT]...: under a load of 4 requests a second, of which every second one is
# given up; sets SERVICE and LOAD.
start_service() {
	local out=$BATS_TEST_TMPDIR/service.out

	"$TARGETS/leak_service" "$@" >"$out" 3>&- &
	SERVICE=$!
	STARTED+=("$SERVICE")
	wait_until "the service is ready" file_has "$out" '^ready$'
	"$TARGETS/leak_service" load -rate 4 "$(sed -n 's/^url=//p' "$out")" \
		>"$BATS_TEST_TMPDIR/load.out" 2>&1 3>&- &
	LOAD=$!
	STARTED+=("$LOAD")
}

is_leaking() { [ -n "$(pick verdict 'select(.p.verdict == "leaking")')" ]; }

# Of the record that says that it leaks.
leak() { pick verdict "select(.p.verdict == \"leaking\") | $1"; }

# Seconds from the first record to the one that says that it leaks.
seconds_to_leak() {
	jq -rs 'def t: (.["@timestamp"] | (.[0:19] + "Z" | fromdate) + (.[19:-1] | tonumber));
		(map(select(.parkscope.verdict == "leaking" and .event.dataset == "parkscope.verdict")) | first | t)
		- (first | t)' "$RECORDS"
}

# Datasets of the records of the report that says that it leaks.
datasets_of_report() {
	jq -rs '(map(select(.parkscope.verdict == "leaking" and .event.dataset == "parkscope.verdict"))
		| first["@timestamp"]) as $time
		| map(select(.["@timestamp"] == $time) | .event.dataset) | join(" ")' "$RECORDS"
}

@test "verdicts: a leak in text and jsonl, until the service ends" {
	local text=$BATS_TEST_TMPDIR/text.out func1='main.(*paymentsAPI).handleRequest.func1' site

	start_service
	"$PARKSCOPE" watch -p "$SERVICE" -i 2s --plain >"$text" 2>"$text.err" 3>&- &
	STARTED+=("$!")
	parkscope_start leak -p "$SERVICE" -i 2s
	wait_until "jsonl says that it leaks" is_leaking
	assert_between "seconds to the verdict" 10 "$(seconds_to_leak)" 31
	assert_equal "$(leak '"\(.event.kind) \(.p.kind) \(.p.unit) \(.p.reason) \(.p.class) \(.p.stopped)"')" \
		"event park_site goroutine chan_send proof false"
	assert_equal "$(leak '.p.stack[0] | sub(" .*"; "")')" "$func1"
	assert_equal "$(leak '.p.created_by | sub(" .*"; "")')" "${func1%.func1}"
	assert_equal "$(leak '"\(.p.channel.sharing) \(.p.channel.capacity)"')" "alone 0"
	assert_equal "$(leak .p.way_out)" "A buffer of one lets each sender finish."
	assert_regex "$(leak .p.message)" '^[0-9]+ parked, oldest (at (least|most) )?[0-9]+s, none left$'
	assert_within "leaks a minute" "$(leak .p.evidence.rate_per_min)" 120 10
	assert_equal "$(leak .p.evidence.ended)" 0
	assert_between "entrants" 10 "$(leak .p.evidence.entrants)" "$(leak .p.evidence.now)"
	# The site's own record comes in the same report, and behind it.
	assert_regex "$(datasets_of_report)" '^(parkscope\.verdict )+.*parkscope\.park_site'
	site=$(leak .p.site)
	assert_equal "$(last park_site "select(.p.site == \"$site\") | .p.verdict")" leaking

	wait_until "text says that it leaks" file_has "$text" '^LEAK '
	run awk '/^---/ { text = "" } { text = text $0 "\n" } /^LEAK/ { leak = 1 } leak && /^ NOW/ { exit }
		END { printf "%s", text }' "$text"
	assert_equal "$(wc -L <<<"$output" | awk '{ print ($1 <= 80) }')" 1
	assert_line --index 1 --regexp "^leak_service $SERVICE  LEAKING  goroutines [0-9]+ \(\+[0-9.]+/min\)"
	assert_line --regexp '^CHANGED  now leaking(, was growing)?: chan_send in main\.'
	assert_line --regexp "^LEAK \+1[0-9]{2}/min  [0-9]+ parked, oldest .*, none left +site $site$"
	assert_line --regexp '^  chan_send, unbuffered channel, each alone on its own'
	assert_line --regexp '^  main\.\(\*paymentsAPI\)\.handleRequest\.func1 \(main\.go:[0-9]+\)$'
	assert_line --regexp '^  created by main\.\(\*paymentsAPI\)\.handleRequest \(main\.go:[0-9]+\)$'
	assert_line '  A buffer of one lets each sender finish.'
	assert_equal "$(cat "$text.err")" ""

	# Who raised an alert hears that it is over.
	kill -KILL "$SERVICE"
	parkscope_wait
	assert_complete
	assert_equal "$(ended_because)" process_ended
	assert_equal "$(last verdict "select(.p.site == \"$site\") | \"\(.p.was) \(.p.verdict) \(.p.ended): \(.p.message)\"")" \
		"leaking steady true: the process ended"
	assert_equal "$(leak .p.site)" "$site"
	wait_until "text says that it ended" file_has "$text" "^leak_service $SERVICE  ended  goroutines"
	assert file_has "$text" '^CHANGED  ended, was leaking: chan_send in main\.'
}

@test "verdicts: the service without the leak has none" {
	start_service -fixed
	# Long enough for the leak to be told three times over in the other one.
	parkscope_launch fixed watch -f jsonl -p "$SERVICE" -i 2s -d 45s
	parkscope_wait
	assert_complete
	assert_equal "$(pick verdict '"\(.p.kind) \(.p.verdict) \(.p.message)"')" ""
	assert_equal "$(pick process .p.verdict | sort -u)" steady
	assert_equal "$(pick park_site .p.verdict | sort -u)" steady
	kill -INT "$LOAD"
	wait "$LOAD"
	assert_between "requests that were given up" 50 \
		"$(sed -n 's/.*cancelled=\([0-9]*\) .*/\1/p' "$BATS_TEST_TMPDIR/load.out")" 100
}

@test "verdicts: dump has none" {
	start_service
	RECORDS=$BATS_TEST_TMPDIR/dump.out
	"$PARKSCOPE" dump -p "$SERVICE" -f jsonl >"$RECORDS"
	assert_complete
	assert_equal "$(jq -r 'select(.parkscope | has("verdict")) | .event.dataset' "$RECORDS")" ""
}
