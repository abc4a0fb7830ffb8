#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The story that parkscope is for: a service that leaks one goroutine with each request that its
# client gives up, until its cgroup's memory is used up and the kernel kills it.

load common.bash

setup_test() {
	need curl curl
	# Below the one we are in, and named after this run.
	if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
		CGROUP=/sys/fs/cgroup/parkscope-story-$$
		LIMIT_FILE=memory.max
		echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	else
		CGROUP=/sys/fs/cgroup/memory/parkscope-story-$$
		LIMIT_FILE=memory.limit_in_bytes
	fi
	mkdir "$CGROUP"
}

teardown_test() {
	local pid end=$(($(now_ms) + 10000))

	for pid in $(cat "$CGROUP/cgroup.procs" 2>/dev/null); do
		kill -KILL "$pid"
	done
	until rmdir "$CGROUP" 2>/dev/null || [ "$(now_ms)" -ge "$end" ]; do sleep 0.1; done
}

# start_service LIMIT_BYTES [ARGUMENT]...: in the cgroup; sets SERVICE and URL.
start_service() {
	local limit=$1 out=$BATS_TEST_TMPDIR/service.out

	shift
	echo "$limit" >"$CGROUP/$LIMIT_FILE"
	(
		echo "$BASHPID" >"$CGROUP/cgroup.procs"
		exec "$TARGETS/leak_service" "$@"
	) >"$out" 3>&- &
	SERVICE=$!
	STARTED+=("$SERVICE")
	wait_until "the service is ready" file_has "$out" '^ready$'
	URL=$(sed -n 's/^url=//p' "$out")
}

# start_load RATE: every second request is given up; sets LOAD.
start_load() {
	"$TARGETS/leak_service" load -rate "$1" "$URL" >"$BATS_TEST_TMPDIR/load.out" 2>&1 3>&- &
	LOAD=$!
	STARTED+=("$LOAD")
}

# A request takes 200 ms, also one that was given up.
no_request_at_the_bank() {
	! "$PARKSCOPE" dump -p "$SERVICE" -f jsonl | jq -e '.parkscope.stack[]? | select(contains("doWork"))' >/dev/null
}

is_leaking() { [ -n "$(pick verdict 'select(.p.verdict == "leaking")')" ]; }

# The leaking site, as verdict records say.
leak() { pick verdict "select(.p.verdict == \"leaking\" and .p.unit == \"goroutine\") | $1" | head -n 1; }

# Seconds between two RFC 3339 times.
seconds_between() {
	jq -rn --arg a "$1" --arg b "$2" \
		'def t: (.[0:19] + "Z" | fromdate) + (.[19:-1] | tonumber); ($b | t) - ($a | t)'
}

@test "story: two leaks a second are named within 30 s, with count, rate, hint and way out" {
	local attached said abandoned

	start_service 1G
	start_load 4
	parkscope_start story -p "$SERVICE"
	wait_until "parkscope says that it leaks" is_leaking

	attached=$(pick start '.["@timestamp"]')
	said=$(leak '.["@timestamp"]')
	assert_between "seconds from attach to the verdict" 20 "$(seconds_between "$attached" "$said")" 30
	assert_equal "$(leak '.p.stack | map(select(startswith("main."))) | first | sub(" .*"; "")')" \
		main.'(*paymentsAPI).handleRequest.func1'
	assert_equal "$(leak .p.reason)" chan_send
	assert_equal "$(leak '.p.channel | "\(.kind) \(.sharing) \(.capacity)"')" "channel alone 0"
	assert_equal "$(leak .p.way_out)" "A buffer of one lets each sender finish."
	assert_within "leaks a minute" "$(leak .p.evidence.rate_per_min)" 120 10

	# Nobody comes any more: what is left is what the service has abandoned.
	kill -INT "$LOAD"
	wait "$LOAD"
	wait_until "the last requests are done" no_request_at_the_bank
	parkscope_stop
	abandoned=$(curl -sf --max-time 30 "${URL%/pay}/metrics" | sed -n 's/^abandoned=//p')
	assert_between "abandoned requests" 40 "$abandoned" 200
	assert_equal "parked $(last park_site "select(.p.site == \"$(leak .p.site)\") | .p.crowd.now")" \
		"parked $abandoned"
	assert_equal "$(pick verdict 'select(.p.verdict == "leaking") | .p.site' | sort -u | wc -l)" 1
}

# Of each report that has a prediction: seconds before the kill, and by how many percent of these
# it was off.
prediction_errors() {
	local at said

	pick process 'select(.p.limits)
		| "\(.["@timestamp"]) \(.p.limits[] | select(.name == "memory_max") | .seconds)"' |
		while read -r at said; do
			seconds_between "$at" "$KILLED" | awk -v said="$said" \
				'{ printf "%.1f %.1f\n", $1, 100 * (said - $1) / $1 }'
		done
}

@test "story: 90 s and more before the kernel kills it, its time is known within 25 %" {
	local status=0 attached predictions early=0 i=0 left off

	PATIENCE_S=300
	start_service 384M -receipt $((1024 * 1024))
	start_load 4
	parkscope_start story -p "$SERVICE" --full
	wait_until "the kernel kills the service" is_gone "$SERVICE"
	KILLED=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
	wait "$SERVICE" || status=$?
	assert_equal "service status $status" "service status 137"
	parkscope_wait
	assert_equal "$(ended_because)" process_ended

	attached=$(pick start '.["@timestamp"]')
	prediction_errors >"$BATS_TEST_TMPDIR/errors"
	predictions=$(wc -l <"$BATS_TEST_TMPDIR/errors")
	echo "seconds before the kill, percent off:"
	cat "$BATS_TEST_TMPDIR/errors"
	assert_between "predictions" 5 "$predictions" 100
	# From 30 s after the attach on, until there is nothing left to predict.
	assert_between "seconds from attach to the first prediction" 0 \
		"$(seconds_between "$attached" "$(pick process 'select(.p.limits) | .["@timestamp"]' | head -n 1)")" 60
	# After its last collection before the kill, the heap stands still for up to 20 s: these are
	# in no prediction, and more than a quarter of what is left once that is below 90 s. From
	# there to half-way, predictions may be early, but not late.
	while read -r left off; do
		i=$((i + 1))
		if awk -v left="$left" 'BEGIN { exit left < 90 }'; then
			assert_between "prediction $i, percent off" -25 "$off" 25
			early=$((early + 1))
		elif [ "$i" -le $((predictions / 2)) ]; then
			assert_between "prediction $i, percent off" -50 "$off" 25
		fi
	done <"$BATS_TEST_TMPDIR/errors"
	assert_between "predictions 90 s before the kill" 1 "$early" 100
	assert_equal "$(pick verdict 'select(.p.verdict == "leaking") | .p.site' | sort -u | wc -l)" 1
}
