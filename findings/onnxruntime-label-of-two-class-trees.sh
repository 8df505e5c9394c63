#!/usr/bin/env bash
# onnxruntime 1.32.0: TreeEnsembleClassifier (ai.onnx.ml) of two classes whose leaves have a weight for each class answers label 1
# for a row with probabilities 0.75 and 0.25: the label is not that of the largest score. With a weight for class 1 alone it is right,
# but then the score of class 0 is 0. So of such a file the label cannot be believed, and an accuracy measured by it is another model's.
# Output seen: see `want` below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install --only-binary :all: onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >"$folder/tree.py" <<'PYTHON'
import numpy
import onnxruntime
from onnx import TensorProto, helper

SPLIT = dict(nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[0, 0, 0], nodes_values=[0.0, 0.0, 0.0],
             nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0])
LEAVES = {"both classes": dict(class_treeids=[0] * 4, class_nodeids=[1, 1, 2, 2], class_ids=[0, 1, 0, 1], class_weights=[0.75, 0.25, 0.25, 0.75]),
          "class 1 alone": dict(class_treeids=[0] * 2, class_nodeids=[1, 2], class_ids=[1, 1], class_weights=[0.25, 0.75])}
for name, leaves in LEAVES.items():
    tree = helper.make_node("TreeEnsembleClassifier", ["x"], ["label", "scores"], domain="ai.onnx.ml",
                            classlabels_int64s=[0, 1], post_transform="NONE", **SPLIT, **leaves)
    graph = helper.make_graph([tree], "tree", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
                              [helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
                               helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 2])])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    label, scores = session.run(None, {"x": numpy.array([[-1], [1]], numpy.float32)})
    print(f"weights of {name}: scores {scores.tolist()} labels {label.tolist()}")
PYTHON
want="weights of both classes: scores [[0.75, 0.25], [0.25, 0.75]] labels [1, 1]
weights of class 1 alone: scores [[0.0, 0.25], [0.0, 0.75]] labels [0, 1]"
got=$("$folder/venv/bin/python" "$folder/tree.py" 2>&1 | cat)
echo "$got"
[ "$got" = "$want" ] || { echo "this changed; expected:"; echo "$want"; exit 1; }
