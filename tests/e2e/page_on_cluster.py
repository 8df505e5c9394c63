"""The page in a browser over the gateway of a real cluster: ui/test cluster. Needs Node 20, npm and Chromium."""
import json
import os
import pathlib
import shutil
import subprocess
import unittest

import harness as h
import test_api
import yaml

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
TOUR = h.ROOT / "ui/tests/local/tour.yaml"
LOCAL_IMAGE = "docker.io/library/debian:bookworm-slim"


def why_not():
    """Why no browser looks at it here, or None."""
    if not shutil.which("npm"):
        return "npm is not installed"
    return None if pathlib.Path(CHROMIUM).exists() else f"there is no {CHROMIUM}"


def tour():
    """The Pipelines of the local tour, in the image that every node of the tests has; without the step whose attempts share a folder."""
    image = f"penstock/operator:{h.VERSION}"
    pipelines = list(yaml.safe_load_all(TOUR.read_text().replace(LOCAL_IMAGE, image)))
    for pipeline in pipelines:
        steps = [step for step in pipeline["spec"]["steps"] if step["name"] != "flaky"]
        for step in steps:
            if "container" in step:
                step["container"]["imagePullPolicy"] = "IfNotPresent"
        pipeline["spec"]["steps"] = steps
    return pipelines


@unittest.skipIf(why_not(), why_not())
class PageOnACluster(h.ClusterTest):
    def test_people_sign_in_look_decide_and_run_again_with_their_own_rights(self):
        with h.Namespace("e2e-page") as ns, test_api.Gateway() as gateway:
            editor, viewer = test_api.account("editor", ns, "edit"), test_api.account("viewer", ns, "view")
            h.kubectl("create", "rolebinding", "decider", "-n", ns, "--clusterrole=penstock-approve", f"--serviceaccount={ns}:editor")
            h.apply(ns, *tour())
            h.apply(ns, {"apiVersion": "penstock.dev/v1alpha1", "kind": "PipelineRun", "metadata": {"name": "tour-1"},
                         "spec": {"pipelineRef": {"name": "tour"}, "parameters": {"scratch": "/tmp"}}})
            status, text = gateway.ask(f"/namespaces/{ns}/pipelines/tour", editor)
            self.assertEqual(status, 200, text)
            self.assertNotIn("flaky", json.loads(text)["steps"])
            done = subprocess.run([h.ROOT / "ui/test", "cluster"], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=1200, env={
                                      **os.environ, "CHROMIUM": CHROMIUM,
                                      "PENSTOCK_PAGE_URL": f"https://127.0.0.1:{gateway.port}/",
                                      "PENSTOCK_PAGE_TOKEN": editor, "PENSTOCK_PAGE_VIEWER": viewer,
                                      "PENSTOCK_PAGE_NAMESPACE": ns})
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertRegex(done.stdout, r"(?m)^# skipped 0$|ℹ skipped 0$", "the browser has looked")


if __name__ == "__main__":
    unittest.main()
