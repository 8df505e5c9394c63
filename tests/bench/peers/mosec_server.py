"""mosec: its own JSON, dynamic batching."""
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from peer_model import Model, np  # noqa: E402

from mosec import Server, Worker  # noqa: E402


class Infer(Worker):
    def __init__(self):
        super().__init__()
        self.model = Model()

    def forward(self, data):
        if self.model.columns is None:
            answers = self.model(np.asarray([d["data"] for d in data], np.float32))
        else:
            answers = self.model.of_columns({name: [d[name] for d in data] for name, _ in self.model.inputs}, len(data))
        return [{"data": a.tolist()} for a in answers]


if __name__ == "__main__":
    server = Server()
    server.append_worker(Infer, num=int(os.environ["PEER_WORKERS"]), max_batch_size=32, max_wait_time=1)
    server.run()
