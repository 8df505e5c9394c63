"""tools/check-layers on copies of the tree with a breach planted in each."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECK = ROOT / "tools/check-layers"


def check(root):
    return subprocess.run([CHECK, "--root", root], capture_output=True, text=True)


class CheckLayers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="penstock-layers-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.tree = pathlib.Path(cls.scratch.name)
        files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "operator", "components", "docs/architecture.md"], cwd=ROOT,
                               check=True, capture_output=True, text=True).stdout.split()
        for file in files:
            if (ROOT / file).is_file():
                (cls.tree / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / file, cls.tree / file)
        cls.before = set(check(cls.tree).stdout.splitlines())

    def plant(self, file, text):
        """Appends to a file of the copy, or makes it, and puts things right when the test ends."""
        path = self.tree / file
        old = path.read_text() if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((old or "") + text)

        def put_right():
            if old is not None:
                path.write_text(old)
            else:
                path.unlink()
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()
        self.addCleanup(put_right)
        return (old or "").count("\n") + 1

    def named(self):
        """What is found beyond what the tree itself has."""
        done = check(self.tree)
        self.assertEqual(done.returncode, 1)
        return sorted(set(done.stdout.splitlines()) - self.before)

    def test_the_tree_keeps_to_the_tables(self):
        self.assertEqual(self.before, set())

    def test_an_include_of_a_folder_that_the_row_does_not_name(self):
        line = self.plant("operator/plan/resolve/resolve.cc", '#include "operator/kube/client.h"\n')
        self.assertEqual(self.named(), [f'operator/plan/resolve/resolve.cc:{line}: includes "operator/kube/client.h": '
                                        "operator/plan/resolve may not include operator/kube"])

    def test_an_include_across_what_rows_name_in_turn_is_allowed(self):
        self.plant("operator/controllers/engine.cc", '#include "operator/base/error.h"\n#include "operator/api/meta.h"\n')
        self.assertEqual(set(check(self.tree).stdout.splitlines()), self.before)

    def test_a_header_of_a_folder_of_which_the_row_names_others(self):
        line = self.plant("operator/plan/pipeline/pipeline_plan.h", '#include "operator/plan/step/world.h"\n#include "operator/plan/run/run_plan.h"\n')
        self.assertIn(f'operator/plan/pipeline/pipeline_plan.h:{line + 1}: includes "operator/plan/run/run_plan.h": '
                      "operator/plan/pipeline may not include operator/plan/run", check(self.tree).stdout)

    def test_an_include_that_is_indented_or_spaced(self):
        line = self.plant("operator/base/error.cc", ' #  include "operator/kube/client.h"\n')
        self.assertIn(f"operator/base/error.cc:{line}: ", self.named()[0])

    def test_a_test_may_include_any_folder_and_is_included_by_tests_only(self):
        self.plant("operator/base/json_test.cc", '#include "operator/local/memory_cluster.h"\n')
        self.assertEqual(set(check(self.tree).stdout.splitlines()), self.before)
        line = self.plant("operator/base/json.cc", '#include "operator/base/testing/fake.h"\n')
        self.assertEqual(self.named(), [f'operator/base/json.cc:{line}: includes "operator/base/testing/fake.h": only tests include tests'])

    def test_a_link_of_a_folder_that_the_row_does_not_name(self):
        line = self.plant("operator/metadata/CMakeLists.txt", "penstock_library(planted SRCS planted.cc DEPS penstock::base\n  penstock::kube)\n")
        self.assertEqual(self.named(), [f"operator/metadata/CMakeLists.txt:{line + 1}: planted links kube: "
                                        "operator/metadata may not include operator/kube"])

    def test_a_link_that_is_added_later(self):
        self.plant("operator/metadata/CMakeLists.txt", "target_link_libraries(penstock_metadata PRIVATE penstock_kube)\n")
        self.assertRegex(self.named()[0], r"metadata/CMakeLists.txt:\d+: metadata links kube")

    def test_a_link_of_a_library_of_tests(self):
        self.plant("operator/metadata/CMakeLists.txt", "penstock_library(planted_fake SRCS testing/fake.cc)\n"
                                                       "penstock_library(planted SRCS planted.cc DEPS penstock::planted_fake)\n")
        self.assertRegex(self.named()[0], "planted links planted_fake: only tests link tests")

    def test_a_library_of_two_folders(self):
        self.plant("operator/CMakeLists.txt", "penstock_library(planted SRCS base/a.cc api/b.cc)\n")
        self.assertRegex(self.named()[0], "planted is made of operator/api, operator/base: one folder a library")

    def test_a_unit_test_that_compiles_a_file_of_tests(self):
        self.plant("operator/base/CMakeLists.txt", "penstock_test(planted_test SRCS a_test.cc ${PROJECT_SOURCE_DIR}/tests/e2e/x.cc)\n")
        self.assertRegex(self.named()[0], "planted_test compiles tests/e2e/x.cc: a unit test")

    def test_a_folder_that_the_table_does_not_know(self):
        self.plant("operator/planted/a.cc", "\n")
        self.assertEqual(self.named(), ["operator/planted: has no README.md: what lives here, what it may include, where to start",
                                        "operator/planted: has sources and no row in docs/architecture.md"])

    def test_a_row_without_a_folder(self):
        page = self.tree / "docs/architecture.md"
        old = page.read_text()
        self.addCleanup(page.write_text, old)
        page.write_text(old.replace("| operator/metadata |", "| operator/planted | planted | base |\n| operator/metadata |", 1))
        self.assertEqual(self.named(), ["docs/architecture.md: has a row for operator/planted, which is not there"])

    def test_a_folder_of_more_than_40_files(self):
        for n in range(41):
            self.plant(f"operator/metadata/planted_{n}.h", "\n")
        self.assertRegex(self.named()[0], r"operator/metadata: \d+ files; a folder of sources has at most 40")

    def test_a_readme_that_is_missing_or_long(self):
        self.plant("operator/metadata/README.md", "more\n" * 20)
        self.assertRegex(self.named()[0], r"operator/metadata/README.md: \d+ lines; at most 20")
        (self.tree / "operator/metadata/README.md").unlink()
        self.assertIn("operator/metadata: has no README.md: what lives here, what it may include, where to start", self.named())

    def test_a_library_outside_its_rooms(self):
        line = self.plant("operator/kube/selector.cc", "#include <boost/asio.hpp>\n#include <torch/torch.h>\n#include <soci.h>\n#include <arrow/api.h>\n")
        found = self.named()
        self.assertEqual([f.split(":")[1] for f in found], [str(line), str(line + 1), str(line + 2), str(line + 3)])
        self.assertIn("Boost.Asio, Beast is only for components/serve/http, operator/net", found[0])

    def test_a_circle_of_the_table(self):
        page = self.tree / "docs/architecture.md"
        old = page.read_text()
        self.addCleanup(page.write_text, old)
        start = old.index("| operator/base |")
        row = old[start:old.index("\n", start)]
        page.write_text(old.replace(row, row.rstrip("| ") + " | kube |", 1))
        self.assertIn("the table has a circle", check(self.tree).stderr)


if __name__ == "__main__":
    unittest.main()
