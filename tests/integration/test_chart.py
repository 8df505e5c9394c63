"""The chart as rendered and as the real API server takes it."""
import json
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/penstock"


def helm(command, *args):
    # the version is told, because a helm that was built from its module does not know any
    return subprocess.run(["helm", command, "--kube-version", "1.34.0", *map(str, args)], capture_output=True, text=True)


def render(*args):
    done = helm("template", "penstock", CHART, "-n", "penstock-system", *args)
    assert done.returncode == 0, done.stderr
    docs = subprocess.run(["kubectl", "create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-"],
                          input=done.stdout, capture_output=True, text=True)
    assert docs.returncode == 0, docs.stderr
    decoder, text, out = json.JSONDecoder(), docs.stdout.strip(), []
    while text:
        value, end = decoder.raw_decode(text)
        out += value["items"] if value.get("kind") == "List" else [value]
        text = text[end:].lstrip()
    return out


def of(kind, docs):
    return [d for d in docs if d["kind"] == kind]


class Chart(unittest.TestCase):
    def test_lint_is_clean(self):
        done = helm("lint", "--strict", CHART)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_wrong_value_is_refused_by_name(self):
        for setting, word in (("replicas=2", "replicas"), ("logLevel=loud", "logLevel"), ("nosuch=1", "nosuch"),
                              ("image.digests.operator=latest", "digest")):
            done = helm("template", "penstock", CHART, "--set", setting)
            self.assertNotEqual(done.returncode, 0, setting)
            self.assertIn(word, done.stderr)

    def test_no_role_has_a_wildcard_or_reads_secrets(self):
        for args in ((), ("--set", "namespaces={a,b}")):
            for role in of("Role", render(*args)) + of("ClusterRole", render(*args)):
                for rule in role["rules"]:
                    self.assertNotIn("*", rule["verbs"] + rule["resources"] + rule["apiGroups"], role["metadata"]["name"])
                    self.assertNotIn("secrets", rule["resources"], role["metadata"]["name"])

    def test_with_a_list_of_namespaces_the_operator_has_no_cluster_role_but_for_token_reviews(self):
        docs = render("--set", "namespaces={a,b}")
        bound = {b["roleRef"]["name"] for b in of("ClusterRoleBinding", docs)}
        self.assertEqual(bound, {"penstock-token-review"})

    def test_crds_are_templates_that_are_kept(self):
        crds = of("CustomResourceDefinition", render())
        self.assertEqual(len(crds), 4)
        for crd in crds:
            self.assertEqual(crd["metadata"]["annotations"]["helm.sh/resource-policy"], "keep")
        self.assertEqual(of("CustomResourceDefinition", render("--set", "crds.enabled=false")), [])

    def test_the_operator_is_told_to_make_the_library_and_may(self):
        docs = render("--set", "image.registry=r.example.com/p", "--set", "image.tag=v9")
        # A kind of a CRD in the same chart cannot be installed with it: helm looks all kinds up first.
        self.assertEqual(of("Component", docs), [])
        args = of("Deployment", docs)[0]["spec"]["template"]["spec"]["containers"][0]["args"]
        self.assertIn("--library-dir=/usr/local/share/penstock/library", args)
        self.assertIn("--components-image=r.example.com/p/components:v9", args)
        may = {"apiGroups": ["penstock.dev"], "resources": ["components"], "verbs": ["get", "create"]}
        self.assertIn(may, [rule for role in of("Role", docs) for rule in role["rules"]])
        docs = render("--set", "library.enabled=false")
        args = of("Deployment", docs)[0]["spec"]["template"]["spec"]["containers"][0]["args"]
        self.assertFalse([a for a in args if a.startswith("--library-dir")])
        self.assertNotIn(may, [rule for role in of("Role", docs) for rule in role["rules"]])

    def test_every_pod_is_restricted(self):
        docs = render()
        pods = [d["spec"]["template"]["spec"] for d in of("Deployment", docs)] + [d["spec"] for d in of("Pod", docs)]
        self.assertTrue(pods)
        for pod in pods:
            self.assertTrue(pod["securityContext"]["runAsNonRoot"])
            self.assertEqual(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault")
            for c in pod["containers"]:
                self.assertTrue(c["securityContext"]["readOnlyRootFilesystem"])
                self.assertFalse(c["securityContext"]["allowPrivilegeEscalation"])
                self.assertEqual(c["securityContext"]["capabilities"]["drop"], ["ALL"])

    def test_the_real_api_server_takes_all_of_it(self):
        text = helm("template", "penstock", CHART, "-n", "default", "--no-hooks").stdout
        crds = helm("template", "penstock", CHART, "-s", "templates/crds.yaml").stdout
        done = subprocess.run(["kubectl", "apply", "--server-side", "--force-conflicts", "-f", "-"], input=crds,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = subprocess.run(["kubectl", "apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "-"],
                              input=text, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
