#!/usr/bin/env python3
"""What Spark writes, ingest reads: Parquet with its defaults and otherwise, CSV, JSON Lines; each value is back, or the column
is refused by name. Needs a JVM, so it is tests/run full's and not CI's.

usage: real_spark.py [TEST...]    (tools/install-deps spark makes the environment)
"""
import datetime as dt
import decimal
import glob
import os
import pathlib
import platform
import shutil
import sys
import tempfile
import unittest
import zipfile

import pyspark
import pyspark.sql.types as T
from pyspark.sql import SparkSession

import steps

FAR, OLD = dt.datetime(9999, 12, 31), dt.datetime(1816, 3, 30, 5, 56, 8)
ROWS = [
    {"i": 2**63 - 1, "small": -128, "x": 0.1, "f": 0.5, "late": True, "day": dt.date(2024, 1, 5), "t": FAR,
     "n": decimal.Decimal("12345678901234567890.1234"), "s": "도시, \"x\"", "b": b"\x00\xff"},
    {"i": -2**63, "small": 127, "x": 1e300, "f": -0.25, "late": False, "day": dt.date(1, 1, 1),
     "t": dt.datetime(2024, 2, 29, 23, 59, 59, 999999), "n": decimal.Decimal("-0.0001"), "s": "02138", "b": b""},
    {"i": None, "small": None, "x": None, "f": None, "late": None, "day": None, "t": None, "n": None, "s": None, "b": None},
    {"i": 0, "small": 0, "x": -0.0, "f": 1.0, "late": True, "day": dt.date(9999, 12, 31), "t": OLD,
     "n": decimal.Decimal("0.0000"), "s": "", "b": b"x"},
]
SCHEMA = T.StructType([T.StructField(name, kind) for name, kind in {
    "i": T.LongType(), "small": T.ByteType(), "x": T.DoubleType(), "f": T.FloatType(), "late": T.BooleanType(),
    "day": T.DateType(), "t": T.TimestampType(), "n": T.DecimalType(24, 4), "s": T.StringType(), "b": T.BinaryType()}.items()])
TEXTS = ["plain", "a,b", 'say "hi"', "back\\slash", "ends\\", " padded ", "02138", "+5", "도시", "it's", "x;y"]


class Spark(steps.Steps):
    @classmethod
    def setUpClass(cls):
        os.environ["PYSPARK_PYTHON"] = sys.executable
        native = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="penstock-snappy-"))
        cls.unpack_snappy(native)
        cls.spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
                     .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
                     .config("spark.driver.memory", "1g")
                     .config("spark.driver.extraJavaOptions", f"-Dorg.xerial.snappy.lib.path={native} "
                             "-Dorg.xerial.snappy.lib.name=libsnappyjava.so")
                     .config("spark.sql.session.timeZone", "UTC").getOrCreate())
        cls.spark.sparkContext.setLogLevel("ERROR")
        cls.addClassCleanup(cls.spark.stop)

    @staticmethod
    def unpack_snappy(folder):
        """snappy-java takes the build for musl where it sees musl on the machine, as tests/cluster's tools have it."""
        [jar] = (pathlib.Path(pyspark.__file__).parent / "jars").glob("snappy-java-*.jar")
        with zipfile.ZipFile(jar) as packed:
            library = packed.read(f"org/xerial/snappy/native/Linux/{platform.machine()}/libsnappyjava.so")
        pathlib.Path(folder, "libsnappyjava.so").write_bytes(library)

    def frame(self, rows=ROWS, schema=SCHEMA, parts=2):
        values = [[self.instant(row.get(name)) for name in schema.names] for row in rows]
        return self.spark.createDataFrame(values, schema).coalesce(parts)

    @staticmethod
    def instant(value):
        """A moment in UTC, whatever the zone of this machine: PySpark takes bare ones for the machine's."""
        return value.replace(tzinfo=dt.timezone.utc) if isinstance(value, dt.datetime) else value

    def one_file(self, folder, ending):
        files = glob.glob(f"{folder}/part-*{ending}")
        self.assertEqual(len(files), 1, files)
        return files[0]

    def same(self, got, expected=ROWS):
        self.assertEqual(len(got), len(expected))
        for read, wrote in zip(got, expected):
            for name, value in wrote.items():
                found = read[name]
                if isinstance(found, dt.datetime):
                    found = found.replace(tzinfo=None)
                self.assertEqual(found, value, name)

    def written(self, **configuration):
        for key, value in configuration.items():
            self.spark.conf.set(key.replace("__", "."), value)
            self.addCleanup(self.spark.conf.unset, key.replace("__", "."))
        target = str(self.folder / "spark")
        self.frame().write.parquet(target)
        return target


class Parquet(Spark):
    def test_its_defaults_give_each_value_back(self):
        self.same(self.read(self.written()))

    def test_each_of_its_times_is_the_same_time(self):
        for kind in "INT96", "TIMESTAMP_MICROS", "TIMESTAMP_MILLIS":
            with self.subTest(kind):
                got = self.read(self.written(spark__sql__parquet__outputTimestampType=kind))
                micros = kind != "TIMESTAMP_MILLIS"
                expected = [{**row, "t": row["t"] and row["t"].replace(microsecond=row["t"].microsecond if micros else 999000)
                             if row["t"] and row["t"].microsecond else row["t"]} for row in ROWS]
                self.same(got, expected)
                shutil.rmtree(self.folder / "spark")

    def test_each_compression_and_the_old_format(self):
        for options in {"compression": "zstd"}, {"compression": "gzip"}, {"compression": "lz4_raw"}, {"compression": "none"}:
            with self.subTest(options):
                target = str(self.folder / f"spark-{options['compression']}")
                self.frame().write.options(**options).parquet(target)
                self.same(self.read(target))
        self.same(self.read(self.written(spark__sql__parquet__writeLegacyFormat="true")))

    def test_query_and_split_see_the_far_year_too(self):
        self.read(self.written())
        self.assertEqual(self.query("SELECT max(year(t)) AS last, min(year(t)) AS first FROM dataset"), [{"last": 9999, "first": 1816}])
        parts = {part: self.folder / part for part in ("train", "valid", "test")}
        self.ran("split", {"dataset": self.folder / "dataset"}, parts,
                 {"by": "time", "column": "t", "cuts": {"valid": "2024-01-01", "test": "2025-01-01"}, "nullTimes": "train"})
        years = {part: [row["t"] and row["t"].year for row in steps.rows_of(path)] for part, path in parts.items()}
        self.assertEqual(years, {"train": [None, 1816], "valid": [2024], "test": [9999]})

    def test_times_without_a_zone_and_lists(self):
        schema = T.StructType([T.StructField("t", T.TimestampNTZType()), T.StructField("l", T.ArrayType(T.LongType()))])
        rows = [(dt.datetime(2024, 1, 5, 10), [1, None, 3]), (None, []), (dt.datetime(1900, 1, 1), None)]
        target = str(self.folder / "spark")
        self.spark.createDataFrame(rows, schema).coalesce(1).write.parquet(target)
        got = [(row["t"] and row["t"].replace(tzinfo=None), row["l"]) for row in self.read(target)]
        self.assertEqual(got, rows)

    def test_structs_and_maps_are_refused_by_name(self):
        for text in "named_struct('a', 1) AS odd", "map('a', 1) AS odd":
            with self.subTest(text):
                target = str(self.folder / f"spark-{len(text)}")
                self.spark.sql(f"SELECT 1 AS n, {text}").write.parquet(target)
                self.refused(target, "odd")
                self.assertEqual(self.read(target, columns=["n"]), [{"n": 1}])

    def test_partitions_by_folder_are_refused(self):
        target = str(self.folder / "spark")
        self.spark.sql("SELECT id, id % 2 AS country FROM range(4)").write.partitionBy("country").parquet(target)
        self.refused(target, "country=")

    def test_parts_of_another_day_with_other_columns(self):
        target = str(self.folder / "spark")
        self.spark.sql("SELECT 1L AS n, 2.5D AS x").write.parquet(target)
        self.spark.sql("SELECT 2L AS n, 'new' AS s").write.mode("append").parquet(target)
        self.assertCountEqual(self.read(target), [{"n": 1, "x": 2.5, "s": None}, {"n": 2, "x": None, "s": "new"}])


class Text(Spark):
    def csv(self, rows, schema, **options):
        target = str(self.folder / "csv")
        self.frame(rows, schema, parts=1).write.options(header=True, **options).csv(target)
        return self.one_file(target, options.get("compression") == "gzip" and ".csv.gz" or ".csv")

    def test_numbers_and_times_of_a_csv(self):
        """By default it writes milliseconds."""
        names = ["i", "x", "late", "day", "t"]
        schema = T.StructType([field for field in SCHEMA if field.name in names])
        rows = [{name: row[name] for name in names} for row in ROWS]
        self.same(self.read(self.csv(rows, schema, timestampFormat="yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX")), rows)
        shutil.rmtree(self.folder / "csv")
        milliseconds = [{**row, "t": row["t"] and row["t"].replace(microsecond=row["t"].microsecond // 1000 * 1000)} for row in rows]
        self.same(self.read(self.csv(rows, schema)), milliseconds)

    def test_numbers_that_are_none(self):
        schema = T.StructType([T.StructField("n", T.LongType()), T.StructField("x", T.DoubleType())])
        rows = [{"n": 1, "x": float("inf")}, {"n": 2, "x": float("-inf")}, {"n": 3, "x": 1e-300}, {"n": 4, "x": 0.5}]
        self.same(self.read(self.csv(rows, schema), types={"x": "float64"}), rows)

    def test_texts_of_a_csv_whose_quotes_are_escaped(self):
        """Spark writes \\" within quotes, and \\\\ for nothing; ingest sees that, or is told it."""
        schema = T.StructType([T.StructField("n", T.LongType()), T.StructField("s", T.StringType())])
        rows = [{"n": n, "s": text} for n, text in enumerate(TEXTS)]
        for parameters in {}, {"escape": "backslash", "quote": '"', "delimiter": ","}:
            with self.subTest(parameters):
                shutil.rmtree(self.folder / "csv", ignore_errors=True)
                path = self.csv(rows, schema, ignoreLeadingWhiteSpace=False, ignoreTrailingWhiteSpace=False)
                self.same(self.read(path, types={"s": "string"}, **parameters), rows)

    def test_texts_of_a_csv_whose_quotes_are_doubled(self):
        schema = T.StructType([T.StructField("n", T.LongType()), T.StructField("s", T.StringType())])
        rows = [{"n": n, "s": text} for n, text in enumerate([*TEXTS, "two\nlines"])]
        path = self.csv(rows, schema, escape='"', compression="gzip", ignoreLeadingWhiteSpace=False, ignoreTrailingWhiteSpace=False)
        self.same(self.read(path, types={"s": "string"}), rows)

    def test_json_lines(self):
        names = ["i", "x", "late", "s"]
        schema = T.StructType([field for field in SCHEMA if field.name in names])
        rows = [{name: row[name] for name in names} for row in ROWS]
        target = str(self.folder / "json")
        self.frame(rows, schema).write.json(target)
        self.same(self.read(target), rows)


if __name__ == "__main__":
    unittest.main()
