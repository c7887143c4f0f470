#!/bin/sh
# Installs the pinned build tools from a folder: tools.sh PYTHON FOLDER
# pip itself is a wheel, and runs from its file.
set -eu
python=$1
folder=$2
requirements=$(dirname "$0")/full-requirements.txt

# Nuitka asks `file` whether a program is static; the package is called so everywhere.
if command -v yum >/dev/null; then
    yum install -y file
else
    apt-get update -qq && apt-get install -y -qq --no-install-recommends file
fi

pip() {
    "$python" "$(echo "$folder"/pip-*.whl)/pip" --disable-pip-version-check --no-cache-dir \
        install --quiet --no-index --no-deps --no-warn-script-location --no-compile \
        --root-user-action=ignore --find-links "$folder" "$@"
}

# Nuitka comes as a source release: what builds it goes first.
grep -A1 -E '^(setuptools|wheel)==' "$requirements" | grep -v '^--$' >/tmp/first.txt
pip --require-hashes -r /tmp/first.txt
pip --require-hashes --no-build-isolation -r "$requirements"
