"""gRPC through the routers, under load all the time: canary promoted, both routers restarted, no call lost."""
import contextlib
import json
import pathlib
import struct
import subprocess
import tempfile
import time
import unittest

import harness as h
import test_rollout
from test_rollout import put, write_scale

GRPC_LOAD = h.BUILD / "bin/grpc-load"
SERVER = {"grpcPort": 8081}


def field(number, content):
    """A field of protobuf, of bytes below 128."""
    return bytes([number << 3 | 2, len(content)]) + content


def infer(model, values):
    """A ModelInferRequest of one row, its tensor as raw bytes."""
    tensor = field(1, b"x") + field(2, b"FP32") + field(3, bytes([1, len(values)]))
    return field(1, model.encode()) + field(5, tensor) + field(7, struct.pack(f"<{len(values)}f", *values))


class GrpcLoad:
    """Calls to the Service's port of gRPC until it is stopped."""

    def __init__(self, address, folder, connections=4):
        body = pathlib.Path(folder) / "infer.bin"
        body.write_bytes(infer("scale", [1.0, 2.0]))
        self.process = subprocess.Popen(
            [GRPC_LOAD, "call", "--target", address, "--method", "/inference.GRPCInferenceService/ModelInfer", "--body", body,
             "--connections", str(connections), "--pace", "50", "--until-eof"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def stop(self):
        out, _ = self.process.communicate(timeout=60)
        return json.loads(out)


class Grpc(test_rollout.UnderLoad):
    def address(self):
        service = h.get("service", "scale", self.ns)["spec"]
        port = next(p for p in service["ports"] if p["name"] == "grpc")
        return f"{service['clusterIP']}:{port['port']}"

    @contextlib.contextmanager
    def calls(self, name):
        """None of gRPC's is lost meanwhile, nor one of HTTP's, which go on beside them."""
        with tempfile.TemporaryDirectory() as folder:
            load, begin, found = GrpcLoad(self.address(), folder), time.monotonic(), {}
            try:
                time.sleep(1)
                with self.phase(name):
                    yield found
                time.sleep(1)
            finally:
                found.update(load.stop())
            print(f"grpc: {name}: codes {found['codes']}, versions {found['versions']}, {time.monotonic() - begin:.0f} s", flush=True)
            self.assertEqual(set(found["codes"]), {"0"}, found["failures"][:10])
            self.assertGreater(found["codes"]["0"], 50)

    def test_no_call_of_grpc_is_lost_while_versions_and_routers_come_and_go(self):
        with self.under_load(server=SERVER):
            two = put(self.ns, lambda f: write_scale(f, 3))
            self.move_to_routers()
            h.wait_until("the routers' port of gRPC", 30, lambda: self.status().get("router", {}).get("grpcPort"))
            with self.calls("a canary is promoted") as seen:
                self.follow(two, server=SERVER)
                self.wait_stable(two)
            self.assertEqual(set(seen["versions"]), {"1", "2"})
            with self.calls("both routers are restarted") as seen:
                h.kubectl("rollout", "restart", "deployment/penstock-router", "-n", self.ns)
                h.kubectl("rollout", "status", "deployment/penstock-router", "-n", self.ns, "--timeout=180s")
                time.sleep(2)
            self.assertEqual(set(seen["versions"]), {"2"})
            with self.calls("the Service moves back to the servers"):
                self.follow(two, server=SERVER, rollout={"strategy": "BlueGreen"})
                h.wait_until("the Service to point to servers", 30, lambda: not self.to_routers())
                time.sleep(2)


if __name__ == "__main__":
    unittest.main()
