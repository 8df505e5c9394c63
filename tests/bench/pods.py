"""Promises about pods: what Penstock adds to bare pods, in the same image, in rounds A/B/A/B."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import harness as h  # noqa: E402
from api import Api, PodWatch  # noqa: E402
from promise import quantile  # noqa: E402

# The launcher's own image: the launcher is in it, and its --version is the emptiest step there is.
IMAGE = f"penstock/launcher:{h.VERSION}"
EMPTY = ["/usr/local/bin/penstock-launcher", "--version"]
NS = "bench"


def bare_pod(name, token=True):
    """A plain pod as people write it, its account's token mounted as is the default; or one without any volume."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"restartPolicy": "Never", "automountServiceAccountToken": token, "terminationGracePeriodSeconds": 30,
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

    def bare(self, chain, n, token=True):
        """Seconds for n bare pods, one after the other (each when the one before has succeeded) or all at once."""
        self.count += 1
        names = [f"bare-{self.count}-{i}" for i in range(n)]
        start = time.monotonic()
        for name in names:
            self.api.call("POST", f"/api/v1/namespaces/{NS}/pods", bare_pod(name, token))
            if chain:
                self.watch.wait_ended([name])
        self.watch.wait_ended(names)
        took = time.monotonic() - start
        self.clean("pods")
        return took

    def ours(self, chain, n, launcher):
        """Seconds from the run's creation to its last pod's end, by the pod's own phase as in the bare arm."""
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
            self.handoffs += [self.watch.seen[b] - self.watch.done[a] for a, b in zip(mine, mine[1:])]
        run = h.wait_finished(name, NS)
        if h.condition(run, "Succeeded").get("status") != "True":
            raise RuntimeError(f"{name}: {h.condition(run, 'Succeeded')}")
        self.clean("pipelineruns.penstock.dev")
        return took

    def in_turn(self, n):
        """Seconds from a run's creation to its one pod's end, of n containers in turn in it."""
        self.count += 1
        name = f"run-{self.count}"
        one = step("s", None)
        container = {key: value for key, value in one.pop("container").items() if key != "launcher"}
        before = set(self.watch.seen)
        start = time.monotonic()
        steps = [{**one, "containers": [{"name": f"c{i}", **container} for i in range(n)]}]
        self.api.call("POST", f"/apis/penstock.dev/v1alpha1/namespaces/{NS}/pipelineruns", h.run_of(name, NS, steps))
        h.wait_until(f"a pod of {name}", 300, lambda: set(self.watch.seen) - before, every=0.02)
        self.watch.wait_ended(sorted(set(self.watch.seen) - before))
        took = time.monotonic() - start
        run = h.wait_finished(name, NS)
        if h.condition(run, "Succeeded").get("status") != "True":
            raise RuntimeError(f"{name}: {h.condition(run, 'Succeeded')}")
        self.clean("pipelineruns.penstock.dev")
        return took

    def clean(self, kind):
        h.kubectl("delete", kind, "-n", NS, "--all", "--wait=true", "--grace-period=0", "--force")
        h.wait_until("an empty namespace", 120, lambda: not h.items("pods", NS))

    def rounds(self, table, name, chain, n, launcher, bound, rounds, note):
        ratios, lean = [], []
        for _ in range(rounds):
            a = self.bare(chain, n)
            b = self.ours(chain, n, launcher)
            c = self.bare(chain, n, token=False)
            ratios.append(b / a)
            lean.append(b / c)
            print(f"  {name}: bare {a:.2f} s, Penstock {b:.2f} s, bare without a token {c:.2f} s", file=sys.stderr, flush=True)
        table.at_most(name, ratios, bound, note=note)
        table.fact("  against bare pods without any volume", lean)


def api_writes(api):
    """The writes that the operator has sent, by verb and kind. Leases are the process's own, not a step's."""
    return {key[len("penstock_api_writes_total"):]: value for key, value in api.metrics().items()
            if key.startswith("penstock_api_writes_total") and "Lease" not in key}


def added(before, after, steps):
    return {key: (after[key] - before.get(key, 0)) / steps for key in after if after[key] > before.get(key, 0)}


def run(table, options):
    rounds = options.rounds
    h.install()
    with h.Namespace(NS):
        bench = Bench()
        bench.bare(True, 2)  # both arms warm
        bench.ours(True, 2, "InImage")
        bench.handoffs.clear()
        before = api_writes(bench.api)
        bench.rounds(table, "chain of 10, launcher in the image", True, 10, "InImage", 0.55, rounds,
                     "Argo 3.7.4: 5.05x, 3.05x tuned")
        writes = added(before, api_writes(bench.api), 10 * rounds)
        handoffs = [s * 1000 for s in bench.handoffs]
        table.at_most("hand-off p99, step seen ended to next pod created", [quantile(handoffs, 0.99)], 50, "ms",
                      f"{len(handoffs)} hand-offs, median {quantile(handoffs, 0.5):.1f} ms; Argo requeues after 10 s")
        reviews = sum(value for key, value in writes.items() if "TokenReview" in key)
        table.at_most("API writes a step, events included", [sum(writes.values()) - reviews], 2.2, "",
                      ", ".join(f"{key} {value:.2f}" for key, value in sorted(writes.items())))
        bench.rounds(table, "chain of 10, init container", True, 10, None, 1.6, rounds, "")
        ratios = [bench.in_turn(10) / bench.bare(True, 10) for _ in range(rounds)]
        table.at_most("10 containers in turn in one step", ratios, 0.3, note="against ten bare pods, one after the other")
        bench.rounds(table, "60 steps at once, launcher in the image", False, 60, "InImage", 1.3, rounds,
                     "Argo 3.7.4: 3.7x, 2.5x tuned")
