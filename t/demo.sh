#!/bin/sh
# make demo: nginx with the module on 127.0.0.1:8080, before the bundled mock
# CometAPI, or before the real one if COMETAPI_KEY is set.

set -eu
cd "$(dirname "$0")/.."

port=${COMET_DEMO_PORT:-8080}
mock_port=${COMET_DEMO_MOCK_PORT:-8081}
dir=$PWD/build/demo
nginx=$(command -v nginx || echo /usr/sbin/nginx)

fail() { echo "demo: $*" >&2; exit 1; }

free() {
    python3 - "$1" <<'PY' || fail "port $1 is in use: stop what listens" \
        "there, or say COMET_DEMO_PORT=8090 COMET_DEMO_MOCK_PORT=8091 make demo"
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    s.bind(("127.0.0.1", int(sys.argv[1])))
except OSError:
    sys.exit(1)
PY
}

answers() {
    for _ in $(seq 100); do
        python3 -c "import socket; \
            socket.create_connection(('127.0.0.1', $1))" 2>/dev/null && return
        sleep 0.1
    done
    fail "nothing listens on port $1; see $dir/error.log"
}

stop() {
    trap - EXIT
    trap '' INT TERM
    [ -z "${nginx_pid:-}" ] || kill "$nginx_pid" 2>/dev/null || true
    [ -z "${mock_pid:-}" ] || kill "$mock_pid" 2>/dev/null || true
    wait
    echo
    echo "demo: stopped"
}

free "$port"
mkdir -p "$dir"
: >"$dir/error.log"

if [ -n "${COMETAPI_KEY:-}" ]; then
    pass=https://api.cometapi.com
    key=env:COMETAPI_KEY
    behind="the real CometAPI, with your COMETAPI_KEY"
else
    free "$mock_port"
    pass=http://127.0.0.1:$mock_port
    key=sk-the-key-that-only-nginx-knows
    behind="the bundled mock of CometAPI"
fi

user=
[ "$(id -u)" != 0 ] || user="user root;"

cat >"$dir/nginx.conf" <<CONF
daemon off;
$user
load_module $PWD/build/ngx_comet_module.so;
worker_processes 1;
error_log $dir/error.log info;
pid $dir/nginx.pid;
events { worker_connections 1024; }
http {
    access_log $dir/access.log;
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;

    server {
        listen 127.0.0.1:$port;
        client_max_body_size 64m;

        location /v1/ {
            comet_pass $pass;
            comet_key  $key;
            comet_tenant_from off;
        }
    }
}
CONF

trap stop EXIT
trap 'exit 0' INT TERM

if [ -z "${COMETAPI_KEY:-}" ]; then
    python3 t/mock/cometapi.py --port "$mock_port" >"$dir/mock.log" 2>&1 &
    mock_pid=$!
    answers "$mock_port"
fi

"$nginx" -e "$dir/error.log" -p "$dir" -c "$dir/nginx.conf" \
    2>"$dir/start.log" &
nginx_pid=$!
answers "$port"

model=${COMET_DEMO_MODEL:-gpt-5.4}
url=http://127.0.0.1:$port/v1
json='Content-Type: application/json'
plain='{"model":"'$model'","messages":[{"role":"user","content":"Hello"}]}'
stream='{"model":"'$model'","stream":true,'${plain#*,}

echo
echo "The edge listens on $url, before $behind."
echo
echo "A plain call, without any key:"
curl -sS "$url/chat/completions" -H "$json" -d "$plain"
echo
echo
echo "The same, streamed:"
curl -sSN "$url/chat/completions" -H "$json" -d "$stream"
cat <<TRY
To try from another terminal:

  curl $url/models
  curl $url/chat/completions -H '$json' \\
       -d '$plain'
  curl -N $url/responses -H '$json' \\
       -d '{"model":"$model","stream":true,"input":"Hello"}'
  curl -i $url/nowhere

or any OpenAI SDK with base_url=$url and any api_key.
Configuration and logs are in $dir. Ctrl-C stops.
TRY

while kill -0 "$nginx_pid" 2>/dev/null; do
    wait "$nginx_pid" || true
done
fail "nginx ended by itself; see $dir/error.log"
