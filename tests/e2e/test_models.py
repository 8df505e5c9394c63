"""ModelDeployments: what is deleted comes back, what is refused is told and cured, an upgrade restarts no server."""
import json
import pathlib
import re
import tempfile
import time
import unittest
import urllib.request

import harness as h

PENSTOCK = h.BUILD / "bin/penstock"
SAMPLE = h.BUILD / "bin/serve-sample-model"


def put_model(ns):
    """The digest of a small model, in the store of the namespace."""
    with tempfile.TemporaryDirectory(prefix="penstock-model-") as folder:
        model = pathlib.Path(folder) / "model"
        model.mkdir()
        h.sh(SAMPLE, "layers", model)
        return re.search(r"sha256:[0-9a-f]{64}", h.sh(PENSTOCK, "artifact", "put", model, "-n", ns).stdout).group()


def model_deployment(name, digest, **spec):
    return {"apiVersion": "penstock.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": name},
            "spec": {"model": digest, "replicas": 1, **spec}}


def ready(name, ns):
    return h.condition(h.get("pmd", name, ns), "Ready")


def told(name, ns, reason, seconds):
    """The condition Ready, as soon as it has this reason."""
    def probe():
        c = ready(name, ns)
        return c if c.get("reason") == reason else None
    return h.wait_until(f"Ready of {name} with reason {reason}", seconds, probe)


def wait_ready(name, ns, seconds=120):
    h.wait_until(f"{name} to be ready", seconds, lambda: ready(name, ns).get("status") == "True")


def request_for(url, name):
    """A request of zeros, as the model's metadata asks for; None while nobody answers."""
    try:
        with urllib.request.urlopen(f"{url}/v2/models/{name}", timeout=5) as answer:
            meta = json.loads(answer.read())
    except OSError:
        return None
    inputs = []
    for i in meta["inputs"]:
        shape = [1 if n < 0 else n for n in i["shape"]]
        count = 1
        for n in shape:
            count *= n
        inputs.append({"name": i["name"], "datatype": i["datatype"], "shape": shape, "data": [0] * count})
    return {"inputs": inputs}


def servers(ns):
    """UID and restarts of every server pod."""
    return {p["metadata"]["name"]: (p["metadata"]["uid"], sum(c["restartCount"] for c in p["status"].get("containerStatuses", [])))
            for p in h.items("pods", ns, "-l", "penstock.dev/model-deployment")}


def quota(name, **hard):
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": {"hard": hard}}


def crossing(name, ns):
    """A run whose first step spans an upgrade, with one after it."""
    small = {"requests": {"cpu": "10m", "memory": "16Mi"}}
    first = {**h.shell_step("before", "sleep 45"), "resources": small}
    return h.run_of(name, ns, [first, {**h.shell_step("after", "true", dependsOn=[{"step": "before"}]), "resources": small}])


def set_quota(ns, name, **hard):
    h.apply(ns, quota(name, **hard))
    h.wait_until("the quota to be counted", 30, lambda: h.get("resourcequota", name, ns).get("status", {}).get("hard"))


class Models(h.ClusterTest):
    def serve(self, ns, name="flights", **spec):
        digest = put_model(ns)
        h.apply(ns, model_deployment(name, digest, **spec))
        return digest

    def test_what_is_deleted_is_back_within_five_seconds_and_serves_again(self):
        with h.Namespace(f"e2e-back-{int(time.time())}") as ns:
            self.serve(ns)
            wait_ready("flights", ns)
            h.wait_until("an answer", 30, lambda: request_for(h.service_url("flights", ns), "flights"))
            slice_of = ("-l", "kubernetes.io/service-name=flights")
            for kind, find in (("endpointslice", lambda: h.items("endpointslices", ns, *slice_of)),
                               ("service", lambda: [h.get("service", "flights", ns)]),
                               ("deployment", lambda: [h.get("deployment", "flights-v1", ns)])):
                old = find()[0]["metadata"]
                h.kubectl("delete", kind, old["name"], "-n", ns, "--wait=false")

                def back():
                    return [o for o in find() if o and o["metadata"]["uid"] != old["uid"]
                            and not o["metadata"].get("deletionTimestamp")]
                h.wait_until(f"the {kind} to be back", 5, back)
            wait_ready("flights", ns)
            h.wait_until("an answer again", 60, lambda: request_for(h.service_url("flights", ns), "flights"))

    def test_a_name_that_is_anothers_is_told_and_goes_on_when_it_is_free(self):
        with h.Namespace(f"e2e-name-{int(time.time())}") as ns:
            h.kubectl("create", "service", "clusterip", "flights", "--tcp=80", "-n", ns)
            h.kubectl("create", "configmap", "other-store", "-n", ns)
            self.serve(ns)
            told("flights", ns, "ServiceExists", 5)
            self.assertEqual(h.condition(h.get("pmd", "flights", ns), "Stalled")["status"], "True")
            h.kubectl("delete", "service", "flights", "-n", ns)
            wait_ready("flights", ns)
            self.serve(ns, "other")
            c = told("other", ns, "NameTaken", 5)
            self.assertIn("ConfigMap other-store", c["message"])
            h.kubectl("delete", "configmap", "other-store", "-n", ns)
            wait_ready("other", ns)

    def test_a_quota_on_objects_is_told_in_the_api_servers_words_and_the_log_is_quiet(self):
        with h.Namespace(f"e2e-quota-{int(time.time())}") as ns:
            set_quota(ns, "objects", **{"count/deployments.apps": "0"})
            self.serve(ns)
            c = told("flights", ns, "QuotaExceeded", 5)
            self.assertIn("exceeded quota: objects", c["message"])
            events = h.wait_until("an event", 10, lambda: [
                e for e in h.items("events", ns) if e.get("reason") == "QuotaExceeded"])
            self.assertIn("exceeded quota: objects", events[0]["message"])
            time.sleep(20)  # in which it is tried again and again
            log = h.kubectl("logs", "-n", h.SYSTEM, "deployment/penstock", "--since=60s")
            self.assertLessEqual(len([line for line in log.splitlines() if ns in line and "exceeded quota" in line]), 2, log)
            h.kubectl("delete", "resourcequota", "objects", "-n", ns)
            wait_ready("flights", ns)

    def test_a_webhook_that_is_down_is_told_and_the_deployment_goes_on_without_it(self):
        with h.Namespace(f"e2e-hook-{int(time.time())}") as ns:
            nobody = {"service": {"name": "nobody", "namespace": ns, "path": "/"}}
            deployments = ("apps", "v1", "deployments")
            with h.made(h.hook("Validating", ns, nobody, deployments, name="e2e-models")):
                h.wait_until("the webhook to be asked", 30, lambda: "failed calling webhook" in h.sh(
                    "kubectl", "create", "deployment", "probe", "--image=none", "--dry-run=server", "-n", ns, check=False).stderr)
                self.serve(ns)
                c = told("flights", ns, "WebhookFailed", 5)
                self.assertIn("failed calling webhook", c["message"])
            wait_ready("flights", ns)

    def test_a_quota_on_pods_is_told_in_the_api_servers_words_and_cured(self):
        with h.Namespace(f"e2e-pods-{int(time.time())}") as ns:
            set_quota(ns, "few", pods="0")
            self.serve(ns)
            c = told("flights", ns, "FailedCreate", 10)
            self.assertIn("exceeded quota: few", c["message"])
            h.kubectl("delete", "resourcequota", "few", "-n", ns)
            wait_ready("flights", ns, 180)

    def test_a_version_that_finds_no_node_is_stalled_in_time_and_a_corrected_spec_goes_on(self):
        with h.Namespace(f"e2e-node-{int(time.time())}") as ns:
            gpus = {"requests": {"nvidia.com/gpu": "64"}, "limits": {"nvidia.com/gpu": "64"}}
            digest = self.serve(ns, resources=gpus, rollout={"progressDeadline": "15s"})
            self.assertIn("nvidia.com/gpu", told("flights", ns, "Unschedulable", 15)["message"])
            c = told("flights", ns, "ProgressDeadlineExceeded", 45)
            self.assertIn("Unschedulable", c["message"])
            self.assertEqual(h.get("pmd", "flights", ns)["status"].get("history", []), [], "it was not rejected")
            h.apply(ns, model_deployment("flights", digest, resources={"requests": {"cpu": "50m"}}))
            wait_ready("flights", ns)

    def test_a_digest_that_is_uploaded_later_is_seen(self):
        with h.Namespace(f"e2e-late-{int(time.time())}") as ns, h.Namespace(f"e2e-early-{int(time.time())}") as other:
            h.apply(ns, model_deployment("flights", put_model(other)))
            told("flights", ns, "WaitingForModel", 5)
            put_model(ns)
            wait_ready("flights", ns)

    def test_servers_are_renewed_when_they_are_asked_to_be(self):
        with h.Namespace(f"e2e-renew-{int(time.time())}") as ns:
            self.serve(ns)
            wait_ready("flights", ns)
            before = servers(ns)
            h.documented("docs/guide.md", "kubectl annotate pmd/flights", lambda line: f"{line} -n {ns}")
            h.wait_until("another server", 120, lambda: len(servers(ns)) == 1 and not set(servers(ns)) & set(before))
            wait_ready("flights", ns)

    @unittest.skipUnless(h.OWN, "changes the operator's arguments and certificates: only on the project's own cluster")
    def test_another_release_and_authority_in_the_middle_of_20_runs_restart_no_server_and_fail_no_request(self):
        with h.Namespace(f"e2e-upgrade-{int(time.time())}") as ns:
            loads = []
            for name in ("first", "second"):
                self.serve(ns, name)
                wait_ready(name, ns)
                url = h.service_url(name, ns)
                body = h.wait_until("an answer", 30, lambda: request_for(url, name))
                loads.append(h.Load(f"{url}/v2/models/{name}/infer", body))
            before = servers(ns)
            authority = h.get("configmap", "first-store", ns)["data"]["store.json"]
            runs = [f"run-{i}" for i in range(20)]
            h.apply(ns, *[crossing(name, ns) for name in runs])
            h.wait_until("pods of 20 runs", 120, lambda: len(h.items("pods", ns, "-l", "penstock.dev/step=before")) == 20)
            for load in loads:
                load.start()
            self.addCleanup(h.install)
            args = h.get("deployment", "penstock", h.SYSTEM)["spec"]["template"]["spec"]["containers"][0]["args"]
            of_release = re.compile(r"^--(?:serve|launcher)-image=(.*)$")
            for image in filter(None, map(of_release.match, args)):
                h.sh(h.ROOT / "tests/cluster/cluster", "tag", image[1], f"{image[1]}-of-another-release")
            other = [of_release.sub(r"\g<0>-of-another-release", a) for a in args]
            self.assertNotEqual(args, other)
            h.kubectl("patch", "deployment", "penstock", "-n", h.SYSTEM, "--type=json", "-p", json.dumps(
                [{"op": "replace", "path": "/spec/template/spec/containers/0/args", "value": other}]))
            h.kubectl("rollout", "status", "-n", h.SYSTEM, "deployment/penstock", "--timeout=120s")
            self.assertFalse([n for n in runs if h.condition(h.get("pplr", n, ns), "Finished").get("status") == "True"],
                             "the upgrade is in the middle of every run")
            for name in runs:
                run = h.wait_finished(name, ns, 180)
                self.assertEqual(h.condition(run, "Succeeded").get("status"), "True", h.condition(run, "Succeeded"))
                self.assertEqual([s["attempts"] for s in run["status"]["steps"]], [1, 1], "no pod twice")
            made = {e["involvedObject"]["uid"] for e in h.items("events", ns)
                    if e["reason"] == "Scheduled" and e["involvedObject"]["name"].startswith("run-")}
            self.assertEqual(len(made), 40, "one pod a step")

            h.kubectl("exec", "-n", h.SYSTEM, "deployment/penstock", "--", "rm", "-rf", "/data/certificates")
            h.kubectl("rollout", "restart", "-n", h.SYSTEM, "deployment/penstock")
            h.kubectl("rollout", "status", "-n", h.SYSTEM, "deployment/penstock", "--timeout=120s")
            h.wait_until("the new authority to be told", 60, lambda: h.get(
                "configmap", "second-store", ns)["data"]["store.json"] != authority)
            for name in ("first", "second"):
                wait_ready(name, ns, 30)
            time.sleep(20)  # a rollout would have begun by now
            self.assertEqual(servers(ns), before)
            # a server that is added trusts the new authority, and is of the release that the others are of
            h.kubectl("scale", "pmd/first", "--replicas=2", "-n", ns)
            h.wait_until("a second server", 120, lambda: h.get("pmd", "first", ns)["status"]["stable"].get("readyReplicas") == 2)
            self.assertTrue(set(before.items()) <= set(servers(ns).items()))
            for load in loads:
                load.stop()
                self.assertEqual(load.failures, [])
                self.assertGreater(load.answers, 50)


if __name__ == "__main__":
    unittest.main()
