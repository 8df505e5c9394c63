#!/usr/bin/env python3
"""A network of your own, trained in PyTorch, written as a folder that penstock-serve serves.

usage: train.py FOLDER [--format torchscript|aotinductor]     needs torch and scikit-learn (for its data only)

The folder gets model.yaml (what the model takes and gives), the network, and examples.jsonl: rows with this
program's own answers, which the server must reproduce before it takes traffic.
"""
import argparse
import json
import pathlib

import sklearn.datasets
import torch


class Digits(torch.nn.Module):
    """8x8 pixels of 0 to 16 -> the probability of each digit."""

    def __init__(self):
        super().__init__()
        self.convolution = torch.nn.Conv2d(1, 16, 3, padding=1)
        self.layers = torch.nn.Sequential(torch.nn.Linear(16 * 16, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))

    def logits(self, x):
        h = torch.relu(self.convolution((x / 16).reshape(-1, 1, 8, 8)))
        return self.layers(torch.nn.functional.max_pool2d(h, 2).flatten(1))

    def forward(self, x):
        return torch.softmax(self.logits(x), 1)


def train(x, y, epochs=20):
    torch.manual_seed(0)
    model = Digits()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model.logits(x[rows]), y[rows]).backward()
            optimizer.step()
    return model.eval()


def write(model, folder, form, x):
    folder.mkdir(parents=True, exist_ok=True)
    if form == "torchscript":
        file = "model.ts"
        torch.jit.script(model).save(str(folder / file))
    else:
        file = "model.pt2"
        # machine code for this CPU; it may not have more instructions than those that will serve it
        torch.set_num_threads(1)  # what the code uses; the server runs requests side by side
        program = torch.export.export(model, (x[:2],), dynamic_shapes={"x": {0: torch.export.Dim.DYNAMIC}})
        torch._inductor.aoti_compile_and_package(program, package_path=str(folder / file))
    (folder / "model.yaml").write_text(f"""formatVersion: 1
name: digits
backend: {form}
file: {file}
batchAxis: 0
inputs: [{{name: x, type: float32, shape: [-1, 64], minimum: 0, maximum: 16}}]
outputs: [{{name: probabilities, type: float32, shape: [-1, 10]}}]
""")
    with torch.no_grad():
        answers = model(x[:10])
    with open(folder / "examples.jsonl", "w") as file:
        for row, answer in zip(x[:10], answers):
            file.write(json.dumps({"inputs": {"x": row.tolist()}, "outputs": {"probabilities": answer.tolist()}}) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--format", choices=["torchscript", "aotinductor"], default="torchscript")
    parser.add_argument("--answers", type=pathlib.Path, help="also write 1,000 rows with this program's answers, as JSON")
    options = parser.parse_args()
    data = sklearn.datasets.load_digits()
    x, y = torch.tensor(data.data, dtype=torch.float32), torch.tensor(data.target)
    model = train(x[1000:], y[1000:])
    with torch.no_grad():
        answers = model(x[:1000])
    print(f"accuracy on 1000 rows that it was not trained on: {(answers.argmax(1) == y[:1000]).float().mean():.3f}")
    write(model, options.folder, options.format, x)
    if options.answers:
        options.answers.write_text(json.dumps({"x": x[:1000].tolist(), "probabilities": answers.tolist()}))


if __name__ == "__main__":
    main()
