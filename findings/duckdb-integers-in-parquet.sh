#!/usr/bin/env bash
# DuckDB 1.5.6: integers that pass through Parquet do not stay integers. sum() of a BIGINT is a HUGEINT, which COPY writes as
# DOUBLE without a word, so that an exact sum beyond 2^53 loses its last digit in the file, and a 0/1 label made by
# sum() is a floating point column to the next program. And a list of files takes the types of the first: a file of BIGINT before
# one of DOUBLE turns 2.5 into 2, and the same files in the other order, or with union_by_name, keep it.
# Output seen: see `want` below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install --only-binary :all: duckdb==1.5.6
cat >"$folder/write.py" <<'PYTHON'
import sys
import duckdb

folder = sys.argv[1]
total = "select sum(x) as x from (values (9007199254740992::bigint), (1)) v(x)"
print("in SQL ", *duckdb.sql(f"select typeof(x), x from ({total})").fetchone())
duckdb.sql(f"copy ({total}) to '{folder}/sum.parquet'")
print("in file", *duckdb.sql(f"select typeof(x), x::decimal(20, 1) from '{folder}/sum.parquet'").fetchone())
duckdb.sql(f"copy (select 1::bigint as x) to '{folder}/a.parquet'")
duckdb.sql(f"copy (select 2.5::double as x) to '{folder}/b.parquet'")
for files, more in (("ab", ""), ("ba", ""), ("ab", ", union_by_name = true")):
    names = [f"{folder}/{f}.parquet" for f in files]
    print(files + more, [x for (x,) in duckdb.sql(f"select x from read_parquet({names}{more})").fetchall()])
PYTHON
want="in SQL  HUGEINT 9007199254740993
in file DOUBLE 9007199254740992.0
ab [1, 2]
ba [2.5, 1.0]
ab, union_by_name = true [1.0, 2.5]"
got=$("$folder/venv/bin/python" "$folder/write.py" "$folder" 2>&1 | cat)
echo "$got"
[ "$got" = "$want" ] || { echo "this changed; expected:"; echo "$want"; exit 1; }
