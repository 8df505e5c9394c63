"""README's way onto a cluster: helm install as it stands there, helm test, and what kubectl get shows."""
import unittest

import harness as h


class Install(h.ClusterTest):
    def test_the_documented_install_passes_helm_test_every_time(self):
        h.sh("helm", "uninstall", "penstock", "-n", h.SYSTEM, "--wait", "--timeout", "120s")
        if h.OWN:  # as on a cluster that never had Penstock; on somebody's own this would delete their runs
            h.kubectl("delete", "-f", h.ROOT / "crds", "--wait")
        h.documented("README.md", "helm install penstock")
        h.kubectl("rollout", "status", "deployment/penstock", "-n", h.SYSTEM, "--timeout=120s")
        manifests = list((h.ROOT / "components").glob("*/component.yaml"))
        # An uninstalled operator loses its rights before it can release its lease, which then lapses after 15 s
        h.wait_until("the component library", 30, lambda: len(h.items("components.penstock.dev", h.SYSTEM)) == len(manifests))
        for _ in range(2):
            done = h.sh("helm", "test", "penstock", "-n", h.SYSTEM, "--timeout", "180s", "--logs", timeout=240)
            self.assertIn("Succeeded", done.stdout)
            self.assertIn("the model answered 6, 8 to 3, 4", done.stdout)
        runs = [r for r in h.items("pplr", h.SYSTEM) if r["metadata"]["name"].startswith("penstock-test-")]
        self.assertGreaterEqual(len(runs), 2, "each helm test runs a run of its own")
        for run in runs:
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True")
        h.kubectl("delete", "pplr", "-n", h.SYSTEM, *[r["metadata"]["name"] for r in runs])
        h.wait_until("the runs' ModelDeployment to go with them", 60, lambda: not h.get("pmd", "penstock-test", h.SYSTEM))


if __name__ == "__main__":
    unittest.main()
