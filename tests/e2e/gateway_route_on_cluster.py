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
            self.assertEqual(self.condition("Available")["status"], "True")
            self.assertEqual(h.items("poddisruptionbudget", self.ns), [])
            folder = json.loads(h.sh("go", "mod", "download", "-json", GATEWAY_API).stdout)["Dir"]
            h.kubectl("apply", "--server-side", "-f", f"{folder}/{CRD}")
            try:
                self.with_the_crd(one)
            finally:
                h.kubectl("delete", "crd", NAME, "--ignore-not-found")

    def with_the_crd(self, one):
        self.wait_reason("RoutePending")
        route = h.get("httproutes.gateway.networking.k8s.io", "scale", self.ns)
        self.assertEqual(route["spec"]["hostnames"], ["scale.example.com"])
        self.answer("False", "NotAllowedByListeners")
        self.wait_reason("RouteRefused")
        self.answer("True", "Accepted")
        self.wait_reason("Accepted")
        self.wait_stable(one)
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
