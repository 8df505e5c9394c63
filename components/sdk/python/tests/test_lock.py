"""packages=[...]: locked to versions and hashes by pip, from a folder of wheels (no network)."""
import base64
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import unittest
import zipfile

from sdk_harness import HERE, InFolder
import yaml

MODULE = '''from penstock import *


@step(packages=["greeter"])
def hello() -> str:
    import greeter
    return greeter.hello()


@step(packages=["greeter"])
def again() -> str:
    import greeter
    return greeter.hello()


@pipeline
def p():
    hello()
    again()
'''


def wheel(folder, name, version, text, requires=()):
    """A wheel of one module."""
    path = pathlib.Path(folder, f"{name}-{version}-py3-none-any.whl")
    info = f"{name}-{version}.dist-info"
    files = {f"{name}.py": text, f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
             f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(f"Requires-Dist: {r}\n" for r in requires)}
    record = ""
    for file, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
        record += f"{file},sha256={digest},{len(content)}\n"
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(file), content)
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


@unittest.skipIf(subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode, "pip is not here")
class Lock(InFolder):
    def setUp(self):
        super().setUp()
        os.makedirs("wheels")
        self.words = wheel("wheels", "words", "2.1", "HELLO = 'hello'\n")
        self.greeter = wheel("wheels", "greeter", "1.0", "import words\n\n\ndef hello():\n    return words.HELLO\n", ["words>=2"])
        for name, value in (("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", str(self.folder / "wheels")), ("PATH", "/usr/bin:/bin")):
            before = os.environ.get(name)
            self.addCleanup(os.environ.__setitem__, name, before) if before is not None else self.addCleanup(os.environ.pop, name, None)
            os.environ[name] = value

    def expected(self):
        return f"greeter==1.0 --hash={self.greeter}\nwords==2.1 --hash={self.words}\n"

    def test_a_lock_holds_what_the_packages_need_with_hashes_and_compiles_without_an_index(self):
        p = self.module(MODULE).p
        path = p.lock()
        self.assertEqual(path, self.folder / "mine.lock.json")
        os.environ["PIP_FIND_LINKS"] = "/nowhere"
        steps = yaml.safe_load(p.yaml())["spec"]["steps"]
        self.assertEqual([s["container"]["code"]["requirements"] for s in steps], [{"text": self.expected()}] * 2)

    def test_a_lock_stays_when_something_newer_is_there_until_it_is_upgraded(self):
        p = self.module(MODULE).p
        p.lock()
        wheel("wheels", "words", "2.2", "HELLO = 'hi'\n")
        p.lock()
        self.assertIn("words==2.1", p.yaml())
        p.lock(upgrade=True)
        self.assertIn("words==2.2", p.yaml())

    def test_a_package_that_is_not_there_is_told_in_pip_s_words(self):
        p = self.module(MODULE.replace("greeter\"", "nowhere-to-be-found\"")).p
        with self.assertRaisesRegex(Exception, r"pip cannot lock \['nowhere-to-be-found'\] for Python 3.12: "):
            p.lock()

    def test_lines_with_hashes_need_no_lock_file_and_a_lock_file_is_taken_as_it_is(self):
        text = MODULE.replace('["greeter"]', repr(self.expected().split("\n")[:2]))
        self.assertIn(self.greeter, self.module(text).p.yaml())
        pathlib.Path("own.lock").write_text(self.expected())
        self.assertIn(self.words, self.module(MODULE.replace('["greeter"]', '"own.lock"')).p.yaml())

    def test_the_command_writes_the_same_lock(self):
        pathlib.Path("mine.py").write_text(MODULE)
        done = subprocess.run([sys.executable, "-m", "penstock", "lock", "mine.py"], capture_output=True, text=True,
                              env={**os.environ, "PYTHONPATH": str(HERE.parent)})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(list(json.loads(pathlib.Path("mine.lock.json").read_text()).values()), [self.expected().splitlines()])


if __name__ == "__main__":
    unittest.main()
