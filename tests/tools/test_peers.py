"""What docs/peers.md and docs/cookbook.md say of examples, and what examples/peers holds."""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/bench")]
import features  # noqa: E402
import peers_count  # noqa: E402

WORDS = {"argo": "Argo Workflows", "tekton": "Tekton", "kfp": "Kubeflow Pipelines", "flyte": "Flyte"}


def linked(text):
    """The examples that a page links to, within the text or by references at its end."""
    return [(ROOT / "docs" / m).resolve() for m in re.findall(r"\](?:\(|: )(\.\./examples/\S*?\.yaml)\)?", text)]


class Peers(unittest.TestCase):
    def setUp(self):
        flights = ROOT / "examples/flights"  # by test_flights and test_daily
        self.run_by_tests = {e.path for e in features.examples()} | {flights / "pipeline.yaml", flights / "daily.yaml"}
        # held against the API, and against the pods that come of them, by ModelPod.OfEveryExampleIsWholeAndRestricted
        self.run_by_tests |= set((ROOT / "examples/serving").glob("*.yaml"))

    def test_each_example_that_the_page_or_the_cookbook_names_is_run_by_tests(self):
        for page in ("peers.md", "cookbook.md"):
            named = linked((ROOT / "docs" / page).read_text())
            self.assertTrue(named, page)
            self.assertEqual([str(n) for n in named if n not in self.run_by_tests], [], page)

    def test_each_row_of_the_cookbook_names_an_example(self):
        text = (ROOT / "docs/cookbook.md").read_text()
        rows = [r for r in text.splitlines() if r.startswith("| ") and not r.startswith(("| ---", "| they write |"))]
        self.assertGreater(len(rows), 50)
        references = set(re.findall(r"^(\[[^\]]+\]): ", text, re.M))
        self.assertEqual([r for r in rows if r.rsplit("|", 2)[1].strip() not in references], [])

    def test_the_page_has_a_line_for_each_feature_that_a_detector_finds_and_no_other(self):
        for peers in (peers_count.PEERS, peers_count.SERVING):
            detected = {n for module in peers.values() for n in module.DETECTORS}
            self.assertEqual(set(peers_count.page(peers)), detected)

    def test_each_row_of_servings_tables_names_a_test_that_is_there(self):
        text = (ROOT / "docs/serving.md").read_text()
        held = {key: (path, test) for key, path, test in re.findall(r"^\[([^\]]+)\]: \.\./(\S+)\n  '(\w+\.\w+)'$", text, re.M)}
        named = set()
        for server in ("Argo Rollouts", "KServe", "Seldon Core"):
            section = text.split(f"## From {server}\n")[1].split("\n## ")[0]
            rows = [r for r in section.splitlines() if r.startswith("| ") and not r.startswith(("| ---", "| they write |"))]
            self.assertGreater(len(rows), 5, server)
            for row in rows:
                key = re.fullmatch(r"\|[^|]+\|[^|]+\| \[([^\]]+)\] \|", row)
                self.assertTrue(key and key[1] in held, row)
                named.add(key[1])
        self.assertEqual(set(held) - named, set(), "tests that hold no row")
        for path, test in held.values():
            suite, name = test.split(".")
            self.assertRegex((ROOT / path).read_text(), rf"TEST(_F)?\({suite},\s*{name}\)", path)

    def test_there_are_ten_or_more_short_examples_a_peer_each_saying_what_it_is_after(self):
        for peer, word in WORDS.items():
            found = sorted((features.PEERS / peer).glob("*.yaml"))
            self.assertGreaterEqual(len(found), 10, peer)
            for path in found:
                lines = path.read_text().splitlines()
                self.assertLess(len(lines), 60, path)
                self.assertTrue(any(line.startswith(f"# as {word}, ") for line in lines), path)

    def test_the_eight_of_ci_are_two_a_peer(self):
        self.assertEqual(sorted(name.split("/")[0] for name in features.IN_CI), sorted(2 * list(WORDS)))


if __name__ == "__main__":
    unittest.main()
