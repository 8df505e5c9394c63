"""No program runs on half of one library and half of another: pyarrow's libarrow_compute.so exports an RE2, its libparquet.so a
libcrypto (findings/pyarrow-exports-re2.sh). Our RE2 is linked in; OpenSSL's libraries are named before Arrow's."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
COMPONENTS = BUILD / "bin/penstock-components"


def programs():
    """Those of bin/ that are ELF files; links to others are left out."""
    found = []
    for path in sorted((BUILD / "bin").glob("*")):
        if path.is_file() and not path.is_symlink() and path.read_bytes()[:4] == b"\x7fELF":
            found.append(path)
    return found


def symbols_of_re2(program, *options):
    """Lines of nm whose symbol is a function or a variable of RE2 itself."""
    said = subprocess.run(["nm", "-C", *options, program], capture_output=True, text=True, timeout=120).stdout
    return [line for line in said.splitlines() if re.match(r"[0-9a-f ]* [A-Za-z] (\w+ )?re2::", line)]


def component(name, folder, inputs, outputs, *parameters):
    given = [("--input", f"{key}={folder / file}") for key, file in inputs.items()]
    given += [("--output", f"{key}={folder / key}") for key in outputs] + [("--parameter", text) for text in parameters]
    words = [word for pair in given for word in pair]
    return subprocess.run([COMPONENTS, name, *words], capture_output=True, text=True, timeout=60)


@unittest.skipUnless(programs(), f"no program is built in {BUILD}")
class MixedLibraries(unittest.TestCase):
    def test_no_program_takes_re2_from_elsewhere(self):
        for program in programs():
            with self.subTest(program.name):
                self.assertEqual([line for line in symbols_of_re2(program) if " U " in line], [])

    def test_no_program_gives_its_re2_to_the_libraries_that_it_opens(self):
        for program in programs():
            with self.subTest(program.name):
                self.assertEqual(symbols_of_re2(program, "-D", "--defined-only"), [])

    def test_openssl_is_looked_up_before_arrow(self):
        """The loader takes a name from the first library that has it, also for the calls of libssl."""
        for program in programs():
            said = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, timeout=60).stdout
            needed = [name.split(".so")[0] for name in re.findall(r"\(NEEDED\).*\[(.+)\]", said)]
            if "libparquet" in needed and "libcrypto" in needed:
                with self.subTest(program.name):
                    self.assertLess(needed.index("libcrypto"), needed.index("libparquet"))

    @unittest.skipUnless(COMPONENTS.exists(), "the components are not built")
    def test_a_rule_with_a_bad_pattern_is_told_by_the_pattern(self):
        """It was "out of memory": one RE2 read the error that the other had written."""
        self.assertTrue(symbols_of_re2(COMPONENTS), "else the tests above look at nothing")
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "data.csv").write_text("a\nx\n")
            read = component("ingest", folder, {"source": "data.csv"}, ["dataset", "schema", "report"])
            self.assertEqual(read.returncode, 0, read.stdout + read.stderr)
            rule = 'rules=[{"check": "matches", "column": "a", "pattern": "["}]'
            done = component("validate", folder, {"dataset": "dataset"}, ["anomalies", "quarantine"], rule)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("'[' is no regular expression of RE2: missing ]", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
