"""tools/lint on a small repository of its own."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@unittest.skipUnless(shutil.which("clang-tidy") and shutil.which("clang-format"), "clang-tidy or clang-format is not installed")
class Lint(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="penstock-lint-")
        self.addCleanup(scratch.cleanup)
        self.repo = pathlib.Path(scratch.name) / "repo"
        self.cache = pathlib.Path(scratch.name) / "cache"
        (self.repo / "operator").mkdir(parents=True)
        for name in (".clang-tidy", ".clang-format"):
            shutil.copyfile(ROOT / name, self.repo / name)
        self.git("init", "-q")
        self.write("operator/part.h", "#pragma once\n\nint Twice(int value);\n")
        self.write("operator/part.cc", '#include "operator/part.h"\n\nint Twice(int value) { return 2 * value; }\n')
        self.commit()

    def git(self, *arguments):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments], cwd=self.repo, check=True)

    def write(self, name, text):
        (self.repo / name).write_text(text)
        commands = [{"directory": str(self.repo), "file": str(f), "command": f"c++ -std=c++20 -I{self.repo} -c {f}"}
                    for f in sorted((self.repo / "operator").glob("*.cc"))]
        (self.repo / "compile_commands.json").write_text(json.dumps(commands))

    def commit(self):
        self.git("add", "operator", ".clang-tidy", ".clang-format")
        self.git("commit", "-qm", "x")

    def lint(self, *arguments):
        return subprocess.run([ROOT / "tools/lint", "--root", self.repo, "--build", self.repo, *arguments], capture_output=True, text=True,
                              env={**os.environ, "PENSTOCK_TIDY_CACHE": str(self.cache)})

    def test_a_changed_file_with_a_wrong_name_is_named(self):
        self.write("operator/part.cc", '#include "operator/part.h"\n\nint Twice(int value) {\n  int BadName = value;\n  return 2 * BadName;\n}\n')
        done = self.lint("--changed", "HEAD")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("operator/part.cc:4:7: ", done.stdout)
        self.assertIn("invalid case style for local variable 'BadName'", done.stdout)

    def test_a_wrong_name_in_a_changed_header_is_found_through_a_source(self):
        self.write("operator/part.h", "#pragma once\n\nint Twice(int value);\nenum class Way { forth, kBack };\n")
        done = self.lint("--changed", "HEAD")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("operator/part.h:4:18: ", done.stdout)

    def test_the_names_of_the_style_pass(self):
        self.write("operator/part.cc", '#include "operator/part.h"\n\nnamespace {\nconstexpr int kFactor = 2;\nenum class Way { kForth };\n'
                   "class Part {\n public:\n  int Count() const { return count_; }\n\n private:\n  int count_ = 0;\n};\n}  // namespace\n\n"
                   "int Twice(int value) { return kFactor * value + Part().Count() + static_cast<int>(Way::kForth); }\n")
        done = self.lint("operator/part.cc")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_pure_rename_is_not_examined(self):
        self.git("mv", "operator/part.cc", "operator/other.cc")
        self.write("operator/other.cc", (self.repo / "operator/other.cc").read_text())
        self.commit()
        self.assertIn("nothing differs", self.lint("--changed", "HEAD~1").stdout)

    def test_what_was_examined_is_known_until_it_or_a_header_changes(self):
        self.assertIn("1 units (0 known from before)", self.lint("--all").stdout)
        self.assertIn("1 units (1 known from before)", self.lint("--all").stdout)
        self.write("operator/part.h", "#pragma once\n\n// More.\nint Twice(int value);\n")
        self.assertIn("1 units (0 known from before)", self.lint("--all").stdout)

    def test_findings_are_remembered_too(self):
        self.write("operator/part.cc", '#include "operator/part.h"\n\nint Twice(int Value) { return 2 * Value; }\n')
        self.assertEqual([self.lint("--all").returncode, self.lint("--all").returncode], [1, 1])

    def test_what_the_time_did_not_suffice_for_is_told(self):
        done = self.lint("--all", "--limit", "0.000001")
        self.assertEqual(done.returncode, 0)
        self.assertIn("1 units left out", done.stdout)


if __name__ == "__main__":
    unittest.main()
