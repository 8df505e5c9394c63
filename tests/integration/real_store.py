"""The artifact store on the S3 server that everybody runs: MinIO, built through Go modules.

Part of `tests/run full`, which builds it (`real_store.py build`, five to ten minutes); skips where it was not built. What a
fake in the same process shows is tested beside the code (operator/s3, operator/artifacts/s3).
"""
import contextlib
import hashlib
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
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
COPY = BUILD / "bin/store-copy"


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

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def named(self):
        """For PENSTOCK_TEST_S3."""
        return f"{self.endpoint} {self.bucket} {self.user} {self.password}"


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


if __name__ == "__main__":
    if sys.argv[1:] == ["build"]:
        sys.exit(build())
    unittest.main()
