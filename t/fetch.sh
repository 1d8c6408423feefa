# What comes from elsewhere; read by the scripts that need it: . t/fetch.sh

# fetch WHAT COMMAND...: once more, and once more, before it is given up. What
# is given up is said aloud and written into build/missing, by which .ci/run
# knows it from what has failed.
fetch() {
    fetch_what=$1
    shift

    for fetch_pause in ${COMET_PAUSES-5 20} end; do
        "$@" && return
        [ "$fetch_pause" = end ] || {
            echo "fetch: no $fetch_what yet, again in $fetch_pause s" >&2
            sleep "$fetch_pause"
        }
    done

    mkdir -p build
    echo "$fetch_what" >>"${COMET_MISSING-build/missing}"
    echo "MISSING: $fetch_what cannot be had" >&2
    return 1
}

# what apt-get and its like retry by themselves
patient="-o Acquire::Retries=3 -o Acquire::http::Timeout=60
         -o Acquire::https::Timeout=60"

# mirror debian | debian-security: the one that this machine uses, where it is
# one of Debian's
mirror() {
    [ -z "${COMET_MIRROR:-}" ] || { echo "$COMET_MIRROR/$1"; return; }

    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
        2>/dev/null | sed 's,/*$,,' | grep -m1 "/$1\$" ||
        echo "http://deb.debian.org/$1"
}
