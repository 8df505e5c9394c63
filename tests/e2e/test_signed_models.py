"""spec.verify on real pods: what the key has signed is served, anything else never has traffic while the old version goes on."""
import base64
import json
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

import beside
import harness as h
import test_rollout
from test_models import told, wait_ready

sys.path.insert(0, str(h.ROOT / "tests/integration"))
import real_registry  # noqa: E402


class Signing(h.ClusterTest):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-signed-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("ours", "theirs"):
            h.sh("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.folder / f"{name}.pem")
            h.sh("openssl", "pkey", "-in", self.folder / f"{name}.pem", "-pubout", "-out", self.folder / f"{name}.pub")

    def public(self, name):
        return (self.folder / f"{name}.pub").read_text()

    def folder_of(self, factor, key=None, altered=False):
        """A model in a folder that is signed, or not; or was changed after that."""
        model = pathlib.Path(tempfile.mkdtemp(prefix="model-", dir=self.folder)) / "model"
        model.mkdir()
        test_rollout.write_scale(model, factor)
        if key:
            h.sh(test_rollout.PENSTOCK, "model", "sign", model, "--key", self.folder / f"{key}.pem")
        if altered:
            test_rollout.write_scale(model, factor + 1)
        return model

    def status(self, ns, name):
        return h.get("pmd", name, ns)["status"]

    def answer(self, ns, name):
        body = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}]}
        url = f"{h.service_url(name, ns)}/v2/models/{name}/infer"
        return h.post(url, body)["outputs"][0]["data"]

    def tried(self, ns, name):
        try:
            return self.answer(ns, name)
        except OSError:
            return None

    def rejected(self, ns, name, digest, what):
        """What status.history says of a version that was not let in."""
        return h.wait_until(f"{what} to be rejected", 90, lambda: [
            e for e in self.status(ns, name).get("history", []) if e["digest"] == digest and e["outcome"] == "Rejected"])[0]


class SignedModels(Signing):
    def model(self, ns, factor, key=None, altered=False):
        model = self.folder_of(factor, key, altered)
        return re.search(r"sha256:[0-9a-f]{64}", h.sh(test_rollout.PENSTOCK, "artifact", "put", model, "-n", ns).stdout).group()

    def follow(self, ns, name, digest, key):
        h.apply(ns, {"apiVersion": "penstock.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": name}, "spec": {
            "model": digest, "replicas": 1, "resources": test_rollout.SMALL, "verify": {"key": key}}})

    def test_what_the_key_has_not_signed_is_rejected_and_the_old_version_goes_on(self):
        with h.Namespace("e2e-signed") as ns:
            good = self.model(ns, 2, "ours")
            refused = {"unsigned": self.model(ns, 3), "signed by another key": self.model(ns, 4, "theirs"),
                       "altered": self.model(ns, 5, "ours", altered=True)}
            self.follow(ns, "scale", good, {"pem": self.public("ours")})
            wait_ready("scale", ns)
            h.wait_until("an answer", 30, lambda: self.tried(ns, "scale") == [2, 4])
            for what, digest in refused.items():
                self.follow(ns, "scale", digest, {"pem": self.public("ours")})
                entry = self.rejected(ns, "scale", digest, what)
                self.assertIn("not signed by the key of spec.verify", entry["reason"], what)
                stalled = h.wait_until("Stalled", 30, lambda: h.condition(h.get("pmd", "scale", ns), "Stalled").get("status") == "True" and
                                       h.condition(h.get("pmd", "scale", ns), "Stalled"))
                self.assertIn("not signed by the key", stalled["message"], what)
                self.assertEqual(self.status(ns, "scale")["stable"]["digest"], good, what)
                self.assertEqual(self.answer(ns, "scale"), [2, 4], what)
                print(f"signed models: {what}: {entry['reason'][:200]}", flush=True)

    def test_a_version_waits_for_the_key_of_a_config_map_and_goes_on_with_another(self):
        with h.Namespace("e2e-signed-map") as ns:
            self.follow(ns, "scale", self.model(ns, 2, "ours"), {"configMap": {"name": "keys", "key": "model.pem"}})
            h.wait_until("it to be told", 60, lambda: "keys" in h.condition(h.get("pmd", "scale", ns), "Ready").get("message", ""))
            self.keys(ns, "theirs")
            told("scale", ns, "NotSigned", 90)
            self.assertNotIn("stable", self.status(ns, "scale"))
            self.keys(ns, "ours")
            h.kubectl("annotate", "pmd/scale", "-n", ns, "penstock.dev/renew=1")  # at once; the kubelet tries again within five minutes
            wait_ready("scale", ns, 180)
            h.wait_until("an answer", 30, lambda: self.tried(ns, "scale") == [2, 4])

    def keys(self, ns, name):
        h.apply(ns, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "keys"}, "data": {"model.pem": self.public(name)}})


@unittest.skipUnless(h.OWN, "the registry listens on this machine, which is the node")
class SignedModelsOfARegistry(Signing):
    """Pushed to distribution/distribution, which asks for a login and has a certificate of its own authority."""

    def setUp(self):
        super().setUp()
        address = beside.node_address()
        self.certificate, key = self.folder / "registry.pem", self.folder / "registry-key.pem"
        h.sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=registry", "-addext", f"subjectAltName=IP:{address}", "-keyout", key, "-out", self.certificate)
        self.registry = real_registry.Registry(self.folder, ("robot", "secret"), address, (self.certificate, key))
        self.addCleanup(self.registry.close)
        self.host = f"{address}:{self.registry.port}"

    def pushed(self, tag, folder):
        files = {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}
        return f"oci://{self.host}/team/model:{tag}@{self.registry.artifact(files, tag)}"

    def follow(self, ns, uri):
        h.apply(ns, {"apiVersion": "penstock.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "scale"}, "spec": {
            "model": uri, "replicas": 1, "resources": test_rollout.SMALL, "verify": {"key": {"pem": self.public("ours")}},
            "imagePullSecrets": [{"name": "login"}], "volumes": [{"name": "ca", "configMap": {"name": "registry-ca"}}],
            "fetch": {"env": [{"name": "SSL_CERT_FILE", "value": "/ca/ca.pem"}],
                      "volumeMounts": [{"name": "ca", "mountPath": "/ca", "readOnly": True}]}}})

    def test_what_the_key_has_signed_is_served_and_what_was_altered_in_the_registry_is_not(self):
        with h.Namespace("e2e-signed-oci") as ns:
            auth = base64.b64encode(b"robot:secret").decode()
            h.apply(ns, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "registry-ca"},
                         "data": {"ca.pem": self.certificate.read_text()}},
                    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "type": "kubernetes.io/dockerconfigjson",
                     "stringData": {".dockerconfigjson": json.dumps({"auths": {self.host: {"auth": auth}}})}})
            good = self.pushed("good", self.folder_of(2, "ours"))
            self.follow(ns, good)
            wait_ready("scale", ns)
            h.wait_until("an answer", 30, lambda: self.tried(ns, "scale") == [2, 4])
            self.assertEqual(self.status(ns, "scale")["stable"]["source"], good)
            refused = {"altered": (self.folder_of(5, "ours", altered=True), "altered"),
                       "unsigned": (self.folder_of(3), "there is no file model.sig"),
                       "signed by another key": (self.folder_of(4, "theirs"), "not signed by the key of spec.verify")}
            for what, (folder, reason) in refused.items():
                uri = self.pushed(what.replace(" ", "-"), folder)
                self.follow(ns, uri)
                entry = self.rejected(ns, "scale", uri[uri.index("@") + 1:], what)
                self.assertIn("not signed by the key of spec.verify", entry["reason"], what)
                self.assertIn(reason, entry["reason"], what)
                self.assertEqual(self.status(ns, "scale")["stable"]["source"], good, what)
                self.assertEqual(self.answer(ns, "scale"), [2, 4], what)
                print(f"signed models of a registry: {what}: {entry['reason'][:200]}", flush=True)


if __name__ == "__main__":
    unittest.main()
