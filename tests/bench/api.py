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


MOST_IDLE = 30  # seconds of a connection


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
        self.headers = {}
        if "token" in user:
            self.headers["Authorization"] = f"Bearer {user['token']}"
        self.connection, self.used = self.connect(), time.monotonic()
        self.lock = threading.Lock()

    def connect(self, timeout=60):
        return http.client.HTTPSConnection(self.server.hostname, self.server.port, context=self.tls, timeout=timeout)

    def send(self, method, path, body=None, headers=None):
        with self.lock:
            if time.monotonic() - self.used > MOST_IDLE:
                self.connection.close()  # request() opens it again; the server may have closed it
            self.connection.request(method, path, body, self.headers | (headers or {}))
            answer = self.connection.getresponse()
            text = answer.read()
            self.used = time.monotonic()
        return answer, text

    def watch(self, path, version):
        """The objects of a collection as they change, for ever; a watch that the server ends goes on where it was."""
        while True:
            connection = self.connect(timeout=3600)
            connection.request("GET", f"{path}?watch=1&resourceVersion={version}", headers=self.headers)
            answer = connection.getresponse()
            if answer.status == 429:  # an API server that has just started
                time.sleep(1)
                continue
            if answer.status != 200:
                raise RuntimeError(f"watching {path}: {answer.status} {answer.read()[:300]!r}")
            for line in answer:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise RuntimeError(f"watching {path}: {event['object']}")
                version = event["object"]["metadata"]["resourceVersion"]
                yield event["object"]

    def metrics(self):
        """The operator's metrics, as {"name{labels}": value}."""
        answer, text = self.send("GET", "/api/v1/namespaces/penstock-system/services/penstock-metrics:http/proxy/metrics")
        text = text.decode()
        if answer.status != 200:
            raise RuntimeError(f"the operator's metrics: {answer.status} {text[:300]}")
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[:1] not in ("#", "")}

    def call(self, method, path, body=None, content="application/json"):
        if method == "POST":
            path += "?fieldValidation=Strict"  # a field that is dropped would make another benchmark of it
        answer, text = self.send(method, path, json.dumps(body) if body else None, {"Content-Type": content})
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)


class Watch(threading.Thread):
    """Follows a collection; `see(object, now)` is called for each event under the condition `change`."""

    def __init__(self, api, path):
        super().__init__(daemon=True)
        self.api, self.path = api, path
        self.change = threading.Condition()
        self.version = api.call("GET", f"{path}?limit=1")["metadata"]["resourceVersion"]
        self.start()

    def run(self):
        for seen in self.api.watch(self.path, self.version):
            now = time.monotonic()
            with self.change:
                self.see(seen, now)
                self.change.notify_all()


    def wait_all(self, names, ended, seconds):
        """Until every name is in `ended`, which `see` fills."""
        left = list(names)

        def none_left():  # called at each event, so it looks at no name twice
            while left and left[-1] in ended:
                left.pop()
            return not left

        with self.change:
            if not self.change.wait_for(none_left, seconds):
                late = [n for n in names if n not in ended]
                raise RuntimeError(f"{len(late)} of {len(names)} did not end within {seconds} s: {late[:3]}")


class PodWatch(Watch):
    """Notes (seconds, monotonic) when each pod of a namespace was first seen; when its step's container was first
    seen ended, or the pod itself; and when the pod was."""

    def __init__(self, api, ns):
        self.seen, self.done, self.ended, self.failed = {}, {}, {}, {}
        super().__init__(api, f"/api/v1/namespaces/{ns}/pods")

    def see(self, pod, now):
        name, status = pod["metadata"]["name"], pod.get("status", {})
        phase, containers = status.get("phase"), status.get("containerStatuses", [])
        self.seen.setdefault(name, now)
        if phase in ("Succeeded", "Failed") or any("terminated" in c["state"] for c in containers):
            self.done.setdefault(name, now)
        if phase in ("Succeeded", "Failed"):
            self.ended.setdefault(name, now)
            if phase == "Failed":
                self.failed[name] = status

    def wait_ended(self, names, seconds=300):
        self.wait_all(names, self.ended, seconds)
        bad = [n for n in names if n in self.failed]
        if bad:
            raise RuntimeError(f"pod {bad[0]} failed: {self.failed[bad[0]]}")
