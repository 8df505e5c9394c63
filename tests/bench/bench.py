"""Runs the promises' benchmarks; see `run`."""
import argparse
import os
import sys

from promise import Table


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run")
    parser.add_argument("part", nargs="*", choices=["pods", "training", []], default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json")
    args = parser.parse_args()
    parts = args.part or ["pods", "training"]
    table = Table()
    if "pods" in parts:
        if os.environ.get("KUBECONFIG"):
            import pods
            pods.run(table, args.rounds)
        else:
            table.cannot("chains and fan-outs of pods", 1.15, "no KUBECONFIG; use tests/run bench")
    if "training" in parts:
        import training
        training.run(table, args.rounds)
    if args.json:
        table.write(args.json)
    return 1 if any(r["verdict"] == "falls short" for r in table.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
