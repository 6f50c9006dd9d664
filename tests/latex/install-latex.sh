#!/usr/bin/env bash
# pdflatex with booktabs and longtable, for the test of printed tables; needs root and Debian.
set -euo pipefail

command -v pdflatex > /dev/null && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || {
    echo "install-latex: expected root on Debian, or pdflatex as installed by yourself" >&2
    exit 1
}
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    texlive-latex-base texlive-latex-recommended > /dev/null
command -v pdflatex > /dev/null
