"""A small, fast client of the API server for the bare-pod arm: one connection for writes, one for the watch."""
import base64
import http.client
import json
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse


class Api:
    def __init__(self):
        view = json.loads(subprocess.run(["kubectl", "config", "view", "--raw", "--minify", "--flatten", "-o", "json"],
                                         check=True, capture_output=True, text=True).stdout)
        cluster, user = view["clusters"][0]["cluster"], view["users"][0]["user"]
        self.server = urllib.parse.urlparse(cluster["server"])
        self.tls = ssl.create_default_context()
        self.tls.load_verify_locations(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        if "client-certificate-data" in user:
            with tempfile.NamedTemporaryFile() as cert, tempfile.NamedTemporaryFile() as key:
                cert.write(base64.b64decode(user["client-certificate-data"]))
                key.write(base64.b64decode(user["client-key-data"]))
                cert.flush()
                key.flush()
                self.tls.load_cert_chain(cert.name, key.name)
        self.headers = {"Content-Type": "application/json"}
        if "token" in user:
            self.headers["Authorization"] = f"Bearer {user['token']}"
        self.connection = self.connect()
        self.lock = threading.Lock()

    def connect(self, timeout=30):
        return http.client.HTTPSConnection(self.server.hostname, self.server.port, context=self.tls, timeout=timeout)

    def call(self, method, path, body=None):
        with self.lock:
            self.connection.request(method, path, json.dumps(body) if body else None, self.headers)
            answer = self.connection.getresponse()
            text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)


class PodWatch(threading.Thread):
    """Notes when each pod of a namespace was first seen and when it was first seen ended (seconds, monotonic)."""

    def __init__(self, api, ns):
        super().__init__(daemon=True)
        self.api, self.ns = api, ns
        self.seen, self.ended, self.failed = {}, {}, {}
        self.change = threading.Condition()
        self.version = api.call("GET", f"/api/v1/namespaces/{ns}/pods")["metadata"]["resourceVersion"]
        self.start()

    def run(self):
        connection = self.api.connect(timeout=3600)
        connection.request("GET", f"/api/v1/namespaces/{self.ns}/pods?watch=1&resourceVersion={self.version}",
                           headers=self.api.headers)
        for line in connection.getresponse():
            event, now = json.loads(line), time.monotonic()
            pod = event["object"]
            name, phase = pod["metadata"]["name"], pod.get("status", {}).get("phase")
            with self.change:
                self.seen.setdefault(name, now)
                if phase in ("Succeeded", "Failed"):
                    self.ended.setdefault(name, now)
                    if phase == "Failed":
                        self.failed[name] = pod["status"]
                self.change.notify_all()

    def wait_ended(self, names, seconds=300):
        with self.change:
            if not self.change.wait_for(lambda: all(n in self.ended for n in names), seconds):
                raise RuntimeError(f"pods did not end within {seconds} s: {[n for n in names if n not in self.ended][:3]}")
        bad = [n for n in names if n in self.failed]
        if bad:
            raise RuntimeError(f"pod {bad[0]} failed: {self.failed[bad[0]]}")
