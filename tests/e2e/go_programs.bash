# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Private instances of real servers in Go, started and stopped by real_programs.bash. Each is known
# by these files besides in $real/NAME:
#   port       of 127.0.0.1, where it answers /metrics and /debug/pprof/goroutine
#   files_port of caddy, where it serves files

# shellcheck disable=SC2034 # for the tests
servers=(prometheus etcd caddy)

# free_port: one that nobody listens on now
free_port() {
	python3 -c 'import socket
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    print(s.getsockname()[1])'
}

# shellcheck disable=SC2154 # the tests set $real
port_of() { echo "$(<"$real/$1/port")"; }

url_of() { echo "http://127.0.0.1:$(port_of "$1")"; }

# succeeds URL: with a status below 400
succeeds() { curl -sf -o /dev/null --max-time 2 "$1"; }

prepare_prometheus() {
	free_port >"$real/prometheus/port"
	cat >"$real/prometheus/prometheus.yml" <<-CONFIG
		global:
		  scrape_interval: 1s
		scrape_configs:
		  - job_name: prometheus
		    static_configs:
		      - targets: ["127.0.0.1:$(port_of prometheus)"]
	CONFIG
}

prepare_etcd() { free_port >"$real/etcd/port"; }

prepare_caddy() {
	free_port >"$real/caddy/port"
	free_port >"$real/caddy/files_port"
	cat >"$real/caddy/Caddyfile" <<-CONFIG
		{
			admin 127.0.0.1:$(port_of caddy)
			auto_https off
		}
		http://127.0.0.1:$(<"$real/caddy/files_port") {
			root * /usr/share/doc
			file_server browse
		}
	CONFIG
}

launch_prometheus() {
	begin "$real/prometheus/log" prometheus --config.file="$real/prometheus/prometheus.yml" \
		--storage.tsdb.path="$real/prometheus/data" --log.level=warn \
		--web.listen-address="127.0.0.1:$(port_of prometheus)"
}

ready_prometheus() { succeeds "$(url_of prometheus)/-/ready"; }

# A cluster of one: the peer URL is only a name.
launch_etcd() {
	begin "$real/etcd/log" env ETCD_UNSUPPORTED_ARCH="$(uname -m | sed s/aarch64/arm64/)" \
		etcd --data-dir "$real/etcd/data" --enable-pprof \
		--listen-client-urls "$(url_of etcd)" --advertise-client-urls "$(url_of etcd)" \
		--listen-peer-urls http://127.0.0.1:0 --initial-advertise-peer-urls http://127.0.0.1:1 \
		--initial-cluster default=http://127.0.0.1:1
}

ready_etcd() { curl -s --max-time 2 "$(url_of etcd)/health" | grep -q '"true"'; }

launch_caddy() {
	begin "$real/caddy/log" env HOME="$real/caddy" XDG_DATA_HOME="$real/caddy" \
		XDG_CONFIG_HOME="$real/caddy" \
		caddy run --config "$real/caddy/Caddyfile" --adapter caddyfile
}

ready_caddy() {
	succeeds "$(url_of caddy)/metrics" && succeeds "http://127.0.0.1:$(<"$real/caddy/files_port")/"
}

# load_NAME: until it is ended; begun in the background

load_prometheus() {
	# shellcheck disable=SC2016 # the shell that runs it expands it
	begin "$real/prometheus/load" bash -c 'while :; do
			curl -sg "$1/api/v1/query?query=rate(go_goroutines[10s])" \
				"$1/api/v1/series?match[]=up" "$1/metrics" >/dev/null
		done' load "$(url_of prometheus)"
}

load_etcd() {
	# shellcheck disable=SC2016 # the shell that runs it expands it
	begin "$real/etcd/load" bash -c 'i=0
		while :; do
			etcdctl --endpoints "$1" put "key$((i++ % 100))" "$i" >/dev/null
			etcdctl --endpoints "$1" get --prefix key >/dev/null
		done' load "$(url_of etcd)"
}

load_caddy() {
	# shellcheck disable=SC2016 # the shell that runs it expands it
	begin "$real/caddy/load" bash -c 'while :; do ab -q -k -c 8 -t 1 -n 100000 "$1" >/dev/null; done' \
		load "http://127.0.0.1:$(<"$real/caddy/files_port")/"
}

# What the program says about itself

own_count() { curl -sf --max-time 5 "$(url_of "$1")/metrics" | sed -n 's/^go_goroutines //p'; }

own_stacks() { curl -sf --max-time 10 "$(url_of "$1")/debug/pprof/goroutine?debug=2"; }

# begin_counting NAME FILE: writes a count a line to FILE; sets $begun
begin_counting() {
	# shellcheck disable=SC2016 # the shell that runs it expands it
	begin "$2" bash -c 'while :; do
			curl -sf --max-time 5 "$1/metrics" | sed -n "s/^go_goroutines //p"
			sleep 0.2
		done' counting "$(url_of "$1")"
}

# What parkscope says, of one process in a --full run. Each prints what is wrong, a line each;
# empty if nothing is.

# reports_without_sites FILE PID: of goroutines, or without any process record
reports_without_sites() {
	jq -rs --argjson pid "$2" 'map(select(.process.pid == $pid))
		| (map(select(.event.dataset == "parkscope.process")["@timestamp"]) | unique) as $reports
		| (map(select(.event.dataset == "parkscope.park_site" and .parkscope.unit == "goroutine"
			and .parkscope.crowd.now > 0)["@timestamp"]) | unique) as $with_sites
		| (if $reports == [] then "no report" else empty end), ($reports - $with_sites)[]' "$1"
}

# frames_without_names FILE PID: in stacks of goroutines
frames_without_names() {
	jq -rs --argjson pid "$2" '[.[] | select(.event.dataset == "parkscope.park_site"
			and .process.pid == $pid and .parkscope.unit == "goroutine").parkscope
		| (if (.stack | length) == 0 then "site \(.site) without a stack" else empty end),
			((.stack[]?, .created_by // empty) | select(test("^[^(]*\\+0x[0-9a-f]+$")))] | unique[]' "$1"
}

# wrong_goroutine_counts FILE PID COUNTS: reports whose number of goroutines is not near to those in
# COUNTS, which are the program's own. Ours may hold a few of the runtime's, and finds others than
# the program, whose looks come with a connection and its goroutines.
wrong_goroutine_counts() {
	jq -rs --argjson pid "$2" --rawfile counts "$3" '
		($counts | split("\n") | map(select(. != "") | tonumber)) as $counts
		| ([($counts | min) * 0.9 - 5, ($counts | max) * 1.1 + 8]) as [$low, $high]
		| .[] | select(.event.dataset == "parkscope.process" and .process.pid == $pid
			and (.parkscope.ended | not))
		| .parkscope.goroutines.now as $now
		| select($now == null or $now < $low or $now > $high)
		| "\(.["@timestamp"]): \($now), the program says \($counts | min) to \($counts | max)"' "$1"
}

# goroutine_losses FILE PID: if they are 0.1 % or more of the goroutines seen, and more than one
goroutine_losses() {
	jq -rs --argjson pid "$2" '
		(map(select(.event.dataset == "parkscope.process" and .process.pid == $pid)
			.parkscope.goroutines.now // 0) | add // 0) as $seen
		| (map(select(.event.dataset == "parkscope.end").parkscope.losses | to_entries[]
			| select(.key | startswith("goroutine_")))) as $losses
		| ($losses | map(.value) | add // 0) as $lost
		| select($lost > 1 and $lost >= $seen * 0.001)
		| "\($lost) of \($seen): \($losses)"' "$1"
}
