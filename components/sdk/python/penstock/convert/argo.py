"""Argo's Workflow, WorkflowTemplate, ClusterWorkflowTemplate and CronWorkflow as a Pipeline.

Fields: Argo Workflows' page on its fields (v3.6). Nothing is cached, as there; `memoize` is.
"""
import json

from penstock.convert import argo_fields as fields
from penstock.convert.argo_hooks import at_the_end
from penstock.convert.argo_library import Library, merged
from penstock.convert.argo_shapes import check
from penstock.convert.argo_types import Lists
from penstock.convert.argo_steps import Templates
from penstock.convert.argo_values import Scope
from penstock.convert.reading import Names, pipeline_name, whole
from penstock.values import written

_SPEC = ("entrypoint", "templates", "arguments", "onExit", "parallelism", "activeDeadlineSeconds", "serviceAccountName", "nodeSelector",
         "tolerations", "affinity", "imagePullSecrets", "schedulerName", "priorityClassName", "podPriorityClassName", "podMetadata",
         "volumes", "volumeClaimTemplates", "synchronization", "ttlStrategy", "suspend", "podGC", "archiveLogs", "retryStrategy",
         "workflowMetadata", "volumeClaimGC", "artifactGC", "templateDefaults", "hooks", "securityContext", "workflowTemplateRef",
         "podResources", "resourceClaims", "hostAliases", "dnsPolicy", "dnsConfig", "automountServiceAccountToken", "executor")
_LEFT_OUT = {"podGC": "pods are deleted when their step has ended", "archiveLogs": "logs are kept with the run",
             "volumeClaimGC": "claims of a run go with it", "artifactGC": "artifacts stay in the store", "workflowMetadata": "labels of runs"}
_CRON = ("schedule", "schedules", "timezone", "concurrencyPolicy", "startingDeadlineSeconds", "suspend", "workflowSpec",
         "successfulJobsHistoryLimit", "failedJobsHistoryLimit", "workflowMetadata")


def pipeline_of(documents, problems, files=None, also=()):
    """The Pipelines of the documents. `also`: documents whose templates may be called."""
    several = len(documents) > 1
    placed = [(document, f"[{i}].spec" if several else "spec") for i, document in enumerate(documents)]
    shaped = [check(document, at[:-len("spec")], problems) for document, at in placed] + [check(d, f"{name}: ", problems) for name, d in also]
    if not all(shaped):
        return []
    library = Library([*placed, *((document, f"{name}: spec") for name, document in also)], problems)
    return [manifest for document, at in placed for manifest in _one(document, at[:-len("spec")], problems, library, several or bool(also))]


def _one(document, at, problems, library, called):
    kind = document.get("kind")
    spec, path, extra = document.get("spec") or {}, f"{at}spec", {}
    if kind == "CronWorkflow":
        problems.fields(spec, path, _CRON)
        extra = _schedules(spec, path, problems)
        spec, path = spec.get("workflowSpec") or {}, f"{path}.workflowSpec"
    elif kind not in ("Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate"):
        problems.no(f"{at}kind", f"{kind!r} is no Workflow, WorkflowTemplate, ClusterWorkflowTemplate or CronWorkflow")
        return []
    meta = document.get("metadata") or {}
    name = pipeline_name(meta.get("name") or meta.get("generateName", "workflow").rstrip("-"))
    if "workflowTemplateRef" in spec:
        base = library.workflow(spec["workflowTemplateRef"], f"{path}.workflowTemplateRef")
        if base is None:
            return []
        spec = merged(spec, base[0])
    elif called and not spec.get("entrypoint") and kind in ("WorkflowTemplate", "ClusterWorkflowTemplate"):
        problems.note(f"the {kind} {meta.get('name')} has no entrypoint: its templates stand where they are called")
        return []
    workflow = Workflow(spec, path, problems, library, name)
    out = {"runPolicy": "Manual", **extra, **workflow.spec()}
    return [{"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": name}, "spec": out}, *workflow.more]


def _schedules(spec, path, problems):
    crons = spec.get("schedules") or ([spec["schedule"]] if "schedule" in spec else [])
    zone = {"timeZone": spec["timezone"]} if spec.get("timezone") else {}
    schedules = [{"name": f"schedule-{i + 1}" if len(crons) > 1 else "schedule", "cron": cron, **zone} for i, cron in enumerate(crons)]
    out = {"schedules": schedules}
    policy = spec.get("concurrencyPolicy", "Allow")
    out["concurrency"] = {"policy": policy, **({"max": 100} if policy == "Allow" else {})}
    limits = {ours: spec[theirs] for theirs, ours in (("successfulJobsHistoryLimit", "succeeded"), ("failedJobsHistoryLimit", "failed")) if theirs in spec}
    if limits:
        out["historyLimits"] = limits
    if spec.get("startingDeadlineSeconds"):
        out["schedulePolicy"] = {"startingDeadline": f"{spec['startingDeadlineSeconds']}s"}
    if spec.get("suspend"):
        out["suspend"] = True
    return out


class Workflow:
    """`more`, after spec(): further Pipelines that it calls."""

    def __init__(self, spec, path, problems, library, name):
        self.node, self.path, self.problems = problems.fields(spec, path, _SPEC), path, problems
        self.names, self.library, self.name, self.more = Names(), library, name, []
        specs = [self.node, *(other for other, _ in library.known.values())]
        self.texts, self.lists = json.dumps(specs), Lists(specs)
        for field, why in _LEFT_OUT.items():
            if field in spec:
                problems.note(f"{path}.{field} is left out: {why}")
        problems.fields(self.node.get("executor"), f"{path}.executor", ("serviceAccountName",))

    def spec(self):
        globals_ = [p["name"] for p in (self.node.get("arguments") or {}).get("parameters") or []]
        templates = Templates(self.node, self.path, self.names, globals_, self.problems, self.library, self.name, self.texts, self.lists)
        entry = self.node.get("entrypoint")
        if not entry:
            self.problems.no(f"{self.path}.entrypoint", "is missing: a file of templates alone is named behind that of the workflow that calls them")
            return {}
        asked = templates.entry_inputs(entry)
        templates.globals = globals_ = globals_ + asked
        parameters = self._parameters() + [{"name": self.names.of(n), "type": "list" if n in self.lists.parameters else "string"} for n in asked]
        out = {"parameters": parameters}
        out["defaults"] = self._defaults()
        out.update(self._limits())
        scope = Scope(self.problems, self.names, globals_)
        out["steps"], gives = templates.pipeline(entry, scope, self._artifacts(), f"{self.path}.entrypoint")
        last = at_the_end(templates, self.node, self.path, scope, {s["name"] for s in out["steps"]})
        if last:
            out["finally"] = last
        out.update(gives)
        out["parameters"] = parameters + templates.parameters
        self.more = templates.more
        return {k: v for k, v in out.items() if k != "parameters" or v}

    def _parameters(self):
        out = []
        arguments = self.problems.fields(self.node.get("arguments"), f"{self.path}.arguments", ("parameters", "artifacts"))
        for i, parameter in enumerate(arguments.get("parameters") or []):
            at = f"{self.path}.arguments.parameters[{i}]"
            self.problems.fields(parameter, at, ("name", "value", "default", "enum", "description", "valueFrom"))
            entry = {"name": self.names.of(parameter["name"]), "type": "string"}
            value = parameter.get("value", parameter.get("default"))
            if value is not None:
                entry["default"] = str(value) if not isinstance(value, bool) else str(value).lower()
            if "enum" in parameter:
                entry["enum"] = [str(v) for v in parameter["enum"]]
            if parameter.get("description"):
                entry["description"] = parameter["description"]
            source = self.problems.fields(parameter.get("valueFrom"), f"{at}.valueFrom", ("configMapKeyRef", "default"))
            if "configMapKeyRef" in source:
                entry.pop("default", None)
                entry["valueFrom"] = {"configMapKeyRef": {k: source["configMapKeyRef"][k] for k in ("name", "key")}}
            out.append(entry)
        return fields.with_types(out, self.texts, self.lists.parameters, self.names, self.path, self.problems)

    def _artifacts(self):
        """{name: artifact} of the workflow's own artifacts."""
        return {artifact["name"]: artifact for artifact in (self.node.get("arguments") or {}).get("artifacts") or []}

    def _defaults(self):
        node, out = self.node, {"cache": {"enabled": False}}
        for theirs, ours in (("serviceAccountName", "serviceAccountName"), ("nodeSelector", "nodeSelector"), ("tolerations", "tolerations"),
                             ("affinity", "affinity"), ("imagePullSecrets", "imagePullSecrets"), ("schedulerName", "schedulerName"),
                             ("priorityClassName", "priorityClassName"), ("podPriorityClassName", "priorityClassName")):
            if theirs in node:
                out[ours] = node[theirs]
        pod = fields.pod(node, self.path, self.problems, "podMetadata")
        if pod:
            out["pod"] = pod
        if "retryStrategy" in node:
            out["retry"] = fields.retry(node["retryStrategy"], f"{self.path}.retryStrategy", self.problems)
        return written(out)

    def _limits(self):
        node, out = self.node, {}
        if node.get("parallelism"):
            out["parallelism"] = whole(node["parallelism"])
        if node.get("activeDeadlineSeconds"):
            out["timeouts"] = {"run": f"{whole(node['activeDeadlineSeconds'])}s"}
        if node.get("ttlStrategy"):
            ttl = self.problems.fields(node["ttlStrategy"], f"{self.path}.ttlStrategy",
                                       ("secondsAfterCompletion", "secondsAfterSuccess", "secondsAfterFailure"))
            both = ttl.get("secondsAfterCompletion")
            pair = {"succeeded": ttl.get("secondsAfterSuccess", both), "failed": ttl.get("secondsAfterFailure", both)}
            out["ttlAfterFinished"] = {k: f"{v}s" for k, v in pair.items() if v is not None}
        if node.get("suspend"):
            self.problems.no(f"{self.path}.suspend", "a Pipeline's `suspend` holds back schedules; suspend the run instead")
        locks = fields.locks(node.get("synchronization"), f"{self.path}.synchronization", self.problems)
        if locks:
            out["locks"] = locks
        claims = []
        for i, claim in enumerate(node.get("volumeClaimTemplates") or []):
            at = f"{self.path}.volumeClaimTemplates[{i}]"
            told = self.problems.fields(claim.get("spec"), f"{at}.spec", ("accessModes", "resources", "storageClassName"))
            entry = {"size": told.get("resources", {}).get("requests", {}).get("storage", "")}
            entry.update({k: told[k] for k in ("storageClassName", "accessModes") if k in told})
            claims.append({"name": claim["metadata"]["name"], "claim": entry})
        if claims:
            out["volumes"] = claims
        return out
