"""What scripts and GitOps tools build on: kubectl wait, specs that nobody else writes, errors that show at once, and a
deletion that leaves nothing behind."""
import json
import unittest

import harness as h

MANAGER = "gitops"


def pipeline_of(name, ns, steps, **spec):
    return {"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": name, "namespace": ns},
            "spec": {"steps": steps, **spec}}


def model_of(name, ns, model):
    return {"apiVersion": "penstock.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": name, "namespace": ns},
            "spec": {"model": model}}


def owners_of_spec(obj):
    """Manager -> the fields of spec that it owns."""
    return {f["manager"]: f["fieldsV1"]["f:spec"] for f in obj["metadata"]["managedFields"] if "f:spec" in f["fieldsV1"]}


def with_owners(kind, name, ns):
    return json.loads(h.kubectl("get", kind, name, "-n", ns, "-o", "json", "--show-managed-fields"))


class GitOps(h.ClusterTest):
    def test_kubectl_wait_tells_success_from_failure_without_running_into_its_timeout(self):
        with h.Namespace("e2e-wait") as ns:
            h.apply(ns, h.run_of("good", ns, [h.shell_step("a", "true")]), h.run_of("bad", ns, [h.shell_step("a", "exit 3")]))
            for what in (("--for=condition=Succeeded", "pplr/good"), ("--for=condition=Succeeded=False", "pplr/bad"),
                         ("--for=condition=Stalled", "pplr/bad"), ("--for=condition=Finished", "pplr/bad")):
                h.kubectl("wait", *what, "-n", ns, "--timeout=60s")

    def test_what_was_applied_is_written_by_nobody_else_and_its_diff_is_empty(self):
        with h.Namespace("e2e-diff") as ns:
            step = h.shell_step("a", "echo 1 >$OUT", outputs=[{"name": "out"}])
            step["container"]["env"] = [{"name": "OUT", "value": "$(outputs.out.path)"}]
            objects = [pipeline_of("chain", ns, [step], outputs={"out": "$(steps.a.outputs.out)"}), h.run_of("once", ns, [step]),
                       model_of("served", ns, "$(pipelines.other.outputs.model)")]
            manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
            server_side = ("--server-side", f"--field-manager={MANAGER}", "-f", "-")
            h.kubectl("apply", *server_side, input=manifest)
            named = [("ppl", "chain"), ("pplr", "once"), ("pmd", "served")]
            before = {name: with_owners(kind, name, ns) for kind, name in named}
            h.wait_finished("once", ns)
            h.wait_until("what the Pipeline publishes", 60, lambda: h.get("ppl", "chain", ns)["status"].get("outputs"))
            h.wait_until("the ModelDeployment waits", 30,
                         lambda: h.condition(h.get("pmd", "served", ns), "Ready").get("reason") == "WaitingForModel")
            for kind, name in named:
                after = with_owners(kind, name, ns)
                self.assertEqual(after["spec"], before[name]["spec"], name)
                self.assertEqual(after["metadata"]["generation"], 1, name)
                self.assertEqual(owners_of_spec(after), owners_of_spec(before[name]), name)
                self.assertEqual(list(owners_of_spec(after)), [MANAGER], name)
            diff = h.sh("kubectl", "diff", *server_side, input=manifest, check=False)
            self.assertEqual((diff.returncode, diff.stdout), (0, ""), diff.stderr)

    def test_a_new_object_has_a_condition_within_two_seconds(self):
        with h.Namespace("e2e-soon") as ns:
            step = h.shell_step("a", "true")
            made = {"ppl": pipeline_of("new", ns, [step], runPolicy="Manual"), "pplr": h.run_of("new", ns, [step]),
                    "pmd": model_of("new", ns, "$(pipelines.nosuch.outputs.model)")}
            for kind, obj in made.items():
                h.apply(ns, obj)
                first = h.wait_until(f"a condition of {kind}/new", 2, lambda: h.condition(h.get(kind, "new", ns), "Ready"), every=0)
                self.assertEqual(first["observedGeneration"], 1, kind)

    def test_a_spec_that_can_never_run_is_stalled_within_five_seconds(self):
        def after(name, *others):
            return h.shell_step(name, "true", dependsOn=[{"step": o} for o in others])
        reading = h.shell_step("a", "true", inputs={"in": "$(steps.nosuch.outputs.out)"})
        wrong = {"circle": ([after("a", "b"), after("b", "a")], "a -> b -> a"),
                 "after-none": ([after("a", "nosuch")], "nosuch"),
                 "of-none": ([reading], "nosuch")}
        with h.Namespace("e2e-stalled") as ns:
            for name, (steps, word) in wrong.items():
                h.apply(ns, h.run_of(name, ns, steps))
                stalled = h.wait_until(f"{name} to be stalled", 5, lambda: next(
                    (c for c in [h.condition(h.get("pplr", name, ns), "Stalled")] if c.get("status") == "True"), None))
                self.assertEqual(stalled["reason"], "InvalidSpec", name)
                self.assertIn(word, stalled["message"])
            twice = json.dumps(h.run_of("twice", ns, [h.shell_step("a", "true"), h.shell_step("a", "true")]))
            refused = h.sh("kubectl", "create", "-f", "-", input=twice, check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("Duplicate value", refused.stderr)

    def test_an_autoscaler_brings_a_model_deployment_within_its_bounds(self):
        with h.Namespace("e2e-hpa") as ns:
            h.apply(ns, model_of("few", ns, "$(pipelines.other.outputs.model)"),
                    model_of("many", ns, "$(pipelines.other.outputs.model)"))
            h.kubectl("scale", "pmd/many", "-n", ns, "--replicas=9")
            for name in ("few", "many"):  # without metrics its bounds are what it can keep to
                h.apply(ns, {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                             "metadata": {"name": name, "namespace": ns},
                             "spec": {"minReplicas": 2, "maxReplicas": 3,
                                      "scaleTargetRef": {"apiVersion": "penstock.dev/v1alpha1", "kind": "ModelDeployment",
                                                         "name": name},
                                      "metrics": [{"type": "Resource", "resource": {
                                          "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]}})
            for name, replicas in (("few", 2), ("many", 3)):
                h.wait_until(f"{replicas} replicas of {name}", 60, lambda: h.get("pmd", name, ns)["spec"].get("replicas") == replicas)

    def test_a_deletion_leaves_nothing_behind(self):
        with h.Namespace("e2e-delete") as ns:
            # a parameter that is large enough for a ConfigMap of its own
            long_step = h.shell_step("long", "sleep 600", parameters={"text": "x" * 60_000})
            h.apply(ns, pipeline_of("chain", ns, [long_step]), h.run_of("once", ns, [long_step]))
            h.wait_until("both pods run", 60, lambda: sum(
                p["status"].get("phase") == "Running" for p in h.items("pods", ns)) == 2)
            self.assertTrue(self.children(ns))
            for obj in ("ppl/chain", "pplr/once"):
                h.kubectl("delete", obj, "-n", ns, "--timeout=30s")
            h.wait_until("nothing left", 90, lambda: not self.children(ns))
            # What they were pinned to is shared by runs of one content, and goes an hour after the last (controllers_test).
            revisions = h.items("controllerrevisions", ns)
            self.assertEqual([r["metadata"].get("ownerReferences") for r in revisions], [None] * len(revisions))
            self.assertEqual({r["metadata"]["name"].split("-")[0] for r in revisions}, {"penstock"})

    @staticmethod
    def children(ns):
        """What is left in a namespace besides what every namespace has, and the revisions that runs share."""
        found = [(kind, o["metadata"]["name"]) for kind in
                 ("pods", "configmaps", "deployments", "services", "penstock") for o in h.items(kind, ns)]
        return [f for f in found if f != ("configmaps", "kube-root-ca.crt")]

    def test_without_an_operator_a_new_object_is_not_done_and_a_deleted_one_goes(self):
        with h.Namespace("e2e-away") as ns:
            self.addCleanup(h.kubectl, "rollout", "status", "-n", h.SYSTEM, "deployment/penstock", "--timeout=120s")
            self.addCleanup(h.kubectl, "scale", "-n", h.SYSTEM, "deployment/penstock", "--replicas=1")
            h.kubectl("scale", "-n", h.SYSTEM, "deployment/penstock", "--replicas=0")
            h.wait_until("the operator to be away", 60, lambda: not h.items(
                "pods", h.SYSTEM, "-l", "app.kubernetes.io/name=penstock"))
            h.apply(ns, pipeline_of("chain", ns, [h.shell_step("a", "true")]), h.run_of("once", ns, [h.shell_step("a", "true")]),
                    model_of("served", ns, "$(pipelines.chain.outputs.model)"))
            for kind, name in (("ppl", "chain"), ("pplr", "once"), ("pmd", "served")):
                obj = h.get(kind, name, ns)
                # kstatus takes another generation than the object's for InProgress, and no status at all for Current
                self.assertEqual(obj["status"], {"observedGeneration": 0}, name)
                self.assertEqual(obj["metadata"]["generation"], 1, name)
                h.kubectl("delete", f"{kind}/{name}", "-n", ns, "--timeout=30s")


if __name__ == "__main__":
    unittest.main()
