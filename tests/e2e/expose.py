"""expose.tls and expose.jwt on real pods: what the kubelet brings of a renewed Secret and ConfigMap, without a restart or a lost request.

For `tests/run full`, as a kubelet takes a minute for it.
"""
import base64
import collections
import contextlib
import http.client
import http.server
import json
import shutil
import socket
import ssl
import tempfile
import threading
import time
import unittest

import beside
import harness as h
import test_rollout
from test_models import told, wait_ready

ISSUER, AUDIENCE = "https://login.example.com", "flights"
BODY = json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}]})
PROJECTED = 150  # seconds within which a kubelet brings a changed Secret: its cache, and a look each minute or so


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def jwk(key, kid):
    modulus = h.sh("openssl", "rsa", "-in", key, "-noout", "-modulus").stdout.strip().split("=")[1]
    return {"kty": "RSA", "kid": kid, "alg": "RS256", "use": "sig", "n": b64(bytes.fromhex(modulus)), "e": "AQAB"}


def token(folder, key, kid, **claims):
    said = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 3600, "sub": "somebody", **claims}
    text = f"{b64({'alg': 'RS256', 'kid': kid})}.{b64(said)}"
    (folder / "signed").write_text(text)
    h.sh("openssl", "dgst", "-sha256", "-sign", key, "-out", folder / "signature", folder / "signed")
    return f"{text}.{b64((folder / 'signature').read_bytes())}"


class Server:
    """A ModelDeployment behind TLS, asked by its name as its clients in the cluster do."""

    def __init__(self, name, ns, authority):
        self.name, self.host = name, f"{name}.{ns}.svc"
        self.address = h.get("service", name, ns)["spec"]["clusterIP"]
        self.context = ssl.create_default_context(cafile=authority)

    def connect(self):
        connection = http.client.HTTPConnection(self.host, timeout=30)
        raw = socket.create_connection((self.address, 443), timeout=30)
        connection.sock = self.context.wrap_socket(raw, server_hostname=self.host)
        return connection

    def ask(self, connection, bearer=None, path=None):
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {bearer}"} if bearer else {})}
        connection.request("GET" if path else "POST", path or f"/v2/models/{self.name}/infer", None if path else BODY, headers)
        answer = connection.getresponse()
        answer.read()
        return answer

    def status(self, bearer=None, path=None):
        with contextlib.closing(self.connect()) as connection:
            return self.ask(connection, bearer, path).status

    def serial(self):
        with contextlib.closing(self.connect()) as connection:
            return connection.sock.getpeercert()["serialNumber"]


class Asking(threading.Thread):
    """A request after the other, each on a connection of its own, with whatever token is good by now."""

    def __init__(self, server, bearer):
        super().__init__(daemon=True)
        self.server, self.bearer, self.ending, self.seen = server, bearer, threading.Event(), collections.Counter()

    def run(self):
        while not self.ending.wait(0.02):
            try:
                self.seen[self.server.status(self.bearer)] += 1
            except (OSError, http.client.HTTPException) as e:
                self.seen[f"{type(e).__name__}: {e}"] += 1


class Issuer:
    """Publishes a key set under TLS on the node's own address; `says` is a status and a text."""

    def __init__(self, address, pair):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked += 1
                status, text = outer.says
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass
        self.says, self.asked = (503, ""), 0
        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair[1], pair[0])
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.uri = f"https://{address}:{self.server.server_port}/keys"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self):
        self.server.shutdown()
        self.server.server_close()


class Expose(h.ClusterTest):
    def setUp(self):
        self.folder = beside.pathlib.Path(tempfile.mkdtemp(prefix="penstock-expose-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.authority = beside.certificate(self.folder, "authority")
        self.keys = {kid: beside.certificate(self.folder, kid)[0] for kid in ("old", "new", "foreign")}

    def certificate(self, ns, name, which):
        return beside.certificate(self.folder, f"{name}-{which}", f"DNS:{name}.{ns}.svc", issuer=self.authority)

    def secret(self, name, key, cert):
        return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": f"{name}-tls"},
                "stringData": {"tls.crt": cert.read_text(), "tls.key": key.read_text()}}

    def key_set(self, name, *kids, text=None):
        text = text or json.dumps({"keys": [jwk(self.keys[kid], kid) for kid in kids]})
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-keys"}, "data": {"jwks.json": text}}

    def deployment(self, name, digest):
        jwt = {"issuer": ISSUER, "audiences": [AUDIENCE], "jwks": {"configMap": {"name": f"{name}-keys", "key": "jwks.json"}}}
        return {"apiVersion": "penstock.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": name}, "spec": {
            "model": digest, "replicas": 1, "resources": test_rollout.SMALL,
            "expose": {"tls": {"secretName": f"{name}-tls"}, "jwt": jwt}}}

    def wrong_tokens(self):
        old, now = self.keys["old"], int(time.time())
        return {"none": None, "foreign key": token(self.folder, self.keys["foreign"], "old"), "not yet known": token(self.folder, self.keys["new"], "new"),
                "over": token(self.folder, old, "old", exp=now - 60), "another audience": token(self.folder, old, "old", aud="others"),
                "another issuer": token(self.folder, old, "old", iss=ISSUER + "/"), "early": token(self.folder, old, "old", nbf=now + 600)}

    def test_a_renewed_certificate_and_new_keys_reach_routers_that_run_and_bad_ones_leave_the_old_in_use(self):
        with h.Namespace("e2e-expose") as ns:
            digest = test_rollout.put(ns, lambda f: test_rollout.write_scale(f, 2))
            first = {name: self.certificate(ns, name, "first") for name in ("renewed", "spoilt")}
            for name, pair in first.items():
                h.apply(ns, self.secret(name, *pair), self.key_set(name, "old"), self.deployment(name, digest))
            for name in first:
                wait_ready(name, ns, 180)
            renewed, spoilt = (Server(name, ns, self.authority[1]) for name in first)
            old = token(self.folder, self.keys["old"], "old")
            h.wait_until("answers", 60, lambda: self.settled(renewed, old) and self.settled(spoilt, old))
            self.refuses(renewed, ns)
            # the second Secret that they have has made them anew
            routers = h.wait_until("two routers", 120, lambda: len(found := self.routers(ns)) == 2 and found)
            asking, connection = Asking(renewed, old), renewed.connect()
            asking.start()
            try:
                self.renew(ns, renewed, spoilt, old, asking, connection)
            finally:
                asking.ending.set()
                asking.join()
                connection.close()
            self.assertEqual(self.routers(ns), routers, "the same pods, none restarted")

    def test_keys_at_an_issuers_url_are_fetched_and_rotated_and_outlive_the_issuer(self):
        address = beside.node_address()
        issuer = Issuer(address, beside.certificate(self.folder, "issuer", f"IP:{address}", issuer=self.authority))
        try:
            with h.Namespace("e2e-expose-uri") as ns:
                self.follow_an_issuer(ns, issuer)
        finally:
            issuer.end()

    def follow_an_issuer(self, ns, issuer):
        digest = test_rollout.put(ns, lambda f: test_rollout.write_scale(f, 2))
        md = self.deployment("followed", digest)
        md["spec"]["expose"]["jwt"]["jwks"] = {"uri": issuer.uri, "ca": {"configMap": {"name": "corp", "key": "ca.crt"}}}
        authority = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "corp"}, "data": {"ca.crt": self.authority[1].read_text()}}
        h.apply(ns, self.secret("followed", *self.certificate(ns, "followed", "first")), authority, md)
        condition = told("followed", ns, "KeysUnusable", 180)
        self.assertIn(f"expose.jwt.jwks.uri {issuer.uri}: the issuer's server answers 503; no token is taken", condition["message"])
        server = Server("followed", ns, self.authority[1])
        old, new = (token(self.folder, self.keys[kid], kid) for kid in ("old", "new"))

        def status(bearer):
            with contextlib.suppress(OSError, http.client.HTTPException):
                return server.status(bearer)
        h.wait_until("no token to be taken", 60, lambda: status(old) == 503)
        self.assertEqual(status(None), 401)
        issuer.says = (200, json.dumps({"keys": [jwk(self.keys["old"], "old")]}))
        wait_ready("followed", ns, 120)
        h.wait_until("tokens of the key", 90, lambda: all(status(old) == 200 for _ in range(10)))
        self.assertEqual(status(new), 401)
        routers = self.routers(ns)
        issuer.says = (200, json.dumps({"keys": [jwk(self.keys[kid], kid) for kid in ("old", "new")]}))
        begin = time.monotonic()
        h.wait_until("tokens of the next key", 90, lambda: all(status(new) == 200 for _ in range(10)))
        print(f"expose: the issuer's next key was taken up after {time.monotonic() - begin:.0f} s", flush=True)
        issuer.says = (200, "<html>")
        before = issuer.asked
        for _ in range(20):
            self.assertEqual(status(token(self.folder, self.keys["foreign"], "nobody")), 401)
            time.sleep(1)
        self.assertLessEqual(issuer.asked - before, 2 * 12, "each router: once for the key, then with pauses")
        self.assertGreater(issuer.asked, before)
        self.assertEqual({status(old), status(new)}, {200}, "what was fetched counts on")
        self.assertEqual(self.routers(ns), routers, "the same pods, none restarted")

    @staticmethod
    def settled(server, bearer):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return server.status(bearer) == 200
        return False

    @staticmethod
    def routers(ns):
        return sorted((p["metadata"]["uid"], p["status"]["containerStatuses"][0]["restartCount"]) for p in h.items("pods", ns, "-l", "penstock.dev/router"))

    def refuses(self, server, ns):
        for what, bearer in self.wrong_tokens().items():
            with contextlib.closing(server.connect()) as connection:
                answer = server.ask(connection, bearer)
            asked = 'Bearer error="invalid_token"' if bearer else "Bearer"  # RFC 6750, section 3
            self.assertEqual((answer.status, answer.headers["WWW-Authenticate"]), (401, asked), what)
        self.assertEqual(server.status(path=f"/v2/models/{server.name}/ready"), 200, "health needs no token")
        self.assertEqual(server.status(path=f"/v2/models/{server.name}"), 401)
        plain = http.client.HTTPConnection(server.address, 443, timeout=30)
        with contextlib.closing(plain):
            self.assertEqual(server.ask(plain, token(self.folder, self.keys["old"], "old")).status, 400, "without TLS")
        self.assertEqual(h.get("pmd", server.name, ns)["status"]["url"], f"https://{server.host}")

    def renew(self, ns, renewed, spoilt, old, asking, connection):
        serial = {server: server.serial() for server in (renewed, spoilt)}
        self.assertEqual(renewed.ask(connection, old).status, 200)
        key, cert = self.certificate(ns, "renewed", "second")
        wrong_key, wrong_cert = self.certificate(ns, "spoilt", "second")[0], self.certificate(ns, "spoilt", "third")[1]
        begin = time.monotonic()
        h.apply(ns, self.secret("renewed", key, cert), self.key_set("renewed", "old", "new"),
                self.secret("spoilt", wrong_key, wrong_cert))
        # one router has it before the other: until ten connections in a row are shown the new one
        h.wait_until("the renewed certificate", PROJECTED, lambda: all(renewed.serial() != serial[renewed] for _ in range(10)), every=1)
        print(f"expose: the renewed certificate was shown after {time.monotonic() - begin:.0f} s", flush=True)
        self.assertEqual(renewed.ask(connection, old).status, 200, "the connection from before lives on")
        new = token(self.folder, self.keys["new"], "new")
        h.wait_until("the new key", PROJECTED, lambda: all(renewed.status(new) == 200 for _ in range(10)), every=1)
        asking.bearer = new
        condition = told("spoilt", ns, "CertificateUnusable", PROJECTED)
        self.assertIn("spoilt-tls", condition["message"])
        self.assertEqual([spoilt.serial() for _ in range(6)], [serial[spoilt]] * 6, "the one before is shown still")
        self.assertEqual(spoilt.status(old), 200)
        self.assertEqual(h.condition(h.get("pmd", "spoilt", ns), "Available")["status"], "True")
        asking.ending.set()
        asking.join()
        self.assertEqual(set(asking.seen), {200}, asking.seen)
        print(f"expose: {asking.seen[200]} requests meanwhile, each on its own connection, all answered", flush=True)


if __name__ == "__main__":
    unittest.main()
