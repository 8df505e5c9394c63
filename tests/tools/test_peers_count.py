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


SERVICE = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: boats, annotations: {autoscaling.knative.dev/target: "5"}}
spec:
  predictor:
    minReplicas: 0
    maxReplicas: 4
    canaryTrafficPercent: 10
    serviceAccountName: boats
    model: {modelFormat: {name: sklearn}, storageUri: "gs://boats/model", args: [--workers=2]}
  transformer: {containers: [{name: paint, image: paint}]}
"""
PREFILL = """
kind: LLMInferenceService
spec:
  model: {uri: "hf://team/boats"}
  replicas: 2
  template: {containers: [{name: main, resources: {limits: {cpu: "1"}}}]}
  prefill: {replicas: 1}
"""
ROLLOUT = """
kind: Rollout
spec:
  replicas: 3
  template:
    metadata: {labels: {app: boats}}
    spec: {containers: [{name: boats, image: "boats:1", ports: [{containerPort: 80}]}]}
  strategy:
    canary:
      trafficRouting: {nginx: {stableIngress: boats}}
      steps: [{setWeight: 20}, {pause: {duration: 1m}}, {pause: {}}, {analysis: {templates: [{templateName: fine}]}}]
---
kind: AnalysisTemplate
spec: {metrics: [{name: fine, provider: {job: {spec: {}}}}]}
"""
ALL_PEERS = peers_count.PEERS | peers_count.SERVING


class PeersCount(unittest.TestCase):
    def needs(self, peer, path, text):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, path)
            file.parent.mkdir(parents=True)
            file.write_text(text)
            (_, example), = ALL_PEERS[peer].examples(pathlib.Path(folder))
            return ALL_PEERS[peer].features(example)

    def test_a_served_model_needs_its_bucket_its_format_and_its_bounds(self):
        found = self.needs("kserve", "docs/samples/boats.yaml", SERVICE)
        self.assertEqual(found, {
            "model in a bucket (s3, gs, Azure, WebHDFS)", "scikit-learn, XGBoost, LightGBM, PMML or Paddle", "a server's args and env",
            "a server's service account", "transformer", "autoscaling", "autoscaling to none", "autoscaling by requests under way",
            "canary by weight"})

    def test_a_server_without_a_model_to_fetch_is_its_image(self):
        text = SERVICE.replace('model: {modelFormat: {name: sklearn}, storageUri: "gs://boats/model", args: [--workers=2]}',
                               "containers: [{name: boats, image: boats}]")
        found = self.needs("kserve", "docs/samples/boats.yaml", text)
        self.assertLess({"no model to fetch: it is in the image, or the server gets it", "a server's container of one's own"}, found)
        self.assertFalse({"model in a bucket (s3, gs, Azure, WebHDFS)", "scikit-learn, XGBoost, LightGBM, PMML or Paddle"} & found)

    def test_prefill_apart_makes_a_graph_of_a_language_model_and_one_server_does_not(self):
        found = self.needs("kserve", "docs/samples/boats.yaml", PREFILL)
        self.assertEqual(found, {peers_count.LLM_GRAPH, "model of Hugging Face (hf://)", "replicas", "resources",
                                 "a server's container of one's own"})
        alone = self.needs("kserve", "docs/samples/boats.yaml", PREFILL.replace("  prefill: {replicas: 1}\n", "  router: {route: {}}\n"))
        self.assertEqual(alone ^ found, {peers_count.LLM_GRAPH, "language model alone (Hugging Face, vLLM)"})
        scheduled = PREFILL.replace("  prefill: {replicas: 1}\n", "  router: {scheduler: {}}\n")
        self.assertEqual(self.needs("kserve", "docs/samples/boats.yaml", scheduled), found)

    def test_a_rollout_needs_its_steps_who_splits_and_who_measures(self):
        found = self.needs("argo-rollouts", "examples/boats.yaml", ROLLOUT)
        self.assertEqual(found, {
            "an image is the version", "replicas", "canary by weight", "a step that holds for a time", "a step that waits for people",
            "weights kept by an ingress or Gateway", "judged in a step", "measured by a Job"})
        by_mesh = self.needs("argo-rollouts", "docs/boats.yaml", ROLLOUT.replace("nginx: {stableIngress: boats}", "istio: {virtualService: {name: b}}"))
        self.assertEqual(by_mesh ^ found, {"weights kept by an ingress or Gateway", "weights kept by a mesh"})

    def test_a_template_that_is_no_yaml_is_no_example(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "examples/rollout.yaml")
            file.parent.mkdir()
            file.write_text("kind: Rollout\nmetadata:\n  name: {{ .Values.name }}: x\n")
            self.assertEqual(list(ALL_PEERS["argo-rollouts"].examples(pathlib.Path(folder))), [])

    def test_graphs_of_language_models_are_counted_and_left_out_in_a_line_of_their_own(self):
        states = {"a": "new", peers_count.LLM_GRAPH: "no"}
        examples = {"kserve": [("1", {"a"}), ("2", {"a", peers_count.LLM_GRAPH})], "argo-rollouts": [("3", {"a"})]}
        rows = {r[0]: r[1:] for r in peers_count.shares(examples, states)}
        self.assertEqual(rows["all"], (3, 0, 2, 2))
        self.assertEqual(rows["without LLM graphs"], (2, 0, 2, 2))
        self.assertIn("| server | examples |", peers_count.share_table(peers_count.shares(examples, states), peers_count.SERVING))

    def test_figures_of_serving_are_written_into_its_own_lines(self):
        text = "| server | examples | x |\n| --- | --- | --- |\n\n- **a loop** 1 2 3 4 **new**: f\n- **a canary** 1 2 **new**: g\n"
        changed = peers_count.written(text, {"a canary": [5, 6]}, "| server | examples | y |", peers_count.SERVING)
        self.assertEqual(changed, "| server | examples | y |\n\n- **a loop** 1 2 3 4 **new**: f\n- **a canary** 5 6 **new**: g\n")

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
