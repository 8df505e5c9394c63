"""A promise: a name, a figure measured now, a bound, and a verdict that admits not knowing."""
import json
import os
import platform
import random
import statistics


def interval(values, seed=1, draws=4000):
    """95 % bootstrap interval of the median."""
    rng = random.Random(seed)
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(draws))
    return medians[int(draws * 0.025)], medians[int(draws * 0.975)]


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Table:
    """The rows of one invocation; a suite adds to it by at_most, at_least, fact and cannot."""

    def __init__(self):
        self.rows = []

    def at_most(self, name, values, bound, unit="x", note=""):
        """Holds when the whole interval is at or below the bound, falls short when it is all above."""
        low, high = self._interval(values)
        self._add(name, values, bound, unit, "holds" if high <= bound else "falls short" if low > bound else "undecided", note)

    def at_least(self, name, values, bound, unit="x", note=""):
        low, high = self._interval(values)
        self._add(name, values, bound, unit, "holds" if low >= bound else "falls short" if high < bound else "undecided", note)

    def fact(self, name, values, unit="x", note=""):
        """A figure that stands beside the promises, with no bound of its own."""
        self._add(name, values, None, unit, "", note)

    def cannot(self, name, bound, why):
        self.rows.append({"name": name, "figure": None, "bound": bound, "verdict": "undecided", "note": why})
        print(f"{name:<52} not measured: {why}  undecided", flush=True)

    def falls_short(self):
        return [row["name"] for row in self.rows if row["verdict"] == "falls short"]

    def write(self, path):
        machine = {"cpus": os.cpu_count(), "system": platform.platform(), "load": os.getloadavg()}
        with open(path, "w") as f:
            json.dump({"machine": machine, "promises": self.rows}, f, indent=1)

    @staticmethod
    def _interval(values):
        return interval(values) if len(values) > 1 else (values[0], values[0])

    def _add(self, name, values, bound, unit, verdict, note):
        low, high = self._interval(values)
        row = {"name": name, "figure": round(statistics.median(values), 4), "low": round(low, 4), "high": round(high, 4),
               "rounds": len(values), "bound": bound, "unit": unit, "verdict": verdict, "note": note,
               "load": round(os.getloadavg()[0], 1)}
        self.rows.append(row)
        against = f"bound {bound:g}  {verdict}" if bound is not None else "no bound"
        print(f"{name:<52} {row['figure']:9.3f} {unit:<3} [{low:.3f}, {high:.3f}]  {against}"
              f"   (load {row['load']}{'; ' + note if note else ''})", flush=True)
