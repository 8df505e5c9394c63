#!/usr/bin/env python3
"""`train` killed by SIGKILL at random moments and started again with the same checkpoint folder: the model is bit for bit
that of a run that nobody killed. The real program, with each learner that keeps a state of its own.

usage: killed_training.py [--learners boosting,mlp] [--trials N] [--rows N] [--seed N]
"""
import argparse
import hashlib
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release")) / "bin/penstock-components"
MOST_KILLS = 4  # of a trial; then it runs to its end
# What each learner is asked for, such that it keeps states within a trial, too: long enough trials.
ASKED = {
    "boosting": {"folds": "2", "depth": "6"},
    "mlp": {"folds": "2", "hidden": "[256,128]", "epochs": "12", "networks": "4", "dropout": "0.1"},
}


def component(name, *argv):
    subprocess.run([str(PROGRAM), name, *argv], check=True, capture_output=True)


def table(folder, rows, rng):
    lines = ["a,b,c,d,kind,late"]
    for _ in range(rows):
        a, b, c, d = (rng.gauss(0, 1) for _ in range(4))
        kind = rng.randrange(12)
        late = "yes" if a * b + c + (kind % 3) + rng.gauss(0, 1) > 1 else "no"
        lines.append(f"{a:.6f},{b:.6f},{c:.6f},{d:.6f},k{kind},{late}")
    pathlib.Path(folder, "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    component("ingest", "--input", f"source={folder}/rows.csv", "--output", f"dataset={folder}/rows")
    component("transform", "--input", f"dataset={folder}/rows", "--output", f"transform={folder}/t.json", "--parameter", "label=late")


def started(folder, out, model, checkpoint):
    out.mkdir(parents=True)
    asked = {"label": "late", "model": model, "checkpoint": str(checkpoint)} | ASKED[model]
    argv = [str(PROGRAM), "train", "--input", f"train={folder}/rows", "--input", f"transform={folder}/t.json",
            "--output", f"model={out}/model", "--output", f"metrics={out}/metrics.json"]
    for key, value in asked.items():
        argv += ["--parameter", f"{key}={value}"]
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def ended(process):
    said = process.communicate()[1]
    if process.returncode != 0:
        raise RuntimeError(f"train ended with {process.returncode}: {said[-2000:]}")


def digests(out):
    return {str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(out.rglob("*")) if p.is_file()}


def killed_run(folder, work, model, seconds, rng):
    """(digests, times that it was killed, of these with something kept)"""
    checkpoint = work / "checkpoint"
    kills = kept = 0
    for attempt in range(MOST_KILLS + 1):
        out = work / f"attempt{attempt}"
        process = started(folder, out, model, checkpoint)
        if attempt < MOST_KILLS:
            try:
                process.wait(rng.uniform(0.02, 0.7) * seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills += 1
                kept += any(p.is_file() for p in checkpoint.rglob("*")) if checkpoint.exists() else 0
                continue
        ended(process)
        return digests(out), kills, kept
    raise AssertionError("not reached")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--learners", default=",".join(ASKED))
    options.add_argument("--trials", type=int, default=4, help="of each learner")
    options.add_argument("--rows", type=int, default=20_000, help="from about 5,000 on a fit of mlp keeps states on its way, too")
    options.add_argument("--seed", type=int, default=1)
    args = options.parse_args()
    rng = random.Random(args.seed)
    failed = False
    with tempfile.TemporaryDirectory(prefix="penstock-killed-") as name:
        folder = pathlib.Path(name)
        table(folder, args.rows, rng)
        for model in args.learners.split(","):
            begin = time.monotonic()
            ended(started(folder, folder / f"{model}-unbroken", model, folder / f"{model}-checkpoint"))
            seconds = time.monotonic() - begin
            wanted = digests(folder / f"{model}-unbroken")
            kills = kept = wrong = 0
            for trial in range(args.trials):
                work = folder / f"{model}{trial}"
                found, own_kills, own_kept = killed_run(folder, work, model, seconds, rng)
                kills, kept = kills + own_kills, kept + own_kept
                if found != wanted:
                    wrong += 1
                    print(f"{model}, trial {trial}, killed {own_kills} times: other bytes: "
                          f"{sorted(k for k in wanted | found if wanted.get(k) != found.get(k))}", file=sys.stderr)
                shutil.rmtree(work)
            print(f"{model}: {args.trials} trainings of {seconds:.1f} s, killed {kills} times, {kept} of them with something kept; "
                  f"{wrong} of other bytes", flush=True)
            if kept < args.trials:
                print(f"{model}: too few kills met a state that was kept, to show anything", file=sys.stderr)
                failed = True
            failed |= wrong > 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
