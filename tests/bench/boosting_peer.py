"""The peer of the bench `boosting`: xgboost's own Python.

usage: boosting_peer.py make FOLDER ROWS FEATURES                                       writes x (float32) and y (float64)
       boosting_peer.py fit X Y ROWS FEATURES ROUNDS THREADS SETTING ANSWERS            prints {"wall", "cpu"} in seconds
       boosting_peer.py compare ANSWERS ANSWERS                                         prints {"largest": difference}
"""
import json
import sys
import time

import numpy as np


def make(folder, rows, features):
    random = np.random.default_rng(1)
    x = random.normal(size=(int(rows), int(features))).astype(np.float32)
    x[random.random(x.shape) < 0.02] = np.nan
    score = np.nan_to_num(x[:, 0]) * np.nan_to_num(x[:, 1]) + np.nan_to_num(x[:, 2]) + random.normal(size=int(rows))
    x.tofile(f"{folder}/x")
    (score > 0).astype(np.float64).tofile(f"{folder}/y")
    return {}


def fit(x, y, rows, features, rounds, threads, setting, answers):
    import xgboost

    x = np.fromfile(x, np.float32).reshape(int(rows), int(features))
    y = np.fromfile(y, np.float64)
    setting = json.loads(setting)
    wall, cpu = time.perf_counter(), time.process_time()
    matrix = xgboost.QuantileDMatrix(x, y, nthread=int(threads), max_bin=setting["bins"])
    booster = xgboost.train(
        {"objective": "binary:logistic", "tree_method": "hist", "max_bin": setting["bins"], "max_depth": setting["depth"], "eta": setting["learningRate"],
         "min_child_weight": setting["minChildWeight"], "lambda": setting["lambda"], "subsample": setting["subsample"],
         "nthread": int(threads), "base_score": float(y.mean())}, matrix, int(rounds))
    booster.save_raw()
    took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    booster.inplace_predict(x).astype(np.float64).tofile(answers)
    return took


def compare(one, other):
    return {"largest": float(np.abs(np.fromfile(one) - np.fromfile(other)).max())}


print(json.dumps({"make": make, "fit": fit, "compare": compare}[sys.argv[1]](*sys.argv[2:])))
