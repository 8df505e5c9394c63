"""The API on a real cluster: who may see and do what, by the API server's own word, and what is kept of a run."""
import json
import re
import ssl
import subprocess
import unittest
import urllib.error
import urllib.request

import harness as h

WRITES = {"X-Penstock-Request": "1"}


class Gateway:
    """A way to the gateway, which the API server vouches for (kubectl port-forward)."""

    def __enter__(self):
        self.child = subprocess.Popen(["kubectl", "-n", h.SYSTEM, "port-forward", "svc/penstock-gateway", ":8443"],
                                      stdout=subprocess.PIPE, text=True)
        self.port = re.search(r"127\.0\.0\.1:(\d+)", self.child.stdout.readline())[1]
        return self

    def __exit__(self, *error):
        self.child.terminate()
        self.child.wait(10)
        self.child.stdout.close()

    def ask(self, path, token, body=None, headers=()):
        """Status and text of an answer."""
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}/api/v1{path}", headers={
            **dict(headers), **({"Authorization": f"Bearer {token}"} if token else {})},
            data=None if body is None else json.dumps(body).encode())
        context = ssl._create_unverified_context()  # its certificate is made for the Service's name
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def account(name, ns, role):
    """A token that the API server takes, of an account with this role in the namespace."""
    h.kubectl("create", "serviceaccount", name, "-n", ns)
    h.kubectl("create", "rolebinding", name, "-n", ns, f"--clusterrole={role}", f"--serviceaccount={ns}:{name}")
    return h.kubectl("create", "token", name, "-n", ns).strip()


class Api(h.ClusterTest):
    def test_who_may_edit_starts_a_run_who_may_view_sees_it_and_nobody_else_does(self):
        with h.Namespace("e2e-api") as ns, h.Namespace("e2e-api-other") as other, Gateway() as gateway:
            editor, viewer = account("editor", ns, "edit"), account("viewer", ns, "view")
            stranger = account("stranger", other, "edit")
            step = h.shell_step("say", "echo hello from the step")
            h.apply(ns, {"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": "hello"},
                         "spec": {"runPolicy": "Manual", "steps": [step]}})
            runs = f"/namespaces/{ns}/runs"
            self.assertEqual(gateway.ask(runs, viewer, {"pipeline": "hello"}, WRITES)[0], 403)
            self.assertEqual(gateway.ask(runs, stranger, {"pipeline": "hello"}, WRITES)[0], 403)
            self.assertEqual(gateway.ask(runs, editor, {"pipeline": "hello"})[0], 403, "without the header")
            status, text = gateway.ask(runs, editor, {"pipeline": "hello", "name": "first"}, WRITES)
            self.assertEqual(status, 201, text)
            run = h.wait_finished("first", ns)
            self.assertEqual(run["metadata"]["annotations"]["penstock.dev/submitted-by"],
                             f"system:serviceaccount:{ns}:editor")
            row = h.wait_until("the row says that it ended", 30, lambda: next(
                (r for r in json.loads(gateway.ask(runs, viewer)[1])["items"] if r["phase"] == "Succeeded"), None))
            self.assertEqual((row["name"], row["archived"]), ("first", False))
            self.assertEqual(gateway.ask(runs, stranger)[0], 403)
            self.assertEqual(gateway.ask(runs, "made.up.token")[0], 401)
            self.assertEqual(gateway.ask(runs, None)[0], 401)
            pods_own = h.kubectl("create", "token", "viewer", "-n", ns, "--audience=penstock").strip()
            self.assertEqual(gateway.ask(runs, pods_own)[0], 200, "a token for this gateway reads")
            status, text = gateway.ask(f"{runs}/first/steps/say", viewer)
            self.assertEqual(status, 200, text)
            self.assertTrue(json.loads(text)["events"], "the events of the step's pod")

    def test_a_runs_story_and_the_log_of_its_step_outlive_its_objects(self):
        with h.Namespace("e2e-story") as ns, Gateway() as gateway:
            viewer = account("viewer", ns, "view")
            h.apply(ns, h.run_of("told", ns, [h.shell_step("say", "echo hello from the step")]))
            h.wait_finished("told", ns)
            log = f"/namespaces/{ns}/runs/told/steps/say/log"
            self.assertIn("hello from the step", gateway.ask(log, viewer)[1])
            kept = f"/data/artifacts/{ns}/logs"
            operator = h.items("pods", h.SYSTEM, "-l", "app.kubernetes.io/name=penstock")[0]["metadata"]["name"]
            h.wait_until("the log is kept", 60, lambda: h.sh(
                "kubectl", "exec", "-n", h.SYSTEM, operator, "--", "ls", kept, check=False).returncode == 0)
            h.kubectl("delete", "pplr", "told", "-n", ns, "--wait")
            h.wait_until("its pods are gone", 60, lambda: not h.items("pods", ns))
            status, text = gateway.ask(f"/namespaces/{ns}/runs/told", viewer)
            self.assertEqual(status, 200, text)
            story = json.loads(text)
            self.assertEqual((story["archived"], story["phase"]), (True, "Succeeded"))
            self.assertEqual([s["name"] for s in story["steps"]], ["say"])
            self.assertIn("hello from the step", gateway.ask(log, viewer)[1])


if __name__ == "__main__":
    unittest.main()
