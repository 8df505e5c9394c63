#!/usr/bin/env bash
# pandas 3.1.1 with pyarrow 26.0.1: whether the Parquet file of a filtered frame has the column __index_level_0__ depends on
# which rows were kept. Are their numbers evenly spaced (all, every second, a single one, two in any order), the index is
# a range in the metadata and no column; is one row dropped in the middle, the file has one column more. So a pipeline that
# drops nulls writes another schema from one day to the next, and who reads the file without pandas has a row number as a
# feature. `index=False` always leaves it out.
# Output seen: see `want` below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install --only-binary :all: pandas==3.1.1 pyarrow==26.0.1
cat >"$folder/write.py" <<'PYTHON'
import sys
import pandas, pyarrow.parquet as parquet

file, frame = sys.argv[1], pandas.DataFrame({"x": range(10)})
for keep in ([0, 1, 2], [0, 2, 4], [5], [3, 1], [0, 1, 3]):
    frame[frame.x.isin(keep)].loc[keep].to_parquet(file)
    print(keep, parquet.read_schema(file).names)
frame.loc[[0, 1, 3]].to_parquet(file, index=False)
print("index=False", parquet.read_schema(file).names)
PYTHON
want="[0, 1, 2] ['x']
[0, 2, 4] ['x']
[5] ['x']
[3, 1] ['x']
[0, 1, 3] ['x', '__index_level_0__']
index=False ['x']"
got=$("$folder/venv/bin/python" "$folder/write.py" "$folder/t.parquet" 2>&1 | cat)
echo "$got"
[ "$got" = "$want" ] || { echo "this changed; expected:"; echo "$want"; exit 1; }
