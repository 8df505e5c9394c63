"""Argo CD's repository server and application controller as programs of this machine, beside a cluster that they look after.

Installed as its manifests say but for the page and its API: CRDs, ConfigMap with Penstock's health checks, the default project.
"""
import base64
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

import yaml

import beside
import harness as h

NS = "argocd"
GROUP = "argoproj.io/v1alpha1"
SYNC = "5s"  # how often Git is looked at


def cluster_secret():
    """The cluster of the kubeconfig as Argo CD is told of one: a Secret with its address and a login."""
    config = json.loads(h.kubectl("config", "view", "--raw", "--flatten", "--minify", "-o", "json"))
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    tls = {"caData": cluster["certificate-authority-data"]}
    if "client-certificate-data" in user:
        tls |= {"certData": user["client-certificate-data"], "keyData": user["client-key-data"]}
    login = {"tlsClientConfig": tls, **({"bearerToken": user["token"]} if "token" in user else {})}
    data = {"name": "tested", "server": cluster["server"], "config": json.dumps(login)}
    return cluster["server"], {"apiVersion": "v1", "kind": "Secret", "metadata": {
        "name": "tested", "namespace": NS, "labels": {"argocd.argoproj.io/secret-type": "cluster"}}, "stringData": data}


class Seen(threading.Thread):
    """What the Applications said, each time that they said something."""

    def __init__(self):
        super().__init__(daemon=True)
        self.states, self.change, self.ending = [], threading.Lock(), False
        path = f"/apis/{GROUP}/namespaces/{NS}/applications"
        version = json.loads(h.kubectl("get", "--raw", f"{path}?limit=1"))["metadata"]["resourceVersion"]
        self.child = subprocess.Popen(["kubectl", "get", "--raw", f"{path}?watch=1&resourceVersion={version}&timeoutSeconds=7200"],
                                      stdout=subprocess.PIPE, text=True)
        self.start()

    def run(self):
        for line in self.child.stdout:
            app = json.loads(line)["object"]
            with self.change:
                self.states.append((time.time(), app["metadata"]["name"], app.get("status", {})))

    def since(self, begin, name):
        """(sync, health, when its last operation began, whether that was for no commit) of the Application from a moment on."""
        if self.child.poll() is not None:
            raise AssertionError("the watch of Applications ended")
        with self.change:
            return [(s.get("sync", {}).get("status"), s.get("health", {}).get("status"), s.get("operationState", {}).get("startedAt"),
                     "autoHealAttemptsCount" in json.dumps(s.get("operationState", {})))
                    for at, who, s in self.states if who == name and at >= begin]

    def end(self):
        self.child.terminate()
        self.child.wait()


class ArgoCD:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-argocd-"))
        self.processes, self.program = [], pathlib.Path(beside.program("argocd"))
        self.manifests = self.program.parent / "argocd-manifests"
        self.install()
        self.begin()

    def install(self):
        h.kubectl("apply", "--server-side", "--force-conflicts", "-f", *[",".join(
            str(self.manifests / f"crds/{kind}-crd.yaml") for kind in ("application", "appproject", "applicationset"))])
        h.kubectl("create", "namespace", NS)
        for name in ("argocd-cm", "argocd-rbac-cm"):
            h.kubectl("apply", "-n", NS, "-f", self.manifests / f"base/config/{name}.yaml")
        h.documented("charts/argocd/README.md", "kubectl -n argocd patch configmap argocd-cm")
        self.server, secret = cluster_secret()
        h.apply(NS, secret, {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {
            "name": "argocd-secret", "namespace": NS, "labels": {"app.kubernetes.io/part-of": "argocd"}},
            "data": {"server.secretkey": base64.b64encode(os.urandom(32)).decode()}})
        h.wait_until("the kind AppProject", 30, lambda: h.sh("kubectl", "get", "appprojects", "-n", NS, check=False).returncode == 0)
        h.apply(NS, {"apiVersion": GROUP, "kind": "AppProject", "metadata": {"name": "default", "namespace": NS}, "spec": {
            "sourceRepos": ["*"], "destinations": [{"namespace": "*", "server": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}})

    def begin(self):
        cache, repos, metrics, others = (beside.free_port("127.0.0.1") for _ in range(4))
        env = {"ARGOCD_GPG_ENABLED": "false", "HOME": str(self.folder), "TMPDIR": str(self.folder), "ARGOCD_RECONCILIATION_TIMEOUT": SYNC,
               "ARGOCD_RECONCILIATION_JITTER": "0", "ARGOCD_APPLICATION_CONTROLLER_PERSIST_RESOURCE_HEALTH": "true", "REDIS_PASSWORD": "",
               "ARGOCD_TLS_DATA_PATH": str(self.folder), "ARGOCD_SSH_DATA_PATH": str(self.folder), "PATH": os.environ["PATH"]}

        def start(name, *args, port):
            self.processes.append(beside.Process(self.folder, name, self.program, *args, port=port, env=env))
        kubeconfig = f"--kubeconfig={os.environ['KUBECONFIG']}"
        start("cache", "cache", f"127.0.0.1:{cache}", port=cache)
        start("repo-server", "argocd-repo-server", "--address=127.0.0.1", f"--port={repos}", "--metrics-address=127.0.0.1",
              f"--metrics-port={others}", f"--redis=127.0.0.1:{cache}", "--disable-tls", port=repos)
        start("controller", "argocd-application-controller", kubeconfig, f"--namespace={NS}", f"--redis=127.0.0.1:{cache}",
              f"--repo-server=127.0.0.1:{repos}", "--repo-server-plaintext", f"--metrics-port={metrics}", port=metrics)
        self.seen = Seen()

    def application(self, name, repository, folder, namespace, *options, annotations=None):
        h.apply(NS, {"apiVersion": GROUP, "kind": "Application", "metadata": {"name": name, "namespace": NS, "annotations": annotations or {}}, "spec": {
            "project": "default", "source": {"repoURL": repository, "path": folder, "targetRevision": "main"},
            "destination": {"server": self.server, "namespace": namespace},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}, "syncOptions": list(options)}}})

    def status(self, name):
        for process in self.processes:
            process.alive()
        return (h.get(f"application.{GROUP.split('/')[0]}", name, NS) or {}).get("status", {})

    def wait(self, name, revision, sync, health, seconds):
        """Waits until the Application is at a revision with this sync and health; returns its status."""
        last = {}

        def there():
            last.update(self.status(name))
            return last.get("sync", {}).get("revision") == revision and last["sync"]["status"] == sync and \
                last.get("health", {}).get("status") == health and last
        try:
            return h.wait_until(f"{name} to be {sync} and {health}", seconds, there, every=1)
        except AssertionError as e:
            raise AssertionError(f"{e}; last: {json.dumps(last)[:6000]}\n{self.processes[-1].log.read_text()[-2000:]}") from None

    def stop(self):
        self.seen.end()
        for process in reversed(self.processes):
            process.end()
        self.processes.clear()

    def end(self):
        self.stop()
        # no finalizer of Argo CD's is on what it looked after: the objects stay
        h.kubectl("delete", "namespace", NS, "--ignore-not-found", "--timeout=60s")
        h.kubectl("delete", "crd", *[f"{kind}.argoproj.io" for kind in ("applications", "appprojects", "applicationsets")], "--ignore-not-found")
        h.sh("rm", "-rf", self.folder)


def manifest(*objects):
    return yaml.safe_dump_all(objects, sort_keys=False)
