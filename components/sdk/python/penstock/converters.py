"""Models of other libraries as files that the server reads, and their own answers to the examples.

Each writer returns (signature, rows, answers): what model.yaml says beside the name, and of each row its inputs and outputs.
"""
import inspect
import pathlib
import shutil

from penstock.models import MOST_EXAMPLES, ModelError

_OPSETS = {"": 21, "ai.onnx.ml": 3}
_KINDS = {"f": "float32", "i": "int64", "u": "int64", "b": "bool", "U": "string", "O": "string", "T": "string"}


def _numpy():
    try:
        import numpy
    except ImportError as error:
        raise ModelError("save_model needs numpy: pip install numpy") from error
    return numpy


def _port(name, array, nullable=False):
    """An input or output of model.yaml: its type, and its shape with an open first axis."""
    kind = _KINDS.get(array.dtype.kind)
    if kind is None:
        raise ModelError(f"{name} has the type {array.dtype}; a model takes and gives floats, whole numbers, booleans and texts")
    return {"name": name, "type": kind, "shape": [-1, *map(int, array.shape[1:])], **({"nullable": True} if nullable else {})}


def _named(answers, names):
    """{name: array} of what a model gave: an array, several, or a dictionary of them."""
    if isinstance(answers, dict):
        return dict(answers)
    several = list(answers) if isinstance(answers, (list, tuple)) else [answers]
    names = list(names or (["output"] if len(several) == 1 else [f"output{i}" for i in range(len(several))]))
    if len(names) != len(several):
        raise ModelError(f"the model gives {len(several)} outputs, and {len(names)} names were given: {', '.join(names)}")
    return dict(zip(names, several))


def _rows(arrays):
    """{name: array} as a dictionary a row."""
    count = {len(array) for array in arrays.values()}
    if len(count) != 1:
        raise ModelError(f"the examples have no common number of rows: {', '.join(f'{n} has {len(a)}' for n, a in arrays.items())}")
    return [{name: array[i] for name, array in arrays.items()} for i in range(count.pop())]


def write_torch(module, examples, folder, inputs, outputs):
    """A torch.nn.Module as TorchScript: scripted, or traced where it cannot be."""
    import torch
    numpy = _numpy()
    module = module.eval()
    names = list(inputs or [n for n, p in inspect.signature(module.forward).parameters.items()
                            if p.default is inspect.Parameter.empty and p.kind is p.POSITIONAL_OR_KEYWORD])
    given = examples if isinstance(examples, dict) else dict(zip(names, examples if isinstance(examples, tuple) else (examples,)))
    missing = [n for n in names if n not in given]
    if missing:
        raise ModelError(f"the examples say nothing of the input {missing[0]}; the network takes {', '.join(names)}")
    tensors = {n: torch.as_tensor(numpy.asarray(given[n]) if not isinstance(given[n], torch.Tensor) else given[n])[:MOST_EXAMPLES]
               for n in names}
    tensors = {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
    with torch.no_grad():
        answers = _named(module(*tensors.values()), outputs)
        if isinstance(module, torch.jit.ScriptModule):
            scripted = module
        else:
            try:
                scripted = torch.jit.script(module)
            except Exception as why:  # torch.jit raises many kinds, and tells them by text
                try:
                    scripted = torch.jit.trace(module, tuple(tensors.values()))
                except Exception as error:
                    raise ModelError(f"the network becomes no TorchScript: scripted, {why}; traced, {error}") from error
    scripted.save(str(folder / "model.ts"))
    arrays = {n: t.cpu().numpy() for n, t in tensors.items()}
    given_back = {n: t.detach().cpu().numpy() for n, t in answers.items()}
    signature = {"backend": "torchscript", "file": "model.ts", "batchAxis": 0, "inputs": [_port(n, a) for n, a in arrays.items()],
                 "outputs": [_port(n, a) for n, a in given_back.items()]}
    return signature, _rows(arrays), _rows(given_back)


def write_estimator(model, examples, folder, inputs, outputs):
    """A fitted scikit-learn estimator as ONNX, by skl2onnx."""
    numpy = _numpy()
    try:
        from skl2onnx import to_onnx
        from skl2onnx.common import data_types
    except ImportError as error:
        raise ModelError("a scikit-learn model becomes ONNX by skl2onnx: pip install skl2onnx") from error
    columns = _has_columns(model, examples)
    examples = examples[:MOST_EXAMPLES]
    options, initial = {}, None
    if hasattr(model, "predict_proba"):
        options[id(model)] = {"zipmap": False}
    if columns:
        arrays = {str(c): _column(numpy, examples[c]) for c in examples.columns}
        kinds = {"string": data_types.StringTensorType, "float32": data_types.FloatTensorType, "int64": data_types.Int64TensorType,
                 "bool": data_types.BooleanTensorType}
        initial = [(n, kinds[_port(n, a)["type"]]([None, 1])) for n, a in arrays.items()]
        converted = dict(initial_types=initial)
    else:
        matrix = numpy.asarray(examples, dtype=numpy.float32)
        arrays = {"X": matrix}
        converted = dict(X=matrix[:1])
    try:
        onnx = to_onnx(model, options=options or None, target_opset=_OPSETS, **converted)
    except Exception as error:  # skl2onnx raises RuntimeError, and its own kinds for what it has no converter of
        raise ModelError(f"skl2onnx makes no ONNX file of {type(model).__name__}: {error}") from error
    (folder / "model.onnx").write_bytes(onnx.SerializeToString())
    asked = examples if columns else numpy.asarray(examples)
    answers = _answers(numpy, model, asked, [output.name for output in onnx.graph.output])
    answers = {n: a for n, a in answers.items() if outputs is None or n in outputs}
    if not answers:
        raise ModelError(f"none of the outputs {', '.join(outputs)} is the model's: {', '.join(o.name for o in onnx.graph.output)}")
    ports = [_port(n, a, _has_missing(numpy, a)) for n, a in arrays.items()]
    signature = {"backend": "onnx", "file": "model.onnx", "batchAxis": 0, "inputs": ports,
                 "outputs": [_port(n, a) for n, a in answers.items()]}
    return signature, _rows(arrays), _rows(answers)


def _answers(numpy, model, asked, names):
    """What the estimator itself says, by the names of the ONNX file's outputs."""
    decided = numpy.asarray(model.predict(asked))
    if decided.dtype.kind == "f":
        decided = decided.astype(numpy.float32)
    if len(decided.shape) == 2 and decided.shape[1] == 1:
        decided = decided[:, 0]
    if len(names) == 1 or not hasattr(model, "predict_proba"):
        return {names[0]: decided}
    return {names[0]: decided, names[1]: numpy.asarray(model.predict_proba(asked), dtype=numpy.float32)}


def _has_columns(model, examples):
    """Does the model take a table whose columns are told apart?"""
    if not hasattr(examples, "columns"):
        return False
    first = model.steps[0][1] if hasattr(model, "steps") else model
    return type(first).__name__ == "ColumnTransformer" or any(d.kind not in "fiub" for d in examples.dtypes)


def _column(numpy, series):
    values = series.to_numpy()
    if values.dtype.kind == "f":
        return values.astype(numpy.float32)
    return values.astype(numpy.int64) if values.dtype.kind in "iu" else values


def _has_missing(numpy, array):
    return array.dtype.kind == "f" and bool(numpy.isnan(array).any())


def write_xgboost(model, examples, folder, inputs, outputs):
    """An xgboost model as its own file."""
    numpy = _numpy()
    import xgboost
    examples = examples[:MOST_EXAMPLES]
    matrix = numpy.asarray(examples, dtype=numpy.float32)
    booster = model if isinstance(model, xgboost.Booster) else model.get_booster()
    model.save_model(str(folder / "model.ubj"))
    if hasattr(model, "predict_proba"):
        answer = numpy.asarray(model.predict_proba(matrix), dtype=numpy.float32)
        answer = answer[:, 1] if answer.shape[1] == 2 else answer
    else:
        answer = model.predict(matrix) if booster is not model else booster.predict(xgboost.DMatrix(matrix))
    answer = numpy.asarray(answer, dtype=numpy.float32)
    name = (outputs or ["probability" if hasattr(model, "predict_proba") else "prediction"])[0]
    signature = {"backend": "xgboost", "file": "model.ubj", "batchAxis": 0,
                 "inputs": [_port((inputs or ["X"])[0], matrix, _has_missing(numpy, matrix))], "outputs": [_port(name, answer)]}
    return signature, _rows({(inputs or ["X"])[0]: matrix}), _rows({name: answer})


def write_onnx(model, examples, folder, inputs, outputs):
    """An ONNX file as it is; onnxruntime says its answers."""
    numpy = _numpy()
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError("the answers of an ONNX file are computed by onnxruntime: pip install onnxruntime") from error
    target = folder / "model.onnx"
    if isinstance(model, (str, pathlib.Path)):
        shutil.copyfile(model, target)
    else:
        target.write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    known = {i.name: i for i in session.get_inputs()}
    given = examples if isinstance(examples, dict) else {next(iter(known)): examples}
    if set(given) != set(known):
        raise ModelError(f"the file takes {', '.join(known)}, and the examples have {', '.join(given)}")
    arrays = {}
    for name, port in known.items():
        array = numpy.asarray(given[name])[:MOST_EXAMPLES]
        arrays[name] = array.astype(numpy.float32) if port.type == "tensor(float)" else array
    names = list(outputs or [o.name for o in session.get_outputs()])
    answers = dict(zip(names, session.run(names, arrays)))
    signature = {"backend": "onnx", "file": "model.onnx", "batchAxis": 0,
                 "inputs": [_port(n, a, _has_missing(numpy, a)) for n, a in arrays.items()],
                 "outputs": [_port(n, numpy.asarray(a)) for n, a in answers.items()]}
    return signature, _rows(arrays), _rows(answers)
