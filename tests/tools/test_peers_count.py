"""What tests/bench/peers_count.py finds in manifests of the peers' kinds; the examples themselves are not here."""
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/bench"))
import peers_count  # noqa: E402

WORKFLOW = """
kind: Workflow
metadata: {generateName: boats-}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: list, template: list}
    - - {name: paint, template: paint, withParam: "{{steps.list.outputs.result}}"}
    - - {name: count, template: count, arguments: {parameters: [{name: n, value: "{{steps.paint.outputs.result}}"}]}}
  - {name: list, container: {image: busybox, command: [ls]}}
  - {name: paint, container: {image: busybox, command: [true]}}
  - {name: count, container: {image: wc}}
"""
TASK = """
kind: TaskRun
spec:
  taskSpec:
    steps:
    - {image: busybox, script: "echo one"}
    - {image: busybox, script: "echo two", onError: continue}
"""
COMPILED = """
components:
  comp-for-loop-1:
    dag: {tasks: {print: {componentRef: {name: comp-print}}}}
  comp-print: {executorLabel: exec-print}
deploymentSpec: {executors: {exec-print: {container: {image: python, command: [python3]}}}}
root:
  dag:
    tasks:
      for-loop-1:
        componentRef: {name: comp-for-loop-1}
        iteratorPolicy: {parallelismLimit: 2}
        parameterIterator: {itemInput: x, items: {raw: '[1, 2]'}}
"""
PROGRAM = '''
from flytekit import task, conditional
# map_task(paint) is said of, not done
@task(cache=True, cache_version="1")
def paint(n: int) -> int: return n
'''


class PeersCount(unittest.TestCase):
    def needs(self, peer, path, text):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, path)
            file.parent.mkdir(parents=True)
            file.write_text(text)
            (_, example), = peers_count.PEERS[peer].examples(pathlib.Path(folder))
            return peers_count.PEERS[peer].features(example)

    def test_a_loop_over_a_result_and_its_collected_outputs_are_found_in_a_workflow(self):
        found = self.needs("argo", "examples/boats.yaml", WORKFLOW)
        self.assertLess({"loop over a run-time list", "collect outputs of a loop", "result = stdout", "image without command"}, found)
        self.assertFalse({"loop over a literal list", "nested pipelines (flatten)", "recursion", "exit handler/finally"} & found)

    def test_a_template_that_comes_back_to_itself_is_recursion(self):
        text = WORKFLOW.replace("template: count,", "template: main,")
        self.assertIn("recursion", self.needs("argo", "examples/boats.yaml", text))

    def test_two_steps_of_a_task_are_containers_in_turn(self):
        found = self.needs("tekton", "examples/v1/taskruns/two.yaml", TASK)
        self.assertEqual(found, {"container", "script", "several containers in turn in one pod", "continue on step error (text)"})

    def test_the_body_of_a_loop_is_no_nested_pipeline(self):
        found = self.needs("kfp", "test_data/sdk_compiled_pipelines/valid/loop.yaml", COMPILED)
        self.assertEqual(found, {"container", "loop over a literal list", "loop parallelism limit"})

    def test_what_a_comment_of_a_program_says_is_not_counted(self):
        found = self.needs("flyte", "examples/paint.py", PROGRAM)
        self.assertEqual(found, {"container", "cache/memoize"})

    def test_an_example_is_written_directly_when_each_feature_of_it_has_a_field(self):
        states = {"a": "yes", "b": "new", "c": "rewrite", "d": "no"}
        examples = {p: [] for p in peers_count.PEERS}
        examples["argo"] = [("1", {"a"}), ("2", {"a", "b"}), ("3", {"b", "c"}), ("4", {"c", "d"})]
        examples["kfp"] = [("5", {"b"})]
        for p in ("tekton", "flyte"):
            examples[p] = [("6", set())]
        rows = dict((r[0], r[1:]) for r in peers_count.shares(examples, states))
        self.assertEqual(rows["argo"], (4, 1, 2, 3))
        self.assertEqual(rows["all"], (7, 3, 5, 6))
        self.assertEqual(peers_count.missing(examples, states), [("c", 1)])

    def test_writing_figures_changes_them_and_nothing_else_of_the_page(self):
        text = ("| peer | examples | x |\n| --- | --- | --- |\n| argo | 9 | 1 (2 %) |\n\nabout\n\n"
                "- **a loop** 1 2 3 4 **new**: `forEach`;\n  more\n")
        changed = peers_count.written(text, {"a loop": [5, 6, 7, 8]}, "| peer | examples | y |")
        self.assertEqual(changed, "| peer | examples | y |\n\nabout\n\n- **a loop** 5 6 7 8 **new**: `forEach`;\n  more\n")


if __name__ == "__main__":
    unittest.main()
