"""What the end-to-end tests share: kubectl, helm, images, waiting with a deadline.

The cluster is $KUBECONFIG's. On the project's own cluster (PENSTOCK_OWN_CLUSTER=1, tests/cluster) the images
are made of $BUILD (default build/release) and loaded into the node, and a hostPath volume is made.
"""
import contextlib
import hashlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
OWN = os.environ.get("PENSTOCK_OWN_CLUSTER") == "1"
SYSTEM = "penstock-system"
DUCKDB = pathlib.Path(os.environ.get("PENSTOCK_DEPS", pathlib.Path.home() / ".cache/penstock/deps")) / "duckdb_cli/duckdb"
VERSION = re.search(r"^project\(penstock VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(), re.M).group(1)
BASE = "docker.io/library/debian:bookworm-slim"
IMAGES = ["operator", "launcher", "components", "git", "serve", "router", "flights-data"]


def sh(*args, check=True, timeout=300, **kw):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=timeout, **kw)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def kubectl(*args, **kw):
    return sh("kubectl", *args, **kw).stdout


def documented(document, begins, change=lambda line: line, **kw):
    """Runs the one command of a document that begins so, as it stands there but for `change`."""
    lines = [line for line in commands(document) if line.startswith(begins)]
    if len(lines) != 1:
        raise AssertionError(f"{document} has {len(lines)} commands that begin with '{begins}'")
    env = {**os.environ, "PATH": f"{BUILD / 'bin'}:{os.environ['PATH']}"}
    return sh("bash", "-c", change(lines[0]), cwd=kw.pop("cwd", ROOT), env=env, **kw)


def commands(document):
    """The commands of a document: those of its sh blocks, and kubectl's within sentences."""
    text, lines = (ROOT / document).read_text(), []
    for block in re.findall(r"```sh\n(.*?)```", text, re.S):
        rest = ""
        for line in block.splitlines():
            rest += line
            if rest.count("'") % 2 == 0:  # else the command goes on in the next line
                lines.append(rest.split(" #")[0].strip())
                rest = ""
        assert not rest, f"{document}: a quote is not closed: {rest}"
    return [line for line in lines if line] + re.findall(r"`(kubectl [^`]*)`", re.sub(r"```.*?```", "", text, flags=re.S))


def get(kind, name, ns):
    done = sh("kubectl", "get", kind, name, "-n", ns, "-o", "json", check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def items(kind, ns, *args):
    return json.loads(kubectl("get", kind, "-n", ns, "-o", "json", *args))["items"]


def condition(obj, kind):
    for c in (obj or {}).get("status", {}).get("conditions", []):
        if c["type"] == kind:
            return c
    return {}


def wait_until(what, seconds, probe, every=0.25):
    """Calls probe until it gives something true; fails naming what was waited for."""
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(every)


def images_digest():
    h = hashlib.sha256()
    for program in ["penstock-operator", "penstock", "penstock-launcher", "penstock-components", "penstock-models", "penstock-git", "penstock-http",
                    "penstock-kubernetes", "penstock-serve", "penstock-router"]:
        h.update((BUILD / "bin" / program).read_bytes())
    for f in sorted([*(ROOT / "images").rglob("*"), *ROOT.glob("components/*/component.yaml")]):
        if f.is_file():
            h.update(f.read_bytes())
    return h.hexdigest()


def load_images():
    """Builds the images of $BUILD and loads them, unless the node has just these."""
    state = pathlib.Path(os.environ.get("CLUSTER_STATE", "/tmp/penstock-cluster"))
    marker, digest = state / "images.digest", images_digest()
    if marker.exists() and marker.read_text() == digest:
        return
    if "debian" not in sh("buildah", "images", "--format", "{{.Name}}", check=False).stdout:
        with tempfile.TemporaryDirectory() as t:
            sh("mmdebstrap", "--variant=minbase", "bookworm", f"{t}/base.tar", timeout=900)
            sh("podman", "import", f"{t}/base.tar", BASE, timeout=300)
    dist = ROOT / "dist"
    documented("README.md", "images/build", timeout=1800, change=lambda line:
               f"{line} --tool buildah --certificates --from '{BUILD}' --archive '{dist}'")
    sh(ROOT / "tests/cluster/cluster", "load", *[dist / f"{i}.tar" for i in IMAGES], timeout=600)
    marker.write_text(digest)


def load_base():
    """Loads the image that our own are made from into the node: what a step with a shell of Debian's runs in."""
    with tempfile.TemporaryDirectory() as t:
        sh("podman", "save", "--format", "docker-archive", "-o", f"{t}/base.tar", BASE, timeout=300)
        sh(ROOT / "tests/cluster/cluster", "load", f"{t}/base.tar", timeout=300)


def make_volume(name="penstock", size="20Gi", claim=None, mode="ReadWriteOnce"):
    """A folder of the node as a volume for `claim` (namespace and name), or for the first that asks."""
    folder = pathlib.Path(os.environ.get("CLUSTER_STATE", "/tmp/penstock-cluster")) / f"volumes/{name}"
    folder.mkdir(parents=True, exist_ok=True)
    os.chown(folder, 65532, 65532)
    spec = {"capacity": {"storage": size}, "accessModes": [mode], "hostPath": {"path": str(folder)},
            "persistentVolumeReclaimPolicy": "Retain"}
    apply(None, {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
                 "spec": {**spec, **({"claimRef": dict(zip(("namespace", "name"), claim))} if claim else {})}})


def restarted_for(digest):
    """Whether the operator's pods are not of the images of this digest yet; from then on they are."""
    annotation = "e2e.penstock.dev/images"
    old = get("deployment", "penstock", SYSTEM)["metadata"].get("annotations", {}).get(annotation)
    kubectl("annotate", "deployment/penstock", "-n", SYSTEM, f"{annotation}={digest}", "--overwrite")
    return old != digest


def install(*extra):
    """Installs or upgrades the chart; returns when the operator is ready."""
    if OWN:
        load_images()
        make_volume(claim=(SYSTEM, "penstock"))
    sh("helm", "upgrade", "--install", "penstock", ROOT / "charts/penstock", "-n", SYSTEM, "--create-namespace",
       "--reset-values", "--wait", "--timeout", "180s", "--take-ownership", *extra)  # the integration tests apply the CRDs too
    kubectl("label", "namespace", SYSTEM, "pod-security.kubernetes.io/enforce=restricted", "--overwrite")
    if OWN and not extra and restarted_for(images_digest()):  # the images under the fixed tag may be newer than the running pod
        kubectl("-n", SYSTEM, "rollout", "restart", "deployment/penstock")
        kubectl("-n", SYSTEM, "rollout", "status", "deployment/penstock", "--timeout=120s")


def apply(ns, *objects):
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    args = ["-n", ns] if ns else []
    return kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", *args, input=text)


@contextlib.contextmanager
def made(*objects):
    """Objects of the cluster that are gone at the end, whatever happens."""
    try:
        apply(None, *objects)
        yield
    finally:
        for o in objects:
            kubectl("delete", o["kind"], o["metadata"]["name"], "--ignore-not-found")


def hook(kind, ns, client, resource=("", "v1", "pods"), name="e2e-trouble"):
    """A webhook configuration for what is made of one resource (group, version, plural) in one namespace."""
    group, version, plural = resource
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": f"{kind}WebhookConfiguration", "metadata": {"name": name},
            "webhooks": [{"name": "trouble.e2e.penstock.dev", "clientConfig": client, "failurePolicy": "Fail", "timeoutSeconds": 2,
                          "sideEffects": "None", "admissionReviewVersions": ["v1"],
                          "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ns}},
                          "rules": [{"apiGroups": [group], "apiVersions": [version], "operations": ["CREATE"], "resources": [plural]}]}]}


class Namespace:
    """A namespace with restricted pod security, deleted at the end."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        sh("kubectl", "delete", "namespace", self.name, "--wait", "--ignore-not-found", timeout=180)
        kubectl("create", "namespace", self.name)
        kubectl("label", "namespace", self.name, "pod-security.kubernetes.io/enforce=restricted")
        wait_until("its service account", 30, lambda: get("serviceaccount", "default", self.name))
        return self.name

    def __exit__(self, *error):
        if error[0] is not None:
            print(kubectl("get", "penstock,pods,events", "-n", self.name, check=False))
            print(kubectl("logs", "-n", SYSTEM, "deployment/penstock", "--tail=60", check=False))
        kubectl("delete", "namespace", self.name, "--wait=false")


def run_of(name, ns, steps, **spec):
    return {"apiVersion": "penstock.dev/v1alpha1", "kind": "PipelineRun", "metadata": {"name": name, "namespace": ns},
            "spec": {"pipelineSpec": {"steps": steps}, **spec}}


def shell_step(name, script, **more):
    """A step that runs a shell line in the Debian image that every node of the tests has."""
    return {"name": name, "container": {"image": f"penstock/operator:{VERSION}", "imagePullPolicy": "IfNotPresent",
                                        "command": ["sh", "-c", script]},
            "resources": {"requests": {"cpu": "50m", "memory": "32Mi"}}, **more}


def wait_finished(name, ns, seconds=120):
    sh("kubectl", "wait", "--for=condition=Finished", f"pplr/{name}", "-n", ns, f"--timeout={seconds}s",
       timeout=seconds + 30)
    return get("pplr", name, ns)


def step_of(run, name):
    for s in run.get("status", {}).get("steps", []):
        if s["name"] == name:
            return s
    return {}


def service_url(name, ns):
    """Where a Service answers from here: its cluster IP, which the node of our own cluster routes."""
    svc = get("service", name, ns)
    return f"http://{svc['spec']['clusterIP']}:{svc['spec']['ports'][0]['port']}"


def post(url, body, timeout=10):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.loads(answer.read())


class Load(threading.Thread):
    """Sends one request after the other until stopped; counts answers and keeps the failures."""

    def __init__(self, url, body):
        super().__init__(daemon=True)
        self.url, self.body, self.answers, self.failures, self.ending = url, body, 0, [], threading.Event()
        self.versions = set()

    def run(self):
        while not self.ending.is_set():
            try:
                self.versions.add(post(self.url, self.body).get("model_version"))
                self.answers += 1
            except (urllib.error.URLError, OSError, ValueError) as e:
                self.failures.append(f"{time.strftime('%X')} {e}")

    def stop(self):
        self.ending.set()
        self.join()
        return self


class ClusterTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        install()
