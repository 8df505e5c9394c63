"""Promises about pods: what Penstock adds to bare pods, in the same image, in rounds A/B/A/B."""
import json
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import harness as h  # noqa: E402
from api import Api, PodWatch  # noqa: E402

# The launcher's own image: the launcher is in it, and its --version is the emptiest step there is.
IMAGE = "penstock/launcher:0.1.0"
EMPTY = ["/usr/local/bin/penstock-launcher", "--version"]
NS = "bench"


def bare_pod(name):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"restartPolicy": "Never", "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 30,
                     "securityContext": {"runAsNonRoot": True, "runAsUser": 65532,
                                         "seccompProfile": {"type": "RuntimeDefault"}},
                     "containers": [{"name": "step", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": EMPTY,
                                     "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
                                     "securityContext": {"allowPrivilegeEscalation": False,
                                                         "capabilities": {"drop": ["ALL"]}}}]}}


def step(name, launcher, after=None):
    container = {"image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": EMPTY}
    if launcher:
        container["launcher"] = launcher
    out = {"name": name, "container": container, "cache": {"enabled": False},
           "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}
    if after:
        out["dependsOn"] = [{"step": after}]
    return out


class Bench:
    def __init__(self):
        self.api = Api()
        self.watch = PodWatch(self.api, NS)
        self.count = 0
        self.handoffs = []

    def bare(self, chain, n):
        """Seconds for n bare pods, one after the other or all at once."""
        self.count += 1
        names = [f"bare-{self.count}-{i}" for i in range(n)]
        start = time.monotonic()
        for name in names:
            self.api.call("POST", f"/api/v1/namespaces/{NS}/pods", bare_pod(name))
            if chain:
                self.watch.wait_ended([name])
        self.watch.wait_ended(names)
        took = time.monotonic() - start
        self.clean("pods")
        return took

    def ours(self, chain, n, launcher):
        """Seconds from the run's creation to its last pod's end."""
        self.count += 1
        name = f"run-{self.count}"
        steps = [step(f"s{i}", launcher, f"s{i - 1}" if chain and i else None) for i in range(n)]
        before = set(self.watch.seen)
        start = time.monotonic()
        self.api.call("POST", f"/apis/penstock.dev/v1alpha1/namespaces/{NS}/pipelineruns", h.run_of(name, NS, steps))
        h.wait_until(f"{n} pods of {name}", 300, lambda: len(set(self.watch.seen) - before) >= n, every=0.02)
        mine = sorted(set(self.watch.seen) - before, key=self.watch.seen.get)
        self.watch.wait_ended(mine)
        took = time.monotonic() - start
        if chain:
            self.handoffs += [self.watch.seen[b] - self.watch.ended[a] for a, b in zip(mine, mine[1:])]
        run = h.wait_finished(name, NS)
        if h.condition(run, "Succeeded").get("status") != "True":
            raise RuntimeError(f"{name}: {h.condition(run, 'Succeeded')}")
        self.clean("pipelineruns.penstock.dev")
        return took

    def clean(self, kind):
        h.kubectl("delete", kind, "-n", NS, "--all", "--wait=true", "--grace-period=0", "--force")
        h.wait_until("an empty namespace", 120, lambda: not h.items("pods", NS))

    def rounds(self, table, name, chain, n, launcher, bound, rounds, note):
        ratios = []
        for _ in range(rounds):
            a = self.bare(chain, n)
            b = self.ours(chain, n, launcher)
            ratios.append(b / a)
            print(f"  {name}: bare {a:.2f} s, Penstock {b:.2f} s", file=sys.stderr, flush=True)
        table.at_most(name, ratios, bound, note=note)


def api_writes():
    """The operator's counters of writes, as /metrics has them."""
    text = h.kubectl("get", "--raw", f"/api/v1/namespaces/{h.SYSTEM}/services/penstock-metrics:http/proxy/metrics")
    return sum(float(m) for m in re.findall(r'^penstock_api_writes_total\{[^}]*\} ([0-9.e+]+)$', text, re.M))


def run(table, rounds):
    h.install()
    with h.Namespace(NS):
        bench = Bench()
        bench.bare(True, 2)  # both arms warm
        bench.ours(True, 2, "InImage")
        bench.handoffs.clear()
        writes = api_writes()
        bench.rounds(table, "chain of 10, launcher in the image", True, 10, "InImage", 1.15, rounds,
                     "Argo 3.7.4: 5.05x, 3.05x tuned")
        writes = (api_writes() - writes) / (10 * rounds)
        handoffs = sorted(bench.handoffs)
        p99 = handoffs[min(len(handoffs) - 1, int(len(handoffs) * 0.99))] * 1000
        table.add("hand-off p99, pod ended to next pod created", p99, handoffs[0] * 1000, handoffs[-1] * 1000, 50, "ms",
                  "holds" if p99 < 50 else "falls short", f"{len(handoffs)} hand-offs; Argo requeues after 10 s")
        table.at_most("API writes a step, events included", [writes], 4, unit="")
        bench.rounds(table, "chain of 10, init container", True, 10, None, 1.6, rounds, "")
        bench.rounds(table, "60 steps at once, launcher in the image", False, 60, "InImage", 1.3, rounds,
                     "Argo 3.7.4: 3.7x, 2.5x tuned")


