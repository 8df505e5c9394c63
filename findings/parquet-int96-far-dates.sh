#!/usr/bin/env bash
# Arrow 26.0.1 (pyarrow), and pandas 3.1.1 over it: a Parquet file whose timestamps are INT96, as Spark writes them by default,
# is read as nanoseconds, and a date that these do not hold wraps without an error: 9999-12-31, which many tables have for
# "no end", becomes a day of 1816. DuckDB 1.5.6 and polars 2.1.0 read the same file right, so one file has two meanings.
# Arrow is right when it is told: coerce_int96_timestamp_unit="us". The statistics do not warn, as INT96 has none.
# Output seen: see `want` below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install --only-binary :all: pyarrow==26.0.1 pandas==3.1.1 duckdb==1.5.6 polars==2.1.0
cat >"$folder/read.py" <<'PYTHON'
import datetime, sys
import duckdb, pandas, polars, pyarrow, pyarrow.parquet as parquet

file = sys.argv[1]
open_end = datetime.datetime(9999, 12, 31)
parquet.write_table(pyarrow.table({"until": pyarrow.array([open_end], pyarrow.timestamp("us"))}), file,
                    use_deprecated_int96_timestamps=True)
print("pyarrow", parquet.read_table(file)["until"].cast(pyarrow.string())[0])
print("pandas ", pandas.read_parquet(file)["until"][0])
print("pyarrow, told us", parquet.read_table(file, coerce_int96_timestamp_unit="us")["until"].cast(pyarrow.string())[0])
print("duckdb ", duckdb.sql(f"select until from '{file}'").fetchone()[0])
print("polars ", polars.read_parquet(file)["until"][0])
print("statistics", parquet.read_metadata(file).row_group(0).column(0).is_stats_set)
PYTHON
want="pyarrow 1816-03-29 05:56:08.066277376
pandas  1816-03-29 05:56:08.066277376
pyarrow, told us 9999-12-31 00:00:00.000000
duckdb  9999-12-31 00:00:00
polars  9999-12-31 00:00:00
statistics False"
got=$("$folder/venv/bin/python" "$folder/read.py" "$folder/t.parquet" 2>&1 | cat)
echo "$got"
[ "$got" = "$want" ] || { echo "this changed; expected:"; echo "$want"; exit 1; }
