#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# More than there is memory for: bounded, counted, and what is known is counted on.

load common.bash

@test "new stacks without end: --memory holds, what does not fit is counted, totals are exact" {
	target_start distinct_stacks rate=4000 count=24000
	parkscope_start watch -p "$TARGET" -i 1s --memory 64M -v --exact --budget 100
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	target_report "$TARGET"
	parkscope_stop
	assert_complete
	assert_between "MiB in use at most" 20 \
		"$(pick cost '(.p.cost.rss_bytes + .p.cost.map_bytes) / 1048576' | sort -n | tail -n 1)" 66
	assert_between "refused" 1 "$(last end '.p.losses.memory_full // 0')" 1000000
	assert_equal "waits $(waits_of sleep count)" "waits $(target_counter "$TARGET" waits)"
	target_quit "$TARGET"
}

have_reports() {
	[ "$(pick cost 1 | wc -l)" -ge "$1" ]
}

# In the newest report.
processes_watched() {
	pick process '[.["@timestamp"], .process.pid] | @tsv' | sort -u |
		awk '{ count[$1]++; if ($1 > newest) newest = $1 } END { print count[newest] + 0 }'
}

@test "more processes than there is memory for: some are watched, the rest is counted" {
	target_start many_processes processes=5000
	parkscope_start watch -i 1s --memory 64M -v --full --budget 100
	wait_until "three reports" have_reports 3
	parkscope_stop
	assert_complete
	# What the files of others on this host take before it is measured again is not foreseen.
	assert_between "MiB in use at most" 40 \
		"$(pick cost '(.p.cost.rss_bytes + .p.cost.map_bytes) / 1048576' | sort -n | tail -n 1)" 72
	assert_between "refused" 1000 "$(last end '.p.losses.memory_full // 0')" 1000000
	assert_between "processes in the last report" 200 "$(processes_watched)" 4500
	target_quit "$TARGET"
}

@test "the default limit is not met by a busy small program" {
	target_start distinct_stacks rate=1000 count=3000
	parkscope_start watch -p "$TARGET" -i 1s -v
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	parkscope_stop
	assert_complete
	assert_equal "$(last end '.p.losses.memory_full // 0')" 0
	target_quit "$TARGET"
}

rounds_done() {
	[ "$(grep -c '^done=1$' "${TARGET_OUTPUT[$TARGET]}")" -ge "$1" ]
}

memory_was_full() {
	[ "$(sum loss '.p.losses.memory_full // 0')" -gt 0 ]
}

# Of the 40 MiB that sites had a third was given back.
has_room() {
	[ "$(grep -F '"parkscope.cost"' "$RECORDS" | tail -n 1 |
		jq '.parkscope.cost | (.rss_bytes + .map_bytes) / 1048576 | floor')" -lt 65 ]
}

# Waits that stand at places, in reports after a time.
waits_at_places_after() {
	sum park_site "select(.[\"@timestamp\"] > \"$1\" and .p.reason == \"sleep\") | .p.waits.count"
}

# When little memory is left after a minute without use, else after ten.
@test "places that nobody uses any more make room for new ones" {
	local begin

	target_start distinct_stacks rate=4000 count=8000
	parkscope_start watch -p "$TARGET" -i 5s --memory 96M -v --full --exact --budget 100
	target_send "$TARGET" go
	wait_until "all waits of the first round" rounds_done 1
	wait_until "memory is full" memory_was_full
	PATIENCE_S=150 wait_until "there is room again" has_room
	begin=$(date -u +%FT%T)
	target_send "$TARGET" go
	wait_until "all waits of the second round" rounds_done 2
	parkscope_stop
	assert_complete
	assert_between "waits of the second round at their places" 1000 "$(waits_at_places_after "$begin")" 8000
	target_quit "$TARGET"
}
