"""Model folders of fitted scikit-learn and LightGBM models, as docs/models.md writes them.

usage: python3 make_onnx_models.py OUT     (needs skl2onnx, onnxmltools and lightgbm: tools/install-deps convert)
       OUT/NAME/{model.onnx,model.yaml,examples.jsonl} for each; `broken` is one that its converter changes
"""
import json
import pathlib
import sys
import warnings

import lightgbm
import numpy as np
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

OPSETS = {"": 21, "ai.onnx.ml": 3}
ROWS = 200


def write(name, onnx, inputs, rows, label, probabilities):
    """rows: what a request holds for each input; the model's own answers are the examples."""
    folder = pathlib.Path(sys.argv[1]) / name
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(onnx.SerializeToString())
    classes = probabilities.shape[1]
    names = [output.name for output in onnx.graph.output]  # output_label and output_probability with a ZipMap
    (folder / "model.yaml").write_text(
        f"formatVersion: 1\nname: {name}\nbackend: onnx\nfile: model.onnx\nbatchAxis: 0\ninputs:\n"
        + "".join(f"  - {line}\n" for line in inputs)
        + f"outputs:\n  - {{name: {names[0]}, type: int64, shape: [-1]}}\n"
        + f"  - {{name: {names[1]}, type: float32, shape: [-1, {classes}]}}\n")
    with open(folder / "examples.jsonl", "w", encoding="utf-8") as file:
        for row, decided, p in zip(rows, label, probabilities):
            outputs = {names[0]: int(decided), names[1]: [float(v) for v in p]}
            print(json.dumps({"inputs": row, "outputs": outputs}, ensure_ascii=False), file=file)


def write_matrix(name, model, x, zipmap=False, nullable=False):
    onnx = to_onnx(model, x[:1], options={id(model): {"zipmap": zipmap}}, target_opset=OPSETS)
    rows = [{"X": [None if np.isnan(v) else float(v) for v in row]} for row in x[:ROWS]]
    write(name, onnx, [f"{{name: X, type: float32, shape: [-1, {x.shape[1]}]{', nullable: true' if nullable else ''}}}"],
          rows, model.predict(x[:ROWS]), model.predict_proba(x[:ROWS]))


def write_columns():
    random = np.random.default_rng(3)
    import pandas as pd
    table = pd.DataFrame({"carrier": random.choice(["AA", "UA", "대한"], 600), "distance": random.normal(size=600)})
    y = ((table.carrier == "UA") ^ (table.distance > 0.5)).astype(int)
    model = make_pipeline(ColumnTransformer([("text", OneHotEncoder(handle_unknown="ignore"), ["carrier"]),
                                             ("number", StandardScaler(), ["distance"])]), LogisticRegression()).fit(table, y)
    onnx = to_onnx(model, initial_types=[("carrier", StringTensorType([None, 1])), ("distance", FloatTensorType([None, 1]))],
                   options={id(model): {"zipmap": False}}, target_opset=OPSETS)
    write("columns", onnx, ["{name: carrier, type: string, shape: [-1]}", "{name: distance, type: float32, shape: [-1]}"],
          json.loads(table[:ROWS].to_json(orient="records", double_precision=15)), model.predict(table[:ROWS]),
          model.predict_proba(table[:ROWS]))


def write_text():
    words = ["late", "storm", "snow", "Fine", "sunny", "calm", "delay", "OK"]
    random = np.random.default_rng(4)
    texts = np.array([" ".join(random.choice(words, 5)) for _ in range(400)])
    y = np.array([("storm" in t or "snow" in t) and "Fine" not in t for t in texts]).astype(int)
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, y)
    onnx = to_onnx(model, initial_types=[("note", StringTensorType([None, 1]))], target_opset=OPSETS,
                   options={id(model): {"zipmap": False}, TfidfVectorizer: {"locale": "C.UTF-8"}})
    write("text", onnx, ["{name: note, type: string, shape: [-1]}"], [{"note": t} for t in texts[:ROWS]],
          model.predict(texts[:ROWS]), model.predict_proba(texts[:ROWS]))


def main():
    warnings.filterwarnings("ignore")
    update_registered_converter(lightgbm.LGBMClassifier, "LightGbmLGBMClassifier", calculate_linear_classifier_output_shapes,
                                convert_lightgbm, options={"nocl": [True, False], "zipmap": [True, False, "columns"]})
    x, y = load_breast_cancer(return_X_y=True)
    x = x.astype(np.float32)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x, y)
    write_matrix("logistic", logistic, x)
    write_matrix("zipmap", logistic, x, zipmap=True)
    write_matrix("forest", RandomForestClassifier(50, random_state=0).fit(x, y), x)
    write_matrix("mlp", make_pipeline(StandardScaler(), MLPClassifier((32, 16), max_iter=300, random_state=0)).fit(x, y), x)
    write_matrix("lightgbm", lightgbm.LGBMClassifier(n_estimators=40, num_leaves=15, verbose=-1, n_jobs=1).fit(x, y), x)
    holes = np.where(np.random.default_rng(0).random(x.shape) < 0.3, np.float32("nan"), x)
    write_matrix("broken", RandomForestClassifier(50, random_state=0).fit(holes, y), holes, nullable=True)
    write_columns()
    write_text()


main()
