"""History on a real PostgreSQL server and two operators in place of one, on real pods: the leader killed, the server killed, both replaced.

For `tests/run full`: the chart is installed with other values, and as it was at the end.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import beside
import harness as h
import test_api

CLAIM, NOBODY, WORD = "penstock-shared", 65534, "of the test/1"
PODS = ("-l", "app.kubernetes.io/name=penstock")


def programs():
    deps = pathlib.Path(os.environ.get("PENSTOCK_DEPS", pathlib.Path.home() / ".cache/penstock/deps"))
    found = [p.parent for root in ("/", deps / "postgresql") for p in pathlib.Path(root).glob("usr/lib/postgresql/*/bin/initdb")]
    return found[0] if found else None


class Postgres:
    """A server that pods reach, over TLS and by a password alone."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-postgres-"))
        self.address = beside.node_address()
        self.port = beside.free_port(self.address)
        self.authority = beside.certificate(self.folder, "authority")
        beside.certificate(self.folder, "server", f"IP:{self.address}", issuer=self.authority)
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, NOBODY, NOBODY)
            path.chmod(0o700 if path.is_dir() else 0o600)
        self.run("initdb", "-D", self.folder / "data", "-U", "super", "--auth=trust", "-E", "UTF8", "--no-sync")
        (self.folder / "data/pg_hba.conf").write_text("local all super trust\nhostssl all all 0.0.0.0/0 scram-sha-256\n")
        self.process = None
        self.begin()
        self.sql("CREATE ROLE penstock LOGIN PASSWORD '" + WORD + "'", "postgres")
        self.sql("CREATE DATABASE history OWNER penstock", "postgres")

    def run(self, name, *args):
        return h.sh(programs() / name, *args, user=NOBODY, cwd=self.folder, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}).stdout

    def begin(self):
        settings = {"listen_addresses": self.address, "port": self.port, "unix_socket_directories": self.folder, "ssl": "on",
                    "ssl_cert_file": self.folder / "server.crt", "ssl_key_file": self.folder / "server.key"}
        self.process = beside.Process(self.folder, "postgres", programs() / "postgres", "-D", self.folder / "data",
                                      *[w for k, v in settings.items() for w in ("-c", f"{k}={v}")],
                                      port=self.port, address=self.address, user=NOBODY)
        h.wait_until("PostgreSQL to answer", 60, lambda: h.sh(programs() / "pg_isready", "-h", self.folder, "-p", self.port, check=False).returncode == 0)

    def sql(self, text, database="history"):
        return self.run("psql", "-h", self.folder, "-p", self.port, "-U", "super", "-d", database, "-Atqc", text).strip()

    def kill(self):
        """SIGKILL to all its processes at once, as when its machine loses power."""
        children = h.sh("ps", "-o", "pid=", "--ppid", self.process.child.pid).stdout.split()  # afterwards nobody's
        for pid in (self.process.child.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.child.wait(20)

    def end(self):
        self.process.end(signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def secrets(self):
        uri = f"postgresql://penstock:{WORD.replace(' ', '%20').replace('/', '%2F')}@{self.address}:{self.port}/history"
        return [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "penstock-history"},
                 "stringData": {"uri": uri, "ca.crt": self.authority[1].read_text()}}]


def slow(name, ns, steps, seconds=4):
    """A run whose steps follow one another, each with a line that says that it ran."""
    return h.run_of(name, ns, [h.shell_step(f"s{i}", f"echo step {i}; sleep {seconds}", **({"dependsOn": [{"step": f"s{i - 1}"}]} if i else {}))
                               for i in range(steps)])


@unittest.skipUnless(h.OWN, "it makes a volume of the node's and kills processes of pods")
@unittest.skipUnless(programs(), "PostgreSQL's server is not here: tools/install-deps test")
class Replicas(h.ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postgres = Postgres()
        cls.addClassCleanup(cls.postgres.end)
        h.make_volume(CLAIM, "20Gi", (h.SYSTEM, CLAIM), "ReadWriteMany")
        h.apply(h.SYSTEM, *cls.postgres.secrets(), {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": CLAIM}, "spec": {
            "accessModes": ["ReadWriteMany"], "storageClassName": "", "volumeName": CLAIM, "resources": {"requests": {"storage": "1Gi"}}}})
        cls.addClassCleanup(cls.clean_up)
        cls.addClassCleanup(h.install)
        h.install("--set", f"replicas=2,storage.accessMode=ReadWriteMany,storage.existingClaim={CLAIM},"
                  "metadata.postgres.secretRef.name=penstock-history,metadata.postgres.caSecretRef.name=penstock-history,"
                  "podDisruptionBudget.enabled=true")

    @classmethod
    def clean_up(cls):
        h.kubectl("delete", "secret/penstock-history", f"pvc/{CLAIM}", "-n", h.SYSTEM, "--wait=false")
        h.kubectl("delete", "pv", CLAIM, "--wait=false")
        shutil.rmtree(pathlib.Path(os.environ.get("CLUSTER_STATE", "/tmp/penstock-cluster")) / f"volumes/{CLAIM}", ignore_errors=True)

    # --- who leads

    def leases(self):
        return {lease["metadata"]["name"]: lease["spec"].get("holderIdentity", "") for lease in h.items("leases", h.SYSTEM)}

    def leader(self):
        holders = [holder for holder in self.leases().values() if holder]
        return holders[0] if len(holders) == 1 else None

    def pod_of(self, holder):
        return next((p for p in h.items("pods", h.SYSTEM, *PODS) if p["metadata"]["name"] in holder), None)

    def process_of(self, pod):
        """The id, on this machine, of the operator's process of a pod."""
        uid = pod["metadata"]["uid"]
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if uid in (entry / "cgroup").read_text() and "penstock-operator" in (entry / "cmdline").read_text().split("\0")[0]:
                    return int(entry.name)
        raise AssertionError(f"no process of pod {pod['metadata']['name']} was found")

    def both_ready(self):
        d = h.get("deployment", "penstock", h.SYSTEM)["status"]
        return d.get("readyReplicas") == 2 and d.get("updatedReplicas") == 2 and d.get("replicas") == 2

    # --- what PostgreSQL has

    def recorded(self, name, ns):
        tables = self.postgres.sql("SELECT string_agg(table_name, ',') FROM information_schema.tables WHERE table_schema = 'public'")
        self.assertIn("runs", tables.split(","))
        return self.postgres.sql(f"SELECT count(*) FROM runs WHERE namespace = '{ns}' AND name = '{name}' AND outcome = 'Succeeded'") == "1"

    def succeeded(self, name, ns, seconds=180):
        run = h.wait_finished(name, ns, seconds)
        self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))
        self.assertEqual([s["attempts"] for s in run["status"]["steps"]], [1] * len(run["status"]["steps"]), "no step ran twice")
        pods = [p["metadata"]["labels"]["penstock.dev/step"] for p in h.items("pods", ns, "-l", f"penstock.dev/run-uid={run['metadata']['uid']}")]
        self.assertEqual(len(pods), len(run["status"]["steps"]), pods)
        return run

    def test_a_killed_leader_is_followed_within_seconds_and_a_killed_database_loses_nothing(self):
        with h.Namespace("e2e-replicas") as ns:
            h.wait_until("two operators", 120, self.both_ready)
            first = h.wait_until("one that leads", 60, self.leader)
            h.apply(ns, slow("killed-leader", ns, 6))
            h.wait_until("its second step", 90, lambda: h.step_of(h.get("pplr", "killed-leader", ns), "s1").get("phase") == "Running")
            begin = time.monotonic()
            os.kill(self.process_of(self.pod_of(first)), signal.SIGKILL)
            second = h.wait_until("another that leads", 60, lambda: self.leader() not in (None, first) and self.leader())
            print(f"replicas: after a SIGKILL another leads within {time.monotonic() - begin:.1f} s", flush=True)
            self.succeeded("killed-leader", ns)
            h.wait_until("it to be recorded", 60, lambda: self.recorded("killed-leader", ns))

            h.apply(ns, slow("killed-database", ns, 4))
            h.wait_until("its first step", 90, lambda: h.step_of(h.get("pplr", "killed-database", ns), "s0").get("phase") == "Running")
            self.postgres.kill()
            self.succeeded("killed-database", ns)
            self.postgres.begin()
            begin = time.monotonic()
            h.wait_until("it to be recorded after all", 120, lambda: self.recorded("killed-database", ns))
            print(f"replicas: what ended while PostgreSQL was away was recorded {time.monotonic() - begin:.0f} s after it was back", flush=True)

            h.wait_until("two operators again", 120, self.both_ready)
            h.apply(ns, slow("replaced", ns, 6))
            h.kubectl("rollout", "restart", "-n", h.SYSTEM, "deployment/penstock")
            begin, changes, last = time.monotonic(), [], self.leader() or second
            while not self.rolled():
                now = self.leader()
                if now and now != last:
                    changes.append(now)
                    last = now
                self.assertLess(time.monotonic() - begin, 180, "both replaced")
                time.sleep(0.5)
            print(f"replicas: both replaced in {time.monotonic() - begin:.0f} s, {len(changes)} changes of who leads", flush=True)
            self.succeeded("replaced", ns)
            self.a_deleted_run_is_told_by_each(ns)

    def rolled(self):
        return h.sh("kubectl", "rollout", "status", "-n", h.SYSTEM, "deployment/penstock", "--watch=false", check=False).stdout.startswith(
            'deployment "penstock" successfully')

    def a_deleted_run_is_told_by_each(self, ns):
        viewer = test_api.account("viewer", ns, "view")
        h.wait_until("it to be recorded", 60, lambda: self.recorded("replaced", ns))
        h.kubectl("delete", "pplr", "replaced", "-n", ns, "--wait")
        for pod in h.items("pods", h.SYSTEM, *PODS):
            with Way(pod["metadata"]["name"]) as gateway:
                status, text = gateway.ask(f"/namespaces/{ns}/runs/replaced", viewer)
                self.assertEqual(status, 200, text)
                self.assertEqual((json.loads(text)["archived"], json.loads(text)["phase"]), (True, "Succeeded"))
                log = h.wait_until("the step's log", 60, lambda: gateway.ask(f"/namespaces/{ns}/runs/replaced/steps/s0/log", viewer)[1])
                self.assertIn("step 0", log)


class Way(test_api.Gateway):
    """To one replica's gateway."""

    def __init__(self, pod):
        self.pod = pod

    def __enter__(self):
        self.child = subprocess.Popen(["kubectl", "-n", h.SYSTEM, "port-forward", f"pod/{self.pod}", ":8443"], stdout=subprocess.PIPE, text=True)
        self.port = self.child.stdout.readline().split(":")[1].split()[0]
        return self


if __name__ == "__main__":
    unittest.main()
