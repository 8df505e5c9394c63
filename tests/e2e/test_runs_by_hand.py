"""Runs that people make: they publish, a ModelDeployment follows them, and what is said of them."""
import json
import pathlib
import re
import tempfile
import time
import unittest

import harness as h

PENSTOCK = h.BUILD / "bin/penstock"


def penstock(*args, **kw):
    return h.sh(PENSTOCK, *args, **kw)


def create(ns, manifest):
    """kubectl create: the name of the run that it made."""
    return json.loads(h.kubectl("create", "-n", ns, "-f", "-", "-o", "json", input=json.dumps(manifest)))["metadata"]["name"]


def pipeline_of(ns, script):
    step = h.shell_step("make", script)
    step["container"]["env"] = [{"name": "WORD", "value": "$(parameters.word)"}, {"name": "OUT", "value": "$(outputs.model.path)"}]
    step["outputs"] = [{"name": "model", "type": "model"}]
    step["cache"] = {"trustTag": True}
    return {"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": "hand", "namespace": ns},
            "spec": {"runPolicy": "Manual", "parameters": [{"name": "word", "type": "string", "default": "one"}],
                     "steps": [step], "outputs": {"model": "$(steps.make.outputs.model)"}}}


def run_by_hand(**spec):
    return {"apiVersion": "penstock.dev/v1alpha1", "kind": "PipelineRun", "metadata": {"generateName": "hand-"},
            "spec": {"pipelineRef": {"name": "hand"}, **spec}}


class RunsByHand(h.ClusterTest):
    def published(self, ns):
        outputs = (h.get("ppl", "hand", ns) or {}).get("status", {}).get("outputs", [])
        return outputs[0] if outputs else {}

    def test_one_publishes_and_a_model_deployment_follows_it(self):
        with h.Namespace("e2e-by-hand") as ns:
            # no model that loads: that the ModelDeployment takes up what was published is what counts here
            h.apply(ns, pipeline_of(ns, 'mkdir -p "$OUT" && echo "$WORD" >"$OUT/word"'),
                    {"apiVersion": "penstock.dev/v1alpha1", "kind": "ModelDeployment",
                     "metadata": {"name": "hand", "namespace": ns},
                     "spec": {"model": "$(pipelines.hand.outputs.model)", "replicas": 1}})
            run = create(ns, run_by_hand())
            h.wait_finished(run, ns)
            first = h.wait_until("the run by hand is published", 10, lambda: self.published(ns))
            self.assertEqual(first["run"], run)
            # kubectl-made ones have the label by which they are listed
            h.wait_until("the run has the Pipeline's label", 10,
                         lambda: run in [o["metadata"]["name"] for o in h.items("pplr", ns, "-l", "penstock.dev/pipeline=hand")])
            h.wait_until("the ModelDeployment takes up what was published", 30,
                         lambda: first["digest"] in json.dumps(h.get("pmd", "hand", ns).get("status", {})))

            trial = create(ns, run_by_hand(publish=False, parameters={"word": "trial"}))
            h.wait_finished(trial, ns)
            h.wait_until("the Pipeline has seen the trial's end", 10, lambda:
                         h.get("ppl", "hand", ns)["status"]["lastRun"].get("outcome") == "Succeeded" and
                         h.get("ppl", "hand", ns)["status"]["lastRun"]["name"] == trial)
            self.assertEqual(self.published(ns)["run"], run)

            second = create(ns, run_by_hand(parameters={"word": "two"}))
            h.wait_finished(second, ns)
            h.wait_until("the newer run is published", 10, lambda: self.published(ns).get("run") == second)
            # and stays when it is deleted
            h.kubectl("delete", "-n", ns, f"pplr/{second}")
            h.kubectl("annotate", "-n", ns, "ppl/hand", "look=again")
            h.wait_until("the Pipeline has seen that it is gone", 10,
                         lambda: h.get("ppl", "hand", ns)["status"]["lastRun"]["name"] == trial)
            self.assertEqual(self.published(ns)["run"], second)

    def test_artifacts_describe_diff_and_if_changed(self):
        with h.Namespace("e2e-past-runs") as ns:
            folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-past-runs-"))
            self.addCleanup(h.sh, "rm", "-rf", folder)
            h.apply(ns, pipeline_of(ns, 'mkdir -p "$OUT/sub" && echo "$WORD" >"$OUT/sub/word"'))
            self.assertIn("train-", penstock("get", "components", "-n", ns).stdout, "the operator's library")
            first = re.search(r"run (hand-\S+) of", penstock("run", "hand", "-n", ns).stdout).group(1)
            unchanged = h.documented("docs/guide.md", "penstock run --if-changed prices --cluster",
                                     lambda line: line.replace("prices --cluster", f"hand -n {ns}"))
            self.assertIn(f"unchanged since run {first}", unchanged.stdout, unchanged.stderr)
            self.assertEqual(len(h.items("pplr", ns)), 1)
            # times of creation have whole seconds: of two runs of one the names would say which was before
            made = h.get("pplr", first, ns)["metadata"]["creationTimestamp"]
            h.wait_until("another second", 3, lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) > made)
            changed = penstock("run", "--if-changed", "hand", "-n", ns, "-p", "word=two")
            self.assertIn("parameters.word was one, is two", changed.stderr)
            second = re.search(r"run (hand-\S+) of", changed.stdout).group(1)

            story = json.loads(penstock("describe", second, "-n", ns, "-o", "json").stdout)
            self.assertEqual(story["steps"][0]["comparedWith"], first)
            self.assertIn("parameters.word", [d["what"] for d in story["steps"][0]["differences"]])
            self.assertIn("parameters.word", penstock("describe", second, "-n", ns).stdout)
            self.assertRegex(penstock("diff", first, second, "-n", ns).stdout, r"parameters\.word +one +two")

            digest = story["outputs"][0]["digest"]
            penstock("artifact", "get", digest, "copy", "-n", ns, cwd=folder)
            self.assertEqual((folder / "copy/sub/word").read_text(), "two\n", "a folder, by its digest alone")
            h.sh("rm", "-r", folder / "copy")  # by who asked for it

            third = re.search(r"run (hand-\S+) of", penstock("run", "hand", "-n", ns).stdout).group(1)
            logs = penstock("logs", third, "make", "-n", ns)
            self.assertIn(f"its log in run {first}", logs.stderr)


if __name__ == "__main__":
    unittest.main()
