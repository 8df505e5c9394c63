"""spec.registers on real pods: what a Pipeline publishes becomes versions of a model, and an alias is what is served."""
import json
import os
import unittest

import harness as h
import test_rollout
from test_gitops import pipeline_of
from test_models import wait_ready


def copied(ns, digest, **more):
    """A Pipeline whose only step gives the model of this digest, and registers it."""
    step = h.shell_step("train", 'cp -r "$FROM" "$MODEL"', inputs={"from": digest}, outputs=[{"name": "model", "type": "model"}], **more)
    step["container"]["env"] = [{"name": "FROM", "value": "$(inputs.from.path)"}, {"name": "MODEL", "value": "$(outputs.model.path)"}]
    return pipeline_of("scale", ns, [step], parameters=[{"name": "slope", "type": "number", "default": 0.5}],
                       outputs={"model": "$(steps.train.outputs.model)"}, registers=[{"model": "scale", "output": "model"}])


class Registers(h.ClusterTest):
    def test_each_new_content_is_a_version_and_the_alias_s_is_served(self):
        with h.Namespace("e2e-registers") as ns:
            one, two = (test_rollout.put(ns, lambda f, k=k: test_rollout.write_scale(f, k)) for k in (2, 3))
            h.apply(ns, copied(ns, one))
            self.registered(ns, 1)
            h.sh(test_rollout.PENSTOCK, "model", "alias", "scale", "champion", "1", "-n", ns)
            h.apply(ns, {"apiVersion": "penstock.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "scale"}, "spec": {
                "model": "$(models.scale.champion)", "replicas": 1, "resources": test_rollout.SMALL}})
            wait_ready("scale", ns)
            served = h.get("pmd", "scale", ns)["status"]["stable"]["digest"]
            version = h.get("modelversion", "scale-v1", ns)["spec"]
            self.assertEqual(version["digest"], served)
            self.assertEqual(version["parameters"]["slope"], 0.5, version)

            h.apply(ns, copied(ns, two))
            self.registered(ns, 2)
            self.assertEqual(h.get("pmd", "scale", ns)["status"]["stable"]["digest"], served, "nobody has moved the alias")
            h.sh(test_rollout.PENSTOCK, "model", "alias", "scale", "champion", "2", "-n", ns)
            h.wait_until("the second version to be served", 90, lambda: h.get("pmd", "scale", ns)["status"]["stable"]["digest"] ==
                         h.get("modelversion", "scale-v2", ns)["spec"]["digest"])
            wait_ready("scale", ns)

    @unittest.skipUnless(os.environ.get("PENSTOCK_REGISTERS") == "all", "two minutes, for tests/run full")
    def test_the_same_content_and_an_operator_that_begins_anew_are_no_version_and_a_refused_one_comes_later(self):
        with h.Namespace("e2e-registers-again") as ns:
            one, two = (test_rollout.put(ns, lambda f, k=k: test_rollout.write_scale(f, k)) for k in (2, 3))
            for version, digest in ((1, one), (2, two)):
                h.apply(ns, copied(ns, digest))
                self.registered(ns, version)
            h.apply(ns, copied(ns, one))
            h.wait_until("the first again", 90, lambda: self.status(ns).get("registered", [{}])[0].get("version") == 1)
            h.kubectl("delete", "pods", "-n", h.SYSTEM, "-l", "app.kubernetes.io/name=penstock", "--force", "--grace-period=0")
            h.kubectl("rollout", "status", "-n", h.SYSTEM, "deployment/penstock", "--timeout=120s")
            self.refused_once(ns)

    def status(self, ns):
        return h.get("ppl", "scale", ns).get("status", {})

    def registered(self, ns, version):
        def there():
            return h.get("modelversion", f"scale-v{version}", ns) and [r for r in self.status(ns).get("registered", []) if r["version"] == version]
        h.wait_until(f"version {version} to be registered", 90, there)

    def refused_once(self, ns):
        """A quota keeps the third version from being made: it is told, and made when the quota is gone."""
        three = test_rollout.put(ns, lambda f: test_rollout.write_scale(f, 4))
        h.apply(ns, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"count/modelversions.penstock.dev": "2"}}})
        h.wait_until("the quota to be counted", 60, lambda: h.get("resourcequota", "few", ns).get("status", {}).get("used"))
        h.apply(ns, copied(ns, three))
        h.wait_until("it to be told", 90, lambda: "exceeded quota" in json.dumps(self.status(ns).get("conditions")))
        self.assertEqual(len(h.items("modelversions", ns)), 2)
        h.kubectl("delete", "resourcequota", "few", "-n", ns)
        self.registered(ns, 3)
        self.assertEqual(len(h.items("modelversions", ns)), 3)


if __name__ == "__main__":
    unittest.main()
