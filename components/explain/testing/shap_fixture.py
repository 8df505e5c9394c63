#!/usr/bin/env python3
"""Writes testdata/: models of trees as xgboost saves them, rows, and the Shapley values that shap gives for them.

usage: shap_fixture.py      with shap 0.51.0, xgboost-cpu 3.2.0, numpy 2.4.6, scikit-learn 1.5.2
"""
import json
import pathlib

import numpy
import shap
import xgboost

HERE = pathlib.Path(__file__).resolve().parent / "testdata"
INPUTS = 5
ROWS = 40


def trees(name, objective, label, **more):
    draw = numpy.random.default_rng(7)
    x = numpy.round(draw.normal(size=(400, INPUTS)), 3).astype(numpy.float32)
    x[::9, 2] = numpy.nan
    model = xgboost.train({"objective": objective, "max_depth": 3, "eta": 0.3, "seed": 1, "nthread": 1, **more},
                          xgboost.DMatrix(x, label(x)), 12)
    model.save_model(HERE / f"{name}.json")
    explained = shap.TreeExplainer(model)(x[:ROWS])
    values = numpy.asarray(explained.values, dtype=float)
    # What the values are added to; expected_value is another number until values were asked for.
    base = numpy.atleast_2d(explained.base_values.T).T[0]
    if values.ndim == 2:
        values = values[:, :, None]
    margins = model.predict(xgboost.DMatrix(x[:ROWS]), output_margin=True).reshape(ROWS, -1)
    return {"name": name, "rows": [[None if numpy.isnan(v) else round(float(v), 3) for v in row] for row in x[:ROWS]],
            "contributions": numpy.moveaxis(values, 2, 1).ravel().round(8).tolist(), "base": numpy.atleast_1d(base).tolist(),
            "margins": margins.ravel().tolist()}


def plane():
    draw = numpy.random.default_rng(8)
    x = numpy.round(draw.normal(size=(60, INPUTS)), 3)
    weights = numpy.round(draw.normal(size=INPUTS), 3)
    explainer = shap.LinearExplainer((weights, 0.25), shap.maskers.Independent(x, max_samples=60))
    return {"weights": weights.tolist(), "constant": 0.25, "rows": x.tolist(), "base": float(explainer.expected_value),
            "contributions": explainer(x).values.ravel().tolist()}


def curved():
    """sigmoid of a product and a sum: the exact values, over all coalitions and all rows of the background."""
    draw = numpy.random.default_rng(9)
    x = numpy.round(draw.normal(size=(20, 4)), 3)

    def answer(rows):
        hidden = numpy.maximum(0, rows @ numpy.array([[1.0, -1, 0.5], [0.5, 1, -1], [-1, 0.5, 1], [0, 0, 0]]) + 0.1)
        return 1 / (1 + numpy.exp(-(hidden @ numpy.array([1.0, -0.5, 0.75]))))

    explainer = shap.ExactExplainer(answer, shap.maskers.Independent(x, max_samples=20))
    return {"rows": x.tolist(), "contributions": explainer(x).values.ravel().tolist(), "base": float(answer(x).mean())}


def main():
    HERE.mkdir(exist_ok=True)
    cases = {
        "trees": [
            trees("regression", "reg:squarederror", lambda x: x[:, 0] * x[:, 1] + numpy.nan_to_num(x[:, 2]) + 3),
            trees("binary", "binary:logistic", lambda x: (x[:, 0] * x[:, 1] > 0).astype(float)),
            trees("classes", "multi:softprob", lambda x: numpy.digitize(x[:, 0] + x[:, 3], [-0.7, 0.7]), num_class=3),
        ],
        "plane": plane(),
        "curved": curved(),
    }
    (HERE / "shap.json").write_text(json.dumps(cases))


main()
