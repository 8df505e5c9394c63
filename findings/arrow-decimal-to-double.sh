#!/usr/bin/env bash
# Arrow 26.0.1 (pyarrow): the cast of a decimal to float64 multiplies by a power of ten, and so misses the nearest double for about
# one in seven prices of two digits: 99.46 becomes 99.46000000000001. DuckDB 1.5.6 and polars 2.1.0 give the nearest one for the
# same numbers, and so does Arrow by way of the text. A model that was trained on the one and is asked with the other sees
# numbers that are not equal, and a category of the number is unknown.
# Output seen: see `want` below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install --only-binary :all: pyarrow==26.0.1 duckdb==1.5.6 polars==2.1.0
cat >"$folder/cast.py" <<'PYTHON'
import decimal
import duckdb, polars, pyarrow

prices = [decimal.Decimal(cents).scaleb(-2) for cents in range(1_000_000)]
prices_table = pyarrow.table({"price": pyarrow.array(prices, pyarrow.decimal128(10, 2))})
nearest = [float(p) for p in prices]
print("pyarrow 99.46 is", prices_table["price"].slice(9946, 1).cast(pyarrow.float64())[0])
for name, doubles in (("pyarrow", prices_table["price"].cast(pyarrow.float64()).to_pylist()),
                      ("pyarrow by text", prices_table["price"].cast(pyarrow.string()).cast(pyarrow.float64()).to_pylist()),
                      ("duckdb", [x for (x,) in duckdb.sql("select price::double from prices_table").fetchall()]),
                      ("polars", polars.Series(prices, dtype=polars.Decimal(10, 2)).cast(polars.Float64).to_list())):
    print(f"{name}: not the nearest double for {sum(a != b for a, b in zip(doubles, nearest))} of a million")
PYTHON
want="pyarrow 99.46 is 99.46000000000001
pyarrow: not the nearest double for 134844 of a million
pyarrow by text: not the nearest double for 0 of a million
duckdb: not the nearest double for 0 of a million
polars: not the nearest double for 0 of a million"
got=$("$folder/venv/bin/python" "$folder/cast.py" 2>&1 | cat)
echo "$got"
[ "$got" = "$want" ] || { echo "this changed; expected:"; echo "$want"; exit 1; }
