"""The operator killed at calls of the real API server, while runs go on: the same end, and one pod an attempt.

operator/controllers/testing/crash_sweep_test.cc and its _flat_ twin kill it before and after each call of a cluster in memory; here
POINTS of them are tried with real pods. For `tests/run full`: a quarter of an hour. PENSTOCK_SEED: the same points again.
"""
import collections
import contextlib
import json
import os
import pathlib
import random
import subprocess
import tempfile
import threading
import time
import unittest

import harness as h
import killing_proxy

POINTS = int(os.environ.get("PENSTOCK_CRASH_POINTS", 20))
SEED = int(os.environ.get("PENSTOCK_SEED", time.time()))
NS = "e2e-crash-sweep"
PATIENCE = 150  # seconds for a run that was disturbed
RUNS = f"/apis/penstock.dev/v1alpha1/namespaces/{NS}/pipelineruns"
PODS = f"/api/v1/namespaces/{NS}/pods"
# Of a step's status: what no kill may change. Left out are times, names of pods and runs, and what was seen on the way.
LASTING = ("name", "phase", "reason", "attempts", "allowed", "cached", "exitCode", "retries", "outputs", "results")


def step(name, script, **more):
    """A step whose output, input, result and word are OUT, IN, AUC and WORD to its script."""
    names = {"OUT": "$(outputs.o.path)", "IN": "$(inputs.i.path)", "AUC": "$(results.auc.path)", "WORD": "$(parameters.word)"}
    out = h.shell_step(name, script, **more)
    out["container"]["env"] = [{"name": k, "value": v} for k, v in names.items() if f"${k}" in script]
    if "$OUT" in script:
        out["outputs"] = [{"name": "o"}]
    if "$AUC" in script:
        out["results"] = [{"name": "auc", "type": "number"}]
    return out


def cached(run):
    """The chain, of which all comes from the cache; its image is none by digest."""
    content = chain(run)
    return {**content, **{k: [{**s, "cache": {"trustTag": True}} for s in content[k]] for k in ("steps", "finally")}}


def chain(run):
    return {"steps": [step("a", "echo rows >$OUT", parameters={"run": run}),
                      step("b", "cat $IN $IN >$OUT; printf 0.75 >$AUC", inputs={"i": "$(steps.a.outputs.o)"})],
            "finally": [step("tidy", "true", parameters={"run": run})],
            "results": [{"name": "auc", "value": "$(steps.b.results.auc)"}], "outputs": {"o": "$(steps.b.outputs.o)"}}


def loop(run):
    each = step("each", "test $WORD != bad && echo $WORD >$OUT", parameters={"run": run, "word": "$(each.value)"},
                forEach={"in": ["x", "bad", "y"], "parallelism": 2, "minSuccess": 2}, retry={"user": {"limit": 1, "backoff": "1s"}})
    use = step("use", "find $IN/ -type f | sort | xargs cat >$OUT; printf 0.75 >$AUC", inputs={"i": "$(steps.each.outputs.o)"},
               parameters={"run": run})
    return {"steps": [each, use], "results": [{"name": "auc", "value": "$(steps.use.results.auc)"}],
            "outputs": {"o": "$(steps.use.outputs.o)"}}


def pipeline(name, content):
    return {"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": name}, "spec": {"runPolicy": "Manual", **content}}


INNER = pipeline("inner", {
    "parameters": [{"name": "word", "type": "string"}],
    "steps": [step("first", "echo $WORD | cut -c1-3 >$OUT", parameters={"word": "$(parameters.word)"}),
              step("last", "cat $IN $IN >$OUT; printf 0.5 >$AUC", inputs={"i": "$(steps.first.outputs.o)"})],
    "finally": [step("tidy", "true", cache={"enabled": False})],
    "outputs": {"o": "$(steps.last.outputs.o)"}, "results": [{"name": "auc", "value": "$(steps.last.results.auc)"}]})


def nested(run):
    use = step("use", "cat $IN >$OUT", inputs={"i": "$(steps.call.outputs.o)"}, parameters={"run": run})
    return {"steps": [{"name": "call", "pipeline": {"name": "inner"}, "parameters": {"word": f"red {run}"}}, use],
            "finally": [step("after", "true", parameters={"run": run})],
            "results": [{"name": "auc", "value": "$(steps.call.results.auc)"}], "outputs": {"o": "$(steps.use.outputs.o)"}}


Scenario = collections.namedtuple("Scenario", "name spec pods runs again deleted", defaults=(1, False, False))
SCENARIOS = [
    Scenario("chain", chain, ["a/1", "b/1", "tidy/1"]),
    Scenario("loop-with-a-failure", loop, ["each.0/1", "each.1/1", "each.1/2", "each.2/1", "use/1"]),
    Scenario("nested-with-finally", nested, ["after/1", "first/1", "last/1", "tidy/1", "use/1"], 2),
    Scenario("cached-rerun", cached, [], again=True),
    Scenario("pipeline-deleted", chain, ["a/1", "b/1", "tidy/1"], deleted=True),
]


class Follow(threading.Thread):
    """Every object of a collection as it was last seen, by its UID: what is deleted stays here."""

    def __init__(self, path):
        super().__init__(daemon=True)
        version = json.loads(h.kubectl("get", "--raw", f"{path}?limit=1"))["metadata"]["resourceVersion"]
        self.objects, self.change = {}, threading.Condition()
        self.child = subprocess.Popen(["kubectl", "get", "--raw", f"{path}?watch=1&resourceVersion={version}&timeoutSeconds=7200"],
                                      stdout=subprocess.PIPE, text=True)
        self.start()

    def run(self):
        for line in self.child.stdout:
            seen = json.loads(line)["object"]
            with self.change:
                self.objects[seen["metadata"]["uid"]] = seen
                self.change.notify_all()

    def all(self):
        with self.change:
            if self.child.poll() is not None:
                raise AssertionError("the watch ended")
            return list(self.objects.values())

    def named(self, name):
        return next((o for o in self.all() if o["metadata"]["name"] == name), None)

    def end(self):
        self.child.terminate()
        self.child.wait(10)


def lasting(run):
    """What of a run's end is the same whatever happened on the way."""
    status = run["status"]
    steps = []
    for s in status["steps"]:
        items = {k: v for k, v in s.get("items", {}).items() if k not in ("running", "firstFailures")}
        steps.append({**{k: s[k] for k in LASTING if k in s}, **({"items": items} if items else {})})
    outputs = [{k: o.get(k) for k in ("name", "type", "digest", "bytes")} for o in status.get("outputs", [])]
    succeeded = h.condition(run, "Succeeded")
    return {"steps": sorted(steps, key=lambda s: s["name"]), "results": status.get("results"), "outputs": outputs,
            "succeeded": (succeeded["status"], succeeded["reason"])}


class CrashSweep(h.ClusterTest):
    @classmethod
    def setUpClass(cls):
        if not h.OWN:
            raise unittest.SkipTest("the cluster's pods must reach the operator on this machine")
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="penstock-sweep-")
        cls.addClassCleanup(folder.cleanup)
        cls.enterClassContext(h.Namespace(NS))
        h.apply(NS, INNER)
        cls.operator = cls.enterClassContext(killing_proxy.in_place_of_the_installed(pathlib.Path(folder.name)))
        cls.runs, cls.pods, cls.count, cls.ended = Follow(RUNS), Follow(PODS), 0, []
        cls.addClassCleanup(cls.runs.end)
        cls.addClassCleanup(cls.pods.end)

    def tearDown(self):
        if self.operator.process.poll() is not None:
            self.operator.again()

    def make(self, scenario):
        """A Pipeline and a run of it; its name."""
        CrashSweep.count += 1
        name = f"{scenario.name}-{self.count}"
        h.apply(NS, pipeline(name, scenario.spec("same" if scenario.again else name)),
                {"apiVersion": "penstock.dev/v1alpha1", "kind": "PipelineRun", "metadata": {"name": name},
                 "spec": {"pipelineRef": {"name": name}}})
        return name

    def follow(self, scenario, name):
        """The run when it has ended. Meanwhile an operator that was killed is followed by another."""
        deadline, there = time.monotonic() + PATIENCE, scenario.deleted
        while True:
            if self.operator.proxy.killed_at:
                self.operator.again()
            run = self.runs.named(name) or {}
            if there and run.get("status", {}).get("revision"):
                h.kubectl("delete", "pipeline", name, "-n", NS, "--wait=false")
                there = False
            if h.condition(run, "Finished").get("status") == "True":
                self.ended.append((scenario, run))
                return run
            if time.monotonic() > deadline:
                raise AssertionError(f"{name} did not end within {PATIENCE} s: {json.dumps(run.get('status'))[:2000]}")
            with self.runs.change:
                self.runs.change.wait(0.1)

    def below(self, run):
        """The run and those that its steps made."""
        uid = run["metadata"]["uid"]
        return [r for r in self.runs.all() if uid in (r["metadata"]["uid"], r["metadata"].get("labels", {}).get("penstock.dev/root-uid"))]

    def hold(self, scenario, run):
        """One pod object an attempt, and no attempt but those that must be; returns the end of the run and of those within."""
        runs = self.below(run)
        self.assertEqual(len(runs), scenario.runs, [r["metadata"]["name"] for r in runs])
        uids = {r["metadata"]["uid"] for r in runs}

        def attempts():
            labels = [p["metadata"]["labels"] for p in self.pods.all()]
            return sorted("{}{}/{}".format(of["penstock.dev/step"], f".{of['penstock.dev/item']}" if "penstock.dev/item" in of else "",
                                           of["penstock.dev/attempt"]) for of in labels if of["penstock.dev/run-uid"] in uids)
        with contextlib.suppress(AssertionError):  # a watch may lag behind the other
            h.wait_until("its pods", 3, lambda: len(attempts()) >= len(scenario.pods))
        self.assertEqual(attempts(), scenario.pods)
        return sorted((lasting(r) for r in runs), key=json.dumps)

    def undisturbed(self, scenario):
        """How many calls a run takes, and how it ends and those within."""
        if scenario.again:
            run = self.follow(scenario, self.make(scenario))
            self.ended.pop()  # this one has pods
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True")
        proxy = self.operator.proxy
        proxy.arm()
        run = self.follow(scenario, self.make(scenario))
        calls = proxy.disarm()
        expected = self.hold(scenario, run)
        self.assertTrue(all(end["succeeded"][0] == "True" for end in expected), expected)
        self.assertEqual(run["status"]["results"], {"auc": 0.5 if scenario.runs > 1 else 0.75})
        self.assertTrue(run["status"]["outputs"][0]["digest"])
        return len(calls), expected

    def disturbed(self, scenario, at, mode, expected):
        """Kills the operator at a call of a run; whether the run had so many. What was seen is printed."""
        begun = time.monotonic()
        if self.operator.proxy.killed_at:  # by a point that failed
            self.operator.again()
        proxy = self.operator.proxy
        proxy.arm(self.operator.kill, at, mode)
        name = self.make(scenario)
        run = self.follow(scenario, name)
        proxy.disarm()
        if self.operator.proxy.killed_at:  # in its very last moment
            self.operator.again()
        print(f"crash sweep: {scenario.name}: killed {mode} call {at}: {proxy.killed_at or 'not reached'} "
              f"({time.monotonic() - begun:.0f} s)", flush=True)
        ends = self.hold(scenario, run)
        self.assertEqual(ends, expected)
        return proxy.killed_at is not None

    def test_killed_at_sampled_calls_a_run_ends_the_same_with_one_pod_an_attempt(self):
        print(f"crash sweep: {POINTS} points, PENSTOCK_SEED={SEED}", flush=True)
        dice, killed = random.Random(SEED), 0
        for number, scenario in enumerate(SCENARIOS):
            calls, expected = self.undisturbed(scenario)
            print(f"crash sweep: {scenario.name}: {calls} calls undisturbed", flush=True)
            points = POINTS // len(SCENARIOS)
            for i in range(points):
                mode = (killing_proxy.BEFORE, killing_proxy.AFTER)[(number + i) % 2]
                at = 1 + int((i + dice.random()) * calls / points)
                with self.subTest(f"{scenario.name}, killed {mode} call {at}"):
                    while not self.disturbed(scenario, at, mode, expected):
                        at = 1 + at * 3 // 4  # some calls depend on the moment: this run had fewer
                    killed += 1
        self.assertEqual(killed, POINTS // len(SCENARIOS) * len(SCENARIOS))
        for scenario, run in self.ended:  # nothing came later
            self.hold(scenario, run)


if __name__ == "__main__":
    unittest.main()
