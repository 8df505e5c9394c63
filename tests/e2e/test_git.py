"""code.git: fetched by a pod of the run's own namespace, from repositories that this test serves."""
import base64
import http.server
import os
import pathlib
import ssl
import subprocess
import tempfile
import threading
import unittest

import harness as h

USER, PASSWORD = "reader", "pa55word-of-the-test"


class Handler(http.server.BaseHTTPRequestHandler):
    """git's own http-backend behind Python's server; basic authentication where the server has a login."""

    def do_GET(self):
        login = self.server.login
        if login and self.headers.get("Authorization") != f"Basic {base64.b64encode(login.encode()).decode()}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        env = {"PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.server.folder), "GIT_HTTP_EXPORT_ALL": "1",
               "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
               "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command, "CONTENT_LENGTH": str(len(body)),
               "CONTENT_TYPE": self.headers.get("Content-Type", ""), "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
               "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "REMOTE_ADDR": self.client_address[0]}
        said = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, timeout=60).stdout
        head, _, answer = said.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200 OK").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, *_):
        pass


class Served:
    """A folder of repositories at an address that pods reach; over TLS with a login where `login` is given."""

    def __init__(self, login=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-git-"))
        nodes = h.items("nodes", "default")
        address = next(a["address"] for a in nodes[0]["status"]["addresses"] if a["type"] == "InternalIP")
        self.server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        self.server.folder, self.server.login = self.folder / "repositories", login
        scheme = "http"
        if login:
            scheme = "https"
            h.sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", self.folder / "key",
                 "-out", self.folder / "ca.crt", "-subj", "/CN=git", "-addext", f"subjectAltName=IP:{address}")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.folder / "ca.crt", self.folder / "key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"{scheme}://{address}:{self.server.server_port}"

    def git(self, name, *words):
        return h.sh("git", "-C", self.server.folder / name, "-c", "user.name=t", "-c", "user.email=t@example.com", *words).stdout

    def commit(self, name, word):
        """A commit of the repository whose steps/word says so, and its id."""
        folder = self.server.folder / name / "steps"
        if not folder.exists():
            folder.mkdir(parents=True)
            self.git(name, "init", "-q", "-b", "main")
        (folder / "word").write_text(word + "\n")
        self.git(name, "add", ".")
        self.git(name, "commit", "-q", "-m", word)
        return self.git(name, "rev-parse", "HEAD").strip()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        h.sh("rm", "-rf", self.folder)


def using(git, **more):
    """A step that prints the file `word` of its code."""
    step = h.shell_step("use", "", **more)
    step["container"].update(command=["cat", "$(code.path)/word"], code={"git": git})
    return step


@unittest.skipUnless(h.OWN, "serves repositories where pods of the project's own cluster reach them")
class Git(h.ClusterTest):
    def served(self, login=None):
        served = Served(login)
        self.addCleanup(served.close)
        return served

    def fetch_of(self, run):
        return next(s for s in run["status"]["steps"] if s["name"].startswith("git-"))

    def failure(self, name, git):
        """The message of a run of one step whose code this is, once it has failed."""
        with h.Namespace(f"e2e-{name}") as ns:
            h.apply(ns, h.run_of(name, ns, [using(git)]))
            run = h.wait_finished(name, ns)
            self.assertEqual(h.condition(run, "Succeeded")["status"], "False")
            self.assertEqual(h.step_of(run, "use")["phase"], "Skipped")
            pod = self.fetch_of(run)["pod"]
            return h.condition(run, "Succeeded")["message"], h.kubectl("logs", "-n", ns, pod)

    def test_a_pipeline_runs_when_it_is_applied_with_git_in_its_own_namespace(self):
        served = self.served()
        served.commit("code", "one")
        git = {"url": f"{served.url}/code", "revision": "main", "path": "steps"}
        with h.Namespace("e2e-git") as ns:
            h.kubectl("create", "serviceaccount", "builder", "-n", ns)
            h.apply(ns, {"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": "code"},
                         "spec": {"steps": [using(git, serviceAccountName="builder")]}})
            first = h.wait_until("a run of the Pipeline", 60, lambda: h.items("pplr", ns))[0]["metadata"]["name"]
            run = h.wait_finished(first, ns)
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))
            self.assertEqual(h.kubectl("logs", "-n", ns, h.step_of(run, "use")["pod"]).strip(), "one")
            pod = h.get("pod", self.fetch_of(run)["pod"], ns)
            self.assertEqual(pod["spec"]["serviceAccountName"], "builder")
            self.assertIn("/git:", pod["spec"]["containers"][0]["image"])
            commit = served.commit("code", "two")
            h.apply(ns, {"apiVersion": "penstock.dev/v1alpha1", "kind": "PipelineRun", "metadata": {"name": "again"},
                         "spec": {"pipelineRef": {"name": "code"}}})
            run = h.wait_finished("again", ns)
            self.assertEqual(h.kubectl("logs", "-n", ns, h.step_of(run, "use")["pod"]).strip(), "two")
            self.assertEqual(self.fetch_of(run)["results"]["commit"], commit)

    def test_a_private_repository_is_read_with_its_secret_which_shows_nowhere(self):
        served = self.served(f"{USER}:{PASSWORD}")
        commit = served.commit("private", "secret code")
        git = {"url": f"{served.url}/private", "revision": commit, "path": "steps", "secretRef": {"name": "deploy"}}
        with h.Namespace("e2e-git-private") as ns:
            h.kubectl("create", "secret", "generic", "deploy", "-n", ns, f"--from-literal=username={USER}",
                      f"--from-literal=password={PASSWORD}", f"--from-file=ca.crt={served.folder / 'ca.crt'}")
            h.apply(ns, h.run_of("private", ns, [using(git)]))
            run = h.wait_finished("private", ns)
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))
            self.assertEqual(h.kubectl("logs", "-n", ns, h.step_of(run, "use")["pod"]).strip(), "secret code")
            shown = h.kubectl("get", "pods,pplr,controllerrevisions,configmaps,events", "-n", ns, "-o", "yaml")
            shown += h.kubectl("logs", "-n", ns, self.fetch_of(run)["pod"])
            self.assertNotIn(PASSWORD, shown)
            h.apply(ns, h.run_of("again", ns, [using(git)]))
            self.assertTrue(self.fetch_of(h.wait_finished("again", ns))["cached"], "a commit is fetched once")

    def test_a_secret_that_is_not_there_is_named(self):
        served = self.served()
        message, log = self.failure("git-no-secret", {"url": served.url.replace("http:", "https:") + "/code",
                                                      "secretRef": {"name": "nosuch"}})
        self.assertIn("the Secret 'nosuch' is not there", message + log)

    def test_a_repository_that_does_not_exist_fails_the_step_with_gits_last_words(self):
        message, log = self.failure("git-nosuch", {"url": f"{self.served().url}/nosuch"})
        self.assertRegex(message, r"step git-[0-9a-f]{8} \(ExitCode\)")
        self.assertIn("not found", log)
        self.assertIn("not found", message)

    def test_a_link_in_the_path_is_refused(self):
        served = self.served()
        served.commit("links", "one")
        (served.server.folder / "links/link").symlink_to("/var/run/secrets/kubernetes.io/serviceaccount")
        served.commit("links", "two")
        for path in ("link", "link/..data/.", ""):
            message, log = self.failure("git-link", {"url": f"{served.url}/links", "path": path})
            self.assertIn("'link' is a symbolic link", message + log, path)

    def test_the_operator_has_no_git(self):
        with h.Namespace("e2e-no-git") as ns:
            h.apply(ns, h.run_of("look", ns, [h.shell_step("look", "! command -v git")]))  # in the operator's image
            run = h.wait_finished("look", ns)
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))


if __name__ == "__main__":
    unittest.main()
