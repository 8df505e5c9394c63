"""Which features an example of Argo Workflows needs (examples/ of argoproj/argo-workflows)."""
import re

from . import walk

PATTERN = "examples/**/*.yaml"
KINDS = {"Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow", "WorkflowEventBinding"}
STORES = {"s3", "gcs", "azure", "oss", "hdfs", "artifactory"}
STATUSES = re.compile(r"\.(Skipped|Omitted|Daemoned|AnySucceeded|AllFailed|Errored)\b")


def examples(root):
    """(name, Example): every file with an object of Argo's that starts or defines work."""
    files = {path: walk.documents(path) for path in sorted(root.glob(PATTERN))}
    composite = {(o["metadata"].get("name"), t["name"]) for objects in files.values() for o in objects
                 for t in (o.get("spec") or {}).get("templates") or [] if "dag" in t or "steps" in t}
    for path, objects in files.items():
        if any(o.get("kind") in KINDS for o in objects):
            yield str(path.relative_to(root)), Example(objects, composite)


class Example:
    def __init__(self, objects, composite_elsewhere):
        self.objects, self.composite_elsewhere = objects, composite_elsewhere
        self.specs = []
        for o in objects:
            spec = o.get("spec") or {}
            self.specs += [spec, spec["workflowSpec"]] if "workflowSpec" in spec else [spec]
        self.templates = [t for s in self.specs for t in (s.get("templates") or []) + [s.get("templateDefaults") or {}]]
        self.templates += [d["inline"] for d in walk.dicts(self.specs) if isinstance(d.get("inline"), dict)]
        self.calls = [(t, c) for t in self.templates for c in _calls(t)]
        self.pods = [t[k] for t in self.templates for k in ("container", "script") if t.get(k)]
        self.pods += [c for t in self.templates for c in (t.get("containerSet") or {}).get("containers") or []]
        self.beside = [c for t in self.templates for k in ("sidecars", "initContainers") for c in t.get(k) or []]
        self.composite = {t.get("name") for t in self.templates if "dag" in t or "steps" in t}
        self.parallel = {c["name"] for _, c in self.calls if _loop(c)}

    def uses(self, pattern, where=None):
        return walk.says(self.objects if where is None else where, re.compile(pattern))


def _calls(template):
    yield from (template.get("dag") or {}).get("tasks") or []
    for group in template.get("steps") or []:
        yield from group.get("steps") or [] if isinstance(group, dict) else group


def _loop(call):
    return any(k in call for k in ("withItems", "withParam", "withSequence"))


def _over_literals(call):
    return "withItems" in call or ("withSequence" in call and "{{" not in str(call["withSequence"]))


def _condition(call):
    return str(call.get("when") or "")


def _recursive(e):
    """A composite template that comes back to itself through its calls."""
    edges = {}
    for t, c in e.calls:
        edges.setdefault(t.get("name"), set()).add(c.get("template"))

    def reaches(start, goal, seen):
        return any(n == goal or (n in edges and n not in seen and reaches(n, goal, seen | {n})) for n in edges.get(start, ()))
    return any(reaches(n, n, {n}) for n in edges)


def _nested(e):
    return [(t, c) for t, c in e.calls if c.get("template") in e.composite or _composite_inline(c)]


def _handlers(e):
    return [d["onExit"] for d in walk.dicts(e.specs) if isinstance(d.get("onExit"), str)]


def _computed(e):
    """An expression that is no condition."""
    conditions = {_condition(d) for d in walk.dicts(e.specs)}
    return any(re.search(r"\{\{=|\?\?", t) and t not in conditions for t in walk.texts(e.specs))


def _after_condition(e):
    """A group of `steps` behind one with a condition: it starts whether that was met or not."""
    groups = [t.get("steps") or [] for t in e.templates]
    groups = [[g.get("steps") if isinstance(g, dict) else g for g in gs] for gs in groups]
    return any(_condition(c) and (j + 1 < len(gs)) for gs in groups for j, g in enumerate(gs) for c in g)


def _composite_inline(call):
    return any(k in (call.get("inline") or {}) for k in ("dag", "steps"))


def _image_only(pod):
    return bool(pod.get("image")) and not pod.get("command")


def _artifacts(e, way):
    return [a for t in e.templates for a in (t.get(way) or {}).get("artifacts") or []]


def _values(e, way):
    return [p for t in e.templates for p in (t.get(way) or {}).get("parameters") or []]


def _stored(e):
    everything = _artifacts(e, "inputs") + _artifacts(e, "outputs") + [a for s in e.specs for a in (s.get("arguments") or {}).get("artifacts") or []]
    return any(STORES & a.keys() and _elsewhere(a) for a in everything)


def _elsewhere(artifact):
    """Whether a store is named, not only a key in the one that is configured."""
    return any(len(artifact[k]) > 1 for k in STORES & artifact.keys())


def _keyed(e):
    chosen = any(STORES & a.keys() and not _elsewhere(a) for a in _artifacts(e, "outputs") + _artifacts(e, "inputs"))
    return chosen or walk.has(e.specs, "artifactRepositoryRef", "archiveLocation")


def _gathered(e):
    """What reads a looped step's outputs or result from beside it."""
    names = "|".join(re.escape(n) for n in e.parallel)
    return bool(names) and e.uses(rf"\b(?:steps|tasks)\.(?:{names})\.outputs\b")


def _other_template(e):
    refs = [c["templateRef"] for _, c in e.calls if "templateRef" in c]
    return any((r.get("name"), r.get("template")) in e.composite_elsewhere for r in refs)


def _orders(e):
    return [str(c.get("depends") or "") for _, c in e.calls]


def _from_parameter(e, *fields):
    return any("{{" in x for t in e.templates for k in fields for x in walk.texts(t.get(k)))


DETECTORS = {
    # what there is to run, and with what
    "container": lambda e: e.pods or walk.has(e.specs, "containerSet"),
    "script": lambda e: any("script" in t for t in e.templates),
    "parameters": lambda e: walk.has(e.specs, "parameters"),
    "dag/steps order": lambda e: bool(e.composite),
    "artifact passing": lambda e: bool(_artifacts(e, "inputs") or _artifacts(e, "outputs")),
    "output parameter (file)": lambda e: any("path" in (p.get("valueFrom") or {}) for p in _values(e, "outputs")),
    "result = stdout": lambda e: e.uses(r"outputs\.result\b"),
    "reusable template": lambda e: any("templateRef" in c for _, c in e.calls)
    or len({c.get("template") for _, c in e.calls}) < len([c for _, c in e.calls if "template" in c]),
    "run a stored template": lambda e: walk.has(e.specs, "workflowTemplateRef"),
    "cache/memoize": lambda e: walk.has(e.specs, "memoize"),
    "volumes (existing, secret, emptyDir)": lambda e: walk.has(e.specs, "volumes"),
    "resources": lambda e: any(p.get("resources") for p in e.pods),
    "retry limit": lambda e: walk.has(e.specs, "retryStrategy"),
    "step timeout": lambda e: any("activeDeadlineSeconds" in t or "timeout" in t for t in e.templates),
    "node placement": lambda e: any(t.get("nodeSelector") or t.get("tolerations") for t in e.templates + e.specs),
    "service account": lambda e: walk.has(e.specs, "serviceAccountName"),
    "run parallelism": lambda e: any("parallelism" in s for s in e.specs),
    "template defaults": lambda e: walk.has(e.specs, "templateDefaults"),
    "env from ConfigMap/Secret/fieldRef": lambda e: walk.has([p.get("env") for p in e.pods], "valueFrom"),
    "run name/pod name/namespace variables": lambda e: e.uses(r"\{\{=?\s*(workflow\.(name|namespace)|pod\.name)\b"),
    "depends on failed": lambda e: any(".Failed" in d for d in _orders(e)),
    "artifact as is (archive none/tar)": lambda e: any("archive" in a for a in _artifacts(e, "outputs")),
    "git source": lambda e: any("git" in a for a in _artifacts(e, "inputs")),
    "raw artifact": lambda e: any("raw" in a for a in _artifacts(e, "inputs")
                                 + [a for _, c in e.calls for a in (c.get("arguments") or {}).get("artifacts") or []]),
    "image pull secrets": lambda e: walk.has(e.specs, "imagePullSecrets"),
    "failFast false": lambda e: any(t.get("failFast") is False or (t.get("dag") or {}).get("failFast") is False for t in e.templates),
    # control flow
    "loop over a run-time list": lambda e: any(_loop(c) and not _over_literals(c) for _, c in e.calls),
    "loop over a literal list": lambda e: any(_over_literals(c) for _, c in e.calls),
    "collect outputs of a loop": _gathered,
    "condition on a value": lambda e: any(_condition(c) and ".status" not in _condition(c) for _, c in e.calls),
    "step status as a value": lambda e: e.uses(r"\{\{\s*(steps|tasks)\.[\w-]+\.status\b"),
    "exit code as a value": lambda e: e.uses(r"\b(steps|tasks)\.[\w-]+\.exitCode\b"),
    "expressions (expr/sprig/jsonpath)": lambda e: _computed(e),
    "nested pipelines (flatten)": lambda e: bool(_nested(e)) or any(h in e.composite for h in _handlers(e)),
    "loop whose body is several steps": lambda e: any(_loop(c) for _, c in _nested(e)),
    "recursion": _recursive,
    "exit handler/finally": lambda e: any("onExit" in d or "exit" in (d.get("hooks") or {}) for d in walk.dicts(e.specs)),
    "lifecycle hooks": lambda e: any(set(d.get("hooks") or {}) - {"exit"} for d in walk.dicts(e.specs)),
    "run status/failures/duration variable": lambda e: e.uses(r"\{\{=?\s*workflow\.(status|failures|duration)\b"),
    "merge of branches": lambda e: walk.has(e.specs, "fromExpression") or e.uses(r"\?", [d["expression"] for d in walk.dicts(e.specs)
                                                                                        if isinstance(d.get("expression"), str)]),
    "go on after a skipped step": lambda e: any("Skipped" in d for d in _orders(e)) or _after_condition(e),
    "tolerated failure": lambda e: walk.has(e.specs, "continueOn"),
    "depends with or": lambda e: any("||" in re.sub(r"\([^)]*\)", "", d) and not re.fullmatch(
        r"\s*([\w-]+)\.\w+(\s*\|\|\s*\1\.\w+)*\s*", d) for d in _orders(e)),
    "depends on other statuses": lambda e: any(STATUSES.search(d.replace(".Skipped", "")) for d in _orders(e)),
    "output default of a skipped step": lambda e: any("default" in (p.get("valueFrom") or {}) and any(".Skipped" in d for d in _orders(e))
                                                     for p in _values(e, "outputs")),
    "output default when absent": lambda e: any("default" in (p.get("valueFrom") or {}) for p in _values(e, "outputs")),
    "optional input artifact": lambda e: any(a.get("optional") for a in _artifacts(e, "inputs")),
    "approval/gate (suspend node)": lambda e: any(t.get("suspend") == {} for t in e.templates if "suspend" in t),
    "timed suspend": lambda e: any((t.get("suspend") or {}).get("duration") for t in e.templates),
    "human/supplied output": lambda e: any("supplied" in (p.get("valueFrom") or {}) for p in _values(e, "outputs")),
    "parallelism of a template": lambda e: any("parallelism" in t for t in e.templates),
    "run target subset": lambda e: any("target" in (t.get("dag") or {}) for t in e.templates),
    "run timeout": lambda e: any("activeDeadlineSeconds" in s for s in e.specs),
    "data template": lambda e: any("data" in t for t in e.templates),
    # stores
    "object-store artifacts (s3/gcs/azure/oss/hdfs/artifactory/hf)": _stored,
    "artifact store or key chosen per run": _keyed,
    "http(s) artifact input": lambda e: any("http" in a for a in _artifacts(e, "inputs")),
    "git working tree (.git kept, private)": lambda e: any("git" in a and any(".git" in x or "git " in x for x in walk.texts(e.pods))
                                                          or "usernameSecret" in (a.get("git") or {}) for a in _artifacts(e, "inputs")),
    "artifact GC": lambda e: walk.has(e.specs, "artifactGC"),
    "artifact plugin": lambda e: any("plugin" in a for a in _artifacts(e, "inputs") + _artifacts(e, "outputs")),
    # pods
    "image without command": lambda e: any(_image_only(p) for p in e.pods + e.beside),
    "several containers in turn in one pod": lambda e: walk.has(e.specs, "containerSet"),
    "sidecar": lambda e: walk.has(e.specs, "sidecars"),
    "init container": lambda e: walk.has(e.specs, "initContainers"),
    "daemon step (service for later steps)": lambda e: walk.has(e.specs, "daemon"),
    "run-scoped volume (volumeClaimTemplates)": lambda e: walk.has(e.specs, "volumeClaimTemplates"),
    "pod spec patch/pod template": lambda e: walk.has(e.specs, "podSpecPatch"),
    "pod labels/annotations": lambda e: any(t.get("metadata") for t in e.templates) or walk.has(e.specs, "podMetadata"),
    "pod-level resources": lambda e: walk.has(e.specs, "podResources"),
    "pod disruption budget": lambda e: walk.has(e.specs, "podDisruptionBudget"),
    "device resource claims (DRA)": lambda e: walk.has(e.specs, "resourceClaims"),
    "root or privileged container": lambda e: walk.has(e.specs, "privileged")
    or any(d.get("runAsUser") == 0 for d in walk.dicts(e.specs)),
    "user id of one's own (runAsUser)": lambda e: any(d.get("runAsUser") for d in walk.dicts(e.specs)),
    "windows node": lambda e: any(d.get("kubernetes.io/os") == "windows" for d in walk.dicts(e.specs)),
    "host network/dns/aliases": lambda e: walk.has(e.specs, "dnsConfig", "dnsPolicy", "hostNetwork", "hostAliases"),
    "pod GC choice": lambda e: walk.has(e.specs, "podGC"),
    "image from a parameter": lambda e: any("{{" in str(p.get("image")) for p in e.pods),
    "pipeline parameters in pod settings": lambda e: _from_parameter(e, "nodeSelector", "volumes"),
    "secret, time-out or toleration from a parameter": lambda e: _from_parameter(e, "timeout", "activeDeadlineSeconds", "tolerations"),
    # beside pods
    "create/patch any Kubernetes object and wait": lambda e: any("resource" in t and not _runs_workflow(t) for t in e.templates),
    "child run of another pipeline": lambda e: any("resource" in t and _runs_workflow(t) for t in e.templates),
    "http request step": lambda e: any("http" in t for t in e.templates),
    "executor/agent plugin, custom task": lambda e: walk.has(e.specs, "executorPlugins") or any("plugin" in t for t in e.templates),
    "mutex/semaphore": lambda e: walk.has(e.specs, "synchronization"),
    "custom metrics": lambda e: any("metrics" in t for t in e.templates + e.specs),
    "access to Kubernetes from a step": lambda e: e.uses(r"\bkubectl\b.* (apply|create|get|delete|exec|patch)\b", e.pods),
    # a run, and when it starts
    "cron schedule": lambda e: any(o.get("kind") == "CronWorkflow" for o in e.objects),
    "scheduled time variable": lambda e: e.uses(r"workflow\.scheduledTime"),
    "event trigger": lambda e: any(o.get("kind") == "WorkflowEventBinding" for o in e.objects),
    "run queue priority": lambda e: any("priority" in s for s in e.specs),
    "retry by expression": lambda e: any("expression" in (t.get("retryStrategy") or {}) for t in e.templates),
    "retry without limit": lambda e: any("retryStrategy" in t and "limit" not in (t["retryStrategy"] or {}) for t in e.templates),
    "retry backoff other factor/maxDuration": lambda e: any(
        {"factor", "maxDuration"} & ((t.get("retryStrategy") or {}).get("backoff") or {}).keys() for t in e.templates),
    "cache max age": lambda e: any("maxAge" in (t.get("memoize") or {}) for t in e.templates),
    "memo key of one's own": lambda e: any("key" in (t.get("memoize") or {}) for t in e.templates),
    "ttl by outcome": lambda e: walk.has(e.specs, "secondsAfterSuccess", "secondsAfterFailure"),
    "labels from parameters": lambda e: walk.has([s.get("workflowMetadata") for s in e.specs], "labelsFrom"),
    "parameters from a ConfigMap": lambda e: walk.has([s.get("arguments") for s in e.specs] + _values(e, "inputs"), "configMapKeyRef"),
    "creation time/uid variable": lambda e: e.uses(r"workflow\.(creationTimestamp|uid)\b"),
    "cluster-wide templates": lambda e: any(o.get("kind") == "ClusterWorkflowTemplate" for o in e.objects)
    or any(d.get("clusterScope") for d in walk.dicts(e.objects)),
    "template of another object with steps/dag": _other_template,
    "alternative entrypoint": lambda e: any("workflowTemplateRef" in s and "entrypoint" in s for s in e.specs),
}


def _runs_workflow(template):
    return any(k in str(template["resource"].get("manifest") or "") for k in ("kind: Workflow", "kind: CronWorkflow"))


def features(e):
    return {name for name, needed in DETECTORS.items() if needed(e)}
