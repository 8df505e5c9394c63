#!/usr/bin/env python3
"""Writes label_metrics_tables.h: small tables of several labels with what scikit-learn says of them.

usage: label_metrics_tables.py > label_metrics_tables.h    (needs scikit-learn 1.9)

Scores are float32, given to scikit-learn as float64 copies. What scikit-learn answers with a warning or by a
convention of its own (see label_metrics.h) is null here: it is not defined.
"""
import json
import sys
import warnings

import numpy
import sklearn
from sklearn import metrics as sk

assert sklearn.__version__.startswith("1.9."), sklearn.__version__
random = numpy.random.default_rng(11)


def table(rows, labels, levels=None, share=0.4, weight=False, truth=None, scores=None):
    y = (random.uniform(size=(rows, labels)) < share).astype(int) if truth is None else numpy.array(truth)
    if scores is None:
        p = 1 / (1 + numpy.exp(-(random.normal(size=y.shape) + 1.5 * (y - 0.5))))
        p = numpy.round(p * levels) / levels if levels else p
    else:
        p = numpy.array(scores)
    raw = p.astype(numpy.float32).astype(float)
    d = (raw >= 0.5).astype(int)
    w = random.uniform(0.1, 3, len(y)) if weight else None
    k = {"sample_weight": w}
    zero = {"zero_division": 0, **k}
    both = all(len(set(column)) == 2 for column in y.T)
    some = all(column.any() for column in y.T)
    values = {
        "macroAuc": sk.roc_auc_score(y, raw, average="macro", **k) if both else None,
        "macroAveragePrecision": sk.average_precision_score(y, raw, average="macro", **k) if some else None,
        "macroPrecision": sk.precision_score(y, d, average="macro", **zero),
        "macroRecall": sk.recall_score(y, d, average="macro", **zero),
        "macroF1": sk.f1_score(y, d, average="macro", **zero),
        "microPrecision": sk.precision_score(y, d, average="micro", **zero) if d.any() else None,
        "microRecall": sk.recall_score(y, d, average="micro", **zero) if y.any() else None,
        "microF1": sk.f1_score(y, d, average="micro", **zero) if d.any() or y.any() else None,
        "subsetAccuracy": sk.accuracy_score(y, d, **k),
        "hammingLoss": sk.hamming_loss(y, d, **k),
        "labelRankingAveragePrecision": sk.label_ranking_average_precision_score(y, raw, **k),
        "coverageError": sk.coverage_error(y, raw, **k),
        "rankingLoss": sk.label_ranking_loss(y, raw, **k),
        "logLoss": numpy.mean([sk.log_loss(a, b, labels=[0, 1], **k) for a, b in zip(y.T, raw.T)]),
    }
    return {"labels": y.shape[1], "raw": raw, "truth": y, "weights": w, "values": values}


def plain(value):
    if isinstance(value, numpy.ndarray):
        return value.ravel().tolist()
    return float(value) if isinstance(value, numpy.floating) else value


def main():
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    warnings.simplefilter("ignore")
    tables = {
        "three labels": table(40, 3),
        "ties": table(40, 5, levels=4),
        "weights": table(40, 4, weight=True),
        "weights and ties": table(50, 6, levels=3, weight=True),
        "rows without labels, and with all": table(4, 3, truth=[[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 1]]),
        "a label that no row has": table(12, 3, truth=[[i % 2, 0, i % 3 == 0] for i in range(12)]),
        "a label that every row has": table(12, 3, truth=[[i % 2, 1, i % 3 == 0] for i in range(12)]),
        "no row has any": table(8, 3, truth=[[0, 0, 0]] * 8),
        "none is decided": table(10, 3, scores=[[0.1, 0.2, 0.3]] * 10),
        "all scores are equal": table(15, 4, scores=[[0.5] * 4] * 15),
        "one row": table(1, 3, truth=[[1, 0, 1]], scores=[[0.25, 0.75, 0.6]]),
        "rare": table(60, 8, share=0.05),
        "many labels": table(20, 40, levels=10, weight=True),
    }
    print("// Written by label_metrics_tables.py, by scikit-learn " + sklearn.__version__ + " and numpy " +
          numpy.__version__ + ". Do not edit.\n// clang-format off\n#pragma once\n\nnamespace penstock::sdk {\n")
    print("inline constexpr const char* kLabelMetricsTables[] = {")
    for name, one in tables.items():
        one = {key: plain(value) for key, value in one.items()}
        one["truth"] = [int(value) for value in one["truth"]]
        one["values"] = {key: plain(value) for key, value in one["values"].items()}
        for key, value in one["values"].items():
            assert value is None or numpy.isfinite(value), (name, key, value)
        print('    R"json(' + json.dumps({"name": name, **one}, allow_nan=False) + ')json",')
    print("};\n\n}  // namespace penstock::sdk")


main()
