"""A server in a container with little memory, and requests that want all of it: it refuses, and is not killed.

The container is a control group as the kubelet makes one: what takes more than the limit is killed by the kernel."""
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import zlib

import harness as h
import raw_grpc

LIMIT = 384 << 20
SECONDS = 3
CLIENTS = 8


class Container:
    """A control group, version 1 or 2, with a limit of memory."""

    def __init__(self, test):
        v1 = pathlib.Path("/sys/fs/cgroup/memory")
        self.folder = (v1 if v1.is_dir() else pathlib.Path("/sys/fs/cgroup")) / f"penstock-test-{os.getpid()}"
        try:
            self.folder.mkdir()
            (self.folder / ("memory.limit_in_bytes" if v1.is_dir() else "memory.max")).write_text(str(LIMIT))
        except OSError as e:
            raise unittest.SkipTest(f"this process may not make a control group: {e}")
        test.addClassCleanup(self.folder.rmdir)

    def command(self):
        return ["sh", "-c", 'echo $$ >"$0"/cgroup.procs && exec "$@"', self.folder]


def tensor_json(datatype, shape, data, first="shape"):
    """A V2 request of one input; `data` is its text."""
    shape, data = f'"shape":{json.dumps(shape)}', f'"data":{data}'
    parts = (shape, data) if first == "shape" else (data, shape)
    return '{"inputs":[{"name":"x","datatype":"%s",%s,%s}]}' % (datatype, *parts)


def dense(text, size):
    """[text,text,...] of about this many bytes, and how many there are."""
    count = size // (len(text) + 1)
    return "[" + (text + ",") * (count - 1) + text + "]", count


class Memory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.container = Container(cls)
        scratch = tempfile.TemporaryDirectory(prefix="penstock-serving-")
        cls.addClassCleanup(scratch.cleanup)
        cls.model = pathlib.Path(scratch.name) / "mlp"
        subprocess.run([h.SAMPLE, "mlp", cls.model], check=True)

    def setUp(self):
        self.server = h.Server(self, self.model, "--grpc-port", "0", within=self.container.command())
        self.assertIsNone(self.server.problem)
        self.one = int(re.search(r"bodies of (\d+) bytes", self.server.log).group(1))
        self.answers = {}

    def flood(self, attack, alone):
        """Once, which is answered so; then from several clients at once, for a while. Then the server is there, and answers."""
        self.assertEqual(attack(), alone)
        end = time.monotonic() + SECONDS

        def client():
            while time.monotonic() < end:
                try:
                    answer = attack()
                except OSError as e:
                    answer = type(e).__name__
                self.answers[answer] = self.answers.get(answer, 0) + 1

        threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertIsNone(self.server.process.poll(), f"killed; it had answered {self.answers}")
        status, answer = self.server.call("/v2/models/mlp/infer", {"inputs": [{"name": "x", "shape": [1, 64], "datatype": "FP32", "data": [0.5] * 64}]})
        self.assertEqual(status, 200, answer)

    def http(self, body, path="/v2/models/mlp/infer", **headers):
        return self.send(body, path, Content_Length=len(body), **headers)

    def send(self, body, path="/v2/models/mlp/infer", **headers):
        """The status that is answered to a head and these bytes."""
        lines = [f"POST {path} HTTP/1.1", "Host: h", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
        with socket.create_connection(("127.0.0.1", self.server.port), 30) as s:
            try:
                s.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it refuses before it has all
            return int(s.recv(100)[9:12] or 0)

    def grpc(self, content):
        with raw_grpc.Connection(self.server.grpc_port) as c:
            stream = c.begin()
            c.send(stream, raw_grpc.message(content))
            c.wait(stream)
            return self.end(c, stream)

    @staticmethod
    def end(connection, stream):
        return "answered" if connection.answers[stream] else "refused" if stream in connection.ended else "cut off"

    def text(self, datatype, element, first="shape"):
        data, count = dense(element, self.one - 1000)
        return tensor_json(datatype, [count], data, first).encode()

    def test_json_of_the_shortest_integers(self):
        body = self.text("INT64", "1")
        self.flood(lambda: self.http(body), 400)  # read to its end, and of a type that the model does not take

    def test_json_whose_data_comes_before_its_shape(self):
        body = self.text("FP64", "1", first="data")
        self.flood(lambda: self.http(body), 400)

    def test_json_of_empty_texts(self):
        body = self.text("BYTES", '""')
        self.flood(lambda: self.http(body), 400)

    def test_predict_requests(self):
        rows, _ = dense("[1]", self.one - 1000)
        body = ('{"instances":' + rows + "}").encode()
        self.flood(lambda: self.http(body, "/v1/models/mlp:predict"), 400)

    def test_compressed_json(self):
        body = zlib.compress(self.text("INT64", "1"), 1, 31)
        self.flood(lambda: self.http(body, Content_Encoding="gzip"), 400)

    def test_a_gibibyte_that_is_said_to_come(self):
        self.flood(lambda: self.send(b" " * (1 << 20), Content_Length=1 << 30), 413)

    def test_chunks_of_one_byte_each(self):
        body = b"1\r\n \r\n" * (self.one + 1000)  # six bytes for one
        self.flood(lambda: self.send(body, Transfer_Encoding="chunked"), 413)

    def test_binary_tensors_that_are_answered(self):
        rows = (self.one - 1000) // 256
        head = json.dumps({"inputs": [{"name": "x", "shape": [rows, 64], "datatype": "FP32", "parameters": {"binary_data_size": rows * 256}}]}).encode()
        self.flood(lambda: self.http(head + bytes(rows * 256), Inference_Header_Content_Length=len(head)), 200)

    def test_grpc_tensors_that_are_answered(self):
        rows = (self.one - 1000) // 256
        content = raw_grpc.infer_request("mlp", "x", "FP32", [rows, 64], bytes(rows * 256))
        self.flood(lambda: self.grpc(content), "answered")

    def test_grpc_integers_of_one_byte(self):
        self.grpc_contents(raw_grpc.field(3, bytes(self.one - 1000)))

    def test_grpc_empty_texts(self):
        self.grpc_contents(raw_grpc.field(8, b"") * ((self.one - 1000) // 2))

    def test_grpc_empty_inputs(self):
        content = raw_grpc.field(5, b"") * ((self.one - 1000) // 2)
        self.flood(lambda: self.grpc(content), "refused")

    def grpc_contents(self, contents):
        content = raw_grpc.field(1, "mlp") + raw_grpc.field(5, raw_grpc.field(1, "x") + raw_grpc.field(5, contents))
        self.flood(lambda: self.grpc(content), "refused")

    def test_grpc_messages_that_do_not_come_on(self):
        part = bytes(self.one - 2000)
        held = []

        def stall():
            c = raw_grpc.Connection(self.server.grpc_port)
            held.append(c)
            stream = c.begin()
            sent = c.send(stream, raw_grpc.message(part, self.one - 1000), last=False)
            return "whole" if sent == len(part) + 5 else "cut off"

        self.flood(stall, "whole")
        for c in held:
            c.socket.close()
        self.assertIn("cut off", self.answers)

    def test_grpc_bombs(self):
        pack = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = b"".join(pack.compress(bytes(1 << 20)) for _ in range(512)) + pack.flush()
        self.flood(lambda: self.compressed(bomb), "refused")

    def compressed(self, content):
        with raw_grpc.Connection(self.server.grpc_port) as c:
            stream = c.begin(more={"grpc-encoding": "gzip"})
            c.send(stream, raw_grpc.message(content, compressed=True))
            c.wait(stream)
            return self.end(c, stream)


if __name__ == "__main__":
    unittest.main()
