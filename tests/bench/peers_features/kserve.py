"""Which features an example of KServe needs (docs/samples of kserve/kserve)."""
import re

import yaml

from . import walk

PATTERN = "docs/samples/**/*.y*ml"
KINDS = {"InferenceService", "InferenceGraph", "TrainedModel", "LLMInferenceService", "LLMInferenceServiceConfig", "ServingRuntime",
         "ClusterServingRuntime"}
LLM = {"LLMInferenceService", "LLMInferenceServiceConfig"}
FRAMEWORKS = ("sklearn", "xgboost", "lightgbm", "pmml", "paddle", "mlflow", "tensorflow", "pytorch", "triton", "onnx", "huggingface")
BUCKETS = re.compile(r"(s3|gs|az|abfss|hdfs|webhdfs)://|https://[\w.]+\.blob\.core\.windows\.net/")
# What more than one server makes: a scheduler in front, prefill and decode apart, workers on several nodes.
GRAPH = {"prefill", "worker", "parallelism", "baseRefs"}


def examples(root):
    """(name, Example): every file with an object of KServe's. Those that are no YAML are none."""
    for path in sorted(root.glob(PATTERN)):
        try:
            objects = walk.documents(path)
        except yaml.YAMLError:
            continue
        if any(o.get("kind") in KINDS for o in objects):
            yield str(path.relative_to(root)), Example(objects)


class Example:
    def __init__(self, objects):
        self.objects = objects
        self.ours = [o for o in objects if o.get("kind") in KINDS]
        self.specs = [o.get("spec") or {} for o in self.ours if o["kind"] == "InferenceService"]
        self.specs += [s["default"] for s in self.specs if isinstance(s.get("default"), dict)]  # as v1alpha2 has it
        self.llms = [o.get("spec") or {} for o in self.ours if o["kind"] in LLM]
        self.runtimes = [o.get("spec") or {} for o in self.ours if o["kind"].endswith("ServingRuntime")]
        self.predictors = [s["predictor"] for s in self.specs if s.get("predictor")]
        self.transformers = [s["transformer"] for s in self.specs if s.get("transformer")]
        self.models = [(f, p[f]) for p in self.predictors for f in FRAMEWORKS if isinstance(p.get(f), dict)]
        self.models += [((p["model"].get("modelFormat") or {}).get("name"), p["model"]) for p in self.predictors
                        if isinstance(p.get("model"), dict)]
        templates = [s[k] for s in self.llms for k in ("template", "worker") if s.get(k)]
        self.own = [c for p in self.predictors for c in _containers(p)] + [c for t in templates for c in t.get("containers") or []]
        self.own += [c for r in self.runtimes for c in r.get("containers") or []]
        self.servers = [m for _, m in self.models] + self.own
        self.uris = [d[k] for d in walk.dicts([self.specs, self.llms] + [o.get("spec") for o in self.ours])
                     for k in ("storageUri", "uri") if isinstance(d.get(k), str)]
        self.annotations = [(o.get("metadata") or {}).get("annotations") or {} for o in self.ours]

    def formats(self, *names):
        return any(f in names for f, _ in self.models)

    def annotated(self, *names):
        return any(key.startswith(names) for a in self.annotations for key in a)


def _containers(part):
    """Those that its author brings, in either form."""
    yield from part.get("containers") or []
    if isinstance((part.get("custom") or {}).get("container"), dict):
        yield part["custom"]["container"]


def _graph(llm):
    return bool(GRAPH & llm.keys()) or "scheduler" in (llm.get("router") or {})


def _only_minimum(part):
    """Bounds of a number that changes by itself, and no fixed number."""
    low, high = part.get("minReplicas"), part.get("maxReplicas")
    return (low is not None or high is not None) and low != high


def _nothing_to_fetch(e):
    """The image holds the model, or its program gets it."""
    return any(not walk.has(p, "storageUri", "storage") for p in e.predictors)


DETECTORS = {
    # where the model is
    "model at https://, oci:// or in a claim": lambda e: any(re.match(r"https?://(?!.*blob\.core)|pvc://|oci", u) for u in e.uris),
    "model in a bucket (s3, gs, Azure, WebHDFS)": lambda e: any(BUCKETS.match(u) for u in e.uris) or walk.has(e.specs, "storage"),
    "model of Hugging Face (hf://)": lambda e: any(u.startswith("hf://") for u in e.uris),
    "keys of the store from a Secret": lambda e: walk.has(e.specs, "storage") or any(
        o.get("kind") == "ServiceAccount" and o.get("secrets") for o in e.objects),
    "no model to fetch: it is in the image, or the server gets it": _nothing_to_fetch,
    # which server
    "scikit-learn, XGBoost, LightGBM, PMML or Paddle": lambda e: e.formats("sklearn", "xgboost", "lightgbm", "pmml", "paddle", "mlflow"),
    "TensorFlow's SavedModel": lambda e: e.formats("tensorflow"),
    "TorchServe": lambda e: e.formats("pytorch"),
    "Triton": lambda e: e.formats("triton"),
    "ONNX": lambda e: e.formats("onnx"),
    "language model alone (Hugging Face, vLLM)": lambda e: e.formats("huggingface") or any(not _graph(s) for s in e.llms),
    "a server's container of one's own": lambda e: bool(e.own),
    "a server's args and env": lambda e: walk.has(e.servers, "args", "env", "command"),
    "V2, or V1 in its place": lambda e: walk.has(e.servers, "protocolVersion", "protocolVersions"),
    "gRPC": lambda e: any(p.get("name") in ("h2c", "grpc") for s in e.servers for p in s.get("ports") or []),
    "resources": lambda e: walk.has(e.servers + e.transformers, "resources"),
    "replicas": lambda e: walk.has(e.llms, "replicas") or any(
        p.get("minReplicas") is not None and not _only_minimum(p) for p in e.predictors),
    "node placement": lambda e: any(walk.has(p, "nodeSelector", "tolerations", "affinity") for p in e.predictors + e.llms)
    or e.annotated("serving.kserve.io/gke-accelerator"),
    "a server's service account": lambda e: walk.has(e.predictors + e.llms, "serviceAccountName", "serviceAccount"),
    "a server's volumes": lambda e: walk.has(e.predictors + e.llms + e.runtimes, "volumes", "volumeMounts"),
    "liveness probe of a server of one's own": lambda e: walk.has(e.servers, "livenessProbe"),
    "readiness probe of a server of one's own": lambda e: walk.has(e.servers, "readinessProbe", "startupProbe"),
    "one image for all models of a format (ServingRuntime)": lambda e: bool(e.runtimes) or any(m.get("runtime") for _, m in e.models),
    "several models in one server": lambda e: any(o["kind"] == "TrainedModel" for o in e.ours),
    "device resource claims of a server": lambda e: e.annotated("serving.kserve.io/exp-dra"),
    # what requests go through
    "transformer": lambda e: bool(e.transformers),
    "transformer with servers of its own number": lambda e: walk.has(e.transformers, "minReplicas", "maxReplicas"),
    "explainer of a request": lambda e: any(s.get("explainer") for s in e.specs),
    "batching in front of any server": lambda e: walk.has(e.predictors, "batcher"),
    "requests sent to a URL (logger)": lambda e: walk.has(e.specs, "logger"),
    "graph of models (ensemble, switch, splitter)": lambda e: any(o["kind"] == "InferenceGraph" for o in e.ours),
    "LLM graph (scheduler, prefill and decode, workers)": lambda e: any(_graph(s) for s in e.llms),
    "time-out of a request": lambda e: walk.has(e.predictors, "timeout"),
    # how many, and how a new one comes in
    "autoscaling": lambda e: any(_only_minimum(p) for p in e.predictors),
    "autoscaling to none": lambda e: any(p.get("minReplicas") == 0 for p in e.predictors),
    "autoscaling by requests under way": lambda e: e.annotated("autoscaling.knative.dev/target")
    or walk.has(e.predictors, "scaleTarget", "scaleMetric"),
    "requests that a server takes at most (containerConcurrency)": lambda e: walk.has(e.predictors, "containerConcurrency"),
    "canary by weight": lambda e: any("canaryTrafficPercent" in p for p in e.predictors),
    "surge of a rolling update": lambda e: walk.has(e.specs, "rollingUpdate"),
    "labels or annotations of a server's pods": lambda e: walk.has(e.predictors + e.llms, "annotations", "labels")
    or e.annotated("sidecar.istio.io/", "prometheus.io/"),
    "metrics of server and queue in one scrape": lambda e: e.annotated("serving.kserve.io/enable-metric-aggregation"),
}


def features(e):
    return {name for name, needed in DETECTORS.items() if needed(e)}
