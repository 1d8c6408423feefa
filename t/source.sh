#!/bin/sh
# Fetches and unpacks a source package of Debian, without touching the
# machine's own package lists.
#
#   t/source.sh bookworm    -> build/source/bookworm (nginx 1.22)
#   t/source.sh trixie      -> build/source/trixie   (nginx 1.26)
#   t/source.sh cjson       -> build/source/cjson

set -eu
cd "$(dirname "$0")/.."
. t/fetch.sh

# Debian's patched source, from one suite after the other; and what it is made
# from, when a mirror has no more than that
case ${1:-} in
bookworm)
    suite=bookworm
    package=nginx
    orig=nginx_1.22.1.orig.tar.gz
    sha256=9ebb333a9e82b952acd3e2b4aeb1d4ff6406f72491bab6cd9fe69f0dea737f31
    ;;
trixie)
    suite=trixie
    package=nginx
    orig=nginx_1.26.3.orig.tar.gz
    sha256=69ee2b237744036e61d24b836668aad3040dda461fe6f570f1787eab570c75aa
    ;;
cjson)
    suite=trixie
    package=cjson
    orig=cjson_1.7.18.orig.tar.gz
    sha256=3aa806844a03442c00769b83e99970be70fbef03735ff898f4811dd03b9f5ee5
    ;;
*)
    echo "source: nothing is known of \"${1:-}\"" >&2
    exit 1
    ;;
esac

work=$PWD/build/source
apt=$work/$1.apt
part=$work/$1.part
[ ! -d "$work/$1" ] || exit 0

aside() {
    apt-get -q $patient -o Dir::Etc::sourcelist="$apt/sources.list" \
        -o Dir::Etc::sourceparts=- -o Dir::State::lists="$apt/lists" \
        -o APT::Sandbox::User=root "$@"
}

patched() {
    keys=/usr/share/keyrings/debian-archive-keyring.gpg

    rm -rf "$part" "$apt"
    mkdir -p "$part" "$apt/lists/partial"
    echo "deb-src [signed-by=$keys] $(mirror "$1") $2 main" \
        >"$apt/sources.list"

    aside update -o APT::Update::Error-Mode=any &&
        (cd "$part" && aside source "$package")
}

unpatched() {
    rm -rf "$part"
    mkdir -p "$part"
    initial=$(printf %.1s "$package")
    from=$(mirror debian)/pool/main/$initial/$package/$orig

    /usr/lib/apt/apt-helper $patient -o APT::Sandbox::User=root \
        download-file "$from" "$part/$orig" "SHA256:$sha256" &&
        tar -xzf "$part/$orig" -C "$part"
}

obtain() {
    {
        patched debian "$suite" ||
        patched debian-security "$suite-security" ||
        patched debian "$suite-updates" ||
        unpatched
    } >>"$log" 2>&1
}

mkdir -p "$work"
log=$work/$1.log
: >"$log"
fetch "the source of $package ($suite)" obtain || { tail -5 "$log" >&2; exit 1; }

what=$(basename "$part"/*/)
mv "$part/$what" "$work/$1"
rm -rf "$part" "$apt"
echo "unpacked $what into build/source/$1"
