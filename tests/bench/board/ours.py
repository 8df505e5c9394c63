"""Our arm: the programs, as the launcher starts them: ingest, transform, train, predict; nothing said but the label and
what kind of question it is."""
import glob
import os
import pathlib
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release")) / "bin/penstock-components"


class Failed(Exception):
    pass


def component(name, inputs, outputs, parameters, limit):
    argv = [str(PROGRAM), name]
    for flag, given in (("--input", inputs), ("--output", outputs), ("--parameter", parameters)):
        for key, value in given.items():
            argv += [flag, f"{key}={value}"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        raise Failed(f"{name}: not done in {limit:.0f} s") from None
    if done.returncode != 0:
        raise Failed(f"{name}: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout


def dataset(frame, folder, name, limit):
    source = f"{folder}/{name}.parquet"
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), source)
    component("ingest", {"source": source}, {"dataset": f"{folder}/{name}"}, {}, limit)
    return f"{folder}/{name}"


def read(folder):
    parts = sorted(glob.glob(f"{folder}/*.parquet"))
    return pa.concat_tables([pq.read_table(part) for part in parts])


def classes_of(model):
    """In the order of model.yaml, as text."""
    text = pathlib.Path(model, "model.yaml").read_text(encoding="utf-8")
    import yaml
    return [str(value) for value in yaml.safe_load(text)["classes"]]


def fold_answers(model, table, test, folder, limit, extra=None):
    train = dataset(table.frame[~test], folder, "train", limit)
    new = dataset(table.x[test], folder, "test", limit)
    component("transform", {"dataset": train}, {"transform": f"{folder}/transform.json"}, {"label": table.label}, limit)
    task = "regression" if table.task == "value" else "classification"
    said = component("train", {"train": train, "transform": f"{folder}/transform.json"},
                     {"model": f"{folder}/model", "metrics": f"{folder}/metrics.json"},
                     {"label": table.label, "task": task, "model": model} | (extra or {}), limit)
    if os.environ.get("BOARD_SAID"):
        sys.stderr.write(said)
    component("predict", {"model": f"{folder}/model", "dataset": new}, {"predictions": f"{folder}/answers"}, {}, limit)
    answers = read(f"{folder}/answers")
    if answers.num_rows != int(test.sum()):
        raise Failed(f"{answers.num_rows} answers to {int(test.sum())} rows")
    if table.task == "value":
        return answers.column("prediction").to_numpy().astype(float)
    classes = classes_of(f"{folder}/model")
    if table.task == "binary":
        p = answers.column("probability").to_numpy().astype(float)
        return p if classes[1] == str(table.classes[1]) else 1 - p
    p = np.array(answers.column("probabilities").to_pylist(), float)
    return p[:, [classes.index(str(value)) for value in table.classes]]
