"""docs/sources.md: its pipeline over a database, on this machine, with a real PostgreSQL server and its keys from a Secret."""
import glob
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import subprocess
import tempfile
import textwrap
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release")).resolve()
DEPS = pathlib.Path(os.environ.get("PENSTOCK_DEPS", pathlib.Path.home() / ".cache/penstock/deps"))
PROGRAMS = next(iter(glob.glob("/usr/lib/postgresql/*/bin/initdb") + glob.glob(f"{DEPS}/postgresql/usr/lib/postgresql/*/bin/initdb")), None)
NOBODY = 65534  # the server refuses to run as root


class Server:
    """PostgreSQL on loopback, in `folder`, with TLS."""

    def __init__(self, folder):
        self.folder, self.bin, self.password = pathlib.Path(folder), pathlib.Path(PROGRAMS).parent, secrets.token_hex(12)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        (self.folder / "password").write_text(self.password)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.folder / "key.pem", "-out",
                        self.folder / "cert.pem", "-days", "2", "-subj", "/CN=db", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, capture_output=True)
        for path in (self.folder, *self.folder.iterdir()):
            if os.geteuid() == 0:
                os.chown(path, NOBODY, NOBODY)
        data = self.folder / "data"
        subprocess.run(self.as_nobody("initdb", "-D", data, "-U", "shop", "--auth=scram-sha-256", f"--pwfile={folder}/password",
                                      "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"), check=True, capture_output=True, cwd=folder)
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            self.as_nobody("postgres", "-D", data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-c",
                           "unix_socket_directories=", "-c", "fsync=off", "-c", "ssl=on", "-c", f"ssl_cert_file={folder}/cert.pem",
                           "-c", f"ssl_key_file={folder}/key.pem"), cwd=folder, stdout=self.log, stderr=self.log)
        end = time.time() + 60
        while subprocess.run([self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode:
            if time.time() > end or self.process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text())
            time.sleep(0.1)

    def as_nobody(self, program, *words):
        drop = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"] if os.geteuid() == 0 else []
        return [*drop, self.bin / program, *words]

    def sql(self, text):
        subprocess.run([self.bin / "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", f"host=127.0.0.1 port={self.port} dbname=postgres "
                        "user=shop", "-c", text], check=True, capture_output=True, env={**os.environ, "PGPASSWORD": self.password})

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(20)
        self.log.close()


def manifest(server):
    """The page's steps as a Pipeline, with the Secret that they name."""
    steps = re.search(r"```yaml\n(  steps:\n  - name: changed\n.*?)```", (ROOT / "docs/sources.md").read_text(), re.S).group(1)
    certificate = textwrap.indent((server.folder / "cert.pem").read_text(), "    ")
    return f"""apiVersion: v1
kind: Secret
metadata: {{name: sales-db}}
stringData:
  PGHOST: 127.0.0.1
  PGPORT: "{server.port}"
  PGDATABASE: postgres
  PGUSER: shop
  PGPASSWORD: "{server.password}"
  PGSSLROOTCERT: |
{certificate}
---
apiVersion: penstock.dev/v1alpha1
kind: Pipeline
metadata: {{name: orders}}
spec:
  parameters: [{{name: since, default: "2026-01-01"}}]
{steps}"""


@unittest.skipUnless((BUILD / "bin/penstock-components").exists(), "nothing is built")
@unittest.skipUnless(PROGRAMS, "PostgreSQL's server is not installed: tools/install-deps test")
class Sources(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="penstock-sources-")
        self.addCleanup(self.scratch.cleanup)
        folder = tempfile.mkdtemp(prefix="server-", dir=self.scratch.name)
        os.chmod(self.scratch.name, 0o755)
        self.server = Server(folder)
        self.addCleanup(self.server.stop)
        self.server.sql("CREATE TABLE orders (id bigint, placed_at timestamptz, amount numeric, country text, updated_at timestamptz "
                        "DEFAULT now()); INSERT INTO orders VALUES (1, '2025-12-31', 1, 'KR'), (2, '2026-01-02', 19.9, 'KR'), "
                        "(3, '2026-01-03', NULL, 'DE')")

    def run_it(self, *words, text=None):
        path = pathlib.Path(self.scratch.name, "orders.yaml")
        path.write_text(text or manifest(self.server))
        done = subprocess.run([BUILD / "bin/penstock", "run", path, "--state", f"{self.scratch.name}/state", "--isolation", "process",
                               "-o", "json", *words], capture_output=True, text=True, timeout=300, cwd=self.scratch.name)
        said = done.stdout + done.stderr
        self.assertNotIn(self.server.password, said)
        steps = {s["name"]: s for s in json.loads(done.stdout)["status"]["steps"]} if done.stdout.startswith("{") else {}
        return steps, said

    def test_rows_are_read_again_where_the_version_says_so_and_the_password_is_kept_nowhere(self):
        for insert, rows, cached in ((None, 2, False), (None, 2, True),
                                    ("INSERT INTO orders VALUES (4, '2026-01-04', 5, 'FR')", 3, False)):
            if insert:
                self.server.sql(insert)
            steps, said = self.run_it()
            self.assertEqual({s["phase"] for s in steps.values()}, {"Succeeded"}, said)
            self.assertFalse(steps["changed"].get("cached", False), said)
            self.assertEqual(steps["orders"].get("cached", False), cached, said)
            self.assertEqual(steps["orders"]["results"], {"rows": rows, "columns": 4}, said)
        found = subprocess.run(["grep", "-rl", self.server.password, f"{self.scratch.name}/state"], capture_output=True, text=True)
        self.assertEqual(found.stdout, "")

    def test_a_wrong_password_is_told_in_the_servers_words(self):
        steps, said = self.run_it(text=manifest(self.server).replace(self.server.password, "another"))
        self.assertIn('password authentication failed for user \\"shop\\"', said.replace("\\\\", "\\"))
        self.assertNotIn("another", said)


if __name__ == "__main__":
    unittest.main()
