# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# More private instances of real servers, started and stopped by real_programs.bash, and how
# tests/e2e/clients reaches each.

# shellcheck disable=SC2034 # for the tests
servers=(postgresql mariadb redis memcached nginx prometheus etcd caddy proxy nats tomcat node
	python python_keepalive)

# What all of them serve who serve files.
readonly served_file=/base-files/copyright

# shellcheck disable=SC2154 # the tests set $real
prepare_memcached() { chown nobody "$real/memcached"; }

prepare_nginx() {
	free_port >"$real/nginx/port"
	cat >"$real/nginx/nginx.conf" <<-CONFIG
		daemon off;
		user nobody nogroup;
		worker_processes 2;
		pid $real/nginx/nginx.pid;
		error_log stderr;
		thread_pool default threads=8;
		events { worker_connections 512; }
		http {
			access_log off;
			aio threads;
			client_body_temp_path $real/nginx/body;
			proxy_temp_path $real/nginx/proxy;
			fastcgi_temp_path $real/nginx/fastcgi;
			uwsgi_temp_path $real/nginx/uwsgi;
			scgi_temp_path $real/nginx/scgi;
			server {
				listen 127.0.0.1:$(port_of nginx);
				root /usr/share/doc;
			}
		}
	CONFIG
}

prepare_nats() {
	free_port >"$real/nats/port"
	# The clients do not answer pings.
	echo 'ping_interval: "1h"' >"$real/nats/config"
}

# A second caddy, through which clients reach etcd; prepared later than that.
prepare_proxy() {
	free_port >"$real/proxy/port"
	cat >"$real/proxy/Caddyfile" <<-CONFIG
		{
			admin off
			auto_https off
		}
		http://127.0.0.1:$(port_of proxy) {
			reverse_proxy 127.0.0.1:$(port_of etcd) {
				flush_interval -1
			}
		}
	CONFIG
}

prepare_tomcat() {
	free_port >"$real/tomcat/port"
	mkdir -p "$real"/tomcat/{conf,logs,temp,work,webapps/ROOT}
	echo "<p>served</p>" >"$real/tomcat/webapps/ROOT/index.html"
	cat >"$real/tomcat/conf/server.xml" <<-CONFIG
		<Server port="-1">
			<Service name="Catalina">
				<Connector port="$(port_of tomcat)" address="127.0.0.1" protocol="HTTP/1.1"
					minSpareThreads="1"/>
				<Engine name="Catalina" defaultHost="localhost">
					<Host name="localhost" appBase="webapps"/>
				</Engine>
			</Service>
		</Server>
	CONFIG
	cat >"$real/tomcat/conf/web.xml" <<-CONFIG
		<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
			<servlet>
				<servlet-name>default</servlet-name>
				<servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class>
			</servlet>
			<servlet-mapping>
				<servlet-name>default</servlet-name>
				<url-pattern>/</url-pattern>
			</servlet-mapping>
			<welcome-file-list><welcome-file>index.html</welcome-file></welcome-file-list>
		</web-app>
	CONFIG
}

prepare_python_keepalive() { :; }

launch_memcached() {
	begin "$real/memcached/log" memcached -u nobody -s "$real/memcached/socket" -t 4
}

ready_memcached() { [ -S "$real/memcached/socket" ]; }

launch_nginx() { begin "$real/nginx/log" nginx -c "$real/nginx/nginx.conf" -e stderr; }
ready_nginx() { succeeds "$(url_of nginx)$served_file"; }

launch_nats() {
	begin "$real/nats/log" nats-server -c "$real/nats/config" -a 127.0.0.1 -p "$(port_of nats)"
}

ready_nats() { grep -q 'Server is ready' "$real/nats/log"; }

launch_proxy() {
	begin "$real/proxy/log" env HOME="$real/proxy" XDG_DATA_HOME="$real/proxy" \
		XDG_CONFIG_HOME="$real/proxy" \
		caddy run --config "$real/proxy/Caddyfile" --adapter caddyfile
}

ready_proxy() { succeeds "$(url_of proxy)/health"; }

launch_tomcat() {
	begin "$real/tomcat/log" /usr/lib/jvm/default-java/bin/java -Dcatalina.home=/usr/share/tomcat10 \
		-Dcatalina.base="$real/tomcat" -Djava.io.tmpdir="$real/tomcat/temp" \
		-cp /usr/share/tomcat10/bin/bootstrap.jar:/usr/share/tomcat10/bin/tomcat-juli.jar \
		org.apache.catalina.startup.Bootstrap start
}

ready_tomcat() { succeeds "$(url_of tomcat)/"; }

# A thread a connection, as long as that lives: the one of real_programs.bash lives for one request.
launch_python_keepalive() {
	rm -f "$real/python_keepalive/port"
	begin "$real/python_keepalive/log" python3 -u -m http.server --bind 127.0.0.1 \
		--protocol HTTP/1.1 --directory /usr/share/doc 0
}

ready_python_keepalive() {
	has_port python_keepalive 's/^Serving HTTP on .* port \([0-9]\+\) .*/\1/p' &&
		succeeds "$(url_of python_keepalive)$served_file"
}

# What tests/e2e/clients wants to know
list_for_clients() {
	local server

	for server in postgresql:.s.PGSQL.5432 mariadb:socket redis:socket memcached:socket; do
		echo "${server%:*} ${server%:*} $real/${server%:*}/${server#*:}"
	done
	for server in nginx python python_keepalive; do
		echo "$server http $(port_of $server) $served_file"
	done
	echo "caddy http $(<"$real/caddy/files_port") $served_file"
	echo "prometheus http $(port_of prometheus) /api/v1/query?query=up"
	echo "etcd http $(port_of etcd) /health"
	echo "etcd_watch watch $(port_of etcd) /v3/watch"
	echo "proxy http $(port_of proxy) /version"
	echo "proxy_watch watch $(port_of proxy) /v3/watch"
	echo "nats nats $(port_of nats)"
	echo "tomcat http $(port_of tomcat) /"
	echo "node http $(port_of node) /"
}

# "NAME PID...": each server with its children, the server first
list_for_report() {
	local server

	for server in "${servers[@]}"; do
		echo "$server $(server_pids "$server" | tr '\n' ' ')"
	done
}
