#!/usr/bin/env python3
"""Writes scikit_learn_tables.h: small tables with what scikit-learn says of them.

usage: scikit_learn_tables.py > scikit_learn_tables.h    (needs scikit-learn 1.9)

Scores and labels are float32, given to scikit-learn as float64 copies. What scikit-learn answers with a warning or
by a convention of its own (see metrics.h) is null here: it is not defined.
"""
import json
import sys
import warnings

import numpy
import sklearn
from sklearn import metrics as sk

assert sklearn.__version__.startswith("1.9."), sklearn.__version__
random = numpy.random.default_rng(7)


def weights_of(kind, n):
    if kind == "integer":
        return random.integers(1, 6, n).astype(float)
    if kind == "real":
        return random.uniform(0.1, 3, n)
    if kind == "zeros":
        w = random.integers(0, 3, n).astype(float)
        w[0] = 2
        return w
    return None


def without_zero(y, w):
    return y if w is None else y[w > 0]


def binary(n, levels=None, share=0.4, weight=None, threshold=0.5, certain=False, scores=None, labels=None):
    y = (random.uniform(size=n) < share).astype(int) if labels is None else numpy.array(labels)
    if scores is None:
        p = 1 / (1 + numpy.exp(-(random.normal(size=n) + 1.5 * (y - 0.5))))
        if levels:
            p = numpy.round(p * levels) / levels
        if certain:
            p = numpy.where(p > 0.8, 1.0, numpy.where(p < 0.2, 0.0, p))
    else:
        p = numpy.array(scores)
    raw = p.astype(numpy.float32).astype(float)
    w = weights_of(weight, len(y))
    d = (raw >= threshold).astype(int)
    k = {"sample_weight": w}
    one = len(set(without_zero(y, w))) < 2
    some = bool(numpy.any(without_zero(y, w) == 1))
    said = bool(numpy.any(without_zero(d, w) == 1))
    both = len(set(without_zero(d, w))) == 2
    values = {
        "auc": None if one else sk.roc_auc_score(y, raw, **k),
        "averagePrecision": sk.average_precision_score(y, raw, **k) if some else None,
        "accuracy": sk.accuracy_score(y, d, **k),
        "balancedAccuracy": None if one else sk.balanced_accuracy_score(y, d, **k),
        "precision": sk.precision_score(y, d, **k) if said else None,
        "recall": sk.recall_score(y, d, **k) if some else None,
        "f1": sk.f1_score(y, d, **k) if some or said else None,
        "mcc": None if one or not both else sk.matthews_corrcoef(y, d, **k),
        "logLoss": sk.log_loss(y, raw, labels=[0, 1], **k),
        "brier": sk.brier_score_loss(y, raw, pos_label=1, **k) if not one else
        numpy.average((raw - y) ** 2, weights=w),
        "positiveRate": numpy.average(y, weights=w),
    }
    return {"task": "binary", "threshold": threshold, "raw": raw, "labels": y, "weights": w, "values": values}


def several(n, k, weight=None, levels=None, absent=(), scores=None, labels=None):
    y = random.integers(0, k, n) if labels is None else numpy.array(labels)
    for c in absent:
        y[y == c] = (c + 1) % k
    if scores is None:
        logits = random.normal(size=(n, k)) + 1.2 * numpy.eye(k)[y]
        p = numpy.exp(logits) / numpy.exp(logits).sum(axis=1, keepdims=True)
        if levels:
            p = numpy.round(p * levels) / levels
            p[:, 0] += 1 - p.sum(axis=1)
            p = numpy.clip(p, 0, 1)
            p /= p.sum(axis=1, keepdims=True)
    else:
        p = numpy.array(scores)
    raw = p.astype(numpy.float32).astype(float)
    w = weights_of(weight, n)
    d = raw.argmax(axis=1)
    classes = list(range(k))
    kw = {"sample_weight": w}
    seen = set(without_zero(y, w))
    one = len(seen) < 2
    onehot = numpy.eye(k)[y]
    macro = {"average": "macro", "zero_division": 0, **kw}
    values = {
        "accuracy": sk.accuracy_score(y, d, **kw),
        "balancedAccuracy": None if one else sk.balanced_accuracy_score(y, d, **kw),
        "macroPrecision": sk.precision_score(y, d, **macro),
        "macroRecall": sk.recall_score(y, d, **macro),
        "macroF1": sk.f1_score(y, d, **macro),
        # On the indicator matrix: roc_auc_score for classes refuses rows that float32 rounded off 1.
        "macroAuc": sk.roc_auc_score(onehot, raw, average="macro", **kw) if len(seen) == k else None,
        "mcc": None if one or len(set(without_zero(d, w))) < 2 else sk.matthews_corrcoef(y, d, **kw),
        "logLoss": sk.log_loss(y, raw, labels=classes, **kw),
        "brier": sk.brier_score_loss(y, raw, labels=classes, **kw),
    }
    if k > 3:
        values["top3Accuracy"] = sk.top_k_accuracy_score(y, raw, k=3, labels=classes, **kw)
    if k > 5:
        values["top5Accuracy"] = sk.top_k_accuracy_score(y, raw, k=5, labels=classes, **kw)
    return {"task": "classes", "classes": k, "raw": raw.ravel(), "labels": y, "weights": w, "values": values}


def regression(n, weight=None, scale=1.0, offset=0.0, zeros=False, exact=False, labels=None, constant=False):
    y = scale * random.normal(size=n) + offset if labels is None else numpy.array(labels, dtype=float)
    if constant:
        y = numpy.full(n, 63.53)
    if zeros:
        y[::4] = 0
    p = (y + 0.4 * scale * random.normal(size=n)).astype(numpy.float32).astype(float)
    if not exact:
        y = y.astype(numpy.float32).astype(float)
    w = weights_of(weight, n)
    k = {"sample_weight": w}
    flat = bool(numpy.all(y == y[0]))
    values = {
        "rmse": sk.root_mean_squared_error(y, p, **k),
        "mae": sk.mean_absolute_error(y, p, **k),
        "medianAbsoluteError": sk.median_absolute_error(y, p, **k),
        "mape": None if numpy.any(y == 0) else sk.mean_absolute_percentage_error(y, p, **k),
        "r2": None if flat else sk.r2_score(y, p, **k),
        "explainedVariance": None if flat else sk.explained_variance_score(y, p, **k),
        "bias": numpy.average(p - y, weights=w),
    }
    return {"task": "regression", "exact": exact, "raw": p, "labels": y, "weights": w, "values": values}


def plain(value):
    if isinstance(value, numpy.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, numpy.generic) else value


def main():
    warnings.simplefilter("ignore")
    tables = {
        "binary": binary(30),
        "ties": binary(40, levels=5),
        "all scores are equal": binary(12, scores=[0.5] * 12, labels=[0, 1] * 6),
        "weights": binary(30, weight="integer"),
        "real weights and ties": binary(40, levels=4, weight="real"),
        "weights of 0": binary(30, levels=6, weight="zeros"),
        "another threshold": binary(30, threshold=0.8),
        "certain answers, some wrong": binary(40, certain=True),
        "no positive row": binary(10, labels=[0] * 10),
        "no negative row": binary(10, labels=[1] * 10),
        "none is decided positive": binary(10, scores=numpy.linspace(0, 0.3, 10), labels=[0, 1] * 5),
        "one row": binary(1, scores=[0.25], labels=[1]),
        "two rows": binary(2, scores=[0.25, 0.75], labels=[1, 0]),
        "rare": binary(60, share=0.05),
        "three classes": several(30, 3),
        "three classes, weights": several(30, 3, weight="real"),
        "four classes, ties": several(40, 4, levels=4),
        "seven classes": several(60, 7, weight="integer"),
        "a class does not occur": several(30, 4, absent=(2,)),
        "one class occurs": several(8, 3, labels=[1] * 8),
        "one class is decided": several(9, 3, scores=[[0.5, 0.25, 0.25]] * 9, labels=[0, 1, 2] * 3),
        "weights of 0 in three classes": several(25, 3, weight="zeros"),
        "regression": regression(30),
        "regression, weights": regression(31, weight="real"),
        "regression, equal weights of 2": regression(20, weight="integer"),
        "regression, weights of 0": regression(30, weight="zeros"),
        "labels of 0": regression(24, zeros=True),
        "constant labels": regression(10, constant=True),
        "labels far from 0": regression(30, offset=1e6, exact=True),
        "labels before float32": regression(30, scale=1e-3, exact=True, weight="integer"),
        "one number": regression(1),
    }
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    print("// Written by scikit_learn_tables.py, by scikit-learn " + sklearn.__version__ + " and numpy " + numpy.__version__ +
          ". Do not edit.\n// clang-format off\n#pragma once\n\nnamespace penstock::sdk {\n")
    print("inline constexpr const char* kScikitLearnTables[] = {")
    for name, table in tables.items():
        table = {key: plain(value) for key, value in table.items()}
        table["values"] = {key: plain(value) for key, value in table["values"].items()}
        for key, value in table["values"].items():
            assert value is None or numpy.isfinite(value), (name, key, value)
        print('    R"json(' + json.dumps({"name": name, **table}, allow_nan=False) + ')json",')
    print("};\n\n}  // namespace penstock::sdk")


main()
