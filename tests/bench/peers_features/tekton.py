"""Which features an example of Tekton needs (examples/v1 of tektoncd/pipeline)."""
import re

from . import walk

PATTERN = "examples/v1/**/*.yaml"
KINDS = {"Task", "TaskRun", "Pipeline", "PipelineRun", "StepAction"}


def examples(root):
    """(name, Example): every file."""
    for path in sorted(root.glob(PATTERN)):
        yield str(path.relative_to(root)), Example(walk.documents(path))


class Example:
    def __init__(self, objects):
        self.objects = objects
        self.specs = [o.get("spec") or {} for o in objects if o.get("kind") in KINDS]
        inner = [d[k] for d in walk.dicts(self.specs) for k in ("taskSpec", "pipelineSpec") if isinstance(d.get(k), dict)]
        own = [o.get("spec") or {} for o in objects if o.get("kind") in ("Task", "Pipeline")]
        self.tasks = [s for s in inner + own if "steps" in s]
        self.pipelines = [s for s in inner + own if "tasks" in s]
        self.calls = [c for p in self.pipelines for k in ("tasks", "finally") for c in p.get(k) or []]
        actions = [o.get("spec") or {} for o in objects if o.get("kind") == "StepAction"]
        self.steps = [s for t in self.tasks for s in t["steps"]] + actions
        self.sidecars = [s for t in self.tasks for s in t.get("sidecars") or []]
        self.bound = [w for s in self.specs for w in s.get("workspaces") or [] if len(w) > 1]

    def uses(self, pattern, where=None):
        return walk.says(self.specs if where is None else where, re.compile(pattern))


def _runs(task):
    """What a task's steps start one after the other; a mere `ref` starts its StepAction."""
    return [s for s in task["steps"] if s.get("image") or s.get("ref")]


def _image_only(step):
    return bool(step.get("image")) and not (step.get("command") or step.get("script"))


def _matrix_lists(e):
    for c in e.calls:
        yield from (p.get("value") for p in (c.get("matrix") or {}).get("params") or [])
        if (c.get("matrix") or {}).get("include"):
            yield []


def _loops(e, run_time):
    return any(("results." in str(v)) == run_time for v in _matrix_lists(e))


def _gathered(e):
    """What reads every combination's result of a matrix."""
    looped = "|".join(re.escape(c["name"]) for c in e.calls if "matrix" in c and "name" in c)
    return bool(looped) and e.uses(rf"\$\(tasks\.(?:{looped})\.(?:results\.[\w-]+\[\*\]\)|matrix\.)")


def _conditions(e):
    return [w for c in e.calls + e.steps for w in c.get("when") or []]


def _on_status(condition):
    return bool(re.search(r"\$\(tasks\.[\w.-]*status\)", str(condition)))


def _skipped_before(e):
    """A task behind a conditional one by order alone."""
    conditional = {c["name"] for c in e.calls if c.get("when") and "name" in c}
    return any(conditional & set(c.get("runAfter") or []) for c in e.calls)


def _user_ids(e):
    return [d["runAsUser"] for d in walk.dicts(e.specs) if isinstance(d.get("runAsUser"), int)]


def _kind_of_volume(e, *kinds):
    return any(k in v for k in kinds for v in e.bound + [v for s in walk.dicts(e.specs) for v in s.get("volumes") or []])


def _credentials(e):
    """A Secret that a service account, or the run, hands to git or docker."""
    secret = any(o.get("kind") == "Secret" and "tekton.dev" in str((o.get("metadata") or {}).get("annotations")) for o in e.objects)
    return secret or any(o.get("kind") == "ServiceAccount" and o.get("secrets") for o in e.objects)


def _from_parameter(e, *fields):
    return walk.says([d.get(k) for d in walk.dicts(e.specs) for k in fields], re.compile(r"\$\("))


DETECTORS = {
    # what there is to run, and with what
    "container": lambda e: bool(e.steps),
    "script": lambda e: walk.has(e.specs, "script"),
    "parameters": lambda e: walk.has(e.specs, "params"),
    "dag/steps order": lambda e: walk.has(e.pipelines, "runAfter") or e.uses(r"\$\(tasks\.", e.pipelines),
    "output parameter (file)": lambda e: e.uses(r"\$\(results\.[\w.-]+\.path\)"),
    "result = stdout": lambda e: e.uses(r"results\.", [s.get("stdoutConfig") for s in e.steps]),
    "reusable template": lambda e: any(o.get("kind") in ("Task", "StepAction") for o in e.objects),
    "run a stored template": lambda e: any((s.get(k) or {}).get("name") for s in e.specs for k in ("pipelineRef", "taskRef")),
    "volumes (existing, secret, emptyDir)": lambda e: _kind_of_volume(e, "configMap", "secret", "emptyDir", "projected", "csi", "gitRepo")
    or (_kind_of_volume(e, "persistentVolumeClaim")),
    "resources": lambda e: walk.has(e.specs, "computeResources"),
    "retry limit": lambda e: any("retries" in c for c in e.calls),
    "step timeout": lambda e: walk.has(e.specs, "timeout"),
    "node placement": lambda e: walk.has(e.specs, "nodeSelector", "affinity", "tolerations"),
    "service account": lambda e: walk.has(e.specs, "serviceAccountName"),
    "arrays/objects as parameters": lambda e: any(p.get("type") in ("array", "object") for d in walk.dicts(e.specs)
                                                 for p in d.get("params") or [] if isinstance(p, dict)),
    "env from ConfigMap/Secret/fieldRef": lambda e: walk.has([s.get(k) for s in e.steps for k in ("env", "envFrom")],
                                                            "valueFrom", "secretRef", "configMapRef"),
    "run name/pod name/namespace variables": lambda e: e.uses(r"\$\(context\.(taskRun|pipelineRun|task|pipeline)\.(name|namespace)\)"),
    "non-root hardening": lambda e: walk.has(e.specs, "runAsNonRoot"),
    "parameter enum/types/default": lambda e: walk.has(e.specs, "enum"),
    "template defaults": lambda e: walk.has(e.specs, "stepTemplate"),
    # control flow
    "loop over a run-time list": lambda e: _loops(e, True),
    "loop over a literal list": lambda e: _loops(e, False),
    "collect outputs of a loop": lambda e: _gathered(e) and _loops(e, True),
    "collect outputs of literal loop": lambda e: _gathered(e) and not _loops(e, True),
    "condition on a value": lambda e: any(not _on_status(w) for w in _conditions(e)),
    "step status as a value": lambda e: e.uses(r"\$\(tasks\.[\w-]+\.(status|reason)\)"),
    "run status/failures/duration variable": lambda e: e.uses(r"\$\(tasks\.status\)"),
    "exit handler/finally": lambda e: any(p.get("finally") for p in e.pipelines),
    "nested pipelines (flatten)": lambda e: any(c.get("pipelineSpec") or c.get("pipelineRef") for c in e.calls),
    "go on after a skipped step": _skipped_before,
    "tolerated failure": lambda e: any(c.get("onError") == "continue" for c in e.calls),
    "continue on step error (text)": lambda e: any(s.get("onError") == "continue" for s in e.steps),
    "expressions (expr/sprig/jsonpath)": lambda e: any("matches(" in str(w.get("cel")) for w in _conditions(e)),
    "run timeout": lambda e: walk.has(e.specs, "timeouts"),
    # values
    "run results (values)": lambda e: any(p.get("results") for p in e.pipelines),
    "list spread into args / indexing": lambda e: e.uses(r"\$\([\w.\-\[\]\"']+\[(\*|\d+)\]\)"),
    "image from a parameter": lambda e: any("$(" in str(s.get("image")) for s in e.steps),
    "pipeline parameters in pod settings": lambda e: _from_parameter(e, "nodeSelector", "claimName", "configMap", "subPath"),
    "secret, time-out or toleration from a parameter": lambda e: _from_parameter(e, "secret", "timeout", "tolerations", "securityContext"),
    "undeclared run parameters": lambda e: any("extra" in str(o.get("metadata", {}).get("generateName")) for o in e.objects),
    "result over 64 KiB": lambda e: any("large-result" in str(o.get("metadata")) for o in e.objects)
    and not e.uses(r"compress"),
    # pods
    "several containers in turn in one pod": lambda e: any(len(_runs(t)) > 1 for t in e.tasks),
    "image without command": lambda e: any(_image_only(s) for s in e.steps + e.sidecars),
    "sidecar": lambda e: bool(e.sidecars),
    "run-scoped volume (volumeClaimTemplates)": lambda e: walk.has(e.specs, "volumeClaimTemplate"),
    "optional volume (workspace)": lambda e: any(w.get("optional") for d in walk.dicts(e.specs) for w in d.get("workspaces") or []
                                                if isinstance(w, dict)),
    "root or privileged container": lambda e: 0 in _user_ids(e) or walk.has(e.specs, "privileged"),
    "user id of one's own (runAsUser)": lambda e: any(u > 0 for u in _user_ids(e)),
    "pod labels/annotations": lambda e: any((d.get("taskSpec") or {}).get("metadata") for d in walk.dicts(e.specs)),
    "windows node": lambda e: e.uses(r"^windows$", [d.get("podTemplate") for d in walk.dicts(e.specs)]),
    "credentials by service account": _credentials,
    # where definitions come from, and what is signed
    "remote resolver (git/hub/bundle/cluster)": lambda e: walk.has(e.specs, "resolver"),
    "supply chain (provenance/signing) types": lambda e: e.uses(r"artifacts?\.(outputs|path)|\.outputs\.[\w-]+\)")
    or walk.has(e.specs, "artifacts"),
}


def features(e):
    return {name for name, needed in DETECTORS.items() if needed(e)}
