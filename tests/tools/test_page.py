"""ui/dist, the page as it is committed, is what ui/ builds: without Node what stands in it is held to its own rules."""
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
UI = ROOT / "ui"
DIST = UI / "dist"
MOST = 80 * 1024  # bytes of the page, compressed


def why_not():
    """Why the page cannot be built here, or None."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            return f"{program} is not installed"
    version = subprocess.run(["node", "-p", "process.versions.node"], capture_output=True, text=True).stdout.strip()
    if int(version.split(".")[0] or 0) < 20:
        return f"Node {version} is older than 20"
    return None


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


class Committed(unittest.TestCase):
    def test_each_file_has_what_its_gz_holds(self):
        plain = [p for p in DIST.rglob("*") if p.is_file() and p.suffix != ".gz" and p.name != "licenses.txt"]
        self.assertGreater(len(plain), 4)
        for path in plain:
            self.assertEqual(gzip.decompress(path.with_name(path.name + ".gz").read_bytes()), path.read_bytes(), path.name)

    def test_the_whole_page_is_at_most_80_kb_compressed(self):
        self.assertLessEqual(sum(p.stat().st_size for p in DIST.rglob("*.gz")), MOST)

    def test_the_page_names_only_files_that_are_there(self):
        named = re.findall(r'(?:href|src)="/([^"]+)"', (DIST / "index.html").read_text())
        self.assertGreaterEqual(len(named), 3)
        for path in (p for p in DIST.rglob("assets/*.js")):
            named += [f"assets/{name}" for name in re.findall(r'"(?:\./|/assets/)([\w.-]+\.(?:js|css))"', path.read_text())]
        for name in named:
            self.assertTrue((DIST / name).is_file(), name)

    def test_its_content_policy_can_be_strict(self):
        html = (DIST / "index.html").read_text()
        self.assertNotRegex(html, r"(?i)<style|style=|\son\w+=|<script(?![^>]*\ssrc=)")
        for path in DIST.rglob("assets/*.js"):
            self.assertNotRegex(path.read_text(), r"\beval\(|new Function\(", path.name)
        for path in (UI / "src").rglob("*.ts*"):
            self.assertNotRegex(path.read_text(), r"innerHTML|insertAdjacentHTML|document\.write", path.name)

    def test_no_file_names_another_host(self):
        harmless = {"http://www.w3.org"}  # names of namespaces, never asked
        for path in DIST.rglob("*"):
            if path.suffix in (".js", ".css", ".html", ".svg"):
                self.assertLessEqual(set(re.findall(r"https?://[\w.-]+", path.read_text())), harmless, path.name)

    def test_the_operators_image_has_it_where_the_operator_looks(self):
        installed = re.search(r'ui/dist/" DESTINATION (\S+) COMPONENT', (ROOT / "operator/main/CMakeLists.txt").read_text())
        copied = re.search(r"/out/penstock-operator/ (\S+)", (ROOT / "images/operator/Containerfile").read_text())
        looks = re.search(r'page_dir = "([^"]+)"', (ROOT / "operator/main/options.h").read_text())
        self.assertEqual(copied[1] + installed[1], looks[1])

    def test_the_licence_of_each_bundled_package_is_there(self):
        text = (DIST / "licenses.txt").read_text()
        for name in json.loads((UI / "package.json").read_text())["dependencies"]:
            self.assertRegex(text, rf"(?m)^{re.escape(name)} \d[\w.]* \(")
        self.assertGreaterEqual(text.count("Permission is hereby granted"), 4)

    def test_the_lock_file_names_no_registry_and_every_digest(self):
        lock = json.loads((UI / "package-lock.json").read_text())
        for name, package in lock["packages"].items():
            self.assertNotIn("resolved", package, name)
            if name:
                self.assertRegex(package["integrity"], r"^sha512-", name)


@unittest.skipIf(why_not(), why_not())
class Built(unittest.TestCase):
    def test_the_sources_build_the_committed_page(self):
        scratch = tempfile.TemporaryDirectory(prefix="penstock-page-")
        self.addCleanup(scratch.cleanup)
        copy = pathlib.Path(scratch.name, "ui")
        shutil.copytree(UI, copy, ignore=shutil.ignore_patterns("node_modules", "dist", ".test"))
        install = subprocess.run(["npm", "ci"], cwd=copy, capture_output=True, text=True, env={**os.environ, "CI": "1"})
        if re.search(r"ENOTFOUND|ETIMEDOUT|ECONNREFUSED|EAI_AGAIN|ENETUNREACH|ENOTCACHED", install.stderr):
            self.skipTest("no registry of npm packages is reached from here")
        self.assertEqual(install.returncode, 0, install.stderr)
        done = subprocess.run(["npm", "run", "--silent", "build"], cwd=copy, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        built, committed = files(copy / "dist"), files(DIST)
        self.assertEqual(sorted(built), sorted(committed), "run `npm run build` in ui/ and commit ui/dist")
        for name, bytes_ in built.items():
            self.assertEqual(bytes_, committed[name], name)


if __name__ == "__main__":
    unittest.main()
