"""Promises about many: runs, steps and pods by the thousand, on simulated nodes (no kubelet is measured)."""
import contextlib
import json
import os
import pathlib
import queue
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import harness as h  # noqa: E402
from api import Api, PodWatch, Watch  # noqa: E402
from pods import EMPTY, IMAGE, bare_pod, step  # noqa: E402
from simulated_nodes import SCHEDULING  # noqa: E402

NS, FOREIGN = "bench-scale", "bench-foreign"
NODES, CREATORS = 10, 8
RUNS, STEPS, ITEMS, OWN_PODS, FOREIGN_PODS = 5_000, 5_000, 10_000, 10_000, 90_000
RUNS_URL = f"/apis/penstock.dev/v1alpha1/namespaces/{NS}/pipelineruns"
LIMIT = 256 * 1024


@contextlib.contextmanager
def simulated_nodes(ns, artifacts=()):
    """`artifacts`: what steps give; a step whose name ends in -N the Nth for each of its outputs."""
    program = pathlib.Path(__file__).with_name("simulated_nodes.py")
    arguments = [ns, str(NODES), json.dumps(list(artifacts))]
    process = subprocess.Popen([sys.executable, str(program), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if process.stdout.readline() != "ready\n":
        raise RuntimeError("the simulated nodes did not start")
    try:
        yield
    finally:
        process.stdin.close()
        process.wait(60)


def create_all(path, objects):
    """Creates the objects over several connections."""
    work, errors = queue.SimpleQueue(), []
    for o in objects:
        work.put(o)

    def create():
        try:
            api = Api()
            while not errors:
                api.call("POST", path, work.get_nowait())
        except queue.Empty:
            pass
        except Exception as e:
            errors.append(e)

    threads = [threading.Thread(target=create) for _ in range(CREATORS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]


class RunWatch(Watch):
    """Which runs have finished, and the largest status among them."""

    def __init__(self, api, ns):
        self.finished, self.largest = {}, 0
        super().__init__(api, f"/apis/penstock.dev/v1alpha1/namespaces/{ns}/pipelineruns")

    def see(self, run, now):
        self.largest = max(self.largest, len(json.dumps(run.get("status", {}), separators=(",", ":"))))
        if h.condition(run, "Finished").get("status") == "True":
            self.finished[run["metadata"]["name"]] = h.condition(run, "Succeeded").get("status") == "True"

    def wait_succeeded(self, names, seconds):
        self.wait_all(names, self.finished, seconds)
        bad = [n for n in names if not self.finished[n]]
        if bad:
            raise RuntimeError(f"{len(bad)} runs failed: {bad[:3]}")


class Memory(threading.Thread):
    """The most that the operator holds resident within a block, in bytes, looked at each second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.api, self.most, self.ending = Api(), 0, threading.Event()

    def run(self):
        while not self.ending.wait(1):
            self.most = max(self.most, self.api.metrics()["process_resident_memory_bytes"])

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.ending.set()
        self.join()


class Bench:
    def __init__(self):
        self.api, self.count, self.pipelines = Api(), 0, {}
        self.pods = PodWatch(self.api, NS)
        self.runs = RunWatch(self.api, NS)

    def name(self):
        self.count += 1
        return f"b{self.count}"

    def bare(self, n):
        """Seconds from the first of n bare pods created to the last one succeeded."""
        base = self.name()
        pods = [bare_pod(f"{base}-{i}", token=False) for i in range(n)]
        for pod in pods:
            pod["spec"].update(SCHEDULING)
        start = time.monotonic()
        create_all(f"/api/v1/namespaces/{NS}/pods", pods)
        self.pods.wait_ended([p["metadata"]["name"] for p in pods], 1200)
        took = time.monotonic() - start
        self.clear()
        return took

    def run_of(self, name, pipeline, in_place):
        """A run of the pipeline, which is written in it, or is applied and named by it."""
        run = {"apiVersion": "penstock.dev/v1alpha1", "kind": "PipelineRun", "metadata": {"name": name, "namespace": NS}}
        if in_place:
            return {**run, "spec": {"pipelineSpec": pipeline}}
        applied = self.applied(pipeline)
        run["metadata"]["labels"] = {"penstock.dev/pipeline": applied}  # as `penstock run` does
        return {**run, "spec": {"pipelineRef": {"name": applied}}}

    def applied(self, pipeline):
        """The name of a Pipeline of this content, which starts no run itself; it is made when it is first asked for."""
        text = json.dumps(pipeline)
        if text not in self.pipelines:
            self.pipelines[text] = f"pipeline-{len(self.pipelines)}"
            self.api.call("POST", RUNS_URL.replace("pipelineruns", "pipelines"), {
                "apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": self.pipelines[text], "namespace": NS}, "spec": {**pipeline, "suspend": True}})
        return self.pipelines[text]

    def one_step_runs(self, n, in_place):
        """Seconds from the first of n one-step runs created to the last one finished."""
        base = self.name()
        pipeline = {"steps": [step("s", "InImage") | SCHEDULING]}
        runs = [self.run_of(f"{base}-{i}", pipeline, in_place) for i in range(n)]
        start = time.monotonic()
        create_all(RUNS_URL, runs)
        self.runs.wait_succeeded([r["metadata"]["name"] for r in runs], 1800)
        return time.monotonic() - start

    def graph(self, n, width, in_place):
        """Seconds for one run of n steps in layers of `width`, each after one step of the layer before."""
        component = {"apiVersion": "penstock.dev/v1alpha1", "kind": "Component", "metadata": {"name": "empty-1.0.0"},
                     "spec": {"name": "empty", "version": "1.0.0",
                              "container": {"image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": EMPTY, "launcher": "InImage"}}}
        h.apply(NS, component)
        name = self.name()
        steps = [{"name": f"s{i}", "component": {"name": "empty", "version": "1"},
                  **({"dependsOn": [{"step": f"s{i - width}"}]} if i >= width else {})} for i in range(n)]
        run = self.run_of(name, {"defaults": {**SCHEDULING, "cache": {"enabled": False}}, "steps": steps}, in_place)
        start = time.monotonic()
        self.api.call("POST", RUNS_URL, run)
        self.runs.wait_succeeded([name], 1800)
        return time.monotonic() - start

    def items(self, n):
        """(seconds for one run of a loop over n items of a pod each, MiB that the operator held more than before)"""
        name = self.name()
        run = h.run_of(name, NS, [{**step("each", "InImage"), **SCHEDULING, "forEach": {"range": {"to": n}}}])
        before = self.operator("process_resident_memory_bytes")
        with Memory() as most:
            start = time.monotonic()
            self.api.call("POST", RUNS_URL, run)
            self.runs.wait_succeeded([name], 3600)
            return time.monotonic() - start, (max(most.most, before) - before) / 2**20

    def revisions(self):
        """Bytes of the largest ControllerRevision."""
        items = self.api.call("GET", f"/apis/apps/v1/namespaces/{NS}/controllerrevisions")["items"]
        return max((len(json.dumps(i, separators=(",", ":"))) for i in items), default=0)

    def operator(self, metric):
        return self.api.metrics()[metric]

    def reconciles(self):
        """Seconds -> how many reconciles of runs took no more, since the operator's start."""
        begin = 'penstock_reconcile_time_seconds_bucket{controller="pipelinerun",le="'
        return {float(k[len(begin):-2]): n for k, n in self.api.metrics().items() if k.startswith(begin)}

    def clear(self):
        """Removes runs and pods; returns when none is left."""
        def left():
            """Asks for some more to be deleted, as a request for thousands takes longer than a request may."""
            return sum(len(self.api.call("DELETE", f"{path}?limit=500")["items"]) for path in (RUNS_URL, f"/api/v1/namespaces/{NS}/pods"))
        h.wait_until("an empty namespace", 1200, lambda: not left(), every=0)


def p99(before, after):
    """The least bound of a bucket that 99 % of what came in between kept to."""
    count = {seconds: n - before.get(seconds, 0) for seconds, n in after.items()}
    return min(seconds for seconds, n in count.items() if n >= 0.99 * max(count.values()))


def memory(table, bench, size):
    """What the operator holds resident with the pods of 20 finished runs and those of others standing."""
    own, foreign = int(OWN_PODS * size), int(FOREIGN_PODS * size)
    for _ in range(20):
        bench.graph(own // 20, own // 20, True)
    with h.Namespace(FOREIGN):
        gated = [bare_pod(f"f-{i}") for i in range(foreign)]
        for pod in gated:
            pod["spec"]["schedulingGates"] = [{"name": "penstock.dev/never"}]
        create_all(f"/api/v1/namespaces/{FOREIGN}/pods", gated)
        resident = bench.operator("process_resident_memory_bytes") / 2**20
        note = f"{own} own and {foreign} foreign pods"
        if size == 1:
            table.at_most("operator memory", [resident], 200, "MiB", note)
        else:
            table.fact("operator memory, smaller", [resident], "MiB", note)
        h.wait_until("no foreign pods", 1200, lambda: not bench.api.call(
            "DELETE", f"/api/v1/namespaces/{FOREIGN}/pods?gracePeriodSeconds=0&limit=500")["items"], every=0)
    bench.clear()


def bound(table, size):
    """At its full size a promise is held to its bound; smaller ones are facts."""
    if size == 1:
        return table.at_most, table.at_least
    as_fact = lambda name, values, bound, *unit, **note: table.fact(name, values, *unit, **note)  # noqa: E731
    return as_fact, as_fact


def one_pod_runs(table, bench, options):
    """The bare pods a second, of the rounds' median. Runs that name a Pipeline are the promise, runs that hold theirs stand beside it."""
    n, named, in_place, bare, rates = int(RUNS * options.size), [], [], [], []
    for _ in range(min(options.rounds, 3)):
        a, b = bench.bare(n), bench.one_step_runs(n, False)
        bench.clear()
        c = bench.one_step_runs(n // 10, True) * 10
        bench.clear()
        named.append(a / b)
        in_place.append(a / c)
        bare.append(n / a)
        rates.append(n / b)
        print(f"  {n} at once: bare {n / a:.0f}/s, runs of a Pipeline {n / b:.0f}/s, with theirs in place {n / c:.0f}/s", file=sys.stderr, flush=True)
    name = f"{n} one-pod runs at once, simulated nodes"
    bound(table, options.size)[1](name, named, 0.4, note=f"{min(rates):.0f} to {max(rates):.0f} runs/s; Argo 4.5/s, 35/s with 5 tuned shards")
    table.fact(f"{name}, written in place", in_place, note="of a tenth of them")
    return statistics.median(bare)


def graph(table, bench, size, bare):
    n, bench.runs.largest = int(STEPS * size), 0
    before = bench.reconciles()
    took = bench.graph(n, max(10, n // 50), False)
    bound(table, size)[0](f"{n}-step graph against as many bare pods", [took * bare / n], 2, note=f"{took:.0f} s, {n / took:.0f} steps/s; bare {bare:.0f}/s")
    table.at_most(f"{n}-step graph: p99 of a reconcile", [p99(before, bench.reconciles())], 1, "s", "the bound of a histogram's bucket")
    table.at_most(f"{n}-step graph: largest status", [bench.runs.largest / 1024], LIMIT / 1024, "KiB")
    table.at_most(f"{n}-step graph: largest ControllerRevision", [bench.revisions() / 1024], LIMIT / 1024, "KiB")
    bench.clear()


def items(table, bench, size, bare):
    n = int(ITEMS * size)
    took, more = bench.items(n)
    at_most, at_least = bound(table, size)
    at_least(f"loop over {n} items against bare pods' rate", [n / took / bare], 0.5, note=f"{took:.0f} s, {n / took:.0f} items/s; bare {bare:.0f}/s")
    at_most(f"loop over {n} items: operator memory more", [more], 64, "MiB", note="the most while it ran beyond what it held before")
    bench.clear()


def run(table, options):
    h.install()
    with h.Namespace(NS), simulated_nodes(NS):
        bench = Bench()
        bench.one_step_runs(10, True)
        bench.clear()
        bare = one_pod_runs(table, bench, options)
        graph(table, bench, options.size, bare)
        items(table, bench, options.size, bare)
        memory(table, bench, options.size)
