"""TorchServe: its own JSON, batches of 32, one worker process."""
import os
import sys

sys.path.insert(0, os.environ["PEER_CODE"])
from peer_model import Model, np  # noqa: E402

MODEL = None


def handle(data, context):
    global MODEL
    if MODEL is None:
        MODEL = Model()
    if data is None:  # how a worker is asked to initialise
        return None
    rows = [d.get("body") or d.get("data") for d in data]
    if MODEL.columns is None:
        answers = MODEL(np.asarray([r["data"] for r in rows], np.float32))
    else:
        answers = MODEL.of_columns({name: [r[name] for r in rows] for name, _ in MODEL.inputs}, len(rows))
    return [{"data": a.tolist()} for a in answers]
