"""A collection of a cluster's artifact store: what nothing refers to goes, what a run, an object or the grace holds stays."""
import json
import os
import pathlib
import re
import tempfile
import time
import unittest

import harness as h
from test_api import account
from test_restart import chain

PENSTOCK = h.BUILD / "bin/penstock"
ARTIFACTS = pathlib.Path(os.environ.get("CLUSTER_STATE", "/tmp/penstock-cluster")) / "volumes/penstock/artifacts"
BEYOND_GRACE = 8 * 24 * 3600  # the chart's store.gc.grace is 7 days


@unittest.skipUnless(h.OWN, "artifacts are made old on the volume itself")
class Store(h.ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ns = cls.enterClassContext(h.Namespace(f"e2e-store-{int(time.time())}"))
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="penstock-store-")))

    def token(self, name, bound):
        """A file with the token of an account of its own, which may look after the store or not."""
        file = self.folder / name
        file.write_text(account(name, self.ns, "view"))
        if bound:
            h.kubectl("create", "clusterrolebinding", self.ns, "--clusterrole=penstock-store", f"--serviceaccount={self.ns}:{name}")
            self.addCleanup(h.kubectl, "delete", "clusterrolebinding", self.ns)
        return file

    def store(self, token, *args, check=True):
        return h.sh(PENSTOCK, "store", *args, "--cluster", "--token-file", token, check=check)

    def report(self, token, *args):
        """What the store's report says of this namespace."""
        spaces = json.loads(self.store(token, *args, "-o", "json").stdout)["namespaces"]
        return next(s for s in spaces if s["namespace"] == self.ns)

    def put(self, text):
        """The digest of a file with this text, in the store."""
        file = self.folder / "file"
        file.write_text(text)
        return re.search(r"sha256:([0-9a-f]{64})", h.sh(PENSTOCK, "artifact", "put", file, "-n", self.ns).stdout)[1]

    def blob(self, digest):
        return ARTIFACTS / self.ns / "blobs" / digest[:2] / digest

    def age(self, *digests):
        """As if they had been put to use last more than the grace ago: those, or all that stand there."""
        old = time.time() - BEYOND_GRACE
        for file in [self.blob(d) for d in digests] or [f for f in (ARTIFACTS / self.ns / "blobs").rglob("*") if f.is_file()]:
            os.utime(file, (old, old))

    def outputs(self, name):
        return {s["name"]: s["outputs"][0]["digest"].removeprefix("sha256:") for s in h.get("pplr", name, self.ns)["status"]["steps"]}

    def start(self, name, word, length=3):
        """A chain whose artifacts hold the word."""
        steps = [{**s, "cache": {"trustTag": True}} for s in chain(length)]
        steps[0]["container"]["command"] = ["sh", "-c", f"sleep 1; echo {word} >$OUT"]
        h.apply(self.ns, h.run_of(name, self.ns, steps))

    def run_chain(self, name, word):
        self.start(name, word)
        run = h.wait_finished(name, self.ns)
        self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))
        return run

    def test_a_collection_beside_a_run_removes_what_nothing_refers_to_and_nothing_else(self):
        keeper, viewer = self.token("keeper", True), self.token("viewer", False)
        self.run_chain("kept", "kept")
        self.run_chain("deleted", "of history")
        kept, history = self.outputs("kept"), self.outputs("deleted")
        orphan, young, named = self.put("orphan"), self.put("young"), self.put("named")
        held = h.run_of("held", self.ns, [h.shell_step("use", "true", inputs={"i": f"sha256:{named}"})], suspend=True)
        h.apply(self.ns, held)
        self.age()
        self.age(orphan, named)
        os.utime(self.blob(young))
        h.kubectl("delete", "pplr", "deleted", "-n", self.ns)

        refused = self.store(viewer, "gc", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("-store", refused.stderr)
        dry = self.report(keeper, "gc", "--dry-run")
        self.assertEqual(dry["orphaned"], {"files": 1, "bytes": len("orphan")}, dry)
        self.assertEqual(dry["recent"], {"files": 1, "bytes": len("young")}, dry)
        self.assertTrue(self.blob(orphan).exists(), "a dry run removes nothing")

        # Beside a run whose steps hand artifacts on, again and again until it has ended.
        self.start("busy", "busy", 5)
        collections = removed = 0
        while h.condition(h.get("pplr", "busy", self.ns), "Finished").get("status") != "True" and collections < 100:
            done = self.report(keeper, "gc")
            collections, removed = collections + 1, removed + done["orphaned"]["files"]
        self.assertEqual(h.condition(h.wait_finished("busy", self.ns), "Succeeded")["status"], "True")
        self.assertGreater(collections, 1)
        self.assertEqual(removed, 1)
        self.assertFalse(self.blob(orphan).exists())
        for digest in [young, named, *kept.values(), *history.values(), *self.outputs("busy").values()]:
            self.assertTrue(self.blob(digest).exists(), digest)
        print(f"store: {collections} collections beside a run of 5 steps; the last: {json.dumps(self.report(keeper, 'du'))}", flush=True)

        again = self.run_chain("again", "kept")
        self.assertEqual([s.get("cached") for s in again["status"]["steps"]], [True] * 3)
        self.assertEqual(self.outputs("again"), kept)
        self.assertEqual(self.store(keeper, "verify").returncode, 0)
        log = h.kubectl("logs", "-n", h.SYSTEM, "deployment/penstock")
        self.assertIn("storeCollection", log)
        h.wait_until("the event of the operator's pod", 30, lambda: [
            e for e in h.items("events.events.k8s.io", h.SYSTEM) if e["reason"] == "StoreCollected"])

    def test_a_namespace_of_which_one_object_cannot_be_read_loses_nothing(self):
        keeper = self.token("keeper-2", True)
        orphan = self.put("an orphan that stays")
        self.age(orphan)
        role = json.loads(h.kubectl("get", "clusterrole", "penstock", "-o", "json"))["rules"]
        less = []
        for rule in role:
            others = [r for r in rule["resources"] if r != "modelversions"]
            if others:
                less.append({**rule, "resources": others})
            if "modelversions" in rule["resources"]:
                less.append({**rule, "resources": ["modelversions"], "verbs": [v for v in rule["verbs"] if v != "list"]})
        try:
            h.kubectl("patch", "clusterrole", "penstock", "--type=merge", "-p", json.dumps({"rules": less}))
            done = h.wait_until("a list that is refused", 30, lambda: (lambda d: d if d.returncode else None)(
                self.store(keeper, "gc", "-o", "json", check=False)))
        finally:
            h.kubectl("patch", "clusterrole", "penstock", "--type=merge", "-p", json.dumps({"rules": role}))
        here = next(s for s in json.loads(done.stdout)["namespaces"] if s["namespace"] == self.ns)
        self.assertIn("modelversions", here["error"])
        self.assertTrue(self.blob(orphan).exists())
        h.wait_until("the list to be read again", 30, lambda: self.store(keeper, "gc", check=False).returncode == 0)
        self.assertFalse(self.blob(orphan).exists())


if __name__ == "__main__":
    unittest.main()
