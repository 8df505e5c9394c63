"""What the SDK's tests share. PENSTOCK_BIN, or build/release/bin of this tree, has the programs."""
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[3]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release")).resolve()
sys.path[:0] = [str(p) for p in (HERE.parent, HERE) if str(p) not in sys.path]
if "PENSTOCK_BIN" not in os.environ and (BUILD / "bin/penstock").exists():
    os.environ["PENSTOCK_BIN"] = str(BUILD / "bin")
BUILT = bool(os.environ.get("PENSTOCK_BIN") or shutil.which("penstock"))
needs_penstock = unittest.skipUnless(BUILT, "penstock is not built")


def serves_models():
    """Is the model server there too?"""
    folder = os.environ.get("PENSTOCK_BIN", "")
    return bool(folder and pathlib.Path(folder, "penstock-serve").exists()) or bool(shutil.which("penstock-serve"))


class InFolder(unittest.TestCase):
    """Each test in a folder of its own."""

    maxDiff = None

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="penstock-sdk-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name).resolve()
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.folder)
        for name in ("KUBECONFIG", "PENSTOCK_URL", "PENSTOCK_METRICS"):
            if name in os.environ:
                self.addCleanup(os.environ.__setitem__, name, os.environ.pop(name))

    def module(self, text, name="mine"):
        """A user's module of this text, imported."""
        import importlib
        (self.folder / f"{name}.py").write_text(text)
        sys.modules.pop(name, None)
        sys.path.insert(0, str(self.folder))
        self.addCleanup(sys.path.remove, str(self.folder))
        self.addCleanup(sys.modules.pop, name, None)
        importlib.invalidate_caches()
        return importlib.import_module(name)
