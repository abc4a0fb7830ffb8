#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Verdicts on servers that nobody here wrote: idle, while clients come, under load, and idle again
# nothing is leaking; and a leak that clients make in one of them.
#
# packages: postgresql mariadb-server-core mariadb-client redis-server redis-tools memcached nginx
# packages: prometheus etcd-server caddy nats-server default-jre-headless libtomcat10-java tomcat10-common
# packages: nodejs python3 python3-jsonschema curl jq
#
# PARKSCOPE names the program under test; default: build/dev/parkscope.
# PARKSCOPE_SERVERS_SECONDS: how long all are watched; default: 40. Only from 850 on have the clients
# of the ramp been there for long enough that untimed waits could be taken for a leak.
# PARKSCOPE_SERVERS_RECORDS: a file that keeps the records; it can be large.

# shellcheck disable=SC2154 # servers.bash sets servers, real_programs.bash begun
bats_require_minimum_version 1.5.0

load real_programs
load go_programs
load servers

parkscope=${PARKSCOPE:-$BATS_TEST_DIRNAME/../../build/dev/parkscope}
seconds=${PARKSCOPE_SERVERS_SECONDS:-40}
connections=$((seconds < 300 ? 12 : 20))
# Of the user that MariaDB runs as; not many servers here run as that one.
readonly nproc_limit=1200

setup_file() {
	local server command

	[ "$(id -u)" = 0 ] || skip "needs root"
	for command in "$(postgresql_bin)/postgres" mariadbd mariadb redis-server memcached nginx \
		prometheus etcd caddy nats-server /usr/lib/jvm/default-java/bin/java /usr/share/tomcat10/bin/catalina.sh \
		node python3 curl jq; do
		command -v "$command" >/dev/null || {
			echo "$command is missing; see the packages in $BATS_TEST_FILENAME"
			return 1
		}
	done
	# Short for the paths of sockets, open to the users the servers run as.
	real=$(mktemp -d /tmp/parkscope-servers.XXXXXX)
	export real
	chmod 711 "$real"
	for server in "${servers[@]}"; do
		mkdir "$real/$server"
		"prepare_$server" || {
			cat "$real/$server"/*.log
			return 1
		}
		if [ "$server" = mariadb ]; then
			(ulimit -S -u "$nproc_limit" && start_server "$server")
		else
			start_server "$server"
		fi
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

	for pid in "${watcher:-}" "${clients:-}"; do
		[ -z "$pid" ] || end_process "$pid"
	done
}

# watch_in_background FILE ARGUMENTS...: sets $watcher; returns when there is a report
watch_in_background() {
	local file=$1

	shift
	begin "$file.err" "$parkscope" watch -f jsonl --full -o "$file" "$@"
	watcher=$begun
	until_true 30 grep -qs '"dataset":"parkscope.process"' "$file"
}

end_watch() {
	end_process "$watcher" INT
	watcher=
	cat "$1.err"
	[ ! -s "$1.err" ]
	"$BATS_TEST_DIRNAME/validate-jsonl" "$1"
}

@test "every server, idle, with more and more clients, loaded and idle again: none is leaking" {
	local file=${PARKSCOPE_SERVERS_RECORDS:-$BATS_TEST_TMPDIR/all.jsonl} status=0
	local idle=$((seconds / 20 + 3)) ramp=$((seconds * 6 / 10))

	list_for_report >"$BATS_TEST_TMPDIR/servers"
	list_for_clients >"$BATS_TEST_TMPDIR/clients.in"
	watch_in_background "$file" -i "$((seconds < 300 ? 2 : 5))s" \
		-p "$(cut -d ' ' -f 2- "$BATS_TEST_TMPDIR/servers" | tr -s ' \n' ,, | sed 's/,$//')"
	"$BATS_TEST_DIRNAME/clients" --connections "$connections" "$BATS_TEST_TMPDIR/clients.in" \
		"$idle" "$ramp" "$((seconds - ramp - 2 * idle))" "$idle" >"$BATS_TEST_TMPDIR/phases" || status=$?
	cat "$BATS_TEST_TMPDIR/phases"
	[ "$status" = 0 ]
	end_watch "$file"
	"$BATS_TEST_DIRNAME/check-servers" "$file" "$BATS_TEST_TMPDIR/servers" "$BATS_TEST_TMPDIR/phases" \
		>"$BATS_TEST_TMPDIR/verdicts" || status=$?
	cat "$BATS_TEST_TMPDIR/verdicts"
	[ -z "${PARKSCOPE_SERVERS_SECONDS:-}" ] || cat "$BATS_TEST_TMPDIR"/{phases,verdicts} >&3
	[ "$status" = 0 ]
}

# told FILE DATASET EXPRESSION: the last such record of which the expression (of .parkscope) holds
told() {
	jq -c --arg dataset "parkscope.$2" "select(.event.dataset == \$dataset).parkscope | select($3)" "$1" |
		tail -n 1
}

is_told() { [ -n "$(told "$@")" ]; }

# assert_true RECORD EXPRESSION
assert_true() {
	jq -e "$2" <<<"$1" >/dev/null || {
		printf 'not true: %s\nof %s\n' "$2" "$1"
		return 1
	}
}

# assert_limit PROCESS NAME PER_MINUTE SHARE: it will be met when what is left has been used at that
# rate, give or take that share
assert_limit() {
	assert_true "$1" ".limits[] | select(.name == \"$2\") | .limit > .used
		and (.rate_per_min / $3 - 1 | fabs) < $4
		and (.seconds / ((.limit - .used) / $3 * 60) - 1 | fabs) < $4"
}

@test "MariaDB, whose clients never close: growth where threads of connections are born, and when a limit is met" {
	local file=$BATS_TEST_TMPDIR/leak.jsonl limit=max_map_count patience=60 pid per_minute=120 record

	# Threads of a user are counted twice a minute only.
	((seconds < 300)) || limit=nproc patience=400
	pid=$(<"$real/mariadb/pid")
	mariadb --no-defaults -u root -S "$real/mariadb/socket" -e 'SET GLOBAL max_connections = 2000'
	watch_in_background "$file" -i 1s -p "$pid"
	echo "mariadb mariadb $real/mariadb/socket" >"$file.server"
	begin "$file.clients" "$BATS_TEST_DIRNAME/clients" --leak "$((per_minute / 60))" "$file.server"
	clients=$begun
	until_true 40 is_told "$file" verdict '.kind == "birth_site" and .verdict == "growing"'
	until_true 40 is_told "$file" verdict '.kind == "park_site" and .verdict == "growing"'
	until_true "$patience" is_told "$file" process ".limits // [] | any(.name == \"$limit\")"
	start_time "$clients" >/dev/null # otherwise it was no leak to the end
	end_watch "$file"
	end_process "$clients"
	clients=

	record=$(told "$file" verdict '.kind == "birth_site"')
	assert_true "$record" '.verdict == "growing" and .class == "never"
		and (.stack | any(startswith("create_thread_to_handle_connection+")))'
	record=$(told "$file" birth_site '.stack | any(startswith("create_thread_to_handle_connection+"))')
	assert_true "$record" ".rate_per_min / $per_minute > 0.9 and .rate_per_min / $per_minute < 1.1 and .live > 10"
	# Each waits for what its client will say.
	record=$(told "$file" verdict '.kind == "park_site"')
	assert_true "$record" '.verdict == "growing" and .class == "never" and .reason == "poll"
		and (.stack | any(startswith("vio_io_wait+")))'
	[ -z "$(told "$file" verdict '.verdict == "leaking"')" ]
	record=$(told "$file" process .limits)
	# A thread has two mappings: its stack and the page that guards that.
	assert_limit "$record" max_map_count "$((per_minute * 2))" 0.1
	# Others of the user come and go.
	[ "$limit" != nproc ] || assert_limit "$record" nproc "$per_minute" 0.25
	[ -z "${PARKSCOPE_SERVERS_SECONDS:-}" ] || jq -c .limits <<<"$record" >&3
}
