"""What every peer computes: the model folder's TorchScript, and its transform.json where it takes columns."""
import json
import os
import pathlib
import sys

sys.path.append(os.environ["PEER_TORCH"])  # last: a peer's own numpy goes first

import numpy as np  # noqa: E402
import torch  # noqa: E402


class Columns:
    """transform.json in Python, one row at a time, as one would write it for a server: lookups and arithmetic."""

    def __init__(self, spec):
        self.steps = []
        for step in spec["steps"]:
            if "embedding" not in step.get("views", ["embedding"]):
                continue
            if step["op"] == "scale":
                self.steps.append((step["column"], None, 0, (step["mean"], step["std"])))
            else:
                words = {word: i for i, word in enumerate(step["categories"])}
                self.steps.append((step["column"], words, len(words) + 1 if step["op"] == "oneHot" else 1, step["op"]))

    def __call__(self, columns, rows):
        parts = []
        for name, words, width, how in self.steps:
            values = columns[name]
            if words is None:
                parts.append(((np.asarray(values, np.float64) - how[0]) / how[1]).astype(np.float32).reshape(rows, 1))
                continue
            index = [words.get(v, len(words)) for v in values]
            if how == "oneHot":
                block = np.zeros((rows, width), np.float32)
                block[np.arange(rows), index] = 1
            else:
                block = np.asarray(index, np.float32).reshape(rows, 1)
            parts.append(block)
        return np.concatenate(parts, 1)


class Model:
    """call(features [N, F]) -> the outputs; `columns` is None where the model takes tensors."""

    def __init__(self, folder=None, threads=1):
        folder = pathlib.Path(folder or os.environ["PEER_MODEL"])
        torch.set_num_threads(threads)
        self.module = torch.jit.freeze(torch.jit.load(str(folder / "model.ts")).eval())
        transform = folder / "transform.json"
        spec = json.loads(transform.read_text()) if transform.exists() else None
        self.columns = Columns(spec) if spec else None
        self.inputs = [(i["name"], i["type"]) for i in spec["inputs"]] if spec else []
        for n in (1, 2, 32):  # warm
            self(np.zeros((n, int(os.environ["PEER_WIDTH"])), np.float32))

    def __call__(self, features):
        with torch.inference_mode():
            answer = self.module(torch.from_numpy(np.ascontiguousarray(features)))
        return answer.numpy() if isinstance(answer, torch.Tensor) else answer[0].numpy()

    def of_columns(self, columns, rows):
        return self(self.columns(columns, rows))
