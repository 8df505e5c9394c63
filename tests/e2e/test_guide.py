"""README's and the guide's commands, on this machine and on the cluster; quickstart twice."""
import pathlib
import re
import tempfile
import unittest

import harness as h

PENSTOCK = h.BUILD / "bin/penstock"


def said(done):
    return done.stdout + done.stderr


class Documents(unittest.TestCase):
    def test_every_command_of_readme_and_guide_is_run_by_a_test(self):
        """Tests run a document's command with h.documented(document, how it begins): its text comes from the document."""
        calls = set()
        for file in (h.ROOT / "tests/e2e").glob("*.py"):
            calls |= set(re.findall(r'documented\(\s*"([^"]+)",\s*"([^"]+)"', file.read_text()))
        calls.add(("README.md", "tests/run"))  # what this test runs in
        for document in ("README.md", "docs/guide.md"):
            for command in h.commands(document):
                self.assertTrue(any(document == d and command.startswith(begins) for d, begins in calls),
                                f"{document}: no test runs '{command}'")

    def test_links_of_readme_lead_somewhere(self):
        text = (h.ROOT / "README.md").read_text()
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            self.assertTrue((h.ROOT / target).exists(), target)


class GuidesFolder:
    """The guide's own pipeline with its code and data, in a folder of its own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-guide-"))
        self.addCleanup(lambda: h.sh("rm", "-rf", self.folder))
        (self.folder / "prices.csv").write_text("thing,price\nlamp,30\nchair,80\n")
        (self.folder / "code").mkdir()
        (self.folder / "code/dearest.py").write_text(
            "import os, sys\n"
            "out = sys.argv[2]\n"
            "open(out, 'w').write(os.environ['TITLE'] + ' ' + ' '.join(sorted(os.listdir(sys.argv[1]))))\n"
            "open(os.path.join(os.environ['PENSTOCK_RESULTS'], 'rows'), 'w').write('2')\n")
        guide = (h.ROOT / "docs/guide.md").read_text()
        manifest = re.search(r"```yaml\n(.*?kind: Pipeline\n.*?)```", guide, re.S).group(1)
        (self.folder / "prices.yaml").write_text(manifest.replace("/data/prices.csv", f"{self.folder}/prices.csv"))


class Guide(GuidesFolder, unittest.TestCase):
    """Without a cluster."""

    def test_a_file_and_a_python_step_of_ones_own(self):
        put = h.documented("docs/guide.md", "penstock artifact put", cwd=self.folder).stdout
        self.assertRegex(put, r"sha256:[0-9a-f]{64}")
        h.documented("docs/guide.md", "penstock validate", cwd=self.folder)

        def run(**kw):
            return h.documented("docs/guide.md", "penstock run prices.yaml", cwd=self.folder, **kw)
        self.assertIn("Succeeded", said(run()))
        second = said(run())
        self.assertEqual(second.count("(cached)"), 2, second)
        unchanged = h.documented("docs/guide.md", "penstock run --if-changed prices.yaml", cwd=self.folder)
        self.assertIn("unchanged since run", unchanged.stdout, said(unchanged))
        story = h.documented("docs/guide.md", "penstock describe", cwd=self.folder).stdout
        self.assertRegex(story, r"Cache: +taken from it; made by prices-", story)
        first_run = re.search(r"made by (prices-\S+)", story).group(1)
        (self.folder / "code/dearest.py").write_text("raise SystemExit('no such thing')\n")
        third = run(check=False)
        self.assertEqual(third.returncode, 1, said(third))
        self.assertIn("no such thing", h.documented("docs/guide.md", "penstock logs", cwd=self.folder).stdout)
        key = h.documented("docs/guide.md", "penstock explain-cache", cwd=self.folder).stdout
        self.assertRegex(key, r"(?m)^.*ownCode.*$", "the ingredient that differs")
        rerun = h.documented("docs/guide.md", "penstock rerun", cwd=self.folder, check=False)
        self.assertEqual(rerun.returncode, 1, said(rerun))
        self.assertIn("no such thing", said(rerun), "what failed was run once more")
        diff = h.documented("docs/guide.md", "penstock diff", lambda line: line.replace("EARLIER-RUN", first_run),
                            cwd=self.folder).stdout
        self.assertRegex(diff, r"dearest +ownCode +sha256:\S+ +sha256:")
        debug = h.documented("docs/guide.md", "penstock debug prices dearest --local", cwd=self.folder).stdout
        again = h.sh(re.search(r"run it with: (\S+)", debug).group(1), check=False)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("no such thing", said(again))
        shell = h.documented("docs/guide.md", "penstock debug prices dearest --shell", cwd=self.folder,
                             input="ls; echo in $PWD; exit\n", check=False)
        self.assertRegex(said(shell), r"in /\S*dearest", "a shell in the step's place")

    def test_a_bad_manifest_names_every_error_with_its_line(self):
        text = (self.folder / "prices.yaml").read_text()
        (self.folder / "bad.yaml").write_text(text.replace("steps.ingest.outputs", "steps.ingets.outputs").replace(
            "$(parameters.data)", "$(parameters.dta)"))
        done = h.sh(PENSTOCK, "validate", "bad.yaml", cwd=self.folder, check=False)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        text = done.stdout + done.stderr
        self.assertIn("ingets", text)
        self.assertIn("dta", text)
        self.assertRegex(text, r"bad\.yaml:\d+")


class GuideOnACluster(GuidesFolder, h.ClusterTest):
    def test_apply_uploads_the_code_of_a_step(self):
        with h.Namespace("e2e-guide") as ns:
            out = h.documented("docs/guide.md", "penstock apply", lambda line: f"{line} -n {ns}", cwd=self.folder).stdout
            self.assertIn("prices", out)
            steps = h.get("ppl", "prices", ns)["spec"]["steps"]
            code = next(s["container"]["code"] for s in steps if s["name"] == "dearest")
            self.assertRegex(str(code), r"sha256:[0-9a-f]{64}", "the folder's digest took the path's place")


class Quickstart(unittest.TestCase):
    def test_help_and_a_bad_flag_behave(self):
        self.assertIn("usage", h.sh(h.ROOT / "quickstart", "--help").stdout)
        bad = h.sh(h.ROOT / "quickstart", "--nosuch", check=False)
        self.assertEqual(bad.returncode, 2)
        self.assertIn("--nosuch", bad.stderr)

    @unittest.skipUnless(h.BUILD.resolve() == h.ROOT / "build/release", "builds in build/release, where quickstart does")
    def test_it_ends_with_a_prediction_and_then_what_has_not_changed_is_cached(self):
        state, aside = h.ROOT / ".penstock", h.ROOT / ".penstock.aside"
        if state.exists() and not aside.exists():  # what a developer has run is theirs
            state.rename(aside)
        self.addCleanup(lambda: aside.exists() and aside.rename(state))
        self.addCleanup(h.sh, "rm", "-rf", state)
        h.sh("rm", "-rf", state)

        def quickstart():
            return h.documented("README.md", "./quickstart", lambda line: f"{line} --port 18080", timeout=900).stdout
        first = quickstart()
        self.assertIn("PROBABILITY", first)
        auc = float(re.search(r"evaluate\s+value\s+(0\.\d+)", first).group(1))
        self.assertGreaterEqual(auc, 0.626)
        second = quickstart()
        # bless too, whose baseline is the model that the first run published
        self.assertEqual(second.count("(cached)"), 7, second)
        self.assertIn("PROBABILITY", second)


if __name__ == "__main__":
    unittest.main()
