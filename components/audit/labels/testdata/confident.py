#!/usr/bin/env python3
"""Writes confident.json: probabilities, labels and the rows that cleanlab names, which confident_test.cc holds ours to.

usage: confident.py > confident.json     with cleanlab 2.7.1, scikit-learn 1.5.2, numpy 1.26.4
"""
import json

import numpy
from cleanlab.count import compute_confident_joint, get_confident_thresholds
from cleanlab.filter import find_label_issues
from sklearn.datasets import load_breast_cancer, load_iris, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def case(name, x, y, noise, seed):
    draw = numpy.random.default_rng(seed)
    classes = int(y.max()) + 1
    labels = y.copy()
    wrong = draw.random(len(y)) < noise
    labels[wrong] = (labels[wrong] + draw.integers(1, classes, wrong.sum())) % classes
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    probabilities = cross_val_predict(model, x, labels, cv=5, method="predict_proba")
    probabilities = numpy.round(probabilities, 9)
    return {
        "name": name,
        "classes": classes,
        "probabilities": probabilities.ravel().tolist(),
        "labels": labels.tolist(),
        "thresholds": get_confident_thresholds(labels, probabilities).tolist(),
        "joint": compute_confident_joint(labels, probabilities).tolist(),
        "counts": compute_confident_joint(labels, probabilities, calibrate=False).tolist(),
        "issues": numpy.flatnonzero(find_label_issues(labels, probabilities, n_jobs=1)).tolist(),
    }


def main():
    iris = load_iris(return_X_y=True)
    cancer = load_breast_cancer(return_X_y=True)
    made = make_classification(600, 12, n_informative=6, n_classes=5, n_clusters_per_class=1, weights=[.5, .3, .1, .07, .03],
                               random_state=3)
    few = make_classification(60, 8, n_informative=4, n_classes=4, n_clusters_per_class=1, random_state=1)
    cases = [case("iris", *iris, 0.1, 1), case("breast cancer", *cancer, 0.08, 2), case("five uneven classes", *made, 0.15, 3),
             case("few rows", *few, 0.3, 4), case("no noise", *iris, 0.0, 5)]
    print(json.dumps(cases))


main()
