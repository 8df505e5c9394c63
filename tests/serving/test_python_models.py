"""The Python SDK's save_model, in an environment that fits models: what it writes, the server takes."""
import os
import pathlib
import re
import subprocess
import unittest

import harness as h

PYTHON = pathlib.Path(os.environ.get("PENSTOCK_PYTHON_VENV", pathlib.Path.home() / ".cache/penstock/python-venv")) / "bin/python"
SDK = h.ROOT / "components/sdk/python"


class SavedModels(unittest.TestCase):
    def run_tests(self, python, classes):
        env = {**os.environ, "PENSTOCK_BIN": str(h.BUILD / "bin"), "PYTHONPATH": f"{SDK}:{SDK}/tests"}
        done = subprocess.run([python, "-m", "unittest", "-v", *(f"test_models.{name}" for name in classes)], cwd=SDK / "tests", env=env,
                              capture_output=True, text=True, timeout=900)
        self.assertEqual(done.returncode, 0, done.stderr)
        ran = int(re.search(r"Ran (\d+) test", done.stderr).group(1))
        self.assertGreater(ran - done.stderr.count("... skipped"), 0, done.stderr)

    @unittest.skipUnless(PYTHON.exists(), "no Python with skl2onnx here: tools/install-deps python")
    def test_scikit_learn_models_are_saved_and_served(self):
        self.run_tests(PYTHON, ["Estimators", "Trees"])

    @unittest.skipUnless(h.bench_python(), "no Python with torch here: tools/install-deps bench")
    def test_networks_are_saved_and_served(self):
        self.run_tests(h.bench_python(), ["Networks"])
