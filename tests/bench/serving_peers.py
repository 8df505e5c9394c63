"""Other model servers, started with the model folders that ours serves: same weights, same torch, one intra-op thread."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
CODE = pathlib.Path(__file__).with_name("peers")
CACHE = pathlib.Path.home() / ".cache/penstock"
PEERS = pathlib.Path(os.environ.get("PENSTOCK_PEERS", CACHE / "peers"))
VENV = pathlib.Path(os.environ.get("PENSTOCK_BENCH_VENV", CACHE / "bench-venv"))
DATATYPES = {"string": "BYTES", "int64": "INT64", "float64": "FP64"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def site(venv):
    return next((venv / "lib").glob("python3.*")) / "site-packages"


class Arm:
    """A running server: `port`, `target` and `body` are what the load generator needs."""

    name, flags = "?", ()

    def __init__(self, model, scratch, flags=()):
        self.model, self.port = model, free_port()
        self.flags = (*self.flags, *flags)
        self.scratch = pathlib.Path(scratch) / "".join(c if c.isalnum() else "-" for c in self.name)  # Triton gives it to a shell
        self.scratch.mkdir(parents=True)
        self.body = self.scratch / "body.json"
        self.body.write_text(self.request())
        self.log = self.scratch / "log"
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PEER_MODEL": str(model.folder), "PEER_PORT": str(self.port), "PEER_WIDTH": str(model.width),
                       "PEER_CODE": str(CODE), "PEER_TORCH": str(site(VENV)) if VENV.exists() else "", **self.environment()}
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(self.command(), cwd=self.scratch, env=environment, stdout=log, stderr=log, start_new_session=True)
        self.wait()

    def environment(self):
        return {}

    def request(self):
        """V2 in JSON, one row."""
        return json.dumps({"inputs": self.model.v2_inputs()})

    def call(self):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{self.target}", self.body.read_bytes(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    def answer(self):
        """The first number of the first output."""
        value = self.call()["outputs"][0]["data"]
        while isinstance(value, list):
            value = value[0]
        return value

    def wait(self):
        end = time.monotonic() + 120
        while True:
            try:
                self.call()
                return
            except urllib.error.HTTPError as e:
                problem = f"{e.code} {e.read(500)}"
            except (OSError, ValueError) as e:
                problem = str(e)
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"{self.name} does not serve: {problem}; see its log: {self.log.read_text()[-1000:]}")
            time.sleep(0.2)

    def stop(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, how)
                self.process.wait(15)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass


class Ours(Arm):
    name = "Penstock"

    def command(self):
        return [BUILD / "bin/penstock-serve", "--model", self.model.folder, "--name", "m", "--address", "127.0.0.1", "--port", str(self.port), *self.flags]

    target = "/v2/models/m/infer"


class Mosec(Arm):
    """The fastest of the Python servers: Rust in front, one worker process, batches of 32."""

    name, target, workers = "mosec", "/inference", 1

    def command(self):
        return [PEERS / "mosec/bin/python", CODE / "mosec_server.py", "--address", "127.0.0.1", "--port", str(self.port), "--timeout", "30000"]

    def environment(self):
        return {"PEER_WORKERS": str(self.workers)}

    def request(self):
        return json.dumps(self.model.plain_row())

    def answer(self):
        value = self.call()["data"]
        return value[0] if isinstance(value, list) else value


class MosecTwo(Mosec):
    name, workers = "mosec, 2 workers", 2


class KServe(Arm):
    name, target = "KServe SDK", "/v2/models/m/infer"

    def command(self):
        return [PEERS / "kserve/bin/python", CODE / "kserve_server.py"]


class MLServer(Arm):
    name, target = "MLServer", "/v2/models/m/infer"

    def command(self):
        (self.scratch / "settings.json").write_text(json.dumps({
            "host": "127.0.0.1", "http_port": self.port, "grpc_port": free_port(), "metrics_port": free_port(), "debug": False, "parallel_workers": 0}))
        (self.scratch / "model-settings.json").write_text(json.dumps({"name": "m", "implementation": "mlserver_runtime.Infer"}))
        return [PEERS / "mlserver/bin/mlserver", "start", self.scratch]

    def environment(self):
        return {"PYTHONPATH": str(CODE)}


class Triton(Arm):
    name, target = "Triton 2.51 (Python backend)", "/v2/models/m/infer"

    def command(self):
        home = site(PEERS / "triton") / "pytriton/tritonserver"
        backends = self.scratch / "backends"
        shutil.copytree(home / "backends", backends)
        for stub in (home / "python_backend_stubs/3.11").iterdir():
            shutil.copy(stub, backends / "python")
        repository = self.scratch / "models"
        (repository / "m/1").mkdir(parents=True)
        shutil.copy(CODE / "triton_model.py", repository / "m/1/model.py")
        inputs = ",\n".join(f'{{ name: "{i["name"]}" data_type: TYPE_{ {"BYTES": "STRING"}.get(i["datatype"], i["datatype"]) } dims: [{i["shape"][-1]}] }}'
                            for i in self.model.v2_inputs(batch_axis=True))
        (repository / "m/config.pbtxt").write_text(
            f'name: "m"\nbackend: "python"\nmax_batch_size: 64\ndynamic_batching {{ }}\ninput [\n{inputs}\n]\n'
            'output [ { name: "y" data_type: TYPE_FP32 dims: [-1] } ]\ninstance_group [ { kind: KIND_CPU count: 1 } ]\n')
        return [home / "bin/tritonserver", f"--backend-directory={backends}", f"--model-repository={repository}", "--http-address=127.0.0.1",
                f"--http-port={self.port}", "--allow-grpc=false", "--allow-metrics=false", "--allow-gpu-metrics=false"]

    def request(self):
        return json.dumps({"inputs": self.model.v2_inputs(batch_axis=True)})

    def environment(self):
        libraries = next(site(PEERS / "triton").glob("*pytriton.libs"))
        return {"LD_LIBRARY_PATH": str(libraries), "PEER_SITE": str(site(PEERS / "triton"))}


class TorchServe(Arm):
    """No longer developed; its Java front end hands requests to a Python worker."""

    name, target = "TorchServe", "/predictions/m"

    def command(self):
        store = self.scratch / "store"
        store.mkdir()
        with zipfile.ZipFile(store / "m.mar", "w") as archive:
            archive.write(CODE / "torchserve_handler.py", "torchserve_handler.py")
            archive.writestr("MAR-INF/MANIFEST.json", json.dumps({
                "runtime": "python", "archiverVersion": "0.12.0",
                "model": {"modelName": "m", "handler": "torchserve_handler.py", "modelVersion": "1.0"}}))
        settings = {"m": {"1.0": {"defaultVersion": True, "marName": "m.mar", "minWorkers": 1, "maxWorkers": 1,
                                  "batchSize": 32, "maxBatchDelay": 1, "responseTimeout": 120}}}
        (self.scratch / "config.properties").write_text("\n".join((
            f"inference_address=http://127.0.0.1:{self.port}", f"management_address=http://127.0.0.1:{free_port()}",
            f"metrics_address=http://127.0.0.1:{free_port()}", f"grpc_inference_port={free_port()}", f"grpc_management_port={free_port()}",
            "disable_token_authorization=true", "job_queue_size=1000", f"model_store={store}", "load_models=m.mar", f"models={json.dumps(settings)}", "")))
        return [PEERS / "torchserve/bin/torchserve", "--start", "--foreground", "--ncs", "--disable-token-auth",
                "--model-store", store, "--ts-config", self.scratch / "config.properties"]

    def environment(self):
        return {"PYTHONPATH": str(site(VENV)), "LOG_LOCATION": str(self.scratch), "METRICS_LOCATION": str(self.scratch),
                "PATH": f"{PEERS / 'torchserve/bin'}:{os.environ['PATH']}"}

    def request(self):
        return json.dumps(self.model.plain_row())

    def answer(self):
        value = self.call()["data"]
        return value[0] if isinstance(value, list) else value


ALL = {"mosec": (Mosec, MosecTwo), "triton": (Triton,), "kserve": (KServe,), "mlserver": (MLServer,), "torchserve": (TorchServe,)}


def installed():
    """Classes of the peers whose environment is there, and the names of those whose is not."""
    there, missing = [], []
    for name, classes in ALL.items():
        if (PEERS / name / "bin/python").exists():
            there += classes
        else:
            missing.append(name)
    return there, missing
