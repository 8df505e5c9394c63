"""An HTTPRoute from a Gateway to a model, under the Gateway API's own CRD, whose controller the test plays; what drains may take."""
import json
import time
import unittest

import harness as h
import test_rollout

GATEWAY_API = "sigs.k8s.io/gateway-api@v1.4.0"  # a Go module
CRD = "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"
NAME = "httproutes.gateway.networking.k8s.io"


class Exposed(test_rollout.UnderLoad):
    def condition(self, kind="Exposed"):
        return h.condition({"status": self.status()}, kind) or {}

    def wait_reason(self, reason, seconds=90):
        h.wait_until(f"{reason}; now: {json.dumps(self.condition())}", seconds, lambda: self.condition().get("reason") == reason)

    def answer(self, accepted, reason):
        """As the Gateway's controller would."""
        route = h.get("httproutes.gateway.networking.k8s.io", "scale", self.ns)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        said = [{"type": kind, "status": status, "reason": why, "message": "", "lastTransitionTime": now,
                 "observedGeneration": route["metadata"]["generation"]}
                for kind, status, why in (("Accepted", accepted, reason), ("ResolvedRefs", "True", "ResolvedRefs"))]
        parent = {"parentRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public", "namespace": "gateways"},
                  "controllerName": "e2e.penstock.dev/gateway", "conditions": said}
        h.kubectl("patch", "httproute.gateway.networking.k8s.io", "scale", "-n", self.ns, "--subresource=status", "--type=merge",
                  "-p", json.dumps({"status": {"parents": [parent]}}))

    def expose(self, digest, **more):
        gateway = {"gateway": {"name": "public", "namespace": "gateways"}, "hostname": "scale.example.com", "path": "/scale"}
        self.follow(digest, rollout={"strategy": "BlueGreen"}, expose=gateway, **more)

    def test_a_gateway_leads_to_the_model_and_a_drain_takes_one_server_at_a_time(self):
        h.kubectl("delete", "crd", NAME, "--ignore-not-found")
        with h.Namespace(f"e2e-expose-{int(time.time())}") as self.ns:
            one = test_rollout.put(self.ns, lambda f: test_rollout.write_scale(f, 2))
            self.expose(one)
            self.wait_reason("NoGatewayAPI", 180)
            h.wait_until("the model to be served all the same", 120, lambda: self.condition("Available").get("status") == "True")
            self.assertEqual(h.items("poddisruptionbudget", self.ns), [])
            folder = json.loads(h.sh("go", "mod", "download", "-json", GATEWAY_API).stdout)["Dir"]
            h.kubectl("apply", "--server-side", "-f", f"{folder}/{CRD}")
            try:
                self.with_the_crd(one)
            finally:
                h.kubectl("delete", "crd", NAME, "--ignore-not-found")

    def edited_and_deleted(self):
        """What somebody does to the route by hand is undone; the Gateway answers for what is there then."""
        def route():
            return h.get(NAME, "scale", self.ns) or {}

        def as_made():
            rules = route().get("spec", {}).get("rules", [{}])
            return len(rules) == 1 and "timeouts" not in rules[0] and rules[0]["backendRefs"][0]["name"] == "scale"
        for what, edit in (("a time-out added", {"op": "add", "path": "/spec/rules/0/timeouts", "value": {"request": "1s"}}),
                           ("another backend", {"op": "replace", "path": "/spec/rules/0/backendRefs/0/name", "value": "other"})):
            begin = time.monotonic()
            h.kubectl("patch", NAME, "scale", "-n", self.ns, "--type=json", "-p", json.dumps([edit]))
            self.assertFalse(as_made(), what)
            h.wait_until(f"{what}: to be undone", 90, as_made)
            print(f"expose: {what}: undone after {time.monotonic() - begin:.0f} s", flush=True)
        uid = route()["metadata"]["uid"]
        h.kubectl("delete", NAME, "scale", "-n", self.ns)
        h.wait_until("the deleted route", 90, lambda: route().get("metadata", {}).get("uid", uid) != uid)
        self.answer("True", "Accepted")
        self.wait_reason("Accepted")

    def not_to_be_listed(self):
        """A right that the operator lacks takes that part alone."""
        rules = json.loads(h.kubectl("get", "clusterrole", "-l", "app.kubernetes.io/name=penstock", "-o", "json"))["items"]
        role = next(r for r in rules if any("poddisruptionbudgets" in rule.get("resources", []) for rule in r["rules"]))
        less = [rule for rule in role["rules"] if not ({"poddisruptionbudgets", "httproutes"} & set(rule.get("resources", [])))]
        try:
            h.kubectl("patch", "clusterrole", role["metadata"]["name"], "--type=merge", "-p", json.dumps({"rules": less}))
            h.kubectl("annotate", "pmd", "scale", "-n", self.ns, "e2e.penstock.dev/look=without", "--overwrite")
            self.wait_reason("RouteUnread", 120)
            self.assertIn("httproutes.gateway.networking.k8s.io is forbidden", self.condition()["message"])
            self.assertEqual(self.condition("Available")["status"], "True")
            # the rest goes on
            h.kubectl("patch", "pmd", "scale", "-n", self.ns, "--type=merge", "-p", '{"spec": {"replicas": 2}}')
            h.wait_until("two servers", 120, lambda: self.status().get("replicas") == 2)
            h.wait_until("what became of the budget", 60, lambda: "poddisruptionbudgets.policy is forbidden" in
                         self.condition("DisruptionBudget").get("message", ""))
        finally:
            h.kubectl("patch", "clusterrole", role["metadata"]["name"], "--type=merge", "-p", json.dumps({"rules": role["rules"]}))
        self.wait_reason("Accepted", 120)
        h.wait_until("to be told no more", 120, lambda: not self.condition("DisruptionBudget"))
        h.kubectl("patch", "pmd", "scale", "-n", self.ns, "--type=merge", "-p", '{"spec": {"replicas": 1}}')

    def with_the_crd(self, one):
        self.wait_reason("RoutePending", 120)  # it is asked for once a minute
        route = h.get("httproutes.gateway.networking.k8s.io", "scale", self.ns)
        self.assertEqual(route["spec"]["hostnames"], ["scale.example.com"])
        self.answer("False", "NotAllowedByListeners")
        self.wait_reason("RouteRefused")
        self.answer("True", "Accepted")
        self.wait_reason("Accepted")
        self.wait_stable(one)
        self.edited_and_deleted()
        self.not_to_be_listed()
        self.expose(one, replicas=2)
        budget = h.wait_until("a PodDisruptionBudget", 60, lambda: h.get("poddisruptionbudget", "scale", self.ns))
        self.assertEqual(budget["spec"]["maxUnavailable"], 1)
        h.wait_until("one to be allowed to go", 120, lambda: h.get("poddisruptionbudget", "scale", self.ns)
                     .get("status", {}).get("disruptionsAllowed") == 1)
        self.follow(one, rollout={"strategy": "BlueGreen"})
        h.wait_until("the route to go", 60, lambda: not h.items("httproutes.gateway.networking.k8s.io", self.ns))
        h.wait_until("the budget to go with the second server", 60, lambda: not h.get("poddisruptionbudget", "scale", self.ns))


if __name__ == "__main__":
    unittest.main()
