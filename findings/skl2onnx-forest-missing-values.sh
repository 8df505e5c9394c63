#!/usr/bin/env bash
# skl2onnx 1.20.0: a RandomForestClassifier that learnt where missing values go (scikit-learn 1.9.1 takes NaN) is converted without
# a word, and the ONNX file sends every NaN to the right, whatever the tree says. Rows without NaN answer alike, so a check on complete
# rows passes; here each row with NaN gets the other label.
# Output seen: see `want` below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install --only-binary :all: skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.9.1 numpy==2.4.6
cat >"$folder/forest.py" <<'PYTHON'
import numpy
import onnxruntime
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

random = numpy.random.default_rng(0)
x = random.normal(size=(2000, 4)).astype(numpy.float32)
missing = random.random(2000) < 0.3
y = ((x[:, 0] > 0) & ~missing).astype(int)  # a missing value means class 0
x[missing, 0] = numpy.nan
model = RandomForestClassifier(50, random_state=0).fit(x, y)
onnx = to_onnx(model, x[:1], options={id(model): {"zipmap": False}})
session = onnxruntime.InferenceSession(onnx.SerializeToString(), providers=["CPUExecutionProvider"])
other = session.run(None, {"X": x})[0] != model.predict(x)
print(f"scikit-learn is right in {numpy.mean(model.predict(x) == y):.0%}")
print(f"other labels in ONNX: {other[~missing].mean():.0%} without NaN, {other[missing].mean():.0%} with NaN")
PYTHON
want="scikit-learn is right in 100%
other labels in ONNX: 0% without NaN, 100% with NaN"
got=$("$folder/venv/bin/python" "$folder/forest.py" 2>/dev/null | cat)
echo "$got"
[ "$got" = "$want" ] || { echo "this changed; expected:"; echo "$want"; exit 1; }
