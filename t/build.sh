#!/bin/sh
# Builds the module.
#
#   t/build.sh              for the installed nginx -> build/ngx_comet_module.so
#   t/build.sh DIR          for the nginx source tree DIR, to the same place
#   t/build.sh DIR OUT CCOPT [CC [OPTIONS]]
#                           nginx itself and the module, into build/OUT; the
#                           module alone is compiled by CC; configure takes
#                           OPTIONS too
#
# COMET_CJSON=DIR takes in that source of cJSON, COMET_CJSON=system the library
# of the system; without it Debian's source is fetched.

set -eu
cd "$(dirname "$0")/.."
root=$PWD

fail() { echo "build: $*" >&2; exit 1; }

warnings="-Wall -Wextra -Wno-unused-parameter -Werror"
source=${1:-}
out=${2:-module}
options=
needs=build
[ -z "$source" ] || needs=source

if [ -z "$source" ]; then
    source=/usr/share/nginx/src
    nginx=$(command -v nginx || echo /usr/sbin/nginx)

    [ -x "$nginx" ] || fail "no nginx is installed: install it, or give a" \
                            "source tree, make module NGINX_SRC=DIR"
    [ -f $source/conf_flags ] || fail "the headers of the installed nginx are" \
        "missing: install the package nginx-dev, or unpack the source of" \
        "$("$nginx" -v 2>&1) and say make module NGINX_SRC=DIR"

    have=$("$nginx" -v 2>&1 | sed 's,.*/\([0-9.]*\).*,\1,')
    sed -n 's,.*NGINX_VERSION *"\(.*\)",\1,p' $source/src/core/nginx.h |
        grep -qxF "$have" || fail "nginx is $have, but nginx-dev is of" \
                                  "another version"

    options=$(bash -c '. "$0"; printf "%s\n" "${NGX_CONF_FLAGS[@]}"' \
              $source/conf_flags)
else
    [ -f "$source/src/core/nginx.h" ] ||
        fail "\"$source\" is no nginx source tree (no src/core/nginx.h in it)"
    options="--with-compat --with-debug --with-threads --with-pcre-jit
             --with-http_ssl_module --with-http_v2_module
             --with-http_realip_module --with-http_auth_request_module
             --with-http_stub_status_module --with-http_addition_module
             ${5:-}"
fi

work=$root/build/$out
mkdir -p "$work"

# the module is one file, if that can be
if [ -z "${COMET_CJSON:-}" ] && command -v apt-get >/dev/null &&
    COMET_MISSING=/dev/null t/source.sh cjson
then
    export COMET_CJSON="$root/build/source/cjson"
fi

# what is left of another nginx
cmp -s "$source/src/core/nginx.h" "$work/nginx/src/core/nginx.h" ||
    rm -rf "$work/nginx" "$work/objs"

# configure writes into its own folder, which is not ours to write to
if [ ! -d "$work/nginx" ]; then
    cp -R "$source" "$work/nginx.part" && mv "$work/nginx.part" "$work/nginx"
fi

cd "$work/nginx"
[ -x configure ] || ln -sf auto/configure configure

log=$work/build.log

./configure --builddir="$work/objs" $options \
    --with-cc-opt="-g -O2 -fPIC ${3:-}" --with-ld-opt="-fPIC ${3:-}" \
    --add-dynamic-module="$root" >"$log" 2>&1 ||
{
    why=$(sed -n 's/.*configure: error: //p' "$log" | head -1)
    ! command -v apt-get >/dev/null ||
        missing=$("$root/t/setup.sh" --missing $needs)
    [ -z "${missing:-}" ] ||
        why="${why:-configure failed} (sudo apt-get install $missing)"
    fail "${why:-configure failed, see $log}"
}

{
    if [ "$out" != module ]; then
        make -f "$work/objs/Makefile" -j"$(nproc)" binary
    fi &&

    make -f "$work/objs/Makefile" -j"$(nproc)" modules \
        CC="${4:-cc} $warnings"
} >>"$log" 2>&1 || { grep -E -A9 'error|warning' "$log" >&2 || tail "$log" >&2
                     fail "see $log"; }

grep '^ + cJSON' "$log" || true

if [ "$out" = module ]; then
    # a running nginx has the old file mapped; what debuggers need stays in objs
    module=$root/build/ngx_comet_module.so
    strip -S -x -o "$module.part" "$work/objs/ngx_comet_module.so"
    mv "$module.part" "$module"
    echo "built build/ngx_comet_module.so"
else
    echo "built build/$out/objs/nginx and its module"
fi
