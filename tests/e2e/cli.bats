#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What a user types and reads first.

load common.bash

@test "--help: one screen of 80 by 40, on stdout" {
	run --separate-stderr "$PARKSCOPE" --help
	assert_success
	assert_equal "$stderr" ""
	assert_between "lines" 10 "${#lines[@]}" 40
	assert_between "columns" 10 "$(wc -L <<<"$output")" 80
	assert_line --index 0 --regexp '^Usage: parkscope '
}

@test "COMMAND --help: its own options, wherever it stands" {
	local help

	run --separate-stderr "$PARKSCOPE" dump --help
	assert_success
	assert_equal "$stderr" ""
	assert_line --index 0 --regexp '^Usage: parkscope dump '
	assert_output --partial " --pid "
	refute_output --partial " --interval "
	help=$output
	run "$PARKSCOPE" --help dump
	assert_output "$help"
	run "$PARKSCOPE" dump -i 1s
	assert_failure 2
	assert_output --partial "--interval is not for dump but for watch"
}

@test "--help names every command and every option that is known" {
	local word command

	run "$PARKSCOPE" --help
	for word in watch dump diff check features --pid --interval --count --duration --top --format \
		--output --full --plain --lines --unit --runtime-frames --verbose --help --version; do
		assert_output --regexp "(^|[[:space:]])$word([[:space:]]|$)"
	done
	# And nothing that is not known, or not for that command.
	for command in watch dump diff check features; do
		for word in $("$PARKSCOPE" "$command" --help | grep -oE -e '--[a-z-]+' | sort -u); do
			# The last word makes it end there.
			run timeout 60 "$PARKSCOPE" "$command" "$word" 7 -p 0
			refute_output --partial "unknown option"
			refute_output --partial "$word is not for"
		done
	done
}

@test "--version" {
	run --separate-stderr "$PARKSCOPE" --version
	assert_success
	assert_equal "$stderr" ""
	assert_output --regexp '^parkscope [0-9]+\.[0-9]+\.[0-9]+[^[:space:]]*$'
}

@test "features: each is yes or no, and what is forced off says so" {
	local names

	run --separate-stderr "$PARKSCOPE" features
	assert_success
	assert_equal "$stderr" ""
	names=$(awk 'NR > 2 && $2 ~ /^(yes|no)$/ { print $1 }' <<<"$output")
	# The same ones as in a record.
	RECORDS=$BATS_TEST_TMPDIR/dump.out
	"$PARKSCOPE" dump -f jsonl -p "$$" >"$RECORDS"
	assert_equal "$(sort <<<"$names")" "$(pick start '.p.features | keys[]' | sort)"
	assert_equal "$(awk 'NR > 2 && $2 == "yes"' <<<"$output" | wc -l)" \
		"$(pick start '.p.features | map(select(.)) | length')"

	run --separate-stderr "$PARKSCOPE" features --debug=no-prev_state
	assert_success
	assert_line --regexp '^prev_state +no .*\(forced off\)$'
	assert_line --regexp '^ +without it: '
}

@test "a feature that is forced off is told in the records" {
	RECORDS=$BATS_TEST_TMPDIR/dump.out
	"$PARKSCOPE" dump -f jsonl -p "$$" --debug=no-task_storage --debug=no-sched_info >"$RECORDS"
	assert_equal "$(pick start '.p.features.task_storage, .p.features.sched_info, .p.features.btf')" \
		"$(printf 'false\nfalse\ntrue')"
	assert_equal "$(pick start '.p.degraded[]' | sed 's/:.*//')" "$(printf 'task_storage\nsched_info')"
}

@test "options stand before and after the command, long and short" {
	target_start leak_threads initial=4
	RECORDS=$BATS_TEST_TMPDIR/dump.out
	for words in "-p $TARGET -f jsonl dump" "dump --pid $TARGET --format jsonl" \
		"dump --pid=$TARGET --format=jsonl" "-p$TARGET dump -fjsonl" "-f text dump -p $TARGET -f jsonl" \
		"dump -p $TARGET -p $TARGET -f jsonl"; do
		# shellcheck disable=SC2086
		"$PARKSCOPE" $words >"$RECORDS"
		assert_complete
		assert_equal "$(crowd_of futex)" 4
		assert_equal "$(reports)" 1
	done
	target_quit "$TARGET"
}

@test "watch is what it does without a command" {
	target_start leak_threads initial=4
	RECORDS=$BATS_TEST_TMPDIR/watch.out
	"$PARKSCOPE" -p "$TARGET" -f jsonl -i 200ms -n 1 >"$RECORDS"
	assert_complete
	assert_equal "$(pick start .p.command)" watch
	target_quit "$TARGET"
}

@test "-t: so many sites a process, and the rest in one record, so that sums hold" {
	start_records 3
	assert_equal "$(pick park_site 1 | wc -l)" 3
	assert_equal "$(pick other 'select(.p.kind == "park_site") | .p.sites')" \
		"$(($(sites_of_dump) - 3))"
	assert_equal "$(($(sum park_site .p.crowd.now) + $(sum other 'select(.p.kind == "park_site") | .p.now')))" \
		"$(last process .p.threads.now)"
	target_quit "$TARGET"
}

start_records() {
	target_start sleepers
	RECORDS=$BATS_TEST_TMPDIR/top.out
	"$PARKSCOPE" -p "$TARGET" -f jsonl -i 300ms -n 1 -t "$1" >"$RECORDS"
	assert_complete
}

sites_of_dump() {
	"$PARKSCOPE" dump -p "$TARGET" -f jsonl | jq -r 'select(.event.dataset == "parkscope.park_site") | 1' | wc -l
}

@test "records are valid by the schema: dump, watch, --full, every process" {
	target_start cpp_threads
	RECORDS=$BATS_TEST_TMPDIR/records
	for words in "dump" "dump -p $TARGET" "watch -i 200ms -n 3" "watch -i 200ms -n 3 --full" \
		"watch -i 200ms -n 2 -t 1 -p $TARGET"; do
		# shellcheck disable=SC2086
		"$PARKSCOPE" $words -f jsonl >"$RECORDS"
		run "$BATS_TEST_DIRNAME/validate-jsonl" "$RECORDS"
		assert_success
	done
	target_quit "$TARGET"
}

@test "text fits 80 columns, whatever it shows" {
	target_start sleepers
	for words in "dump -p $TARGET" "-p $TARGET -i 200ms -n 2" "-p $TARGET -i 200ms -n 1 -t 100" \
		"-i 300ms -n 2" "-i 300ms -n 1 -t 1000"; do
		# shellcheck disable=SC2086
		run --separate-stderr "$PARKSCOPE" $words
		assert_success
		assert_equal "$stderr" ""
		assert_between "columns of $words" 10 "$(wc -L <<<"$output")" 80
	done
	target_quit "$TARGET"
}

@test "text without UTF-8 is ASCII" {
	target_start leak_threads initial=4
	run env LC_ALL=C "$PARKSCOPE" dump -p "$TARGET"
	assert_success
	run ! grep -P '[^\x00-\x7f]' <<<"$output"
	target_quit "$TARGET"
}

@test "-v: whole stacks and own cost" {
	target_start leak_threads initial=4
	run --separate-stderr "$PARKSCOPE" -v -p "$TARGET" -i 300ms -n 1
	assert_success
	assert_output --partial "[k]"
	assert_output --regexp "[Cc][Pp][Uu]"
	target_quit "$TARGET"
}
