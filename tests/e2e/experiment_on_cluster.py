"""Experiments under load: a candidate beside as many new servers of the stable version, which answer nobody, before its first step."""
import json
import time
import unittest
import urllib.request

import harness as h
from test_rollout import GATES, SAMPLE, STEPS, UnderLoad, put, write_scale

FIRST_BASELINE = 1_000_000_000


class Experiment(UnderLoad):
    def begin(self, digest, hold):
        self.follow(digest, rollout={"strategy": "Canary", "experiment": {"percent": "100%", "hold": hold}, "steps": STEPS, "gates": GATES})

    def wait_experiment(self, version):
        h.wait_until(f"the experiment of version {version}; now: {json.dumps(self.status())[:1000]}", 120,
                     lambda: self.status().get("candidate", {}).get("phase") == "Experiment")
        self.assertEqual(self.status()["candidate"]["version"], version)

    def answered(self, version):
        """How many requests the version's one server has answered, by what it says itself; None while it is not there."""
        pods = [p for p in h.items("pods", self.ns, "-l", f"penstock.dev/model-version={version}")
                if h.condition(p, "Ready").get("status") == "True"]
        if not pods:
            return None
        with urllib.request.urlopen(f"http://{pods[0]['status']['podIP']}:8080/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("penstock_serve_requests_total{"))

    def wait_copies(self, *versions):
        h.wait_until(f"copies at {versions}", 120, lambda: all((self.answered(v) or 0) > 50 for v in versions))

    def wait_gone(self, version):
        """What routers have left ends."""
        h.wait_until(f"version {version} to go", 120, lambda: not h.get("deployment", f"scale-v{version}", self.ns))

    def test_no_request_is_answered_by_what_is_tried_and_none_is_lost(self):
        with self.under_load():
            two, four = (put(self.ns, lambda f, k=k: write_scale(f, k)) for k in (3, 5))
            touchy = put(self.ns, lambda f: h.sh(SAMPLE, "touchy", f))
            self.move_to_routers()
            baseline = FIRST_BASELINE + 2
            with self.phase("an experiment goes on") as seen:
                self.begin(two, "60s")
                self.wait_experiment(2)
                self.wait_copies(2, baseline)
                self.assertEqual(self.weights(), {1: "100%"})
                spread = self.answered(2) / self.answered(baseline)
                print(f"experiment: candidate and baseline answered 1 : {1 / spread:.2f}", flush=True)
                self.assertTrue(0.5 < spread < 2, "each has half of the copies")
            self.assertEqual(set(seen), {"version 1"}, "nobody is answered by what is tried")
            with self.phase("it is passed, the steps follow"):
                self.wait_stable(two, 180)
            self.wait_gone(baseline)

            baseline = FIRST_BASELINE + 3
            with self.phase("an experiment fails its gate") as seen:
                self.begin(touchy, "10m")
                entry = self.wait_outcome(touchy, ("RolledBack",), 180)
            self.assertIn("errorRate", entry["reason"])
            self.assertEqual(set(seen), {"version 2"}, "no client saw a refusal")
            print(f"experiment: {entry['reason']}", flush=True)
            self.wait_gone(3)
            self.wait_gone(baseline)
            self.assertEqual(self.status()["stable"]["digest"], two)

            baseline = FIRST_BASELINE + 4
            with self.phase("an experiment is aborted by a person") as seen:
                self.begin(four, "10m")
                self.wait_experiment(4)
                self.wait_copies(4, baseline)
                h.sh(h.BUILD / "bin/penstock", "rollout", "abort", "scale", "-n", self.ns)
                self.wait_outcome(four, ("RolledBack",))
            self.assertEqual(set(seen), {"version 2"})
            self.wait_gone(4)
            self.wait_gone(baseline)


if __name__ == "__main__":
    unittest.main()
