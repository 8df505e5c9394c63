"""A tenant's storm: what it costs other namespaces, and the operator, in the chart's own limits.

One namespace keeps 200 runs going whose sources never answer, steps that look for cached folders of 1,000,000 files, and 300 connections
to the gateway that say nothing. Another has one small run after the other, and the time from each run seen to its pod created is what
counts, against the same without a storm. Pods of runs end at once (simulated nodes); the storm's client is a pod with 0.3 of a core.
"""
import contextlib
import hashlib
import http.client
import json
import pathlib
import ssl
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import harness as h  # noqa: E402
from api import Api, PodWatch, Watch  # noqa: E402
from pods import EMPTY, IMAGE  # noqa: E402
from promise import quantile  # noqa: E402
from scale import simulated_nodes  # noqa: E402
from simulated_nodes import SCHEDULING  # noqa: E402

CALM, STORM = "bench-calm", "bench-storm"
RUNS, CONNECTIONS, FOLDERS, FILES = 200, 300, 3, 1_000_000
FIRST_PORT = 8000
SECONDS, EVERY = 60, 0.5  # of a phase; between two runs of the calm namespace
AT_MOST, MEMORY = 2.0, 256
GATEWAY = "penstock-gateway"


def runs_url(ns):
    return f"/apis/penstock.dev/v1alpha1/namespaces/{ns}/pipelineruns"


def step(name, **more):
    """Cacheable, so that the store is asked before it starts; unlike any other, so that it does start."""
    return {"name": name, "container": {"image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": EMPTY, "launcher": "InImage"},
            "cache": {"trustTag": True}, "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}} | SCHEDULING | more


class Gateway:
    """Requests to the gateway as a pod of a namespace makes them. Who answers is not verified: it is the cluster's own address."""

    def __init__(self, ns):
        self.token = h.kubectl("create", "token", "default", "-n", ns, "--audience", "penstock", "--duration", "2h").strip()
        self.host = h.get("service", GATEWAY, h.SYSTEM)["spec"]["clusterIP"]
        self.tls = ssl.create_default_context()
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE

    def send(self, method, path, body=None, length=None, timeout=600):
        connection = http.client.HTTPSConnection(self.host, 8443, context=self.tls, timeout=timeout)
        headers = {"Authorization": f"Bearer {self.token}"}
        if length is not None:
            headers["Content-Length"] = str(length)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def put(self, digest, body, length):
        status, text = self.send("PUT", f"/artifacts/v1/blobs/sha256:{digest}", body, length)
        if status not in (200, 201):
            raise RuntimeError(f"storing a blob: {status} {text[:300]!r}")


def store_folder(gateway, number, files):
    """A folder of so many files that are all alike, as an artifact."""
    content = hashlib.sha256(b"x").hexdigest()
    gateway.put(content, b"x", 1)
    digest = hashlib.sha256()
    with tempfile.TemporaryFile() as manifest:
        def write(text):
            digest.update(text.encode())
            manifest.write(text.encode())
        write('{"files":[')
        for i in range(files):
            write(f'{"," if i else ""}{{"path":"{number}/{i // 1000:04}/{i:07}.jpeg","sha256":"{content}","size":1}}')
        write('],"version":1}')
        length = manifest.tell()
        manifest.seek(0)
        gateway.put(digest.hexdigest(), manifest, length)
    print(f"  a folder of {files} files: a manifest of {length / 2**20:.0f} MiB", file=sys.stderr, flush=True)
    return {"digest": f"sha256:{digest.hexdigest()}", "folder": True, "bytes": files}


class Seen(Watch):
    """When each run of a namespace was first seen."""

    def __init__(self, api, ns):
        self.first, self.finished = {}, {}
        super().__init__(api, runs_url(ns))

    def see(self, run, now):
        self.first.setdefault(run["metadata"]["name"], now)
        if h.condition(run, "Finished").get("status") == "True":
            self.finished.setdefault(run["metadata"]["name"], now)


class FirstPods(PodWatch):
    """When the first pod of each run of a namespace was first seen."""

    def __init__(self, api, ns):
        self.of_run = {}
        super().__init__(api, ns)

    def see(self, pod, now):
        run = pod["metadata"].get("annotations", {}).get("penstock.dev/run")
        if run:
            self.of_run.setdefault(run, now)
        super().see(pod, now)


class Calm:
    def __init__(self):
        self.api, self.count = Api(), 0
        self.pods, self.runs = FirstPods(self.api, CALM), Seen(self.api, CALM)

    def delays(self, seconds):
        """Of each run made within so many seconds: from the run seen to its pod created, in seconds."""
        names, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            self.count += 1
            names.append(f"calm-{self.count}")
            begin = time.monotonic()
            # a name in its command, so that no two are one to the cache
            one = step("s")
            one["container"]["args"] = [names[-1]]
            self.api.call("POST", runs_url(CALM), h.run_of(names[-1], CALM, [one]))
            time.sleep(max(0.0, EVERY - (time.monotonic() - begin)))
        self.pods.wait_all(names, self.pods.of_run, 600)
        delays = [max(0.0, self.pods.of_run[n] - self.runs.first[n]) for n in names]
        self.runs.wait_all(names, self.runs.finished, 600)
        self.api.call("DELETE", runs_url(CALM))
        return delays


class Storm:
    """As long as its context lasts."""

    def __init__(self, folders, size):
        self.folders, self.runs, self.ports = folders, max(1, int(RUNS * size)), max(1, int(RUNS * size))
        self.connections = max(1, int(CONNECTIONS * size))
        self.over, self.begun, self.errors = threading.Event(), 0, []

    def pod(self):
        script = pathlib.Path(__file__).with_name("storm_client.pl").read_text()
        gateway = h.get("service", GATEWAY, h.SYSTEM)["spec"]["clusterIP"]
        limit = {"cpu": "300m", "memory": "128Mi"}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "storm", "labels": {"penstock.dev/managed": "true"}},
                "spec": {"restartPolicy": "Always", "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0,
                         "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
                         "containers": [{"name": "storm", "image": f"penstock/operator:{h.VERSION}", "imagePullPolicy": "IfNotPresent",
                                         "command": ["perl", "-e", script, str(FIRST_PORT), str(self.ports), gateway, "8443", str(self.connections)],
                                         "resources": {"requests": limit, "limits": limit},
                                         "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}]}}

    def run(self, i, address):
        """A step with a source that drips, and one whose folder the cache has."""
        source = step("source", inputs={"data": f"http://{address}:{FIRST_PORT + i % self.ports}/x"})
        folder = step(f"folder-{i % len(self.folders)}", outputs=[{"name": "images", "type": "dataset"}])
        source["container"]["args"] = [str(i)]
        return h.run_of(f"storm-{i}", STORM, [source, folder])

    def keep_going(self, address):
        try:
            api, watch = Api(), Seen(Api(), STORM)
            while not self.over.is_set():
                with watch.change:
                    open_now = self.begun - len(watch.finished)
                if open_now >= self.runs:
                    self.over.wait(0.2)
                    continue
                api.call("POST", runs_url(STORM), self.run(self.begun, address))
                self.begun += 1
        except Exception as e:
            self.errors.append(e)

    def __enter__(self):
        h.apply(STORM, self.pod())
        address = h.wait_until("the storm's client", 120, lambda: self.ready())
        self.thread = threading.Thread(target=self.keep_going, args=(address,))
        self.thread.start()
        h.wait_until("the storm", 120, lambda: self.begun >= self.runs or self.errors)
        return self

    def ready(self):
        pod = h.get("pod", "storm", STORM)
        ready = "ready" in h.kubectl("logs", "storm", "-n", STORM, check=False)
        return ready and pod["status"].get("podIP")

    def __exit__(self, *error):
        self.over.set()
        self.thread.join()
        lines = h.kubectl("logs", "storm", "-n", STORM, "--tail=1", check=False).strip()
        print(f"  storm: {self.begun} runs; {lines}", file=sys.stderr, flush=True)
        h.kubectl("delete", "pod", "storm", "-n", STORM, "--wait=true", "--grace-period=0", "--force")
        api = Api()
        h.wait_until("no runs of the storm", 600, lambda: not api.call("DELETE", f"{runs_url(STORM)}?limit=500")["items"])
        if self.errors and error[0] is None:
            raise self.errors[0]


class Memory(threading.Thread):
    """What the operator holds resident at most, MiB."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over, self.most = threading.Event(), 0.0

    def run(self):
        api = Api()
        while not self.over.wait(0.5):
            with contextlib.suppress(RuntimeError, OSError, http.client.HTTPException):
                self.most = max(self.most, api.metrics()["process_resident_memory_bytes"] / 2**20)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


class Neighbour(threading.Thread):
    """A pod of the calm namespace that asks the gateway twice a second: how often it was not answered."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over, self.gateway, self.answered, self.failures = threading.Event(), Gateway(CALM), 0, []

    def run(self):
        while not self.over.wait(0.5):
            try:
                status, _ = self.gateway.send("HEAD", "/artifacts/v1/blobs/sha256:" + "0" * 64, timeout=10)
                if status == 404:
                    self.answered += 1
                else:
                    self.failures.append(f"status {status}")
            except (OSError, http.client.HTTPException) as e:
                self.failures.append(repr(e))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def restarts():
    pods = h.items("pods", h.SYSTEM, "-l", "app.kubernetes.io/name=penstock")
    return sum(c["restartCount"] for p in pods for c in p["status"].get("containerStatuses", []))


def run(table, options):
    h.install()
    size, seconds = options.size, max(10, SECONDS * options.size)
    with h.Namespace(CALM), h.Namespace(STORM):
        gateway = Gateway(STORM)
        folders = [store_folder(gateway, i, int(FILES * size)) for i in range(FOLDERS)]
        before = restarts()
        ratios, notes, most, failures, answered = [], [], 0.0, [], 0
        with simulated_nodes(CALM), simulated_nodes(STORM, folders):
            calm = Calm()
            calm.delays(5)  # warm
            for _ in range(min(options.rounds, 3)):
                quiet = quantile(calm.delays(seconds), 0.95)
                with Memory() as memory, Neighbour() as neighbour, Storm(folders, size):
                    stormy = quantile(calm.delays(seconds), 0.95)
                most, answered = max(most, memory.most), answered + neighbour.answered
                failures += neighbour.failures
                ratios.append(stormy / quiet)
                notes.append(f"{stormy * 1000:.0f} against {quiet * 1000:.0f} ms")
                print(f"  a run seen to its pod created, p95: {notes[-1]}; the operator held {memory.most:.0f} MiB", file=sys.stderr, flush=True)
    table.at_most("run seen to pod created, p95, storm against calm", ratios, AT_MOST, note="; ".join(notes))
    table.at_most("operator's memory in a storm", [most], MEMORY, "MiB", f"{FOLDERS} folders of {int(FILES * size)} files")
    table.at_most("the operator's restarts in a storm", [restarts() - before], 0, "")
    table.at_most("a neighbour's requests to the gateway not answered", [len(failures)], 0, "", f"of {answered + len(failures)}; {failures[:2]}")
