#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Verdicts on servers that nobody here wrote: idle, while clients come, under load, and idle again
# nothing is leaking; and a leak that clients make in one of them.
#
# packages: postgresql mariadb-server-core mariadb-client redis-server redis-tools memcached nginx
# packages: prometheus etcd-server caddy default-jre-headless libtomcat10-java tomcat10-common nodejs
# packages: python3 python3-jsonschema curl jq
#
# PARKSCOPE names the program under test; default: build/dev/parkscope.
# PARKSCOPE_SERVERS_SECONDS: how long all are watched; default: 60. Only from about 800 on have the
# clients of the ramp been there for long enough that untimed waits may be taken for a leak.
# PARKSCOPE_SERVERS_RECORDS: a file that keeps the records; it can be large.

# shellcheck disable=SC2154 # servers.bash sets servers, real_programs.bash begun
bats_require_minimum_version 1.5.0

load real_programs
load go_programs
load servers

parkscope=${PARKSCOPE:-$BATS_TEST_DIRNAME/../../build/dev/parkscope}
seconds=${PARKSCOPE_SERVERS_SECONDS:-60}
connections=12

setup_file() {
	local server command

	[ "$(id -u)" = 0 ] || skip "needs root"
	for command in "$(postgresql_bin)/postgres" mariadbd mariadb-admin redis-server memcached nginx \
		prometheus etcd caddy /usr/lib/jvm/default-java/bin/java /usr/share/tomcat10/bin/catalina.sh \
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

	list_for_report >"$BATS_TEST_TMPDIR/servers"
	list_for_clients >"$BATS_TEST_TMPDIR/clients.in"
	watch_in_background "$file" -i "$((seconds < 300 ? 2 : 5))s" \
		-p "$(cut -d ' ' -f 2- "$BATS_TEST_TMPDIR/servers" | tr -s ' \n' ,, | sed 's/,$//')"
	# Long enough in the ramp for what it begins to be taken for a leak, if anything is.
	"$BATS_TEST_DIRNAME/clients" --connections "$connections" "$((seconds / 10))" \
		"$((seconds * 6 / 10))" "$((seconds * 2 / 10))" "$((seconds / 10))" \
		<"$BATS_TEST_TMPDIR/clients.in" >"$BATS_TEST_TMPDIR/phases" || status=$?
	cat "$BATS_TEST_TMPDIR/phases"
	[ "$status" = 0 ]
	end_watch "$file"
	"$BATS_TEST_DIRNAME/check-servers" "$file" "$BATS_TEST_TMPDIR/servers" "$BATS_TEST_TMPDIR/phases" \
		>"$BATS_TEST_TMPDIR/verdicts" || status=$?
	cat "$BATS_TEST_TMPDIR/verdicts"
	[ "${PARKSCOPE_SERVERS_SECONDS:-}" = "" ] || cat "$BATS_TEST_TMPDIR"/{phases,verdicts} >&3
	[ "$status" = 0 ]
}
