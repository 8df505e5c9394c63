"""The examples of examples/features and examples/peers: what each says of its own end, and whether a run keeps it.

The first lines of an example are comments that say how its run ends, the same on this machine and on a cluster:

    # expect: Succeeded                 the run's outcome: Succeeded, Failed or Cancelled
    # expect: step report Skipped       a step's phase
    # expect: result best 3             a result of the run, as JSON
    # expect: invalid steps[0].image    not valid; the errors name this
    # run: -p day=monday                more arguments of `penstock run`
    # approve: go to=staging            an approval step is approved, with values that it asks for
    # pipeline: parent                  which is run, where the file holds several
    # needs: a package index            what not every machine has: it is run where PENSTOCK_HAS names it, else checked only

On this machine all are run. On a cluster CI runs those of examples/features and eight of examples/peers; all of them with
PENSTOCK_EXAMPLES=all, as tests/run full does.
"""
import json
import os
import pathlib
import shlex

ROOT = pathlib.Path(__file__).resolve().parents[1]
FEATURES, PEERS = ROOT / "examples/features", ROOT / "examples/peers"
IN_CI = ("argo/exit-handlers", "argo/map-reduce", "tekton/finally-status", "tekton/matrix", "kfp/nested-loops", "kfp/one-of",
         "flyte/map-task", "flyte/subworkflow")


class Example:
    def __init__(self, path):
        self.path, self.outcome, self.invalid, self.pipeline = path, None, None, None
        self.steps, self.results, self.arguments, self.needs = {}, {}, [], None
        self.approvals = {}  # step -> ["name=value"]
        for line in path.read_text().splitlines():
            if not line.startswith("# "):
                break
            self._take(line[2:])
        if not self.outcome and not self.invalid:
            raise ValueError(f"{path}: begins without '# expect: Succeeded', Failed, Cancelled or invalid")

    def _take(self, line):
        kind, _, text = line.partition(": ")
        if kind == "run":
            self.arguments += shlex.split(text)
        elif kind == "approve":
            step, *values = shlex.split(text)
            self.approvals[step] = values
        elif kind == "pipeline":
            self.pipeline = text.strip()
        elif kind == "needs":
            self.needs = text.strip()
        elif kind == "expect":
            word, _, rest = text.strip().partition(" ")
            if word == "step":
                name, phase = rest.split()
                self.steps[name] = phase
            elif word == "result":
                name, _, value = rest.partition(" ")
                self.results[name] = json.loads(value)
            elif word == "invalid":
                self.invalid = rest
            elif word in ("Succeeded", "Failed", "Cancelled"):
                self.outcome = word
            else:
                raise ValueError(f"{self.path}: what is '# expect: {text}'?")

    def can_run(self):
        return not self.needs or self.needs in os.environ.get("PENSTOCK_HAS", "").split(",")

    def approve_arguments(self):
        """Of `penstock run` on this machine."""
        return [a for step, values in self.approvals.items() for value in values or [""]
                for a in ("--approve", f"{step}={value}" if value else step)]

    def faults(self, run):
        """What a finished run does not keep, in words; empty: all is as the example says."""
        status = run.get("status", {})
        found = []
        end = next((c for c in status.get("conditions", []) if c["type"] == "Succeeded"), {})
        outcome = {"True": "Succeeded"}.get(end.get("status"), end.get("reason", ""))
        outcome = outcome if outcome in ("Succeeded", "Cancelled") else "Failed" if end.get("status") == "False" else outcome
        if outcome != self.outcome:
            found.append(f"ended as {outcome or 'nothing'} ({end.get('reason')}: {end.get('message')}), not {self.outcome}")
        phases = {s["name"]: s for s in status.get("steps", [])}
        for name, phase in self.steps.items():
            step = phases.get(name, {})
            if step.get("phase") != phase:
                found.append(f"step {name} is {step.get('phase')} ({step.get('reason')}: {step.get('message')}), not {phase}")
        results = status.get("results", {})
        if isinstance(results, list):
            results = {r["name"]: r.get("value") for r in results}
        for name, value in self.results.items():
            if name not in results or results[name] != value:
                found.append(f"result {name} is {json.dumps(results.get(name))}, not {json.dumps(value)}")
        return found


def examples():
    """All of them."""
    return [Example(path) for path in sorted(FEATURES.glob("*.yaml")) + sorted(PEERS.glob("*/*.yaml"))]


def for_cluster():
    """Those that are run on a cluster, by PENSTOCK_EXAMPLES."""
    found = examples()
    if os.environ.get("PENSTOCK_EXAMPLES") != "all":
        chosen = [PEERS / f"{name}.yaml" for name in IN_CI]
        found = [e for e in found if e.path.parent == FEATURES or e.path in chosen]
    return [e for e in found if e.can_run()]
