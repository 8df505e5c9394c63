#!/usr/bin/env python3
"""What pandas, pyarrow, Polars and DuckDB themselves write, read by ingest, query and split: the ways of theirs by which
readers lose values. random_tables.py has the breadth.

usage: real_frames.py [TEST...]    (tools/install-deps bench makes the environment)
"""
import csv
import datetime as dt
import decimal
import hashlib
import pathlib
import unittest

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

import steps


class Pandas(steps.Steps):
    def test_a_missing_number_between_quotes_is_a_missing_number(self):
        path = self.folder / "t.csv"
        pd.DataFrame({"x": [1.5, None, 3], "n": pd.array([1, None, 3], "Int64"), "s": ["a", "", None]}).to_csv(
            path, index=False, quoting=csv.QUOTE_NONNUMERIC)
        self.assertIn('""', path.read_text())
        self.assertEqual(self.read(path), [{"x": 1.5, "n": 1, "s": "a"}, {"x": None, "n": None, "s": ""}, {"x": 3.0, "n": 3, "s": ""}])
        self.assertEqual(self.read(path, types={"x": "float64"})[1]["x"], None)

    def test_a_lone_carriage_return_is_found_and_said(self):
        path = self.folder / "t.csv"
        pd.DataFrame({"s": ["one\rtwo", "x"], "n": [1, 2]}).to_csv(path, index=False, lineterminator="\n")
        self.refused(path, "line 2", "carriage return")

    def test_its_index_is_left_out_however_the_rows_lie(self):
        frame = pd.DataFrame({"n": range(9)})
        for kept in [0, 2, 4], [0, 1, 5]:
            with self.subTest(kept):
                frame.iloc[kept].to_parquet(self.folder / "t.parquet")
                self.assertEqual(self.read(self.folder / "t.parquet"), [{"n": n} for n in kept])

    def test_its_own_types(self):
        path = self.folder / "t.parquet"
        zone = pd.to_datetime(["2024-01-05 10:00+09:00", None]).as_unit("us")
        pd.DataFrame({"c": pd.Categorical(["a", None], ["b", "a"]), "u": pd.array([2**63 - 1, None], "UInt64"), "z": zone,
                      "ns": pd.to_datetime(["2024-01-05 10:00:00.123456789", None]), "d": pd.to_timedelta([1500, None], "ms"),
                      "m": pd.PeriodIndex(["2024-01", "2024-02"], freq="M"), "b": pd.array([True, None], "boolean"),
                      "o": [decimal.Decimal("1.10"), None]}).to_parquet(path)
        first, second = self.read(path)
        self.assertEqual((first["c"], first["u"], first["b"], first["o"]), ("a", 2**63 - 1, True, decimal.Decimal("1.10")))
        self.assertEqual(first["z"].replace(tzinfo=None), dt.datetime(2024, 1, 5, 1))
        self.assertEqual(first["ns"].replace(tzinfo=None), dt.datetime(2024, 1, 5, 10, 0, 0, 123456))
        self.assertIn(first["d"], (1500, 1_500_000, 1_500_000_000))  # in the unit that the schema says
        self.assertEqual({name for name, value in second.items() if value is not None}, {"m"})
        said = (self.folder / "report.md").read_text()
        for word in "pandas.period", "nanoseconds", "'z'":
            self.assertIn(word, said)

    def test_far_dates_stay_dates_with_fractions_and_without(self):
        for fraction in "", ".000", ".250000":
            with self.subTest(fraction):
                path = self.folder / "t.csv"
                path.write_text(f"t,n\n9999-12-31 00:00:00{fraction},1\n2024-01-05 00:00:00,2\n")
                self.assertEqual([row["t"].year for row in self.read(path)], [9999, 2024])


class Parts(steps.Steps):
    """A folder of a day's files each."""

    def day(self, name, **columns):
        (self.folder / "days").mkdir(exist_ok=True)
        pq.write_table(pa.table(columns), self.folder / "days" / f"{name}.parquet")

    def test_a_column_that_was_empty_that_day(self):
        for order in "ab", "ba":
            with self.subTest(order):
                self.day(order[0], n=[1], s=pa.array([None], pa.null()))
                self.day(order[1], n=[2], s=["x"])
                self.assertCountEqual(self.read(self.folder / "days"), [{"n": 1, "s": None}, {"n": 2, "s": "x"}])
                self.assertEqual(self.query("SELECT typeof(s) AS t FROM dataset LIMIT 1"), [{"t": "VARCHAR"}])

    def test_a_column_that_is_empty_every_day(self):
        self.day("a", n=list(range(50)), s=pa.nulls(50))
        self.assertEqual(len(self.read(self.folder / "days")), 50)
        self.assertEqual(self.query("SELECT DISTINCT typeof(s) AS t FROM dataset"), [{"t": "VARCHAR"}])
        self.ran("split", {"dataset": self.folder / "dataset"}, {p: self.folder / p for p in ("train", "valid", "test")})
        self.assertEqual(sum(len(steps.rows_of(self.folder / p)) for p in ("train", "valid", "test")), 50)

    def test_integers_one_day_and_fractions_the_other(self):
        self.day("a", x=[1, 2])
        self.day("b", x=[2.5])
        self.assertCountEqual([row["x"] for row in self.read(self.folder / "days")], [1, 2, 2.5])
        self.assertEqual(self.query("SELECT sum(x) AS x FROM dataset"), [{"x": 5.5}])


class Polars(steps.Steps):
    def test_its_own_types_in_each_of_its_formats(self):
        frame = pl.DataFrame({"c": pl.Series(["a", None, "b"], dtype=pl.Categorical), "e": pl.Series(["x", "y", None], dtype=pl.Enum(["y", "x"])),
                              "u": pl.Series([2**63 - 1, None, 0], dtype=pl.UInt64), "d": pl.Series([dt.time(12, 30), None, dt.time(0)]),
                              "n": pl.Series([decimal.Decimal("1.10"), None, decimal.Decimal("-2.00")], dtype=pl.Decimal(12, 2)),
                              "l": [[1, None], [], None], "z": pl.Series([dt.datetime(2024, 1, 5, 10)] * 3).dt.replace_time_zone("Asia/Seoul")})
        frame.write_parquet(self.folder / "parquet")
        frame.write_ipc(self.folder / "ipc", compat_level=pl.CompatLevel.newest())
        frame.write_ipc(self.folder / "old", compat_level=pl.CompatLevel.oldest(), compression="zstd")
        frame.write_ipc_stream(self.folder / "stream")
        for name in "parquet", "ipc", "old", "stream":
            with self.subTest(name):
                rows = self.read(self.folder / name)
                self.assertEqual([row["c"] for row in rows], ["a", None, "b"])
                self.assertEqual([row["e"] for row in rows], ["x", "y", None])
                self.assertEqual([row["u"] for row in rows], [2**63 - 1, None, 0])
                self.assertEqual([row["d"] and row["d"][:8] for row in rows], ["12:30:00", None, "00:00:00"])
                self.assertEqual([row["n"] for row in rows], [decimal.Decimal("1.10"), None, decimal.Decimal("-2.00")])
                self.assertEqual([row["l"] for row in rows], [[1, None], [], None])
                self.assertEqual(rows[0]["z"].replace(tzinfo=None), dt.datetime(2024, 1, 5, 1))

    def test_an_integer_beyond_64_bits_is_refused_by_name(self):
        pl.DataFrame({"n": [1, 2], "big": pl.Series([1, 2**64 - 1], dtype=pl.UInt64)}).write_parquet(self.folder / "t")
        self.refused(self.folder / "t", "big", "18446744073709551615")
        self.assertEqual(self.read(self.folder / "t", types={"big": "string"})[1]["big"], "18446744073709551615")

    def test_a_struct_is_refused_by_name(self):
        pl.DataFrame({"n": [1], "odd": [{"a": 1}]}).write_ipc(self.folder / "t")
        self.refused(self.folder / "t", "odd")
        self.assertEqual(self.read(self.folder / "t", columns=["n"]), [{"n": 1}])


class Sql(steps.Steps):
    """Over what DuckDB itself wrote."""

    def written(self, sql):
        with duckdb.connect() as db:
            db.execute(f"COPY ({sql}) TO '{self.folder}/t.parquet' (FORMAT parquet)")
        return self.read(self.folder / "t.parquet")

    def test_sums_and_counts_of_integers_are_integers(self):
        self.written("SELECT range AS n, range % 2 = 0 AS even FROM range(10)")
        answer = self.query("SELECT sum(n) AS total, count_if(even) AS evens, sum(even::INT) AS again FROM dataset")
        self.assertEqual(answer, [{"total": 45, "evens": 5, "again": 5}])
        for value in answer[0].values():
            self.assertIs(type(value), int)

    def test_nan_is_null_as_it_is_elsewhere(self):
        self.written("SELECT unnest(['nan'::DOUBLE, 20, 1]) AS x")
        self.assertEqual(self.query("SELECT count(*) AS n FROM dataset WHERE x > 15"), [{"n": 1}])
        self.assertEqual(self.query("SELECT count(x) AS n FROM dataset"), [{"n": 2}])

    def test_the_same_averages_to_the_bit_on_two_threads(self):
        self.written("SELECT range % 20 AS g, hash(range) / 1e18 AS x FROM range(400000)")
        digests = set()
        for threads in "1", "2", "2", "4":
            self.query("SELECT g, sum(x) AS s, avg(x) AS a FROM dataset GROUP BY g", OMP_NUM_THREADS=threads)
            digests.add(hashlib.sha256(next(pathlib.Path(self.folder / "answer").glob("*.parquet")).read_bytes()).hexdigest())
        self.assertEqual(len(digests), 1)

    def test_names_that_differ_by_case_are_refused(self):
        feather.write_feather(pa.table({"Age": [1], "age": [2]}), self.folder / "t")
        self.read(self.folder / "t")
        code, said = self.component("query", {"dataset": self.folder / "dataset"}, {"dataset": self.folder / "answer"},
                                    {"sql": "SELECT Age FROM dataset"})
        self.assertNotEqual(code, 0)
        self.assertIn("Age", said)

    def test_equal_rows_do_not_all_go_one_way(self):
        self.written("SELECT range % 2 AS label, 'same' AS s FROM range(1000)")
        parts = {part: self.folder / part for part in ("train", "valid", "test")}
        self.ran("split", {"dataset": self.folder / "dataset"}, parts)
        self.assertTrue(all(20 < len(steps.rows_of(path)) < 900 for path in parts.values()))


if __name__ == "__main__":
    unittest.main()
