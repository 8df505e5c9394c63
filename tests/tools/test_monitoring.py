"""Alert rules, dashboards and runbooks of the chart: the rules by Prometheus' own promtool, all names by the programs' sources."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = ROOT / "charts/penstock/files/monitoring"
TOOLS = pathlib.Path(os.environ.get("PENSTOCK_DEPS", pathlib.Path.home() / ".cache/penstock/deps")) / "prometheus/usr/bin"
PROMTOOL = shutil.which("promtool") or (str(TOOLS / "promtool") if (TOOLS / "promtool").exists() else None)
METRIC = re.compile(r"\b(?:penstock|process)_[a-z_]+\b")
LABELS = {"penstock_dev_model_deployment"}


def known_metrics():
    """Every metric that a program of the tree exposes, with the suffixes of histograms."""
    names = {"process_resident_memory_bytes", "process_cpu_seconds_total"}
    for folder in ("operator/runtime", "operator/main", "operator/controllers", "operator/metadata", "operator/gates", "operator/artifacts", "components/serve",
                   "components/router"):
        for path in (ROOT / folder).rglob("*.cc"):
            if not path.name.endswith("_test.cc"):
                names |= set(re.findall(r'"(penstock_[a-z_]+)"', path.read_text()))
    names |= {f"penstock_serve_prediction_log_{suffix}" for suffix in re.findall(r"penstock_serve_prediction_log_([a-z_]+)",
                                                                                   (ROOT / "docs/models.md").read_text())}
    return names | {name + end for name in names for end in ("_bucket", "_sum", "_count")}


def rules():
    return [rule for group in yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]


def panels():
    return [(path.name, panel) for path in sorted(FILES.glob("dashboard-*.json")) for panel in json.loads(path.read_text())["panels"]]


class Monitoring(unittest.TestCase):
    @unittest.skipUnless(PROMTOOL, "promtool is not installed: tools/install-deps test")
    def test_each_alert_fires_when_it_should_and_not_before(self):
        with tempfile.TemporaryDirectory() as folder:
            for path in (FILES / "alerts.yaml", ROOT / "tests/tools/alerts-test.yaml"):
                shutil.copyfile(path, pathlib.Path(folder, path.name))
            for command in (["check", "rules", "--lint=all", "--lint-fatal", "alerts.yaml"], ["test", "rules", "alerts-test.yaml"]):
                done = subprocess.run([PROMTOOL, *command], cwd=folder, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_alert_is_tested_and_has_a_runbook(self):
        tested = {t["alertname"] for case in yaml.safe_load((ROOT / "tests/tools/alerts-test.yaml").read_text())["tests"]
                  for t in case["alert_rule_test"] if t["exp_alerts"]}
        books = set(re.findall(r"^## (\w+)$", (ROOT / "docs/runbooks.md").read_text(), re.M))
        names = [rule["alert"] for rule in rules()]
        self.assertEqual((set(names), set(names)), (tested, books))
        self.assertEqual(len(names), len(set(names)))

    def test_every_metric_is_one_that_a_program_exposes(self):
        known = known_metrics()
        texts = [(rule["alert"], rule["expr"]) for rule in rules()]
        texts += [(f"{name}: {panel['title']}", target["expr"]) for name, panel in panels() for target in panel["targets"]]
        self.assertGreater(len(texts), 30)
        for where, text in texts:
            for metric in METRIC.findall(text):
                self.assertIn(metric, known, where)

    @unittest.skipUnless(PROMTOOL, "promtool is not installed: tools/install-deps test")
    def test_every_query_of_the_dashboards_parses(self):
        queries = [target["expr"].replace("$namespace", ".*").replace("$model", ".*") for _, panel in panels() for target in panel["targets"]]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "rules.yaml")
            path.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [{"record": f"r:{i}", "expr": q} for i, q in enumerate(queries)]}]}))
            done = subprocess.run([PROMTOOL, "check", "rules", "--lint=none", str(path)], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_panels_do_not_cover_each_other(self):
        for name in {n for n, _ in panels()}:
            taken = set()
            for n, panel in panels():
                at = panel["gridPos"]
                cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
                if n == name:
                    self.assertFalse(cells & taken, panel["title"])
                    self.assertLessEqual(at["x"] + at["w"], 24)
                    taken |= cells


if __name__ == "__main__":
    unittest.main()
