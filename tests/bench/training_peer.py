"""The peer of the training promise: the flights MLP in PyTorch's Python API, data through its DataLoader.

usage: training_peer.py FOLDER THREADS OPTIONS (JSON: what the train component was given)
The columns come out of the transform.json that the train component reads, so that both train on the same matrix.
Prints {"rows": of both, "auc": of validation} as its last line.
"""
import json
import pathlib
import sys

import numpy as np
import pyarrow.parquet as pq
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

folder, options = pathlib.Path(sys.argv[1]), json.loads(sys.argv[3])
torch.manual_seed(options["seed"])
torch.set_num_threads(int(sys.argv[2]))
spec = json.loads((folder / "transform.json").read_text())


def matrix(frame):
    """The numbers (scaled, one-hot with a last column for the unknown) and the indexes of the vocabularies."""
    numbers, indexes, sizes = [], [], []
    for step in spec["steps"]:
        if "embedding" not in step.get("views", ["embedding"]):
            continue
        column = frame[step["column"]]
        if step["op"] == "scale":
            scaled = (column.fillna(step["fill"]).to_numpy() - step["mean"]) / step["std"]
            numbers.append(torch.from_numpy(scaled.astype(np.float32)).unsqueeze(1))
            continue
        words = {word: i for i, word in enumerate(step["categories"])}
        index = torch.from_numpy(column.map(words).fillna(len(words)).to_numpy(np.int64, copy=True))
        if step["op"] == "oneHot":
            numbers.append(nn.functional.one_hot(index, len(words) + 1).float())
        else:
            indexes.append(index.unsqueeze(1))
            sizes.append(len(words) + step["oovBuckets"])
    return torch.cat(numbers, 1), torch.cat(indexes, 1), sizes


class Mlp(nn.Module):
    def __init__(self, numbers, sizes):
        super().__init__()
        widths = [min(64, round(1.6 * size**0.56)) for size in sizes]
        self.embeddings = nn.ModuleList(nn.Embedding(size, width) for size, width in zip(sizes, widths))
        layers, width = [], numbers + sum(widths)
        for hidden in options["hidden"]:
            layers += [nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(options["dropout"])]
            width = hidden
        self.layers = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, numbers, indexes):
        parts = [numbers] + [e(indexes[:, i]) for i, e in enumerate(self.embeddings)]
        return self.layers(torch.cat(parts, 1)).squeeze(1)


def read(name):
    frame = pq.read_table(folder / name).to_pandas()
    return *matrix(frame), torch.from_numpy(frame[spec["label"]].to_numpy(np.float32, copy=True))


numbers, indexes, sizes, y = read("train")
valid_numbers, valid_indexes, _, valid_y = read("valid")
model = Mlp(numbers.shape[1], sizes)
loader = DataLoader(TensorDataset(numbers, indexes, y), batch_size=options["batchSize"], shuffle=True)
optimizer = torch.optim.AdamW(model.parameters(), lr=options["learningRate"], weight_decay=options["weightDecay"], betas=(0.95, 0.99), eps=1e-5)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options["learningRate"], total_steps=options["epochs"] * len(loader), pct_start=0.25,
                                               div_factor=25, final_div_factor=4000, base_momentum=0.85, max_momentum=0.95)
loss_of = nn.BCEWithLogitsLoss()
model.train()
for epoch in range(options["epochs"]):
    for batch_numbers, batch_indexes, batch_y in loader:
        loss = loss_of(model(batch_numbers, batch_indexes), batch_y)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
model.eval()
with torch.no_grad():
    auc = roc_auc_score(valid_y.numpy(), torch.sigmoid(model(valid_numbers, valid_indexes)).numpy())
torch.save(model.state_dict(), folder / "peer.pt")
print(json.dumps({"rows": len(y) + len(valid_y), "auc": auc}))
