"""Loops over thousands of items, on simulated nodes (no kubelet is measured)."""
import json
import time

import scale
from pods import step
from simulated_nodes import SCHEDULING

h = scale.h
ITEMS = 10_000


def loop(bench, n, as_runs):
    """One run of a loop over n items, a pod each or a run of one step each: its seconds, the operator's of CPU, the most that it held in MiB."""
    name, body = bench.name(), step("each", "InImage") | SCHEDULING
    if as_runs:
        body = {"name": "each", "pipeline": {"steps": [body]}}
    run = h.run_of(name, scale.NS, [{**body, "forEach": {"range": {"to": n}}}])
    with scale.Memory() as memory:
        start, busy = time.monotonic(), bench.operator("process_cpu_seconds_total")
        bench.api.call("POST", scale.RUNS_URL, run)
        bench.runs.wait_succeeded([name], 3600)
        took = time.monotonic() - start
    items = h.step_of(h.get("pplr", name, scale.NS), "each")["items"]
    if items["succeededIndexes"] != f"0-{n - 1}":
        raise RuntimeError(f"{name}: not all of {n} items succeeded: {json.dumps(items)[:300]}")
    return took, bench.operator("process_cpu_seconds_total") - busy, memory.most / 2**20


def loops(table, bench, size, over):
    """Loops over pods, and over runs of one step: how long an item takes, what the operator holds, with all of them standing."""
    n = int(ITEMS * size)
    for what in over:
        took, busy, most = loop(bench, n, what == "runs")
        table.fact(f"loop over {n} {what}: time an item", [1000 * took / n], "ms", f"{took:.0f} s in all; {1000 * busy / n:.1f} ms of the operator's CPU an item")
        (table.at_most if size == 1 else lambda *a: table.fact(a[0], a[1], *a[3:]))(
            f"loop over {n} {what}: operator memory", [most], 512, "MiB", "the largest while it ran; the bound is the chart's limit")
        bench.clear()


def run(table, options):
    over = options.over.split(",")
    if unknown := set(over) - {"pods", "runs"}:
        raise SystemExit(f"tests/bench/run loops: --over is of pods and runs, not {sorted(unknown)}")
    h.install()
    with h.Namespace(scale.NS), scale.simulated_nodes(scale.NS):
        bench = scale.Bench()
        bench.one_step_runs(10, True)
        bench.clear()
        loops(table, bench, options.size, over)
