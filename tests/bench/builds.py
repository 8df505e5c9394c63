"""This build's model server against that of another build, named by PENSTOCK_BENCH_OTHER (its build folder), in turns:
an older commit, or this one with a build switch off. Throughput alone, one model, one number of connections."""
import os
import pathlib
import statistics
import tempfile

from serving import Mlp, sliced
from serving_peers import Ours

PROMISED = 0.93


class Other(Ours):
    name = "the other build"

    def command(self):
        words = super().command()
        return [pathlib.Path(os.environ["PENSTOCK_BENCH_OTHER"]) / "bin/penstock-serve", *words[1:]]


def run(table, options):
    name = "MLP: requests/s, this build against the other, c=32"
    other = os.environ.get("PENSTOCK_BENCH_OTHER")
    if not other or not (pathlib.Path(other) / "bin/penstock-serve").exists():
        return table.cannot(name, PROMISED, "PENSTOCK_BENCH_OTHER names no build folder with bin/penstock-serve")
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        scratch = pathlib.Path(folder)
        model = Mlp(scratch)
        arms = []
        try:
            arms += [Ours(model, scratch / "this"), Other(model, scratch / "other")]
            ratios, rates = [], [[], []]
            for _ in range(options.rounds):
                for kept, rate in zip(rates, sliced(*arms, connections=32)):
                    kept.append(rate)
                ratios.append(rates[0][-1] / rates[1][-1])
            this, that = map(statistics.median, rates)
            table.at_least(name, ratios, PROMISED, note=f"{this:.0f}/s and {that:.0f}/s")
        finally:
            for arm in arms:
                arm.stop()
