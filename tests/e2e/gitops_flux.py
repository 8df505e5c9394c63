"""GitOps as Flux does it: its kustomize-controller's own libraries apply manifests and wait for what kstatus says of them.

Its controllers themselves are not run. For `tests/run full`, beside gitops_argocd.py.
"""
import json
import os
import re
import time
import unittest

import beside
import harness as h
import test_rollout
from argocd import manifest
from gitops_argocd import chain, scale, stamps

ROUNDS = int(os.environ.get("PENSTOCK_FLUX_ROUNDS", 60))


class Flux(h.ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program = beside.program("flux")

    def apply(self, ns, *objects, wait="0s"):
        """(what was done to each object, what was wrong)."""
        for obj in objects:
            obj["metadata"]["namespace"] = ns
        done = h.sh(self.program, wait, input=manifest(*objects), check=False, timeout=400)
        return dict(line.rsplit(" ", 1) for line in done.stdout.splitlines()), done.stderr

    def test_a_commit_ends_current_or_failed_with_the_reason_and_applied_again_changes_nothing(self):
        with h.Namespace("e2e-gitops-flux") as ns:
            one, broken, two = (test_rollout.put(ns, lambda f, k=k, d=d: test_rollout.write_scale(f, k, damaged=d))
                                for k, d in ((2, False), (5, True), (3, False)))
            plain = {"strategy": "BlueGreen"}
            run = h.run_of("once", ns, [h.shell_step("a", "true")])

            def commit(digest):
                md = scale(digest)
                md["spec"]["rollout"] = plain
                return json.loads(json.dumps([chain(ns), run, md]))
            done, wrong = self.apply(ns, *commit(one), wait="240s")
            self.assertEqual((set(done.values()), wrong), ({"created"}, ""), done)
            self.assertEqual(h.get("pmd", "scale", ns)["status"]["stable"]["digest"], one)
            self.assertEqual(h.condition(h.get("pplr", "once", ns), "Succeeded")["status"], "True")
            before = stamps(ns)
            for _ in range(ROUNDS):
                done, wrong = self.apply(ns, *commit(one))
                self.assertEqual((set(done.values()), wrong), ({"unchanged"}, ""), done)
                time.sleep(0.5)
            self.assertEqual(stamps(ns), before)
            print(f"flux: applied {ROUNDS} times again, nothing was changed", flush=True)
            self.bad(ns, commit(broken), one)
            done, wrong = self.apply(ns, *commit(two), wait="240s")
            self.assertEqual(wrong, "")
            self.assertEqual(h.get("pmd", "scale", ns)["status"]["stable"]["digest"], two)

    def bad(self, ns, objects, stable):
        begin = time.monotonic()
        done, wrong = self.apply(ns, *objects, wait="240s")
        print(f"flux: a bad model, after {time.monotonic() - begin:.0f} s: {wrong.strip()[:400]}", flush=True)
        self.assertEqual([k for k, v in done.items() if v == "configured"], [k for k in done if k.startswith("ModelDeployment/")])
        self.assertRegex(wrong, re.compile("ModelDeployment.*(Failed|failed)", re.S))
        self.assertLess(time.monotonic() - begin, 200, "it is told, not timed out")
        self.assertEqual(h.get("pmd", "scale", ns)["status"]["stable"]["digest"], stable)


if __name__ == "__main__":
    unittest.main()
