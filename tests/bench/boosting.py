"""The learner `boosting` against xgboost's own Python on the same matrix: same trees, rounds and threads.

PENSTOCK_BENCH_PYTHON: a Python with numpy and xgboost of the version that the components load.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
PYTHON = os.environ.get("PENSTOCK_BENCH_PYTHON", sys.executable)
BOUND = 1.05
NAME = "boosting against xgboost's Python"
SETTING = {"depth": 6, "learningRate": 0.1, "minChildWeight": 5, "lambda": 1, "subsample": 1, "bins": 256}
ROUNDS = 100
TABLES = {"100,000 x 20": (100_000, 20), "3,000 x 30": (3_000, 30)}


def said(argv):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def peer(*args):
    return said([PYTHON, pathlib.Path(__file__).with_name("boosting_peer.py"), *args])


def run(table, options):
    if subprocess.run([PYTHON, "-c", "import numpy, xgboost"], capture_output=True).returncode != 0:
        table.cannot(NAME, BOUND, "PENSTOCK_BENCH_PYTHON names no Python with numpy and xgboost")
        return
    for name, (rows, features) in TABLES.items():
        with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
            peer("make", folder, rows, features)
            matrix = [f"{folder}/x", f"{folder}/y", rows, features, ROUNDS]
            walls, cpus = [], []
            for _ in range(options.rounds):
                a = peer("fit", *matrix, 1, json.dumps(SETTING), f"{folder}/theirs")
                b = said([BUILD / "bin/boosting-fit", *matrix, 1, json.dumps(SETTING), f"{folder}/ours"])
                walls.append(b["wall"] / a["wall"])
                cpus.append(b["cpu"] / a["cpu"])
                print(f"  {name}: xgboost's Python {a['wall']:.2f} s, Penstock {b['wall']:.2f} s (CPU {a['cpu']:.2f} and {b['cpu']:.2f})",
                      file=sys.stderr, flush=True)
            difference = peer("compare", f"{folder}/theirs", f"{folder}/ours")
            if difference["largest"] > 1e-6:
                raise RuntimeError(f"not the same model: answers differ by {difference['largest']}")
            table.at_most(f"{NAME}, {name}", walls, BOUND, note=f"{ROUNDS} rounds, depth {SETTING['depth']}, from the matrix to the model")
            table.at_most(f"{NAME}, {name}, CPU time", cpus, BOUND, note="the same, as CPU seconds")
