"""Compiled KFP pipelines (IR, schemaVersion 2.x) as Pipelines. Every DAG within becomes a pipeline in place."""
import json
import re

from penstock.convert import kfp_platform
from penstock.convert.kfp_component import ARTIFACTS, ComponentProgram, type_of
from penstock.convert.reading import Names, pipeline_name, step_names, whole
from penstock.values import CLOSE, OPEN, Done, written

_TASK = ("taskInfo", "componentRef", "inputs", "dependentTasks", "cachingOptions", "triggerPolicy", "retryPolicy", "parameterIterator",
         "iteratorPolicy", "artifactIterator")
_FIELD = re.compile(r'parseJson\(string_value\)(\["[^"]+"\])+')
_CHANNEL = re.compile(r"\{\{\$\.inputs\.parameters\['([^']+)'\]\}\}")
_VALUE = re.compile(r"inputs\.parameter_values\['([^']+)'\]")
_URI = re.compile(r"(https?|file)://|sha256:")


def pipeline_of(documents, problems, files=None, _also=()):
    spec, *platforms = documents
    spec = problems.fields(spec.get("pipelineSpec", spec), "", ("components", "deploymentSpec", "pipelineInfo", "root", "schemaVersion",
                                                                "sdkVersion", "defaultPipelineRoot"))
    if not str(spec.get("schemaVersion", "")).startswith("2."):
        problems.no("schemaVersion", f"{spec.get('schemaVersion')!r} is none of KFP's IR: compile the pipeline with kfp 2 first")
        return []
    config = kfp_platform.Platform(platforms, problems)
    root = Dag(spec, spec["root"], "root", config, problems, files)
    info = spec["pipelineInfo"]
    out = {"description": info["description"]} if info.get("description") else {}
    out["runPolicy"] = "Manual"
    out.update(root.declared())
    steps, final = root.steps()
    out["steps"] = steps
    if final:
        out["finally"] = final
    out.update(root.gives())
    return [{"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": pipeline_name(info["name"])}, "spec": out}]


class Dag:
    """One `dag`: its tasks as steps, and where their values come from."""

    def __init__(self, spec, component, path, config, problems, files):
        self.spec, self.component, self.path, self.config, self.problems = spec, component, path, config, problems
        self.files = files
        self.tasks = component["dag"].get("tasks", {})
        self.names, self.step_names = Names(), step_names()
        problems.fields(component["dag"], f"{path}.dag", ("tasks", "outputs"))

    def declared(self):
        """parameters and inputs of the pipeline."""
        parameters, inputs = [], []
        definitions = self.component.get("inputDefinitions", {})
        for name, definition in definitions.get("parameters", {}).items():
            kind = type_of(definition, f"{self.path}.inputDefinitions.parameters.{name}", self.problems)
            entry = {"name": self.names.of(name), "type": kind}
            if "defaultValue" in definition:
                entry["default"] = definition["defaultValue"] if kind == "number" else whole(definition["defaultValue"])
            elif definition.get("isOptional"):
                entry["optional"] = True
            if definition.get("description"):
                entry["description"] = definition["description"]
            parameters.append(entry)
        for name, definition in definitions.get("artifacts", {}).items():
            inputs.append({"name": self.names.of(name), "type": self._kind(definition), **({"optional": True} if definition.get("isOptional") else {})})
        return {k: v for k, v in (("parameters", parameters), ("inputs", inputs)) if v}

    @staticmethod
    def _kind(definition):
        return ARTIFACTS.get(definition.get("artifactType", {}).get("schemaTitle"), "file")

    def steps(self):
        """(steps, those of finally)."""
        steps, final = [], []
        for name, task in self.tasks.items():
            path = f"{self.path}.dag.tasks.{name}"
            self.problems.fields(task, path, _TASK)
            component = self._component(task)
            if "importer" in self._executor(component):
                continue  # its users read the URI
            step = self._step(name, task, component, path)
            (final if self._is_exit(task) and self.path == "root" else steps).append(step)
        return steps, final

    def _component(self, task):
        return self.spec["components"][task["componentRef"]["name"]]

    def _executor(self, component):
        label = component.get("executorLabel")
        return self.spec["deploymentSpec"]["executors"][label] if label else {}

    @staticmethod
    def _is_exit(task):
        after = task.get("triggerPolicy", {}).get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED"
        return after and any(t.startswith("exit-handler-") for t in task.get("dependentTasks", []))

    def _step(self, name, task, component, path):
        step = {"name": self.step_names.of(name)}
        sources = task.get("inputs", {})
        given = {*sources.get("parameters", {}), *sources.get("artifacts", {})}
        if "artifactIterator" in task:
            self.problems.no(f"{path}.artifactIterator", "a loop over artifacts is not covered: loop over a list of values")
        item = None
        if "parameterIterator" in task:
            item = task["parameterIterator"]["itemInput"]
            given.add(item)
            step["forEach"] = self._loop(task, path)
        policy = self.problems.fields(task.get("triggerPolicy"), f"{path}.triggerPolicy", ("condition", "strategy"))
        if "condition" in policy:
            step["when"] = self._condition(policy["condition"], sources, f"{path}.triggerPolicy.condition")
        waits = self._waits(task, policy)
        if waits:
            step["dependsOn"] = waits
        names = Names()
        lenient = policy.get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED"
        inputs = {names.of(n): self._artifact(s, f"{path}.inputs.artifacts.{n}") for n, s in sources.get("artifacts", {}).items()}
        used = self._used(component, given)
        parameters = {}
        for key, source in sources.get("parameters", {}).items():
            if key in used:
                definition = component.get("inputDefinitions", {}).get("parameters", {}).get(key, {})
                parameters[names.of(key)] = self._value(source, sources, definition, f"{path}.inputs.parameters.{key}", lenient)
        if item:
            parameters[names.of(item)] = Done("$(each.value)")
        if "dag" in component:
            step["pipeline"] = self._nested(component, task, names)
        else:
            self._program(step, component, task, path, given, names)
        step.update({k: v for k, v in (("inputs", inputs), ("parameters", written(parameters))) if v})
        step.update(self._policies(task, path))
        return step

    def _used(self, component, given):
        """The task's parameters that its component declares; channels for templates are looked through."""
        return given & set(component.get("inputDefinitions", {}).get("parameters", {}))

    def _nested(self, component, task, names):
        inner = Dag(self.spec, component, f"components.{task['componentRef']['name']}", self.config, self.problems, self.files)
        inner.names = names
        steps, final = inner.steps()
        return {"steps": steps + final, **inner.gives()}

    def _program(self, step, component, task, path, given, names):
        label = component["executorLabel"]
        where = f"deploymentSpec.executors.{label}"
        executor = self.problems.fields(self._executor(component), where, ("container",), "is not covered: only containers are")
        if "container" not in executor:
            return
        program = ComponentProgram(component, executor, where, given, names, self.problems, self.files)
        step["container"] = program.container()
        outputs = component.get("outputDefinitions", {})
        if outputs.get("artifacts"):
            step["outputs"] = [{"name": names.of(n), "type": self._kind(d)} for n, d in outputs["artifacts"].items()]
        if outputs.get("parameters"):
            step["results"] = [{"name": names.of(n), "type": type_of(d, f"{where}: {n}", self.problems)} for n, d in outputs["parameters"].items()]
        resources = program.resources()
        if resources:
            step["resources"] = resources
        self.config.apply(label, step)
        step["container"] = written(step["container"])

    def _policies(self, task, path):
        out = {}
        retry = self.problems.fields(task.get("retryPolicy"), f"{path}.retryPolicy", ("maxRetryCount", "backoffDuration", "backoffFactor", "backoffMaxDuration"))
        if retry:
            user = {"limit": int(retry.get("maxRetryCount", 0))}
            for theirs, ours in (("backoffDuration", "backoff"), ("backoffMaxDuration", "maxBackoff"), ("backoffFactor", "backoffFactor")):
                if retry.get(theirs) not in (None, "0s", 0):
                    user[ours] = whole(retry[theirs])
            out["retry"] = {"user": user}
        if "dag" not in self._component(task):
            caching = self.problems.fields(task.get("cachingOptions"), f"{path}.cachingOptions", ("enableCache", "cacheKey"))
            cached = caching.get("enableCache", False)
            out["cache"] = {"trustTag": True, **({"salt": caching["cacheKey"]} if caching.get("cacheKey") else {})} if cached else {"enabled": False}
        return out

    def _loop(self, task, path):
        iterator, sources = task["parameterIterator"], task.get("inputs", {})
        items = iterator["items"]
        if "raw" in items:
            told = {"in": whole(json.loads(items["raw"]))}
        else:
            told = {"in": written(self._value(sources["parameters"][items["inputParameter"]], sources, {}, path, False))}
        limit = task.get("iteratorPolicy", {}).get("parallelismLimit")
        return {**told, **({"parallelism": limit} if limit else {})}

    def _waits(self, task, policy):
        """dependsOn: what the references do not say by themselves."""
        importers = {t for t in self.tasks if "importer" in self._executor(self._component(self.tasks[t]))}
        outcome = {"outcome": "Any"} if policy.get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED" else {}
        return [{"step": self.step_names.of(t), **outcome} for t in task.get("dependentTasks", []) if t not in importers]

    def _value(self, source, sources, definition, path, lenient):
        """A parameter's source as our value, with private references (penstock.values)."""
        self.problems.fields(source, path, ("componentInputParameter", "taskOutputParameter", "runtimeValue", "parameterExpressionSelector", "taskFinalStatus"))
        field = ""
        if "parameterExpressionSelector" in source:
            found = _FIELD.fullmatch(source["parameterExpressionSelector"])
            if not found:
                self.problems.no(f"{path}.parameterExpressionSelector", f"{source['parameterExpressionSelector']!r} is not covered")
            else:
                field = found.group()[len("parseJson(string_value)"):]
                field = re.sub(r'\["([A-Za-z_][A-Za-z0-9_-]*)"\]', lambda m: m.group() if m.group(1) in ("path",) else f".{m.group(1)}", field)
        if "componentInputParameter" in source:
            return f"{OPEN}parameters.{self.names.of(source['componentInputParameter'])}{field}{CLOSE}"
        if "taskOutputParameter" in source:
            made = source["taskOutputParameter"]
            told = f"steps.{self.step_names.of(made['producerTask'])}.results.{self._result(made)}{field}"
            if lenient:
                default = whole(definition["defaultValue"]) if "defaultValue" in definition else None
                return Done({"firstOf": [f"$({told})", default]})
            return f"{OPEN}{told}{CLOSE}"
        if "taskFinalStatus" in source:
            made = self.step_names.of(source["taskFinalStatus"]["producerTask"])
            return {"state": f"{OPEN}steps.{made}.status{CLOSE}", "run": f"{OPEN}run.name{CLOSE}", "task": made}
        constant = source.get("runtimeValue", {}).get("constant")
        if isinstance(constant, str):
            return _CHANNEL.sub(lambda m: self._value(sources["parameters"][m.group(1)], sources, {}, path, False)
                                if m.group(1) in sources.get("parameters", {}) else m.group(), constant)
        return constant if definition.get("parameterType") == "NUMBER_DOUBLE" else whole(constant)

    def _result(self, made):
        """Our name of a task's output parameter."""
        return Names().of(made["outputParameterKey"])

    def _artifact(self, source, path):
        self.problems.fields(source, path, ("componentInputArtifact", "taskOutputArtifact"))
        if "componentInputArtifact" in source:
            return f"$(inputs.{self.names.of(source['componentInputArtifact'])})"
        made = source["taskOutputArtifact"]
        producer = self.tasks[made["producerTask"]]
        executor = self._executor(self._component(producer))
        if "importer" in executor:
            return self._imported(executor["importer"], producer, f"{path} (importer)")
        return f"$(steps.{self.step_names.of(made['producerTask'])}.outputs.{Names().of(made['outputArtifactKey'])})"

    def _imported(self, importer, task, path):
        """The URI that an importer names."""
        sources = task.get("inputs", {})
        uri = importer.get("artifactUri", {})
        if "runtimeParameter" in uri or "uri" in sources.get("parameters", {}):
            uri = self._value(sources["parameters"][uri.get("runtimeParameter", "uri")], sources, {}, path, False)
        else:
            uri = uri.get("constant", "")
        if not _URI.match(uri) and OPEN not in uri:
            self.problems.no(path, f"{uri!r} is no URI that a step reads (https://, http://, file://): put the file into the store "
                             "(penstock artifact put) and name its digest")
        return written(uri)

    def _condition(self, text, sources, path):
        """KFP's conditions are CEL over the task's own inputs."""
        def value(match):
            name = match.group(1)
            if name not in sources.get("parameters", {}):
                self.problems.no(path, f"names the input {name}, which the task does not have")
                return "null"
            from penstock.values import _cel
            told = self._value(sources["parameters"][name], sources, {}, path, False)
            if not (isinstance(told, str) and told.startswith(OPEN) and told.count(OPEN) == 1):
                return json.dumps(told)
            return _cel(told[1:-1])
        return _VALUE.sub(value, text)

    def gives(self):
        """outputs and results of the dag."""
        told = self.component["dag"].get("outputs", {})
        outputs, results = {}, []
        for name, node in told.get("artifacts", {}).items():
            chosen = node.get("artifactSelectors", [])
            path = f"{self.path}.dag.outputs.artifacts.{name}"
            if len(chosen) != 1:
                self.problems.no(path, "an output of several branches (OneOf of artifacts) is not covered: let a step with an optional input pass it on")
                continue
            outputs[Names().of(name)] = self._artifact({"taskOutputArtifact": {
                "producerTask": chosen[0]["producerSubtask"], "outputArtifactKey": chosen[0]["outputArtifactKey"]}}, path)
        for name, node in told.get("parameters", {}).items():
            path = f"{self.path}.dag.outputs.parameters.{name}"
            self.problems.fields(node, path, ("valueFromParameter", "valueFromOneof"))
            if "valueFromOneof" in node:
                value = {"firstOf": [self._from(s) for s in node["valueFromOneof"]["parameterSelectors"]]}
            else:
                value = self._from(node["valueFromParameter"])
            results.append({"name": Names().of(name), "value": value})
        return {k: v for k, v in (("outputs", outputs), ("results", results)) if v}

    def _from(self, selector):
        return f"$(steps.{self.step_names.of(selector['producerSubtask'])}.results.{self._result(selector)})"
