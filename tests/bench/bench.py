"""Runs the promises' benchmarks by suite; see `run`."""
import argparse
import importlib
import os
import sys

from promise import Table

# A suite is a module here with run(table, options): it adds rows to the table. Name -> module, needs a cluster.
SUITES = {"pods": ("pods", True), "scale": ("scale", True), "loops": ("loops", True), "training": ("training", False), "serving": ("serving", False), "hostile": ("hostile", False),
          "storm": ("storm", True),
          "builds": ("builds", False), "data": ("data", False), "read": ("read", False), "boosting": ("boosting", False),
          "tables": ("tables", False), "rollout": ("rollout", False), "router": ("router", False), "store": ("store", False)}


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run")
    parser.add_argument("suite", nargs="*", help=f"{', '.join(SUITES)}; all when none is named")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=float, default=1.0, help="share of the promises' sizes in the suites scale, loops, storm, hostile and store")
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the smaller data of the suites data and read; the larger has ten times as many")
    parser.add_argument("--over", default="pods,runs", help="of the suite loops: what its items are, by commas")
    parser.add_argument("--model", default="auto,linear,boosting,mlp", help="of the suite tables: whose boards, by commas")
    parser.add_argument("--tables", help="of the suite tables: some tables, by commas")
    parser.add_argument("--jobs", default="1", help="of the suite tables: tables at a time")
    parser.add_argument("--cache", help="of tables: a folder that keeps the reference's answers; of data and read: that keeps the rows that were made")
    parser.add_argument("--json")
    parser.add_argument("--needs-cluster", action="store_true", help="runs nothing; ends with 0 when one of the suites needs a cluster, else with 1")
    options = parser.parse_args()
    unknown = [s for s in options.suite if s not in SUITES]
    if unknown:
        parser.error(f"no suite {unknown[0]!r}; there are {', '.join(SUITES)}")
    if options.needs_cluster:
        return 0 if any(SUITES[suite][1] for suite in options.suite or SUITES) else 1
    table = Table()
    for suite in options.suite or SUITES:
        module, needs_cluster = SUITES[suite]
        if needs_cluster and not os.environ.get("KUBECONFIG"):
            table.cannot(suite, None, "no KUBECONFIG; use tests/run bench")
            continue
        importlib.import_module(module).run(table, options)
        if options.json:
            table.write(options.json)
    return 1 if table.falls_short() else 0


if __name__ == "__main__":
    sys.exit(main())
