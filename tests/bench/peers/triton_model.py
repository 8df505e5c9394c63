"""Triton's Python backend: its dynamic batcher hands over several requests, which are computed together."""
import os
import sys

# the backend's own Python looks at no PYTHONPATH; its numpy is the one that it was installed with
sys.path[:0] = [os.environ["PEER_CODE"], os.environ["PEER_SITE"]]
import peer_model  # noqa: E402
from peer_model import np  # noqa: E402

import triton_python_backend_utils as pb  # noqa: E402


class TritonPythonModel:
    def initialize(self, args):
        self.model = peer_model.Model()

    def execute(self, requests):
        if self.model.columns is None:
            blocks = [pb.get_input_tensor_by_name(r, "x").as_numpy() for r in requests]
        else:
            blocks = []
            for r in requests:
                columns = {}
                for name, kind in self.model.inputs:
                    values = pb.get_input_tensor_by_name(r, name).as_numpy().ravel()
                    columns[name] = [v.decode() for v in values] if kind == "string" else values
                blocks.append(self.model.columns(columns, len(values)))
        answer = self.model(np.concatenate(blocks))
        responses, at = [], 0
        for block in blocks:
            part = answer[at:at + len(block)]
            at += len(block)
            responses.append(pb.InferenceResponse([pb.Tensor("y", part.reshape(len(block), -1))]))
        return responses
