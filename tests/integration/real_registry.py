"""penstock-launcher against the registry that everybody runs: distribution/distribution, built through Go modules.

Part of `tests/run full`. What a fake registry in the same process shows is tested beside the code (operator/oci).
"""
import base64
import contextlib
import crypt
import hashlib
import io
import json
import os
import pathlib
import socket
import ssl
import subprocess
import tarfile
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
LAUNCHER = BUILD / "bin/penstock-launcher"
MODULE = "github.com/distribution/distribution/v3/cmd/registry@v3.0.0"
TAR = "application/vnd.oci.image.layer.v1.tar+gzip"


def built():
    """The registry's program, built once a machine."""
    folder = pathlib.Path.home() / ".cache/penstock/registry"
    if not (folder / "registry").exists():
        subprocess.run(["go", "install", MODULE], check=True, timeout=900, env={**os.environ, "GOBIN": str(folder), "GOFLAGS": "-mod=mod"})
    return folder / "registry"


def free_port(address):
    with socket.socket() as s:
        s.bind((address, 0))
        return s.getsockname()[1]


class Registry:
    """On this machine; `tls` is (certificate, key), files of PEM, of which the first is trusted."""

    def __init__(self, folder, login=None, address="127.0.0.1", tls=None):
        self.port, self.login = free_port(address), login
        self.root = f"{'https' if tls else 'http'}://{address}:{self.port}"
        self.trust = ssl.create_default_context(cafile=tls[0]) if tls else None
        config = {"version": 0.1, "storage": {"filesystem": {"rootdirectory": f"{folder}/data"}}, "http": {"addr": f"{address}:{self.port}"},
                  "log": {"level": "error"}}
        if tls:
            config["http"]["tls"] = {"certificate": str(tls[0]), "key": str(tls[1])}
        if login:
            user, password = login
            line = f"{user}:{crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))}\n"
            pathlib.Path(folder, "htpasswd").write_text(line)
            config["auth"] = {"htpasswd": {"realm": "models", "path": f"{folder}/htpasswd"}}
        pathlib.Path(folder, "config.yml").write_text(json.dumps(config))
        self.process = subprocess.Popen([built(), "serve", f"{folder}/config.yml"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        end = time.time() + 20
        while time.time() < end:
            with contextlib.suppress(OSError), socket.create_connection((address, self.port), 1):
                return
            time.sleep(0.05)
        raise AssertionError("the registry does not start")

    def close(self):
        self.process.terminate()
        self.process.wait(20)

    def ask(self, method, url, body=None, kind="application/octet-stream"):
        request = urllib.request.Request(url if "://" in url else f"{self.root}{url}", body, {"Content-Type": kind}, method=method)
        if self.login:
            request.add_header("Authorization", "Basic " + base64.b64encode(":".join(self.login).encode()).decode())
        with urllib.request.urlopen(request, timeout=30, context=self.trust) as answer:
            return answer.headers

    def put(self, blob):
        """A descriptor of the blob, uploaded."""
        digest = "sha256:" + hashlib.sha256(blob).hexdigest()
        where = self.ask("POST", "/v2/team/model/blobs/uploads/", b"")["Location"]
        self.ask("PUT", f"{where}{'&' if '?' in where else '?'}digest={digest}", blob)
        return {"digest": digest, "size": len(blob)}

    def artifact(self, files, tag="1"):
        """The digest of an artifact of these files, name to bytes, as `oras push` makes it."""
        layers = [{**self.put(content), "mediaType": "application/octet-stream", "annotations": {"org.opencontainers.image.title": name}}
                  for name, content in files.items()]
        return self.manifest(layers, "application/vnd.oci.empty.v1+json", tag)

    def manifest(self, layers, config_type, tag="1"):
        kind = "application/vnd.oci.image.manifest.v1+json"
        body = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": {**self.put(b"{}"), "mediaType": config_type}, "layers": layers}).encode()
        self.ask("PUT", f"/v2/team/model/manifests/{tag}", body, kind)
        return "sha256:" + hashlib.sha256(body).hexdigest()


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as t:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            t.addfile(info, io.BytesIO(content))
    return out.getvalue()


class ModelsOfARealRegistry(unittest.TestCase):
    def fetch(self, registry, digest, folder, *flags):
        return subprocess.run([LAUNCHER, "fetch", "--source", f"oci://localhost:{registry.port}/team/model:1", "--digest", digest,
                               "--to", f"{folder}/model", *flags], capture_output=True, text=True, timeout=60)

    def test_an_image_and_an_artifact_are_fetched_with_and_without_a_login(self):
        weights = os.urandom(20 << 20)
        for login in (None, ("user", "secret")):
            with self.subTest(login=login), tempfile.TemporaryDirectory() as folder:
                registry = Registry(folder, login)
                self.addCleanup(registry.close)
                flags = []
                if login:
                    (pathlib.Path(folder) / "auth").mkdir()
                    auth = base64.b64encode(":".join(login).encode()).decode()
                    (pathlib.Path(folder) / "auth/pull.json").write_text(json.dumps({"auths": {f"localhost:{registry.port}": {"auth": auth}}}))
                    flags = ["--registry-auth", f"{folder}/auth"]
                layer = {**registry.put(tar_of({"models/weights": weights, "etc/x": b"x"})), "mediaType": TAR}
                image = registry.manifest([layer], "application/vnd.oci.image.config.v1+json")
                done = self.fetch(registry, image, folder, *flags)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual((pathlib.Path(folder) / "model/weights").read_bytes(), weights)
                self.assertFalse((pathlib.Path(folder) / "model/etc").exists())
                artifact = registry.artifact({"model.yaml": b"name: m"})
                done = self.fetch(registry, artifact, folder, *flags)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual((pathlib.Path(folder) / "model/model.yaml").read_text(), "name: m")
                if login:
                    refused = self.fetch(registry, artifact, folder)
                    self.assertNotEqual(refused.returncode, 0)
                    self.assertIn("it wants a login", refused.stderr)


if __name__ == "__main__":
    unittest.main()
