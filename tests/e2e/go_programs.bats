#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# parkscope on programs in Go that nobody here wrote, against what they say about themselves.
#
# packages: prometheus etcd-server etcd-client caddy apache2-utils curl jq python3 python3-jsonschema
#
# PARKSCOPE names the program under test; default: build/dev/parkscope.
# PARKSCOPE_REAL_PROGRAMS_SECONDS: how long each is watched under load; default: 10.

# shellcheck disable=SC2154 # go_programs.bash sets servers, real_programs.bash begun
bats_require_minimum_version 1.5.0

load real_programs
load go_programs

parkscope=${PARKSCOPE:-$BATS_TEST_DIRNAME/../../build/dev/parkscope}
seconds=${PARKSCOPE_REAL_PROGRAMS_SECONDS:-10}

setup_file() {
	local server command

	[ "$(id -u)" = 0 ] || skip "needs root"
	for command in prometheus etcd etcdctl caddy ab curl jq python3; do
		command -v "$command" >/dev/null || {
			echo "$command is missing; see the packages in $BATS_TEST_FILENAME"
			return 1
		}
	done
	real=$(mktemp -d /tmp/parkscope-go.XXXXXX)
	export real
	for server in "${servers[@]}"; do
		mkdir "$real/$server"
		"prepare_$server"
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
	local pid

	for pid in "${load:-}" "${counting:-}"; do
		[ -z "$pid" ] || end_process "$pid"
	done
}

# assert_nothing COMMAND...: which succeeds and prints nothing
assert_nothing() {
	local output

	if ! output=$("$@") || [ -n "$output" ]; then
		printf '%s:\n%s\n' "$1" "$(head -n 40 <<<"$output")"
		return 1
	fi
}

# assert_good_run FILE PID COUNTS: whatever the program does
assert_good_run() {
	cat "$1.err"
	[ ! -s "$1.err" ]
	"$BATS_TEST_DIRNAME/validate-jsonl" "$1"
	assert_nothing reports_without_sites "$1" "$2"
	assert_nothing frames_without_names "$1" "$2"
	assert_nothing wrong_goroutine_counts "$1" "$2" "$3"
	assert_nothing goroutine_losses "$1" "$2"
}

# Idle programs work, too, now and then: only crowds that the program itself sees of the same
# size before and after are compared, and of three tries one must agree in all.
assert_idle() {
	local file=$BATS_TEST_TMPDIR/$1.jsonl pid process try

	pid=$(<"$real/$1/pid")
	for try in 1 2 3; do
		own_stacks "$1" >"$file.before"
		own_count "$1" >"$file.counts"
		"$parkscope" watch -f jsonl --full -i 400ms -n 5 -p "$pid" >"$file" 2>"$file.err"
		own_count "$1" >>"$file.counts"
		own_stacks "$1" >"$file.after"
		assert_good_run "$file" "$pid" "$file.counts"
		echo "try $try"
		! "$BATS_TEST_DIRNAME/compare-crowds" "$file.before" "$file.after" "$file" "$pid" || return 0
	done
	return 1
}

assert_loaded() {
	local file=$BATS_TEST_TMPDIR/$1.jsonl pid

	pid=$(<"$real/$1/pid")
	begin_counting "$1" "$file.counts"
	counting=$begun
	"load_$1"
	load=$begun
	"$parkscope" watch -f jsonl --full -i 500ms -d "${seconds}s" -p "$pid" >"$file" 2>"$file.err"
	for process in "$load" "$pid"; do # otherwise there was no load
		if is_gone "$process"; then
			echo "$1 or its load ended"
			return 1
		fi
	done
	end_process "$load"
	end_process "$counting"
	load='' counting=''
	cat "$real/$1/load"
	[ ! -s "$real/$1/load" ]
	assert_good_run "$file" "$pid" "$file.counts"
}

@test "Prometheus, idle: crowds as in its own profile" { assert_idle prometheus; }

@test "etcd, idle: crowds as in its own profile" { assert_idle etcd; }

@test "Caddy, idle: crowds as in its own profile" { assert_idle caddy; }

@test "Prometheus, queried: goroutines near its own count, all named, none lost" { assert_loaded prometheus; }

@test "etcd, put and get: goroutines near its own count, all named, none lost" { assert_loaded etcd; }

@test "Caddy, serving files: goroutines near its own count, all named, none lost" { assert_loaded caddy; }
