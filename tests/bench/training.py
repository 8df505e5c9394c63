"""The train component against the same model in PyTorch's Python API with its own DataLoader, same data, same threads."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
VENV = pathlib.Path(os.environ.get("PENSTOCK_BENCH_VENV", pathlib.Path.home() / ".cache/penstock/bench-venv"))
BOUND = 1.0


def component(folder, *args):
    done = subprocess.run([str(BUILD / "bin/penstock-components"), *map(str, args)], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{args[0]}: {done.stderr}")
    return done.stdout + done.stderr


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


def run(table, rounds):
    python = VENV / "bin/python"
    if not python.exists():
        table.cannot("training against PyTorch's Python API", BOUND, "tools/install-deps bench installs Python's torch (5 GB)")
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        ratios = []
        for _ in range(rounds):
            theirs = seconds(subprocess.run([str(python), str(pathlib.Path(__file__).with_name("training_peer.py")), folder],
                                            capture_output=True, text=True, check=True).stdout)
            subprocess.run(["rm", "-rf", f"{folder}/model"], check=True)
            ours = seconds(component(folder, "train", "--input", f"train={folder}/train", "--input", f"valid={folder}/valid",
                                     "--input", f"transform={folder}/transform.json", "--output", f"model={folder}/model",
                                     "--output", f"metrics={folder}/metrics.json", "--parameter", "label=late",
                                     "--parameter", "seed=1", "--parameter", "epochs=3", "--parameter", "patience=100",
                                     "--parameter", "batchSize=512", "--parameter", "hidden=[128,64]"))
            ratios.append(ours / theirs)
            print(f"  training, 3 epochs: PyTorch {theirs:.2f} s, Penstock {ours:.2f} s", file=sys.stderr, flush=True)
        table.at_most("training against PyTorch's Python API", ratios, BOUND, note="3 epochs of the flights MLP")


def seconds(text):
    """Both arms print `trained in 1.23 s`: the epochs alone, without start and reading."""
    found = re.search(r"trained in ([0-9.]+) s", text)
    if not found:
        raise RuntimeError(f"no 'trained in ... s' in: {text[-500:]}")
    return float(found.group(1))
