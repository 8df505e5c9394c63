"""The artifact store on the S3 server that everybody runs: MinIO, built through Go modules.

Part of `tests/run full`, which builds it (`real_store.py build`, five to ten minutes); skips where it was not built. What a
fake in the same process shows is tested beside the code (operator/s3, operator/artifacts/s3).
"""
import contextlib
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import secrets
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
MODULE = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"
FOLDER = pathlib.Path.home() / ".cache/penstock/minio"
PROGRAM = FOLDER / "minio"
SUITE = BUILD / "tests/artifacts_s3_test"
SOURCES = BUILD / "tests/s3_test"
COPY = BUILD / "bin/store-copy"
COMPONENTS = BUILD / "bin/penstock-components"


def build():
    """MinIO's program, built once a machine."""
    if not PROGRAM.exists():
        subprocess.run(["go", "install", MODULE], check=True, env={**os.environ, "GOBIN": str(FOLDER), "GOFLAGS": "-mod=mod"})


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class MinIO:
    """A server on loopback with one bucket, whose data is in `folder`."""

    def __init__(self, folder, bucket="artifacts"):
        self.folder, self.bucket, self.port = pathlib.Path(folder), bucket, free_port()
        self.user, self.password = "penstock", secrets.token_hex(16)
        (self.folder / "data" / bucket).mkdir(parents=True, exist_ok=True)  # a folder of the one disk is a bucket
        self.start()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        environment = {**os.environ, "MINIO_ROOT_USER": self.user, "MINIO_ROOT_PASSWORD": self.password, "MINIO_BROWSER": "off",
                       "MINIO_UPDATE": "off", "HOME": str(self.folder)}
        self.process = subprocess.Popen([PROGRAM, "server", "--quiet", "--address", f"127.0.0.1:{self.port}", self.folder / "data"],
                                        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.time() + 60
        while time.time() < end and self.process.poll() is None:
            with contextlib.suppress(OSError, urllib.error.URLError), \
                    urllib.request.urlopen(f"{self.endpoint}/minio/health/cluster", timeout=2) as answer:
                if answer.status == 200:
                    return
            time.sleep(0.1)
        raise AssertionError("MinIO does not start")

    def ask(self, method, path, body=b"", query=""):
        """One signed request (AWS Signature Version 4), as an administrator's program makes it."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        scope, digest, host = f"{now[:8]}/us-east-1/s3/aws4_request", hashlib.sha256(body).hexdigest(), f"127.0.0.1:{self.port}"
        names = "host;x-amz-content-sha256;x-amz-date"
        canonical = f"{method}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:{digest}\nx-amz-date:{now}\n\n{names}\n{digest}"
        key = f"AWS4{self.password}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        request = urllib.request.Request(
            self.endpoint + path + (f"?{query}" if query else ""), data=body or None, method=method,
            headers={"Content-Type": "application/octet-stream", "x-amz-date": now,
                     "x-amz-content-sha256": digest,
                     "Authorization": f"AWS4-HMAC-SHA256 Credential={self.user}/{scope}, SignedHeaders={names}, Signature={signature}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def named(self):
        """For PENSTOCK_TEST_S3."""
        return f"{self.endpoint} {self.bucket} {self.user} {self.password}"


class Cutter:
    """A proxy that breaks its first connections off after so many bytes of the answer, and calls `between` then."""

    def __init__(self, port, cuts, after, between=lambda: None):
        self.target, self.cuts, self.after, self.between, self.heads = port, cuts, after, between, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            left = 1 << 40
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    piece = ready.recv(1 << 16)
                    if not piece:
                        return
                    if ready is client:
                        self.heads.append(piece.decode(errors="replace"))
                        left = self.after if len(self.heads) <= self.cuts else 1 << 40
                        server.sendall(piece)
                        continue
                    if len(piece) >= left:
                        self.between()
                        client.sendall(piece[:left])
                        return
                    client.sendall(piece)
                    left -= len(piece)

    def close(self):
        self.listener.close()


@unittest.skipUnless(PROGRAM.exists(), f"MinIO is not built here: python3 {pathlib.Path(__file__).name} build")
class RealStore(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.minio = MinIO(cls.scratch.name)
        cls.addClassCleanup(cls.minio.kill)

    def run_suite(self, program, pattern):
        done = subprocess.run([program, f"--gtest_filter={pattern}", "--gtest_brief=1"], capture_output=True, text=True, timeout=900,
                              env={**os.environ, "PENSTOCK_TEST_S3": self.minio.named()})
        self.assertEqual(done.returncode, 0, (done.stdout + done.stderr)[-6000:])
        self.assertNotIn("SKIPPED", done.stdout)
        self.assertRegex(done.stdout, r"\[  PASSED  \] [1-9]")

    def test_the_suite_of_every_store_holds_on_it(self):
        self.run_suite(SUITE, "*/EveryStore.*/MinIO")

    def test_it_keeps_what_the_probe_says_and_links_do_one_thing(self):
        self.run_suite(SUITE, "RealS3.*")

    def copy(self, *words):
        store = ",".join((f"s3:{self.minio.endpoint}", self.minio.bucket, self.minio.user, self.minio.password))
        return subprocess.Popen([COPY, words[0], store, *words[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def test_a_store_killed_while_it_is_written_to_shows_nothing_or_all(self):
        large, back = self.minio.folder / "large", self.minio.folder / "back"
        for round_, wait in enumerate((0.05, 0.2, 0.4, 0.8)):
            content = secrets.token_bytes(48 << 20)
            large.write_bytes(content)
            digest = "sha256:" + hashlib.sha256(content).hexdigest()
            put = self.copy("put", large)
            time.sleep(wait)
            self.minio.kill()
            time.sleep(0.3)
            self.minio.start()
            _, said = put.communicate(timeout=120)
            with self.subTest(round=round_):
                got = self.copy("get", back, digest)
                _, error = got.communicate(timeout=120)
                if got.returncode:
                    self.assertNotEqual(put.returncode, 0, "what was told to be stored is gone")
                    self.assertIn("the store has no " + digest, error, said)
                else:
                    self.assertEqual(back.read_bytes(), content)
                again = self.copy("put", large)
                self.assertEqual(again.communicate(timeout=120)[0].strip(), digest)
                back.unlink(missing_ok=True)
                got = self.copy("get", back, digest)
                self.assertEqual(got.communicate(timeout=120), ("", ""))
                self.assertEqual(back.read_bytes(), content)
                back.unlink()

    # --- as sources of a step

    def test_objects_and_prefixes_are_read_as_they_were_listed(self):
        self.run_suite(SOURCES, "RealSource.*")

    def ingest(self, uri, endpoint, keys=True):
        """Rows of what `ingest` makes of it, and what it says."""
        out = tempfile.mkdtemp(dir=self.minio.folder)
        environment = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": endpoint}
        if keys:
            environment |= {"AWS_ACCESS_KEY_ID": self.minio.user, "AWS_SECRET_ACCESS_KEY": self.minio.password}
        done = subprocess.run([COMPONENTS, "ingest", "--input", f"source={uri}", "--output", f"dataset={out}/d", "--results", out],
                              env=environment, capture_output=True, text=True, timeout=120)
        rows = pathlib.Path(out, "rows")
        return (int(rows.read_text()) if rows.exists() else None), done.stdout + done.stderr

    @staticmethod
    def rows(letter):
        return b"a,b\n" + f"{letter},1\n".encode() * 2_000_000  # 8 MB, of the same length for each letter

    def test_after_a_break_the_rest_of_the_same_object_is_read(self):
        self.minio.ask("PUT", "/artifacts/cut.csv", self.rows("x"))
        proxy = Cutter(self.minio.port, 2, 1 << 20)
        self.addCleanup(proxy.close)
        rows, said = self.ingest("s3://artifacts/cut.csv", proxy.endpoint)
        self.assertEqual(rows, 2_000_000, said)
        self.assertEqual(len(proxy.heads), 3)
        for head in proxy.heads[1:]:
            self.assertIn("\r\nRange: bytes=", head)
            self.assertIn("\r\nIf-Match: ", head)

    def test_an_object_that_changes_in_a_break_is_an_error(self):
        self.minio.ask("PUT", "/artifacts/other.csv", self.rows("x"))
        proxy = Cutter(self.minio.port, 1, 1 << 20, lambda: self.minio.ask("PUT", "/artifacts/other.csv", self.rows("y")))
        self.addCleanup(proxy.close)
        rows, said = self.ingest("s3://artifacts/other.csv", proxy.endpoint)
        self.assertIsNone(rows, said)
        self.assertIn("the object changed while it was read", said)

    def test_a_public_bucket_is_read_without_keys(self):
        self.minio.ask("PUT", "/public")
        self.minio.ask("PUT", "/public/in/a.csv", b"a\n1\n2\n")
        rows, said = self.ingest("s3://public/in/a.csv", self.minio.endpoint, keys=False)
        self.assertIsNone(rows)
        self.assertIn("it was asked without keys", said)
        self.minio.ask("PUT", "/public", json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject", "s3:ListBucket"],
             "Resource": ["arn:aws:s3:::public", "arn:aws:s3:::public/*"]}]}).encode(), query="policy=")
        for uri in ("s3://public/in/a.csv", "s3://public/in/"):
            rows, said = self.ingest(uri, self.minio.endpoint, keys=False)
            self.assertEqual(rows, 2, said)


if __name__ == "__main__":
    if sys.argv[1:] == ["build"]:
        sys.exit(build())
    unittest.main()
