#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What parkscope says that it costs is what it costs, and it keeps to its budget and says how.

load common.bash

teardown_test() {
	if [ -n "${STATISTICS:-}" ]; then
		sysctl -qw kernel.bpf_stats_enabled="$STATISTICS"
	fi
}

# Seconds of CPU of a process, by /proc/PID/stat.
cpu_of() {
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / hz }' "/proc/$1/stat"
}

# watch_crowd BUDGET: 20,000 threads, a look every 200 ms wanted, for 10 s
watch_crowd() {
	target_start leak_threads initial=20000 stack_kb=16
	parkscope_start watch -p "$TARGET" -i 200ms -d 10s --budget "$1" -v
	parkscope_wait
	assert_complete
	"${BATS_TEST_DIRNAME}/validate-jsonl" "$RECORDS"
	target_quit "$TARGET"
}

@test "a budget that is too small: reports are put off, and say so" {
	local late

	watch_crowd 0.1
	late=$(last end '.p.losses.budget_throttled // 0')
	assert_between "reports in 10 s" 2 "$(pick cost 1 | wc -l)" 15
	assert_between "reports that came late" 1 "$late" 15
	assert_equal "$(sum loss '.p.losses.budget_throttled // 0')" "$late"
	assert_equal "$(last cost '.p.cost.budget.percent')" 0.1
	assert_between "interval, s" 1 "$(last cost '.p.cost.budget.interval_s')" 60
	run last cost '.p.cost.budget.message'
	assert_output --regexp '^reports every [0-9.]+s, not 0\.2s'
	# interval_s is what it was, not what was wanted.
	assert_between "longest interval, s" 1 "$(pick cost '.p.interval_s' | sort -g | tail -n 1)" 10
}

@test "a budget that is enough: nothing is put off" {
	watch_crowd 100
	assert_between "reports in 10 s" 30 "$(pick cost 1 | wc -l)" 52
	assert_equal "$(last end '.p.losses | [.budget_throttled, .budget_exceeded] | tojson')" "[null,null]"
	assert_equal "$(last cost '.p.cost.budget.interval_s')" 0.2
	assert_equal "$(last cost '.p.cost.budget.message')" null
}

@test "text says what was put off, without -v" {
	target_start leak_threads initial=20000 stack_kb=16
	run --separate-stderr "$PARKSCOPE" watch -p "$TARGET" -i 200ms -d 6s --budget 0.1 --plain
	assert_success
	assert_output --regexp 'BUDGET +reports every [0-9.]+s, not 0\.2s'
	assert_output --regexp 'LOST .*budget_throttled'
	target_quit "$TARGET"
}

@test "in the long run the budget is kept" {
	local began ended

	target_start leak_threads initial=20000 stack_kb=16
	parkscope_start watch -p "$TARGET" -i 500ms
	# What may be saved is spent first.
	wait_until "reports are put off" file_has "$RECORDS" '"budget_throttled"'
	began=$(cpu_of "$SCOPE")
	sleep 40
	ended=$(cpu_of "$SCOPE")
	assert_between "seconds of CPU in 40" 0.05 "$(awk "BEGIN { print $ended - $began }")" 0.48
	parkscope_stop
	target_quit "$TARGET"
}

@test "its CPU time is that of /proc/PID/stat" {
	local cpu

	target_start leak_threads initial=20000 stack_kb=16
	parkscope_start watch -p "$TARGET" -i 200ms --budget 100 --full
	wait_until "it has used some" has_reports 30
	cpu=$(cpu_of "$SCOPE")
	parkscope_stop
	assert_within "seconds of CPU" "$(last end '.p.cost.cpu_s')" "$cpu" 10
	target_quit "$TARGET"
}

@test "its memory: resident, and that of its maps" {
	local maps

	target_start leak_threads initial=4
	parkscope_start watch -p "$TARGET" -i 500ms
	wait_until "there is a report" has_reports 1
	maps=$(cat /proc/"$SCOPE"/fdinfo/* | awk '/^memlock:/ { bytes = $2 } /^map_id:/ { seen[$2] = bytes }
		END { for (id in seen) sum += seen[id]; print sum }')
	parkscope_stop
	# Unwind tables lie in maps in a map, of which only their rows are counted.
	assert_within "bytes of maps" "$(last end '.p.cost.map_bytes')" "$maps" 10
	assert_between "resident bytes" 1000000 "$(last end '.p.cost.rss_bytes')" 100000000
	target_quit "$TARGET"
}

# ping_pong NAME: 500,000 waits of each thread, watched
ping_pong() {
	target_start futex_pingpong rounds=500000
	parkscope_launch "$1" watch -f jsonl -p "$TARGET" -i 5s --budget 100
	wait_until "parkscope is attached" is_attached
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	parkscope_stop
	echo "$1: $(last end '.p.cost | {bpf_s, bpf_runs, bpf_sampled_s} | tojson')"
	target_quit "$TARGET"
}

@test "BPF run time: sampled, it is what the kernel counts in full" {
	local sampled

	STATISTICS=$(sysctl -n kernel.bpf_stats_enabled)
	sysctl -qw kernel.bpf_stats_enabled=0
	ping_pong sampled
	sampled=$(last end .p.cost.bpf_s)
	assert_between "sampled for, s" 0.05 "$(last end .p.cost.bpf_sampled_s)" \
		"$(last end '.p.watched_s / 3')"
	sysctl -qw kernel.bpf_stats_enabled=1
	ping_pong full
	assert_equal "$(last end .p.cost.bpf_sampled_s)" null
	assert_within "seconds" "$sampled" "$(last end .p.cost.bpf_s)" 30
}
