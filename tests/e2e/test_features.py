"""The examples of examples/features, and of examples/peers, end on real pods as their first lines say."""
import json
import pathlib
import sys
import unittest

import harness as h

sys.path.insert(0, str(h.ROOT / "tests"))
import features  # noqa: E402

NS = "e2e-features"
ENV = {"PATH": f"{h.BUILD / 'bin'}:/usr/local/bin:/usr/bin:/bin"}


def finished(name):
    run = h.get("pipelinerun", name, NS)
    return run if h.condition(run, "Finished").get("status") == "True" else None


class Features(unittest.TestCase):
    """All are started at once; then each is waited for."""

    @classmethod
    def setUpClass(cls):
        h.install()
        if h.OWN:
            h.load_base()
        # the cluster of the tests provisions none for those that have volumes made
        wanted = sum(pathlib.Path(e.path).read_text().count("claim: {size:") for e in features.for_cluster() if not e.invalid)
        for name in (f"e2e-features-{i}" for i in range(wanted)):
            cls.addClassCleanup(h.kubectl, "delete", "pv", name, "--ignore-not-found", "--wait=false")
            h.make_volume(name, "64Mi")
        cls.namespace = h.Namespace(NS)
        cls.namespace.__enter__()
        cls.addClassCleanup(cls.namespace.__exit__, None, None, None)

    def start(self, example):
        """The name of the example's run."""
        h.kubectl("apply", "--server-side", "-n", NS, "-f", example.path)
        name = example.pipeline or self.names(example)[0]
        by_change = h.get("pipeline", name, NS)["spec"].get("runPolicy", "OnChange") == "OnChange"
        if example.arguments or not by_change:
            made = h.sh(h.BUILD / "bin/penstock", "run", name, "-n", NS, *example.arguments, "-o", "json", check=False)
            return json.loads(made.stdout)["metadata"]["name"]
        return h.wait_until(f"a run of {name}", 30,
                            lambda: (h.get("pipeline", name, NS)["status"].get("lastRun") or {}).get("name"))

    def approve(self, example, name):
        for step, values in example.approvals.items():
            h.wait_until(f"{name} waits for the approval of {step}", 120, lambda: next(
                (s for s in (h.get("pipelinerun", name, NS).get("status") or {}).get("steps", [])
                 if s["name"] == step and s.get("reason") == "AwaitingApproval"), None))
            h.sh(h.BUILD / "bin/penstock", "approve", name, step, "-n", NS, *(a for v in values for a in ("--value", v)))

    def names(self, example):
        objects = json.loads(h.kubectl("get", "-n", NS, "-f", example.path, "-o", "json"))
        objects = objects.get("items", [objects])
        return [o["metadata"]["name"] for o in objects if o["kind"] == "Pipeline"]

    def test_each_example_ends_as_it_says(self):
        found = [e for e in features.for_cluster() if not e.invalid]
        started = {}
        for example in found:
            with self.subTest(example.path.name):
                started[example] = self.start(example)
        for example, name in started.items():
            with self.subTest(example.path.name):
                self.approve(example, name)
                run = h.wait_until(f"the end of {name}", 180, lambda: finished(name))
                self.assertEqual(example.faults(run), [])


if __name__ == "__main__":
    unittest.main()
