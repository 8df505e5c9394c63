"""KServe's Python SDK: V2, one model."""
import os
import sys

import numpy as np
from kserve import InferOutput, InferResponse, Model, ModelServer

sys.path.insert(0, os.path.dirname(__file__))
import peer_model  # noqa: E402


class Infer(Model):
    def __init__(self):
        super().__init__("m")
        self.model = peer_model.Model()
        self.ready = True

    def predict(self, request, headers=None):
        if self.model.columns is None:
            answer = self.model(request.inputs[0].as_numpy())
        else:
            columns = {i.name: [v.decode() if isinstance(v, bytes) else v for v in i.data] for i in request.inputs}
            answer = self.model.of_columns(columns, len(request.inputs[0].data))
        output = InferOutput("y", list(answer.shape), "FP32", data=answer.ravel().tolist())
        return InferResponse(request.id or "", "m", [output])


if __name__ == "__main__":
    ModelServer(http_port=int(os.environ["PEER_PORT"]), enable_grpc=False, workers=1, access_log_format=None).start([Infer()])
