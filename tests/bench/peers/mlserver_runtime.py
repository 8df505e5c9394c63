"""MLServer: V2, a runtime of its own."""
import os
import sys

from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceResponse

sys.path.insert(0, os.path.dirname(__file__))
import peer_model  # noqa: E402


class Infer(MLModel):
    async def load(self):
        self.model = peer_model.Model()
        return True

    async def predict(self, payload):
        if self.model.columns is None:
            answer = self.model(NumpyCodec.decode_input(payload.inputs[0]))
        else:
            columns = {i.name: StringCodec.decode_input(i) if i.datatype == "BYTES" else list(i.data) for i in payload.inputs}
            answer = self.model.of_columns(columns, payload.inputs[0].shape[0])
        return InferenceResponse(model_name=self.name, id=payload.id, outputs=[NumpyCodec.encode_output("y", answer)])
