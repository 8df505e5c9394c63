"""What tenants and clusters do to runs: what refuses pods, edits them, joins them, ends them; and clocks that differ."""
import base64
import calendar
import contextlib
import glob
import http.server
import json
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import harness as h


def sleeper(seconds, **more):
    return h.shell_step("work", f"trap 'exit 9' TERM; sleep {seconds} & wait $!; echo done >&2", **more)


def seconds_of(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def events(ns, reason):
    return [e for e in h.items("events.events.k8s.io", ns) if e["reason"] == reason]


def wait_running(ns):
    """The pod of the one step, as soon as it runs."""
    return h.wait_until("a pod that runs", 60, lambda: [
        p for p in h.items("pods", ns) if p["status"].get("phase") == "Running"])[0]["metadata"]["name"]


class Trouble(h.ClusterTest):
    def refused(self, ns, reason, words, within=8):
        """The run 'first' says within seconds why its pod is not made."""
        run = h.wait_until(f"{reason} in the status", within, lambda: (
            lambda run: run if h.step_of(run or {}, "work").get("reason") == reason else None)(h.get("pplr", "first", ns)))
        step, c = h.step_of(run, "work"), h.condition(run, "Succeeded")
        self.assertEqual(step["phase"], "Pending")
        self.assertIn(words, step["message"])
        self.assertIn(f"step work ({reason}): ", c["message"])
        self.assertIn("(timeouts.pending)", c["message"])
        return run

    def succeeds(self, ns, pods=1, seconds=120):
        run = h.wait_finished("first", ns, seconds)
        self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))
        self.assertEqual(sum(s.get("attempts", 0) for s in run["status"]["steps"]), pods, "no pod twice")
        return run

    def test_a_quota_is_told_and_the_run_goes_on_when_it_is_lifted(self):
        with h.Namespace("e2e-quota") as ns:
            h.apply(ns, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
            h.wait_until("the quota to count", 30, lambda: h.get("resourcequota", "none", ns).get("status", {}).get("used"))
            h.apply(ns, h.run_of("first", ns, [h.shell_step("work", "true")]))
            self.refused(ns, "QuotaExceeded", "exceeded quota: none")
            time.sleep(12)  # tries go on, and are told once
            self.assertEqual(len(events(ns, "QuotaExceeded")), 1)
            h.kubectl("delete", "resourcequota", "none", "-n", ns)
            self.succeeds(ns)

    def test_a_quota_that_stays_ends_the_step_after_timeouts_pending(self):
        with h.Namespace("e2e-quota-stays") as ns:
            h.apply(ns, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
            h.wait_until("the quota to count", 30, lambda: h.get("resourcequota", "none", ns).get("status", {}).get("used"))
            h.apply(ns, h.run_of("first", ns, [h.shell_step("work", "true", timeouts={"pending": "10s"})]))
            run = h.wait_finished("first", ns, 60)
            self.assertEqual(h.step_of(run, "work")["reason"], "QuotaExceeded")
            self.assertIn("could not be created within 10s", h.step_of(run, "work")["message"])

    def test_a_webhook_that_is_down_is_told_and_the_run_goes_on_without_it(self):
        with h.Namespace("e2e-webhook") as ns, contextlib.ExitStack() as stack:
            stack.enter_context(h.made(h.hook("Validating", ns, {"service": {"name": "nobody", "namespace": ns, "path": "/"}})))
            h.wait_until("the webhook to be asked", 30, lambda: "failed calling webhook" in probe(ns).stderr)
            h.apply(ns, h.run_of("first", ns, [h.shell_step("work", "true")]))
            self.refused(ns, "WebhookFailed", "failed calling webhook")
            stack.close()
            self.succeeds(ns)

    def test_a_pod_without_its_labels_and_owners_is_followed_to_its_end(self):
        with h.Namespace("e2e-stripped") as ns:
            h.apply(ns, h.run_of("first", ns, [sleeper(15)]))
            pod = wait_running(ns)
            h.kubectl("label", "pod", pod, "-n", ns, "penstock.dev/managed-", "penstock.dev/step=another", "--overwrite")
            h.kubectl("patch", "pod", pod, "-n", ns, "--type=merge", "-p", '{"metadata": {"ownerReferences": null}}')
            self.succeeds(ns)
            self.assertEqual([p["metadata"]["name"] for p in h.items("pods", ns)], [pod])

    def test_a_deadline_of_the_pod_is_a_time_out_and_is_not_tried_again(self):
        with h.Namespace("e2e-deadline") as ns:
            h.apply(ns, h.run_of("first", ns, [sleeper(300, timeouts={"attempt": "10m"})]))
            pod = wait_running(ns)
            self.assertGreater(h.get("pod", pod, ns)["spec"]["activeDeadlineSeconds"], 24 * 3600)
            h.kubectl("patch", "pod", pod, "-n", ns, "--type=merge", "-p", '{"spec": {"activeDeadlineSeconds": 3}}')
            run = h.wait_finished("first", ns, 90)
            self.assertEqual(h.step_of(run, "work")["reason"], "TimedOut")
            self.assertEqual(h.step_of(run, "work")["attempts"], 1)

    def test_last_words_are_in_status_condition_and_event(self):
        with h.Namespace("e2e-words") as ns:
            h.apply(ns, h.run_of("first", ns, [h.shell_step("work", "echo no column price >&2; exit 4")]))
            run = h.wait_finished("first", ns, 60)
            words = 'exit code 4: sh exited with code 4; its last words: "no column price"'
            self.assertIn(words, h.step_of(run, "work")["message"])
            self.assertIn(words, h.condition(run, "Succeeded")["message"])
            h.wait_until("the event", 15, lambda: [e for e in events(ns, "StepFailed") if words in e.get("note", "")])

    def test_rights_that_are_revoked_in_mid_run_are_told_and_the_run_goes_on_when_they_are_back(self):
        role = json.loads(h.kubectl("get", "clusterrole", "penstock", "-o", "json"))["rules"]
        less = [{**r, "verbs": [v for v in r["verbs"] if v != "create"]} if "pods" in r["resources"] else r for r in role]

        def grant(rules):
            h.kubectl("patch", "clusterrole", "penstock", "--type=merge", "-p", json.dumps({"rules": rules}))
        with h.Namespace("e2e-rights") as ns:
            before = h.shell_step("before", "sleep 5")
            after = h.shell_step("work", "true", dependsOn=[{"step": "before"}])
            h.apply(ns, h.run_of("first", ns, [before, after]))
            wait_running(ns)
            try:
                grant(less)
                self.refused(ns, "Forbidden", "cannot create resource", 30)
            finally:
                grant(role)
            self.succeeds(ns, 2)

    def test_replace_cancels_the_run_before(self):
        def pipeline(seconds):
            return {"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": "chain", "namespace": ns},
                    "spec": {"concurrency": {"policy": "Replace"}, "steps": [sleeper(seconds)]}}
        with h.Namespace("e2e-replace") as ns:
            h.apply(ns, pipeline(300))
            wait_running(ns)
            first = h.items("pplr", ns)[0]["metadata"]["name"]
            h.apply(ns, pipeline(1))
            run = h.wait_finished(first, ns, 90)
            self.assertEqual(h.condition(run, "Succeeded")["reason"], "Cancelled")
            h.wait_until("the run that takes its place", 60, lambda: [
                r for r in h.items("pplr", ns) if r["metadata"]["name"] != first
                and h.condition(r, "Succeeded").get("status") == "True"])


SIDECAR = {"name": "proxy", "image": f"penstock/operator:{h.VERSION}", "imagePullPolicy": "IfNotPresent",
           "command": ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"],
           "resources": {"requests": {"cpu": "10m", "memory": "8Mi"}},
           "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}


def probe(ns):
    """What the API server says of a pod that breaks no rule of the namespace, without making it."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe", "namespace": ns},
           "spec": {"securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [{**SIDECAR, "name": "probe"}]}}
    return h.sh("kubectl", "create", "--dry-run=server", "-o", "json", "-f", "-", input=json.dumps(pod), check=False)


class Injector(http.server.BaseHTTPRequestHandler):
    """A mutating webhook that puts a container beside the step's, as a mesh does."""

    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        patch = [{"op": "add", "path": "/spec/containers/-", "value": SIDECAR}]
        answer = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {
            "uid": review["request"]["uid"], "allowed": True, "patchType": "JSONPatch",
            "patch": base64.b64encode(json.dumps(patch).encode()).decode()}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def injected(ns):
    """Pods of the namespace get a sidecar; the API server of our own cluster runs on this machine and reaches us."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=injector",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/key", "-out", f"{folder}/crt"],
                       check=True, capture_output=True)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Injector)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(f"{folder}/crt", f"{folder}/key")
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with open(f"{folder}/crt", "rb") as f:
            authority = base64.b64encode(f.read()).decode()
        client = {"url": f"https://127.0.0.1:{server.server_port}/", "caBundle": authority}
        with h.made(h.hook("Mutating", ns, client, name="e2e-injector")):
            h.wait_until("pods to be injected", 30, lambda: '"proxy"' in probe(ns).stdout)
            yield
        server.shutdown()


@unittest.skipUnless(h.OWN, "the API server must reach a webhook of this process")
class Sidecars(h.ClusterTest):
    def ended(self, name, script, seconds):
        with h.Namespace(name) as ns, injected(ns):
            h.apply(ns, h.run_of("first", ns, [h.shell_step("work", script)]))
            run = h.wait_finished("first", ns, seconds)
            h.wait_until("the pod to go, with its sidecar", 60, lambda: not h.items("pods", ns))
            return run

    def test_an_injected_sidecar_does_not_hold_a_step_that_failed(self):
        run = self.ended("e2e-sidecar-fails", "echo it broke >&2; exit 7", 60)
        self.assertEqual(h.step_of(run, "work")["reason"], "ExitCode")
        self.assertIn("it broke", h.condition(run, "Succeeded")["message"])
        self.assertEqual(h.step_of(run, "work")["attempts"], 1)

    def test_an_injected_sidecar_does_not_survive_a_step_that_succeeded(self):
        run = self.ended("e2e-sidecar-succeeds", "true", 60)
        self.assertEqual(h.condition(run, "Succeeded")["status"], "True")


@unittest.skipUnless(h.OWN, "the operator is started under libfaketime of this machine")
class Clocks(h.ClusterTest):
    @contextlib.contextmanager
    def operator_at(self, offset):
        """The operator's wall clock is off by so much; its steady clock is not."""
        library = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")[0]  # tools/install-deps cluster
        with open(library, "rb") as f:
            data = base64.b64encode(f.read()).decode()
        h.apply(h.SYSTEM, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "faketime", "namespace": h.SYSTEM},
                           "binaryData": {"libfaketime.so.1": data}})
        container = h.get("deployment", "penstock", h.SYSTEM)["spec"]["template"]["spec"]["containers"][0]["name"]
        env = {"LD_PRELOAD": "/faketime/libfaketime.so.1", "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1",
               "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DISABLE_SHM": "1"}
        pod = {"volumes": [{"name": "faketime", "configMap": {"name": "faketime"}}],
               "containers": [{"name": container, "env": [{"name": k, "value": v} for k, v in env.items()],
                               "volumeMounts": [{"name": "faketime", "mountPath": "/faketime"}]}]}
        try:
            h.kubectl("patch", "deployment", "penstock", "-n", h.SYSTEM, "-p", json.dumps({"spec": {"template": {"spec": pod}}}))
            h.kubectl("rollout", "status", "-n", h.SYSTEM, "deployment/penstock", "--timeout=120s", timeout=130)
            yield
        finally:
            h.kubectl("rollout", "undo", "-n", h.SYSTEM, "deployment/penstock")
            h.kubectl("rollout", "status", "-n", h.SYSTEM, "deployment/penstock", "--timeout=120s", timeout=130)
            h.kubectl("delete", "configmap", "faketime", "-n", h.SYSTEM)

    def outcome(self, name):
        """How a run ends that waits, fails, is tried again and hands on; what of it no clock may change."""
        with h.Namespace(name) as ns:
            flaky = h.shell_step("flaky", "exit 3", retry={"user": {"limit": 1, "backoff": "4s"}}, timeouts={"pending": "2m"})
            steps = [h.shell_step("a", "sleep 2", timeouts={"pending": "2m", "attempt": "1m"}), flaky,
                     h.shell_step("b", "true", dependsOn=[{"step": "a"}], timeouts={"pending": "2m"})]
            begun = time.monotonic()
            h.apply(ns, h.run_of("first", ns, steps))
            run = h.wait_finished("first", ns, 120)
            self.assertGreater(time.monotonic() - begun, 4, "the back-off was waited out")
            self.assertLess(abs(time.time() - seconds_of(run["status"]["finishTime"])), 60, "the status has the API server's time")
            return {s["name"]: (s["phase"], s.get("reason"), s.get("attempts")) for s in run["status"]["steps"]}

    def test_an_operator_ten_minutes_ahead_or_behind_decides_alike(self):
        right = self.outcome("e2e-clock")
        self.assertEqual(right, {"a": ("Succeeded", None, 1), "b": ("Succeeded", None, 1), "flaky": ("Failed", "ExitCode", 2)})
        # A clock from before the API server's certificate was made trusts nobody.
        age = time.time() - seconds_of(h.get("namespace", "kube-system", "default")["metadata"]["creationTimestamp"])
        for offset in ("+10m", f"-{int(min(600, age - 30))}"):
            with self.operator_at(offset):
                log = h.wait_until("the operator to see it", 60, lambda: [
                    line for line in h.kubectl("logs", "-n", h.SYSTEM, "deployment/penstock").splitlines()
                    if "the API server's clock is" in line])
                self.assertIn("behind" if offset[0] == "+" else "ahead of", log[0])
                self.assertEqual(self.outcome("e2e-clock-off"), right, offset)


if __name__ == "__main__":
    unittest.main()
