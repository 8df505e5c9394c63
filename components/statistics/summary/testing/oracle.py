"""Writes oracle.json: what pandas, numpy, scipy and scikit-learn say of the columns that oracle_test.cc makes.

python -m venv V; V/bin/pip install numpy==1.26.4 pandas==2.2.3 scipy==1.17.1 scikit-learn==1.5.2; V/bin/python oracle.py
"""
import json
import pathlib

import numpy
import pandas
import scipy.stats
import sklearn.metrics

ROWS = 9_000


def rows():
    """The same arithmetic, in the same order, as MakeRows of oracle_test.cc."""
    frame = {"whole": [], "real": [], "shifted": [], "heavy": [], "label": [], "kind": []}
    for i in range(ROWS):
        frame["whole"].append(None if i % 13 == 0 else (i * 7919 % 5003) - 2500)
        frame["real"].append(None if i % 17 == 3 else (i * i % 1009) / 7.0)
        frame["shifted"].append(1e9 + (i % 97) * 0.125)
        frame["heavy"].append(1.0 / (1 + i % 501) * (-1 if i % 3 == 0 else 1))
        frame["label"].append((i * i % 1009) + (i % 31) * 20 > 800)
        frame["kind"].append("abcde"[(i * i % 1009) // 202])
    return frame


def bins(values):
    """20 bins of equal counts, as far as ties let them; each value by itself while there are at most 20."""
    ordered = numpy.sort(values)
    distinct = numpy.unique(ordered)
    if len(distinct) <= 20:
        return numpy.searchsorted(distinct, values, side="right") - 1
    edges = numpy.unique([ordered[len(ordered) * b // 20] for b in range(20)])
    return numpy.searchsorted(edges, values, side="right") - 1


def eta_squared(values, groups):
    mean = values.mean()
    between = sum(len(g) * (g.mean() - mean) ** 2 for g in (values[groups == k] for k in numpy.unique(groups)))
    return between / ((values - mean) ** 2).sum()


def main():
    frame = pandas.DataFrame(rows()).astype({"whole": "float64", "real": "float64"})
    numbers = ["whole", "real", "shifted", "heavy"]
    out = {"columns": {}, "correlations": {}, "associations": {}}
    for name in numbers:
        values = frame[name].dropna().to_numpy()
        out["columns"][name] = {
            "count": len(values), "mean": float(values.mean()), "deviation": float(values.std()), "min": float(values.min()),
            "max": float(values.max()), "zeros": int((values == 0).sum()), "negative": int((values < 0).sum()), "distinct": int(frame[name].nunique()),
            # numpy.quantile(method="inverted_cdf"), but 0.07 * 9000 is 630 here and not a little more.
            "quantiles": [float(numpy.sort(values)[max(0, (q * len(values) + 99) // 100 - 1)]) for q in range(101)],
            "histogram": [int(n) for n in numpy.histogram(values, bins=10)[0]]}
    for i, b in enumerate(numbers):
        for a in numbers[:i]:
            out["correlations"][f"{a},{b}"] = float(frame[a].corr(frame[b]))
    label = frame["label"].to_numpy()
    for name in numbers:
        known = frame[name].notna().to_numpy()
        values, of = frame[name].to_numpy()[known], label[known]
        u = scipy.stats.mannwhitneyu(values[of], values[~of]).statistic
        out["associations"][name] = {"auc": float(u / (of.sum() * (~of).sum())), "etaSquared": float(eta_squared(values, of)),
                                     "mutualInformation": float(sklearn.metrics.mutual_info_score(bins(values), of))}
    out["associations"]["kind"] = {"mutualInformation": float(sklearn.metrics.mutual_info_score(frame["kind"], label))}
    path = pathlib.Path(__file__).with_name("oracle.json")
    path.write_text(json.dumps(out, indent=0) + "\n")


if __name__ == "__main__":
    main()
