"""GitOps for real: Argo CD brings a repository's manifests into the cluster, by client-side and by server-side apply.

A new digest is applied, judged under traffic and promoted, a bad one Degraded with its reason while the old one serves; nothing drifts
in PENSTOCK_GITOPS_MINUTES (ten); a cluster that is restored starts no run and serves the same version. For `tests/run full`.
"""
import contextlib
import json
import os
import pathlib
import shutil
import tempfile
import time
import unittest

import argocd
import harness as h
import outages
import test_git
import test_rollout
from test_gitops import pipeline_of

QUIET = 60 * float(os.environ.get("PENSTOCK_GITOPS_MINUTES", 10))
STATE = outages.STATE
SERVER_SIDE = {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"}
APPS = {"by-client": ((), {}), "by-server": (("ServerSideApply=true",), SERVER_SIDE)}
KINDS = ("pipelines", "pipelineruns", "models.penstock.dev", "modelversions", "modeldeployments")
RESTARTED = ("apiserver", "kcm", "sched", "kubelet", "proxy", "coredns")  # as every guide to a restored etcd wants


def chain(ns, **spec):
    """A Pipeline that registers a model, in forms that others write: numbers as text, durations, fractions of cores."""
    train = h.shell_step("train", 'mkdir -p "$MODEL" && echo "slope: $SLOPE" >"$MODEL/model.yaml"',
                         outputs=[{"name": "model", "type": "model"}], cache={"trustTag": True}, timeouts={"attempt": "90m"},
                         retry={"user": {"limit": 1, "backoff": "1s"}})
    train["resources"] = {"requests": {"cpu": "0.05", "memory": "0.03125Gi"}, "limits": {"cpu": "1"}}
    train["container"]["env"] = [{"name": "MODEL", "value": "$(outputs.model.path)"}, {"name": "SLOPE", "value": "$(parameters.slope)"}]
    return pipeline_of("chain", ns, [train], parameters=[{"name": "slope", "type": "number", "default": 0.5}],
                       outputs={"model": "$(steps.train.outputs.model)"}, registers=[{"model": "chain", "output": "model"}],
                       schedules=[{"name": "nightly", "cron": "30 3 1 1 *", "timeZone": "Europe/Zurich"}],
                       ttlAfterFinished={"succeeded": "720h"}, historyLimits={"succeeded": 3, "failed": 1}, **spec)


def scale(digest):
    return {"apiVersion": "penstock.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "scale", "labels": {"team": "ml"}}, "spec": {
        "model": digest, "resources": test_rollout.SMALL,  # no replicas: they are the autoscaler's
        "rollout": {"strategy": "Canary", "steps": test_rollout.STEPS, "gates": test_rollout.GATES, "progressDeadline": "10m"}}}


def stamps(ns):
    """What is written when somebody changes an object: its generation, by kind, name and UID."""
    return {(o["kind"], o["metadata"]["name"], o["metadata"]["uid"]): o["metadata"]["generation"] for kind in KINDS for o in h.items(kind, ns)}


@contextlib.contextmanager
def stopped(program):
    pid = int((STATE / "pid" / program).read_text())
    os.kill(pid, outages.signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, outages.signal.SIGCONT)


@unittest.skipUnless(h.OWN, "it restores the cluster's etcd")
class GitOps(test_rollout.UnderLoad):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.git = test_git.Served()
        cls.addClassCleanup(cls.git.close)
        cls.argo = argocd.ArgoCD()
        cls.addClassCleanup(cls.argo.end)

    # --- the repository

    def commit(self, app, message, **files):
        """Writes files of the Application's folder; returns the commit."""
        folder = self.git.server.folder / "manifests" / app
        if not folder.parent.exists():
            folder.parent.mkdir(parents=True)
            self.git.git("manifests", "init", "-q", "-b", "main")
        folder.mkdir(exist_ok=True)
        for name, obj in files.items():
            (folder / f"{name}.yaml").write_text(argocd.manifest(obj))
        self.git.git("manifests", "add", ".")
        self.git.git("manifests", "commit", "-q", "-m", message)
        self.commits[app] = self.commits.get(app, 0) + 1
        return self.git.git("manifests", "rev-parse", "HEAD").strip()

    def resource(self, app, kind):
        return next(r for r in self.argo.status(app)["resources"] if r["kind"] == kind)

    def model(self, write):
        return test_rollout.put(self.ns, write)

    # --- one Application after the other

    def begin_with(self, app, options, annotations):
        self.first[app] = self.model(lambda f: test_rollout.write_scale(f, 2))
        once = h.run_of("once", self.ns, [h.shell_step("a", "true", cache={"trustTag": True})])
        for obj in (once, pipeline := chain(self.ns)):
            del obj["metadata"]["namespace"]  # the Application says it
        revision = self.commit(app, "Begin", pipeline=pipeline, run=once, deployment=scale(self.first[app]), registry={
            "apiVersion": "penstock.dev/v1alpha1", "kind": "Model", "metadata": {"name": "chain"}, "spec": {"description": "of the chain"}})
        self.argo.application(app, f"{self.git.url}/manifests", app, self.ns, *options, annotations=annotations)
        begin = time.monotonic()
        self.argo.wait(app, revision, "Synced", "Healthy", 240)
        print(f"{app}: Synced and Healthy after {time.monotonic() - begin:.0f} s", flush=True)
        self.assertEqual(self.status()["stable"]["digest"], self.first[app])

    def new_digests(self, app):
        two = self.model(lambda f: test_rollout.write_scale(f, 3))
        with self.phase(f"{app}: a new digest is judged and promoted") as seen:
            begin = time.time()
            self.argo.wait(app, self.commit(app, "Serve 3", deployment=scale(two)), "Synced", "Healthy", 240)
        self.assertEqual(self.status()["stable"]["digest"], two)
        self.assertTrue({"version 1", "version 2"} <= set(seen), seen)
        healths = [health for _, health, *_ in self.argo.seen.since(begin, app)]
        self.assertIn("Progressing", healths)
        self.assertNotIn("Degraded", healths)

        broken = self.model(lambda f: test_rollout.write_scale(f, 5, damaged=True))
        self.degraded(app, "a model that does not load", broken, "was rejected", two)
        touchy = self.model(lambda f: h.sh(test_rollout.SAMPLE, "touchy", f))
        self.degraded(app, "a model that refuses what the old one answers", touchy, "errorRate", two, allowed=("status 400",))
        with self.phase(f"{app}: the commit is reverted") as seen:
            self.argo.wait(app, self.commit(app, "Revert", deployment=scale(two)), "Synced", "Healthy", 120)
        self.assertEqual(set(seen), {"version 2"})

    def degraded(self, app, name, digest, word, stable, allowed=()):
        with self.phase(f"{app}: {name}", allowed=allowed) as seen:
            self.argo.wait(app, self.commit(app, name, deployment=scale(digest)), "Synced", "Degraded", 240)
            self.wait_routed(2)
        health = self.resource(app, "ModelDeployment")["health"]
        print(f"{app}: {health['message'][:240]}", flush=True)
        self.assertIn(word, health["message"])
        self.assertIn("version 2", health["message"], "which one goes on")
        self.assertEqual(self.status()["stable"]["digest"], stable)
        self.assertIn("version 2", seen)

    def wrong_pipeline(self, app):
        circle = chain(self.ns)
        circle["spec"]["steps"].append(h.shell_step("a", "true", dependsOn=[{"step": "b"}]))
        circle["spec"]["steps"].append(h.shell_step("b", "true", dependsOn=[{"step": "a"}]))
        del circle["metadata"]["namespace"]
        self.argo.wait(app, self.commit(app, "A circle", pipeline=circle), "Synced", "Degraded", 120)
        self.assertIn("a -> b -> a", self.resource(app, "Pipeline")["health"]["message"])
        right = chain(self.ns)
        del right["metadata"]["namespace"]
        self.argo.wait(app, self.commit(app, "No circle", pipeline=right), "Synced", "Healthy", 120)

    def operations(self, app):
        """(those for a commit, those by which Argo CD heals what it takes for drift)."""
        seen = self.argo.seen.since(0, app)
        return tuple({at for _, _, at, by_itself in seen if at and by_itself == heals} for heals in (False, True))

    def autoscaled(self, app):
        """An autoscaler, which Git does not know of, writes the replicas; without metrics its bounds are what it can keep to."""
        begin = time.time()
        h.apply(self.ns, {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "scale"}, "spec": {
            "minReplicas": 2, "maxReplicas": 3, "scaleTargetRef": {"apiVersion": "penstock.dev/v1alpha1", "kind": "ModelDeployment", "name": "scale"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]}})
        h.wait_until("two replicas", 90, lambda: self.status().get("stable", {}).get("readyReplicas") == 2)
        revision = self.git.git("manifests", "rev-parse", "HEAD").strip()
        self.argo.wait(app, revision, "Synced", "Healthy", 60)
        self.assertEqual({sync for sync, *_ in self.argo.seen.since(begin, app)} - {"Synced"}, set(), "replicas are not in Git")

    def nothing_drifts(self, namespaces):
        before = {ns: stamps(ns) for ns in namespaces.values()}
        # Right after an operation Argo CD may look before it has seen what it has just made, and apply that once more.
        healed = {app: self.operations(app)[1] for app in namespaces}
        begin = time.time()
        time.sleep(QUIET)
        for app, ns in namespaces.items():
            self.argo.status(app)  # its programs live
            states = self.argo.seen.since(begin, app)
            self.assertEqual({(sync, health) for sync, health, *_ in states} - {("Synced", "Healthy")}, set(), app)
            self.assertEqual(len(self.operations(app)[0]), self.commits[app], "one operation a commit")
            self.assertEqual(self.operations(app)[1], healed[app], "nothing to heal")
            self.assertEqual(stamps(ns), before[ns], app)
            print(f"{app}: {QUIET:.0f} s without drift, {len(states)} states seen, {self.commits[app]} commits, as many operations, "
                  f"{len(healed[app])} more right after those", flush=True)

    def test_commits_are_judged_nothing_drifts_and_a_restored_cluster_goes_on(self):
        self.commits, self.first, namespaces = {}, {}, {}
        with contextlib.ExitStack() as stack:
            for app, (options, annotations) in APPS.items():
                self.ns = namespaces[app] = stack.enter_context(h.Namespace(f"e2e-gitops-{app}"))
                self.begin_with(app, options, annotations)
                url = h.service_url("scale", self.ns)
                self.wait_answers(url)
                self.load = test_rollout.Load(url, clients=2)
                try:
                    self.move_to_routers()
                    self.new_digests(app)
                finally:
                    self.load.stop()
                self.wrong_pipeline(app)
                self.autoscaled(app)
            self.nothing_drifts(namespaces)
            self.restored(namespaces)
            self.from_git_alone(namespaces)

    # --- after a disaster

    def facts(self, ns):
        md = h.get("pmd", "scale", ns)["status"]
        return {"runs": sorted((r["metadata"]["name"], r["metadata"]["uid"], r["status"].get("startTime")) for r in h.items("pplr", ns)),
                "stable": (md["stable"]["version"], md["stable"]["digest"]), "outputs": h.get("ppl", "chain", ns)["status"]["outputs"],
                "versions": sorted(v["metadata"]["name"] for v in h.items("modelversions", ns))}

    def restored(self, namespaces):
        before = {ns: self.facts(ns) for ns in namespaces.values()}
        kept = pathlib.Path(tempfile.mkdtemp(prefix="penstock-etcd-"))
        self.addCleanup(shutil.rmtree, kept, True)
        with stopped("etcd"):
            shutil.copytree(STATE / "etcd", kept / "etcd")
        self.argo.stop()
        for ns in namespaces.values():
            h.kubectl("delete", "namespace", ns, "--timeout=120s", timeout=180)
        begins = [outages.begin_anew(program) for program in (*RESTARTED, "etcd")]
        shutil.rmtree(STATE / "etcd")
        shutil.copytree(kept / "etcd", STATE / "etcd")
        time.sleep(20)  # longer than the operator's lease: it ends and begins anew, as after any real restoration
        begins.pop()()
        begins.pop(0)()
        h.wait_until("the API server", 120, lambda: h.sh("kubectl", "get", "--raw", "/readyz", check=False).returncode == 0)
        for begin in begins:
            begin()
        begin = time.monotonic()
        self.argo.begin()
        for app, ns in namespaces.items():
            revision = self.git.git("manifests", "rev-parse", "HEAD").strip()
            self.argo.wait(app, revision, "Synced", "Healthy", 240)
            url = h.service_url("scale", ns)
            self.wait_answers(url)
        took = time.monotonic() - begin
        time.sleep(30)
        for app, ns in namespaces.items():
            self.assertEqual(self.facts(ns), before[ns], app)
            self.assertEqual({sync for sync, *_ in self.argo.seen.since(0, app)} - {"Synced"}, set(), app)
        print(f"restored: the same versions serve after {took:.0f} s, no run was started, nothing was synced", flush=True)

    def from_git_alone(self, namespaces):
        """The namespaces are gone, and no backup of their objects is there; the store is."""
        served = {ns: self.facts(ns)["stable"][1] for ns in namespaces.values()}
        self.argo.stop()
        for app, ns in namespaces.items():
            h.kubectl("delete", "namespace", ns, "--timeout=120s", timeout=180)
            h.kubectl("create", "namespace", ns)
            h.kubectl("label", "namespace", ns, "pod-security.kubernetes.io/enforce=restricted")
        self.argo.begin()
        for app, ns in namespaces.items():
            revision = self.git.git("manifests", "rev-parse", "HEAD").strip()
            # what the Application said before stands until it was looked at again
            h.wait_until(f"{app} to serve again", 240, lambda: (h.get("pmd", "scale", ns) or {}).get("status", {}).get("stable"))
            h.wait_until(f"{app} to publish again", 240, lambda: (h.get("ppl", "chain", ns) or {}).get("status", {}).get("outputs"))
            self.argo.wait(app, revision, "Synced", "Healthy", 240)
            facts = self.facts(ns)
            self.assertEqual(facts["stable"], (1, served[ns]))
            runs = h.items("pplr", ns)
            h.wait_until("the runs to end", 120, lambda: all(
                h.condition(h.get("pplr", r["metadata"]["name"], ns), "Succeeded").get("status") == "True" for r in runs))
            self.assertEqual([p["metadata"]["name"] for p in h.items("pods", ns, "-l", "penstock.dev/step")], [], "all is from the cache")
        print("from Git alone: the same digests serve, every step came from the cache", flush=True)


if __name__ == "__main__":
    unittest.main()
