"""A model behind routers, under load all the time: canary promoted, rolled back, not loadable, routers and operator restarted."""
import collections
import contextlib
import http.client
import json
import pathlib
import re
import struct
import tempfile
import threading
import time
import unittest
import urllib.parse

import harness as h

PENSTOCK = h.BUILD / "bin/penstock"
SAMPLE = h.BUILD / "bin/serve-sample-model"
SMALL = {"requests": {"cpu": "20m", "memory": "64Mi"}}
GATES = [{"metric": "errorRate", "max": "5%"}]
STEPS = [{"weight": "20%", "hold": "2s"}, {"weight": "50%", "hold": "2s"}]


def write_scale(folder, factor, damaged=False, output="y"):
    """A model x float32 [-1, 2] -> y = factor * x, as layers and weights."""
    weights = struct.pack("<4f", factor, 0, 0, factor)
    header = json.dumps({"w0": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, len(weights)]}}).encode()
    (folder / "weights.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + (b"" if damaged else weights))
    (folder / "network.json").write_text(json.dumps({"formatVersion": 1, "layers": [{"op": "linear", "weight": "w0"}]}))
    (folder / "model.yaml").write_text(
        "formatVersion: 1\nname: scale\nbackend: safetensors\nfile: weights.safetensors\nbatchAxis: 0\n"
        "inputs: [{name: x, type: float32, shape: [-1, 2]}]\noutputs: [{name: " + output + ", type: float32, shape: [-1, 2]}]\n")


def put(ns, write):
    """The digest of a model that `write` writes into a folder."""
    with tempfile.TemporaryDirectory(prefix="penstock-model-") as folder:
        model = pathlib.Path(folder) / "model"
        model.mkdir()
        write(model)
        return re.search(r"sha256:[0-9a-f]{64}", h.sh(PENSTOCK, "artifact", "put", model, "-n", ns).stdout).group()


class Client(threading.Thread):
    """One request after the other, each on a connection of its own; every second one has a number above 1000.

    At most PACE a second: an address has some 28,000 ports, and the kernel keeps each for a minute after its connection.
    """
    PACE = 75

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.lock, self.ending = urllib.parse.urlparse(url), threading.Lock(), threading.Event()
        self.answers, self.failures = collections.Counter(), []  # by version or status; what is no answer

    def run(self):
        n, due = 0, 0.0
        while not self.ending.is_set():
            n += 1
            self.ending.wait(max(0.0, due - time.monotonic()))
            due = time.monotonic() + 1 / self.PACE
            data = [1.0, 5000.0 if n % 2 else 2.0]
            body = json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2], "data": data}]})
            try:
                connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=15)
                with contextlib.closing(connection):
                    connection.request("POST", "/v2/models/scale/infer", body, {"Content-Type": "application/json"})
                    answer = connection.getresponse()
                    text = answer.read()
                key = f"version {json.loads(text)['model_version']}" if answer.status == 200 else f"status {answer.status}"
                with self.lock:
                    self.answers[key] += 1
            except (OSError, http.client.HTTPException, ValueError, KeyError) as e:
                with self.lock:
                    self.failures.append(f"{time.strftime('%X')} {type(e).__name__}: {e}")


class Load:
    def __init__(self, url, clients=4):
        self.clients = [Client(url) for _ in range(clients)]
        for client in self.clients:
            client.start()

    def counts(self):
        answers, failures = collections.Counter(), []
        for client in self.clients:
            with client.lock:
                answers += client.answers
                failures += client.failures
        return answers, failures

    def stop(self):
        for client in self.clients:
            client.ending.set()
        for client in self.clients:
            client.join()


class UnderLoad(h.ClusterTest):
    """A ModelDeployment `scale` in a namespace `ns`, and `load` on its Service."""

    def status(self):
        return (h.get("pmd", "scale", self.ns) or {}).get("status", {})

    def follow(self, digest, **spec):
        h.apply(self.ns, {"apiVersion": "penstock.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "scale"},
                          "spec": {"model": digest, "replicas": 1, "resources": SMALL,
                                   "rollout": {"strategy": "Canary", "steps": STEPS, "gates": GATES}, **spec}})

    def wait_stable(self, digest, seconds=60):
        def is_stable():
            s = self.status()
            return s.get("stable", {}).get("digest") == digest and not s.get("candidate") and \
                h.condition({"status": s}, "Ready").get("status") == "True"
        h.wait_until(f"{digest[:19]} to be stable; now: {json.dumps(self.status())[:1500]}", seconds, is_stable)

    def wait_outcome(self, digest, outcomes, seconds=60):
        return h.wait_until(f"{digest[:19]} to be {outcomes}", seconds, lambda: [
            e for e in self.status().get("history", []) if e["digest"] == digest and e["outcome"] in outcomes])[0]

    def to_routers(self):
        return "penstock.dev/router" in h.get("service", "scale", self.ns)["spec"]["selector"]

    @contextlib.contextmanager
    def phase(self, name, allowed=()):
        """Counts what is answered meanwhile; statuses other than 200 and those of `allowed`, and what is no answer, are lost."""
        begin, (answers, failures) = time.monotonic(), self.load.counts()
        found = {}
        yield found
        time.sleep(0.5)
        now, failed = self.load.counts()
        found.update(now - answers)
        lost = len(failed) - len(failures) + sum(n for key, n in found.items() if key.startswith("status") and key not in allowed)
        print(f"rollout: {name}: {sum(found.values())} answers ({', '.join(f'{k}: {n}' for k, n in sorted(found.items()))}), "
              f"{lost} lost, {time.monotonic() - begin:.0f} s", flush=True)
        if lost:  # at once: what comes after may take long
            print(f"rollout: lost: {failed[len(failures):][:5]}", flush=True)
        self.assertEqual(lost, 0, failed[len(failures):][:10])
        self.assertGreater(sum(found.values()), 50)

    def wait_answers(self, url):
        """kube-proxy knows a new Service a moment after its endpoints are there."""
        probe = Load(url, clients=1)
        try:
            h.wait_until("answers", 30, lambda: sum(probe.counts()[0].values()) > 20)
        finally:
            probe.stop()

    @contextlib.contextmanager
    def under_load(self, **spec):
        """Version 1 has answered; the Service may point to its servers yet."""
        with h.Namespace(f"e2e-rollout-{int(time.time())}") as self.ns:
            one = put(self.ns, lambda f: write_scale(f, 2))
            self.follow(one, **spec)
            self.wait_stable(one, 120)
            url = h.service_url("scale", self.ns)
            self.wait_answers(url)
            self.load = Load(url)
            try:
                yield
            finally:
                self.load.stop()

    def weights(self):
        """Of the versions that have traffic."""
        return {t["version"]: t["weight"] for t in self.status().get("traffic", []) if t.get("weight", "0%") != "0%"}

    def wait_routed(self, version):
        h.wait_until(f"all traffic on version {version}", 30, lambda: self.weights() == {version: "100%"})

    def move_to_routers(self):
        with self.phase("the Service moves to the routers"):
            h.wait_until("the Service to point to the routers", 60, self.to_routers)
            time.sleep(2)


class Rollout(UnderLoad):
    def test_no_request_is_lost_while_versions_and_routers_and_the_operator_come_and_go(self):
        with self.under_load():
            two, three = (put(self.ns, lambda f, k=k: write_scale(f, k)) for k in (3, 4))
            self.through_the_phases(two, three)

    def through_the_phases(self, two, three):
        self.move_to_routers()
        with self.phase("canary promoted") as seen:
            self.follow(two)
            self.wait_stable(two)
        self.assertTrue({"version 1", "version 2"} <= set(seen), seen)

        touchy = put(self.ns, lambda f: h.sh(SAMPLE, "touchy", f))
        # what the candidate itself refuses is answered so to its share of the clients: the stable version answers it
        with self.phase("canary rolled back by its error rate", allowed=("status 400",)) as seen:
            self.follow(touchy)
            entry = self.wait_outcome(touchy, ("RolledBack",))
            self.wait_routed(2)
        self.assertEqual(self.status()["stable"]["digest"], two)
        self.assertGreater(seen.get("status 400", 0), 0, "it was judged under traffic")
        self.assertIn("errorRate", entry["reason"])
        print(f"rollout: {entry['reason']}", flush=True)

        broken = put(self.ns, lambda f: write_scale(f, 5, damaged=True))
        with self.phase("a version that cannot load"):
            self.follow(broken)
            entry = self.wait_outcome(broken, ("Rejected",))
        self.assertRegex(entry["reason"], "^LoadFailed: exit code 3: (?!penstock-serve)")
        self.assertEqual(self.status()["stable"]["digest"], two)

        renamed = put(self.ns, lambda f: write_scale(f, 6, output="z"))
        with self.phase("a version whose signature breaks") as seen:
            self.follow(renamed)
            held = h.wait_until("the version to be held", 60, lambda: h.condition({"status": self.status()}, "Stalled").get(
                "reason") == "SignatureIncompatible" and self.status())
        self.assertIn('output "y": was FP32, is gone', h.condition({"status": held}, "Stalled")["message"])
        self.assertEqual(set(seen), {"version 2"})

        wrong = put(self.ns, lambda f: write_scale(f, 7))
        rows = {"request": {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}]},
                "response": {"outputs": [{"name": "y", "shape": [1, 2], "data": [2, 4]}]}}
        h.apply(self.ns, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "golden"},
                          "data": {"rows.jsonl": json.dumps(rows)}})
        golden = {"name": "golden", "rows": {"configMap": {"name": "golden"}}}
        with self.phase("a version that answers recorded rows otherwise") as seen:
            self.follow(wrong, rollout={"strategy": "Canary", "steps": STEPS, "gates": [*GATES, golden]})
            entry = self.wait_outcome(wrong, ("Rejected",))
        self.assertIn('output "y"[0]: expected 2, got 7', entry["reason"])
        self.assertEqual(set(seen), {"version 2"})

        asked = put(self.ns, lambda f: write_scale(f, 8))
        with self.phase("a step that waits for people"):
            self.follow(asked, rollout={"strategy": "Canary", "steps": [STEPS[0], {"approval": {}}, STEPS[1]], "gates": GATES})
            h.wait_until("the rollout to ask", 60, lambda: "AwaitingApproval" in json.dumps(self.status()))
            self.assertEqual(len(self.weights()), 2, "its weight stays while it waits")
            h.sh(PENSTOCK, "rollout", "approve", "scale", "-n", self.ns)
            self.wait_stable(asked)

        with self.phase("both routers restarted"):
            h.kubectl("rollout", "restart", "deployment/penstock-router", "-n", self.ns)
            h.kubectl("rollout", "status", "deployment/penstock-router", "-n", self.ns, "--timeout=90s")
            time.sleep(2)

        with self.phase("operator killed in the middle of a canary"):
            self.follow(three)
            h.wait_until("the candidate to have traffic", 60, lambda: len(self.weights()) == 2)
            h.kubectl("delete", "pods", "-n", h.SYSTEM, "-l", "app.kubernetes.io/name=penstock", "--force", "--grace-period=0")
            self.wait_stable(three, 90)

        with self.phase("the Service moves back to the servers"):
            self.follow(three, rollout={"strategy": "BlueGreen"})
            h.wait_until("the Service to point to servers", 30, lambda: not self.to_routers())
            time.sleep(2)


if __name__ == "__main__":
    unittest.main()
