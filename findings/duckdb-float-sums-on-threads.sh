#!/usr/bin/env bash
# DuckDB 1.5.6: GROUP BY with sum() of doubles gives other last digits from run to run on two or more threads, with ORDER BY too,
# since the groups' parts are added in the order in which threads finish. fsum(), whose help promises a more exact sum, differs as
# well. One thread gives one answer, and so do sums of DECIMAL on any number. Who caches by the digest of a query's
# output never finds it again. (How many answers of 20 runs there are depends on luck; that it is more than one does not.)
# Output seen: see `want` below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install --only-binary :all: duckdb==1.5.6
cat >"$folder/sum.py" <<'PYTHON'
import hashlib, sys
import duckdb

file, db = sys.argv[1], duckdb.connect()
db.sql("set threads = 1")
db.sql(f"copy (select i * 2654435761 % 1000 as k, (i * 0.1)::double as v from range(1000000) r(i)) to '{file}' (row_group_size 20000)")
for threads in (1, 2):
    db.sql(f"set threads = {threads}")
    for what in ("sum(v)", "fsum(v)", "sum(v::decimal(18, 3))"):
        query = f"select k, {what} from '{file}' group by k order by k"
        answers = {hashlib.sha256(repr(db.sql(query).fetchall()).encode()).digest() for _ in range(20)}
        print(f"threads={threads} {what}:", "one answer" if len(answers) == 1 else "several answers")
PYTHON
want="threads=1 sum(v): one answer
threads=1 fsum(v): one answer
threads=1 sum(v::decimal(18, 3)): one answer
threads=2 sum(v): several answers
threads=2 fsum(v): several answers
threads=2 sum(v::decimal(18, 3)): one answer"
got=$("$folder/venv/bin/python" "$folder/sum.py" "$folder/t.parquet" 2>&1 | cat)
echo "$got"
[ "$got" = "$want" ] || { echo "this changed; expected:"; echo "$want"; exit 1; }
