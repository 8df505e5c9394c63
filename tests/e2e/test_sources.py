"""What the operator asks for users on a real cluster, and what it does not; who may hold its gateway."""
import select
import socket
import time
import unittest

import harness as h

NS = "e2e-sources"


def step(name, source):
    """Cacheable, so that its source is asked."""
    return h.shell_step(name, "true", inputs={"data": source}, cache={"trustTag": True})


class Sources(h.ClusterTest):
    def cache_miss(self, ns, run, name):
        return h.wait_until(f"why {name} was not taken from the cache", 60,
                            lambda: h.step_of(h.get("pplr", run, ns) or {}, name).get("cacheMiss"))

    def test_the_api_server_and_the_operators_own_namespace_are_never_asked(self):
        server = h.get("service", "kubernetes", "default")["spec"]["clusterIP"]
        gateway = h.get("service", "penstock-gateway", h.SYSTEM)["spec"]["clusterIP"]
        endpoint = h.get("endpointslice", "kubernetes", "default")["endpoints"][0]["addresses"][0]
        operator = h.items("pods", h.SYSTEM, "-l", "app.kubernetes.io/name=penstock")[0]["status"]["podIP"]
        sources = {"server": "https://kubernetes.default.svc/version", "server-address": f"https://{server}/version",
                   "server-endpoint": f"https://{endpoint}:6443/version", "gateway": f"https://{gateway}:8443/",
                   "metrics": f"http://penstock-metrics.{h.SYSTEM}.svc:8080/metrics", "operator": f"http://{operator}:8080/metrics",
                   "metadata": "http://169.254.169.254/latest/meta-data/?token=secret", "loopback": "http://127.0.0.1:8080/metrics"}
        with h.Namespace(NS) as ns:
            h.apply(ns, h.run_of("refused", ns, [step(name, source) for name, source in sources.items()]))
            for name in sources:
                said = self.cache_miss(ns, "refused", name)
                self.assertIn("SourceRefused: input 'data'", said, name)
                self.assertIn("which nothing allows", said, name)
            status = str(h.get("pplr", "refused", ns)["status"])
            self.assertNotIn("secret", status)
            self.assertNotIn("secret", h.kubectl("get", "events", "-n", ns, "-o", "json"))

    def test_a_denied_range_is_told_by_its_name_and_an_allowed_one_in_it_is_asked(self):
        h.install("--set", "sources.deny={192.0.2.0/24,198.51.100.0/24}", "--set", "sources.allow={198.51.100.7}")
        try:
            with h.Namespace(NS) as ns:
                h.apply(ns, h.run_of("denied", ns, [step("denied", "http://192.0.2.1/x"), step("allowed", "http://198.51.100.7/x")]))
                self.assertIn("192.0.2.0/24 is denied by the chart's sources.deny", self.cache_miss(ns, "denied", "denied"))
                # nobody is there: it was asked
                self.assertTrue(self.cache_miss(ns, "denied", "allowed").startswith("NoFingerprint"))
        finally:
            h.install()

    def test_one_address_cannot_take_all_of_the_gateways_connections(self):
        host = h.get("service", "penstock-gateway", h.SYSTEM)["spec"]["clusterIP"]
        held = []

        def listens():
            try:
                socket.create_connection((host, 8443), 5).close()
                return True
            except ConnectionError:
                return False
        h.wait_until("the nodes know of the gateway's new pod", 30, listens)
        try:
            for _ in range(100):
                held.append(socket.create_connection((host, 8443), 5))
            closed, end = set(), time.monotonic() + 3  # before those that it takes are closed for their silence
            while len(closed) < 36 and time.monotonic() < end:
                ready, _, _ = select.select([s for s in held if s not in closed], [], [], 0.5)
                for s in ready:
                    try:
                        data = s.recv(1)
                    except ConnectionError:
                        data = b""
                    if not data:
                        closed.add(s)
            self.assertGreaterEqual(len(closed), 36)
            self.assertLessEqual(len(closed), 40, "it closed those that it may have, too")
        finally:
            for s in held:
                s.close()


if __name__ == "__main__":
    unittest.main()
