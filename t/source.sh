#!/bin/sh
# Fetches and unpacks Debian's source package of nginx, without touching the
# machine's own package lists.
#
#   t/source.sh bookworm    -> build/source/bookworm (nginx 1.22)
#   t/source.sh trixie      -> build/source/trixie   (nginx 1.26)

set -eu
cd "$(dirname "$0")/.."

suite=$1
work=$PWD/build/source
[ -d "$work/$suite" ] && exit 0

# the mirror that this machine uses, where it is one of Debian's
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
         2>/dev/null | grep -m1 '/debian/*$' || true)
keys=/usr/share/keyrings/debian-archive-keyring.gpg

mkdir -p "$work/$suite.apt/lists/partial" "$work/$suite.part"
echo "deb-src [signed-by=$keys] ${mirror:-http://deb.debian.org/debian}" \
     "$suite main" >"$work/$suite.apt/sources.list"

fetch() {
    apt-get -q -o Dir::Etc::sourcelist="$work/$suite.apt/sources.list" \
        -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/$suite.apt/lists" \
        -o APT::Sandbox::User=root "$@"
}

{
    fetch update
    cd "$work/$suite.part"
    fetch source nginx
} >"$work/$suite.log" 2>&1 || { tail -5 "$work/$suite.log" >&2; exit 1; }

mv "$work/$suite.part"/nginx-*/ "$work/$suite"
echo "unpacked nginx $(sed -n 's,.*NGINX_VERSION *"\(.*\)",\1,p' \
      "$work/$suite/src/core/nginx.h") into build/source/$suite"
