"""The train component against the same model in PyTorch's Python API with its own DataLoader.

Same rows, columns, layers, optimizer, schedule, rate, epochs and batch size, one network, one held-out answer at the
end; ours on one thread, the peer with 1 and with all, and the faster one counts.
"""
import json
import os
import pathlib
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
# One setting, so that nothing is tuned: what is given is what is trained, once (refit false keeps what valid judged).
GIVEN = {"label": "late", "model": "mlp", "seed": 1, "networks": 1, "epochs": 5, "batchSize": 512, "hidden": [128, 64],
         "dropout": 0.1, "learningRate": 0.002, "weightDecay": 1e-2}
OURS = {"refit": False}


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
    """What one side came to and what it cost: `run` gives (rows of training and validation, AUC of validation)."""

    def __init__(self, run):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        text = run()
        self.wall = time.monotonic() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.text = text


def ours(folder):
    shutil.rmtree(f"{folder}/model", ignore_errors=True)
    parameters = [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in (GIVEN | OURS).items()]
    one = Training(lambda: component(
        folder, "train", "--input", f"train={folder}/train", "--input", f"valid={folder}/valid",
        "--input", f"transform={folder}/transform.json", "--output", f"model={folder}/model",
        "--output", f"metrics={folder}/metrics.json", *[x for p in parameters for x in ("--parameter", p)]))
    events = [json.loads(line) for line in one.text.splitlines() if line.startswith("{")]
    metrics = json.loads(pathlib.Path(folder, "metrics.json").read_text(encoding="utf-8"))
    one.rows = next(event["rows"] for event in events if event["event"] == "table")
    one.auc = metrics["overall"]["auc"]["value"]
    if metrics["dataset"] != "valid" or metrics["model"]["epochs"] != GIVEN["epochs"]:
        raise RuntimeError(f"judged by {metrics['dataset']} after {metrics['model']['epochs']} epochs")
    return one


def theirs(folder, threads):
    command = [VENV / "bin/python", pathlib.Path(__file__).with_name("training_peer.py"), folder, str(threads), json.dumps(GIVEN)]
    one = Training(lambda: subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    said = json.loads(one.text.splitlines()[-1])
    one.rows, one.auc = said["rows"], said["auc"]
    return one


def run(table, options):
    if not (VENV / "bin/python").exists():
        table.cannot("training step against PyTorch's Python API", BOUND, "tools/install-deps bench installs Python's torch (5 GB)")
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        steps, cpus = [], []
        for _ in range(options.rounds):
            a = [theirs(folder, threads) for threads in sorted({1, os.cpu_count()})]
            b = ours(folder)
            if any(one.rows != b.rows for one in a):
                raise RuntimeError(f"not the same data: {a[0].rows} rows against {b.rows}")
            if b.auc < max(one.auc for one in a) - 0.01:
                raise RuntimeError(f"not the same model: AUC {b.auc} against {[one.auc for one in a]}")
            steps.append(b.wall / min(one.wall for one in a))
            cpus.append(b.cpu / min(one.cpu for one in a))
            print(f"  training, {GIVEN['epochs']} epochs: PyTorch {[round(one.wall, 2) for one in a]} s, Penstock {b.wall:.2f} s;"
                  f" AUC {[round(one.auc, 4) for one in a]} and {b.auc:.4f}", file=sys.stderr, flush=True)
        table.at_most("training step against PyTorch's Python API", steps, BOUND, note="start, reading, epochs, writing")
        table.at_most("training step, CPU time", cpus, BOUND, note="the same, as CPU seconds")
