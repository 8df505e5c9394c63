"""CONTRIBUTING's commands: those of its `sh run` blocks are run here, the others by other parts of tests/run and .ci/run."""
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
# Commands that are too long for here, and what runs them.
ELSEWHERE = {"tools/install-deps build test": "tests/run", "tests/run unit": ".ci/run", "tests/run": "README's own",
             "tests/run full": "by hand; docs/status.md has its last result", "tools/lint --changed": ".ci/run, as --all"}


def blocks(kind):
    return [block.strip().split("\n") for block in re.findall(rf"```{kind}\n(.*?)```", TEXT, re.S)]


class Contributing(unittest.TestCase):
    def test_every_command_is_run_here_or_elsewhere(self):
        for line in (line for block in blocks("sh") for line in block):
            self.assertIn(line, ELSEWHERE)

    @unittest.skipUnless(BUILD.resolve() == (ROOT / "build/release").resolve() and (BUILD / "build.ninja").exists(),
                         "the build is not in build/release")
    def test_the_commands_do_what_they_say(self):
        for block in blocks("sh run"):
            for line in block:
                with self.subTest(line):
                    if line.startswith("UPDATE_GOLDEN"):  # nothing to write anew: the plans are as they were
                        before = self.planned()
                    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=900,
                                          env={k: v for k, v in os.environ.items() if k != "KUBECONFIG"})
                    self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-2000:])
                    if line.startswith("UPDATE_GOLDEN"):
                        self.assertEqual(self.planned(), before, "the golden plans were not current")

    def planned(self):
        return {str(f): f.read_text() for f in (ROOT / "operator/plan").rglob("testdata/**/*") if f.is_file()}

    def test_its_links_lead_somewhere(self):
        for page in [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]:
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", re.sub(r"`[^`]*`", "", page.read_text())):
                self.assertTrue((page.parent / target).exists(), f"{page.name}: {target}")

    def test_every_page_that_code_names_is_there(self):
        out = subprocess.run(["git", "grep", "-ohE", r"\bdocs/[a-z0-9-]+\.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        self.assertEqual([page for page in sorted(set(out.split())) if not (ROOT / page).exists()], [])


if __name__ == "__main__":
    unittest.main()
