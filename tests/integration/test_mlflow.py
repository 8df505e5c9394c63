"""MLflow's own client against the operator: python3 -m unittest tests.integration.test_mlflow

Needs build/release/bin/penstock-operator (PENSTOCK_BUILD names another build) and the client, mlflow-skinny, in
~/.cache/penstock/mlflow-venv (PENSTOCK_MLFLOW_PYTHON names another interpreter):

    python3 -m venv ~/.cache/penstock/mlflow-venv && ~/.cache/penstock/mlflow-venv/bin/pip install mlflow-skinny==3.17.2 pandas==2.3.3

pandas is what mlflow.pyfunc needs to log and load a model; without it the tests of models are skipped.
"""
import http.server
import json
import os
import pathlib
import re
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PENSTOCK_BUILD", ROOT / "build/release"))
PYTHON = pathlib.Path(os.environ.get("PENSTOCK_MLFLOW_PYTHON", pathlib.Path.home() / ".cache/penstock/mlflow-venv/bin/python"))

PROGRAM = """
import json, math, mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

mlflow.set_experiment("churn")
for depth, auc in ((3, 0.5), (5, 0.75)):
    with mlflow.start_run(run_name=f"depth-{depth}") as run:
        mlflow.log_param("depth", depth)
        mlflow.log_params({"lr": 0.1, "model": "boosting"})
        mlflow.set_tag("stage", "trial")
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"auc": auc, "broken": math.nan})
with mlflow.start_run(run_name="child-of-none"):
    pass
try:
    with mlflow.start_run(run_name="fails"):
        raise RuntimeError("it broke")
except RuntimeError:
    pass
client = MlflowClient()
experiment = client.get_experiment_by_name("churn")
found = client.search_runs([experiment.experiment_id], "metrics.auc > 0.1 and params.model = 'boosting'", order_by=["metrics.auc DESC"])
best = found[0]
said = {
    "names": [r.info.run_name for r in found],
    "status": sorted((r.info.run_name, r.info.status) for r in client.search_runs([experiment.experiment_id])),
    "params": best.data.params, "stage": best.data.tags["stage"], "auc": best.data.metrics["auc"],
    "nan": math.isnan(best.data.metrics["broken"]), "user": best.info.user_id,
    "loss": [(m.step, m.value) for m in client.get_metric_history(best.info.run_id, "loss")],
    "experiments": sorted(e.name for e in client.search_experiments()),
}
try:
    client.log_param(best.info.run_id, "depth", 7)
except MlflowException as e:
    said["twice"] = [e.error_code, e.message]
client.set_tag(best.info.run_id, "stage", "chosen")
client.delete_run(found[1].info.run_id)
said["left"] = sorted(r.info.run_name for r in client.search_runs([experiment.experiment_id]))
with mlflow.start_run(experiment_id="0"):
    mlflow.log_metric("m", 1)
said["default"] = client.get_experiment("0").name
print(json.dumps(said))
"""

ARTIFACTS = """
import hashlib, json, os, pathlib, mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

folder = pathlib.Path("logged")
(folder / "deep" / "er").mkdir(parents=True)
(folder / "empty").write_bytes(b"")
(folder / "deep" / "a b+\u00fc.txt").write_text("text", encoding="utf-8")
(folder / "deep" / "er" / "large.bin").write_bytes(os.urandom(1 << 20) * 24)
client = MlflowClient()
mlflow.set_experiment("files")
with mlflow.start_run() as run:
    mlflow.log_artifact(folder / "empty")
    mlflow.log_artifacts(str(folder), "model")
    mlflow.log_text("first", "notes/a.txt")
    mlflow.log_text("second", "notes/a.txt")
    mlflow.log_dict({"a": 1}, "notes/d.json")
run_id = run.info.run_id
tree, left = [], [None]
while left:
    for f in client.list_artifacts(run_id, left.pop()):
        tree.append([f.path, f.is_dir, f.file_size])
        if f.is_dir:
            left.append(f.path)
fetched = pathlib.Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="model", dst_path="fetched"))
digests = lambda root: {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.rglob("*")) if p.is_file()}
said = {"uri": run.info.artifact_uri, "tree": sorted(tree), "same": digests(fetched) == digests(folder), "files": len(digests(fetched)),
        "text": mlflow.artifacts.load_text(run.info.artifact_uri + "/notes/a.txt"), "run": run_id, "experiment": run.info.experiment_id}
for what, call in (("none", lambda: client.download_artifacts(run_id, "none.txt", ".")),
                   ("folder", lambda: client.log_text(run_id, "x", "model"))):
    try:
        call()
        said[what] = "done"
    except Exception as e:
        said[what] = str(e)
print(json.dumps(said))
"""


MODELS = """
import concurrent.futures, json, mlflow, pandas
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

class Plus(mlflow.pyfunc.PythonModel):
    def __init__(self, more):
        self.more = more

    def predict(self, context, model_input, params=None):
        return [x + self.more for x in model_input["x"]]

frame = pandas.DataFrame({"x": [1, 2]})
answers = lambda uri: list(mlflow.pyfunc.load_model(uri).predict(frame))
client = MlflowClient()
mlflow.set_experiment("models")
infos = []
for more in (1, 10):
    with mlflow.start_run() as run:
        mlflow.log_param("more", more)
        mlflow.log_metric("auc", more / 20)
        infos.append(mlflow.pyfunc.log_model(name="plus", python_model=Plus(more), registered_model_name="adder", pip_requirements=["pandas"],
                                             params={f"p{i}": i for i in range(150)}))
        mlflow.log_metric("late", 1, model_id=infos[-1].model_id)
first, second = (info.model_id for info in infos)
run_id = run.info.run_id
said = {"versions": [int(info.registered_model_version) for info in infos]}
said["answers"] = [answers(uri) for uri in (
    f"models:/{first}", f"models:/{second}", "models:/adder/1", "models:/adder/2", "models:/adder/latest", f"runs:/{run_id}/plus")]
client.set_registered_model_alias("adder", "champion", "1")
said["champion"] = [answers("models:/adder@champion")]
client.set_registered_model_alias("adder", "champion", "2")
said["champion"].append(answers("models:/adder@champion"))

logged = mlflow.get_logged_model(second)
said["logged"] = {"name": logged.name, "status": str(logged.status), "run": logged.source_run_id == run_id, "params": len(logged.params),
                  "more": logged.params["more"], "metrics": {m.key: m.value for m in logged.metrics},
                  "registered": json.loads(logged.tags["mlflow.modelVersions"])}
experiment = client.get_experiment_by_name("models").experiment_id
said["best"] = [m.model_id == second for m in client.search_logged_models(
    [experiment], order_by=[{"field_name": "metrics.auc", "ascending": False}], max_results=1)]
said["by filter"] = [m.model_id == first for m in client.search_logged_models([experiment], filter_string="params.more = '1'")]
said["outputs"] = [o.model_id == second for o in client.get_run(run_id).outputs.model_outputs]
said["files"] = sorted(f.path for f in client.list_artifacts(run_id, "plus"))

again = mlflow.register_model(f"runs:/{run_id}/plus", "adder", tags={"why": "again"})
said["again"] = [again.version, again.run_id == run_id, again.tags]
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    made = list(pool.map(lambda _: int(client.create_model_version("adder", f"models:/{first}", model_id=first).version), range(8)))
said["at once"] = sorted(made)
client.update_registered_model("adder", "adds")
client.set_registered_model_tag("adder", "team", "x")
client.set_model_version_tag("adder", "1", "checked", "yes")
client.update_model_version("adder", "1", "the first")
one = client.get_model_version("adder", "1")
said["one"] = [one.description, one.tags, one.current_stage, one.status, one.aliases]
model = client.get_registered_model("adder")
said["model"] = [model.description, model.tags, model.aliases, [v.version for v in model.latest_versions]]
said["found"] = [[v.version for v in client.search_model_versions("name = 'adder' and tag.checked = 'yes'")],
                 [v.version for v in client.search_model_versions("name='adder'", order_by=["version_number ASC"], max_results=3)],
                 [m.name for m in client.search_registered_models("name LIKE 'add%'")], [m.name for m in client.search_registered_models()]]
said["uri"] = client.get_model_version_download_uri("adder", "1")
said["place"] = f"mlflow-artifacts:/{experiment}/models/{first}/artifacts"
copied = client.copy_model_version("models:/adder@champion", "copied")
said["copied"] = [copied.version, answers("models:/copied/1")]
client.rename_registered_model("copied", "renamed")
said["renamed"] = answers("models:/renamed/1")
client.delete_model_version("adder", "2")
for what, call in (("stage", lambda: client.transition_model_version_stage("adder", "1", "Production")),
                   ("champion gone", lambda: client.get_model_version_by_alias("adder", "champion")),
                   ("elsewhere", lambda: client.create_model_version("adder", "s3://bucket/model")),
                   ("twice", lambda: client.create_registered_model("adder")),
                   ("load none", lambda: mlflow.pyfunc.load_model("models:/adder@champion"))):
    try:
        call()
        said[what] = "done"
    except MlflowException as e:
        said[what] = [e.error_code, str(e)]
client.delete_registered_model("renamed")
client.delete_registered_model_tag("adder", "team")
client.delete_model_version_tag("adder", "1", "checked")
client.set_logged_model_tags(first, {"a": "b"})
client.delete_logged_model_tag(first, "a")
client.delete_logged_model(first)
said["left"] = [[m.name for m in client.search_registered_models()], [m.model_id == second for m in client.search_logged_models([experiment])],
                answers("models:/adder/1")]
print(json.dumps(said))
"""


class FakeApiServer(http.server.BaseHTTPRequestHandler):
    """Whoever has the token `alice` is Alice and may do anything in `team`, Rita may list there; nothing else is there."""
    protocol_version = "HTTP/1.1"

    def answer(self, body, status=200):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if "watch=" in self.path and "sendInitialEvents" not in self.path:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.server.ended.wait()
            self.close_connection = True
        elif "sendInitialEvents" in self.path:
            self.answer({"kind": "Status", "code": 400, "message": "no streaming lists"}, 400)
        else:
            group = "penstock.dev/v1alpha1" if "penstock.dev" in self.path else "v1"
            self.answer({"kind": "List", "apiVersion": group, "metadata": {"resourceVersion": "1"}, "items": []})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        if "/tokenreviews" in self.path:
            name = body["spec"]["token"]
            good = name in ("alice", "rita")
            return self.answer({"status": {"authenticated": True, "user": {"username": name}} if good else {"authenticated": False}}, 201)
        if "/subjectaccessreviews" in self.path:
            asked = body["spec"]["resourceAttributes"]
            allowed = asked["namespace"] == "team" and (body["spec"]["user"] == "alice" or asked["verb"] == "list")
            return self.answer({"status": {"allowed": allowed}}, 201)
        self.answer(body, 201)

    do_PUT = do_PATCH = do_POST

    def log_message(self, *_):
        pass


class Mlflow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not PYTHON.exists():
            raise unittest.SkipTest(f"MLflow's client is not installed: {PYTHON}")
        if not (BUILD / "bin/penstock-operator").exists():
            raise unittest.SkipTest(f"there is no {BUILD}/bin/penstock-operator")
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        folder = pathlib.Path(cls.folder.name)
        api = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeApiServer)
        api.daemon_threads, api.ended = True, threading.Event()
        threading.Thread(target=api.serve_forever, daemon=True).start()
        cls.addClassCleanup(api.server_close)
        cls.addClassCleanup(api.shutdown)
        cls.addClassCleanup(api.ended.set)
        (folder / "kubeconfig").write_text(json.dumps({
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{api.server_address[1]}"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "namespace": "system"}}], "current-context": "x"}))
        log = folder / "log"
        with log.open("w") as written:
            cls.operator = subprocess.Popen(
                [BUILD / "bin/penstock-operator", "--data-dir", folder / "data", "--kubeconfig", folder / "kubeconfig",
                 "--gateway-address", "127.0.0.1", "--gateway-port", "0", "--metrics-port", "0", "--gateway-url", "https://127.0.0.1:8443",
                 *(word for image in ("launcher", "serve", "components", "git") for word in (f"--{image}-image", f"penstock/{image}:test"))],
                stdout=subprocess.DEVNULL, stderr=written)
        cls.addClassCleanup(cls.operator.wait)
        cls.addClassCleanup(cls.operator.terminate)
        for _ in range(600):
            port = re.search(r"the gateway listens on port (\d+)", log.read_text())
            if port:
                break
            time.sleep(0.05)
        assert port, log.read_text()
        cls.url, cls.log = f"https://127.0.0.1:{port[1]}", log
        authority = (folder / "data/certificates/ca.pem").read_text()
        cls.ca = folder / "ca.pem"
        cls.ca.write_text(authority[authority.index("-----BEGIN CERTIFICATE"):])

    def run_client(self, program, token="alice", namespace="team"):
        env = {"PATH": os.environ["PATH"], "HOME": self.folder.name, "MLFLOW_TRACKING_URI": f"{self.url}/mlflow/{namespace}",
               "MLFLOW_TRACKING_TOKEN": token, "MLFLOW_TRACKING_SERVER_CERT_PATH": str(self.ca), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
               "MLFLOW_ENABLE_ASYNC_LOGGING": "false", "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}
        return subprocess.run([PYTHON, "-c", program], env=env, cwd=self.folder.name, capture_output=True, text=True, timeout=300)

    def ask(self, path):
        request = urllib.request.Request(self.url + path, headers={"Authorization": "Bearer alice"})
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=str(self.ca))) as answer:
            return json.load(answer)

    def test_a_program_logs_finds_and_compares_its_runs_and_they_stand_beside_others(self):
        done = self.run_client(PROGRAM)
        self.assertEqual(done.returncode, 0, done.stderr[-4000:] + self.log.read_text()[-2000:])
        said = json.loads(done.stdout.strip().splitlines()[-1])
        self.assertEqual(said["names"], ["depth-5", "depth-3"])
        self.assertEqual(said["status"], [["child-of-none", "FINISHED"], ["depth-3", "FINISHED"], ["depth-5", "FINISHED"], ["fails", "FAILED"]])
        self.assertEqual(said["params"], {"depth": "5", "lr": "0.1", "model": "boosting"})
        self.assertEqual((said["stage"], said["auc"], said["nan"], said["user"]), ("trial", 0.75, True, "alice"))
        self.assertEqual(said["loss"], [[step, 1 / (step + 1)] for step in range(5)])
        self.assertIn("churn", said["experiments"])
        self.assertEqual(said["twice"][0], "INVALID_PARAMETER_VALUE")
        self.assertIn("has the value '5' already", said["twice"][1])
        self.assertEqual(said["left"], ["child-of-none", "depth-5", "fails"])
        self.assertEqual(said["default"], "Default")
        rows = self.ask("/api/v1/namespaces/team/runs")["items"]
        best = next(row for row in rows if row["name"] == "depth-5")
        self.assertEqual((best["pipeline"], best["phase"], best["cause"], best["user"]), ("churn", "Succeeded", "MLflow", "alice"))
        compared = self.ask("/api/v1/namespaces/team/compare?runs=depth-3&runs=depth-5")
        auc = next(line for line in compared["metrics"] if line["name"] == "auc")
        self.assertEqual((auc["values"], auc["differs"]), ([0.5, 0.75], True))
        depth = next(line for line in compared["parameters"] if line["name"] == "depth")
        self.assertEqual(depth["values"], ["3", "5"])

    def test_files_of_a_run_are_logged_listed_and_downloaded_by_who_may(self):
        done = self.run_client(ARTIFACTS)
        self.assertEqual(done.returncode, 0, done.stderr[-4000:] + self.log.read_text()[-2000:])
        said = json.loads(done.stdout.strip().splitlines()[-1])
        self.assertEqual(said["uri"], f"mlflow-artifacts:/{said['experiment']}/{said['run']}/artifacts")
        self.assertEqual(said["tree"], [
            ["empty", False, 0], ["model", True, None], ["model/deep", True, None], ["model/deep/a b+ü.txt", False, 4],
            ["model/deep/er", True, None], ["model/deep/er/large.bin", False, 24 << 20], ["model/empty", False, 0],
            ["notes", True, None], ["notes/a.txt", False, 6], ["notes/d.json", False, 12]])
        self.assertTrue(said["same"])
        self.assertEqual((said["files"], said["text"]), (3, "second"))
        self.assertIn("Failed to download artifacts from path 'none.txt'", said["none"])
        self.assertIn("model is a folder of the files there", said["folder"])
        path = f"/api/2.0/mlflow-artifacts/artifacts/{said['experiment']}/{said['run']}/artifacts/notes/a.txt"
        listed = f"/api/2.0/mlflow-artifacts/artifacts?path={said['experiment']}/{said['run']}/artifacts"
        for token, namespace, method, where, status in (
                ("alice", "team", "GET", path, 200), ("rita", "team", "GET", path, 200), ("rita", "team", "GET", listed, 200),
                ("rita", "team", "PUT", path, 403), ("mallory", "team", "GET", path, 401), ("mallory", "team", "PUT", path, 401),
                ("mallory", "team", "GET", listed, 401), ("", "team", "GET", path, 401), ("", "team", "PUT", path, 401),
                ("alice", "other", "GET", path, 403), ("alice", "other", "PUT", path, 403), ("alice", "other", "GET", listed, 403),
                ("alice", "team", "DELETE", path, 501), ("rita", "team", "DELETE", path, 403)):
            with self.subTest(token=token, namespace=namespace, method=method, where=where):
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                request = urllib.request.Request(f"{self.url}/mlflow/{namespace}{where}", headers=headers, method=method,
                                                 data=b"x" if method == "PUT" else None)
                try:
                    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=str(self.ca))) as answer:
                        self.assertEqual(answer.status, status)
                except urllib.error.HTTPError as refused:
                    self.assertEqual(refused.code, status)
                    self.assertIn("error_code", json.load(refused))
        self.assertEqual(self.fetch_text("team", path), "second")

    def test_a_model_is_logged_registered_loaded_by_every_name_and_deleted(self):
        if subprocess.run([PYTHON, "-c", "import pandas"], capture_output=True).returncode != 0:
            self.skipTest("pandas is not installed beside MLflow's client")
        done = self.run_client(MODELS)
        self.assertEqual(done.returncode, 0, done.stderr[-4000:] + self.log.read_text()[-2000:])
        said = json.loads(done.stdout.strip().splitlines()[-1])
        self.assertEqual(said["versions"], [1, 2])
        one, ten = [2, 3], [11, 12]
        self.assertEqual(said["answers"], [one, ten, one, ten, ten, ten])
        self.assertEqual(said["champion"], [one, ten])
        self.assertEqual(said["logged"], {"name": "plus", "status": "READY", "run": True, "params": 151, "more": "10",
                                          "metrics": {"auc": 0.5, "late": 1}, "registered": [{"name": "adder", "version": "2"}]})
        self.assertEqual((said["best"], said["by filter"], said["outputs"]), ([True], [True], [True]))
        self.assertIn("plus/MLmodel", said["files"])
        self.assertEqual(said["again"], ["3", True, {"why": "again"}])
        self.assertEqual(said["at once"], list(range(4, 12)))
        self.assertEqual(said["one"], ["the first", {"checked": "yes"}, "None", "READY", []])
        self.assertEqual(said["model"], ["adds", {"team": "x"}, {"champion": "2"}, ["11"]])
        self.assertEqual(said["found"], [["1"], ["1", "2", "3"], ["adder"], ["adder"]])
        self.assertEqual(said["uri"], said["place"])
        self.assertEqual((said["copied"], said["renamed"]), (["1", ten], ten))
        for what, code, says in (("stage", "INVALID_PARAMETER_VALUE", "stages are deprecated"), ("champion gone", "RESOURCE_DOES_NOT_EXIST", "champion"),
                                 ("elsewhere", "INVALID_PARAMETER_VALUE", "what was logged here"), ("twice", "RESOURCE_ALREADY_EXISTS", "adder"),
                                 ("load none", "RESOURCE_DOES_NOT_EXIST", "has no alias champion")):
            with self.subTest(what=what):
                self.assertEqual(said[what][0], code)
                self.assertIn(says, said[what][1])
        self.assertEqual(said["left"], [["adder"], [True], one])

    def test_who_may_only_list_loads_a_model_and_registers_none(self):
        if subprocess.run([PYTHON, "-c", "import pandas"], capture_output=True).returncode != 0:
            self.skipTest("pandas is not installed beside MLflow's client")
        made = self.run_client("""
import mlflow, pandas
mlflow.set_experiment("of alice")
info = mlflow.pyfunc.log_model(name="double", python_model=lambda model_input: [2 * x for x in model_input], registered_model_name="doubler",
                               pip_requirements=["pandas"])
""")
        self.assertEqual(made.returncode, 0, made.stderr[-4000:])
        read = self.run_client("""
import mlflow
from mlflow.exceptions import MlflowException
print(mlflow.pyfunc.load_model("models:/doubler/1").predict(["a", "b"]))
try:
    mlflow.MlflowClient().set_registered_model_alias("doubler", "champion", 1)
except MlflowException as e:
    print(e.error_code, e)
""", token="rita")
        self.assertEqual(read.returncode, 0, read.stderr[-4000:])
        self.assertIn("['aa', 'bb']", read.stdout)
        self.assertIn("rita may not create pipelineruns", read.stdout)

    def fetch_text(self, namespace, path):
        request = urllib.request.Request(f"{self.url}/mlflow/{namespace}{path}", headers={"Authorization": "Bearer alice"})
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=str(self.ca))) as answer:
            return answer.read().decode()

    def test_who_may_not_is_told_so(self):
        program = "import mlflow\nmlflow.set_experiment('x')\n"
        for token, namespace, says in (("mallory", "team", "not accepted"), ("alice", "other", "may not list pipelineruns in namespace other")):
            done = self.run_client(program, token, namespace)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(says, done.stderr)


if __name__ == "__main__":
    unittest.main()
