"""The model server against others, and against the floor: a forward and an echo of the same bytes.

Every arm serves the same weights with one intra-op thread a computation, on the machine's cores, which the load generator
shares. Peers are first looked at for one round each; the promises are then measured against those that came within
a third of the best, in turns (A/B/A/B), on servers that stay up.
"""
import concurrent.futures
import json
import math
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import training
from serving_peers import BUILD, DATATYPES, Ours, installed

SECONDS, SLICES, LOOK = 10, 5, 3
CONNECTIONS = (32, 64)
TOLERANCE = 1e-4


class Mlp:
    name, width, shape = "MLP 64-256-256-10, tensors", 64, [64]

    def __init__(self, scratch):
        self.folder = scratch / "mlp"
        subprocess.run([BUILD / "bin/serve-sample-model", "mlp", self.folder], check=True)
        self.values = [round(((i * 37) % 101) / 101 - 0.5, 4) for i in range(64)]
        text = (self.folder / "model.yaml").read_text()
        self.input = text.split("inputs:")[1].split("name:")[1].split(",")[0].strip().strip('"')

    def v2_inputs(self, batch_axis=False):
        return [{"name": "x" if batch_axis else self.input, "shape": [1, 64], "datatype": "FP32", "data": self.values}]

    def plain_row(self):
        return {"data": self.values}


class Flights:
    name, width = "flights, raw columns", 25
    row = {"carrier": "B6", "origin": "JFK", "dest": "BOS", "distance": 187, "hour": 18, "minute": 30}

    def __init__(self, scratch):
        data = scratch / "flights"
        data.mkdir()
        training.prepare(data)
        training.component(data, "train", "--input", f"train={data}/train", "--input", f"valid={data}/valid",
                           "--input", f"transform={data}/transform.json", "--output", f"model={data}/model", "--output", f"metrics={data}/metrics.json", "--parameter", "label=late",
                           "--parameter", "seed=1", "--parameter", "model=mlp", "--parameter", "epochs=2")
        self.folder = data / "model"
        self.types = {i["name"]: i["type"] for i in json.loads((self.folder / "transform.json").read_text())["inputs"]}

    def v2_inputs(self, batch_axis=False):
        return [{"name": n, "shape": [1, 1] if batch_axis else [1], "datatype": DATATYPES[t], "data": [self.row[n]]} for n, t in self.types.items()]

    def plain_row(self):
        return self.row


class Sample:
    """A model of bin/serve-sample-model with one input x of the given row shape."""

    def __init__(self, kind, scratch, shape):
        self.name, self.folder, self.width, self.shape = kind, scratch / kind, 0, shape
        subprocess.run([BUILD / "bin/serve-sample-model", kind, self.folder], check=True)
        self.values = [round(((i * 37) % 101) / 101 - 0.5, 4) for i in range(math.prod(shape))]

    def v2_inputs(self):
        return [{"name": "x", "shape": [1, *self.shape], "datatype": "FP32", "data": self.values}]


def load(arm, connections, seconds=SECONDS, rate=0, group=None, warm_up=1, first=False):
    """What serving-load saw, run in a CpuGroup or none. `first`: it gets the processor before all else, so that what it sees is not
    its own waiting; for low rates. Any answer but 200 is an error of the benchmark."""
    command = [BUILD / "bin/serving-load", "--port", str(arm.port), "--target", arm.target, "--body", arm.body,
               "--connections", str(connections), "--seconds", str(seconds), "--warm-up", str(warm_up)]
    if rate:
        command += ["--rate", str(rate)]
    for header in getattr(arm, "headers", ()):
        command += ["--header", header]
    if first:
        command = ["chrt", "--fifo", "1", *command]
    if group:
        command = ["sh", "-c", 'echo $$ >"$0"/cgroup.procs && exec "$@"', group.folder, *command]
    seen = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if set(seen["codes"]) != {"200"}:
        raise RuntimeError(f"{arm.name} answered {seen['codes']}")
    return seen


def sliced(*arms, connections):
    """Requests a second of each in a round of SECONDS, in short turns (A/B/A/B): the machine's own pace changes within seconds."""
    turns = [[load(arm, connections, SECONDS / SLICES, warm_up=0.3)["ok_per_s"] for arm in arms] for _ in range(SLICES)]
    return [statistics.mean(rates) for rates in zip(*turns)]


def look(arms):
    """Requests a second of each at the larger concurrency, one short round."""
    seen = {arm: load(arm, CONNECTIONS[-1], LOOK)["ok_per_s"] for arm in arms}
    for arm, rate in seen.items():
        print(f"  {arm.model.name}: {arm.name} {rate:.0f}/s", file=sys.stderr, flush=True)
    return seen


def throughput(table, ours, rivals, rounds):
    for connections in CONNECTIONS:
        rates = {arm: [] for arm in (ours, *rivals)}
        for _ in range(rounds):
            for arm, rate in zip(rates, sliced(*rates, connections=connections)):
                rates[arm].append(rate)
        best = max(rivals, key=lambda arm: statistics.median(rates[arm]))
        ratios = [a / max(rates[r][i] for r in rivals) for i, a in enumerate(rates[ours])]
        table.at_least(f"{ours.model.name}: requests/s, best peer, c={connections}", ratios, 1.5,
                       note=f"{statistics.median(rates[ours]):.0f}/s; {best.name} {statistics.median(rates[best]):.0f}/s")


def tail(table, ours, peer, rates, rounds):
    """p99 of both at half of what the slower one can do, requests due at a constant rate."""
    rate = min(rates[ours], rates[peer]) / 2
    ratios, p99 = [], {ours: [], peer: []}
    for _ in range(rounds):
        for arm in (ours, peer):
            p99[arm].append(load(arm, CONNECTIONS[-1], rate=rate)["us"]["p99"])
        ratios.append(p99[ours][-1] / p99[peer][-1])
    table.at_most(f"{ours.model.name}: p99 at {rate:.0f}/s, {peer.name}", ratios, 1.0,
                  note=f"{statistics.median(p99[ours]):.0f} us against {statistics.median(p99[peer]):.0f} us")


def against_peers(table, model, scratch, rounds):
    classes, missing = installed()
    if not classes:
        return table.cannot(f"{model.name}: requests/s, best peer", 1.5, "no peers; tools/install-deps peers")
    arms, scratch = [], scratch / ("peers-" + model.folder.parent.name + model.folder.name)
    try:
        for arm in (Ours, *classes):
            arms.append(arm(model, scratch))
        ours, peers = arms[0], arms[1:]
        for peer in peers:
            if abs(peer.answer() - ours.answer()) > TOLERANCE:
                raise RuntimeError(f"{peer.name} answers {peer.answer()}, ours {ours.answer()}")
        rates = look(arms)
        best = max(rates[p] for p in peers)
        throughput(table, ours, [p for p in peers if rates[p] > best / 1.5], rounds)
        for peer in peers:
            tail(table, ours, peer, rates, rounds if rates[peer] > best / 1.5 else 1)
    finally:
        for arm in arms:
            arm.stop()
    if missing:
        print(f"  not installed: {', '.join(missing)}", file=sys.stderr)


class NoBatching(Ours):
    name, flags = "Penstock without batching", ("--max-batch", "1")


def batching(table, model, scratch, rounds):
    arms = []
    try:
        arms += [Ours(model, scratch / "batching"), NoBatching(model, scratch / "batching")]
        ratios = []
        for _ in range(rounds):
            on, off = sliced(*arms, connections=64)
            ratios.append(on / off)
        table.at_least("batching on against off, c=64", ratios, 2.0, note=f"last round {on:.0f}/s and {off:.0f}/s")
    finally:
        for arm in arms:
            arm.stop()


def binary(table, model, connections, promised, scratch, rounds):
    """The same tensor in binary, both ways, against JSON."""
    arm = Ours(model, scratch / f"binary-{model.folder.name}")
    try:
        blob = struct.pack(f"<{len(model.values)}f", *model.values)
        head = json.dumps({"inputs": [{"name": "x", "shape": [1, *model.shape], "datatype": "FP32", "parameters": {"binary_data_size": len(blob)}}],
                           "parameters": {"binary_data_output": True}}).encode()
        body = scratch / "body.bin"
        body.write_bytes(head + blob)
        headers = ("Content-Type: application/octet-stream", f"Inference-Header-Content-Length: {len(head)}")
        same = type("Binary", (), {"name": "binary", "port": arm.port, "target": arm.target, "body": body, "headers": headers})
        ratios = []
        for _ in range(rounds):
            of_json, of_binary = sliced(arm, same, connections=connections)
            ratios.append(of_binary / of_json)
        table.at_least(f"binary against JSON, {[1, *model.shape]}, c={connections}", ratios, promised,
                       note=f"last round {of_binary:.0f}/s and {of_json:.0f}/s")
    finally:
        arm.stop()


def poisoned(table, scratch, rounds):
    """64 requests at once, one of which makes the model throw: how many of the others are answered with 200."""
    arm = Ours(Sample("touchy", scratch, [2]), scratch / "poisoned", ("--max-batch", "64", "--max-delay", "200ms"))

    def ask(value):
        body = json.dumps({"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [value, 1]}]}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{arm.port}{arm.target}", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, json.load(response)["outputs"][0]["data"] == [2 * value, 2]
        except urllib.error.HTTPError as e:
            return e.code, True
    try:
        good = []
        for _ in range(rounds):
            with concurrent.futures.ThreadPoolExecutor(64) as pool:
                seen = list(pool.map(ask, [5000 if i == 40 else i for i in range(64)]))
            if seen[40][0] != 400 or not all(right for _, right in seen):
                raise RuntimeError(f"the poisoned request got {seen[40]}, or an answer is another request's")
            good.append(sum(code == 200 for code, _ in seen))
        table.at_least("one poisoned among 64: answers 200", good, 63, "")
    finally:
        arm.stop()


class CpuGroup:
    """A cgroup, version 1 or 2, with a limit or a request of CPUs, as the kubelet makes one of a container's; its folder is
    None where this process may not make one."""

    PERIOD = 100_000

    def __init__(self, name, limit=None, request=None):
        v1 = pathlib.Path("/sys/fs/cgroup/cpu")
        self.folder = (v1 if v1.is_dir() else pathlib.Path("/sys/fs/cgroup")) / f"penstock-bench-{os.getpid()}-{name}"
        try:
            self.folder.mkdir()
            if limit and v1.is_dir():
                (self.folder / "cpu.cfs_period_us").write_text(str(self.PERIOD))
                (self.folder / "cpu.cfs_quota_us").write_text(str(int(limit * self.PERIOD)))
            elif limit:
                (self.folder / "cpu.max").write_text(f"{int(limit * self.PERIOD)} {self.PERIOD}")
            if request and v1.is_dir():
                (self.folder / "cpu.shares").write_text(str(int(request * 1024)))
            elif request:
                (self.folder / "cpu.weight").write_text(str(int(1 + (request * 1024 - 2) * 9999 / 262142)))
        except OSError:
            self.close()
            self.folder = None

    def stat(self):
        """(periods with work, of those throttled)"""
        told = dict(line.split() for line in (self.folder / "cpu.stat").read_text().splitlines())
        return int(told["nr_periods"]), int(told["nr_throttled"])

    def close(self):
        if self.folder and self.folder.exists():
            self.folder.rmdir()


class Grouped(Ours):
    """The server in `group`, as in a container: it sees a limit when it starts."""

    def __init__(self, name, group, *more):
        self.name, self.group = name, group
        super().__init__(*more)

    def command(self):
        return ["sh", "-c", 'echo $$ >"$0"/cgroup.procs && exec "$@"', self.group.folder, *super().command()]


RATED = 0.7  # of the CPU limit: where an autoscaler that is set as usual adds a replica


def rated(arm, guess):
    """The rate at which the server uses RATED of one CPU. Half of its most is beyond that: batches are small there, and cost more a row."""
    def ticks():
        words = pathlib.Path(f"/proc/{arm.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(words[11]) + int(words[12])
    rate = guess
    for _ in range(5):
        begin, spent = time.monotonic(), ticks()
        load(arm, 64, LOOK, rate=rate)
        used = (ticks() - spent) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - begin)
        rate *= min(1.5, max(0.5, RATED / used))
    return rate


def throttling(table, model, scratch, rounds):
    """Periods throttled under a CPU limit of 1 at its rated load, requests due at a constant rate."""
    quota = CpuGroup("limit", limit=1)
    if quota.folder is None:
        return table.cannot("CPU limit 1: periods throttled", 0.01, "this process may not make a cgroup")
    arm = None
    try:
        arm = Grouped("Penstock, 1 CPU", quota, model, scratch / "limited")
        most = load(arm, 64, LOOK)["ok_per_s"]
        rate = rated(arm, most / 4)
        shares = []
        for _ in range(rounds):
            periods, throttled = quota.stat()
            load(arm, 64, rate=rate)
            after = quota.stat()
            shares.append((after[1] - throttled) / max(1, after[0] - periods))
        table.at_most("CPU limit 1: share of periods throttled", shares, 0.01, "", f"at {rate:.0f}/s, {RATED:.0%} of the limit; most {most:.0f}/s")
    finally:
        if arm:
            arm.stop()
        time.sleep(0.5)
        quota.close()


def loading(table, model, scratch, rounds):
    """p99 of live traffic in the ten seconds in which another version loads beside it, as in a rollout, against p99 without: two
    servers with a request of one CPU and of 200m, as two containers of a node have it, and clients that would be elsewhere. A
    tenth of what the live one can do."""
    groups = CpuGroup("live", request=1), CpuGroup("new", request=0.2), CpuGroup("clients", request=8)
    if None in (g.folder for g in groups):
        return table.cannot("p99 while a version loads", 1.25, "this process may not make a cgroup")
    arm, news = None, []
    try:
        arm = Grouped("Penstock, live", groups[0], model, scratch / "live")
        rate = load(arm, 64, LOOK)["ok_per_s"] / 10
        ratios, last = [], ""
        for i in range(rounds):
            without = load(arm, 32, rate=rate, group=groups[2])["us"]
            other = threading.Timer(SECONDS / 2, lambda: news.append(Grouped("Penstock, new", groups[1], model, scratch / f"new-{i}", ("--drain-delay", "0s"))))
            other.start()
            during = load(arm, 32, rate=rate, group=groups[2])["us"]
            other.join()
            news.pop().stop()
            ratios.append(during["p99"] / without["p99"])
            last = f"{during['p99']:.0f} us against {without['p99']:.0f} us at {rate:.0f}/s; p99.9 {during['p999']:.0f} against {without['p999']:.0f}"
        table.at_most("p99 while another version loads", ratios, 1.25, note=last)
    finally:
        for one in (arm, *news):
            if one:
                one.stop()
        time.sleep(0.5)
        for group in groups:
            group.close()


def start_and_rest(table, model, scratch, rounds):
    """From exec to the first 200 of the readiness probe; resident memory then, without what a bare LibTorch program holds."""
    bare = float(subprocess.run([BUILD / "bin/serving-floor", "--memory"], check=True, capture_output=True, text=True).stdout) / 2**20
    seconds, mib = [], []
    for i in range(rounds):
        start = time.monotonic()
        arm = Ours(model, scratch / f"rest-{i}")
        seconds.append(time.monotonic() - start)
        time.sleep(1)
        status = pathlib.Path(f"/proc/{arm.process.pid}/status").read_text()
        mib.append(int(status.split("VmRSS:")[1].split()[0]) / 1024 - bare)
        arm.stop()
    table.at_most("start to the first answer", seconds, 2, "s")
    table.at_most("memory at rest beyond bare LibTorch", mib, 150, "MiB", f"bare LibTorch {bare:.0f} MiB")


class NoBusyPoll(Ours):
    name, flags = "Penstock without busy polling", ("--busy-poll", "0")


def alone(table, model, scratch, rounds):
    """One connection: the median latency against an echo of the same bytes plus the forward alone. The echo sleeps between requests;
    ours is measured as it comes, and for comparison sleeping too."""
    arms, echo = [], None
    try:
        arms += [Ours(model, scratch / "alone"), NoBusyPoll(model, scratch / "alone")]
        answer = scratch / "answer.json"
        answer.write_text(json.dumps(arms[0].call(), separators=(",", ":")))
        echo = subprocess.Popen([BUILD / "bin/serving-floor", "--echo", answer], stdout=subprocess.PIPE, text=True)
        floor = type("Echo", (), {"name": "echo", "port": int(echo.stdout.readline()), "target": arms[0].target, "body": arms[0].body})
        ratios, sleeping, last = [], [], ""
        for _ in range(rounds):
            turns = []
            for _ in range(SLICES):
                p50 = [load(a, 1, SECONDS / SLICES, warm_up=0.3)["us"]["p50"] for a in (*arms, floor)]
                forward = subprocess.run([BUILD / "bin/serving-floor", "--forward", model.folder / "model.ts", "--width", str(model.width)],
                                         check=True, capture_output=True, text=True).stdout
                turns.append((*p50, float(forward)))
            ours, asleep, bare, forward = (statistics.mean(t) for t in zip(*turns))
            ratios.append(ours / (bare + forward))
            sleeping.append(asleep / (bare + forward))
            last = f"{ours:.0f} us, {asleep:.0f} us without busy polling; echo {bare:.0f} us, forward {forward:.0f} us"
        table.at_most(f"{model.name}: p50 alone, echo + forward", ratios, 1.5, note=last)
        table.fact(f"{model.name}: the same without busy polling", sleeping)
    finally:
        for arm in arms:
            arm.stop()
        if echo:
            echo.terminate()
            echo.wait()


def run(table, options):
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory(prefix="penstock-serving-") as folder:
        scratch = pathlib.Path(folder)
        mlp = Mlp(scratch)
        alone(table, mlp, scratch, options.rounds)
        batching(table, mlp, scratch, options.rounds)
        binary(table, mlp, 32, 1.0, scratch, options.rounds)
        binary(table, Sample("image", scratch, [3, 224, 224]), 4, 5.0, scratch, options.rounds)
        poisoned(table, scratch, options.rounds)
        throttling(table, mlp, scratch, options.rounds)
        loading(table, mlp, scratch, options.rounds)
        start_and_rest(table, mlp, scratch, options.rounds)
        for model in (mlp, Flights(scratch)):
            against_peers(table, model, scratch, options.rounds)
