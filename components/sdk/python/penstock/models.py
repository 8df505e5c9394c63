"""save_model: a fitted model as the folder that Penstock serves, with its own answers as what the server must give.

The folder's form is docs/models.md. Nothing is believed: check_model has the server's own loader open the folder and answer
every example before save_model returns.
"""
import json
import math
import pathlib
import re
import select
import socket
import subprocess
import tempfile
import time

from penstock.command import program
from penstock.errors import CommandError, PenstockError

MOST_EXAMPLES = 200
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")


class ModelError(PenstockError):
    """A model that cannot be saved, or that the server does not take."""


def save_model(model, examples, path, name=None, inputs=None, outputs=None, check=True):
    """Writes the model's folder and has the server load it.

    model     a torch.nn.Module (TorchScript), a scikit-learn estimator (ONNX by skl2onnx), an xgboost model, or the path or
              ModelProto of an ONNX file
    examples  rows that it answers: a matrix, a DataFrame, or {input: values}; up to 200 are kept. Take rows of every kind: rare
              texts, missing values
    path      a folder that does not exist yet, or is empty
    name      of the model; the folder's when left out
    inputs    names of a network's inputs, in the order of forward(); outputs: names of its answers, or which of an ONNX file's
    check     False: the server is not asked, and a model that it does not take is seen when it is rolled out
    """
    folder = pathlib.Path(path)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelError(f"{folder} is there already: a model gets a folder of its own")
    name = name or folder.resolve().name
    if not _NAME.fullmatch(name):
        raise ModelError(f"{name!r} is no name of a model: letters, digits, - _ and . within; give name=...")
    writer = _writer_of(model)
    folder.mkdir(parents=True, exist_ok=True)
    signature, rows, answers = writer(model, examples, folder, inputs, outputs)
    if not rows:
        raise ModelError("there are no examples: only rows show whether the served model answers as this one")
    _write_manifest(folder / "model.yaml", {"formatVersion": 1, "name": name, **signature})
    with open(folder / "examples.jsonl", "w", encoding="utf-8") as file:
        for row, answer in zip(rows, answers):
            line = {"inputs": {k: plain(v) for k, v in row.items()}, "outputs": {k: plain(v) for k, v in answer.items()}}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    if check:
        check_model(folder)
    return folder


def _writer_of(model):
    """What writes a model of this kind."""
    from penstock import converters
    kinds = {c.__module__.partition(".")[0] for c in type(model).__mro__}
    if isinstance(model, (str, pathlib.Path)) or "onnx" in kinds:
        return converters.write_onnx
    if "torch" in kinds:
        return converters.write_torch
    if "xgboost" in kinds:
        return converters.write_xgboost
    if hasattr(model, "predict") and hasattr(model, "get_params"):
        return converters.write_estimator
    raise ModelError(f"{type(model).__module__}.{type(model).__qualname__} is no model that can be saved: a torch.nn.Module, a fitted "
                     "scikit-learn estimator, an xgboost model or an ONNX file (docs/models.md)")


def plain(value):
    """A value of numpy, pandas or torch as JSON; NaN and missing values are null."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    raise ModelError(f"{value!r} of type {type(value).__name__} is no number, text or boolean")


def _write_manifest(path, manifest):
    from penstock import emit
    path.write_text(emit.text_of(manifest), encoding="utf-8")


def check_model(path, timeout=120):
    """Has the server's own loader open a model's folder: it computes every example, alone and among others. ModelError says why not."""
    path = pathlib.Path(path)
    if not (path / "model.yaml").is_file():
        raise ModelError(f"{path} is no model: it has no model.yaml")
    with tempfile.TemporaryDirectory(prefix="penstock-check-") as state:
        command = [program(), "serve", str(path), "--port", str(_free_port()), "--state", state]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        try:
            ready, _, _ = select.select([child.stdout], [], [], timeout)
            line = child.stdout.readline() if ready else ""
        finally:
            child.terminate()
        said = child.communicate(timeout=30)[1]
    if line.startswith("serving "):
        return
    if not ready:
        raise ModelError(f"the server did not load {path} within {timeout} s: {said.strip()[-2000:]}")
    raise ModelError(said.strip().removeprefix("error: ") or f"penstock serve ended with code {child.returncode}")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A model that is served on this machine: with serve("model") as s: s.predict([{"x": 1}])."""

    def __init__(self, child, url, state):
        self._child, self.url, self._state = child, url, state

    def predict(self, rows):
        """The answers to rows, each {input: value}."""
        import urllib.error
        import urllib.request
        body = json.dumps({"instances": [{k: plain(v) for k, v in row.items()} for row in rows]}).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url, body, {"Content-Type": "application/json"})) as answer:
                return json.loads(answer.read())["predictions"]
        except urllib.error.HTTPError as error:
            raise ModelError(error.read().decode(errors="replace")) from error

    def stop(self):
        if self._child.poll() is None:
            self._child.terminate()
        self._child.wait()
        self._child.stdout.close()
        self._state.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.stop()


def serve(path, timeout=120):
    """Serves a model's folder on loopback until stop(); a Server."""
    state = tempfile.TemporaryDirectory(prefix="penstock-serve-")
    port = _free_port()
    child = subprocess.Popen([program(), "serve", str(path), "--name", "model", "--port", str(port), "--state", state.name],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
    said, end = [], time.monotonic() + timeout
    while time.monotonic() < end:
        ready, _, _ = select.select([child.stdout], [], [], 1)
        line = child.stdout.readline() if ready else None
        if line == "":
            break
        said.append(line or "")
        if line and line.startswith("serving "):
            return Server(child, f"http://127.0.0.1:{port}/v1/models/model:predict", state)
    child.terminate()
    child.wait()
    state.cleanup()
    raise CommandError(f"{path} is not served: {''.join(said).strip()[-2000:]}", child.returncode)
