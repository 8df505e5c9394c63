#!/usr/bin/env python3
"""Writes the ONNX models beside it, for onnx_backend_test.cc. Needs `onnx` only; made with onnx 1.23.2.

usage: python3 make_onnx.py      (answers are worked out by hand in the test)
"""
import pathlib

from onnx import TensorProto, checker, helper

HERE = pathlib.Path(__file__).parent
FLOAT, DOUBLE, INT32, INT64, BOOL, STRING = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT32, TensorProto.INT64,
                                             TensorProto.BOOL, TensorProto.STRING)
OPSETS = {"": 17, "ai.onnx.ml": 3}


def port(name, kind, *shape):
    return helper.make_tensor_value_info(name, kind, shape)


def floats(name, *values, shape):
    return helper.make_tensor(name, FLOAT, shape, values)


def save(name, nodes, inputs, outputs, weights=(), opsets=None, ir=8, functions=()):
    graph = helper.make_graph(nodes, name, inputs, outputs, initializer=list(weights))
    imports = [helper.make_opsetid(domain, version) for domain, version in {**OPSETS, **(opsets or {})}.items()]
    model = helper.make_model(graph, opset_imports=imports, functions=list(functions), producer_name="penstock")
    model.ir_version = ir
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))
    return model


def ml(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, domain="ai.onnx.ml", **attributes)


def tree(outputs, weights, **classes):
    """x[0] <= 1.5 ? weights[0] : weights[1], a weight a class"""
    count = len(weights[0])
    return ml("TreeEnsembleClassifier", ["x"], outputs, nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2],
              nodes_featureids=[0, 0, 0], nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_values=[1.5, 0.0, 0.0],
              nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0], nodes_missing_value_tracks_true=[0, 0, 0],
              class_treeids=[0] * 2 * count, class_nodeids=[1] * count + [2] * count, class_ids=[*range(count)] * 2,
              class_weights=weights[0] + weights[1], post_transform="NONE", **classes)


# y = x . (1, 10, 100) + 0.5
gemm = [helper.make_node("Gemm", ["x", "w", "b"], ["y"])]
weights = [floats("w", 1, 10, 100, shape=[3, 1]), floats("b", 0.5, shape=[1])]
checker.check_model(save("linear", gemm, [port("x", FLOAT, None, 3)], [port("y", FLOAT, None, 1)], weights))
save("fixed", gemm, [port("x", FLOAT, 1, 3)], [port("y", FLOAT, 1, 1)], weights)
save("newer_ir", gemm, [port("x", FLOAT, None, 3)], [port("y", FLOAT, None, 1)], weights, ir=99)
save("newer_opset", gemm, [port("x", FLOAT, None, 3)], [port("y", FLOAT, None, 1)], weights, opsets={"": 99})

x = port("x", FLOAT, None, 2)
probabilities = port("probabilities", FLOAT, None, 3)
leaves = [[0.75, 0.25, 0.0], [0.125, 0.625, 0.25]]
checker.check_model(save("trees", [tree(["label", "probabilities"], leaves, classlabels_int64s=[0, 1, 2])], [x],
                         [port("label", INT64, None), probabilities]))

# The classes in no order: ZipMap's answer is unpacked in ascending order, so "early" comes first.
names = ["late", "early", "never"]
maps = helper.make_sequence_type_proto(helper.make_map_type_proto(STRING, helper.make_tensor_type_proto(FLOAT, [])))
checker.check_model(save("zipmap", [tree(["label", "raw"], leaves, classlabels_strings=names),
                                    ml("ZipMap", ["raw"], ["probabilities"], classlabels_strings=names)], [x],
                         [port("label", STRING, None), helper.make_value_info("probabilities", maps)]))

# y = 1, 2 or 3 by the colour (red, green, blue; 0 for others) + 10 * size
text = [ml("OneHotEncoder", ["colour"], ["hot"], cats_strings=["red", "green", "blue"], zeros=1),
        helper.make_node("MatMul", ["hot", "w"], ["by_colour"]), helper.make_node("Squeeze", ["by_colour", "axis"], ["flat"]),
        helper.make_node("Mul", ["size", "ten"], ["tens"]), helper.make_node("Add", ["flat", "tens"], ["y"]),
        helper.make_node("Identity", ["colour"], ["same"])]
checker.check_model(save("text", text, [port("size", FLOAT, None, 1), port("colour", STRING, None, 1)],
                         [port("y", FLOAT, None, 1), port("same", STRING, None, 1)],
                         [floats("w", 1, 2, 3, shape=[3, 1]), floats("ten", 10, shape=[1]),
                          helper.make_tensor("axis", INT64, [1], [2])]))

kinds = {"i": INT32, "l": INT64, "b": BOOL, "d": DOUBLE}
checker.check_model(save("types", [helper.make_node("Identity", [n], [n + "_same"]) for n in kinds],
                         [port(n, k, None) for n, k in kinds.items()], [port(n + "_same", k, None) for n, k in kinds.items()]))
save("half", [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT16)], [x], [port("y", TensorProto.FLOAT16, None, 2)])

# An operator of a library that nobody has, and one of the same name that the file itself defines.
own = [helper.make_node("Double", ["x"], ["y"], domain="my.ops")]
save("custom", own, [x], [port("y", FLOAT, None, 2)], opsets={"my.ops": 1})
double = helper.make_function("my.ops", "Double", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])],
                              [helper.make_opsetid("", 17)])
checker.check_model(save("function", own, [x], [port("y", FLOAT, None, 2)], opsets={"my.ops": 1}, functions=[double]))

# Text normalised by a locale that no machine has.
normalise = helper.make_node("StringNormalizer", ["s"], ["t"], case_change_action="LOWER", locale="xx_XX")
save("locale", [normalise], [port("s", STRING, None)], [port("t", STRING, None)])

# What stands behind a transform of any width: one matrix in, both classes' probabilities (0.125, 0.875) out.
stump = tree(["label", "probabilities"], [[0.75, 0.25], [0.125, 0.875]], classlabels_int64s=[0, 1])
save("wide", [helper.make_node("ReduceMax", ["features"], ["highest"], axes=[1], keepdims=1),
              helper.make_node("Add", ["highest", "lift"], ["lifted"]),
              helper.make_node("Concat", ["lifted", "lifted"], ["x"], axis=1), stump],
     [port("features", FLOAT, None, None)], [port("label", INT64, None), port("probabilities", FLOAT, None, 2)], [floats("lift", 1000, shape=[1])])
