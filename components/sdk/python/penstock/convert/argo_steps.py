"""Templates of a workflow as steps: what runs is written where it is called, what calls others becomes a pipeline in place."""
import json
import re

from penstock.convert import argo_fields as fields
from penstock.convert.argo_program import Program
from penstock.convert.argo_values import VARIABLE, Scope
from penstock.convert.reading import step_names, whole
from penstock.values import Done, written

_TEMPLATE = ("name", "inputs", "outputs", "container", "script", "steps", "dag", "suspend", "retryStrategy", "activeDeadlineSeconds",
             "timeout", "nodeSelector", "tolerations", "affinity", "serviceAccountName", "priorityClassName", "schedulerName", "volumes",
             "synchronization", "metadata", "parallelism", "memoize", "failFast", "archiveLocation", "annotations")
_CALL = ("name", "template", "inline", "arguments", "when", "withItems", "withParam", "withSequence", "continueOn", "dependencies", "depends")
_WANTS_RESULT = re.compile(r"\{\{=?\s*(?:steps|tasks)\.([^.}]+)\.outputs\.result\s*\}\}")
_TERM = re.compile(r"([A-Za-z0-9_-]+)(?:\.(Succeeded|Failed|Errored|Skipped|Daemoned|AnySucceeded|AllFailed))?")
_OUTCOMES = {frozenset(["Succeeded"]): None, frozenset(["Failed"]): "Failed", frozenset(["Failed", "Errored"]): "Failed",
             frozenset(["Skipped"]): "Skipped", frozenset(["Succeeded", "Skipped"]): "SucceededOrSkipped",
             frozenset(["Succeeded", "Skipped", "Daemoned"]): "SucceededOrSkipped", frozenset(["Succeeded", "Failed"]): "Any",
             frozenset(["Succeeded", "Failed", "Errored"]): "Any", frozenset(["Succeeded", "Failed", "Skipped"]): "Any",
             frozenset(["Succeeded", "Failed", "Errored", "Skipped"]): "Any"}


class Templates:
    def __init__(self, spec, path, names, globals_, problems):
        self.path, self.names, self.globals, self.problems = path, names, globals_, problems
        self.spec, self.by_name, self.open = spec, {}, []
        for i, template in enumerate(spec.get("templates") or []):
            self.by_name[template.get("name")] = (template, f"{path}.templates[{i}]")
        self.wanted = set(_WANTS_RESULT.findall(json.dumps(spec)))

    def pipeline(self, entry, scope, artifacts, at):
        """(steps, outputs and results) of the entrypoint."""
        template, path = self._find(entry, at)
        if template is None:
            return [], {}
        if "steps" in template or "dag" in template:
            for name, _ in self._inputs(template, "parameters"):
                if name not in self.globals:
                    self.problems.no(f"{path}.inputs.parameters", f"{name} of the entrypoint is no argument of the workflow")
            self.open.append(entry)
            made = self._graph(template, path, artifacts)
            self.open.pop()
            return made
        given = {"arguments": {"parameters": [{"name": n, "value": f"{{{{workflow.parameters.{n}}}}}"}
                                              for n, p in self._inputs(template, "parameters") if n in self.globals]}}
        step = self.step(entry, {"template": entry, **given}, scope, at, artifacts)
        outputs = {o["name"]: f"$(steps.{step['name']}.outputs.{o['name']})" for o in step.get("outputs", [])}
        return [step], {"outputs": outputs} if outputs else {}

    def _find(self, name, at):
        if name not in self.by_name:
            self.problems.no(at, f"there is no template {name!r} in the file")
            return None, None
        if name in self.open:
            self.problems.no(at, f"the template {name} calls itself ({' -> '.join([*self.open, name])}), which is not covered: use a loop")
            return None, None
        template, path = self.by_name[name]
        self.problems.fields(template, path, _TEMPLATE)
        return template, path

    @staticmethod
    def _inputs(template, what):
        return [(entry["name"], entry) for entry in (template.get("inputs") or {}).get(what) or []]

    def step(self, name, call, scope, at, artifacts):
        """A call of a template as a step."""
        self.problems.fields(call, at, _CALL)
        if "inline" in call:
            template, path = call["inline"], f"{at}.inline"
            self.problems.fields(template, path, _TEMPLATE)
        else:
            template, path = self._find(call.get("template"), f"{at}.template")
        step = {"name": scope.steps.get(name) or step_names().of(name)}
        if template is None:
            return step
        loop = fields.loop(call, scope, at, self.problems)
        calls = Scope(self.problems, self.names, scope.globals, scope.inputs, scope.artifacts, scope.steps, in_loop=loop is not None)
        if loop:
            step["forEach"] = written(loop)
            if template.get("parallelism") and "steps" not in template and "dag" not in template:
                step["forEach"]["parallelism"] = template["parallelism"]
        if "when" in call:
            step["when"] = calls.condition(str(call["when"]), f"{at}.when")
        if call.get("continueOn"):
            told = self.problems.fields(call["continueOn"], f"{at}.continueOn", ("failed", "error"))
            step["allowFailure"] = bool(told.get("failed") or told.get("error"))
        parameters, inputs = self._arguments(template, call, calls, at, path, artifacts)
        self.open.append(template.get("name"))
        self._body(step, template, path, name, parameters, inputs)
        self.open.pop()
        step.update({k: v for k, v in (("inputs", inputs), ("parameters", written(parameters))) if v})
        if "suspend" not in template:
            step.update(self._policies(template, path))
            if loop and step.get("retry", {}).pop("maxDuration", None):
                self.problems.no(f"{path}.retryStrategy.backoff.maxDuration", "is not covered of a loop: give a limit")
        return step

    def _body(self, step, template, path, name, parameters, inputs):
        kinds = [k for k in ("container", "script", "steps", "dag", "suspend") if k in template]
        if len(kinds) != 1:
            self.problems.no(path, f"has {', '.join(kinds) or 'none'} of container, script, steps, dag and suspend: just one is covered")
            return
        own = Scope(self.problems, self.names, self.globals, [n for n, _ in self._inputs(template, "parameters")],
                    [n for n, _ in self._inputs(template, "artifacts")], in_container=True)
        if kinds[0] in ("container", "script"):
            program = Program(template, path, own, self.problems, name in self.wanted)
            step["container"] = program.container()
            step["container"].pop("resources", None)
            if program.spec.get("resources"):
                step["resources"] = dict(self.problems.fields(program.spec["resources"], f"{path}.{kinds[0]}.resources", ("requests", "limits")))
            self._outputs(step, template, path, name in self.wanted)
        elif kinds[0] == "suspend":
            told = self.problems.fields(template["suspend"], f"{path}.suspend", ("duration",))
            if told.get("duration"):
                text = str(told["duration"])
                step["wait"] = {"duration": f"{text}s" if text.isdigit() else text}
            else:
                step["approval"] = self._approval(template, path)
                parameters.clear()
        else:
            steps, gives = self._graph(template, path, {n: Done(f"$(inputs.{self.names.of(n)})") for n, _ in self._inputs(template, "artifacts")})
            step["pipeline"] = {"steps": steps, **gives}

    def _approval(self, template, path):
        values = []
        for i, (name, parameter) in enumerate(self._outputs_of(template)):
            self.problems.fields(parameter.get("valueFrom"), f"{path}.outputs.parameters[{i}].valueFrom", ("supplied",))
            values.append({"name": self.names.of(name), "type": "string"})
        for _, parameter in self._inputs(template, "parameters"):
            if "enum" in parameter and len(values) == 1:
                values[0].update(enum=parameter["enum"], **({"default": parameter["default"]} if "default" in parameter else {}))
        return {"message": f"Go on after {template.get('name')}?", **({"values": values} if values else {})}

    @staticmethod
    def _outputs_of(template):
        return [(entry["name"], entry) for entry in (template.get("outputs") or {}).get("parameters") or []]

    def _outputs(self, step, template, path, wants_result):
        node = self.problems.fields(template.get("outputs"), f"{path}.outputs", ("parameters", "artifacts"))
        outputs, results = [], [{"name": "result", "type": "string"}] if wants_result else []
        for i, artifact in enumerate(node.get("artifacts") or []):
            self.problems.fields(artifact, f"{path}.outputs.artifacts[{i}]", ("name", "path", "archive", "optional"),
                                 "is not covered: artifacts go into Penstock's store, by their digest")
            outputs.append({"name": self.names.of(artifact["name"]), "type": "file", **({"optional": True} if artifact.get("optional") else {})})
        for i, parameter in enumerate(node.get("parameters") or []):
            at = f"{path}.outputs.parameters[{i}]"
            self.problems.fields(parameter, at, ("name", "valueFrom", "description"))
            self.problems.fields(parameter.get("valueFrom"), f"{at}.valueFrom", ("path", "default"))
            results.append({"name": self.names.of(parameter["name"]), "type": "string"})
        if outputs:
            step["outputs"] = outputs
        if results:
            step["results"] = results

    def _arguments(self, template, call, scope, at, path, artifacts):
        """(parameters, inputs) of the step."""
        self.problems.fields(template.get("inputs"), f"{path}.inputs", ("parameters", "artifacts"))
        arguments = self.problems.fields(call.get("arguments"), f"{at}.arguments", ("parameters", "artifacts"))
        given = {p["name"]: p for p in arguments.get("parameters") or []}
        parameters, inputs = {}, {}
        for name, declared in self._inputs(template, "parameters"):
            source = given.pop(name, None)
            where = f"{at}.arguments.parameters.{name}"
            if source is not None:
                self.problems.fields(source, where, ("name", "value"))
                parameters[self.names.of(name)] = scope.text(_text(source.get("value", "")), where)
            elif "value" in declared or "default" in declared:
                parameters[self.names.of(name)] = scope.text(_text(declared.get("value", declared.get("default"))), f"{path}.inputs.parameters.{name}")
            else:
                self.problems.no(where, "is not given")
        if given:
            self.problems.no(f"{at}.arguments.parameters", f"{', '.join(sorted(given))}: the template {template.get('name')} has no such input")
        sources = {a["name"]: a for a in arguments.get("artifacts") or []}
        for name, declared in self._inputs(template, "artifacts"):
            where = f"{at}.arguments.artifacts.{name}"
            inputs[self.names.of(name)] = written(self._artifact(name, sources.get(name), declared, scope, artifacts, where, path))
        return parameters, inputs

    def _artifact(self, name, source, declared, scope, artifacts, where, path):
        if source is None and name in artifacts:
            return artifacts[name]
        if source is None:
            return fields.uri_of(declared, f"{path}.inputs.artifacts.{name}", self.problems)
        if "from" not in source:
            return fields.uri_of(source, where, self.problems)
        self.problems.fields(source, where, ("name", "from"))
        found = VARIABLE.fullmatch(source["from"].strip())
        variable = found.group(2) if found else ""
        parts = variable.split(".")
        if parts[:2] == ["inputs", "artifacts"] and len(parts) == 3 and parts[2] in artifacts:
            return artifacts[parts[2]]
        if parts[:2] == ["workflow", "artifacts"] or not found:
            self.problems.no(f"{where}.from", f"{source['from']!r} is not covered")
            return ""
        told = scope.path(variable, f"{where}.from")
        return Done(f"$({told})")

    def _graph(self, template, path, artifacts):
        """(steps, outputs and results) of a template with steps or dag."""
        kind = "steps" if "steps" in template else "dag"
        names = step_names()
        groups = [[(task, f"{path}.steps[{g}][{i}]") for i, task in enumerate(group if isinstance(group, list) else [group])]
                  for g, group in enumerate(template["steps"])] if kind == "steps" else [
                      [(task, f"{path}.dag.tasks[{i}]") for i, task in enumerate(template["dag"].get("tasks") or [])]]
        if kind == "dag":
            self.problems.fields(template["dag"], f"{path}.dag", ("tasks", "failFast"))
        known = {task["name"]: names.of(task["name"]) for group in groups for task, _ in group}
        scope = Scope(self.problems, self.names, self.globals, [n for n, _ in self._inputs(template, "parameters")],
                      [n for n, _ in self._inputs(template, "artifacts")], known)
        steps, before = [], []
        for group in groups:
            for task, at in group:
                step = self.step(task["name"], task, scope, at, artifacts)
                waits = self._depends(task, known, at) if kind == "dag" else [{"step": known[b], "outcome": "SucceededOrSkipped"} for b in before]
                if waits:
                    step = {"name": step.pop("name"), "dependsOn": waits, **step}
                steps.append(step)
            before = [task["name"] for task, _ in group]
        if template.get("parallelism"):
            self.problems.note(f"{path}.parallelism is left out: a limit stands at the run, and at forEach")
        return steps, self._gives(template, path, scope)

    def _gives(self, template, path, scope):
        node = self.problems.fields(template.get("outputs"), f"{path}.outputs", ("parameters", "artifacts"))
        outputs, results = {}, []
        for i, parameter in enumerate(node.get("parameters") or []):
            at = f"{path}.outputs.parameters[{i}].valueFrom"
            source = self.problems.fields(parameter.get("valueFrom"), at, ("parameter", "default"))
            value = written(scope.text(source.get("parameter", ""), at))
            results.append({"name": self.names.of(parameter["name"]),
                            "value": {"firstOf": [value, source["default"]]} if "default" in source else value})
        for i, artifact in enumerate(node.get("artifacts") or []):
            at = f"{path}.outputs.artifacts[{i}]"
            self.problems.fields(artifact, at, ("name", "from", "optional"))
            outputs[self.names.of(artifact["name"])] = written(scope.text(artifact.get("from", ""), f"{at}.from"))
        return {k: v for k, v in (("outputs", outputs), ("results", results)) if v}

    def _depends(self, task, known, at):
        """dependencies, and `depends` as far as it is a conjunction."""
        if "depends" not in task:
            return [{"step": known[name], "outcome": "SucceededOrSkipped"} for name in task.get("dependencies") or [] if self._is_known(name, known, at)]
        outcomes = {}
        for part in task["depends"].split("&&"):
            terms = [_TERM.fullmatch(t.strip()) for t in part.strip().strip("()").split("||")]
            names = {t.group(1) for t in terms if t}
            if None in terms or len(names) != 1:
                self.problems.no(f"{at}.depends", f"{task['depends']!r} is not covered: alternatives of different tasks wait for `outcome: Any` of each, "
                                 "and a `when` over steps.<name>.status decides")
                return []
            ends = frozenset(t.group(2) or "plain" for t in terms)
            wanted = "SucceededOrSkipped" if ends == {"plain"} else _OUTCOMES.get(ends, "?")
            name = names.pop()
            if wanted == "?" or name in outcomes:
                self.problems.no(f"{at}.depends", f"{part.strip()!r} is not covered")
            elif self._is_known(name, known, at):
                outcomes[name] = wanted
        return [{"step": known[n], **({"outcome": o} if o else {})} for n, o in outcomes.items()]

    def _is_known(self, name, known, at):
        if name not in known:
            self.problems.no(f"{at}.dependencies", f"there is no task {name}")
        return name in known

    def _policies(self, template, path):
        out = {}
        if "retryStrategy" in template:
            out["retry"] = fields.retry(template["retryStrategy"], f"{path}.retryStrategy", self.problems)
        seconds = template.get("activeDeadlineSeconds") or template.get("timeout")
        if seconds:
            text = str(whole(seconds))
            out["timeouts"] = {"attempt": f"{text}s" if text.isdigit() else text}
        for field in ("nodeSelector", "tolerations", "affinity", "serviceAccountName", "priorityClassName", "schedulerName"):
            if field in template:
                out[field] = template[field]
        volumes = [*(template.get("volumes") or []), *(self.spec.get("volumes") or [])]
        mounted = {m["name"] for kind in ("container", "script") for m in (template.get(kind) or {}).get("volumeMounts") or []}
        volumes = [v for v in volumes if v["name"] in mounted]
        if volumes:
            out["volumes"] = volumes
        if "metadata" in template:
            out["pod"] = dict(self.problems.fields(template["metadata"], f"{path}.metadata", ("labels", "annotations")))
        locks = fields.locks(template.get("synchronization"), f"{path}.synchronization", self.problems)
        if locks:
            out["locks"] = locks
        if "memoize" in template:
            memo = self.problems.fields(template["memoize"], f"{path}.memoize", ("key", "cache"))
            out["cache"] = {"enabled": True, "trustTag": True}
            if not VARIABLE.search(str(memo.get("key", ""))):
                out["cache"]["salt"] = str(memo.get("key", ""))
            self.problems.note(f"{path}.memoize: a step is found again by its image, command, parameters and inputs")
        if "archiveLocation" in template:
            self.problems.no(f"{path}.archiveLocation")
        return out


def _text(value):
    """A parameter's value as Argo has it: always text."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)
