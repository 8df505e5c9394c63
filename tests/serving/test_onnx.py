"""Models of scikit-learn and LightGBM, converted to ONNX: ready where the conversion answers as the library does."""
import json
import os
import pathlib
import re
import subprocess
import unittest

import harness as h

VENV = pathlib.Path(os.environ.get("PENSTOCK_CONVERT_VENV", pathlib.Path.home() / ".cache/penstock/convert-venv"))


@unittest.skipUnless((VENV / "bin/python").exists(), "no Python with skl2onnx here: tools/install-deps convert")
class Onnx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.models = h.folder(cls)
        subprocess.run([VENV / "bin/python", h.ROOT / "tests/serving/make_onnx_models.py", cls.models], check=True,
                       capture_output=True, text=True, timeout=900)

    @classmethod
    def addCleanup(cls, *arguments):  # h.folder() is asked for by the class
        cls.addClassCleanup(*arguments)

    def examples(self, name):
        return [json.loads(line) for line in (self.models / name / "examples.jsonl").read_text().splitlines()]

    def body(self, name, examples):
        inputs = []
        for column, first in examples[0]["inputs"].items():
            values = [e["inputs"][column] for e in examples]
            shape = [len(values)] + ([len(first)] if isinstance(first, list) else [])
            datatype = "BYTES" if isinstance(first, str) else "FP32"
            flat = [v for row in values for v in row] if isinstance(first, list) else values
            inputs.append({"name": column, "shape": shape, "datatype": datatype, "data": flat})
        return {"inputs": inputs}

    def test_a_converted_model_answers_as_its_library_does(self):
        for name in ("logistic", "zipmap", "forest", "mlp", "lightgbm", "columns", "text"):
            with self.subTest(name):
                server = h.Server(self, self.models / name)
                self.assertIsNone(server.problem)
                self.assertEqual(server.call(f"/v2/models/{name}")[1]["platform"], "onnxruntime_onnx")
                examples = self.examples(name)
                self.assertEqual(len(examples), 200)
                for rows in (1, 50):
                    some = examples[:rows]
                    status, answer = server.call(f"/v2/models/{name}/infer", self.body(name, some))
                    self.assertEqual(status, 200, answer)
                    label, probabilities = answer["outputs"]
                    self.assertEqual(label["data"], [e["outputs"][label["name"]] for e in some])
                    want = [p for e in some for p in e["outputs"][probabilities["name"]]]
                    worst = max(abs(a - b) for a, b in zip(probabilities["data"], want, strict=True))
                    self.assertLessEqual(worst, 1e-5)

    def test_what_the_converter_changed_is_not_ready_and_named_by_its_row(self):
        server = h.Server(self, self.models / "broken")
        self.assertIsNotNone(server.problem, "the forest's direction of missing values has been lost by skl2onnx until 1.20")
        self.assertTrue(re.search(r"example \d+: output '(label|probabilities)'", server.problem), server.problem)


if __name__ == "__main__":
    unittest.main()
