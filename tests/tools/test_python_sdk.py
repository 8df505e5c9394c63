"""The Python SDK's own tests (components/sdk/python/tests), and that what is generated for it is current."""
import importlib.util
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS = ROOT / "components/sdk/python/tests"


class Generated(unittest.TestCase):
    def test_schemas_and_library_are_current(self):
        done = subprocess.run([ROOT / "tools/generate-sdk", "--check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)


def load_tests(loader, standard, pattern):
    """The tests of each module there, one by one, so that each is counted and told."""
    sys.path.insert(0, str(TESTS))
    suite = loader.suiteClass([standard])
    for path in sorted(TESTS.glob("test_*.py")):
        name = f"penstock_sdk_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        suite.addTest(loader.loadTestsFromModule(module))
    return suite


if __name__ == "__main__":
    unittest.main()
