"""A network trained in PyTorch, served as TorchScript and as AOTInductor code: the server's answers are Python's."""
import json
import subprocess
import unittest

import harness as h

PYTHON = h.bench_python()


@unittest.skipUnless(PYTHON, "no Python with torch here: tools/install-deps bench")
class OwnModel(unittest.TestCase):
    def serve(self, form):
        folder = h.folder(self)
        subprocess.run([PYTHON, h.ROOT / "examples/own-model/train.py", folder / "digits", "--format", form,
                        "--answers", folder / "answers.json"], check=True, capture_output=True, text=True, timeout=1500)
        truth = json.loads((folder / "answers.json").read_text())
        self.assertEqual(len(truth["x"]), 1000)
        server = h.Server(self, folder / "digits")
        self.assertIsNone(server.problem)
        return server, truth

    def compare(self, server, truth, rows):
        for first in range(0, 1000, rows):
            x = truth["x"][first:first + rows]
            status, answer = server.call("/v2/models/digits/infer", {"inputs": [
                {"name": "x", "shape": [len(x), 64], "datatype": "FP32", "data": x}]})
            self.assertEqual(status, 200, answer)
            output = answer["outputs"][0]
            self.assertEqual(output["shape"], [len(x), 10])
            expected = [v for row in truth["probabilities"][first:first + rows] for v in row]
            for got, want in zip(output["data"], expected, strict=True):
                self.assertLessEqual(abs(got - want), 1e-7 + 1e-5 * abs(want), f"row {first} on")

    def test_torchscript_answers_as_python_does(self):
        server, truth = self.serve("torchscript")
        self.assertEqual(server.call("/v2/models/digits")[1]["platform"], "pytorch_torchscript")
        for rows in (1, 32):
            self.compare(server, truth, rows)

    def test_aotinductor_answers_as_python_does(self):
        server, truth = self.serve("aotinductor")
        self.assertEqual(server.call("/v2/models/digits")[1]["platform"], "pytorch_aotinductor")
        for rows in (1, 32):
            self.compare(server, truth, rows)

    def test_a_pixel_out_of_its_bounds_is_refused_by_name(self):
        server, truth = self.serve("torchscript")
        x = [17.0] + truth["x"][0][1:]
        status, answer = server.call("/v2/models/digits/infer", {"inputs": [
            {"name": "x", "shape": [1, 64], "datatype": "FP32", "data": x}]})
        self.assertEqual(status, 400)
        self.assertIn("input 'x': element 0 is 17, above the maximum 16", answer["error"])


if __name__ == "__main__":
    unittest.main()
