#!/usr/bin/env bash
# chromium, for the tests of pages in a browser; needs root and Debian.
set -euo pipefail

command -v chromium > /dev/null && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || {
    echo "install-chromium: expected root on Debian, or chromium as installed by yourself" >&2
    exit 1
}
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    chromium fonts-dejavu-core > /dev/null
command -v chromium > /dev/null
