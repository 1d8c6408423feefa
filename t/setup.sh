#!/bin/sh
# Installs what a make target needs, saying what, asking nothing.
#
#   t/setup.sh build | test | node | source ...
#   t/setup.sh --missing build ...      names the packages, installs none

set -eu
cd "$(dirname "$0")/.."
. t/fetch.sh

fail() { echo "setup: $*" >&2; exit 1; }

packages_of() {
    case $1 in
    build)  echo gcc make libc6-dev libcjson-dev libpcre2-dev libssl-dev \
                 zlib1g-dev nginx nginx-dev dpkg-dev ca-certificates ;;
    test)   echo python3 python3-venv perl libcmocka-dev openssl ;;
    python) echo python3 ;;
    curl)   echo curl ;;
    node)   command -v npm >/dev/null || echo nodejs npm ;;
    source) echo dpkg-dev ca-certificates libpcre2-dev libssl-dev zlib1g-dev \
                 gcc make libc6-dev libcjson-dev ;;
    lint)   echo git cppcheck python3 gcc make libcjson-dev libcmocka-dev ;;
    fuzz)   echo clang libc6-dev libcjson-dev libpcre2-dev ;;
    fuzz-runtime)
            echo "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev" ;;
    bench)  echo python3 python3-venv valgrind strace openssl \
                 libnginx-mod-http-lua lua-cjson ;;
    valgrind) echo valgrind ;;
    nginx-tests)
            echo perl iproute2 openssl libxslt1-dev libgd-dev libgeoip-dev \
                 libperl-dev libio-socket-ssl-perl libcryptx-perl libgd-perl \
                 libfcgi-perl libprotocol-websocket-perl memcached \
                 libcache-memcached-perl uwsgi-core uwsgi-plugin-python3 ;;
    rooms)  echo debootstrap debian-archive-keyring git python3 ;;
    *)      fail "nothing is known of \"$1\"" ;;
    esac
}

present() {
    case $1 in
    gcc|make|git|python3|curl|openssl|valgrind|strace|cppcheck|clang)
        command -v "$1" >/dev/null ;;
    python3-venv)
        python3 -c 'import venv, ensurepip' 2>/dev/null ;;
    *)
        dpkg-query -W -f '${Status}' "$1" 2>/dev/null |
            grep -q 'install ok installed' ;;
    esac
}

only=
[ "$1" != --missing ] || { only=names; shift; }

missing=
for what in "$@"; do
    for package in $(packages_of "$what"); do
        present "$package" || missing="$missing $package"
    done
done

[ -z "$only" ] || { echo $missing; exit 0; }
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null ||
    fail "needed and not found:$missing (this script knows only apt-get;" \
         "install them in your system's way and run make again)"

run=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null ||
        fail "needed and not installed; run this and then make again:" \
             "sudo apt-get install$missing"
    run="sudo -n"
fi

echo "setup: installing$missing"

# a package may start its service: nothing here needs one to run
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$run rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | $run tee "$policy" >/dev/null
    $run chmod 755 "$policy"
fi

# a list that cannot be renewed may be good enough
obtain() {
    {
        $run apt-get -q $patient update
        $run env DEBIAN_FRONTEND=noninteractive apt-get -y -q $patient \
            -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing
    } >"$log" 2>&1
}

mkdir -p build
log=build/setup.log
fetch "what apt-get was to install ($(echo $missing))" obtain || {
    tail -20 "$log" >&2
    fail "apt-get failed, see $log"
}
