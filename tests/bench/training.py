"""The train component against the same model in PyTorch's Python API with its own DataLoader.

Same rows, columns, layers, optimizer, schedule, epochs, batch size and validation; each side with the number of
threads that is best for it: ours chooses by itself, the peer runs with 1 and with all, and the faster one counts.
"""
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
VENV = pathlib.Path(os.environ.get("PENSTOCK_BENCH_VENV", pathlib.Path.home() / ".cache/penstock/bench-venv"))
BOUND = 1.0
# The flights example's network made larger; what is not named here is the component's default on both sides.
GIVEN = {"label": "late", "model": "mlp", "seed": 1, "epochs": 3, "patience": 0, "batchSize": 512, "hidden": [128, 64]}
DEFAULTS = {"dropout": 0.1, "learningRate": 0.002, "weightDecay": 1e-5}


def component(folder, *args):
    done = subprocess.run([str(BUILD / "bin/penstock-components"), *map(str, args)], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{args[0]}: {done.stderr}")
    return done.stdout


def prepare(folder):
    """The example's data up to its transform, made by the components themselves."""
    subprocess.run([ROOT / "examples/flights/fetch-data", folder], check=True)
    component(folder, "ingest", "--input", f"source={folder}/flights.csv", "--output", f"dataset={folder}/raw")
    sql = ("SELECT arr_delay > 15 AS late, carrier, origin, dest, distance, hour, minute, time_hour "
           "FROM dataset WHERE arr_delay IS NOT NULL")
    component(folder, "query", "--input", f"dataset={folder}/raw", "--output", f"dataset={folder}/features",
              "--parameter", f"sql={sql}")
    component(folder, "split", "--input", f"dataset={folder}/features", "--output", f"train={folder}/train",
              "--output", f"valid={folder}/valid", "--output", f"test={folder}/test", "--parameter", "by=time",
              "--parameter", "column=time_hour", "--parameter", 'cuts={"valid":"2013-08-01","test":"2013-10-01"}')
    component(folder, "transform", "--input", f"dataset={folder}/train", "--output", f"transform={folder}/transform.json",
              "--parameter", "label=late", "--parameter", 'scale=["distance","hour","minute"]',
              "--parameter", 'oneHot=["carrier","origin"]', "--parameter", 'vocabulary={"dest":{"topK":120}}')


class Training:
    """What one side printed and what it cost."""

    def __init__(self, run):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        text = run()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.wall = time.monotonic() - start
        self.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.shape = self.find(r"(\d+ rows of \d+ features, \d+ for validation)", text)
        self.auc = max(map(float, re.findall(r"valid auc ([0-9.]+)", text)))
        self.epochs = float(self.find(r"trained \d+ epochs? in ([0-9.]+) s", text))

    @staticmethod
    def find(pattern, text):
        found = re.search(pattern, text)
        if not found:
            raise RuntimeError(f"nothing like {pattern!r} in: {text[-500:]}")
        return found.group(1)


def ours(folder):
    shutil.rmtree(f"{folder}/model", ignore_errors=True)
    parameters = [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in GIVEN.items()]
    return Training(lambda: component(
        folder, "train", "--input", f"train={folder}/train", "--input", f"valid={folder}/valid",
        "--input", f"transform={folder}/transform.json", "--output", f"model={folder}/model",
        "--output", f"metrics={folder}/metrics.json", *[x for p in parameters for x in ("--parameter", p)]))


def theirs(folder, threads):
    command = [VENV / "bin/python", pathlib.Path(__file__).with_name("training_peer.py"), folder, str(threads),
               json.dumps(DEFAULTS | GIVEN)]
    return Training(lambda: subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def run(table, options):
    if not (VENV / "bin/python").exists():
        table.cannot("training loop against PyTorch's Python API", BOUND, "tools/install-deps bench installs Python's torch (5 GB)")
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        loops, steps, cpus = [], [], []
        for _ in range(options.rounds):
            a = [theirs(folder, threads) for threads in sorted({1, os.cpu_count()})]
            b = ours(folder)
            if any(one.shape != b.shape for one in a):
                raise RuntimeError(f"not the same data: {a[0].shape} against {b.shape}")
            if b.auc < max(one.auc for one in a) - 0.01:
                raise RuntimeError(f"not the same model: AUC {b.auc} against {[one.auc for one in a]}")
            loops.append(b.epochs / min(one.epochs for one in a))
            steps.append(b.wall / min(one.wall for one in a))
            cpus.append(b.cpu / min(one.cpu for one in a))
            print(f"  training, {GIVEN['epochs']} epochs: PyTorch {[round(one.epochs, 2) for one in a]} s, Penstock {b.epochs:.2f} s;"
                  f" whole step {[round(one.wall, 2) for one in a]} and {b.wall:.2f} s; AUC {a[0].auc:.4f} and {b.auc:.4f}",
                  file=sys.stderr, flush=True)
        table.at_most("training loop against PyTorch's Python API", loops, BOUND, note="epochs with their validation")
        table.at_most("training step against PyTorch's Python API", steps, BOUND, note="start, reading, epochs, writing")
        table.at_most("training step, CPU time", cpus, BOUND, note="the same, as CPU seconds")
