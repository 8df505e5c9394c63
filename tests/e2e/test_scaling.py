"""Servers by load: more of them under requests, none while nobody asks, and back for one that a router holds."""
import concurrent.futures
import json
import time
import unittest
import urllib.error
import urllib.request

import harness as h
import test_rollout

IDLE = 10  # seconds
BODY = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}]}
# A share that some requests a second reach on any machine.
AUTOSCALING = {"minReplicas": 0, "maxReplicas": 3, "targetUtilization": "2%", "concurrency": 1, "idleAfter": f"{IDLE}s"}


class Scaling(test_rollout.UnderLoad):
    def servers(self):
        return h.get("deployment", "scale-v1", self.ns)["spec"]["replicas"]

    def reason(self):
        return h.condition({"status": self.status()}, "Ready").get("reason")

    def ask(self):
        """The answer, and the seconds until it."""
        begin = time.monotonic()
        answer = h.post(f"{self.url}/v2/models/scale/infer", BODY, timeout=90)
        return answer["outputs"][0]["data"], time.monotonic() - begin

    def status_of(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as e:
            return e.code

    def wait_none(self):
        h.wait_until(f"no servers; now: {json.dumps(self.status())[:1000]}", IDLE + 60, lambda: self.servers() == 0)

    def test_servers_come_and_go_with_requests_and_none_of_these_is_lost(self):
        with h.Namespace(f"e2e-scaling-{int(time.time())}") as self.ns:
            one = test_rollout.put(self.ns, lambda f: test_rollout.write_scale(f, 2))
            self.follow(one, autoscaling=AUTOSCALING, rollout={"strategy": "BlueGreen"})
            self.wait_stable(one, 120)
            h.wait_until("the Service to point to the routers", 60, self.to_routers)
            self.url = h.service_url("scale", self.ns)
            self.wait_answers(self.url)
            self.to_none()
            self.from_none()
            self.on_the_edge()
            self.under_requests()

    def to_none(self):
        begin = time.monotonic()
        self.wait_none()
        print(f"scaling: no servers after {time.monotonic() - begin:.0f} s, of which {IDLE} s are idleAfter", flush=True)
        h.wait_until("Idle", 30, lambda: self.reason() == "Idle" and self.status()["replicas"] == 0)
        self.assertEqual(h.condition({"status": self.status()}, "Available")["status"], "True")
        columns = h.kubectl("get", "pmd", "scale", "-n", self.ns, "--no-headers").split()
        self.assertEqual(columns[:5], ["scale", "True", "True", "1", "0"])
        h.wait_until("its pods to be gone", 60, lambda: not h.items(
            "pods", self.ns, "-l", "penstock.dev/model-deployment=scale"))
        for path in ("/v2/health/ready", "/metrics"):
            self.assertEqual(self.status_of(path), 503, path)
        time.sleep(3)
        self.assertEqual(self.servers(), 0, "probes and scrapes wake nobody")

    def from_none(self):
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            begin = time.monotonic()
            asked = [pool.submit(self.ask) for _ in range(20)]
            h.wait_until("a server to be asked for", 30, lambda: self.servers() > 0, every=0.05)
            woken = time.monotonic() - begin
            answers = [one.result() for one in asked]
        first, last = (f(seconds for _, seconds in answers) for f in (min, max))
        print(f"scaling: from none: woken after {woken:.2f} s, first answer after {first:.1f} s, last of 20 after {last:.1f} s", flush=True)
        self.assertEqual([data for data, _ in answers], [[2, 4]] * 20)
        self.assertLess(woken, 3)  # with kubectl's own time; 1 s is meant

    def on_the_edge(self):
        """A request of each moment in which the servers end."""
        for after in (0, 1, 4):
            self.wait_none()
            time.sleep(after)
            data, seconds = self.ask()
            print(f"scaling: {after} s after the end: answered after {seconds:.1f} s", flush=True)
            self.assertEqual(data, [2, 4])

    def under_requests(self):
        self.ask()  # the load's clients wait less long for an answer
        self.load = test_rollout.Load(self.url, clients=3)
        try:
            with self.phase("more servers under requests"):
                h.wait_until("more servers", 90, lambda: self.servers() > 1)
                h.wait_until("them to answer", 60, lambda: self.status()["stable"].get("readyReplicas", 0) > 1)
                time.sleep(2)
        finally:
            self.load.stop()
        self.wait_none()


if __name__ == "__main__":
    unittest.main()
