"""The operator as a process of this machine, and between it and the API server a proxy that counts its calls and kills it at one.

Only on the project's own cluster, whose pods reach this machine: they ask the operator's gateway here.
"""
import base64
import contextlib
import http.client
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import harness as h

BEFORE, AFTER = "before", "after"
KEPT = ("accept", "authorization", "content-type", "user-agent")
MOST_IDLE = 30  # seconds of a connection to the API server, which may close it


class Upstream:
    """The API server of $KUBECONFIG."""

    def __init__(self):
        view = json.loads(h.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
        cluster = view["clusters"][0]["cluster"]
        self.url = urllib.parse.urlparse(cluster["server"])
        self.tls = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())

    def connect(self):
        return http.client.HTTPSConnection(self.url.hostname, self.url.port, context=self.tls, timeout=3600)


class Proxy(http.server.ThreadingHTTPServer):
    """Hands calls on, watches as they stream. Armed, it counts them, and calls `kill` once, at one of them: before it is handed on,
    or when it was answered and nobody has the answer yet. From then on nothing is handed on in either direction."""
    daemon_threads = True

    def __init__(self, upstream):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream, self.lock, self.connections = upstream, threading.Lock(), set()
        self.calls, self.at, self.mode, self.kill, self.killed_at = [], None, None, None, None
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def arm(self, kill=None, at=None, mode=None):
        """Counts from now on; without `at` it kills nobody."""
        with self.lock:
            self.calls, self.at, self.mode, self.kill = [], at, mode, kill

    def disarm(self):
        """The calls since it was armed."""
        with self.lock:
            self.at = None
            return list(self.calls)

    def note(self, call):
        """Whether this is the one; None of a call that comes after it."""
        with self.lock:
            if self.killed_at:
                return None
            self.calls.append(call)
            return len(self.calls) == self.at

    def strike(self, call):
        with self.lock:
            self.killed_at = call
        self.kill()

    def end(self):
        self.shutdown()
        self.server_close()
        with self.lock:
            connections = list(self.connections)
        for connection in connections:
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address):
        """A connection that broke: the operator was killed, or gave its call up. It sees that itself."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.api, self.used = self.server.upstream.connect(), time.monotonic()
        with self.server.lock:
            self.server.connections.add(self.api)

    def finish(self):
        with self.server.lock:
            self.server.connections.discard(self.api)
        self.api.close()
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *args):
        pass

    def hand_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
        call = f"{self.command} {urllib.parse.unquote(self.path)[:150]}"
        hit = self.server.note(call)
        self.close_connection = True
        if hit is None:
            return
        if hit and self.server.mode == BEFORE:
            self.server.strike(call)
            return
        if time.monotonic() - self.used > MOST_IDLE:
            self.api.close()  # request() opens it again
        self.api.request(self.command, self.path, body, {k: v for k, v in self.headers.items() if k.lower() in KEPT})
        answer = self.api.getresponse()
        streamed = "watch=" in self.path
        whole = b"" if streamed else answer.read()
        if hit:
            self.server.strike(call)
        if self.server.killed_at:
            return
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                self.send_header(name, value)
        if streamed:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        self.wfile.write(whole)
        while streamed and not self.server.killed_at and (piece := answer.read1(65536)):
            self.wfile.write(piece)
        self.close_connection, self.used = streamed, time.monotonic()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = hand_on


def free_port(address):
    with socket.socket() as s:
        s.bind((address, 0))
        return s.getsockname()[1]


class Operator:
    """What the chart installs, with the same options, account and images, as processes of this machine, one after the other."""

    def __init__(self, folder):
        self.folder, self.upstream = folder, Upstream()
        (folder / "data").mkdir()
        deployment = h.get("deployment", "penstock", h.SYSTEM)["spec"]
        self.account = deployment["template"]["spec"]["serviceAccountName"]
        address = next(a["address"] for a in h.items("nodes", "default")[0]["status"]["addresses"] if a["type"] == "InternalIP")
        gateway, self.metrics = free_port(address), free_port("127.0.0.1")
        own = ("--data-dir", "--gateway-port", "--gateway-url", "--metrics-port", "--library-dir", "--leader-elect", "--lease-namespace")
        self.args = [a for a in deployment["template"]["spec"]["containers"][0]["args"] if a.split("=")[0] not in own]
        self.args += [f"--data-dir={folder}/data", f"--gateway-address={address}", f"--gateway-port={gateway}",
                      f"--gateway-url=https://{address}:{gateway}", f"--metrics-port={self.metrics}",
                      f"--kubeconfig={folder}/kubeconfig", f"--lease-namespace={h.SYSTEM}"]
        self.process = self.proxy = None

    def start(self):
        """Returns when its first lists are read."""
        self.proxy = Proxy(self.upstream)
        token = h.kubectl("create", "token", self.account, "-n", h.SYSTEM, "--duration=4h").strip()
        server = f"http://127.0.0.1:{self.proxy.server_port}"
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "x",
                  "clusters": [{"name": "c", "cluster": {"server": server}}], "users": [{"name": "u", "user": {"token": token}}],
                  "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": h.SYSTEM}}]}
        (self.folder / "kubeconfig").write_text(json.dumps(config))
        (self.folder / "kubeconfig").chmod(0o600)
        with open(self.folder / "log", "a") as log:
            self.process = subprocess.Popen([h.BUILD / "bin/penstock-operator", *self.args], stdout=log, stderr=log,
                                            env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")})
        h.wait_until(f"the operator to be ready: {self.folder}/log", 60, self.ready, every=0.1)

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the operator ended with {self.process.returncode}: " + (self.folder / "log").read_text()[-2000:])
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/readyz", timeout=2) as answer:
            return answer.status == 200

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        if self.process and self.process.poll() is None:
            self.kill()
        if self.proxy:
            self.proxy.end()

    def again(self):
        self.end()
        self.start()


@contextlib.contextmanager
def in_place_of_the_installed(folder):
    """The chart's own operator is away meanwhile."""
    def scale(replicas):
        h.kubectl("scale", "-n", h.SYSTEM, "deployment/penstock", f"--replicas={replicas}")
    scale(0)
    operator = Operator(folder)
    try:
        h.wait_until("the installed operator to be gone", 60, lambda: not h.items(
            "pods", h.SYSTEM, "-l", "app.kubernetes.io/name=penstock"))
        operator.start()
        yield operator
    finally:
        operator.end()
        scale(1)
        h.kubectl("rollout", "status", "-n", h.SYSTEM, "deployment/penstock", "--timeout=120s", timeout=130)
