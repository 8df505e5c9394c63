"""`penstock model sign` and `verify` against the reference of OpenSSF Model Signing: what one signs the other verifies.

The reference is PyPI's model-signing (tools/install-deps signing); without it these tests are skipped.
"""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PENSTOCK = pathlib.Path(os.environ.get("PENSTOCK_BIN") or pathlib.Path(os.environ.get("BUILD", ROOT / "build/release")) / "bin") / "penstock"
VENV = pathlib.Path(os.environ.get("PENSTOCK_OMS_VENV") or pathlib.Path.home() / ".cache/penstock/oms-venv")
THEIRS = VENV / "bin/model_signing"


def call(*words, cwd=None):
    """The exit code, and what was said."""
    done = subprocess.run([str(w) for w in words], cwd=cwd, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


@unittest.skipUnless(THEIRS.exists(), f"{THEIRS} is not there: tools/install-deps signing makes it")
class ModelSigning(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="penstock-signing-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.model = self.dir / "flights"
        (self.model / "variables").mkdir(parents=True)
        (self.model / "model.yaml").write_text("name: flights\n")
        (self.model / "variables/weights.bin").write_bytes(bytes(range(256)) * 999)
        (self.model / "variables.index").write_text("between, by bytes\n")  # '.' is before '/'
        (self.model / "한글 모델.txt").write_text("a name beyond ASCII\n")
        (self.model / "empty").write_bytes(b"")
        (self.model / ".gitattributes").write_text("not signed\n")
        self.signature = self.model / "model.sig"

    def make_key(self, curve, name="key"):
        private, public = self.dir / f"{name}.pem", self.dir / f"{name}.pub"
        subprocess.run(["openssl", "ecparam", "-name", curve, "-genkey", "-noout", "-out", private], check=True)
        subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
        return private, public

    def ours(self, what, key, *more):
        return call(PENSTOCK, "model", what, self.model, "--key", key, *more)

    def they_verify(self, public):
        return call(THEIRS, "verify", "key", self.model, "--signature", self.signature, "--public_key", public)

    def they_sign(self, private):
        code, said = call(THEIRS, "sign", "key", self.model, "--signature", self.signature, "--private_key", private)
        self.assertEqual(code, 0, said)

    def test_what_one_signs_the_other_verifies(self):
        for curve in ("prime256v1", "secp384r1", "secp521r1"):
            with self.subTest(curve):
                private, public = self.make_key(curve)
                code, said = self.ours("sign", private)
                self.assertEqual(code, 0, said)
                code, said = self.they_verify(public)
                self.assertEqual(code, 0, said)
                self.they_sign(private)
                code, said = self.ours("verify", public)
                self.assertEqual(code, 0, said)
                self.signature.unlink()

    def test_both_find_the_same_faults(self):
        private, public = self.make_key("prime256v1")
        _, other = self.make_key("prime256v1", "other")
        for sign in (lambda: self.ours("sign", private), lambda: self.they_sign(private)):
            sign()
            self.assertNotEqual(self.they_verify(other)[0], 0)
            code, said = self.ours("verify", other)
            self.assertEqual(code, 1)
            self.assertIn("another key", said)
            weights = self.model / "variables/weights.bin"
            good = weights.read_bytes()
            for fault, undo, told in (
                    (lambda: weights.write_bytes(good[:-1]), lambda: weights.write_bytes(good), "variables/weights.bin is altered"),
                    (lambda: (self.model / "more").write_text("x"), (self.model / "more").unlink, "more is not signed"),
                    (lambda: weights.rename(self.dir / "away"), lambda: (self.dir / "away").rename(weights),
                     "variables/weights.bin is absent")):
                fault()
                self.assertNotEqual(self.they_verify(public)[0], 0, told)
                code, said = self.ours("verify", public)
                self.assertEqual(code, 1)
                self.assertIn(told, said)
                undo()
            bundle = json.loads(self.signature.read_text())
            payload = bundle["dsseEnvelope"]["payload"]
            bundle["dsseEnvelope"]["payload"] = payload[:40] + ("A" if payload[40] != "A" else "B") + payload[41:]
            self.signature.write_text(json.dumps(bundle))
            self.assertNotEqual(self.they_verify(public)[0], 0)
            code, said = self.ours("verify", public)
            self.assertEqual(code, 1)
            self.assertIn("its signature does not fit", said)
            self.signature.unlink()

    def test_what_they_leave_out_by_name_is_left_out(self):
        private, public = self.make_key("prime256v1")
        (self.model / "cache").mkdir()
        (self.model / "cache/a").write_text("x")
        code, said = call(THEIRS, "sign", "key", self.model, "--signature", self.signature, "--private_key", private, "--ignore-paths",
                          self.model / "cache")
        self.assertEqual(code, 0, said)
        (self.model / "cache/b").write_text("x")
        self.assertEqual(self.ours("verify", public)[0], 0)
        (self.model / "cached").write_text("x")
        self.assertIn("cached is not signed", self.ours("verify", public)[1])

    def test_forms_that_are_not_read_are_refused_by_name(self):
        private, public = self.make_key("prime256v1")
        script = ("import sys, model_signing as m; m.signing.Config().use_elliptic_key_signer(private_key=sys.argv[3])"
                  ".set_hashing_config({}.set_ignored_paths(paths=[sys.argv[2]])).sign(sys.argv[1], sys.argv[2])")
        for how, told in (("m.hashing.Config().use_shard_serialization()", "in shards"),
                          ("m.hashing.Config().use_file_serialization(hashing_algorithm='blake3')", "another way than sha256")):
            code, said = call(VENV / "bin/python", "-c", script.format(how), self.model, self.signature, private)
            self.assertEqual(code, 0, said)
            self.assertIn(told, self.ours("verify", public)[1])


if __name__ == "__main__":
    unittest.main()
