"""Argo's Workflow, WorkflowTemplate, ClusterWorkflowTemplate and CronWorkflow as a Pipeline.

Fields: Argo Workflows' page on its fields (v3.6). Nothing is cached, as there; `memoize` is.
"""
from penstock.convert import argo_fields as fields
from penstock.convert.argo_steps import Templates
from penstock.convert.argo_values import Scope
from penstock.convert.reading import Names, pipeline_name, whole
from penstock.values import written

_SPEC = ("entrypoint", "templates", "arguments", "onExit", "parallelism", "activeDeadlineSeconds", "serviceAccountName", "nodeSelector",
         "tolerations", "affinity", "imagePullSecrets", "schedulerName", "priorityClassName", "podPriorityClassName", "podMetadata",
         "volumes", "volumeClaimTemplates", "synchronization", "ttlStrategy", "suspend", "podGC", "archiveLogs", "retryStrategy",
         "workflowMetadata", "volumeClaimGC", "artifactGC", "templateDefaults", "hooks", "securityContext")
_LEFT_OUT = {"podGC": "pods are deleted when their step has ended", "archiveLogs": "logs are kept with the run",
             "volumeClaimGC": "claims of a run go with it", "artifactGC": "artifacts stay in the store", "workflowMetadata": "labels of runs"}
_CRON = ("schedule", "schedules", "timezone", "concurrencyPolicy", "startingDeadlineSeconds", "suspend", "workflowSpec",
         "successfulJobsHistoryLimit", "failedJobsHistoryLimit", "workflowMetadata")


def pipeline_of(documents, problems, files=None):
    return [manifest for i, document in enumerate(documents)
            if (manifest := _one(document, f"[{i}]." if len(documents) > 1 else "", problems))]


def _one(document, at, problems):
    kind = document.get("kind")
    spec, path, extra = document.get("spec", {}), f"{at}spec", {}
    if kind == "CronWorkflow":
        problems.fields(spec, path, _CRON)
        extra = _schedules(spec, path, problems)
        spec, path = spec.get("workflowSpec", {}), f"{path}.workflowSpec"
    elif kind not in ("Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate"):
        problems.no(f"{at}kind", f"{kind!r} is no Workflow, WorkflowTemplate, ClusterWorkflowTemplate or CronWorkflow")
        return None
    meta = document.get("metadata", {})
    name = pipeline_name(meta.get("name") or meta.get("generateName", "workflow").rstrip("-"))
    out = {"runPolicy": "Manual", **extra, **Workflow(spec, path, problems).spec()}
    return {"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": name}, "spec": out}


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
    def __init__(self, spec, path, problems):
        self.node, self.path, self.problems = problems.fields(spec, path, _SPEC), path, problems
        self.names = Names()
        for field, why in _LEFT_OUT.items():
            if field in spec:
                problems.note(f"{path}.{field} is left out: {why}")
        for field in ("hooks", "templateDefaults", "securityContext"):
            if field in spec:
                problems.no(f"{path}.{field}")

    def spec(self):
        parameters = self._parameters()
        out = {"parameters": parameters} if parameters else {}
        out["defaults"] = self._defaults()
        out.update(self._limits())
        globals_ = [p["name"] for p in (self.node.get("arguments") or {}).get("parameters") or []]
        templates = Templates(self.node, self.path, self.names, globals_, self.problems)
        scope = Scope(self.problems, self.names, globals_)
        artifacts = self._artifacts()
        entry = self.node.get("entrypoint")
        if not entry:
            self.problems.no(f"{self.path}.entrypoint", "is missing")
            return out
        out["steps"], gives = templates.pipeline(entry, scope, artifacts, f"{self.path}.entrypoint")
        if self.node.get("onExit"):
            out["finally"] = [templates.step(self.node["onExit"], {"template": self.node["onExit"]}, scope, f"{self.path}.onExit", {})]
        out.update(gives)
        return out

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
        return fields.with_list_types(out, self.node, self.names)

    def _artifacts(self):
        """{name: URI} of the workflow's own artifacts."""
        out = {}
        for i, artifact in enumerate((self.node.get("arguments") or {}).get("artifacts") or []):
            out[artifact["name"]] = fields.uri_of(artifact, f"{self.path}.arguments.artifacts[{i}]", self.problems)
        return out

    def _defaults(self):
        node, out = self.node, {"cache": {"enabled": False}}
        for theirs, ours in (("serviceAccountName", "serviceAccountName"), ("nodeSelector", "nodeSelector"), ("tolerations", "tolerations"),
                             ("affinity", "affinity"), ("imagePullSecrets", "imagePullSecrets"), ("schedulerName", "schedulerName"),
                             ("priorityClassName", "priorityClassName"), ("podPriorityClassName", "priorityClassName")):
            if theirs in node:
                out[ours] = node[theirs]
        if "podMetadata" in node:
            out["pod"] = dict(self.problems.fields(node["podMetadata"], f"{self.path}.podMetadata", ("labels", "annotations")))
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
