"""Our server keeps every rule of tests/conformance/v2; its `run` holds other servers to the same."""
import subprocess
import sys
import unittest
import urllib.parse

import harness as h

sys.path.insert(0, str(h.ROOT / "tests/conformance/v2"))
import cases  # noqa: E402


class V2(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.addCleanup = cls.addClassCleanup  # the server is the class's
        model = h.folder(cls) / "mlp"
        subprocess.run([h.SAMPLE, "mlp", model], check=True)
        text = (model / "model.yaml").read_text()
        name = text.split("inputs:")[1].split("name:")[1].split(",")[0].strip().strip('"')
        server = h.Server(cls, model, "--name", "m")
        assert server.problem is None, server.problem
        cls.server = cases.Server(urllib.parse.urlparse(server.url).port, name)


def test_of(check):
    return lambda self: check(self.server)


for case, (_, _, check) in cases.CASES.items():
    setattr(V2, f"test_{case}", test_of(check))

if __name__ == "__main__":
    unittest.main()
