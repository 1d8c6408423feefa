#!/bin/sh
# Runs nginx's own tests, https://github.com/nginx/nginx-tests, without the
# module and with it, and tells which of them fail only with it.
#
#   t/nginx_tests.sh TESTS [NGINX_SRC]
#
# nginx has all that its tests can make use of and this machine can build. What
# failed runs again, alone: on a busy machine many of them fail at times.

set -eu
cd "$(dirname "$0")/.."

fail() { echo "nginx-tests: $*" >&2; exit 1; }

tests=${1:-}
source=${2:-build/source/bookworm}

[ -f "$tests/lib/Test/Nginx.pm" ] ||
    fail "\"$tests\" holds no tests of nginx: clone" \
         "https://github.com/nginx/nginx-tests and name it, NGINX_TESTS=DIR"

t/setup.sh source nginx-tests
[ -n "${2:-}" ] || t/source.sh bookworm
[ -f "$source/auto/options" ] || fail "\"$source\" is no nginx source tree"

options=
for option in \
    http_v3 http_realip http_addition http_xslt http_image_filter http_geoip \
    http_sub http_dav http_flv http_mp4 http_gunzip http_gzip_static \
    http_auth_request http_random_index http_secure_link http_degradation \
    http_slice http_stub_status http_perl \
    mail mail_ssl stream stream_ssl stream_realip stream_geoip \
    stream_ssl_preread
do
    case $option in
    mail|stream)                    option=--with-$option=dynamic ;;
    *_xslt|*_filter|*_geoip|*_perl) option=--with-${option}_module=dynamic ;;
    *)                              option=--with-${option}_module ;;
    esac

    ! grep -q -e "$option)" "$source/auto/options" || options="$options $option"
done

# the makefile of the perl module looks for nginx's source here
mkdir -p build/nginx-tests
ln -sfn nginx/src build/nginx-tests/src

t/build.sh "$source" nginx-tests "" "" "$options"

# the tests run as somebody who can read no more than what all can
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
trap 'exit 1' INT TERM HUP
chmod 755 "$place"
cp -R "$tests"/*.t "$tests/lib" t/nginx_tests.pl "$place"
cp -R build/nginx-tests/objs "$place/objs"
chmod -R a+rX "$place"
mkdir -m 1777 "$place/tmp"
export TMPDIR="$place/tmp"

# and, where root starts them, in a network in which no port is taken and whose
# other addresses are silent; what they leave running ends with them
set -- perl nginx_tests.pl "$place/objs"
if [ "$(id -u)" = 0 ]; then
    set -- unshare --net --pid --fork --kill-child --mount-proc sh -ec '
        ip link set lo up
        ip route add default dev lo
        exec setpriv --reuid nobody --regid nogroup --clear-groups "$@"' - "$@"
fi

(cd "$place" && "$@")
