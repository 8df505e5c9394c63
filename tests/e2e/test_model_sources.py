"""Models that are no artifacts, claims that keep them, and servers that are not Penstock's own, on real pods."""
import pathlib
import shutil
import subprocess
import time
import unittest

import harness as h
from test_models import PENSTOCK, SAMPLE, model_deployment, put_model, ready, request_for, told, wait_ready


def claim(name, ns, volume):
    """A claim that is bound to the volume of this name."""
    h.apply(ns, {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
                 "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": volume,
                          "resources": {"requests": {"storage": "1Gi"}}}})


def answers(ns, name="flights"):
    return h.wait_until("an answer", 60, lambda: request_for(h.service_url(name, ns), name))


@unittest.skipUnless(h.OWN, "writes into a folder of the node")
class ModelSources(h.ClusterTest):
    def volume(self, ns, claim_name):
        """A claim of the namespace, and the folder of the node behind it."""
        name = f"{ns}-{claim_name}"
        h.make_volume(name, "1Gi", (ns, claim_name))
        self.addCleanup(h.kubectl, "delete", "pv", name, "--ignore-not-found", "--wait=false")
        claim(claim_name, ns, name)
        folder = pathlib.Path(h.os.environ.get("CLUSTER_STATE", "/tmp/penstock-cluster")) / f"volumes/{name}"
        self.addCleanup(shutil.rmtree, folder, True)
        return folder

    def test_a_model_of_a_claim_is_served_by_another_server_and_a_changed_one_is_not(self):
        with h.Namespace(f"e2e-claim-{int(time.time())}") as ns:
            folder = self.volume(ns, "models")
            h.sh(SAMPLE, "layers", folder / "flights")
            digest = h.sh(PENSTOCK, "model", "digest", folder / "flights").stdout.strip()
            subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
            image = f"penstock/serve:{h.VERSION}"  # a stand-in that speaks V2
            h.apply(ns, model_deployment("flights", f"pvc://models/flights@{digest}", server={"container": {
                "image": image, "port": 9000, "modelPath": "/models/flights",
                "args": ["--model=$(model.path)", "--name=$(model.name)", "--port=9000", "--model-digest=$(model.digest)"]}}))
            wait_ready("flights", ns)
            answers(ns)
            status = h.get("pmd", "flights", ns)["status"]
            self.assertEqual(status["stable"]["source"], f"pvc://models/flights@{digest}")
            # the bytes change: a pod that starts now must not serve them
            (folder / "flights/model.yaml").write_text((folder / "flights/model.yaml").read_text() + "\n# changed\n")
            h.kubectl("delete", "pods", "-n", ns, "-l", "penstock.dev/model-deployment", "--wait=false")
            condition = told("flights", ns, "FetchFailed", 60)
            self.assertIn("the model in the claim has the digest", condition["message"])

    def test_a_model_in_a_claim_comes_back_while_operator_and_gateway_are_down(self):
        with h.Namespace(f"e2e-cache-{int(time.time())}") as ns:
            folder = self.volume(ns, "cache")
            digest = put_model(ns)
            h.apply(ns, model_deployment("flights", digest, cache={"claim": "cache"}))
            wait_ready("flights", ns)
            answers(ns)
            kept = folder / "penstock-models" / digest.removeprefix("sha256:")
            self.assertTrue((kept / "content").is_dir(), list(folder.rglob("*"))[:20])
            self.addCleanup(h.kubectl, "scale", "-n", h.SYSTEM, "deployment/penstock", "--replicas=1")
            h.kubectl("scale", "-n", h.SYSTEM, "deployment/penstock", "--replicas=0")
            h.wait_until("the operator to be gone", 60, lambda: not h.items("pods", h.SYSTEM, "-l", "app.kubernetes.io/name=penstock"))
            old = h.items("pods", ns, "-l", "penstock.dev/model-deployment")[0]["metadata"]["name"]
            begin = time.time()
            h.kubectl("delete", "pod", old, "-n", ns, "--wait=false")
            h.wait_until("another pod to be ready", 60, lambda: [
                p for p in h.items("pods", ns, "-l", "penstock.dev/model-deployment")
                if p["metadata"]["name"] != old and h.condition(p, "Ready").get("status") == "True"])
            print(f"back from the claim after {time.time() - begin:.1f} s, operator and gateway down")
            answers(ns)

    def test_a_server_that_crashes_rejects_no_model_and_the_old_version_goes_on(self):
        with h.Namespace(f"e2e-other-{int(time.time())}") as ns:
            digest = put_model(ns)
            image = f"penstock/serve:{h.VERSION}"
            server = {"container": {"image": image, "port": 8080, "args": ["--model=$(model.path)", "--name=$(model.name)", "--port=8080"]}}
            h.apply(ns, model_deployment("flights", digest, server=server))
            wait_ready("flights", ns)
            server["container"]["args"].append("--no-such-flag")
            h.apply(ns, model_deployment("flights", digest, server=server))
            told("flights", ns, "CrashLoop", 120)
            answers(ns)
            self.assertEqual([e["outcome"] for e in h.get("pmd", "flights", ns)["status"]["history"]], ["Promoted"])
            self.assertEqual(ready("flights", ns)["status"], "False")


if __name__ == "__main__":
    unittest.main()
