#!/bin/sh
# Runs what README says first, make demo and make test, as somebody would who
# has a bare Debian and make: in a root of its own, with its nginx,
# Python and Node. The bare root is kept in build/rooms.
#
#   t/rooms.sh bookworm | trixie

set -eu
cd "$(dirname "$0")/.."
. t/fetch.sh

fail() { echo "rooms: $*" >&2; exit 1; }

suite=$1
rooms=$PWD/build/rooms
bare=$rooms/$suite.tar
room=$rooms/$suite

[ "$(id -u)" = 0 ] || fail "rooms are made by root: sudo make rooms"

# Inside, mounts and processes are the room's own: the kernel ends them with
# the script, however that ends.
if [ -z "${COMET_ROOM:-}" ]; then
    t/setup.sh rooms

    leave() {
        [ -z "$inner" ] || { kill -KILL "$inner" && wait "$inner" || true; }
        rm -rf --one-file-system "$room" "$room.lines" "$room.pid"
    }

    inner=
    trap leave EXIT
    trap 'exit 1' INT TERM HUP

    COMET_ROOM=$suite setpriv --pdeathsig KILL \
        unshare --mount --pid --fork --kill-child "$0" "$suite" &
    inner=$!
    wait "$inner" && status=0 || status=$?
    inner=
    exit "$status"
fi

rm -rf --one-file-system "$room"
mkdir -p "$room"
mount -t proc proc /proc


# --- the bare root

strap() {
    rm -rf --one-file-system "$room"
    debootstrap --variant=minbase \
        --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
        "$suite" "$room" "$(mirror debian)" >"$rooms/$suite.log" 2>&1 &&
        rm -f "$room"/var/cache/apt/archives/*.deb
}

if [ ! -e "$bare" ]; then
    echo "rooms: making a bare Debian, $suite"
    eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
    [ -z "${http_proxy:-}" ] || export http_proxy
    fetch "a bare Debian ($suite)" strap || {
        tail -5 "$rooms/$suite.log" >&2
        exit 1
    }
    tar -C "$room" --one-file-system -cf "$bare.part" .
    mv "$bare.part" "$bare"
else
    tar -C "$room" -xf "$bare"
fi

mount -t proc proc "$room/proc"
mount -t tmpfs tmpfs "$room/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$room/dev/pts"

echo force-unsafe-io >"$room/etc/dpkg/dpkg.cfg.d/room"


# --- how this machine reaches others: names, proxies, mirrors, certificates

give() {
    for file in "$@"; do
        to=$room$(dirname "$file")
        [ ! -e "$file" ] || { mkdir -p "$to"; cp -RL "$file" "$to/"; }
    done
}

give /etc/resolv.conf /etc/hosts /etc/pip.conf /root/.config/pip/pip.conf \
     /etc/ssl/certs/ca-certificates.crt /usr/local/share/ca-certificates

for file in "$HOME/.npmrc" "$(npm config get globalconfig 2>/dev/null)"; do
    [ ! -f "$file" ] || cat "$file" >>"$room/root/.npmrc"
done

apt-config dump | grep -iE '^Acquire::(https?|ftp)\b' \
    >"$room/etc/apt/apt.conf.d/90host" || true

settings=$(env | grep -iE \
    '^((https?|all|no)_proxy|(pip|npm_config)_\w*|node_extra_ca_certs)=' || true)

# inside SECONDS COMMAND...
inside() {
    for_seconds=$1
    shift

    set -f
    IFS='
'
    exec timeout --foreground "$for_seconds" chroot "$room" env -i \
        -C /root/ngx_comet_module HOME=/root LANG=C.UTF-8 TERM=dumb \
        PATH=/usr/sbin:/usr/bin:/sbin:/bin $settings \
        COMET_DEMO_PORT="$port" COMET_DEMO_MOCK_PORT="$mock_port" "$@"
}

ports=$(python3 -c "import socket
both = [socket.create_server(('127.0.0.1', 0)) for _ in range(2)]
print(*[s.getsockname()[1] for s in both])")
port=${ports% *}
mock_port=${ports#* }

missing=$room/root/ngx_comet_module/build/missing
failed() {
    [ ! -s "$missing" ] || sed "s,$, (in a bare Debian\, $suite)," "$missing" \
                           >>build/missing
    fail "$suite: $*"
}


# --- what somebody has who read as far as the two commands

mkdir -p "$room/root/ngx_comet_module"
git ls-files -z | tar --null -T - -c | tar -C "$room/root/ngx_comet_module" -x

tools() {
    (inside 600 sh -c "apt-get -q $(echo $patient) update && \
                       apt-get -q $(echo $patient) install -y \
                           --no-install-recommends make") \
        >"$rooms/$suite.log" 2>&1
}

fetch "make in a bare Debian ($suite)" tools || exit 1

echo "rooms: make demo in a bare Debian, $suite"

lines=$room.lines
rm -f "$lines"
mkfifo "$lines"
{
    (inside 1200 make demo) </dev/null 2>&1 &
    echo "$!" >"$room.pid"
    wait "$!" || true
    echo "rooms: make demo has ended"
} >"$lines" &

: >"$rooms/$suite.demo"
while IFS= read -r line; do
    printf '%s\n' "$line" | tee -a "$rooms/$suite.demo"
    case $line in
    *"Ctrl-C stops"*)
        (inside 60 curl -sS -i "http://127.0.0.1:$port/v1/nowhere") </dev/null |
            tee -a "$rooms/$suite.demo"
        echo
        kill "$(cat "$room.pid")"
        ;;
    "rooms: make demo has ended")
        break
        ;;
    esac
done <"$lines"
rm -f "$lines" "$room.pid"

for said in '"chat.completion"' 'data: [DONE]' 'HTTP/1.1 404' 'demo: stopped'
do
    grep -qF "$said" "$rooms/$suite.demo" || failed "make demo says no $said"
done

echo "rooms: make test in a bare Debian, $suite"
(inside 2400 make test) </dev/null || failed "make test failed"

echo "rooms: both pass in a bare Debian, $suite"
