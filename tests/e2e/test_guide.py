"""README's and the guide's commands, on this machine and on the cluster; quickstart twice."""
import json
import os
import pathlib
import re
import tempfile
import unittest

import harness as h

PENSTOCK = h.BUILD / "bin/penstock"


class Documents(unittest.TestCase):
    def test_every_command_of_readme_and_guide_is_known_here(self):
        """A command that is added to the documents must be added to a test, and then to this list."""
        tested = {"./quickstart", "tests/run", "images/build", "helm install", "kubectl apply", "kubectl get",
                  "penstock artifact put", "penstock validate", "penstock run", "penstock apply", "penstock logs",
                  "penstock debug"}
        for name in ("README.md", "docs/guide.md"):
            text = (h.ROOT / name).read_text()
            for block in re.findall(r"```sh\n(.*?)```", text, re.S):
                for line in block.strip().splitlines():
                    command = line.split("#")[0].strip()
                    self.assertTrue(any(command.startswith(t) for t in tested), f"{name}: no test runs '{command}'")

    def test_links_of_readme_lead_somewhere(self):
        text = (h.ROOT / "README.md").read_text()
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            self.assertTrue((h.ROOT / target).exists(), target)


class Guide(unittest.TestCase):
    """The guide's own pipeline, without a cluster."""

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

    def penstock(self, *args, **kw):
        return h.sh(PENSTOCK, *args, cwd=self.folder, **kw)

    def test_a_file_and_a_python_step_of_ones_own(self):
        put = self.penstock("artifact", "put", "prices.csv", "--state", ".penstock").stdout
        self.assertRegex(put, r"sha256:[0-9a-f]{64}")
        self.penstock("validate", "prices.yaml")
        first = self.penstock("run", "prices.yaml")
        self.assertIn("Succeeded", first.stdout + first.stderr)
        second = self.penstock("run", "prices.yaml")
        self.assertEqual((second.stdout + second.stderr).count("cached") >= 2, True, second.stdout + second.stderr)
        (self.folder / "code/dearest.py").write_text("raise SystemExit('no such thing')\n")
        third = self.penstock("run", "prices.yaml", check=False)
        self.assertEqual(third.returncode, 1, third.stdout + third.stderr)
        self.assertIn("no such thing", self.penstock("logs", "prices", "dearest").stdout)
        debug = self.penstock("debug", "prices", "dearest", "--local").stdout
        again = h.sh(re.search(r"run it with: (\S+)", debug).group(1), check=False)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("no such thing", again.stdout + again.stderr)

    def test_a_bad_manifest_names_every_error_with_its_line(self):
        text = (self.folder / "prices.yaml").read_text()
        (self.folder / "bad.yaml").write_text(text.replace("steps.ingest.outputs", "steps.ingets.outputs").replace(
            "$(parameters.data)", "$(parameters.dta)"))
        done = self.penstock("validate", "bad.yaml", check=False)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        text = done.stdout + done.stderr
        self.assertIn("ingets", text)
        self.assertIn("dta", text)
        self.assertRegex(text, r"bad\.yaml:\d+")


class Quickstart(unittest.TestCase):
    def test_help_and_a_bad_flag_behave(self):
        self.assertIn("usage", h.sh(h.ROOT / "quickstart", "--help").stdout)
        bad = h.sh(h.ROOT / "quickstart", "--nosuch", check=False)
        self.assertEqual(bad.returncode, 2)
        self.assertIn("--nosuch", bad.stderr)

    @unittest.skipUnless(os.environ.get("BUILD", "").endswith("build/release"), "needs the release build in its place")
    def test_it_ends_with_a_prediction_and_then_what_has_not_changed_is_cached(self):
        h.sh("rm", "-rf", h.ROOT / ".penstock")
        first = h.sh(h.ROOT / "quickstart", "--port", "18080", timeout=900).stdout
        self.assertIn("PROBABILITY", first)
        auc = float(re.search(r"evaluate\s+value\s+(0\.\d+)", first).group(1))
        self.assertGreaterEqual(auc, 0.626)
        second = h.sh(h.ROOT / "quickstart", "--port", "18080", timeout=300).stdout
        # bless too, whose baseline is the model that the first run published
        self.assertEqual(second.count("(cached)"), 7, second)
        self.assertIn("PROBABILITY", second)


if __name__ == "__main__":
    unittest.main()
