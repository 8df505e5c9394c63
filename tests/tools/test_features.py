"""Each example of examples/features and examples/peers ends on this machine as its first lines say."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import features  # noqa: E402

PENSTOCK = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release")) / "bin/penstock"


class Features(unittest.TestCase):
    def run_example(self, example, folder):
        if not example.can_run():
            done = subprocess.run([PENSTOCK, "validate", example.path], capture_output=True, text=True, timeout=60, cwd=folder)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return
        chosen = ["--pipeline", example.pipeline] if example.pipeline else []
        # What is shown here is what a run does; the host is not what isolates it.
        arguments = [*chosen, *example.arguments, *example.approve_arguments()]
        done = subprocess.run([PENSTOCK, "run", example.path, *arguments, "--state", folder, "--isolation", "process",
                               "-o", "json"], capture_output=True, text=True, timeout=120, cwd=folder)
        if example.invalid:
            self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
            self.assertIn(example.invalid, done.stderr)
            return
        self.assertIn(done.returncode, (0, 1), done.stdout + done.stderr)
        faults = example.faults(json.loads(done.stdout))
        self.assertEqual(faults, [], done.stdout + done.stderr)

    def test_each_example_ends_as_it_says(self):
        found = features.examples()
        self.assertTrue(found, "no example is there")
        for example in found:
            with self.subTest(f"{example.path.parent.name}/{example.path.name}"), tempfile.TemporaryDirectory() as folder:
                self.run_example(example, folder)


if __name__ == "__main__":
    unittest.main()
