"""Starts penstock-serve on a free port of 127.0.0.1 and speaks V2 to it."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
SERVE = BUILD / "bin/penstock-serve"
SAMPLE = BUILD / "bin/serve-sample-model"


def bench_python():
    """Python with torch and scikit-learn, or None."""
    venv = os.environ.get("PENSTOCK_BENCH_VENV", pathlib.Path.home() / ".cache/penstock/bench-venv")
    python = pathlib.Path(venv) / "bin/python"
    return python if python.exists() else None


def folder(test):
    path = tempfile.TemporaryDirectory(prefix="penstock-serving-")
    test.addCleanup(path.cleanup)
    return pathlib.Path(path.name)


class Server:
    """A server that is ready, or has said why not (`problem`)."""

    def __init__(self, test, model, *flags, within=()):
        """`within`: a command that runs another."""
        self.process = subprocess.Popen([*within, SERVE, "--model", model, "--address", "127.0.0.1", "--port", "0", *flags],
                                        stderr=subprocess.PIPE, text=True)
        test.addCleanup(self.stop)
        self.problem, self.port, self.grpc_port, self.log = None, None, None, ""
        for line in self.process.stderr:
            self.log += line
            found = re.search(r": port (\d+),(?: gRPC port (\d+),)?", line)
            if found:
                self.port, self.grpc_port = found.groups()
            if "not ready: " in line:
                self.problem = line.split("not ready: ", 1)[1].strip()
                break
            if ": ready: " in line:
                break
        else:
            raise AssertionError(f"penstock-serve ended with {self.process.wait()}")
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def call(self, path, body=None):
        """(status, JSON)"""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"} if data else {})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)

    def text(self, path):
        with urllib.request.urlopen(self.url + path, timeout=60) as response:
            return response.read().decode()
