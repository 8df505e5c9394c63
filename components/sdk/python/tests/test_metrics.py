"""log_metric, tables and frames."""
import json
import os
import pathlib
import unittest
import warnings

from sdk_harness import InFolder

from penstock import log_metric, metrics, read_table, tables, write_table
from penstock.errors import PenstockError
from penstock.frames import Rows, table


class Metrics(InFolder):
    def setUp(self):
        super().setUp()
        metrics._counts.clear()
        metrics._warned.clear()

    def within_a_step(self):
        os.environ["PENSTOCK_METRICS"] = "metrics.jsonl"
        self.addCleanup(os.environ.pop, "PENSTOCK_METRICS", None)

    def lines(self):
        return [json.loads(line) for line in pathlib.Path("metrics.jsonl").read_text().splitlines()]

    def test_a_value_is_a_line_of_json(self):
        self.within_a_step()
        log_metric("loss", 0.5, step=3)
        log_metric("loss", 1)
        self.assertEqual(self.lines(), [{"name": "loss", "step": 3, "value": 0.5}, {"name": "loss", "step": 4, "value": 1}])

    def test_progress_is_a_line_of_its_own(self):
        from penstock import log_progress
        self.within_a_step()
        log_progress(3, 10)
        self.assertEqual(self.lines(), [{"progress": {"done": 3, "total": 10}}])
        with self.assertRaisesRegex(TypeError, "progress takes two numbers, got 'x' of 2"):
            log_progress("x", 2)

    def test_steps_count_by_themselves_for_each_name(self):
        self.within_a_step()
        for name in ("a", "b", "a"):
            log_metric(name, 1)
        self.assertEqual([(line["name"], line["step"]) for line in self.lines()], [("a", 0), ("b", 0), ("a", 1)])

    def test_outside_of_a_step_a_warning_says_once_that_nothing_is_written(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            log_metric("loss", 1)
            log_metric("loss", 2)
        self.assertEqual([str(w.message) for w in caught],
                         ["log_metric writes nothing here: this is no step of a Penstock run (PENSTOCK_METRICS is not set)"])
        self.assertEqual(caught[0].filename, __file__)

    def test_what_is_no_number_is_refused(self):
        for value in ("1", None, True, [1]):
            with self.assertRaisesRegex(TypeError, "the metric x takes a number"):
                log_metric("x", value)
        for name in ("", 3, "a\nb"):
            with self.assertRaisesRegex(ValueError, "a metric's name"):
                log_metric(name, 1)

    def test_a_value_that_is_no_finite_number_is_a_gap(self):
        self.within_a_step()
        log_metric("loss", float("nan"))
        self.assertEqual(self.lines(), [{"name": "loss", "step": 0, "value": None}])


class Tables(InFolder):
    def records(self, rows):
        return rows.to_dict("records") if hasattr(rows, "to_dict") else [dict(row) for row in rows]

    def test_csv_json_and_json_lines_are_read(self):
        pathlib.Path("a.csv").write_text("\ufeffname,town\nx,Ghent\n", encoding="utf-8")
        pathlib.Path("b").write_text('{"name": "x", "n": 1}\n{"name": "y", "n": 2}\n')
        pathlib.Path("c").write_text('[{"name": "x"}]')
        self.assertEqual(self.records(read_table("a.csv")), [{"name": "x", "town": "Ghent"}])
        self.assertEqual(self.records(read_table("b")), [{"name": "x", "n": 1}, {"name": "y", "n": 2}])
        self.assertEqual(self.records(read_table("c")), [{"name": "x"}])

    def test_what_was_written_is_read_again(self):
        write_table([{"a": "x", "b": "1,5"}, {"a": "y"}], "t.csv")
        self.assertEqual(pathlib.Path("t.csv").read_bytes(), b'a,b\nx,"1,5"\ny,\n')

    def test_parquet_without_pyarrow_says_what_to_install(self):
        try:
            import pyarrow  # noqa: F401
            self.skipTest("pyarrow is here")
        except ImportError:
            pass
        pathlib.Path("data").mkdir()
        pathlib.Path("data/part-0.parquet").write_bytes(b"PAR1....PAR1")
        pathlib.Path("data/_schema.yaml").write_text("version: 1\n")
        with self.assertRaisesRegex(PenstockError, "part-0.parquet is Parquet: pip install pyarrow"):
            read_table("data")

    def test_an_empty_folder_and_a_missing_path_are_told(self):
        pathlib.Path("empty").mkdir()
        for path, expected in (("empty", "is a folder without a table"), ("gone", "there is no gone")):
            with self.assertRaisesRegex(PenstockError, expected):
                tables.read_table(path)

    def test_a_table_in_a_notebook_shows_hostile_names_as_text(self):
        shown = Rows([{"<script>": "<img src=x onerror=alert(1)>", "b": None}])._repr_html_()
        self.assertNotIn("<script>", shown)
        self.assertNotIn("<img", shown)
        self.assertIn("&lt;img", shown)
        self.assertIn("50 more", table([{"a": 1}] * 250))


if __name__ == "__main__":
    unittest.main()
