"""A promise: a name, a figure measured now, a bound, and a verdict that admits not knowing."""
import json
import random
import statistics


def interval(values, seed=1, draws=4000):
    """95 % bootstrap interval of the median."""
    rng = random.Random(seed)
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(draws))
    return medians[int(draws * 0.025)], medians[int(draws * 0.975)]


class Table:
    def __init__(self):
        self.rows = []

    def at_most(self, name, values, bound, unit="x", note=""):
        """Holds when the whole interval is at or below the bound, falls short when it is all above."""
        low, high = interval(values) if len(values) > 1 else (values[0], values[0])
        verdict = "holds" if high <= bound else "falls short" if low > bound else "undecided"
        self.add(name, statistics.median(values), low, high, bound, unit, verdict, note)

    def add(self, name, figure, low, high, bound, unit, verdict, note=""):
        row = {"name": name, "figure": round(figure, 4), "low": round(low, 4), "high": round(high, 4), "bound": bound,
               "unit": unit, "verdict": verdict, "note": note}
        self.rows.append(row)
        print(f"{name:<46} {figure:9.3f} {unit:<3} [{low:.3f}, {high:.3f}]  bound {bound:g}  {verdict}"
              + (f"   ({note})" if note else ""), flush=True)

    def cannot(self, name, bound, why):
        self.rows.append({"name": name, "figure": None, "bound": bound, "verdict": "undecided", "note": why})
        print(f"{name:<46} not measured: {why}", flush=True)

    def write(self, path):
        with open(path, "w") as f:
            json.dump({"promises": self.rows}, f, indent=1)
