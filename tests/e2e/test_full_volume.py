"""The volume for artifacts is full: the run says so, and goes on by itself when there is room again."""
import os
import pathlib
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
            self.assertIn("No space left on device", c["message"])
            self.assertRegex(c["message"], r"retry \d+ of 50 for infrastructure")
            h.sh("mount", "-o", "remount,size=400m", FOLDER)
            run = h.wait_finished("full", ns, 120)
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))


if __name__ == "__main__":
    unittest.main()
