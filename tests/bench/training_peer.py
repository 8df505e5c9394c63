"""The peer of the training promise: the flights MLP in PyTorch's Python API, data through its DataLoader."""
import json
import pathlib
import sys
import time

import pyarrow.parquet as pq
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

folder = pathlib.Path(sys.argv[1])
torch.manual_seed(1)
torch.set_num_threads(2)


def table(name):
    return pq.read_table(folder / name).to_pandas()


train, valid = table("train"), table("valid")
spec = json.loads((folder / "transform.json").read_text())


def matrix(frame):
    """The same columns as the transform gives: scaled numbers, one-hot, a vocabulary of 120 and its rest."""
    parts = []
    for c in ["distance", "hour", "minute"]:
        parts.append(torch.tensor(((frame[c] - train[c].mean()) / train[c].std()).to_numpy()).float().unsqueeze(1))
    for c, size in [("carrier", None), ("origin", None), ("dest", 120)]:
        words = list(train[c].value_counts().index[:size])
        index = frame[c].map({w: i for i, w in enumerate(words)}).fillna(len(words)).astype(int)
        parts.append(nn.functional.one_hot(torch.tensor(index.to_numpy()), len(words) + 1).float())
    return torch.cat(parts, 1)


x, y = matrix(train), torch.tensor(train["late"].to_numpy()).float()
xv, yv = matrix(valid), torch.tensor(valid["late"].to_numpy()).float()
model = nn.Sequential(nn.Linear(x.shape[1], 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loader = DataLoader(TensorDataset(x, y), batch_size=512, shuffle=True)
loss_of = nn.BCEWithLogitsLoss()
start = time.perf_counter()
for epoch in range(3):
    model.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = loss_of(model(xb).squeeze(1), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss_of(model(xv).squeeze(1), yv).item(), x.shape, file=sys.stderr)
print(f"trained in {time.perf_counter() - start:.3f} s")
