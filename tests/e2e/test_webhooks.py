"""Signed deliveries to the gateway of a real cluster: who may read the key, what starts a run, and what starts none."""
import base64
import hashlib
import hmac
import json
import secrets
import ssl
import time
import unittest
import urllib.error
import urllib.request

import harness as h

KEY = secrets.token_hex(32)
STANDARD = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def hub(body, delivery, key=KEY):
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest(),
            "X-GitHub-Delivery": delivery, "Content-Type": "application/json"}


def standard(body, delivery, at):
    key = base64.b64decode(STANDARD.removeprefix("whsec_"))
    signature = hmac.new(key, f"{delivery}.{at}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": delivery, "webhook-timestamp": str(at), "Content-Type": "application/json",
            "webhook-signature": "v1," + base64.b64encode(signature).decode()}


def deliver(path, body, headers):
    """Status and JSON of the answer; 0 where nobody listens."""
    host = h.get("service", "penstock-gateway", h.SYSTEM)["spec"]["clusterIP"]
    request = urllib.request.Request(f"https://{host}:8443/hooks/{path}", data=body, headers=headers)
    context = ssl._create_unverified_context()  # its certificate is made for the Service's name
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except urllib.error.URLError as error:
        return 0, {"error": str(error)}


def pipeline(ns):
    step = h.shell_step("say", 'test "$REV" = 4be1c0')
    step["container"]["env"] = [{"name": "REV", "value": "$(parameters.rev)"}]

    def webhook(name, **more):
        return {"webhook": {"name": name, "secretRef": {"name": "hook", "key": name}, "parameters": {"rev": "$(body.after)"}}, **more}
    return {"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": "hooked", "namespace": ns},
            "spec": {"runPolicy": "Manual", "parameters": [{"name": "rev"}], "triggers": [webhook("hub"), webhook("standard")],
                     "steps": [step]}}


class Webhooks(h.ClusterTest):
    def test_a_signed_delivery_starts_one_run_once_the_operator_may_read_its_key(self):
        body = json.dumps({"after": "4be1c0"}).encode()
        try:
            h.install("--set", "webhooks.enabled=true")
            with h.Namespace("e2e-hooks") as ns:
                h.apply(ns, pipeline(ns), {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hook"},
                                           "stringData": {"hub": KEY, "standard": STANDARD}})
                first = hub(body, "first")
                self.assertEqual(deliver(f"{ns}/hooked/hub", body, first)[0], 401, "nobody has given the right")
                said = h.wait_until("an event that says so", 60, lambda: next(
                    (e["note"] for e in h.items("events.events.k8s.io", ns) if e["reason"] == "WebhookKeyMissing"), None))
                self.assertIn("the operator may not get it", said)
                self.assertNotIn(KEY, said)

                h.install("--set", "webhooks.enabled=true", "--set-json", f'webhooks.secrets={{"{ns}": ["hook"]}}')
                status, answer = h.wait_until("that the key is read", 60, lambda: next(
                    (a for a in [deliver(f"{ns}/hooked/hub", body, first)] if a[0] not in (0, 401)), None))
                self.assertEqual(status, 202, answer)
                run = h.wait_finished(answer["run"], ns)
                self.assertEqual(h.condition(run, "Succeeded")["status"], "True")
                self.assertEqual(run["spec"]["parameters"], {"rev": "4be1c0"})
                self.assertEqual(run["metadata"]["annotations"]["penstock.dev/triggered-by"], "webhook hub")

                h.kubectl("delete", "pplr", answer["run"], "-n", ns)
                h.kubectl("rollout", "restart", "deployment/penstock", "-n", h.SYSTEM)
                h.kubectl("rollout", "status", "deployment/penstock", "-n", h.SYSTEM, "--timeout=120s")
                status, again = h.wait_until("an answer of the new operator", 60, lambda: next(
                    (a for a in [deliver(f"{ns}/hooked/hub", body, first)] if a[0] not in (0, 503)), None))
                self.assertEqual((status, again["duplicate"]), (202, True), again)
                self.assertEqual(h.items("pplr", ns), [], "the same delivery starts no second run")

                unknown = [deliver(f"{ns}/hooked/hub", body + b" ", first), deliver(f"{ns}/hooked/hub", body, hub(body, "x", "k" * 32)),
                           deliver(f"{ns}/other/hub", body, first), deliver(f"other/hooked/hub", body, first)]
                self.assertEqual({status for status, _ in unknown}, {401})
                self.assertEqual(len({str(answer) for _, answer in unknown}), 1, "they are answered alike")

                now = int(time.time())
                self.assertEqual(deliver(f"{ns}/hooked/standard", body, standard(body, "old", now - 900))[0], 401)
                status, answer = deliver(f"{ns}/hooked/standard", body, standard(body, "msg_1", now))
                self.assertEqual(status, 202, answer)
                h.wait_finished(answer["run"], ns)
                status, answer = deliver(f"{ns}/hooked/standard", b"{}", standard(b"{}", "msg_2", now))
                self.assertEqual((status, answer["parameters"][0]["parameter"]), (422, "rev"), answer)
        finally:
            h.install()


if __name__ == "__main__":
    unittest.main()
