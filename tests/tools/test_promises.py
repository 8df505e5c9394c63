"""docs/promises.md names a test for every promise, or the known limit that keeps it from holding; all of them are there.

So does docs/reproduced.md for every defect that was mended."""
import importlib.machinery
import importlib.util
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
REPRODUCE = ROOT / "tests/reproduce"


def load(path):
    loader = importlib.machinery.SourceFileLoader("reproduce", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("reproduce", loader))
    loader.exec_module(module)
    return module


def flat(text):
    return " ".join(text.split())


def promises(text):
    """Number -> what stands at it, in one line."""
    parts = re.split(r"^(\d+)\. ", text, flags=re.M)[1:]
    return {int(n): flat(re.split(r"\n(?=\n|#)", body)[0]) for n, body in zip(parts[::2], parts[1::2])}


def tests_named(text):
    return re.findall(r"`([A-Z]\w*\.[A-Z]\w*|test_\w+\.test_\w+)`", text)


def limits_quoted(text):
    return re.findall(r'\[Known limit\]\(known-limits\.md\): "([^"]+)"', text)


class Promises(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.reproduce = load(REPRODUCE)
        cls.there = cls.reproduce.index()
        cls.rows = promises((ROOT / "docs/promises.md").read_text())

    def test_there_are_62_in_their_order(self):
        self.assertEqual(list(self.rows), list(range(1, 63)))

    def test_each_names_a_test_or_a_known_limit(self):
        for number, text in self.rows.items():
            self.assertTrue(tests_named(text) or limits_quoted(text), f"{number}. {text}")

    def test_every_test_that_is_named_is_there_and_has_a_command(self):
        for page in ("docs/promises.md", "docs/reproduced.md"):
            named = set(tests_named((ROOT / page).read_text()))
            self.assertGreater(len(named), 20, page)
            self.assertEqual(sorted(named - set(self.there)), [], page)
            for name in named:
                self.assertTrue(self.reproduce.commands_of(name, self.there[name]), name)

    def test_every_mended_defect_names_a_test(self):
        defects = re.findall(r"^- (.*(?:\n  .*)*)", (ROOT / "docs/reproduced.md").read_text(), re.M)
        self.assertGreater(len(defects), 20)
        for text in defects:
            self.assertTrue(tests_named(text), text)

    def test_every_known_limit_that_is_quoted_stands_there(self):
        limits = flat((ROOT / "docs/known-limits.md").read_text())
        for number, text in self.rows.items():
            for quoted in limits_quoted(text):
                self.assertIn(quoted, limits, f"{number}.")

    def test_ci_runs_the_sanitizers_and_the_fuzzers(self):
        parts = re.search(r"^tests/run (.*?) 2>&1", (ROOT / ".ci/run").read_text(), re.M).group(1).split()
        self.assertLessEqual({"unit", "asan", "tsan", "fuzz"}, set(parts))

    def test_a_test_that_is_gone_and_a_promise_without_one_are_found(self):
        rows = promises('# P\n\n1. Held.\n   `Suite.Name`,\n   `test_x.test_y`\n\n2. Not.\n\n## Q\n\n'
                        '3. Quoted. [Known limit](known-limits.md): "no\n   such"\n')
        self.assertEqual(tests_named(rows[1]), ["Suite.Name", "test_x.test_y"])
        self.assertNotIn("Suite.Name", self.there)
        self.assertEqual(tests_named(rows[2]) + limits_quoted(rows[2]), [])
        self.assertEqual(limits_quoted(rows[3]), ["no such"])

    def test_the_command_of_a_test_is_shown(self):
        def show(name):
            return subprocess.run([REPRODUCE, "--show", name], capture_output=True, text=True)
        shown = show("Case.IsTakenOrRefusedAsItSays")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("build/release/tests/crds_test --gtest_filter=Case.IsTakenOrRefusedAsItSays", shown.stdout)
        self.assertIn("-s tests/tools -p test_promises.py -k test_the_command_of_a_test_is_shown",
                      show("test_promises.test_the_command_of_a_test_is_shown").stdout)
        gone = show("Suite.Name")
        self.assertNotEqual(gone.returncode, 0)
        self.assertIn("there is no test Suite.Name", gone.stderr)


if __name__ == "__main__":
    unittest.main()
