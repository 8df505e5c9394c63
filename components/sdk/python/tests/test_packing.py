"""A step's code: no more than the function needs, and all of it."""
import os
import subprocess
import sys
import unittest

from sdk_harness import InFolder
import shop

HEAD = "from penstock import *\n"


class Packing(InFolder):
    def code(self, text, name="f", files=()):
        for path, content in dict(files).items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        step = getattr(self.module(text), name)
        return step.code([])

    def result_of(self, code):
        """What the packed step gives as its result, run with nothing but its folder."""
        code.write("packed")
        os.makedirs("results", exist_ok=True)
        done = subprocess.run([sys.executable, "-s", "packed/step.py"], capture_output=True, text=True, env={"PENSTOCK_RESULTS": "results"})
        self.assertEqual(done.returncode, 0, done.stderr)
        with open("results/result") as file:
            return file.read()

    def test_helpers_constants_imports_and_classes_come_along(self):
        code = self.code(HEAD + '''
import math as m
import xml.etree.ElementTree
from collections import OrderedDict
from typing import NamedTuple
import re

WORDS, LIMIT = ["b", "a"], 2
PATTERN = re.compile("[ab]")
UNUSED = open

class Pair(NamedTuple):
    left: str
    right: int = LIMIT

def helper(x):
    return inner(x) + 1

def inner(x):
    return int(m.floor(x))

@step
def other() -> int:
    return 1

@step
def f() -> str:
    root = xml.etree.ElementTree.fromstring("<a/>").tag
    pair = Pair(root)
    return f"{helper(2.5)} {sorted(WORDS)} {bool(PATTERN.match('a'))} {pair.right} {list(OrderedDict(x=1))} {other()}"
''')
        self.assertEqual(list(code.files), ["step.py"])
        self.assertEqual(self.result_of(code), "3 ['a', 'b'] True 2 ['x'] 1")
        self.assertNotIn(b"UNUSED", code.files["step.py"])

    def test_a_change_of_another_function_changes_nothing(self):
        text = HEAD + "@step\ndef f() -> int:\n    return 1\n\n@step\ndef g() -> int:\n    return {}\n"
        first = self.code(text.format(2)).digest
        sys.modules.pop("mine")
        os.utime("mine.py", (1, 1))
        second = self.code(text.format(33))
        self.assertEqual(second.digest, first)
        self.assertNotEqual(self.module(text.format(33)).g.code([]).digest, first)

    def test_a_change_of_a_helper_or_a_constant_changes_the_code(self):
        text = HEAD + "K = {}\n\ndef helper():\n    return K\n\n@step\ndef f() -> int:\n    return helper()\n"
        first = self.code(text.format(1)).digest
        sys.modules.pop("mine")
        self.assertNotEqual(self.code(text.format(22)).digest, first)

    def test_a_local_package_comes_along_whole_and_with_what_it_imports(self):
        code = self.code(HEAD + "from tools.clean import tidy\n\n@step\ndef f() -> str:\n    return tidy('x')\n", files={
            "tools/__init__.py": "", "tools/clean.py": "import words\nfrom . import more\n\n\ndef tidy(x):\n    return x + words.END + more.MORE\n",
            "tools/more.py": "MORE = '?'\n", "tools/__pycache__/x.pyc": "no", "words.py": "END = '!'\n"})
        self.assertEqual(list(code.files), ["step.py", "tools/__init__.py", "tools/clean.py", "tools/more.py", "words.py"])
        self.assertEqual(self.result_of(code), "x!?")

    def test_a_local_module_that_is_imported_within_the_function_comes_along(self):
        code = self.code(HEAD + "@step\ndef f() -> str:\n    import words\n    return words.END\n", files={"words.py": "END = '!'\n"})
        self.assertEqual(self.result_of(code), "!")

    def test_a_closure_s_values_come_along(self):
        code = self.code(HEAD + "def make(k):\n    @step\n    def f() -> int:\n        return k + 1\n    return f\n\nf = make(4)\n")
        self.assertEqual(self.result_of(code), "5")

    def test_texts_over_several_lines_stay_as_they_are(self):
        code = self.code(HEAD + "def make():\n    @step\n    def f() -> str:\n        return '''a\n  b\nc'''\n    return f\n\nf = make()\n")
        self.assertEqual(self.result_of(code), "a\n  b\nc")

    def test_installed_packages_are_not_packed(self):
        code = self.code(HEAD + "import yaml\n\n@step\ndef f() -> str:\n    return yaml.__version__\n")
        self.assertEqual(list(code.files), ["step.py"])

    def test_a_step_that_logs_a_metric_has_the_sdk_s_files_for_steps_and_no_others(self):
        files = list(shop.facts.code(["table"]).files)
        self.assertIn("penstock/metrics.py", files)
        self.assertNotIn("penstock/pipelines.py", files)

    def test_a_result_of_another_type_fails_and_says_so(self):
        code = self.code(HEAD + "@step\ndef f() -> int:\n    return 'many'\n")
        code.write("packed")
        done = subprocess.run([sys.executable, "packed/step.py"], capture_output=True, text=True, env={"PENSTOCK_RESULTS": "."})
        self.assertEqual(done.returncode, 1)
        self.assertIn("f() gave 'many' as result, which is declared as integer", done.stderr)

    def test_outside_of_a_pipeline_a_step_is_its_function(self):
        self.assertEqual(shop.square(4), 16)


if __name__ == "__main__":
    unittest.main()
