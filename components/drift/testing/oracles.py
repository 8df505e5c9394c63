#!/usr/bin/env python3
"""Writes oracles.h: what scipy and statsmodels say of samples, counts and probabilities.

usage: oracles.py > oracles.h     (needs numpy 2.2, scipy 1.15, statsmodels 0.14)

The samples themselves are not kept: both sides make them of a linear congruential generator (see `sample`), whose
doubles are exact.
"""
import json
import sys

import numpy
import scipy
import statsmodels
from scipy import special, stats
from scipy.spatial import distance
from statsmodels.stats import multitest

random = numpy.random.default_rng(11)


def uniform(seed, n):
    x, values = seed, []
    for _ in range(n):
        x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append((x >> 40) / 2**24)
    return numpy.array(values)


def sample(shape, seed, n):
    u = uniform(seed, n)
    return {"uniform": u, "square": u * u * 1.5, "shifted": u + 0.0625, "integers": numpy.floor(u * 20),
            "heavy": 1 / (u + 0.0078125), "negative": -u * 1000, "constant": numpy.floor(u) + 3}[shape]


def psi(reference, current, bins=10):
    edges = numpy.unique(numpy.quantile(reference, numpy.arange(1, bins) / bins))
    e, a = (numpy.bincount(numpy.searchsorted(edges, x, "right"), minlength=len(edges) + 1) / len(x)
            for x in (reference, current))
    return float(numpy.sum((a - e) * numpy.log(numpy.maximum(a, 1e-4) / numpy.maximum(e, 1e-4))))


def samples():
    for a, n, b, m in [("uniform", 40, "square", 60), ("uniform", 7, "shifted", 5), ("integers", 300, "integers", 200),
                       ("uniform", 900, "shifted", 1100), ("heavy", 2500, "square", 1900), ("negative", 50, "heavy", 50),
                       ("constant", 30, "integers", 20), ("uniform", 1, "square", 1), ("integers", 3000, "shifted", 4000), ("uniform", 3000, "uniform", 700)]:
        x, y = sample(a, 17, n), sample(b, 23, m)
        d = stats.ks_2samp(x, y).statistic
        exact = n * m <= 1_000_000
        p = stats.ks_2samp(x, y, method="exact").pvalue if exact else special.kolmogorov(numpy.sqrt(n * m / (n + m)) * d)
        w = stats.wasserstein_distance(x, y)
        low, high = min(x.min(), y.min()), max(x.max(), y.max())
        js = distance.jensenshannon(numpy.histogram(x, 10, (low, high))[0], numpy.histogram(y, 10, (low, high))[0], base=2)
        yield {"a": a, "n": n, "b": b, "m": m, "ks": float(d), "p": float(p), "exact": exact, "wasserstein": float(w),
               "normed": float(w / max(numpy.std(x), 0.001)), "psi": psi(x, y), "jensenShannon": float(js) ** 2}


def counts():
    for bins, low, high in [(2, 1, 50), (5, 0, 20), (40, 0, 300), (3, 1000, 2000), (120, 0, 3)]:
        a, b = random.integers(low, high, bins), random.integers(low, high, bins)
        kept = a + b > 0
        chi = stats.chi2_contingency(numpy.array([a[kept], b[kept]]), correction=False)
        yield {"a": a.tolist(), "b": b.tolist(), "chiSquared": float(chi.statistic), "degrees": int(chi.dof), "p": float(chi.pvalue),
               "cramersV": float(stats.contingency.association(numpy.array([a[kept], b[kept]]), method="cramer")),
               "jensenShannon": float(distance.jensenshannon(a, b, base=2)) ** 2,
               "lInfinity": float(numpy.max(numpy.abs(a / a.sum() - b / b.sum())))}


def adjusted():
    for p in [[0.01, 0.02, 0.03], [0.5], [0.04, 0.001, 0.04, 0.9, 0.0005, 1.0], random.uniform(0, 1, 30).tolist(), [0.2, 0.2, 0.2]]:
        yield {"p": p, "adjusted": multitest.multipletests(p, method="fdr_bh")[1].tolist()}


def ranks():
    for n, levels in [(20, None), (200, 5), (50, 2)]:
        scores = random.uniform(0, 1, n) if levels is None else random.integers(0, levels, n).astype(float)
        positive = random.integers(0, 2, n)
        test = stats.mannwhitneyu(scores[positive == 1], scores[positive == 0], alternative="greater", method="asymptotic",
                                  use_continuity=False)
        pairs = int(positive.sum()) * int(n - positive.sum())
        yield {"scores": scores.tolist(), "positive": positive.tolist(), "auc": float(test.statistic / pairs), "p": float(test.pvalue)}


def hypergeometric():
    for good, total, draws in [(30, 100, 20), (5000, 20000, 9000), (3, 50, 25), (19000, 20000, 10000), (700, 1000, 900)]:
        law = stats.hypergeom(total, good, draws)
        yield {"good": good, "total": total, "draws": draws, "mean": float(law.mean()), "variance": float(law.var()),
               "quartiles": [int(law.ppf(q)) for q in (0.25, 0.5, 0.75)],
               "below": [float(law.cdf(law.ppf(q))) for q in (0.25, 0.5, 0.75)]}


tables = {"samples": list(samples()), "counts": list(counts()), "adjusted": list(adjusted()), "ranks": list(ranks()),
          "hypergeometric": list(hypergeometric()),
          "kolmogorov": [[x, float(special.kolmogorov(x))] for x in (0.1, 0.3, 0.5, 0.83, 0.99, 1.0, 1.2, 2.0, 3.5)],
          "upperGamma": [[a, x, float(special.gammaincc(a, x))]
                         for a in (0.5, 1, 3.5, 50, 1500) for x in (0.1, 1, 4.5, 55, 1450, 1600)]}
print(f"// Written by oracles.py, by scipy {scipy.__version__}, statsmodels {statsmodels.__version__} and numpy"
      f" {numpy.__version__}. Do not edit.\n// clang-format off\n#pragma once\n\nnamespace penstock::drift {{\n")
print("inline constexpr const char* kOracles[] = {")
for name, rows in tables.items():
    for row in rows:
        print(f'    R"json({json.dumps([name, row])})json",')
print("};\n\n}  // namespace penstock::drift")
sys.stdout.flush()
