#!/usr/bin/env bash
# pyarrow 26.0.1, Linux x86-64: libarrow_compute.so exports the RE2 that is built into it, and libparquet.so an OpenSSL. A C++
# program that links them before an RE2 or an OpenSSL of its own runs on theirs wherever a function has the same name, and on its
# own elsewhere: with Debian 12's RE2, asking for what is wrong with the pattern "[" threw std::bad_alloc. Which one is taken is
# the order in which the libraries are named to the linker; no tool of packages sees it, for the sonames are Arrow's.
# Output seen: see `want` below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install --only-binary :all: pyarrow==26.0.1
exports() { # LIBRARY NAME: whether it defines functions for others whose names begin so
  local count
  count=$(nm -DC --defined-only "$wheel/$1.so.2600" | grep -cE "^[0-9a-f]+ T $2" || true)
  echo "$1 $2 $([ "$count" -gt 0 ] && echo exported || echo hidden)"
}
wheel=$("$folder/venv/bin/python" -c 'import pyarrow; print(pyarrow.get_library_dirs()[0])')
want="libarrow re2:: hidden
libarrow_compute re2:: exported
libarrow_compute re2::RE2::~RE2 exported
libarrow BIO_ctrl hidden
libparquet BIO_ctrl exported"
got=$(exports libarrow re2:: && exports libarrow_compute re2:: && exports libarrow_compute re2::RE2::~RE2 &&
  exports libarrow BIO_ctrl && exports libparquet BIO_ctrl)
echo "$got"
[ "$got" = "$want" ] || { echo "this changed; expected:"; echo "$want"; exit 1; }
