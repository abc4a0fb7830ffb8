# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Private instances of real servers, each in a folder of its own below $real, on sockets
# there or on free ports of 127.0.0.1. A server NAME is known by these files in $real/NAME:
#   pid        of the server that runs, absent: none does
#   port       where it has one
#   log        what it printed
# Everything started is on record in $real/started until it has ended.

# shellcheck disable=SC2034 # for the tests
servers=(postgresql redis mariadb h2 node python)

# PIDs of everything started, with the start time that tells a PID used again.
# shellcheck disable=SC2154 # the tests set $real
started_file() { echo "$real/started"; }

# start_time PID: in clock ticks since boot; fails without such a process
start_time() {
	local stat
	read -r stat 2>/dev/null </proc/"$1"/stat || return 1
	stat=${stat##*) }
	[ "${stat:0:1}" != Z ] || return 1
	# shellcheck disable=SC2086
	set -- $stat
	echo "${20}"
}

# begin LOG COMMAND...: in the background, its output to LOG; sets $begun
begin() {
	local log=$1
	shift
	"$@" >>"$log" 2>&1 </dev/null 3>&- &
	begun=$!
	echo "$begun $(start_time $begun)" >>"$(started_file)"
}

# until_true SECONDS COMMAND...: polls until the command succeeds
until_true() {
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until "$@"; do
		if ((${EPOCHREALTIME/[.,]/} > end)); then
			echo "not within the time: $*"
			return 1
		fi
		sleep 0.05
	done
}

is_gone() { ! start_time "$1" >/dev/null; }

# await_end SECONDS PID: says what has not ended in time, and where it is
await_end() {
	until_true "$1" is_gone "$2" || {
		tr '\0' ' ' <"/proc/$2/cmdline"
		echo
		head -n 100 "/proc/$2/task/"*/syscall
		return 1
	}
}

# end_process PID [SIGNAL]: asks, and kills what does not go within 10 s
end_process() {
	kill -s "${2:-TERM}" "$1" 2>/dev/null || true
	until_true 10 is_gone "$1" && return 0
	kill -s KILL "$1" 2>/dev/null || true
	until_true 5 is_gone "$1"
	return 1
}

end_everything() {
	local pid start

	[ -e "$(started_file)" ] || return 0
	while read -r pid start; do
		if [ -n "$start" ] && [ "$(start_time "$pid")" = "$start" ]; then
			end_process "$pid" || echo "had to kill $pid" >&2
		fi
	done < <(tac "$(started_file)")
}

as_user() {
	local user=$1
	shift
	setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups -- "$@"
}

newest_folder() { printf '%s\n' "$@" | sort -V | tail -n 1; }

postgresql_bin() { newest_folder /usr/lib/postgresql/*/bin; }

# prepare_NAME: what is done once, before the first start

prepare_postgresql() {
	chown postgres "$real/postgresql"
	as_user postgres "$(postgresql_bin)/initdb" --no-sync --auth=trust \
		-D "$real/postgresql/data" >"$real/postgresql/initdb.log" 2>&1
}

prepare_mariadb() {
	chown nobody "$real/mariadb"
	as_user nobody mariadb-install-db --no-defaults --skip-test-db \
		--auth-root-authentication-method=normal --datadir="$real/mariadb/data" \
		>"$real/mariadb/install.log" 2>&1
}

prepare_redis() { :; }
prepare_h2() { :; }
prepare_node() { :; }
prepare_python() { :; }

# launch_NAME: starts it; ready_NAME: whether it serves

launch_postgresql() {
	begin "$real/postgresql/log" setpriv --reuid=postgres --regid="$(id -g postgres)" \
		--clear-groups -- "$(postgresql_bin)/postgres" -D "$real/postgresql/data" \
		-c listen_addresses= -c unix_socket_directories="$real/postgresql" -c fsync=off
}

ready_postgresql() { pg_isready -q -U postgres -h "$real/postgresql"; }

launch_redis() {
	begin "$real/redis/log" redis-server --port 0 --unixsocket "$real/redis/socket" \
		--save '' --appendonly no --dir "$real/redis"
}

ready_redis() { [ "$(redis-cli -s "$real/redis/socket" ping 2>/dev/null)" = PONG ]; }

launch_mariadb() {
	begin "$real/mariadb/log" setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups \
		-- mariadbd --no-defaults --datadir="$real/mariadb/data" --skip-networking \
		--socket="$real/mariadb/socket" --pid-file="$real/mariadb/mariadbd.pid" \
		--innodb-buffer-pool-size=8M --innodb-flush-log-at-trx-commit=0
}

ready_mariadb() { mariadb-admin --no-defaults -u root -S "$real/mariadb/socket" -s ping >/dev/null 2>&1; }

# The console of the H2 database: a thread a connection, in a JVM of default size
launch_h2() {
	rm -f "$real/h2/port"
	begin "$real/h2/log" /usr/lib/jvm/default-java/bin/java -Duser.home="$real/h2" \
		-cp /usr/share/java/h2.jar org.h2.tools.Server -web -webPort 0 \
		-properties "$real/h2"
}

ready_h2() { has_port h2 's!.*running at http://[^ ]*:\([0-9]\+\) .*!\1!p' && answers h2; }

# Node is nothing without a program: a server, with two workers that wait for messages
launch_node() {
	rm -f "$real/node/port"
	begin "$real/node/log" node -e '
		const { Worker } = require("worker_threads");
		for (let i = 0; i < 2; i++)
			new Worker("require(\"worker_threads\").parentPort.on(\"message\", () => {})",
				{ eval: true });
		const server = require("http").createServer((request, response) =>
			require("fs").readFile("/etc/passwd", (error, text) => response.end(text)));
		server.listen(0, "127.0.0.1", () => console.log("port", server.address().port));'
}

ready_node() { has_port node 's/^port \([0-9]\+\)$/\1/p' && answers node; }

launch_python() {
	rm -f "$real/python/port"
	begin "$real/python/log" python3 -u -m http.server --bind 127.0.0.1 \
		--directory /usr/share/doc 0
}

ready_python() { has_port python 's/^Serving HTTP on .* port \([0-9]\+\) .*/\1/p' && answers python; }

# has_port NAME SED-SCRIPT: finds it in what the server has printed since it was started
has_port() {
	local port

	port=$(sed -n "$2" "$real/$1/log" | tail -n 1)
	[ -n "$port" ] && echo "$port" >"$real/$1/port"
}

answers() { curl -s -o /dev/null --max-time 2 "http://127.0.0.1:$(<"$real/$1/port")/"; }

start_server() {
	: >"$real/$1/log"
	"launch_$1"
	echo "$begun" >"$real/$1/pid"
}

await_server() {
	until_true 30 "ready_$1" || {
		tail -n 20 "$real/$1/log"
		return 1
	}
}

# PostgreSQL waits for its clients at SIGTERM, and ends them at SIGINT.
stop_server() {
	local signal=TERM pid

	[ "$1" != postgresql ] || signal=INT
	pid=$(<"$real/$1/pid")
	rm -f "$real/$1/pid"
	end_process "$pid" "$signal"
}

# server_pids NAME: the server and its children, one a line
server_pids() {
	local pid

	pid=$(<"$real/$1/pid")
	echo "$pid"
	cat "/proc/$pid/task/"*/children 2>/dev/null | tr ' ' '\n' | grep . || true
}

# load_NAME: bounded, a few seconds; begun in the background

load_postgresql() {
	local bin
	bin=$(postgresql_bin)
	begin "$real/postgresql/load" sh -c "'$bin/pgbench' -h '$real/postgresql' -U postgres -i -q postgres &&
		exec '$bin/pgbench' -h '$real/postgresql' -U postgres -c 4 -T 3 postgres"
}

load_redis() {
	begin "$real/redis/load" redis-benchmark -s "$real/redis/socket" -c 20 -n 60000 -t set,get -q
}

load_mariadb() {
	begin "$real/mariadb/load" mariadb-slap --no-defaults -u root -S "$real/mariadb/socket" \
		--auto-generate-sql --concurrency=8 --number-of-queries=2000
}

load_h2() { begin "$real/h2/load" ab -q -c 8 -t 3 -n 20000 "http://127.0.0.1:$(<"$real/h2/port")/"; }
load_node() { begin "$real/node/load" ab -q -c 8 -t 3 -n 20000 "http://127.0.0.1:$(<"$real/node/port")/"; }
load_python() { begin "$real/python/load" ab -q -c 8 -t 3 -n 20000 "http://127.0.0.1:$(<"$real/python/port")/"; }

# descriptor_kind PID FD: as parkscope names it
descriptor_kind() {
	case $(stat -L -c %F "/proc/$1/fd/$((16#${2#0x}))" 2>/dev/null) in
	fifo) echo pipe ;;
	socket) echo socket ;;
	'character special file') echo device ;;
	'regular file' | 'regular empty file') echo file ;;
	*) echo event ;;
	esac
}

# The reason of a system call of x86-64, written down here a second time on purpose:
# from the tables of the kernel, not from those of parkscope.
reason_of_call() {
	local pid=$1 number=$2 first=$3 second=$4

	case $number in
	0 | 19 | 17) echo "$(descriptor_kind "$pid" "$first")_read" ;;
	1 | 20 | 18) echo "$(descriptor_kind "$pid" "$first")_write" ;;
	7 | 271) echo poll ;;
	23 | 270) echo select ;;
	34 | 128 | 130) echo signal ;;
	35 | 230) echo sleep ;;
	43 | 288) echo socket_accept ;;
	45 | 47 | 299) echo socket_read ;;
	61 | 247) echo wait_child ;;
	202)
		case $((second & 0x7f)) in
		0 | 6 | 9 | 11 | 13) echo futex ;;
		*) echo kernel ;;
		esac
		;;
	208 | 333) echo file_read ;;
	232 | 281 | 441) echo epoll ;;
	426) echo io_uring ;;
	449 | 455) echo futex ;;
	*) echo "call_$number" ;;
	esac
}

# reasons_of_threads PID...: "reason count" a line, sorted; "running" for what does not wait
reasons_of_threads() {
	local pid file number first second rest

	for pid in "$@"; do
		for file in /proc/"$pid"/task/*/syscall; do
			read -r number first second rest 2>/dev/null <"$file" || continue
			case $number in
			running) echo running ;;
			*) reason_of_call "$pid" "$number" "$first" "$second" ;;
			esac
		done
	done | sort | uniq -c | awk '{print $2, $1}'
}

# The same, looked at again while something runs
reasons_of_idle_threads() {
	local reasons

	for _ in {1..100}; do
		reasons=$(reasons_of_threads "$@")
		grep -q '^running ' <<<"$reasons" || break
	done
	echo "$reasons"
}

# What /proc/PID/status says of each PID, every millisecond, ahead of everything else on the
# machine: a JVM under load has a thread more or less every other millisecond. Prints
# "seconds pid threads" when asked to end.
readonly sampler_program='
import signal, sys, time
ending = []
signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
files = {pid: open(f"/proc/{pid}/status", "rb", buffering=0) for pid in sys.argv[1:]}
samples = []
while not ending and files:
    for pid, file in list(files.items()):
        try:
            file.seek(0)
            status = file.read(8192)
            threads = int(status.split(b"\nThreads:", 1)[1].split(None, 1)[0])
            samples.append((time.time(), pid, threads))
        except (OSError, IndexError):
            del files[pid]
    time.sleep(0.001)
for at, pid, threads in samples:
    print(f"{at:.6f} {pid} {threads}")
'

# begin_sampling FILE PID...: sets $begun
begin_sampling() {
	local file=$1

	shift
	begin "$file" chrt --fifo 10 python3 -c "$sampler_program" "$@"
}

# shellcheck disable=SC2016 # jq's own variables
readonly jq_reports='
	def dataset($name): .event.dataset == "parkscope." + $name;
	def sum(f): map(f) | add // 0;

	# Of each process and report: its own record and those of its sites
	def reports: map(select(.process)) | group_by([.["@timestamp"], .process.pid, .parkscope.exec_id])
		| map({
			at: .[0]["@timestamp"],
			pid: .[0].process.pid,
			name: .[0].process.name,
			processes: map(select(dataset("process")).parkscope),
			park: map(select(dataset("park_site")).parkscope | select(.unit == "thread")),
			birth: map(select(dataset("birth_site")).parkscope | select(.unit == "thread")),
			made: map(select(dataset("birth_site")).parkscope | select(.unit == "goroutine"))
		} + {own: (map(select(dataset("process")).parkscope)[0])});
'

# Times may be 0.5 s too long: a report is dated when its sweep begins, but on a loaded machine
# the sweep sees a thread later, and counts the waits of a process that ends until its end.
#
# violations FILE: what contradicts itself in a --full run, one a line; empty if nothing does
violations() {
	jq -rs "$jq_reports"'
		def complaints:
			(if (.processes | length) != 1 then "\(.processes | length) process records" else empty end),
			(.own as $own | $own.threads as $threads
			| (.park | sum(.crowd.now)) as $parked
			| (.birth | sum(.live)) as $live
			| (if $parked > $threads.now then "\($parked) parked of \($threads.now)" else empty end),
			(if $live != $threads.now then "\($live) live by birth, \($threads.now) threads" else empty end),
			(($own.goroutines // empty | .now + .runtime) as $goroutines
				| if (.made | sum(.live)) != $goroutines
				then "\(.made | sum(.live)) live by birth, \($goroutines) goroutines" else empty end),
			(if ($threads.now > 0) == ($own.ended == true)
				then "\($threads.now) threads, ended \($own.ended)" else empty end),
			(.park[] | select(.crowd.oldest_s > 366 * 86400) | "oldest \(.crowd.oldest_s)"),
			(.park[] | select(.waits.max_s > $own.watched_s * 1.05 + 0.5)
				| "\(.reason) max_s \(.waits.max_s), watched \($own.watched_s)"),
			($own.waits[]? | select(.waiting_s > $own.interval_s * ($threads.now + $threads.exited) * 1.05 + 0.5)
				| "\(.reason) waiting_s \(.waiting_s) in \($own.interval_s) of \($threads)"),
			($own.waits[]? | select((.histogram | map(.[1]) | add // 0) != .count)
				| "\(.reason) count \(.count), histogram \(.histogram)"),
			($own.waits[]? | select(.restarts > 0 and .count == 0) | "\(.reason) \(.restarts) restarts of no wait"));
		# Over the whole run, the sums of what each report says
		def whole_run:
			sort_by(.at) | . as $all
			| ($all | sum(.own.threads.born)) as $born
			| ($all | sum(.own.threads.exited)) as $exited
			| ($all[-1].own.watched_s) as $watched
			| ($all | sum(.own.waits // [] | sum(.seconds))) as $seconds
			| ($all[-1].own.threads.now + $exited) as $threads
			| (if $seconds > $watched * $threads * 1.05 + 0.5
				then "waited \($seconds) s, watched \($watched) s, \($threads) threads" else empty end),
			($all[0].own.threads | .now - .born + .exited) as $first
			| (if $first + $born - $exited != $all[-1].own.threads.now
				then "\($first) threads + \($born) - \($exited) is not \($all[-1].own.threads.now)" else empty end),
			# The rate is measured between reports, of which the first may come long after the birth.
			($all[] | .own | select((.threads.rate_per_min | fabs)
					> ($born + $exited) * 60 / ([.watched_s - $all[0].own.watched_s, 0.1] | max) * 1.1)
				| "rate \(.threads.rate_per_min) after \(.watched_s) s, \($born) born, \($exited) exited"),
			($all | map(select(.own.ended)) | if length > 1 then "\(length) times ended" else empty end),
			($all | map(.own.ended // false) | index(true) as $last
				| if $last != null and $last != length - 1 then "a report after the last" else empty end);
		reports
		| (.[] | "\(.at) \(.name) \(.pid): " + complaints),
		(group_by([.pid, .own.exec_id]) | .[] | "\(.[0].name) \(.[0].pid): " + whole_run)' "$1"
}

# wrong_counts FILE SAMPLES PID: reports whose number of threads /proc never showed in the 0.1 s
# before and after the sweep; empty if none. Fails without a report to compare.
wrong_counts() {
	jq -r --argjson pid "$3" 'select(.event.dataset == "parkscope.process" and .process.pid == $pid
			and (.parkscope.ended | not))
		| "\(.["@timestamp"] | sub("\\.[0-9]+Z$"; "Z") | fromdateiso8601)\(.["@timestamp"] | capture("(?<ms>\\.[0-9]+)Z$").ms) \(.parkscope.threads.now)"' \
		"$1" | awk -v pid="$3" '
		NR == FNR { if ($2 == pid) { at[n] = $1; threads[n++] = $3 } next }
		{
			low = high = -1
			for (i = 0; i < n; i++) {
				if (at[i] < $1 - 0.1 || at[i] > $1 + 0.1) continue
				if (low < 0 || threads[i] < low) low = threads[i]
				if (threads[i] > high) high = threads[i]
			}
			if (low < 0) next
			compared++
			if ($2 < low || $2 > high) print "at " $1 " threads.now " $2 ", /proc " low " to " high
		}
		END { if (!compared) { print "nothing to compare"; exit 1 } }' "$2" -
}

# The causes a report may name; all others are bugs here. (thread_records_full: see births.bats.)
readonly known_losses='process_between_sweeps|wait_site_replaced|thread_moved|wait_end_missed|stack_not_captured|events_full|exec_by_other_thread|thread_records_full|thread_reasons_full|budget_[a-z]+|stack_cut_[a-z_]+'

# unknown_losses FILE: causes and counts that should not be
unknown_losses() {
	jq -r --arg known "^($known_losses)\$" 'select(.event.dataset == "parkscope.end").parkscope.losses
		| to_entries[] | select(.key | test($known) | not) | "\(.key) \(.value)"' "$1"
}
