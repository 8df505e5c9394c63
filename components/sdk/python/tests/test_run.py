"""Pipelines of functions run by `penstock run` on this machine."""
import contextlib
import io
import pathlib
import unittest

from sdk_harness import InFolder, needs_penstock
import shop

from penstock import CommandError, CompileError, RunFailed, connect
from penstock.errors import PenstockError

ROWS = "name,price\na,1\nb,3\nc,free\n"


@needs_penstock
class Runs(InFolder):
    def run_quietly(self, pipeline, **given):
        return pipeline.run(isolation="process", state="state", quiet=True, **given)

    def test_a_run_gives_results_tables_artifacts_and_logs(self):
        pathlib.Path("rows.csv").write_text(ROWS)
        run = self.run_quietly(shop.prices, data="rows.csv", title="Täg $(y) \"q\"")
        self.assertEqual(run.phase, "Succeeded")
        page = run.artifact("report").read_text(encoding="utf-8")
        self.assertEqual(page, "<h1>Täg $(y) \"q\": $(x) 3</h1>5.0 ['a b', 'c']".replace("5.0", page.split("</h1>")[1].split(" ")[0]))
        self.assertEqual(run.results, {"mean": 5, "squares": [1, 4, 9], "bytes": len(page.encode())})
        rows = {row["name"]: row for row in connect(state="state").run(run.name).steps.to_dict("records")} if hasattr(
            run.steps, "to_dict") else {row["name"]: row for row in run.steps}
        self.assertEqual(rows["facts"]["results.rows"], 2)
        self.assertEqual(run.step_results("tell"), {"result": "Succeeded 0 None"})
        self.assertEqual(run.artifact("page/report").read_text(encoding="utf-8"), page)
        html = run._repr_html_()
        self.assertIn("<td>facts</td><td>Succeeded</td>", html)
        runs = connect(state="state").runs()
        self.assertEqual(len(runs), 1)

    def test_the_second_run_comes_from_the_cache(self):
        pathlib.Path("rows.csv").write_text(ROWS)
        given = {"data": f"file://{self.folder}/rows.csv"}
        self.run_quietly(shop.prices, **given)
        story = self.run_quietly(shop.prices, **given).story
        cached = {s["name"]: s["cached"] for s in story["steps"]}
        self.assertTrue(cached["facts"] and cached["page"])

    def test_metrics_are_read_from_a_state_folder_by_step_and_item(self):
        made = self.module("from penstock import *\n\n@step\ndef fit(n: int) -> int:\n    log_metric('loss', n)\n    log_metric('loss', n / 2)\n    return n\n\n"
                           "@pipeline\ndef inner():\n    fit(7)\n\n@pipeline\ndef p():\n    one = fit(4)\n    fit(each).for_each([1, 2]).named('many')\n"
                           "    inner()\n    fit(9).named('never').when(one.result > 5)\n")
        run = self.run_quietly(made.p)

        def points(**asked):
            rows = run.metrics(**asked)
            rows = rows.to_dict("records") if hasattr(rows, "to_dict") else rows
            return [(r["step"], r.get("item"), r["at"], r["value"]) for r in rows]
        many = [("many", 0, 0, 1), ("many", 0, 1, 0.5), ("many", 1, 0, 2), ("many", 1, 1, 1)]
        if not hasattr(run.metrics(), "to_dict"):
            self.assertEqual(points(), [("fit", None, 0, 4), ("fit", None, 1, 2), *many])
        self.assertEqual(points(step="many"), many)
        self.assertEqual(points(step="many", item=1), many[2:])
        self.assertEqual(len(connect(state="state").metrics_of([run.name, run.name], "fit")), 4)
        for asked, told in (({"step": "fit", "item": 0}, "item=0 is of a looped step: fit of .* is none"), ({"item": 0}, "of a looped step: name the step"),
                            ({"step": "many", "item": 2}, "has 2 items, counted from 0, and no item 2"), ({"step": "gone"}, "has no step gone"),
                            ({"step": "inner"}, "step inner is a Pipeline: its run is")):
            with self.assertRaisesRegex(PenstockError, told):
                run.metrics(**asked)

    def test_nested_pipelines_and_typed_parameters_run(self):
        self.assertEqual(self.run_quietly(shop.many, numbers=[2, 3, 4]).results, {"squares": [4, 9, 16]})

    def test_a_failure_says_the_step_and_the_program_s_last_words(self):
        failing = self.module("from penstock import *\n\n@step\ndef f(n: int) -> int:\n    return 1 // n\n\n@pipeline\ndef p(n: int = 0):\n    return f(n)\n").p
        with self.assertRaises(RunFailed) as caught:
            self.run_quietly(failing)
        self.assertRegex(str(caught.exception), "(?s)f: .*ZeroDivisionError")
        self.assertIn("ZeroDivisionError", caught.exception.run.log("f"))

    def test_what_is_no_parameter_or_out_of_type_is_told_before_anything_runs(self):
        with self.assertRaisesRegex(CompileError, r"test_run.py:\d+: many\(\), parameter region: 'east' is none of 'north', 'south'"):
            self.run_quietly(shop.many, region="east")
        with self.assertRaisesRegex(CompileError, "many\\(\\), parameter regions: has no parameter; it has numbers, region"):
            self.run_quietly(shop.many, regions="x")
        with self.assertRaisesRegex(CompileError, r"test_run.py:\d+: there is no file gone.csv"):
            self.run_quietly(shop.prices, data="gone.csv")
        self.assertFalse(pathlib.Path("state").exists())

    def test_progress_is_shown_unless_it_is_quiet(self):
        shown = io.StringIO()
        with contextlib.redirect_stderr(shown):
            shop.many.run(isolation="process", state="state", numbers=[2])
        self.assertIn("one-square: Succeeded", shown.getvalue())

    def test_an_artifact_that_is_not_there_is_told(self):
        run = self.run_quietly(shop.many, numbers=[2])
        with self.assertRaisesRegex(Exception, "published no model; of a step it is STEP/model"):
            run.artifact("model")
        with self.assertRaisesRegex(CommandError, "artifact"):
            run.artifact("one-square/model")

    def test_a_folder_without_penstock_says_how_to_have_it(self):
        import os
        before = os.environ.pop("PENSTOCK_BIN", None)
        path, os.environ["PATH"] = os.environ["PATH"], "/nowhere"
        try:
            with self.assertRaisesRegex(CommandError, "penstock is not on PATH: install Penstock, or set PENSTOCK_BIN"):
                self.run_quietly(shop.many)
        finally:
            os.environ["PATH"] = path
            if before:
                os.environ["PENSTOCK_BIN"] = before


if __name__ == "__main__":
    unittest.main()
