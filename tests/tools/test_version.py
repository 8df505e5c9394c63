"""The version stands in the project's CMakeLists.txt; what cannot read it there says the same."""
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = re.search(r"^project\(penstock VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(), re.M).group(1)
# Files that people or other programs read as they are, with what names the version in each.
COPIES = {
    "charts/penstock/Chart.yaml": [r"^version: (\S+)$", r"^appVersion: (\S+)$"],
    "examples/flights/data-server.yaml": [r"image: penstock/flights-data:(\S+)$"],
    "components/sdk/python/penstock/__init__.py": [r'^__version__ = "(\S+)"$'],
    "README.md": [r"--tag (\S+),"],
}
# History, and versions of other people's things.
FREE = re.compile(r"^(CHANGELOG\.md|docs/.*|tests/(cluster|expression)/(.*/)?go\.(mod|sum)|operator/base/version\.h|tests/.*/testdata/.*|.*_test\.cc)$")


class Version(unittest.TestCase):
    def test_every_copy_says_the_version_of_the_project(self):
        for name, patterns in COPIES.items():
            text = (ROOT / name).read_text()
            for pattern in patterns:
                self.assertEqual(re.findall(pattern, text, re.M), [VERSION], f"{name}: {pattern}")

    def test_nothing_else_names_it(self):
        out = subprocess.run(["git", "grep", "-lF", "--untracked", VERSION], cwd=ROOT, capture_output=True, text=True).stdout.split()
        self.assertEqual([f for f in out if f not in COPIES and f != "CMakeLists.txt" and not FREE.match(f)], [])

    def test_the_changelog_has_a_section_of_it(self):
        self.assertRegex((ROOT / "CHANGELOG.md").read_text(), rf"(?m)^## {re.escape(VERSION)}\b")


if __name__ == "__main__":
    unittest.main()
