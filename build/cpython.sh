#!/bin/sh
# Builds CPython with a static library that holds its modules: cpython.sh ARCHIVE PREFIX
# Only what the launcher's build needs is built: no test, no shared module, no .pyc file.
set -eu
archive=$1
prefix=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tar -xzf "$archive" -C "$work" --strip-components=1
cd "$work"
# Sections of their own let the linker drop what the launcher doesn't need; small code, because that
# is what the launcher is to be, and quickly compiled, because that may happen under emulation.
OPT="-DNDEBUG -fwrapv -Os" \
    CFLAGS="-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables" \
    ./configure --quiet --prefix="$prefix" --disable-shared --disable-test-modules \
    --without-doc-strings --with-ensurepip=no

# The modules that Nuitka, Cython, pip and the launcher import, and what handlers may want besides
# (docs/how-to/python-native.md). Those that need a library are files of their own, so that what is linked
# with the static libpython needs none. The others stay out.
cat >Modules/Setup.local <<'END'
*static*
_bisect _bisectmodule.c
_blake2 _blake2/blake2module.c _blake2/blake2b_impl.c _blake2/blake2s_impl.c
_contextvars _contextvarsmodule.c
_csv _csv.c
_datetime _datetimemodule.c
_heapq _heapqmodule.c
_json _json.c
_md5 md5module.c
_opcode _opcode.c
_pickle _pickle.c
_posixsubprocess _posixsubprocess.c
_queue _queuemodule.c
_random _randommodule.c
_sha1 sha1module.c
_sha256 sha256module.c
_sha3 _sha3/sha3module.c
_sha512 sha512module.c
_socket socketmodule.c
_statistics _statisticsmodule.c
_struct _struct.c
_zoneinfo _zoneinfo.c
array arraymodule.c
binascii binascii.c
cmath cmathmodule.c
fcntl fcntlmodule.c
grp grpmodule.c
math mathmodule.c
mmap mmapmodule.c
pyexpat -IModules/expat pyexpat.c expat/xmlparse.c expat/xmlrole.c expat/xmltok.c
resource resource.c
select selectmodule.c
termios termios.c
unicodedata unicodedata.c

*shared*
_ctypes _ctypes/_ctypes.c _ctypes/callbacks.c _ctypes/callproc.c _ctypes/stgdict.c _ctypes/cfield.c _ctypes/malloc_closure.c -ldl -lffi -DHAVE_FFI_PREP_CIF_VAR -DHAVE_FFI_PREP_CLOSURE_LOC -DHAVE_FFI_CLOSURE_ALLOC
_decimal _decimal/_decimal.c
_hashlib _hashopenssl.c
_ssl _ssl.c
zlib zlibmodule.c -lz
END

make -s -j "$(nproc)" python
make -s -j "$(nproc)" oldsharedmods
make -s platform inclinstall

# What `make install` would do besides, it does after building every module a second time, shared.
libraries=$prefix/lib/python3.11
configuration=$(./python -c 'import sysconfig; print(sysconfig.get_config_var("LIBPL"))')
mkdir -p "$prefix/bin" "$libraries/lib-dynload" "$configuration"
cp python "$prefix/bin/python3.11"
cp libpython3.11.a "$configuration"
rm -rf Lib/test Lib/idlelib Lib/lib2to3 Lib/tkinter Lib/turtledemo
cp -R Lib/. "$libraries"
cp "$(cat pybuilddir.txt)"/_sysconfigdata*.py "$libraries"
cp Modules/*.cpython-311-*.so "$libraries/lib-dynload"
