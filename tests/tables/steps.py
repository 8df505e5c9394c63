"""Runs components on files that others wrote, and gives back what they made."""
import glob
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release")) / "bin/penstock-components"


def rows_of(folder):
    return pa.concat_tables([pq.read_table(part) for part in sorted(glob.glob(f"{folder}/*.parquet"))]).to_pylist()


class Steps(unittest.TestCase):
    """`folder` is each test's own; a dataset that ingest has read is `folder / "dataset"`."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="penstock-tables-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def component(self, name, inputs, outputs, parameters=None, environment=None):
        """(exit status, what it said)"""
        command = [PROGRAM, name]
        for option, paths in ("input", inputs), ("output", outputs):
            for key, path in paths.items():
                command += [f"--{option}", f"{key}={path}"]
        for key, value in (parameters or {}).items():
            command += ["--parameter", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | (environment or {}))
        return done.returncode, done.stderr + done.stdout

    def ran(self, name, inputs, outputs, parameters=None, environment=None):
        code, said = self.component(name, inputs, outputs, parameters, environment)
        self.assertEqual(code, 0, said)
        return said

    def ingest(self, source, **parameters):
        return self.component("ingest", {"source": source},
                              {"dataset": self.folder / "dataset", "report": self.folder / "report.md"}, parameters)

    def read(self, source, **parameters):
        code, said = self.ingest(source, **parameters)
        self.assertEqual(code, 0, said)
        return rows_of(self.folder / "dataset")

    def refused(self, source, *words, **parameters):
        code, said = self.ingest(source, **parameters)
        self.assertNotEqual(code, 0, said)
        for word in words:
            self.assertIn(word, said)

    def query(self, sql, **environment):
        """Of the dataset that was read."""
        self.ran("query", {"dataset": self.folder / "dataset"}, {"dataset": self.folder / "answer"}, {"sql": sql}, environment)
        return rows_of(self.folder / "answer")
