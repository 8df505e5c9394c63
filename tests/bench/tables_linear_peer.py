"""scikit-learn's side of the suite `tables`: makes the matrix, fits it, and says how good coefficients are.

usage: tables_linear_peer.py make FOLDER ROWS FEATURES
       tables_linear_peer.py fit FOLDER ROWS FEATURES PENALTY float32|float64
       tables_linear_peer.py objective FOLDER ROWS FEATURES PENALTY COEFFICIENTS
"""
import json
import sys
import time
import warnings

import numpy as np


def make(folder, rows, features):
    """Correlated columns, scaled; a label from a logistic model of them."""
    rng = np.random.default_rng(1)
    mix = np.eye(features) + 0.1 * rng.normal(size=(features, features))
    x = rng.normal(size=(rows, features)) @ mix
    x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
    z = x @ (0.3 * rng.normal(size=features)) - 0.5
    y = (rng.random(rows) < 1 / (1 + np.exp(-z))).astype(float)
    x.tofile(f"{folder}/x")
    y.tofile(f"{folder}/y")


def objective(x, y, penalty, w, b):
    z = x.astype(float) @ w + b
    return float(np.mean(np.logaddexp(0, z) - y * z) + penalty / 2 * w @ w)


def main():
    what, folder, rows, features = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if what == "make":
        make(folder, rows, features)
        print("{}")
        return
    x = np.fromfile(f"{folder}/x", np.float32).reshape(rows, features)
    y = np.fromfile(f"{folder}/y")
    penalty = float(sys.argv[5])
    if what == "objective":
        c = np.fromfile(sys.argv[6])
        print(json.dumps({"objective": objective(x, y, penalty, c[:-1], c[-1])}))
        return
    from sklearn.linear_model import LogisticRegression
    own = x.astype(sys.argv[6])
    model = LogisticRegression(C=1 / (penalty * rows), max_iter=1000)
    wall, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(own, y)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": cpu, "objective": objective(x, y, penalty, model.coef_[0].astype(float), float(model.intercept_[0]))}))


if __name__ == "__main__":
    main()
