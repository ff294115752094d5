#!/bin/sh
# run.sh BUILD: installs a build into a fresh folder and builds C and C++ programs against it, through
# pkg-config (shared and static) and through find_package.
set -eu
build=$1
here=$(cd "$(dirname "$0")" && pwd)
: "${CMAKE:=cmake}" "${CC:=cc}" "${CXX:=c++}"
place=$(mktemp -d "${TMPDIR:-/tmp}/weft-install-XXXXXX")
trap 'rm -rf "$place"' EXIT

"$CMAKE" --install "$build" --prefix "$place/first" >"$place/log"
mv "$place/first" "$place/moved" # an installation can be moved
pc=$(find "$place/moved" -name weft.pc)
libdir=$(dirname "$(dirname "$pc")")
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
for name in libweft.so libweft.so.0 libweft.a cmake/weft/weftConfig.cmake; do
    [ -e "$libdir/$name" ] || { echo "not installed: $name"; exit 1; }
done

flags=$(pkg-config --cflags --libs weft)
"$CC" -std=c11 -Wall -Wextra -Werror "$here/consumer.c" $flags -o "$place/c"
LD_LIBRARY_PATH=$libdir "$place/c"
"$CXX" -std=c++17 -Wall -Wextra -Werror "$here/consumer.cpp" $flags -o "$place/cpp"
LD_LIBRARY_PATH=$libdir "$place/cpp"

mkdir "$place/static"
cp "$libdir/libweft.a" "$place/static/"
"$CC" -std=c11 "$here/consumer.c" $(pkg-config --cflags weft) "$place/static/libweft.a" \
    $(pkg-config --static --libs weft | sed 's/-lweft//') -o "$place/c-static"
"$place/c-static"

"$CMAKE" -S "$here" -B "$place/cmake" -DCMAKE_PREFIX_PATH="$place/moved" \
    -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" >>"$place/log"
"$CMAKE" --build "$place/cmake" >>"$place/log"
LD_LIBRARY_PATH=$libdir "$place/cmake/consumer_c"
LD_LIBRARY_PATH=$libdir "$place/cmake/consumer_cpp"

if [ -x "$place/moved/bin/weft" ]; then
    "$place/moved/bin/weft" --version
fi
