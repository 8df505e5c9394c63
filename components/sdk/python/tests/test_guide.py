"""docs/python.md: its modules are written out, compiled and run."""
import re
import subprocess
import sys
import unittest

from sdk_harness import HERE, ROOT, InFolder, needs_penstock

TEXT = (ROOT / "docs/python.md").read_text()
MODULES = dict(re.findall(r"```python\n# (\w+)\.py\n(.*?)```", TEXT, re.S))


class Guide(InFolder):
    def test_its_modules_compile(self):
        self.assertEqual(set(MODULES), {"houses", "prices"})
        for name, text in MODULES.items():
            self.assertIn(f"metadata: {{name: {name}}}", getattr(self.module(text, name), name).yaml())

    @needs_penstock
    def test_the_steps_run_and_give_what_they_say(self):
        prices = self.module(MODULES["prices"], "prices").prices
        (self.folder / "rows.csv").write_text("town,price\nGhent,310\nLyon,420\nGhent,290\n")
        run = prices.run(data="rows.csv", isolation="process", state="state", quiet=True)
        self.assertEqual(run.results, {"dearest": [310, 420]})
        self.assertEqual(run.artifact("report").read_text().replace(".0", ""), "<li>Ghent: 310</li><li>Lyon: 420</li>")

    @needs_penstock
    def test_from_a_csv_to_a_served_model(self):
        import os
        import pathlib
        import random
        if not pathlib.Path(os.environ.get("PENSTOCK_BIN", ""), "penstock-components").exists():
            self.skipTest("penstock-components is not built")
        draw = random.Random(1)
        rows = [(r, round(r * 22 + draw.gauss(0, 8), 1), draw.choice(["Ghent", "Lyon"])) for r in (draw.randint(1, 6) for _ in range(400))]
        (self.folder / "houses.csv").write_text("rooms,area,town,price\n" + "".join(f"{r},{a},{t},{round(a * 900)}\n" for r, a, t in rows))
        (self.folder / "houses.py").write_text(MODULES["houses"])
        done = subprocess.run([sys.executable, "houses.py"], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(HERE.parent)}, timeout=400)
        self.assertEqual(done.returncode, 0, done.stderr)
        metrics, answer = done.stdout.strip().split("\n")
        self.assertIn("rmse", metrics)
        self.assertAlmostEqual(float(answer.strip("[]")), 63000, delta=12000)

    def test_the_error_that_it_shows_is_the_one_that_is_told(self):
        text = MODULES["prices"].replace("dearest(data, each, share)", "dearest(data, each, 2.0)")
        lines = ("# prices.py\n" + text).split("\n")
        number = next(i for i, line in enumerate(lines, 1) if "dearest(data, each, 2.0)" in line)
        with self.assertRaises(Exception) as caught:
            self.module("# prices.py\n" + text, "prices").prices.yaml()
        self.assertEqual(str(caught.exception), f"prices.py:{number}: dearest(), parameter share: 2.0 is above the maximum 1")
        self.assertIn(f"    {caught.exception}\n", TEXT)


if __name__ == "__main__":
    unittest.main()
