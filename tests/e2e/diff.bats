#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Two dumps of programs that know what happened between them.

load common.bash

# dump_to FILE [ARGUMENT]...: of TARGET, in $BATS_TEST_TMPDIR.
dump_to() {
	local file=$BATS_TEST_TMPDIR/$1

	shift
	"$PARKSCOPE" dump -p "$TARGET" "$@" -o "$file"
}

# diff_of STATUS OLD NEW [ARGUMENT]...
diff_of() {
	local expected=$1

	shift
	cd "$BATS_TEST_TMPDIR" || return
	run --separate-stderr "$PARKSCOPE" diff "$@"
	assert_equal "status $status: $stderr" "status $expected: $([ "$expected" != 2 ] || echo "$stderr")"
}

# The same records, in $RECORDS.
records_of() {
	RECORDS=$BATS_TEST_TMPDIR/diff.out
	(cd "$BATS_TEST_TMPDIR" && "$PARKSCOPE" diff -f jsonl "$@") >"$RECORDS" || [ $? = 1 ]
	run "$BATS_TEST_DIRNAME/validate-jsonl" "$RECORDS"
	assert_success
}

leaks() {
	target_report "$1"
	[ "$(target_counter "$1" created_after_ready)" -ge "$2" ]
}

@test "threads that came between two dumps of a process" {
	local came

	target_start leak_threads initial=20 interval_ms=50
	dump_to old.jsonl -f jsonl
	dump_to old.pb.gz -f pprof
	target_send "$TARGET" go
	wait_until "30 threads leaked" leaks "$TARGET" 30
	target_send "$TARGET" stop
	target_report "$TARGET"
	came=$(target_counter "$TARGET" created_after_ready)
	dump_to new.jsonl -f jsonl
	dump_to new.pb.gz -f pprof

	diff_of 1 old.jsonl new.jsonl
	assert_line --regexp "^leak_threads $TARGET  threads 21 → $((21 + came)) "
	# Main has read the commands, and waits again.
	assert_line "  the same process: 20 stayed, 1 left, $((came + 1)) came"
	assert_line --regexp "^grew +20 +$((20 + came)) +\+$came +\+[0-9.]+ +- +$came +futex +wait_for_reply"
	refute_line --regexp '^(same|new|gone|shrank) '

	# Profiles do not say who they are; and any two formats can be compared.
	for pair in "old.pb.gz new.pb.gz" "old.jsonl new.pb.gz" "old.pb.gz new.jsonl"; do
		# shellcheck disable=SC2086 # two words
		diff_of 1 $pair
		assert_line "  the same process, but a dump does not say which units: counts only"
		assert_line --regexp "^grew +20 +$((20 + came)) +\+$came +\+[0-9.]+ +futex +wait_for_reply"
	done
	diff_of 1 new.jsonl old.jsonl
	assert_output --partial "EARLIER than OLD: are they swapped?"
	assert_line --regexp "^shrank +$((20 + came)) +20 +-$came +$came +- +futex +wait_for_reply"

	diff_of 0 old.jsonl old.jsonl
	assert_line "  the same process: 21 stayed, 0 left, 0 came"
	diff_of 0 new.pb.gz new.jsonl
	assert_line --regexp '^ *sites: 2 same$'
	target_quit "$TARGET"
}

@test "records of a difference" {
	target_start leak_threads initial=5 interval_ms=10
	dump_to old.jsonl -f jsonl
	target_send "$TARGET" go
	wait_until "12 threads leaked" leaks "$TARGET" 12
	target_send "$TARGET" stop
	target_report "$TARGET"
	dump_to new.jsonl -f jsonl
	run "$BATS_TEST_DIRNAME/validate-jsonl" "$BATS_TEST_TMPDIR/new.jsonl"
	assert_success
	records_of old.jsonl new.jsonl
	came=$(target_counter "$TARGET" created_after_ready)
	assert_equal "$(pick diff 'select(.p.of == "site") | [.p.change, .p.reason, .p.crowd.old,
		.p.crowd.new, .p.crowd.stayed, .p.crowd.left, .p.crowd.came, .p.crowd.estimated] | @csv')" \
		"\"grew\",\"futex\",5,$((5 + came)),5,0,$came,false"
	assert_equal "$(pick diff 'select(.p.of == "process") | [.p.change, .p.same_process,
		.p.units[0].now.new, .process.pid] | @csv')" "\"differs\",true,$((6 + came)),$TARGET"
	records_of old.jsonl old.jsonl
	assert_equal "$(pick diff '.p.change')" same
	records_of old.jsonl new.jsonl --full
	assert_equal "$(pick diff '.p.change' | tr '\n' ' ')" "differs grew same "
	target_quit "$TARGET"
}

@test "a pool that worked is the same, but none of its workers has stayed" {
	target_start pool workers=4 tasks_per_s=2000
	dump_to old.jsonl -f jsonl
	target_send "$TARGET" go
	all_worked() {
		target_report "$TARGET"
		[ "$(target_counter "$TARGET" workers_that_worked)" = 4 ]
	}
	wait_until "each worker has worked" all_worked
	target_send "$TARGET" stop
	all_done() {
		target_report "$TARGET"
		[ "$(target_counter "$TARGET" tasks_done)" = "$(target_counter "$TARGET" tasks_submitted)" ] &&
			[ "$("$PARKSCOPE" dump -p "$TARGET" -f jsonl |
				jq -s 'map(.parkscope.crowd.now // 0) | add')" = 5 ]
	}
	wait_until "nobody works" all_done
	dump_to new.jsonl -f jsonl
	diff_of 0 old.jsonl new.jsonl -v
	assert_line "  the same process: 0 stayed, 5 left, 5 came"
	assert_line --regexp '^same +4 +4 +-( +-)? +4 +4 +futex +take_task'
	target_quit "$TARGET"
}

@test "two runs, and two builds, of a program" {
	target_start leak_threads initial=20
	dump_to old.jsonl -f jsonl
	old=$TARGET
	target_quit "$TARGET"
	target_start leak_threads initial=30
	dump_to new.jsonl -f jsonl
	diff_of 1 old.jsonl new.jsonl
	assert_line --regexp "^leak_threads $old → $TARGET "
	assert_line "  different processes: counts only"
	assert_line --regexp '^grew +20 +30 +\+10 +futex +wait_for_reply'
	refute_output --partial /min
	target_quit "$TARGET"

	# The same names at other addresses, with other code around them.
	target_start leak_threads-static initial=20
	dump_to static.jsonl -f jsonl
	sed -i 's/"leak_threads-st[a-z]*"/"leak_threads"/' "$BATS_TEST_TMPDIR/static.jsonl"
	diff_of 1 old.jsonl static.jsonl
	assert_line "  different processes: counts only"
	assert_line --regexp "^leak_threads $old → $TARGET  threads 21  parked 21\$"
	target_quit "$TARGET"
}

@test "several processes: those that differ, and those that do not" {
	local first

	target_start leak_threads initial=3
	first=$TARGET
	target_start pool workers=2
	"$PARKSCOPE" dump -p "$first,$TARGET" -f jsonl -o "$BATS_TEST_TMPDIR/old.jsonl"
	dump_to new.jsonl -f jsonl
	diff_of 1 old.jsonl new.jsonl
	assert_line --regexp "^leak_threads $first  GONE  threads 4  parked 4\$"
	assert_line --regexp '^gone +3 +- +-3 +futex +wait_for_reply'
	assert_line --regexp "^pool $TARGET  threads 3  parked 3\$"
	target_quit "$first"
	target_quit "$TARGET"
}

@test "goroutines: a leak in 50,000 that stay" {
	local leaked

	target_start goroutine_churn loops=1 leak_per_s=200 standing=50000
	dump_to old.jsonl -f jsonl
	dump_to old.pb.gz -f pprof
	target_send "$TARGET" go
	some_leaked() {
		target_report "$TARGET"
		[ "$(target_counter "$TARGET" leaked)" -ge 100 ]
	}
	wait_until "100 goroutines leaked" some_leaked
	target_send "$TARGET" stop
	target_report "$TARGET"
	leaked=$(target_counter "$TARGET" leaked)
	dump_to new.jsonl -f jsonl
	dump_to new.pb.gz -f pprof

	diff_of 1 old.jsonl new.jsonl --unit goroutine
	assert_line --regexp "^new +- +$leaked +\+$leaked( +\+[0-9.]+)? +- +$leaked +chan_send +main.waitForReply"
	# From samples of both crowds, which have the same stays.
	assert_line --regexp '^  the same process: about 50,00[0-9] stayed, [0-9] left, '
	assert_line --regexp '^  not compared: runtime goroutines [0-9]+ → [0-9]+$'
	records_of old.jsonl new.jsonl --full
	assert_equal "$(pick diff 'select(.p.of == "site" and .p.crowd.old == 50000) |
		[.p.crowd.stayed, .p.crowd.left, .p.crowd.came, .p.crowd.estimated] | @csv')" "50000,0,0,true"
	diff_of 1 old.pb.gz new.pb.gz --unit goroutine
	assert_line --regexp "^new +- +$leaked +\+$leaked( +\+[0-9.]+)? +chan_send +main.waitForReply"
	target_quit "$TARGET"
}

@test "what is no dump is trouble: one line, status 2" {
	local file

	target_start leak_threads initial=3
	dump_to good.jsonl -f jsonl
	dump_to good.pb.gz -f pprof
	target_quit "$TARGET"
	cd "$BATS_TEST_TMPDIR"
	head -c 3000 good.jsonl >cut.jsonl
	head -n 3 good.jsonl >short.jsonl
	head -c 300 good.pb.gz >cut.pb.gz
	cat good.jsonl good.jsonl >twice.jsonl
	: >empty
	gzip -c good.jsonl >packed.gz
	cp /bin/true binary
	sed 's/"now":3/"now":-3/' good.jsonl >damaged.jsonl
	sed '1s/"dump"/"watch"/' good.jsonl >watch.jsonl
	for file in cut.jsonl:'line [0-9]* is cut' short.jsonl:'it is cut after line 3' \
		cut.pb.gz:'its compressed data is cut' twice.jsonl:'a second run' empty:'it is empty' \
		packed.gz:'it is no profile' binary:'it is no dump' damaged.jsonl:'parkscope.crowd.now' \
		watch.jsonl:"by 'watch'" nothing:'No such file' .:'Is a directory'; do
		for order in "${file%%:*} good.jsonl" "good.jsonl ${file%%:*}"; do
			# shellcheck disable=SC2086 # two words
			diff_of 2 $order
			assert_equal "$output" ""
			assert_regex "$stderr" "^parkscope: ${file%%:*}: .*${file#*:}"
			assert_equal "$(wc -l <<<"$stderr")" 1
		done
	done
	diff_of 2 good.jsonl
	assert_regex "$stderr" "diff needs two files"
	diff_of 2 good.jsonl good.jsonl -f go
	assert_regex "$stderr" "diff writes text or jsonl"
}

@test "pipes in, files out, a reader that goes away" {
	target_start leak_threads initial=3
	dump_to old.jsonl -f jsonl
	cd "$BATS_TEST_TMPDIR"
	run "$PARKSCOPE" diff old.jsonl <("$PARKSCOPE" dump -p "$TARGET" -f pprof)
	assert_success
	run --separate-stderr "$PARKSCOPE" diff old.jsonl old.jsonl -o text
	assert_success
	assert_equal "$output$stderr" ""
	assert_equal "$("$PARKSCOPE" diff old.jsonl old.jsonl)" "$(cat text)"
	run "$PARKSCOPE" diff old.jsonl old.jsonl -o /nowhere/file
	assert_failure 2
	run bash -c "set -o pipefail; '$PARKSCOPE' diff old.jsonl old.jsonl | true"
	assert_success
	run bash -c "'$PARKSCOPE' diff old.jsonl old.jsonl >/dev/full"
	assert_failure 2
	target_quit "$TARGET"
}

@test "it needs no root" {
	local folder

	need setpriv util-linux
	target_start leak_threads initial=3
	dump_to old.jsonl -f jsonl
	target_quit "$TARGET"
	folder=$(mktemp -d)
	cp "$PARKSCOPE" "$BATS_TEST_TMPDIR/old.jsonl" "$folder"
	chmod -R a+rX "$folder"
	cd "$folder"
	run setpriv --reuid=65534 --regid=65534 --clear-groups ./parkscope diff old.jsonl old.jsonl
	cd /
	rm -r "$folder"
	assert_success
	assert_line "  the same process: 4 stayed, 0 left, 0 came"
}

@test "hostile names stay on their line" {
	target_start leak_threads initial=3
	dump_to old.jsonl -f jsonl
	target_quit "$TARGET"
	cd "$BATS_TEST_TMPDIR"
	jq -c '.process.name = "x\n\u001b[2Jgrew 1 2" | if .parkscope.stack then
		.parkscope.stack[-1] = "evil\r\n\u202e+0x1 (m)" else . end |
		if .event.dataset == "parkscope.start" or .event.dataset == "parkscope.end" then del(.process)
		else . end' old.jsonl >hostile.jsonl
	diff_of 0 old.jsonl hostile.jsonl -v
	refute_output --regexp $'\033|\r|\u202e'
	assert_line --regexp '^x\\x0a\\x1b\[2Jgrew 1 2 [0-9]+'
}
