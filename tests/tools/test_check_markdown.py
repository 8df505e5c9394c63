"""tools/check-markdown on files of its own, and on the tree."""
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECK = ROOT / "tools/check-markdown"


class CheckMarkdown(unittest.TestCase):
    def check(self, text):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.md"
            page.write_text(text)
            return subprocess.run([CHECK, page], capture_output=True, text=True)

    def test_a_line_of_101_columns_is_named_with_its_number(self):
        done = self.check("short\n" + "word " * 20 + "x\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("page.md:2: 101 columns", done.stdout)

    def test_a_wide_row_of_a_table_and_a_wide_line_of_code_are_refused(self):
        self.assertEqual(self.check("| a | " + "b" * 100 + " |\n").returncode, 1)
        self.assertEqual(self.check("```sh\nrun " + "b" * 100 + "\n```\n").returncode, 1)

    def test_a_link_that_cannot_be_broken_may_be_wide(self):
        self.assertEqual(self.check("- https://example.com/" + "a" * 120 + "\n").returncode, 0)

    def test_hangul_takes_two_columns(self):
        self.assertEqual(self.check("가 " * 34 + "\n").returncode, 1)
        self.assertEqual(self.check("가 " * 33 + "\n").returncode, 0)

    def test_the_tree_keeps_to_100_columns(self):
        done = subprocess.run([CHECK], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
