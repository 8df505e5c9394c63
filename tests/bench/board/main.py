"""The board: our models against scikit-learn's on real tables.

Five outer folds; both arms learn from the same four and answer the fifth; the answers are pooled. With --json the last
line is {"model", "mean", "bound", "tables": {name: {"deficit", "low", "high", "ours", "theirs", "seconds"}}}.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import sys
import tempfile
import time

for own in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(own, "1")
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import numpy as np  # noqa: E402

import data  # noqa: E402
import ours  # noqa: E402
import reference  # noqa: E402
import score  # noqa: E402


def pooled(table, fold_answers):
    answers = None
    for f in range(table.fold.max() + 1):
        test = table.fold == f
        own = np.asarray(fold_answers(test), float)
        if answers is None:
            answers = np.empty((len(table.y),) + own.shape[1:])
        answers[test] = own
    if not np.isfinite(answers).all():
        raise ours.Failed("an answer is not finite")
    return answers


def key_of(table):
    """What the reference's answers depend on."""
    import sklearn
    text = table.frame.to_csv(index=False) + repr(table.fold.tolist()) + sklearn.__version__
    code = pathlib.Path(reference.__file__).read_bytes()
    return hashlib.sha256(text.encode() + code).hexdigest()[:16]


def reference_answers(table, arm, cache):
    path = cache and pathlib.Path(cache, f"{table.name}-{arm}-{key_of(table)}.npy")
    if path and path.exists():
        return np.load(path)
    answers = pooled(table, lambda test: reference.fold_answers(arm, table, test))
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part.npy")
        np.save(part, answers)
        os.replace(part, path)
    return answers


def our_answers(table, args):
    end = time.monotonic() + args.limit
    with tempfile.TemporaryDirectory(prefix="penstock-board-") as folder:
        def one(test):
            own = pathlib.Path(folder, f"fold{table.fold[test][0]}")
            own.mkdir()
            extra = dict(p.split("=", 1) for p in args.parameter)
            return ours.fold_answers(args.model, table, test, own, max(1.0, end - time.monotonic()), extra)
        return pooled(table, one)


def one(name, args):
    table = data.load(name, args.folds)
    start = time.monotonic()
    theirs = reference_answers(table, args.model, args.cache)
    row = {"rows": len(table.y), "task": table.task, "theirs": score.loss(table.task, table.y, theirs),
           "reference_seconds": round(time.monotonic() - start, 1)}
    if args.reference_only:
        return row
    start = time.monotonic()
    try:
        own = our_answers(table, args)
    except ours.Failed as problem:  # as bad as a table can be, and said
        return row | {"deficit": score.MOST, "low": score.MOST, "high": score.MOST, "failed": str(problem)}
    deficit, low, high = score.deficit(table.task, table.y, own, theirs)
    return row | {"ours": score.loss(table.task, table.y, own), "deficit": deficit, "low": low, "high": high,
                  "seconds": round(time.monotonic() - start, 1)}


def show(name, row):
    text = f"{name:<16} {row['task']:<8} {row['rows']:>5} rows  "
    if "failed" in row:
        text += f"FAILED: {row['failed']}"
    elif "deficit" in row:
        text += (f"deficit {row['deficit']:6.2f} [{row['low']:6.2f}, {row['high']:6.2f}]  ours {row['ours']:.5g} theirs "
                 f"{row['theirs']:.5g}  {row['seconds']:.0f} s")
    else:
        text += f"theirs {row['theirs']:.5g}  {row['reference_seconds']:.0f} s"
    if row.get("low", 0) > 1:
        text += "  BEYOND ONE MARGIN"
    print(text, flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--model", default="auto", choices=["auto", *reference.ARMS])
    options.add_argument("--tables", help="some of the names, by commas", default=",".join(data.TABLES))
    options.add_argument("--folds", type=int, default=data.FOLDS)
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--limit", type=float, default=600, help="seconds a table for our arm; one that takes longer counts as 5 margins")
    options.add_argument("--cache", help="a folder for the reference's answers")
    options.add_argument("--parameter", action="append", default=[], help="name=value for train, to try something")
    options.add_argument("--reference-only", action="store_true")
    options.add_argument("--json", action="store_true")
    args = options.parse_args()
    names = args.tables.split(",")
    if unknown := [n for n in names if n not in data.TABLES]:
        options.error(f"no table {unknown[0]!r}; there are {', '.join(data.TABLES)}")
    rows = {}
    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        running = {pool.submit(one, name, args): name for name in names}
        for done in concurrent.futures.as_completed(running):
            rows[running[done]] = done.result()
            show(running[done], done.result())
    if args.reference_only:
        return 0
    mean, bound = score.mean_bound([row["deficit"] for row in rows.values()])
    beyond = sorted(name for name, row in rows.items() if row["low"] > 1)
    print(f"{args.model}: mean deficit {mean:.3f} margins over {len(rows)} tables, one-sided 95 % bound {bound:.3f}; "
          f"beyond one margin: {', '.join(beyond) or 'none'}")
    if args.json:
        print(json.dumps({"model": args.model, "mean": mean, "bound": bound, "beyond": beyond, "tables": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
