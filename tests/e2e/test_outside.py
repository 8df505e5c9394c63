"""Steps that act on what lies outside of their run: objects of the cluster (the component kubernetes), servers (http, daemons)
and a package index (code.requirements)."""
import pathlib
import shutil
import tempfile
import unittest

import harness as h
from test_pods import IMAGE

ACCOUNT = "maker"


def rights(namespace):
    """A service account that may make ConfigMaps and Jobs."""
    rules = [{"apiGroups": ["", "batch"], "resources": ["configmaps", "jobs"], "verbs": ["get", "create", "patch", "delete"]}]
    rbac = "rbac.authorization.k8s.io"
    return [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT}},
            {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": {"name": ACCOUNT}, "rules": rules},
            {"apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "metadata": {"name": ACCOUNT},
             "roleRef": {"apiGroup": rbac, "kind": "Role", "name": ACCOUNT},
             "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}]}]


def kubernetes(name, account=ACCOUNT, depends=(), **parameters):
    return {"name": name, "component": {"name": "kubernetes", "version": "1", "library": True}, "serviceAccountName": account,
            "dependsOn": [{"step": d} for d in depends], "parameters": {"interval": "500ms", "timeout": "90s", **parameters}}


def job(name, script):
    container = {"name": "work", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script],
                 "envFrom": [{"configMapRef": {"name": "made"}}],
                 "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
    pod = {"restartPolicy": "Never", "containers": [container],
           "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
            "spec": {"backoffLimit": 0, "template": {"spec": pod}}}


class Kubernetes(h.ClusterTest):
    def test_a_step_makes_a_configmap_and_waits_for_a_job_as_its_own_service_account(self):
        with h.Namespace("e2e-outside") as ns:
            h.apply(ns, *rights(ns))
            made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}, "data": {"WORD": "hello"}}
            steps = [kubernetes("configure", manifest=made, setOwnerReference=True, results={"word": "data.WORD"}),
                     kubernetes("work", depends=["configure"], manifest=job("work", 'test "$WORD" = hello'), condition="Complete",
                                setOwnerReference=True, results={"n": "status.succeeded"}),
                     h.shell_step("plain", "test ! -e /var/run/secrets/kubernetes.io/serviceaccount/token")]
            h.apply(ns, h.run_of("makes", ns, steps))
            run = h.wait_finished("makes", ns, 180)
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))
            self.assertEqual(h.step_of(run, "configure")["results"]["values"], {"word": "hello"})
            self.assertEqual(h.step_of(run, "work")["results"]["values"], {"n": 1})
            self.assertEqual(h.step_of(run, "work")["cacheMiss"], "Disabled")
            self.assertEqual(h.get("configmap", "made", ns)["metadata"]["ownerReferences"][0]["name"], "makes")
            h.kubectl("delete", "pipelinerun", "makes", "-n", ns, "--wait=false")
            h.wait_until("the run's objects to go with it", 60, lambda: not h.items("job", ns))

    def test_a_job_that_fails_fails_its_step_and_what_is_not_allowed_is_named(self):
        with h.Namespace("e2e-outside-fails") as ns:
            h.apply(ns, *rights(ns))
            h.apply(ns, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}, "data": {"WORD": "x"}})
            fails = kubernetes("fails", manifest=job("fails", "exit 3"), condition="Complete")
            secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "no"}}
            refused = kubernetes("refused", manifest=secret)
            h.apply(ns, h.run_of("fails", ns, [fails, refused]))
            run = h.wait_finished("fails", ns, 180)
            self.assertIn("its condition Failed is True", h.step_of(run, "fails")["message"])
            self.assertIn('cannot patch resource "secrets"', h.step_of(run, "refused")["message"])

    def test_a_cancelled_step_deletes_what_it_made_where_it_says_so(self):
        with h.Namespace("e2e-outside-cancel") as ns:
            h.apply(ns, *rights(ns))
            h.apply(ns, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}, "data": {"WORD": "x"}})
            steps = [kubernetes("waits", manifest=job("sleeps", "sleep 600"), condition="Complete", deleteOnCancel=True)]
            h.apply(ns, h.run_of("cancelled", ns, steps))
            h.wait_until("the job", 90, lambda: h.items("job", ns))
            h.kubectl("patch", "pipelinerun", "cancelled", "-n", ns, "--type=merge", "-p", '{"spec":{"cancel":"Stop"}}')
            h.wait_finished("cancelled", ns, 90)
            h.wait_until("the job to go", 60, lambda: not h.items("job", ns))


class Daemon(h.ClusterTest):
    def test_a_daemon_is_reached_by_its_address_and_ends_with_those_that_use_it(self):
        with h.Namespace("e2e-daemon") as ns:
            server = h.shell_step("serve", "exec perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 9)"
                                           " or die; while (my $c = $s->accept) { print $c \"hello\\n\"; close $c }'")
            server["daemon"] = {"readiness": {"tcp": 8080}}
            user = h.shell_step("use", "perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => 8080)"
                                       " or die; die unless <$s> eq \"hello\\n\"' \"$ADDRESS\"")
            user["container"]["env"] = [{"name": "ADDRESS", "value": "$(parameters.address)"}]
            user["parameters"] = {"address": "$(steps.serve.address)"}
            h.apply(ns, h.run_of("daemon", ns, [server, user]))
            run = h.wait_finished("daemon", ns, 120)
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))
            self.assertEqual(h.step_of(run, "serve")["phase"], "Succeeded", h.step_of(run, "serve"))


@unittest.skipUnless(h.OWN and shutil.which("mmdebstrap"), "makes an image with Python: only on the project's own cluster")
class Requirements(h.ClusterTest):
    """With a wheel inside the image: the cluster of the tests reaches no index."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with tempfile.TemporaryDirectory() as t:
            t = pathlib.Path(t)
            (t / "wheel.py").write_text(
                "import zipfile\n"
                "with zipfile.ZipFile('greeting-1.0-py3-none-any.whl', 'w') as z:\n"
                "    z.writestr('greeting.py', 'word = \"hello\"\\n')\n"
                "    z.writestr('greeting-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: greeting\\nVersion: 1.0\\n')\n"
                "    z.writestr('greeting-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n"
                "    z.writestr('greeting-1.0.dist-info/RECORD', '')\n")
            h.sh("python3", "wheel.py", cwd=t)
            h.sh("mmdebstrap", "--variant=minbase", "--include=python3,python3-pip", "bookworm", t / "base.tar", timeout=900)
            h.sh("podman", "import", t / "base.tar", "localhost/penstock-test/python-base:1", timeout=300)
            (t / "Containerfile").write_text("FROM localhost/penstock-test/python-base:1\nCOPY *.whl /wheels/\n")
            h.sh("buildah", "bud", "-q", "-t", "localhost/penstock-test/python:1", t)
            h.sh("buildah", "push", "-q", "localhost/penstock-test/python:1",
                 f"docker-archive:{t}/i.tar:docker.io/penstock-test/python:1")
            h.sh(h.ROOT / "tests/cluster/cluster", "load", t / "i.tar")

    def step(self, name):
        container = {"image": "penstock-test/python:1", "imagePullPolicy": "IfNotPresent",
                     "command": ["python3", "-c", "import greeting; assert greeting.word == 'hello'"],
                     "env": [{"name": "PIP_NO_INDEX", "value": "1"}, {"name": "PIP_FIND_LINKS", "value": "/wheels"}],
                     "code": {"requirements": {"text": "greeting==1.0\n"}}}
        return {"name": name, "container": container, "cache": {"trustTag": True}}

    def test_packages_are_installed_once_for_all_steps_and_runs_of_a_lock(self):
        with h.Namespace("e2e-requirements") as ns:
            h.apply(ns, h.run_of("first", ns, [self.step("a"), self.step("b")]))
            first = h.wait_finished("first", ns, 180)
            self.assertEqual(h.condition(first, "Succeeded")["status"], "True", h.condition(first, "Succeeded"))
            self.assertEqual([s["name"][:4] for s in first["status"]["steps"]], ["pip-", "a", "b"])
            h.apply(ns, h.run_of("second", ns, [self.step("c")]))
            second = h.wait_finished("second", ns, 120)
            self.assertTrue(second["status"]["steps"][0]["cached"], second["status"]["steps"])
            wrong = self.step("d")
            wrong["container"]["code"]["requirements"]["text"] = "greeting==2.0\n"
            h.apply(ns, h.run_of("third", ns, [wrong]))
            third = h.wait_finished("third", ns, 180)
            self.assertIn("No matching distribution found for greeting==2.0", h.condition(third, "Succeeded")["message"])


if __name__ == "__main__":
    unittest.main()
