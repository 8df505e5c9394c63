"""An image has the libraries that its programs ask the loader for: of its Containerfile's packages, or of images/collect."""
import functools
import os
import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
# In every Debian, and so in the image that ours begin with.
BASE = {"apt", "dpkg", "libc6", "libgcc-s1", "libstdc++6"}


def is_debian_12():
    release = pathlib.Path("/etc/os-release")
    return release.exists() and 'VERSION_ID="12"' in release.read_text() and shutil.which("dpkg-query") is not None


def run(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout


def containerfiles():
    return sorted((ROOT / "images").glob("*/Containerfile"))


def programs_of(text):
    """In the order in which they are copied, each once."""
    return list(dict.fromkeys(name for name in re.findall(r"/out/([\w-]+)/", text) if name != "libs"))


def packages_of(text):
    last = text.rsplit("\nFROM ", 1)[-1]  # what an earlier one installs is not in the image
    found = re.search(r"apt-get install [^>&]*?--no-install-recommends\s*\\?\s*([^>&]*)", last)
    return set(found.group(1).replace("\\", " ").split()) if found else set()


def needed_by(program):
    return re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-d", str(program)))


@functools.lru_cache(None)
def package_of(library):
    owners = {line.split(":")[0] for line in run("dpkg", "-S", f"*/{library}").splitlines()}
    return frozenset(owners)


@functools.lru_cache(None)
def depends_of(package):
    text = run("dpkg-query", "-W", "-f", "${Depends}, ${Pre-Depends}", package)
    return frozenset(re.split(r"[ (:]", word.strip())[0] for word in re.split(r"[,|]", text) if word.strip())


def with_depends(packages):
    found, new = set(), set(packages)
    while new:
        found |= new
        new = {d for p in new for d in depends_of(p)} - found
    return found


@unittest.skipUnless(is_debian_12(), "the names of packages are those of the images' own Debian 12")
class Images(unittest.TestCase):
    def test_no_program_lacks_a_library_in_its_image(self):
        seen = 0
        for file in containerfiles():
            text = file.read_text()
            there = with_depends(packages_of(text) | BASE)
            collected = (ROOT / "images/collect").read_text() if "/out/libs/" in text else ""
            for name in programs_of(text):
                program = BUILD / "bin" / name
                if not program.exists():
                    continue
                seen += 1
                for library in needed_by(program):
                    if library.startswith("ld-linux") or re.search(rf"\b{re.escape(library.split('.so')[0])}\b", collected):
                        continue
                    with self.subTest(image=file.parent.name, program=name, library=library):
                        self.assertTrue(package_of(library) & there, f"none of {sorted(package_of(library))} is installed by {file}")
        if seen == 0:
            self.skipTest(f"no program is built in {BUILD}")

    def test_a_library_that_no_package_of_the_image_brings_is_found(self):
        there = with_depends({"libssl3"} | BASE)
        self.assertIn("libc6", there)
        self.assertTrue(package_of("libc.so.6") & there)
        self.assertFalse({"libre2-9"} & there)

    def test_programs_and_packages_are_read_as_they_stand(self):
        text = (ROOT / "images/git/Containerfile").read_text()
        self.assertEqual(programs_of(text), ["penstock-launcher", "penstock-git", "penstock-http", "penstock-kubernetes"])
        self.assertLessEqual({"git", "libssl3"}, packages_of(text))
        for file in containerfiles():
            if "FROM ${BUILDER}" in file.read_text():
                self.assertTrue(programs_of(file.read_text()), file)


if __name__ == "__main__":
    unittest.main()
