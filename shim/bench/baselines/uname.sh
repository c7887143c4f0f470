#!/bin/sh
set -eu

machine=$(uname -m)
program=$_HANDLER
if test "$machine" = aarch64; then
    program="${program}_arm64"
fi
exec "$LAMBDA_TASK_ROOT/$program"
