#!/bin/sh
# Installs what compiles the launchers, from the distribution's own packages: a C compiler, a static
# C library, zlib, libffi and OpenSSL. Amazon Linux and Fedora have yum or dnf, Debian and Ubuntu apt-get.
set -eu

if command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends gcc libc6-dev libffi-dev libssl-dev make \
        zlib1g-dev
elif command -v dnf >/dev/null; then
    dnf install -y gcc glibc-static libffi-devel make openssl-devel tar gzip zlib-devel zlib-static
elif command -v yum >/dev/null; then
    # Its openssl-devel is 1.0.2, and Python wants 1.1.1.
    yum install -y gcc glibc-static libffi-devel make openssl11-devel tar gzip zlib-devel zlib-static
else
    echo "no package manager that this script knows: apt-get, dnf or yum" >&2
    exit 1
fi
