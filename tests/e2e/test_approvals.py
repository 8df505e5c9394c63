"""Approvals on a real API server: the chart's policy lets nobody speak for another, and the run counts what it lets by."""
import datetime
import json
import unittest

import harness as h

PENSTOCK = h.BUILD / "bin/penstock"
API = "penstock.dev/v1alpha1"


def as_person(user, *groups):
    """Flags by which kubectl acts as somebody."""
    return [f"--as={user}", *(f"--as-group={g}" for g in ("system:authenticated", *groups))]


def create(person, obj, ns):
    return h.sh("kubectl", "create", *person, "-n", ns, "-f", "-", "-o", "json", input=json.dumps(obj), check=False)


def run_of(name, by=None, **approval):
    made = h.run_of(name, None, [{"name": "go", "approval": approval}, h.shell_step("deploy", "echo shipped")])
    made["metadata"].pop("namespace", None)
    made["spec"]["pipelineSpec"]["steps"][1]["dependsOn"] = [{"step": "go"}]
    if by:
        made["metadata"]["annotations"] = {"penstock.dev/submitted-by": by}
    return made


def binding(name, role, user=None, group=None):
    kind = "User" if user else "Group"
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": user or group}]}


def in_force():
    """The policy counts ten seconds after it and its binding were made or changed: for what is made before, nobody vouches."""
    def since(kind):
        made = json.loads(h.kubectl("get", kind, "penstock-approvals", "-o", "json", "--show-managed-fields"))
        times = [f["time"] for f in made["metadata"]["managedFields"] if not f.get("subresource")]
        return max(datetime.datetime.fromisoformat(t.replace("Z", "+00:00")) for t in times)

    return all(datetime.datetime.now(datetime.timezone.utc) - since(kind) > datetime.timedelta(seconds=11)
               for kind in ("validatingadmissionpolicy", "validatingadmissionpolicybinding"))


class Approvals(h.ClusterTest):
    def setUp(self):
        super().setUp()
        h.wait_until("the policy for Approvals is in force", 30, in_force)

    def decision(self, run, ns, user, decision="Approve", groups=(), **spec):
        uid = h.get("pplr", run, ns)["metadata"]["uid"]
        return {"apiVersion": API, "kind": "Approval", "metadata": {"generateName": f"{run}-go-"},
                "spec": {"run": {"name": run, "uid": uid}, "step": "go", "decision": decision,
                         "approver": {"user": user, **({"groups": list(groups)} if groups else {})}, **spec}}

    def says(self, run, ns, reason):
        return h.wait_until(f"step go of {run} says {reason}", 60, lambda: next(
            (s for s in (h.get("pplr", run, ns).get("status") or {}).get("steps", []) if s["name"] == "go" and s.get("reason") == reason), None))

    def test_nobody_decides_in_the_name_of_another(self):
        with h.Namespace("e2e-approvals") as ns:
            h.apply(ns, binding("deciders", "penstock-approve", group="leads"), binding("makers", "edit", user="dave"),
                    binding("dave-decides", "penstock-approve", user="dave"))
            alice, bob, dave = as_person("alice", "leads"), as_person("bob", "leads"), as_person("dave")

            refused = create(dave, run_of("first", by="alice"), ns)
            self.assertIn("submitted-by must be who makes the run: dave", refused.stderr)
            self.assertEqual(create(dave, run_of("first", by="dave", approvers=[{"group": "leads"}, {"user": "dave"}], notBySubmitter=True),
                                    ns).returncode, 0)
            self.says("first", ns, "AwaitingApproval")
            pods = h.items("pods", ns)
            self.assertEqual(pods, [], "nothing runs while it waits")
            changed = h.sh("kubectl", "annotate", *dave, "-n", ns, "--overwrite", "pplr/first", "penstock.dev/submitted-by=bob", check=False)
            self.assertIn("of a run stands", changed.stderr)

            refused = create(alice, self.decision("first", ns, "bob"), ns)
            self.assertIn("spec.approver.user must be who makes the Approval: alice", refused.stderr)
            refused = create(dave, self.decision("first", ns, "dave", groups=["leads"]), ns)
            self.assertIn("spec.approver.groups must be groups of dave", refused.stderr)
            nobody = create(as_person("eve"), self.decision("first", ns, "eve"), ns)
            self.assertIn("forbidden", nobody.stderr)

            self.assertEqual(create(dave, self.decision("first", ns, "dave"), ns).returncode, 0)
            self.assertIn("they started the run", self.says("first", ns, "ApprovalRefused")["message"])
            made = create(bob, self.decision("first", ns, "bob", groups=["leads"]), ns)
            self.assertEqual(made.returncode, 0, made.stderr)
            name = json.loads(made.stdout)["metadata"]["name"]
            changed = h.sh("kubectl", "patch", "-n", ns, f"approval/{name}", "--type=merge", "-p", '{"spec": {"decision": "Reject"}}',
                           check=False)
            self.assertIn("a decision stands", changed.stderr)
            self.assertEqual(h.condition(h.wait_finished("first", ns), "Succeeded")["status"], "True")

    def test_penstock_approve_decides_as_who_calls_it(self):
        with h.Namespace("e2e-approve") as ns:
            h.apply(ns, run_of("second", values=[{"name": "to", "enum": ["a", "b"]}]))
            self.says("second", ns, "AwaitingApproval")
            wrong = h.sh(PENSTOCK, "approve", "second", "go", "--cluster", "-n", ns, "--value", "other=1", check=False)
            self.assertEqual(wrong.returncode, 2, wrong.stdout + wrong.stderr)
            done = h.sh(PENSTOCK, "approve", "second", "go", "--cluster", "-n", ns, "--value", "to=b", "--comment", "fine")
            self.assertIn("approved by ", done.stdout)
            run = h.wait_finished("second", ns)
            self.assertEqual(h.step_of(run, "go")["results"], {"to": "b"})
            self.assertIn("second", h.sh(PENSTOCK, "get", "approvals", "--cluster", "-n", ns).stdout)

    def test_without_the_policy_no_decision_counts_and_the_run_says_so(self):
        name = "penstock-approvals"
        kept = h.get("validatingadmissionpolicybinding", name, "default")
        h.kubectl("delete", "validatingadmissionpolicybinding", name)
        try:
            with h.Namespace("e2e-unbound") as ns:
                h.apply(ns, run_of("third"))
                self.says("third", ns, "ApprovalUnbound")
                self.assertEqual(create([], self.decision("third", ns, "somebody"), ns).returncode, 0, "nothing holds it back")
                h.wait_until("its condition says so", 60, lambda: f"no ValidatingAdmissionPolicyBinding {name}" in h.condition(
                    h.get("pplr", "third", ns), "Succeeded").get("message", ""))
        finally:
            for field in ("resourceVersion", "uid", "creationTimestamp", "managedFields"):
                kept["metadata"].pop(field, None)
            h.apply(None, kept)


if __name__ == "__main__":
    unittest.main()
