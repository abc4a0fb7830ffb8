#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# parkscope on programs that nobody here wrote, against what /proc says about them.
#
# packages: postgresql postgresql-contrib redis-server redis-tools mariadb-server-core
# packages: mariadb-client default-jre-headless libh2-java nodejs python3 python3-jsonschema
# packages: apache2-utils curl jq
#
# PARKSCOPE names the program under test; default: build/dev/parkscope.

# shellcheck disable=SC2154 # real_programs.bash sets servers and begun
bats_require_minimum_version 1.5.0

load real_programs

parkscope=${PARKSCOPE:-$BATS_TEST_DIRNAME/../../build/dev/parkscope}

setup_file() {
	local server command

	[ "$(id -u)" = 0 ] || skip "needs root"
	for command in redis-server redis-benchmark mariadbd mariadb-slap node python3 ab curl jq \
		"$(postgresql_bin)/postgres" /usr/lib/jvm/default-java/bin/java; do
		command -v "$command" >/dev/null || {
			echo "$command is missing; see the packages in $BATS_TEST_FILENAME"
			return 1
		}
	done
	# Short for the paths of sockets, open to the users the servers run as.
	real=$(mktemp -d /tmp/parkscope-real.XXXXXX)
	export real
	chmod 711 "$real"
	for server in "${servers[@]}"; do
		mkdir "$real/$server"
		"prepare_$server" || {
			cat "$real/$server"/*.log
			return 1
		}
		start_server "$server"
	done
	for server in "${servers[@]}"; do
		await_server "$server"
	done
}

teardown_file() {
	[ -n "${real:-}" ] || return 0
	end_everything
	rm -rf "$real"
}

teardown() {
	[ -z "${watcher:-}" ] || end_process "$watcher"
	[ -z "${sampler:-}" ] || end_process "$sampler"
}

# watch_in_background FILE ARGUMENTS...: sets $watcher; returns when the run has begun
watch_in_background() {
	local file=$1

	shift
	begin "$file.err" "$parkscope" watch -f jsonl --full -o "$file" "$@"
	watcher=$begun
	until_true 20 has_record "$file" 'parkscope.process'
}

has_record() { grep -q "\"dataset\":\"$2\"" "$1" 2>/dev/null; }

end_watch() {
	end_process "$watcher" INT
	watcher=
}

sample_in_background() {
	begin_sampling "$@"
	sampler=$begun
}

end_sampling() {
	end_process "$sampler"
	sampler=
}

assert_valid() {
	cat "$1.err"
	[ ! -s "$1.err" ]
	"$BATS_TEST_DIRNAME/validate-jsonl" "$1"
}

# assert_nothing COMMAND...: which succeeds and prints nothing
assert_nothing() {
	local output

	if ! output=$("$@") || [ -n "$output" ]; then
		printf '%s:\n%s\n' "$1" "$(head -n 40 <<<"$output")"
		return 1
	fi
}

# parked_reasons FILE TIME: "reason count" a line, of the report at that time
parked_reasons() {
	jq -rs --arg at "$2" 'map(select(.event.dataset == "parkscope.park_site" and .["@timestamp"] == $at).parkscope
		| select(.crowd.now > 0)) | group_by(.reason) | .[] | "\(.[0].reason) \(map(.crowd.now) | add)"' \
		"$1" | LC_ALL=C sort
}

# Idle servers still wake up, and may do so in our very sweep or between our two looks at
# /proc. So of five reports three must be exactly what /proc says, and none may be above it.
assert_idle() {
	local file=$BATS_TEST_TMPDIR/$1.jsonl pid pids list before after at exact=0 times

	mapfile -t pids < <(server_pids "$1")
	list=$(IFS=, && echo "${pids[*]}")
	sample_in_background "$file.samples" "${pids[@]}"
	before=$(reasons_of_idle_threads "${pids[@]}")
	"$parkscope" watch -f jsonl --full -i 400ms -n 5 -p "$list" >"$file" 2>"$file.err"
	after=$(reasons_of_idle_threads "${pids[@]}")
	end_sampling
	assert_valid "$file"
	assert_nothing violations "$file"
	for pid in "${pids[@]}"; do
		assert_nothing wrong_counts "$file" "$file.samples" "$pid"
	done
	echo "/proc says: $before"
	[ "$before" = "$after" ] # the test needs an idle server
	[[ ! "$before" =~ running|call_ ]]
	times=$(jq -r 'select(.event.dataset == "parkscope.process")["@timestamp"]' "$file" | sort -u)
	[ "$(wc -l <<<"$times")" -eq 5 ]
	for at in $times; do
		if [ "$(parked_reasons "$file" "$at")" = "$before" ]; then
			exact=$((exact + 1))
		else
			echo "at $at: $(parked_reasons "$file" "$at")"
		fi
	done
	[ "$exact" -ge 3 ]
}

# has_reasons SERVER REASON...: this is what makes the program a test of its kind
has_reasons() {
	local server=$1 reason pids

	shift
	mapfile -t pids < <(server_pids "$server")
	for reason in "$@"; do
		reasons_of_threads "${pids[@]}" | grep -q "^$reason "
	done
}

@test "PostgreSQL, idle: every process parked, latches in epoll" {
	has_reasons postgresql epoll
	[ "$(server_pids postgresql | wc -l)" -ge 5 ]
	assert_idle postgresql
}

@test "Redis, idle: event loop in epoll, workers in futex" {
	has_reasons redis epoll futex
	assert_idle redis
}

@test "MariaDB, idle: accept loop in poll, pools in futex" {
	has_reasons mariadb poll futex signal
	assert_idle mariadb
}

@test "JVM, idle: pools in futex, server in accept" {
	has_reasons h2 futex socket_accept
	assert_idle h2
}

@test "Node, idle: loops in epoll, pools in futex" {
	has_reasons node epoll futex
	assert_idle node
}

@test "Python, idle: accept loop in poll" {
	has_reasons python poll
	assert_idle python
}

voluntary_switches() {
	awk '/^voluntary_ctxt_switches/ {print $2}' "/proc/$1/task/$1/status"
}

@test "Redis under load: every wait of the event loop is counted, once" {
	local file=$BATS_TEST_TMPDIR/load.jsonl pid outer_first inner_first inner_last outer_last waits

	pid=$(<"$real/redis/pid")
	outer_first=$(voluntary_switches "$pid")
	watch_in_background "$file" -i 500ms -p "$pid"
	inner_first=$(voluntary_switches "$pid")
	load_redis
	await_end 20 "$begun"
	cat "$real/redis/load"
	inner_last=$(voluntary_switches "$pid")
	end_watch
	outer_last=$(voluntary_switches "$pid")
	assert_valid "$file"
	assert_nothing violations "$file"

	waits=$(jq -s 'map(select(.event.dataset == "parkscope.process").parkscope.waits[]?
		| select(.reason == "epoll").count) | add // 0' "$file")
	echo "epoll $waits; switches $outer_first $inner_first $inner_last $outer_last"
	[ "$((inner_last - inner_first))" -gt 1000 ] # otherwise there was no load
	[ "$waits" -ge "$((inner_last - inner_first - 1))" ]
	# Voluntary switches that are no waits in epoll: none worth mentioning
	[ "$waits" -le "$((outer_last - outer_first + 1))" ]

	# One thread in the event loop cannot wait longer than we watched; its workers do nothing.
	jq -es '[.[] | select(.event.dataset == "parkscope.process").parkscope] | .[-1].watched_s as $watched
		| [.[].waits[]?] | (map(.seconds) | add) <= $watched * 1.05
			and (map(.waiting_s | select(. < 0)) | length) == 0
			and (map(select(.reason == "futex").count) | add // 0)
				< (map(select(.reason == "epoll").count) | add) / 100' "$file"
}

@test "JVM under load: threads per connection come and go as /proc says" {
	local file=$BATS_TEST_TMPDIR/load.jsonl pid

	pid=$(<"$real/h2/pid")
	sample_in_background "$file.samples" "$pid"
	watch_in_background "$file" -i 300ms -p "$pid"
	load_h2
	await_end 20 "$begun"
	end_watch
	end_sampling
	assert_valid "$file"
	assert_nothing violations "$file"
	assert_nothing wrong_counts "$file" "$file.samples" "$pid"
	[ "$(jq -s 'map(select(.event.dataset == "parkscope.process").parkscope.threads.born) | add' "$file")" -gt 100 ]
}

# ended FILE PID: there is a last record of it
ended() {
	jq -es --argjson pid "$2" 'any(.[]; .event.dataset == "parkscope.process" and .process.pid == $pid
		and .parkscope.ended == true)' "$1" >/dev/null 2>&1
}

@test "everything at once, loaded, restarted and stopped" {
	local file=$BATS_TEST_TMPDIR/all.jsonl server pids=() restarted=() pid name
	declare -A loads

	watch_in_background "$file" -i 1s
	for server in "${servers[@]}"; do
		mapfile -t -O "${#pids[@]}" pids < <(server_pids "$server")
		"load_$server"
		loads[$server]=$begun
	done
	# In the middle of their loads, which are to fail; redis-benchmark may spin for ever then.
	for server in redis python; do
		restarted+=("$(<"$real/$server/pid")")
		stop_server "$server"
		start_server "$server"
		await_server "$server"
		end_process "${loads[$server]}" KILL
		pids+=("$(<"$real/$server/pid")")
	done
	for pid in "${loads[@]}"; do
		await_end 20 "$pid"
	done
	for pid in "${restarted[@]}"; do
		until_true 5 ended "$file" "$pid"
	done
	for server in "${servers[@]}"; do
		mapfile -t -O "${#pids[@]}" pids < <(server_pids "$server")
		stop_server "$server"
	done
	for pid in "${pids[@]}"; do
		echo "waiting for the last record of $pid"
		until_true 5 ended "$file" "$pid"
	done
	end_watch

	assert_valid "$file"
	has_record "$file" parkscope.end
	assert_nothing violations "$file"
	assert_nothing unknown_losses "$file"
	# Each was seen alive, by its name.
	for name in postgres redis-server mariadbd java node python3; do
		jq -es --arg name "$name" 'any(.[]; .event.dataset == "parkscope.process" and .process.name == $name
			and .parkscope.threads.now > 0)' "$file" >/dev/null || {
			echo "no $name"
			return 1
		}
	done
}
