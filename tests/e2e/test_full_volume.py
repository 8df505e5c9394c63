"""The volume for artifacts is full: the run says so, and goes on by itself when there is room again. The operator
starts on a full volume, serves what is there, and takes history up again later."""
import os
import pathlib
import re
import unittest

import harness as h

FOLDER = pathlib.Path(os.environ.get("CLUSTER_STATE", "/tmp/penstock-cluster")) / "volumes/small"


@unittest.skipUnless(h.OWN, "makes a small volume on the node: only on the project's own cluster")
class FullVolume(h.ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        FOLDER.mkdir(parents=True, exist_ok=True)
        h.sh("mount", "-t", "tmpfs", "-o", "size=48m,uid=65532,gid=65532", "tmpfs", FOLDER)
        cls.addClassCleanup(h.sh, "umount", "-l", FOLDER)
        volume = {"capacity": {"storage": "48Mi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": str(FOLDER)},
                  "claimRef": {"namespace": h.SYSTEM, "name": "small"}}
        claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": "small",
                 "resources": {"requests": {"storage": "48Mi"}}}
        h.apply(None, {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "small"}, "spec": volume},
                {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "small", "namespace": h.SYSTEM},
                 "spec": claim})
        cls.addClassCleanup(h.kubectl, "delete", "-n", h.SYSTEM, "pvc/small", "pv/small", "--wait=false")
        cls.addClassCleanup(h.install)  # first of all: the usual volume again
        h.install("--set", "storage.existingClaim=small")

    def test_a_full_volume_is_named_and_the_step_is_tried_again_until_there_is_room(self):
        with h.Namespace("e2e-full") as ns:
            step = h.shell_step("big", "head -c 100M /dev/urandom >$OUT", outputs=[{"name": "out"}],
                                retry={"infrastructure": {"limit": 50, "backoff": "5s", "maxBackoff": "5s"}})
            step["container"]["env"] = [{"name": "OUT", "value": "$(outputs.out.path)"}]
            h.apply(ns, h.run_of("full", ns, [step]))

            def named():
                c = h.condition(h.get("pplr", "full", ns), "Succeeded")
                return c if c.get("reason") == "Retrying" else None
            c = h.wait_until("the full volume in the condition Succeeded", 30, named)
            self.assertIn("step big (LauncherFailed)", c["message"])
            self.assertIn("the artifact store's volume is full", c["message"])
            self.assertRegex(c["message"], r"retry \d+ of 50 for infrastructure")
            h.sh("mount", "-o", "remount,size=400m", FOLDER)
            run = h.wait_finished("full", ns, 120)
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))

    def test_the_operator_starts_on_a_full_volume_serves_reads_and_keeps_its_history(self):
        with h.Namespace("e2e-full-start") as ns:
            make = h.shell_step("make", 'echo hello >"$OUT"', outputs=[{"name": "out"}])
            make["container"]["env"] = [{"name": "OUT", "value": "$(outputs.out.path)"}]
            h.apply(ns, h.run_of("before", ns, [make]))
            self.assertEqual(h.condition(h.wait_finished("before", ns), "Succeeded")["status"], "True")
            filler = FOLDER / "filler"
            self.addCleanup(filler.unlink, missing_ok=True)
            h.kubectl("-n", h.SYSTEM, "scale", "deployment/penstock", "--replicas=0")
            h.kubectl("-n", h.SYSTEM, "wait", "--for=delete", "pod", "-l", "app.kubernetes.io/name=penstock", "--timeout=60s")
            h.sh("bash", "-c", f"head -c 1G /dev/zero >{filler}", check=False)  # until the last byte is taken
            self.assertEqual(os.statvfs(FOLDER).f_bavail, 0)
            h.kubectl("-n", h.SYSTEM, "scale", "deployment/penstock", "--replicas=1")
            h.kubectl("-n", h.SYSTEM, "rollout", "status", "deployment/penstock", "--timeout=120s")
            self.assertEqual([p for p in FOLDER.iterdir() if ".damaged-" in p.name], [], "a good database was set aside")
            metrics = self.metrics()
            self.assertEqual(metrics["penstock_volume_free_bytes"], 0)
            self.assertEqual(metrics["penstock_history_open"], 0)
            self.assertGreater(metrics["penstock_volume_reserve_bytes"], 0)
            self.assertEqual(metrics["penstock_volume_size_bytes"], os.statvfs(FOLDER).f_blocks * os.statvfs(FOLDER).f_frsize)

            def told():
                return [e for e in h.items("events.events.k8s.io", h.SYSTEM) if e.get("reason") == "VolumeFull"]
            h.wait_until("an event of the operator's pod", 30, told)
            # Within the reserve what is small is taken, as receipts are.
            h.sh("truncate", "-s", "-1M", filler)
            # What is stored is read, and what is there already need not be written: only the second step's is new
            read = h.shell_step("read", 'grep hello "$IN" && echo "read" >"$OUT"', outputs=[{"name": "out"}],
                                inputs={"data": "$(steps.make.outputs.out)"},
                                retry={"infrastructure": {"limit": 50, "backoff": "2s", "maxBackoff": "2s"}})
            read["container"]["env"] = [{"name": "OUT", "value": "$(outputs.out.path)"},
                                        {"name": "IN", "value": "$(inputs.data.path)"}]
            h.apply(ns, h.run_of("after", ns, [make, read]))

            def refused():
                c = h.condition(h.get("pplr", "after", ns), "Succeeded")
                return c if c.get("reason") == "Retrying" else None
            message = h.wait_until("the refused upload in the condition", 60, refused)["message"]
            self.assertIn("the artifact store's volume is full", message)
            self.assertIn("step read", message)
            filler.unlink()
            self.assertEqual(h.condition(h.wait_finished("after", ns, 120), "Succeeded")["status"], "True")
            h.wait_until("history to be open again", 60, lambda: self.metrics()["penstock_history_open"] == 1)
            self.assertEqual([p for p in FOLDER.iterdir() if ".damaged-" in p.name], [])

    def metrics(self):
        text = h.kubectl("get", "--raw", f"/api/v1/namespaces/{h.SYSTEM}/services/penstock-metrics:http/proxy/metrics")
        return {name: float(value) for name, value in re.findall(r"^(penstock_\w+) (\S+)$", text, re.M)}


if __name__ == "__main__":
    unittest.main()
