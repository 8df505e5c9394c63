#!/usr/bin/env python3
"""Writes the files of this folder, as pandas, pyarrow and polars write them. Needs all three; usage: make.py"""
import datetime as dt
import decimal
import gzip
import pathlib
import zipfile

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).resolve().parent
FAR = dt.datetime(9999, 12, 31)


def parquet(name, **columns):
    pq.write_table(pa.table(columns), HERE / name)


frame = pd.DataFrame({"n": [1, 2, 3, 4, 5], "city": ["Rome", None, "Oslo", "Bonn", "Lima"]})
kept = frame[frame.n.isin([1, 2, 4])]
kept.to_parquet(HERE / "pandas_index.parquet")
kept.reset_index(drop=True).to_feather(HERE / "pandas.feather")
kept.to_json(HERE / "pandas.jsonl", orient="records", lines=True)
pl.from_pandas(kept).write_parquet(HERE / "polars.parquet")
pl.from_pandas(kept).write_ipc(HERE / "polars.arrow")
pl.from_pandas(kept).write_ipc_stream(HERE / "polars_stream.arrow")
(HERE / "pandas_index.parquet.gz").write_bytes(gzip.compress((HERE / "pandas_index.parquet").read_bytes(), mtime=0))

pq.write_table(pa.table({"t": pa.array([FAR, dt.datetime(1582, 10, 15), None], pa.timestamp("us"))}),
               HERE / "int96.parquet", use_deprecated_int96_timestamps=True)
ns = 1672531199999999999
parquet("times.parquet", ns=pa.array([ns], pa.timestamp("ns")), zoned=pa.array([ns // 1000], pa.timestamp("us", "Asia/Tokyo")),
        ms=pa.array([ns // 1000000], pa.timestamp("ms")), far=pa.array([dt.date(9999, 12, 31)]),
        tod=pa.array([dt.time(12, 30)]), dur=pa.array([dt.timedelta(hours=1)], pa.duration("ms")))
parquet("types.parquet", u8=pa.array([200, None], pa.uint8()), u32=pa.array([3000000000, 1], pa.uint32()),
        u64=pa.array([9223372036854775807, 1], pa.uint64()), half=pa.array([1.5, 65504.0], pa.float16()),
        cat=pa.array(["a", "b"]).dictionary_encode(), bin=pa.array([b"\xff\x00", b"x"]), fixed=pa.array([b"ab", b"cd"], pa.binary(2)),
        lst=pa.array([[1, 2], None], pa.list_(pa.int32())), price=pa.array([decimal.Decimal("12345678901234567890.12"), None], pa.decimal128(22, 2)),
        nul=pa.nulls(2), nan=pa.array([float("nan"), float("inf")]), big=pa.array(["x", "y"], pa.large_string()))
parquet("u64.parquet", id=pa.array([1, 18446744073709551615], pa.uint64()))
parquet("nested.parquet", a=pa.array([1]), st=pa.array([{"x": 1}]), mp=pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())))


def packed(name, **files):
    with zipfile.ZipFile(HERE / name, "w", zipfile.ZIP_DEFLATED) as out:
        for member, data in files.items():
            out.writestr(zipfile.ZipInfo(member), data)


table = (HERE / "polars.parquet").read_bytes()
systems = {"folder/": "", "folder/.DS_Store": "Bud1", "__MACOSX/folder/._cities.parquet": "x", "Thumbs.db": "x", "desktop.ini": "x"}
packed("systems.zip", **systems, **{"folder/cities.parquet": table})
packed("two.zip", **{"a.csv": "a\n1\n", "notes/README.txt": "read me"})
packed("book.xlsx", **{"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x/>"})
(HERE / "pandas.jsonl.zst").write_bytes(pa.compress((HERE / "pandas.jsonl").read_bytes(), codec="zstd", asbytes=True))
