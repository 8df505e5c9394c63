"""A loop over a part of what a call gives (`for (x : Made()["steps"])`) reads freed memory where the call
gives a value: the whole ends before the first turn. Three tests looped zero times by it and passed.
"""
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALL = r"\*?(?:\w+::)*[A-Z]\w*\([^;{}()]*\)"
PART = re.compile(r"\bfor \([^;{}]*? : " + CALL + r"(?:\[|\.at\()")


def loops(text):
    return [text.count("\n", 0, found.start()) + 1 for found in PART.finditer(text)]


class Loops(unittest.TestCase):
    def test_no_loop_goes_over_a_part_of_what_a_call_gives(self):
        files = subprocess.run(["git", "ls-files", "*.cc", "*.h"], cwd=ROOT, capture_output=True, text=True, check=True)
        found = [f"{name}:{line}" for name in files.stdout.split() for line in loops((ROOT / name).read_text())]
        self.assertEqual("\n".join(found), "", "give what the call gives a name before the loop")

    def test_the_rule_sees_what_it_is_for(self):
        self.assertEqual(loops('\nfor (const Json& s : Run()["status"]["steps"]) {'), [2])
        self.assertEqual(loops('for (auto& s : *Find("a", b).at("steps")) {'), [1])
        self.assertEqual(loops('for (auto& s : run["status"]["steps"]) {'), [])
        self.assertEqual(loops("for (auto& s : Steps(run)) {"), [])


if __name__ == "__main__":
    unittest.main()
