#!/usr/bin/env python3
"""Random tables, written by pandas, Polars, DuckDB and in odd dialects of our own, read by ingest: each value is back, or
the file is refused by name. A table is its seed: --only SEED writes it again and keeps it.

usage: random_tables.py [--tables N] [--first SEED] [--only SEED] [--jobs N]    (pandas, polars and duckdb must be there)
"""
import argparse
import collections
import concurrent.futures
import csv
import datetime as dt
import glob
import json
import math
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release")) / "bin/penstock-components"
NULLS = {"", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "NaN", "nan", "None"}
TEXTS = ["x", "Box 24\" wide", "a,b", "c;d", "t\tu", "p|q", "say \"hi\"", "it's", "two\nlines", "back\\slash", "ends\\", "도시",
         " padded ", "\"", "''", "02138", "0x1F", "+5", "1e400", "true", "12", "1,5", "1.234", "2024-01-05", "NA", "None", "",
         "-", "=1+1", "a\u00a0b", "\U0001F600", "9223372036854775808", "\"quoted\"", "{\"a\": 1}", "1_000", ".5", "5.", "-0"]
NAMES = ["a", "b", "zip code", "naïve", "say \"x\"", "with,comma", "Größe", "x;y", "UPPER", "n|m", "semi'quote", "2024", "도"]
EPOCH = dt.datetime(1970, 1, 1)


def moment(rng):
    return dt.datetime(1900, 1, 1) + dt.timedelta(days=rng.randrange(80000), seconds=rng.randrange(86400),
                                                  microseconds=rng.choice([0, 0, 250000, rng.randrange(10**6)]))


KINDS = {
    "int": lambda r: r.choice([0, 1, -1, r.randrange(-1000, 1000), r.randrange(-2**53, 2**53), r.randrange(-2**63, 2**63)]),
    "small": lambda r: r.randrange(100),
    "real": lambda r: r.choice([0.5, -0.25, 1e-300, 1e300, r.random(), r.uniform(-1e6, 1e6), round(r.uniform(-1e3, 1e3), 2)]),
    "bool": lambda r: r.random() < 0.5,
    "date": lambda r: moment(r).date(),
    "time": moment,
    "text": lambda r: r.choice(TEXTS),
    "word": lambda r: r.choice("red green blue".split()),
    "long": lambda r: r.choice(TEXTS) * r.randrange(1, 400),
}
TYPES = {"int": pl.Int64, "small": pl.Int64, "real": pl.Float64, "bool": pl.Boolean, "date": pl.Date,
         "time": pl.Datetime("us")}


def make_table(rng):
    """{name: (kind, values)}; None is no value."""
    rows = rng.choice([1, 2, 3, 5, 8, 20, 60]) if rng.random() < 0.99 else rng.randrange(2000, 6000)
    table = {}
    for name in rng.sample(NAMES, rng.randrange(2, 8)):
        kind = rng.choice(list(KINDS))
        gaps = rng.choice([0, 0, 0.1, 0.5])
        table[name] = (kind, [None if rng.random() < gaps else KINDS[kind](rng) for _ in range(rows)])
    return table


def polars_of(table):
    return pl.DataFrame({n: pl.Series(n, v, dtype=TYPES.get(k, pl.String)) for n, (k, v) in table.items()})


def pandas_of(table):
    types = {"int": "Int64", "small": "Int64", "real": "Float64", "bool": "boolean", "time": "datetime64[us]"}
    return pd.DataFrame({n: pd.Series(v, dtype=types.get(k, object)) for n, (k, v) in table.items()})


def cell_text(value, rng):
    """As people and programs write it."""
    if isinstance(value, bool):
        return rng.choice([str(value), str(value).lower(), str(value).upper()])
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=rng.choice(" T"))
    return str(value)


def write_own(table, path, rng):
    """Each cell quoted or not by itself, blanks around what is no text, line ends of both kinds."""
    delimiter, quote, backslash = rng.choice(",;\t|"), rng.choice("\"\"'"), rng.random() < 0.3

    def quoted(text):
        out = text.replace("\\", "\\\\") if backslash else text
        return quote + out.replace(quote, ("\\" if backslash else quote) + quote) + quote

    def cell(value):
        if value is None:
            return rng.choice(["", "NA", "null"])
        text = cell_text(value, rng)
        if isinstance(value, str):
            plain = text not in NULLS and text.strip(" \t") not in NULLS and not re.search("[\"'\r\n]", text)
            return text if plain and delimiter not in text and rng.random() < 0.7 else quoted(text)
        if rng.random() < 0.2:
            return quoted(text)
        return rng.choice(["", " ", "  "]) + text + rng.choice(["", " "]) if rng.random() < 0.2 else text

    lines = [delimiter.join(map(quoted, table))]
    lines += [delimiter.join(map(cell, row)) for row in zip(*(v for _, v in table.values()))]
    text = "".join(line + rng.choice(["\n", "\r\n"] if rng.random() < 0.1 else ["\n"]) for line in lines)
    if rng.random() < 0.3:
        text = text[:-1].removesuffix("\r")
    encoding = rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"])
    path.write_bytes(text.encode(encoding))
    return {"delimiter": delimiter, "quote": quote, "backslash": backslash}, None


def write_pandas_csv(table, path, rng):
    sep, quoting = rng.choice(",;\t|"), rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    pandas_of(table).to_csv(path, index=False, sep=sep, quoting=quoting, lineterminator=rng.choice(["\n", "\r\n"]),
                            encoding=rng.choice(["utf-8", "utf-8-sig"]), na_rep=rng.choice(["", "NA"]))
    return {"delimiter": sep, "quote": "\"", "backslash": False}, "utf-8-sig"


def write_polars_csv(table, path, rng):
    sep, style = rng.choice(",;\t|"), rng.choice(["necessary", "always", "non_numeric"])
    polars_of(table).write_csv(path, separator=sep, quote_style=style, include_bom=rng.random() < 0.3)
    return {"delimiter": sep, "quote": "\"", "backslash": False}, "utf-8-sig"


def write_duckdb_csv(table, path, rng):
    sep = rng.choice(",;\t|")
    frame = polars_of(table).to_arrow()  # noqa: F841, read by its name below
    with duckdb.connect() as db:
        db.execute(f"COPY (SELECT * FROM frame) TO '{path}' (FORMAT csv, HEADER, DELIMITER '{sep}'"
                   f"{', FORCE_QUOTE *' if rng.random() < 0.3 else ''})")
    return {"delimiter": sep, "quote": "\"", "backslash": False}, "utf-8-sig"


def write_duckdb_parquet(table, path, rng):
    frame = polars_of(table).to_arrow()  # noqa: F841
    with duckdb.connect() as db:
        db.execute(f"COPY (SELECT * FROM frame) TO '{path}' (FORMAT parquet, COMPRESSION {rng.choice(['zstd', 'snappy'])})")


def write_pandas_parquet(table, path, rng):
    frame = pandas_of(table)
    for name, (kind, _) in table.items():
        if kind in ("text", "word") and rng.random() < 0.5:
            frame[name] = frame[name].astype("category")
    frame.to_parquet(path, index=rng.random() < 0.3)


def write_pandas_jsonl(table, path, rng):
    frame = polars_of(table).to_dicts()
    with open(path, "w", encoding="utf-8") as out:
        for row in frame:
            row = {k: v for k, v in row.items() if v is not None or rng.random() < 0.5}
            out.write(json.dumps(row, default=str, ensure_ascii=rng.random() < 0.5) + "\n")


def write_polars_dictionaries(table, path, rng):
    frame = polars_of(table)
    for name, (kind, _) in table.items():
        if kind in ("text", "word") and rng.random() < 0.5:
            frame = frame.with_columns(pl.col(name).cast(pl.Categorical))
    (frame.write_ipc if rng.random() < 0.5 else frame.write_ipc_stream)(path)


CSVS = [write_own, write_own, write_pandas_csv, write_polars_csv, write_duckdb_csv]
OTHERS = [write_duckdb_parquet, write_pandas_parquet, write_pandas_jsonl, write_polars_dictionaries,
          lambda t, p, r: polars_of(t).write_parquet(p), lambda t, p, r: polars_of(t).write_ndjson(p)]


def ingest(path, folder, parameters):
    argv = [PROGRAM, "ingest", "--input", f"source={path}", "--output", f"dataset={folder}/out"]
    for key, value in parameters.items():
        argv += ["--parameter", f"{key}={value}"]
    ran = subprocess.run(argv, capture_output=True, text=True, env=os.environ | {"TMPDIR": str(folder)}, timeout=600)
    if ran.returncode != 0:
        return None, ran.stderr + ran.stdout
    parts = sorted(glob.glob(f"{folder}/out/*.parquet"))
    return pa.concat_tables([pq.read_table(part) for part in parts]), ran.stdout


def is_written(text, read):
    """Is `read` what a CSV's `text` says?"""
    core = text.strip(" \t")
    if read is None:
        return core in NULLS
    if isinstance(read, bool):
        return core in ("true", "True", "TRUE") if read else core in ("false", "False", "FALSE")
    if isinstance(read, int):
        return core == str(read)
    if isinstance(read, float):
        return float(core.replace(",", ".")) == read  # a comma is the mark where some column has no other
    if isinstance(read, dt.datetime):
        zone = dt.datetime.fromisoformat(core)
        return (zone.astimezone(dt.timezone.utc).replace(tzinfo=None) if zone.tzinfo else zone) == read
    if isinstance(read, dt.date):
        return core == read.isoformat()
    return text == read


def is_kept(value, read, kind, csv_text):
    """Is `read` what the table holds? Of a CSV of our own and of files that have types."""
    if csv_text and isinstance(value, str):  # quotes make no text of a number; only "" is null then
        return value == "" if read is None else is_written(value, read)
    if value is None or read is None:
        return value is None and read is None
    if isinstance(value, float) or isinstance(read, float):
        return not isinstance(read, str) and float(read) == value and (kind != "int" or int(read) == value)
    if isinstance(read, str) and isinstance(value, dt.date):
        return dt.datetime.fromisoformat(read) == (value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time()))
    if isinstance(read, str) and not isinstance(value, str):
        return read.strip().lower() == str(value).lower()
    if isinstance(value, dt.datetime) and not isinstance(read, dt.datetime):
        return value == dt.datetime.combine(read, dt.time())
    return type(value) is type(read) and value == read


def compare_csv_text(read, path, encoding, dialect):
    with open(path, encoding=encoding, newline="") as file:
        rows = list(csv.reader(file, delimiter=dialect["delimiter"], quotechar=dialect["quote"]))
    if [f.name for f in read.schema] != rows[0]:
        return f"names {read.column_names}, written {rows[0]}"
    if read.num_rows != len(rows) - 1:
        return f"{read.num_rows} rows of {len(rows) - 1}"
    for c, name in enumerate(rows[0]):
        for r, value in enumerate(read.column(c).to_pylist()):
            if not is_written(rows[r + 1][c], value):
                return f"column {name!r} row {r + 1}: {value!r:.80}, written {rows[r + 1][c]!r:.80}"
    return None


def compare_values(read, table, csv_text):
    if list(table) != [n for n in read.column_names]:
        missing = set(table) - set(read.column_names)
        if set(read.column_names) - set(table) or any(v is not None for n in missing for v in table[n][1]):
            return f"columns {read.column_names} of {list(table)}"
    for name in read.column_names:
        kind, values = table[name]
        got = read.column(name).to_pylist()
        if len(got) != len(values):
            return f"{len(got)} rows of {len(values)}"
        for r, (value, found) in enumerate(zip(values, got)):
            if not is_kept(value, found, kind, csv_text):
                return f"column {name!r} ({kind}) row {r + 1}: {found!r:.80} of {value!r:.80}"
    return None


def one(seed, keep=None):
    """(writer, None or refused, and what is wrong or None)"""
    rng = random.Random(seed)
    table = make_table(rng)
    folder = pathlib.Path(keep or tempfile.mkdtemp(prefix="penstock-table-"))
    path = folder / "table"
    try:
        write = rng.choice(CSVS) if rng.random() < 0.6 else rng.choice(OTHERS)
        name = write.__name__.removeprefix("write_").replace("<lambda>", "polars_parquet_or_ndjson")
        dialect, encoding = write(table, path, rng) or (None, None)
        parameters = {}
        told = dialect is not None and rng.random() < 0.5
        if told:
            parameters = {"delimiter": dialect["delimiter"].replace("\t", "\\t"), "quote": dialect["quote"],
                          "escape": "backslash" if dialect["backslash"] else "doubled", "header": "true"}
        if rng.random() < 0.2:
            packed = subprocess.run([rng.choice(["gzip", "zstd"]), "-c", path], capture_output=True, check=True).stdout
            path = folder / "packed"
            path.write_bytes(packed)
        read, said = ingest(path, folder, parameters)
        if read is None:
            named = re.search(r"column|line \d|CSV", said)
            return name + (" told" if told else ""), said.strip().splitlines()[0], None if named else "refused without a name"
        if dialect is not None and not told:
            seen = json.loads(re.search(r"result dialect: (\{.*\})", said)[1])
            if seen["delimiter"].replace("\\t", "\t") != dialect["delimiter"]:
                fits = [d.replace("\\t", "\t") for d in seen.get("delimitersThatFitToo", [])]
                return name + " seen otherwise", f"{seen}", None if dialect["delimiter"] in fits else f"seen {seen}, written {dialect}"
            if dialect["backslash"] and seen["escape"] == "doubled":  # no quote stands within quotes, so nothing tells
                return name + " seen otherwise", None, None
        wrong = (compare_csv_text(read, folder / "table", encoding, dialect) if encoding
                 else compare_values(read, table, dialect is not None))
        return name + (" told" if told else ""), None, wrong
    except (ValueError, KeyError, TypeError, subprocess.SubprocessError) as problem:  # with its seed
        return "a table", None, repr(problem)
    finally:
        if keep is None:
            shutil.rmtree(folder)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--tables", type=int, default=10_000)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--only", type=int)
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    args = options.parse_args()
    if args.only is not None:
        folder = tempfile.mkdtemp(prefix="penstock-table-")
        print(one(args.only, folder), folder)
        return 0
    seeds = range(args.first, args.first + args.tables)
    back, refused, wrong = collections.Counter(), collections.defaultdict(list), []
    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        for seed, (name, no, problem) in zip(seeds, pool.map(one, seeds, chunksize=8)):
            if problem is not None:
                wrong.append((seed, name, problem))
                print(f"-- seed {seed}, {name}: {problem}", flush=True)
            elif no is not None:
                refused[name].append((seed, no))
            else:
                back[name] += 1
    for name in sorted(set(back) | set(refused)):
        print(f"{name}: {back[name]} back, {len(refused[name])} refused" +
              (f", as seed {refused[name][0][0]}: {refused[name][0][1][:160]}" if refused[name] else ""))
    print(f"{len(seeds)} tables: {sum(back.values())} back, {sum(map(len, refused.values()))} refused, {len(wrong)} wrong")
    # What nearly always is refused is no property.
    return 1 if wrong or sum(back.values()) < 0.9 * len(seeds) else 0


if __name__ == "__main__":
    sys.exit(main())
