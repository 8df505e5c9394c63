"""`penstock rerun` on real pods: what failed runs again and nothing else does, also of a run that is gone."""
import json
import tempfile
import unittest

import harness as h
from test_api import account

API = "penstock.dev/v1alpha1"
PENSTOCK = h.BUILD / "bin/penstock"


def steps():
    """make writes an output that use reads; use fails unless told otherwise."""
    make = h.shell_step("make", 'date +%N >"$OUT"')
    make["container"]["env"] = [{"name": "OUT", "value": "$(outputs.stamp.path)"}]
    make["outputs"] = [{"name": "stamp", "type": "file"}]
    use = h.shell_step("use", 'cat "$IN"; exit "$CODE"')
    use["container"]["env"] = [{"name": "IN", "value": "$(inputs.stamp.path)"}, {"name": "CODE", "value": "$(parameters.code)"}]
    use["inputs"] = {"stamp": "$(steps.make.outputs.stamp)"}
    return [make, use]


class Reruns(h.ClusterTest):
    def rerun(self, ns, run, *flags, code=0):
        """The new run's name, once it has ended; the command waits for it and ends as the run does."""
        done = h.sh(PENSTOCK, "rerun", run, "--cluster", "-n", ns, "-o", "name", *flags, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        name = done.stdout.split()[0].split("/")[-1]
        h.wait_finished(name, ns)
        return name

    def pods(self, ns, run):
        uid = h.get("pplr", run, ns)["metadata"]["uid"]
        return sorted(p["metadata"]["labels"]["penstock.dev/step"] for p in h.items("pods", ns, "-l", f"penstock.dev/run-uid={uid}"))

    def test_what_failed_runs_again_and_what_succeeded_has_no_pod(self):
        with h.Namespace("e2e-reruns") as ns:
            h.apply(ns, {"apiVersion": API, "kind": "Pipeline", "metadata": {"name": "stamps"},
                         "spec": {"runPolicy": "Manual", "steps": steps(),
                                  "parameters": [{"name": "code", "type": "string", "default": "3"}]}},
                    {"apiVersion": API, "kind": "PipelineRun", "metadata": {"name": "first"}, "spec": {"pipelineRef": {"name": "stamps"}}})
            ended = h.wait_finished("first", ns)
            self.assertEqual(h.condition(ended, "Succeeded")["status"], "False")
            made = h.step_of(ended, "make")["outputs"]

            again = self.rerun(ns, "first", code=1)
            run = h.get("pplr", again, ns)
            self.assertEqual(h.condition(run, "Succeeded")["status"], "False", "the same code, the same end")
            self.assertEqual(self.pods(ns, again), ["use"])
            self.assertEqual(h.step_of(run, "make")["reason"], "Taken")
            self.assertEqual(h.step_of(run, "make")["outputs"], made)

            mended = self.rerun(ns, again, "-p", "code=0")
            run = h.get("pplr", mended, ns)
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True", json.dumps(run["status"]))
            self.assertEqual(self.pods(ns, mended), ["use"])

            whole = self.rerun(ns, mended, "--from", "make")
            run = h.get("pplr", whole, ns)
            self.assertEqual(self.pods(ns, whole), ["make", "use"])
            self.assertNotEqual(h.step_of(run, "make")["outputs"], made)

            h.kubectl("delete", "pplr", mended, "-n", ns, "--wait")
            with tempfile.NamedTemporaryFile("w") as file:  # the history is the gateway's, which asks who may see it
                file.write(account("viewer", ns, "view"))
                file.flush()
                of_gone = self.rerun(ns, mended, "--from", "use", "--token-file", file.name)
            run = h.get("pplr", of_gone, ns)
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True", json.dumps(run["status"]))
            self.assertEqual(self.pods(ns, of_gone), ["use"])
            self.assertEqual(h.step_of(run, "make")["outputs"], made, "by what the history has of it")


if __name__ == "__main__":
    unittest.main()
