"""People at a cluster's gateway: logged in at a real OpenID provider (dex), known by a client certificate, acting under their own names.

For `tests/run full`, as dex is built of its sources first.
"""
import contextlib
import html
import http.client
import json
import pathlib
import re
import shutil
import socket
import ssl
import tempfile
import unittest
import urllib.parse

import yaml

import beside
import harness as h

GATEWAY = f"penstock-gateway.{h.SYSTEM}.svc"
URL = f"https://{GATEWAY}:8443"
ADA, WORD = "ada@example.com", "a-word-of-the-test"
WORD_BCRYPT = "$2b$10$dbjhy2pvXBQx4qrQiWtECOxrK7okDqzkYVO5YkFDrdXTX0XuOJxra"
KILGORE, GROUP = "oidc:kilgore@kilgore.trout", "oidc:authors"  # dex's own example of a person with a group
ACTS = {"X-Penstock-Request": "1"}
REMEMBERED = 90  # seconds: what RBAC says is remembered for a minute


class Dex:
    def __init__(self, folder):
        self.folder, self.process = folder, None
        self.address = beside.node_address()
        self.port = beside.free_port(self.address)
        self.issuer = f"https://{self.address}:{self.port}/dex"
        self.authority = beside.certificate(folder, "dex-authority")
        key, cert = beside.certificate(folder, "dex", f"IP:{self.address}", issuer=self.authority)
        config = {"issuer": self.issuer, "storage": {"type": "memory"}, "oauth2": {"skipApprovalScreen": True},
                  "web": {"https": f"{self.address}:{self.port}", "tlsCert": str(cert), "tlsKey": str(key)},
                  "staticClients": [{"id": "penstock", "name": "Penstock", "secret": "of-the-client", "redirectURIs": [f"{URL}/api/v1/auth/callback"]}],
                  "connectors": [{"type": "mockCallback", "id": "mock", "name": "Example"}], "enablePasswordDB": True,
                  "staticPasswords": [{"email": ADA, "hash": WORD_BCRYPT, "username": "ada", "userID": "ada-1"}]}
        (folder / "dex.yaml").write_text(yaml.safe_dump(config))
        self.begin()

    def begin(self):
        self.process = beside.Process(self.folder, "dex", beside.program("dex"), "serve", "dex.yaml", port=self.port, address=self.address)

    def end(self):
        self.process.end()


class Browser:
    """Follows redirects and keeps cookies a host, as a browser does; hosts of the cluster are found by their Service's address."""

    def __init__(self, dex, authority, certificate=None):
        self.cookies, self.last, self.certificate = {}, None, certificate
        self.dex_context = ssl.create_default_context(cafile=dex.authority[1])
        self.gateway_context = ssl.create_default_context(cadata=authority)
        if certificate:
            self.gateway_context.load_cert_chain(certificate[1], certificate[0])

    def ask(self, url, form=None, body=None, headers=()):
        """One request: (status, headers, text)."""
        parts = urllib.parse.urlsplit(url)
        context = self.gateway_context if parts.hostname == GATEWAY else self.dex_context
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=30, context=context)
        if parts.hostname == GATEWAY:
            service = h.get("service", "penstock-gateway", h.SYSTEM)["spec"]["clusterIP"]
            connection._create_connection = lambda _, *more: socket.create_connection((service, parts.port), *more)
        jar = self.cookies.setdefault(parts.netloc, {})
        sent = {**dict(headers), **({"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items())} if jar else {})}
        data = None
        if form is not None:
            data, sent["Content-Type"] = urllib.parse.urlencode(form), "application/x-www-form-urlencoded"
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body), "application/json"
        with contextlib.closing(connection):
            connection.request("GET" if data is None else "POST", parts.path + (f"?{parts.query}" if parts.query else ""), data, sent)
            answer = connection.getresponse()
            text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.split(";")[0].partition("=")
            jar[name] = value
            if re.search(r"max-age=0\b", cookie, re.I) or not value:
                del jar[name]
        return answer.status, answer.headers, text

    def go(self, url, form=None, take_back=True):
        """Through redirects to a page: (status, its address, text); `last` is the answer that the issuer sent back with, which is
        not taken back to the gateway where that is said."""
        for _ in range(12):
            status, headers, text = self.ask(url, form)
            if status not in (301, 302, 303, 307):
                return status, url, text
            url, form = urllib.parse.urljoin(url, headers["Location"]), None
            if "/auth/callback" in url and GATEWAY in url:
                self.last = url
                if not take_back:
                    return status, url, ""
        raise AssertionError(f"redirects without end: {url}")

    def link(self, page, text, word):
        found = [html.unescape(u) for u in re.findall(r'(?:href|action)="([^"]*)"', text) if word in u]
        if not found:
            raise AssertionError(f"{page} has no link with {word}:\n{text[:3000]}")
        return urllib.parse.urljoin(page, found[0])

    def choose(self, connector, **more):
        status, page, text = self.go(f"{URL}/api/v1/auth/login?to=/api/v1/me")
        if status != 200:
            raise AssertionError(f"{page} answered {status}: {text}")
        return self.go(self.link(page, text, f"/auth/{connector}"), **more)

    def log_in_with_password(self, word=WORD):
        _, page, text = self.choose("local")
        return self.go(self.link(page, text, "/auth/local"), {"login": ADA, "password": word})

    def log_in_with_group(self):
        return self.choose("mock")

    def api(self, path, body=None, headers=()):
        status, _, text = self.ask(f"{URL}/api/v1{path}", body=body, headers=headers)
        return status, json.loads(text)


def gateway_authority():
    """The authority of the gateway's certificate."""
    return h.kubectl("exec", "-n", h.SYSTEM, "deployment/penstock", "--", "cat", "/data/certificates/ca.pem")


def bind(ns, name, role, kind, who):
    h.kubectl("create", "rolebinding", name, "-n", ns, f"--clusterrole={role}", f"--{kind}={who}")


class People(h.ClusterTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-dex-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.dex = Dex(cls.folder)
        cls.addClassCleanup(lambda: cls.dex.end())
        cls.people_authority = beside.certificate(cls.folder, "people-authority")
        h.install()
        h.kubectl("create", "secret", "generic", "penstock-oidc", "-n", h.SYSTEM, "--from-literal=client-secret=of-the-client")
        cls.addClassCleanup(h.kubectl, "delete", "secret", "penstock-oidc", "-n", h.SYSTEM)
        cls.addClassCleanup(h.install)
        people = {"url": URL, "oidc": {"issuerUrl": cls.dex.issuer, "clientId": "penstock", "clientSecret": {"name": "penstock-oidc"},
                                       "scopes": ["email", "groups", "profile"], "usernameClaim": "email", "usernamePrefix": "oidc:",
                                       "groupsClaim": "groups", "groupsPrefix": "oidc:", "ca": cls.dex.authority[1].read_text()},
                  "clientCertificates": {"enabled": True, "ca": cls.people_authority[1].read_text()},
                  "act": {"enabled": True, "users": [KILGORE, "grace"], "groups": [GROUP, "crew"]}}
        (cls.folder / "values.yaml").write_text(yaml.safe_dump({"people": people}))
        h.install("-f", cls.folder / "values.yaml")
        cls.authority = gateway_authority()

    def browser(self, **more):
        return Browser(self.dex, self.authority, **more)

    def me(self, browser):
        """(user, the groups that somebody gave him), or the status of a refusal."""
        status, me = browser.api("/me")
        if status != 200:
            return status
        self.assertIn("system:authenticated", me["groups"], "as the API server counts everybody whom it knows")
        return me["user"], [g for g in me["groups"] if g != "system:authenticated"]

    def test_a_log_in_at_the_issuer_is_a_session_until_its_log_out(self):
        with h.Namespace("e2e-login") as ns:
            ada = self.browser()
            self.assertEqual(self.me(ada), 401)
            status, page, text = ada.log_in_with_password("another-word")
            self.assertIn("/dex/", page, "the issuer's own page says no")
            self.assertEqual(self.me(ada), 401)
            status, page, text = ada.log_in_with_password()
            self.assertEqual((status, page), (200, f"{URL}/api/v1/me"), text)
            self.assertEqual(self.me(ada), (f"oidc:{ADA}", []))
            self.assertEqual(ada.api(f"/namespaces/{ns}/runs")[0], 403, "no rights")
            bind(ns, "ada", "view", "user", f"oidc:{ADA}")
            h.wait_until("her right to hold", REMEMBERED, lambda: ada.api(f"/namespaces/{ns}/runs")[0] == 200)

            status, _, text = ada.ask(ada.last)  # the code once more
            self.assertEqual(status, 403, text)
            stranger = self.browser()
            status, _, text = stranger.ask(ada.last)
            self.assertEqual((status, self.me(stranger)), (403, 401), text)

            h.kubectl("delete", "pods", "-n", h.SYSTEM, "-l", "app.kubernetes.io/name=penstock", "--force", "--grace-period=0")
            h.kubectl("rollout", "status", "-n", h.SYSTEM, "deployment/penstock", "--timeout=120s")
            h.wait_until("the session after a restart", 60, lambda: self.tried(ada) == (f"oidc:{ADA}", []))

            copy = self.browser()
            copy.cookies = json.loads(json.dumps(ada.cookies))
            self.assertEqual(self.me(copy), (f"oidc:{ADA}", []))
            self.assertEqual(ada.api("/auth/logout", {}, ACTS)[0], 200)
            self.assertEqual((self.me(ada), self.me(copy)), (401, 401), "also of a copy of the cookie")

    def tried(self, browser):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.me(browser)
        return None

    def test_an_issuer_that_is_away_keeps_new_ones_out_and_its_new_keys_are_taken(self):
        kilgore = self.browser()
        kilgore.log_in_with_group()
        self.assertEqual(self.me(kilgore), (KILGORE, [GROUP]))
        late = self.browser()
        late.choose("mock", take_back=False)
        self.dex.end()
        try:
            status, _, text = late.ask(late.last)  # with a code that nobody redeems now
            print(f"log-in: the issuer away: {status} {text[:300]}", flush=True)
            self.assertGreaterEqual(status, 400, text)
            self.assertEqual(self.me(late), 401)
            self.assertEqual(self.me(kilgore), (KILGORE, [GROUP]), "who is in stays")
        finally:
            self.dex.begin()  # its memory is lost: other keys
        again = self.browser()
        status, page, text = h.wait_until("the issuer's new keys to be taken", 30, lambda: (
            lambda found: found if found[0] == 200 and found[1].startswith(URL) else None)(again.log_in_with_group()))
        self.assertEqual(self.me(again), (KILGORE, [GROUP]), text)

    def test_what_somebody_does_is_held_against_his_own_rights_and_done_under_his_name(self):
        with h.Namespace("e2e-act") as ns:
            h.apply(ns, {"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": "hello"},
                         "spec": {"runPolicy": "Manual", "steps": [h.shell_step("say", "echo hello")]}})
            kilgore, runs = self.browser(), f"/namespaces/{ns}/runs"
            kilgore.log_in_with_group()
            bind(ns, "authors", "view", "group", GROUP)
            h.wait_until("his group's right to hold", REMEMBERED, lambda: kilgore.api(runs)[0] == 200)
            status, answer = kilgore.api(runs, {"pipeline": "hello", "name": "not-yet"}, ACTS)
            self.assertEqual(status, 403, answer)
            self.assertEqual(kilgore.api(runs, {"pipeline": "hello", "name": "no-header"})[0], 403)
            bind(ns, "authors-edit", "edit", "group", GROUP)
            status, answer = h.wait_until("his right to start", REMEMBERED, lambda: (
                lambda found: found if found[0] == 201 else None)(kilgore.api(runs, {"pipeline": "hello", "name": "his"}, ACTS)), every=2)
            run = h.wait_finished("his", ns)
            self.assertEqual(run["metadata"]["annotations"]["penstock.dev/submitted-by"], KILGORE)
            self.assertIsNone(h.get("pplr", "not-yet", ns))

            # somebody who may act, but whose group may not: he is told which
            outsider = self.certified("grace", ["crew", "owners"])
            bind(ns, "grace", "edit", "user", "grace")
            h.wait_until("her right to hold", REMEMBERED, lambda: outsider.api(runs)[0] == 200)
            status, answer = outsider.api(runs, {"pipeline": "hello", "name": "hers"}, ACTS)
            self.assertEqual(status, 403, answer)
            self.assertIn("owners", answer["error"]["message"])
            grace = self.certified("grace", ["crew"])
            self.assertEqual(self.me(grace), ("grace", ["crew"]))
            status, answer = h.wait_until("she starts one", REMEMBERED, lambda: (
                lambda found: found if found[0] == 201 else None)(grace.api(runs, {"pipeline": "hello", "name": "hers"}, ACTS)), every=2)
            self.assertEqual(h.wait_finished("hers", ns)["metadata"]["annotations"]["penstock.dev/submitted-by"], "grace")

    def certified(self, user, groups):
        key, request, cert = (self.folder / f"{user}-{len(groups)}.{end}" for end in ("key", "csr", "crt"))
        subject = "".join(f"/O={g}" for g in groups) + f"/CN={user}"
        h.sh("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", subject)
        (self.folder / "client.ext").write_text("extendedKeyUsage=clientAuth\n")
        h.sh("openssl", "x509", "-req", "-in", request, "-CA", self.people_authority[1], "-CAkey", self.people_authority[0], "-CAcreateserial",
             "-days", "2", "-extfile", self.folder / "client.ext", "-out", cert)
        return self.browser(certificate=(key, cert))


if __name__ == "__main__":
    unittest.main()
