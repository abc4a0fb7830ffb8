#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Whatever is wrong: one line that says what, the right status, nothing on stdout, nothing left.

load common.bash

setup_test() {
	need bpftool bpftool
	need unshare util-linux
	need setpriv util-linux
	ORPHANS=$BATS_TEST_TMPDIR/orphans
	bpf_orphans >"$ORPHANS"
}

# refused STATUS PATTERN COMMAND...: one line on stderr, nothing on stdout.
refused() {
	local status_wanted=$1 pattern=$2

	shift 2
	run --separate-stderr timeout 60 "$@" </dev/null
	# shellcheck disable=SC2154
	printf '%s\n' "$stderr"
	assert_equal "status $status of $*" "status $status_wanted of $*"
	assert_equal "stdout: $output" "stdout: "
	assert_equal "${#stderr_lines[@]} lines of stderr" "1 lines of stderr"
	[[ ${stderr_lines[0]} =~ ^parkscope:\ .*$pattern ]] ||
		fail "'${stderr_lines[0]}' does not match '$pattern'"
}

# The same, when BPF may have been loaded before it was noticed.
refused_and_clean() {
	refused "$@"
	wait_until "nothing more is loaded than before" no_new_orphans "$ORPHANS"
}

unused_pid() {
	local pid

	pid=$(cat /proc/sys/kernel/pid_max)
	while [ -e "/proc/$((--pid))" ]; do :; done
	echo "$pid"
}

wrong_usage() {
	refused 2 "$1.*Try 'parkscope --help'\.$" "$PARKSCOPE" "${@:2}"
}

@test "wrong usage: status 2 and one line that points to --help" {
	wrong_usage "'abc' is not a process id" -p abc
	wrong_usage "'12x' is not a process id" -p 12x
	wrong_usage "'-1' is not a process id" -p -1
	wrong_usage "'0' is not a process id" -p 0
	wrong_usage "'' is not a process id" -p ''
	wrong_usage "'' is not a process id" -p 1,,2
	wrong_usage "'' is not a process id" -p 1,
	wrong_usage "'99999999999999999999' is not a process id" -p 99999999999999999999
	wrong_usage "'4294967297' is not a process id" -p 4294967297
	wrong_usage "-i: '0'" -i 0
	wrong_usage "-i: '1ms'" -i 1ms
	wrong_usage "-i: '5 s'" -i '5 s'
	wrong_usage "-i: 'nan'" -i nan
	wrong_usage "-i: '-5s'" -i -5s
	wrong_usage "-i: '1e3'" -i 1e3
	wrong_usage "-d: '0'" -d 0
	wrong_usage "-n: '0'" -n 0
	wrong_usage "-n: '1.5'" -n 1.5
	wrong_usage "-t: '0'" -t 0
	wrong_usage "unknown format 'xml'" -f xml
	wrong_usage "unknown command 'wathc'" wathc
	wrong_usage "unknown option '-z'" -z
	wrong_usage "unknown option '--nonsense'" --nonsense
	wrong_usage "unknown option '--nonsense'" dump --nonsense
	wrong_usage "option '-p' needs a value" -p
	wrong_usage "option '--interval' needs a value" --interval
	wrong_usage "unexpected argument '4711'" dump 4711
	wrong_usage "unexpected argument 'dump'" watch dump
	wrong_usage "not no-FEATURE" --debug=nonsense
	wrong_usage "no fallback for btf" --debug=no-btf
}

@test "wrong usage: hostile arguments do not reach the terminal" {
	run --separate-stderr "$PARKSCOPE" -p $'1\n\e[31mparkscope: fine'
	assert_equal "$status" 2
	assert_equal "${#stderr_lines[@]}" 1
	refute [ -z "${stderr_lines[0]}" ]
	[[ ${stderr_lines[0]} != *$'\e'* ]] || fail "an escape sequence went through"
}

@test "a PID that does not exist" {
	local pid

	pid=$(unused_pid)
	refused 1 "no process has PID $pid" "$PARKSCOPE" -p "$pid"
	refused 1 "no process has PID $pid" "$PARKSCOPE" dump -p "$pid"
	# One of several is enough.
	refused 1 "no process has PID $pid" "$PARKSCOPE" -p "$$,$pid"
}

@test "a kernel thread" {
	refused 1 "PID 2 is a kernel thread \(kthreadd\)" "$PARKSCOPE" -p 2
	refused 1 "PID 2 is a kernel thread \(kthreadd\)" "$PARKSCOPE" dump -p 2
}

@test "a thread instead of its process" {
	local tid

	target_start leak_threads initial=2
	tid=$(ls "/proc/$TARGET/task" | tail -n 1)
	refute [ "$tid" = "$TARGET" ]
	refused 1 "$tid is a thread of process $TARGET; use -p $TARGET" "$PARKSCOPE" -p "$tid"
	target_quit "$TARGET"
}

@test "a zombie has ended" {
	local fifo=$BATS_TEST_TMPDIR/fifo zombie

	mkfifo "$fifo"
	# A parent that does not wait for its child, which ends when its parent has become cat.
	sh -c "sh -c 'until grep -q cat /proc/\$PPID/comm; do :; done' & echo \$! >'$BATS_TEST_TMPDIR/zombie'; exec cat '$fifo'" 3>&- &
	STARTED+=("$!")
	wait_until "the child's PID" test -s "$BATS_TEST_TMPDIR/zombie"
	zombie=$(cat "$BATS_TEST_TMPDIR/zombie")
	wait_until "it is a zombie" grep -q '^State:.Z' "/proc/$zombie/status"
	refused_and_clean 1 "" "$PARKSCOPE" -p "$zombie" -n 1
}

@test "a process that ends while we attach: one line, or a last report" {
	local ms

	for ms in 1 20 50 80 120 160 200 250 300 400 500; do
		target_launch exit_race ms="$ms"
		target_wait "$TARGET" '^pid='
		RECORDS=$BATS_TEST_TMPDIR/race.out
		ERRORS=$BATS_TEST_TMPDIR/race.err
		"$PARKSCOPE" -p "$TARGET" -f jsonl -i 10s >"$RECORDS" 2>"$ERRORS" 3>&- &
		SCOPE=$!
		STARTED+=("$SCOPE")
		wait_until "parkscope ends" is_gone "$SCOPE"
		if wait "$SCOPE"; then
			assert_equal "$(cat "$ERRORS")" ""
			assert_complete
			assert_equal "$(ended_because)" process_ended
			assert_equal "$(last process '.p.threads.now')" 0
			echo "ms=$ms: reported"
		else
			assert_equal "$(wc -l <"$ERRORS")" 1
			assert_equal "$(wc -c <"$RECORDS")" 0
			run ! grep -vE '^parkscope: (no process has PID|the process ended before)' "$ERRORS"
			echo "ms=$ms: $(cat "$ERRORS")"
		fi
		wait "$TARGET" || fail "the target failed"
	done
	wait_until "nothing more is loaded than before" no_new_orphans "$ORPHANS"
}

@test "a dump of a process that ends meanwhile: one line, or its report" {
	local ms

	for ms in 1 50 100 150 200 250 300; do
		target_launch exit_race ms="$ms"
		target_wait "$TARGET" '^pid='
		run --separate-stderr "$PARKSCOPE" dump -p "$TARGET"
		if [ "$status" = 0 ]; then
			assert_equal "$stderr" ""
			assert_line --partial exit_race
		else
			assert_equal "$status" 1
			assert_equal "$output" ""
			assert_equal "${#stderr_lines[@]}" 1
		fi
		wait "$TARGET" || fail "the target failed"
	done
}

@test "not root: says so" {
	local copy=/tmp/parkscope-e2e.$$

	# The build may lie in a folder that only root may enter.
	install -m 755 "$PARKSCOPE" "$copy"
	refused 1 "([Rr]oot|CAP_|[Pp]ermission|[Pp]rivilege)" \
		setpriv --reuid=65534 --regid=65534 --clear-groups "$copy" -p "$$"
	refused 1 "([Rr]oot|CAP_|[Pp]ermission|[Pp]rivilege)" \
		setpriv --reuid=65534 --regid=65534 --clear-groups "$copy" dump
	# What asks for nothing needs nothing.
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$copy" --help
	assert_success
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$copy" --version
	assert_success
	rm "$copy"
}

@test "a full disk" {
	target_start leak_threads initial=2
	refused_and_clean 1 "/dev/full.*No space left" "$PARKSCOPE" -p "$TARGET" -f jsonl -o /dev/full
	refused_and_clean 1 "/dev/full.*No space left" "$PARKSCOPE" dump -p "$TARGET" -o /dev/full
	run --separate-stderr bash -c '"$1" dump -p "$2" >/dev/full' - "$PARKSCOPE" "$TARGET"
	assert_equal "$status" 1
	assert_equal "${#stderr_lines[@]}" 1
	run --separate-stderr bash -c '"$1" --help >/dev/full' - "$PARKSCOPE"
	assert_equal "$status" 1
	assert_equal "${#stderr_lines[@]}" 1
	run --separate-stderr bash -c '"$1" features >/dev/full' - "$PARKSCOPE"
	assert_equal "$status" 1
	assert_equal "${#stderr_lines[@]}" 1
	target_quit "$TARGET"
}

@test "a disk that fills up: what was written is whole lines and one more" {
	local status=0

	target_start leak_threads initial=50
	mkdir "$BATS_TEST_TMPDIR/small"
	unshare -m sh -c '
		mount -t tmpfs -o size=64k tmpfs "$1" &&
		"$2" -p "$3" -f jsonl --full -i 100ms -d 60s -o "$1/log" 2>"$4/err"
		status=$?
		cp "$1/log" "$4/log"
		exit $status' - "$BATS_TEST_TMPDIR/small" "$PARKSCOPE" "$TARGET" "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/stdout" || status=$?
	assert_equal "$status" 1
	assert_equal "$(cat "$BATS_TEST_TMPDIR/stdout")" ""
	assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/err")" 1
	run cat "$BATS_TEST_TMPDIR/err"
	assert_output --regexp "^parkscope: .*small/log: No space left on device"
	# Every line but the last is a record.
	head -n -1 "$BATS_TEST_TMPDIR/log" | jq -e .parkscope.seq >/dev/null
	target_quit "$TARGET"
}

@test "output that cannot be opened" {
	refused 1 "$BATS_TEST_TMPDIR: Is a directory" "$PARKSCOPE" -p $$ -o "$BATS_TEST_TMPDIR"
	refused 1 "/nonexistent/log: No such file" "$PARKSCOPE" -p $$ -o /nonexistent/log
	mkdir "$BATS_TEST_TMPDIR/ro"
	refused 1 "ro/log: Read-only file system" unshare -m sh -c \
		'mount -t tmpfs -o ro tmpfs "$1" && exec "$2" -p "$3" -o "$1/log"' \
		- "$BATS_TEST_TMPDIR/ro" "$PARKSCOPE" $$
	# A FIFO without a reader must not block it for ever.
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	refused 1 "pipe: " "$PARKSCOPE" -p $$ -o "$BATS_TEST_TMPDIR/pipe"
	refused 1 "standard output is closed" sh -c 'exec "$1" -p "$2" >&-' - "$PARKSCOPE" $$
}

@test "no BTF" {
	: >"$BATS_TEST_TMPDIR/empty"
	mkdir "$BATS_TEST_TMPDIR/none"
	refused_and_clean 1 "(BTF|CONFIG_DEBUG_INFO_BTF)" unshare -m sh -c \
		'mount --bind "$1" /sys/kernel/btf && exec "$2" dump' - "$BATS_TEST_TMPDIR/none" "$PARKSCOPE"
	refused_and_clean 1 "(BTF|CONFIG_DEBUG_INFO_BTF)" unshare -m sh -c \
		'mount --bind "$1" /sys/kernel/btf/vmlinux && exec "$2" -p $3' \
		- "$BATS_TEST_TMPDIR/empty" "$PARKSCOPE" $$
}

@test "no BTF: features still says what is missing, and fails" {
	mkdir "$BATS_TEST_TMPDIR/none"
	run --separate-stderr unshare -m sh -c 'mount --bind "$1" /sys/kernel/btf && exec "$2" features' \
		- "$BATS_TEST_TMPDIR/none" "$PARKSCOPE"
	assert_equal "$status" 1
	assert_line --regexp '^btf +no '
	assert_equal "${#stderr_lines[@]}" 1
}

@test "in a container's PID namespace" {
	refused_and_clean 1 "PID namespace" unshare -pf --mount-proc "$PARKSCOPE" -p 1
	refused_and_clean 1 "PID namespace" unshare -pf --mount-proc "$PARKSCOPE" dump
}

@test "no /proc" {
	refused_and_clean 1 "/proc" unshare -m sh -c 'umount -l /proc; exec "$1" dump' - "$PARKSCOPE"
}

# perl is in every Debian; it sets its name by writing /proc/self/comm, which is prctl(PR_SET_NAME).
start_hostile() {
	local begin=${1:0:2}

	need perl perl
	mkfifo "$BATS_TEST_TMPDIR/hostile"
	perl -e 'open my $c, ">", "/proc/self/comm" or die; syswrite $c, $ARGV[0]; close $c;
		open my $f, "<", $ARGV[1] or die; <$f>' "$1" "$BATS_TEST_TMPDIR/hostile" 3>&- &
	TARGET=$!
	STARTED+=("$TARGET")
	wait_until "it has its name" eval '[ "$(head -c 2 "/proc/$TARGET/comm")" = "$begin" ]'
}

@test "a hostile process name forges no line in text" {
	start_hostile $'ab\n\e[31m"\\\'--- z'
	run --separate-stderr "$PARKSCOPE" -p "$TARGET" -i 200ms -n 1 --plain
	assert_success
	assert_equal "$stderr" ""
	# No control character, and the process in one line.
	run ! grep -P '[\x00-\x08\x0b-\x1f\x7f]' <<<"$output"
	run "$PARKSCOPE" dump -p "$TARGET"
	assert_success
	run ! grep -P '[\x00-\x08\x0b-\x1f\x7f]' <<<"$output"
	run "$PARKSCOPE" dump -p "$TARGET"
	assert_equal "$(grep -c "$TARGET" <<<"$output")" 2
	assert_line --index 4 --regexp "^ +thread: $TARGET ab.*\[31m[^[:cntrl:]]*---$"
	assert_equal "$(grep -c '^---' <<<"$output")" 1
	assert_line --index 1 --regexp "^ab.*\[31m.* $TARGET +threads 1"
	run "$PARKSCOPE" -i 200ms -n 1 -t 1000
	run ! grep -P '[\x00-\x08\x0b-\x1f\x7f]' <<<"$output"
}

@test "a hostile process name forges no record in jsonl" {
	start_hostile $'ab\n\e[31m"\\\'--- z'
	RECORDS=$BATS_TEST_TMPDIR/hostile.out
	"$PARKSCOPE" dump -f jsonl -p "$TARGET" >"$RECORDS"
	assert_complete
	assert_equal "$(last process '.process.name | tojson')" '"ab\n\u001b[31m\"\\'"'"'--- "'
	run ! grep -P '[\x00-\x09\x0b-\x1f\x7f-\xff]' "$RECORDS"
}

@test "a process name that is no UTF-8" {
	start_hostile $'abc\xff\xfe\xc0\x80d'
	RECORDS=$BATS_TEST_TMPDIR/hostile.out
	"$PARKSCOPE" dump -f jsonl -p "$TARGET" >"$RECORDS"
	assert_complete
	assert_equal "$(last process '.process.name | startswith("abc")')" true
	run "$PARKSCOPE" dump -p "$TARGET"
	assert_success
	iconv -f UTF-8 -t UTF-8 <<<"$output" >/dev/null || fail "text is no UTF-8"
}
