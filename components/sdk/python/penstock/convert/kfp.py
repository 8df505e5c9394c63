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
# The entries of what a loop gathered, as a list in JSON: 0000, 0001, ...
_LIST = """cd "$1" && s= && { printf '['; for f in [0-9]*; do [ -e "$f" ] || continue; printf '%s"%s"' "$s" "$f"; s=,; done; printf ']'; } >"$2\""""
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
    given = root.gives(steps)
    out["steps"] = steps
    if final:
        out["finally"] = final
    out.update(given)
    return [{"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": pipeline_name(info["name"])}, "spec": out}]


class Dag:
    """One `dag`: its tasks as steps, and where their values come from."""

    def __init__(self, spec, component, path, config, problems, files):
        self.spec, self.component, self.path, self.config, self.problems = spec, component, path, config, problems
        self.files, self.item = files, None
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
            if definition.get("isArtifactList"):
                self.problems.no(f"{self.path}.inputDefinitions.artifacts.{name}.isArtifactList", "a list of artifacts that a run is given is not covered: "
                                 "a loop of the pipeline makes one")
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
            if "artifactIterator" in task:
                steps.append(self._listed(name, task, component, path))
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
        item = None
        if "artifactIterator" in task:
            item = task["artifactIterator"]["itemInput"]
            limit = task.get("iteratorPolicy", {}).get("parallelismLimit")
            step["forEach"] = {"in": f"$(steps.{self.step_names.of(f'list {name}')}.results.items)", **({"parallelism": limit} if limit else {})}
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
        if "artifactIterator" in task:
            inner.item = task["artifactIterator"]["itemInput"]
        steps, final = inner.steps()
        given = inner.gives(steps)
        picked = [inner.picked(task["artifactIterator"]["items"]["inputArtifact"])] if inner.item else []
        return {"steps": picked + steps + final, **given}

    def _listed(self, name, task, component, path):
        """The step that says which entries a gathered list of artifacts has, for a loop over them."""
        source = task["inputs"]["artifacts"][task["artifactIterator"]["items"]["inputArtifact"]]
        label = next((c for c in self._executors(component)), None)
        if label is None:
            self.problems.no(f"{path}.artifactIterator", "loops over no container, so that there is no image to list its items with")
        return {"name": self.step_names.of(f"list {name}"), "inputs": {"all": self._artifact(source, f"{path}.artifactIterator")},
                "container": {"image": self._image(label), "command": ["sh", "-c", _LIST, "sh", "$(inputs.all.path)", "$(results.items.path)"]},
                "results": [{"name": "items", "type": "list"}]}

    def _executors(self, component):
        """Labels of the executors of a component and of those within it."""
        if "dag" not in component:
            return [component["executorLabel"]] if "container" in self._executor(component) else []
        return [label for task in component["dag"].get("tasks", {}).values() for label in self._executors(self._component(task))]

    def _image(self, label):
        return self.spec["deploymentSpec"]["executors"][label]["container"].get("image", "") if label else ""

    def picked(self, collected):
        """The first step of a loop over artifacts: its item out of all of them."""
        label = next(iter(self._executors(self.component)), None)
        return {"name": self.step_names.of("item of the loop"), "inputs": {"all": f"$(inputs.{self.names.of(collected)})"},
                "parameters": {"item": f"$(parameters.{self.names.of(self.item)})"},
                "container": {"image": self._image(label), "command": ["cp", "-R", "$(inputs.all.path)/$(parameters.item)", "$(outputs.item.path)"]},
                "outputs": [{"name": "item", "type": "file"}]}

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
        if self.item is not None and source.get("componentInputArtifact") == self.item:
            return f"$(steps.{self.step_names.of('item of the loop')}.outputs.item)"
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

    def gives(self, steps):
        """outputs and results of the dag; `steps` gets those that pass on the output of whichever branch ran."""
        told = self.component["dag"].get("outputs", {})
        outputs, results = {}, []
        for name, node in told.get("artifacts", {}).items():
            chosen = node.get("artifactSelectors", [])
            path = f"{self.path}.dag.outputs.artifacts.{name}"
            values = [self._artifact({"taskOutputArtifact": {"producerTask": c["producerSubtask"], "outputArtifactKey": c["outputArtifactKey"]}}, path)
                      for c in chosen]
            outputs[Names().of(name)] = values[0] if len(values) == 1 else self._passed_on(name, values, chosen, steps, path)
        for name, node in told.get("parameters", {}).items():
            path = f"{self.path}.dag.outputs.parameters.{name}"
            self.problems.fields(node, path, ("valueFromParameter", "valueFromOneof"))
            if "valueFromOneof" in node:
                value = {"firstOf": [self._from(s) for s in node["valueFromOneof"]["parameterSelectors"]]}
            else:
                value = self._from(node["valueFromParameter"])
            results.append({"name": Names().of(name), "value": value})
        return {k: v for k, v in (("outputs", outputs), ("results", results)) if v}

    def _passed_on(self, name, values, chosen, steps, path):
        """OneOf of artifacts: a step that takes the first that is there."""
        label = next((label for c in chosen for label in self._executors(self._component(self.tasks[c["producerSubtask"]]))), None)
        if label is None:
            self.problems.no(path, "is not covered of tasks without a container: let the task that reads it take optional inputs")
        step = self.step_names.of(f"choose {name}")
        steps.append({"name": step, "inputs": {"chosen": {"firstOf": values}}, "container": {
            "image": self._image(label), "command": ["cp", "-R", "$(inputs.chosen.path)", "$(outputs.chosen.path)"]},
            "outputs": [{"name": "chosen", "type": "file"}]})
        self.problems.note("OneOf of artifacts, and items of lists of them, are handed on by cp of the images of their tasks")
        return f"$(steps.{step}.outputs.chosen)"

    def _from(self, selector):
        return f"$(steps.{self.step_names.of(selector['producerSubtask'])}.results.{self._result(selector)})"
