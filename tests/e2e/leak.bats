#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A crowd that only grows: the waits never end, so tools that pair events see nothing of it.

load common.bash

@test "watch: crowd, age, rate and births of a leak, against the program's own counters" {
	local now before after i oldest_before oldest_after born_before

	target_start leak_threads initial=100 interval_ms=50
	target_report "$TARGET"
	assert_equal "$(target_counter "$TARGET" leaked)" 100

	parkscope_start watch -p "$TARGET" -i 2s -n 3 --full
	target_send "$TARGET" go
	# Counts of the program around each sweep: what is seen lies between them.
	for i in 1 2 3; do
		wait_around_report "$i"
		before=$(sed -n 1p "$BATS_TEST_TMPDIR/around")
		after=$(sed -n 2p "$BATS_TEST_TMPDIR/around")
		now=$(last park_site 'select(.p.reason == "futex") | .p.crowd.now')
		assert_between "crowd of report $i" "$before" "$now" "$after"

		oldest_before=$(sed -n 3p "$BATS_TEST_TMPDIR/around")
		oldest_after=$(sed -n 4p "$BATS_TEST_TMPDIR/around")
		assert_between "oldest of report $i" \
			"$(awk "BEGIN { print $oldest_before / 1e9 - 1 }")" \
			"$(last park_site 'select(.p.reason == "futex") | .p.crowd.oldest_s')" \
			"$(awk "BEGIN { print $oldest_after / 1e9 + 1 }")"
		# It stood there before parkscope came.
		assert_equal "$(last park_site 'select(.p.reason == "futex") | .p.crowd.oldest_at_most')" true

		now=$(last process '.p.threads.now')
		assert_between "threads of report $i" "$((before + 1))" "$now" "$((after + 1))"
	done
	parkscope_wait
	assert_complete
	assert_no_loss
	assert_equal "$(ended_because)" count
	assert_equal "$(reports)" 3

	# Births: those of before have a label, those of now a stack.
	now=$(last process '.p.threads.now')
	born_before=$(last birth_site 'select(.p.stack[0] == "[started before parkscope]") | .p.live')
	assert_equal "$born_before" 100
	assert_equal "$(last birth_site 'select(.p.stack[0] == "[main thread]") | .p.live')" 1
	assert_equal "$(pick birth_site 'select(.p.stack[0] | startswith("[") | not) | .p.site' | sort -u | wc -l)" 1
	assert_equal "$(last birth_site 'select(.p.stack[0] | startswith("[") | not) | .p.live')" $((now - 101))
	assert_equal "$(sum process '.p.threads.born')" $((now - 101))
	assert_equal "$(sum birth_site '.p.born')" $((now - 101))
	assert_equal "$(sum process '.p.threads.exited')" 0
	# None left the crowd, nobody was counted twice.
	assert_equal "$(sum park_site 'select(.p.reason == "futex") | .p.crowd.departed')" 0
	assert_equal "$(waits_of futex count)" 0
	target_quit "$TARGET"
}

# Writes to "around": leaked before and after report number $1, oldest before and after in ns.
wait_around_report() {
	local leaked oldest=0 next

	target_report "$TARGET"
	leaked=$(target_counter "$TARGET" leaked)
	oldest=$(target_counter "$TARGET" oldest_parked_ns)
	while ! has_reports "$1"; do
		target_report "$TARGET"
		# The report may have been made since the look: keep the one from before.
		if ! has_reports "$1"; then
			leaked=$(target_counter "$TARGET" leaked)
			oldest=$(target_counter "$TARGET" oldest_parked_ns)
		fi
		is_gone "$SCOPE" && ! has_reports "$1" && fail "parkscope ended before report $1"
	done
	target_report "$TARGET"
	# The records of one report come in one write.
	next=$(target_counter "$TARGET" leaked)
	# A thread that is being born stands one moment later in the program's count.
	printf '%s\n' "$leaked" "$((next + 1))" "$oldest" \
		"$(target_counter "$TARGET" oldest_parked_ns)" >"$BATS_TEST_TMPDIR/around"
}

@test "watch: the rate is what the program does" {
	local t1 t2 l1 l2 rate

	target_start leak_threads initial=100 interval_ms=50
	target_send "$TARGET" go
	parkscope_start watch -p "$TARGET" -i 2s -n 5 --full
	target_report "$TARGET"
	t1=$(target_counter "$TARGET" monotonic_ns)
	l1=$(target_counter "$TARGET" leaked)
	wait_until "five reports" has_reports 5
	target_report "$TARGET"
	t2=$(target_counter "$TARGET" monotonic_ns)
	l2=$(target_counter "$TARGET" leaked)
	parkscope_wait
	rate=$(awk "BEGIN { print ($l2 - $l1) * 60e9 / ($t2 - $t1) }")
	assert_within "threads per minute" "$(last process '.p.threads.rate_per_min')" "$rate" 10
	assert_within "crowd per minute" \
		"$(last park_site 'select(.p.reason == "futex") | .p.crowd.rate_per_min')" "$rate" 10
	assert_within "births per minute" \
		"$(last birth_site 'select(.p.stack[0] | startswith("[") | not) | .p.rate_per_min')" "$rate" 10
	target_quit "$TARGET"
}

@test "watch: what the last report says of threads is what /proc lists" {
	target_start leak_threads initial=100 interval_ms=20
	parkscope_start watch -p "$TARGET" -i 500ms --full
	target_send "$TARGET" go
	wait_until "some reports" has_reports 4
	target_send "$TARGET" stop
	target_report "$TARGET"
	parkscope_stop
	assert_complete
	assert_no_loss
	assert_equal "$(last process '.p.threads.now')" "$(task_count "$TARGET")"
	assert_equal "$(last process '.p.threads.now')" "$(target_counter "$TARGET" threads_now)"
	assert_equal "$(last park_site 'select(.p.reason == "futex") | .p.crowd.now')" \
		"$(target_counter "$TARGET" leaked)"
	assert_equal "$(sum process '.p.threads.born')" "$(target_counter "$TARGET" created_after_ready)"
	target_quit "$TARGET"
}

@test "watch without --full: sums are the same, stacks come once" {
	target_start leak_threads initial=50 interval_ms=20
	parkscope_start watch -p "$TARGET" -i 500ms
	target_send "$TARGET" go
	wait_until "the crowd is told" file_has "$RECORDS" '"reason":"futex"'
	target_send "$TARGET" stop
	target_report "$TARGET"
	parkscope_stop
	assert_complete
	assert_equal "$(sum process '.p.threads.born')" "$(target_counter "$TARGET" created_after_ready)"
	assert_equal "$(last process '.p.threads.now')" "$(target_counter "$TARGET" threads_now)"
	assert_equal "$(last park_site 'select(.p.reason == "futex") | .p.crowd.now')" \
		"$(target_counter "$TARGET" leaked)"
	assert_equal "$(pick stack '.p.site' | sort | uniq -d)" ""
	# Every site that is told has its stack somewhere before.
	assert_equal "$(comm -23 <(pick park_site .p.site | sort -u) <(pick stack .p.site | sort -u))" ""
	target_quit "$TARGET"
}

@test "dump: sees the hundred that were there before" {
	target_start leak_threads initial=100
	RECORDS=$BATS_TEST_TMPDIR/dump.out
	"$PARKSCOPE" dump -f jsonl -p "$TARGET" >"$RECORDS"
	assert_complete
	assert_equal "$(ended_because)" dump
	assert_equal "$(last process '.p.threads.now')" 101
	assert_equal "$(sum park_site 'select(.p.reason == "futex") | .p.crowd.now')" 100
	assert_equal "$(pick park_site 'select(.p.reason == "futex") | .p.site' | wc -l)" 1
	assert_equal "$(sum park_site '.p.crowd.now')" 101
	assert_equal "$(sum birth_site '.p.live')" 101
	# A dump has watched nothing.
	assert_equal "$(pick process '.p | has("waits") or (.threads | has("born"))')" false
	target_quit "$TARGET"
}

@test "text: the first lines name process, threads, births, exits, rate and the site" {
	local now

	target_start leak_threads initial=100 interval_ms=20
	target_send "$TARGET" go
	run --separate-stderr "$PARKSCOPE" -p "$TARGET" -i 1s -n 3
	assert_success
	assert_equal "$stderr" ""
	assert_equal "$(grep -c '^---' <<<"$output")" 3
	# Of the last report.
	output=$(awk '/^---/ { text = "" } { text = text $0 "\n" } END { printf "%s", text }' <<<"$output")
	echo "$output"
	mapfile -t lines <<<"$output"
	assert_equal "$(wc -L <<<"$output" | awk '{ print ($1 <= 80) }')" 1
	assert_line --index 0 --regexp '^--- [0-9T:.-]+Z +interval 1\.[0-9]s$'
	assert_line --index 1 --regexp "^leak_threads $TARGET +threads [0-9]+ \(\+[0-9.]+/min\) +born [0-9]+ +exited 0 +watched 3s$"
	assert_line --index 2 --regexp '^ *NOW +\+IN +-OUT +OLDEST +REASON +WHERE$'
	assert_line --index 3 --regexp '^ *[0-9]+ +[0-9]+ +- +≤[0-9.]+m?s +futex +[^ ]'
	now=$(sed -n '2s/.*threads \([0-9]*\) .*/\1/p' <<<"$output")
	assert_between "crowd in text" $((now - 3)) "$(sed -n '4s/^ *\([0-9]*\) .*/\1/p' <<<"$output")" $((now - 1))
	target_quit "$TARGET"
}

@test "text dump: the hundred, their reason and the whole stack" {
	target_start leak_threads initial=100
	run --separate-stderr "$PARKSCOPE" dump -p "$TARGET"
	assert_success
	assert_line --regexp "^leak_threads $TARGET +threads 101 +parked 101$"
	assert_line --regexp '^ *100 +≤[0-9.]+m?s +futex +'
	refute_line --partial '[k]'
	run --separate-stderr "$PARKSCOPE" dump -v -p "$TARGET"
	assert_success
	assert_line --regexp '^ +entry_SYSCALL_64_after_hwframe\+0x[0-9a-f]+ \[k\]$'
	target_quit "$TARGET"
}
