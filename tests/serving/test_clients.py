"""The clients under examples/clients, against a real server."""
import json
import pathlib
import shutil
import subprocess
import unittest

import harness as h

CLIENTS = h.ROOT / "examples/clients"
COLUMNS = {"carrier": ["UA", None], "distance": [700.5, 120], "날씨": ["비", "맑음"], "hour": [7, 23]}


class Clients(unittest.TestCase):
    def setUp(self):
        self.model = h.folder(self) / "columns"
        subprocess.run([h.SAMPLE, "columns", self.model], check=True)
        self.server = h.Server(self, self.model)
        lines = (self.model / "examples.jsonl").read_text().splitlines()
        self.expected = [json.loads(line)["outputs"] for line in lines[:2]]

    def check(self, command):
        answer = subprocess.run([*command, self.server.url, "flights", json.dumps(COLUMNS)], capture_output=True, text=True)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        outputs = json.loads(answer.stdout)
        if "outputs" in outputs:  # the whole answer, of the C++ client
            outputs = {o["name"]: o["data"] for o in outputs["outputs"]}
        for row, expected in enumerate(self.expected):
            self.assertAlmostEqual(outputs["probability"][row], expected["probability"], places=5)
            self.assertEqual(outputs["label"][row], expected["label"])
        bad = {**COLUMNS, "hour": [7.5, 23]}
        answer = subprocess.run([*command, self.server.url, "flights", json.dumps(bad)], capture_output=True, text=True)
        self.assertEqual(answer.returncode, 1, answer.stdout)
        self.assertIn("hour", answer.stderr + answer.stdout)

    def test_python(self):
        self.check(["python3", CLIENTS / "predict.py"])

    @unittest.skipUnless(shutil.which("curl") and shutil.which("jq"), "no curl or jq here: tools/install-deps test")
    def test_curl(self):
        self.check([CLIENTS / "predict.sh"])

    @unittest.skipUnless(pathlib.Path("/usr/include/cpprest/http_client.h").exists(), "no cpprestsdk here: tools/install-deps")
    def test_cpp(self):
        program = h.folder(self) / "predict"
        subprocess.run(["c++", "-std=c++17", CLIENTS / "predict.cc", "-o", program, "-lcpprest", "-lssl", "-lcrypto",
                        "-lpthread"], check=True)
        self.check([program])

    def test_each_has_at_most_24_lines(self):
        for name in ("predict.py", "predict.sh", "predict.cc"):
            self.assertLessEqual(len((CLIENTS / name).read_text().splitlines()), 24, name)


if __name__ == "__main__":
    unittest.main()
