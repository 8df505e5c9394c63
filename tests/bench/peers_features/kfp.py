"""Which features an example of Kubeflow Pipelines needs (its compiled IR: test_data/sdk_compiled_pipelines/valid)."""
import json
import re

from . import walk

PATTERN = "test_data/sdk_compiled_pipelines/valid/**/*.yaml"
CONTROL = re.compile(r"^comp-(for-loop|condition|condition-branches|exit-handler)(-\d+)*$")


def examples(root):
    """(name, Example): every file; a second document holds what is Kubernetes' own."""
    for path in sorted(root.glob(PATTERN)):
        yield str(path.relative_to(root)), Example(walk.documents(path))


class Example:
    def __init__(self, objects):
        self.ir = next(o for o in objects if "root" in o)
        self.components = {**(self.ir.get("components") or {}), "": self.ir["root"]}
        self.dags = {n: c["dag"] for n, c in self.components.items() if "dag" in c}
        self.tasks = [t for d in self.dags.values() for t in d["tasks"].values()]
        self.executors = list(((self.ir.get("deploymentSpec") or {}).get("executors") or {}).values())
        self.containers = [x["container"] for x in self.executors if "container" in x]
        self.importers = [x["importer"] for x in self.executors if "importer" in x]
        self.platforms = [o["platforms"]["kubernetes"] for o in objects if "platforms" in o]
        self.pods = [x for p in self.platforms for x in ((p.get("deploymentSpec") or {}).get("executors") or {}).values()]
        self.declared = [d for c in self.components.values() for k in ("inputDefinitions", "outputDefinitions")
                         for d in (c.get(k) or {}).get("parameters", {}).values()]
        self.program = "\n".join(str(w) for c in self.containers for w in (c.get("command") or []) + (c.get("args") or []))

    def takes(self, *keys):
        return any(walk.has(t.get("inputs"), *keys) for t in self.tasks)

    def artifacts(self):
        return [d for c in self.components.values() for k in ("inputDefinitions", "outputDefinitions")
                for d in (c.get(k) or {}).get("artifacts", {}).values()]


def _items(e):
    return [t["parameterIterator"]["items"] for t in e.tasks if "parameterIterator" in t]


def _nested(e):
    return [n for n in e.dags if n and not CONTROL.match(n)]


def _looped(e):
    """The components that loops run, each a dag."""
    return {t["componentRef"]["name"] for t in e.tasks if "parameterIterator" in t or "artifactIterator" in t}


def _several(e, dag):
    """Whether a dag is more than one task, which may stand under conditions."""
    tasks = list(e.dags[dag]["tasks"].values())
    if len(tasks) != 1:
        return True
    inner = tasks[0]["componentRef"]["name"]
    return inner in e.dags and (not inner.startswith("comp-condition") or _several(e, inner))


def _collects(e):
    """Outputs that leave the body of a loop: lists of its items' values."""
    return any((e.components[n].get("outputDefinitions") or {}) for n in _looped(e))


def _run_time(items):
    return "inputParameter" in items


def _kinds(e):
    return {(a.get("artifactType") or {}).get("schemaTitle") for a in e.artifacts()}


def _external(e):
    """An artifact at a store's address that is not the system's own."""
    uris = [i["artifactUri"] for i in e.importers]
    known = [str(u.get("constant", "")) for u in uris]
    defaults = [str(d.get("defaultValue")) for d in e.declared]
    return any(re.match(r"(gs|s3|hf|minio|oci)://", u) for u in known + (defaults if any("runtimeParameter" in u for u in uris) else []))


def _installs(e):
    """A package beside what the SDK's own runtime needs."""
    named = [w for line in re.findall(r"pip install(.*)", e.program) for w in re.findall(r"'([A-Za-z][\w.-]*)", line)]
    return any(w.lower() not in ("kfp", "typing-extensions") for w in named)


def _from_parameter(e, *fields):
    return any(walk.has(p.get(k), "componentInputParameter", "taskOutputParameter") for p in e.pods for k in fields)

DETECTORS = {
    # what there is to run, and with what
    "container": lambda e: bool(e.containers),
    "script": lambda e: "def " in e.program or "#!/" in e.program,
    "parameters": lambda e: any((c.get("inputDefinitions") or {}).get("parameters") for c in e.components.values()),
    "dag/steps order": lambda e: any("dependentTasks" in t for t in e.tasks),
    "cache/memoize": lambda e: any((t.get("cachingOptions") or {}).get("enableCache") for t in e.tasks),
    "artifact passing": lambda e: e.takes("taskOutputArtifact"),
    "output parameter (file)": lambda e: any((c.get("outputDefinitions") or {}).get("parameters") and "executorLabel" in c
                                             for c in e.components.values()),
    "volumes (existing, secret, emptyDir)": lambda e: any(k in p for p in e.pods for k in ("pvcMount", "secretAsVolume", "configMapAsVolume")),
    "resources": lambda e: any("resources" in c for c in e.containers),
    "retry limit": lambda e: any("retryPolicy" in t for t in e.tasks),
    "env from ConfigMap/Secret/fieldRef": lambda e: any(k in p for p in e.pods for k in ("secretAsEnv", "configMapAsEnv", "fieldPathAsEnv")),
    "node placement": lambda e: any(k in p for p in e.pods for k in ("nodeSelector", "tolerations", "nodeAffinity")),
    "pipeline output artifact": lambda e: bool((e.ir["root"].get("outputDefinitions") or {}).get("artifacts")),
    "image pull secrets": lambda e: any("imagePullSecret" in p for p in e.pods),
    "run name/pod name/namespace variables": lambda e: bool(re.search(r"PIPELINE_(JOB|TASK)_|pipeline_job_|pipeline_task_", str(e.ir))),
    # control flow
    "loop over a run-time list": lambda e: any(map(_run_time, _items(e))),
    "loop over a literal list": lambda e: any(not _run_time(i) for i in _items(e)),
    "collect outputs of a loop": lambda e: _collects(e) and any(map(_run_time, _items(e))),
    "collect outputs of literal loop": lambda e: _collects(e) and not any(map(_run_time, _items(e))),
    "loop parallelism limit": lambda e: any("iteratorPolicy" in t for t in e.tasks),
    "condition on a value": lambda e: any((t.get("triggerPolicy") or {}).get("condition") for t in e.tasks),
    "merge of branches": lambda e: any("valueFromOneof" in o or len(o.get("artifactSelectors") or []) > 1
                                       for d in e.dags.values() for kind in (d.get("outputs") or {}).values() for o in kind.values()),
    "exit handler/finally": lambda e: any((t.get("triggerPolicy") or {}).get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED" for t in e.tasks),
    "exit task status struct": lambda e: e.takes("taskFinalStatus"),
    "nested pipelines (flatten)": lambda e: bool(_nested(e)),
    "loop whose body is several steps": lambda e: any(_several(e, n) for n in _looped(e)),
    "retry backoff other factor/maxDuration": lambda e: any(((t.get("retryPolicy") or {}).get("backoffFactor") or 2) != 2 for t in e.tasks),
    # values
    "run results (values)": lambda e: bool((e.ir["root"].get("outputDefinitions") or {}).get("parameters")),
    "list spread into args / indexing": lambda e: e.takes("parameterExpressionSelector")
    and any("parseJson" in json.dumps(t.get("inputs")) for t in e.tasks),
    "choice in placeholders (if present)": lambda e: "IfPresent" in json.dumps(e.ir),
    "creation time/uid variable": lambda e: "PIPELINE_JOB_CREATE_TIME" in str(e.ir) or "pipeline_job_create_time" in str(e.ir)
    or "$.pipeline_job_uuid" in str(e.ir),
    "resources from a parameter": lambda e: any("{{" in str(v) for c in e.containers for v in (c.get("resources") or {}).values()),
    "pipeline parameters in pod settings": lambda e: _from_parameter(e, "pvcMount", "configMapAsVolume", "nodeSelector"),
    "secret, time-out or toleration from a parameter": lambda e: _from_parameter(
        e, "secretAsEnv", "secretAsVolume", "configMapAsEnv", "imagePullSecret", "tolerations", "nodeAffinity"),
    # artifacts
    "object-store artifacts (s3/gcs/azure/oss/hdfs/artifactory/hf)": _external,
    "artifact metadata/import of an external artifact": lambda e: bool(e.importers),
    "artifact metadata as values": lambda e: bool(re.search(r"\.metadata\[", e.program)),
    "interactive reports (HTML/ROC) shown": lambda e: bool(_kinds(e) & {"system.HTML", "system.Markdown", "system.ClassificationMetrics"}),
    # pods
    "image without command": lambda e: any(c.get("image") and not c.get("command") and "argostub" not in c["image"] for c in e.containers),
    "pip/npm install at run time": _installs,
    "pod labels/annotations": lambda e: any("podMetadata" in p for p in e.pods),
    "run-scoped volume (volumeClaimTemplates)": lambda e: any("workspace" in (p.get("pipelineConfig") or {}) for p in e.platforms)
    or any("pvc" in n and "create" in n for n in e.components),
    # beside pods
    "compute engine step (Spark/Ray/Dask/MPI/...)": lambda e: bool(re.search(r"RayCluster|RayJob|codeflare", e.program)),
    "SQL/warehouse/agent connector": lambda e: any("gcp-resources" in json.dumps(c.get("args")) or "custom_job" in json.dumps(c)
                                                  for c in e.containers),
}


def features(e):
    return {name for name, needed in DETECTORS.items() if needed(e)}
