#!/bin/sh
# nginx under valgrind, for `make valgrind`: an error ends up in the log that
# every test reads.

exec valgrind -q --trace-children=yes --error-exitcode=99 \
    --leak-check=no --suppressions="$(dirname "$0")/valgrind.supp" \
    "$(command -v nginx || echo /usr/sbin/nginx)" "$@"
