"""Templates of a workflow as steps: what runs is written where it is called, what calls others becomes a pipeline in place."""
import json
import re

from penstock.convert import argo_depends as depends
from penstock.convert import argo_fields as fields
from penstock.convert import argo_outside as outside
from penstock.convert.argo_arguments import arguments, input_names, within
from penstock.convert.argo_expressions import NotCovered, parse_expr
from penstock.convert.argo_hooks import hooks_of
from penstock.convert.argo_library import named_templates
from penstock.convert.argo_program import named, programs
from penstock.convert.argo_values import Scope
from penstock.convert.reading import pipeline_name, step_names
from penstock.values import CLOSE, OPEN, FirstOf, written

_TEMPLATE = ("name", "inputs", "outputs", "container", "script", "steps", "dag", "suspend", "retryStrategy", "activeDeadlineSeconds",
             "timeout", "nodeSelector", "tolerations", "affinity", "serviceAccountName", "priorityClassName", "schedulerName", "volumes",
             "synchronization", "metadata", "parallelism", "memoize", "failFast", "annotations", "http", "resource", "containerSet", "daemon",
             "sidecars", "initContainers", "podResources", "resourceClaims", "securityContext", "hostAliases", "automountServiceAccountToken")
_CALL = ("name", "template", "templateRef", "inline", "arguments", "when", "withItems", "withParam", "withSequence", "continueOn", "dependencies",
         "depends", "hooks", "onExit")
_WANTS_RESULT = re.compile(r"""(?:steps|tasks)(?:\.([\w-]+)|\[\\?['"]([^'"\]\\]+)\\?['"]\])\.outputs\.result""")
_KINDS = ("container", "script", "containerSet", "steps", "dag", "suspend", "http", "resource")


class Templates:
    """`manifest` gets further Pipelines: templates that call themselves."""

    def __init__(self, spec, path, names, globals_, problems, library, name, texts, lists):
        self.path, self.names, self.globals, self.problems, self.spec = path, names, globals_, problems, spec
        self.library, self.name, self.open, self.owner = library, name, [], None
        self.templates = {None: named_templates(spec, path, problems)}
        self.wanted = {a or b for a, b in _WANTS_RESULT.findall(texts)}
        self.before, self.more, self.recursive, self.parameters, self.lists = [], [], {}, [], lists
        self.final, self.ends = False, None

    def pipeline(self, entry, scope, artifacts, at):
        """(steps, outputs and results) of the entrypoint."""
        template, path, owner = self._find({"template": entry}, at)
        if template is None:
            return [], {}
        if "steps" in template or "dag" in template:
            self.open.append((owner, entry))
            made = self._graph(template, path, artifacts)
            self.open.pop()
            return self._closed(made)
        given = {"arguments": {"parameters": [{"name": n, "value": f"{{{{workflow.parameters.{n}}}}}"}
                                              for n, _ in named(template, "inputs", "parameters") if n in self.globals]}}
        step = self.step(entry, {"template": entry, **given}, scope, at, artifacts)
        outputs = {o["name"]: f"$(steps.{step['name']}.outputs.{o['name']})" for o in step.get("outputs", [])}
        return [*self._taken(), step], {"outputs": outputs} if outputs else {}

    def entry_inputs(self, entry):
        """Inputs of the entrypoint that a run must be given: the workflow has no argument for them."""
        template, _ = self.templates[None].get(entry, (None, None))
        return [n for n, p in named(template or {}, "inputs", "parameters") if n not in self.globals and not {"value", "default", "valueFrom"} & set(p)]

    def _closed(self, made):
        """An entrypoint that is called again below is a Pipeline of its own, and the workflow a call of it."""
        entry = self.open_name(self.spec.get("entrypoint"))
        if (None, self.spec.get("entrypoint")) not in self.recursive:
            return made
        template, _ = self.templates[None][self.spec["entrypoint"]]
        self._add(None, template, made)
        given = {self.names.of(n): f"$(parameters.{self.names.of(n)})" for n in input_names(template)}
        return [{"name": step_names().of(self.spec["entrypoint"]), "pipeline": {"name": entry}, **({"parameters": given} if given else {})}], {}

    def open_name(self, name):
        return pipeline_name(f"{self.name}-{name}")

    def _find(self, call, at):
        """(template, its path, its owner) of a call."""
        owner, name = self.owner, call.get("template")
        if "templateRef" in call:
            found = self.library.template(call["templateRef"], f"{at}.templateRef")
            if found is None:
                return None, None, None
            owner, name, self.templates[found[0]] = found
        if name not in self.templates[owner]:
            self.problems.no(f"{at}.template" if "templateRef" not in call and not at.endswith("entrypoint") else at, f"there is no template {name!r} in "
                             + (f"{owner[1]}" if owner else "the file"))
            return None, None, None
        template, path = self.templates[owner][name]
        self.problems.fields(template, path, _TEMPLATE)
        return template, path, owner

    def _kind(self, call):
        """What a call runs, as far as names of its results depend on it."""
        template = call.get("inline") or {}
        if "templateRef" in call:
            ref = call["templateRef"] if isinstance(call["templateRef"], dict) else {}
            spec = self.library.known.get((bool(ref.get("clusterScope")), ref.get("name")), ({}, ""))[0]
            template = next((t for t in spec.get("templates") or [] if t.get("name") == ref.get("template")), {})
        elif "inline" not in call:
            template = self.templates[self.owner].get(call.get("template"), ({}, ""))[0]
        return "daemon" if template.get("daemon") else next((k for k in _KINDS if k in template), None)

    def step(self, name, call, scope, at, artifacts):
        """A call of a template as a step."""
        self.problems.fields(call, at, _CALL)
        if "inline" in call:
            template, path, owner = call["inline"], f"{at}.inline", self.owner
            self.problems.fields(template, path, _TEMPLATE)
        else:
            template, path, owner = self._find(call, at)
        step = {"name": scope.steps.get(name) or step_names().of(name)}
        if template is None:
            return step
        loop = fields.loop(call, scope, at, self.problems)
        calls = scope.of_item(loop is not None)
        if loop:
            step["forEach"] = written(loop)
            if template.get("parallelism") and "steps" not in template and "dag" not in template:
                step["forEach"]["parallelism"] = template["parallelism"]
        if "when" in call:
            step["when"] = calls.condition(str(call["when"]), f"{at}.when")
        if call.get("continueOn"):
            told = self.problems.fields(call["continueOn"], f"{at}.continueOn", ("failed", "error"))
            step["allowFailure"] = bool(told.get("failed") or told.get("error"))
        given = arguments(self, template, call, calls, at, path, artifacts)
        key = (owner, template.get("name"))
        if key in self.open or key in self.recursive:
            return self._again(step, key, template, given, at)
        before, self.owner = self.owner, owner
        self.open.append(key)
        self._body(step, template, path, name, given)
        self.open.pop()
        self.owner = before
        if "component" not in step:
            step.update({k: v for k, v in (("inputs", given.inputs), ("parameters", written(given.parameters))) if v})
        if "suspend" not in template:
            told = fields.policies(template, self.spec, path, self.problems)
            values = {n: given.parameters.get(self.names.of(n), "") for n in input_names(template)}
            own = Scope(self.problems, self.names, self.globals, values, values=values, ends=self.ends)
            told = fields.deep(told, lambda text: own.text(text, path))
            if f"{OPEN}each." in json.dumps(told, ensure_ascii=False):
                self.problems.no(path, "its pod differs by the item of a loop, which is not covered: let the loop run a template of steps")
            step.update(written(told))
            if loop and step.get("retry", {}).pop("maxDuration", None):
                self.problems.no(f"{path}.retryStrategy.backoff.maxDuration", "is not covered of a loop: give a limit")
        return step

    def _again(self, step, key, template, given, at):
        """A template that calls itself: a Pipeline that names itself."""
        if "when" not in step and key in self.open:
            self.problems.no(at, f"the template {key[1]} calls itself without a `when`, and would not end")
        if given.inputs or given.raws:
            self.problems.no(at, f"the template {key[1]} calls itself with artifacts, which is not covered: use a loop")
        self.recursive[key] = template
        step["pipeline"] = {"name": self.open_name(key[1])}
        if given.parameters:
            step["parameters"] = written(given.parameters)
        self.problems.note("a template that calls itself is a Pipeline that names itself: ten deep at most")
        return step

    def _add(self, owner, template, made):
        """A Pipeline of its own for a template that calls itself."""
        spec = {"runPolicy": "Manual"}
        own = [{"name": self.names.of(n), "type": "list" if n in self.lists.parameters else "string"} for n in input_names(template)]
        if own:
            spec["parameters"] = own
        steps, gives = made
        texts = json.dumps([template])
        if "workflow.parameters" in texts:
            self.problems.no(self.path, f"the template {template.get('name')} calls itself and names {{{{workflow.parameters...}}}}: hand these over as "
                             "inputs")
        spec.update({"defaults": {"cache": {"enabled": False}}, "steps": steps, **gives})
        self.more.append({"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": self.open_name(template.get("name"))}, "spec": spec})

    def _body(self, step, template, path, name, given):
        kinds = [k for k in _KINDS if k in template]
        if len(kinds) != 1:
            others = [k for k in ("data", "plugin") if k in template]
            if not others:
                self.problems.no(path, f"has {', '.join(kinds) or 'none'} of {', '.join(_KINDS)}: just one is covered")
            return
        inputs, files = input_names(template), [n for n, a in named(template, "inputs", "artifacts")]
        if kinds[0] in ("container", "script", "containerSet"):
            own = Scope(self.problems, self.names, self.globals, inputs, files, in_container=True, ends=self.ends)
            own.outer = Scope(self.problems, self.names, self.globals, inputs, ends=self.ends,
                              values={n: given.parameters.get(self.names.of(n), "") for n in inputs})
            programs(step, template, path, own, name in self.wanted, given.raws)
            self._outputs(step, template, path, name)
        elif kinds[0] in ("http", "resource"):
            texts = {n: given.parameters.get(self.names.of(n), "") for n in inputs}
            if any(not isinstance(v, str) for v in texts.values()) or files:
                self.problems.no(f"{path}.inputs", "artifacts and choices are not covered of a template that asks others")
                return
            own = Scope(self.problems, self.names, self.globals, inputs, values=texts, ends=self.ends)
            (outside.http if kinds[0] == "http" else outside.resource)(step, template, path, own)
        elif kinds[0] == "suspend":
            told = self.problems.fields(template["suspend"], f"{path}.suspend", ("duration",))
            if told.get("duration"):
                step["wait"] = {"duration": fields.duration(told["duration"])}
            else:
                step["approval"] = fields.approval(template, path, self.names, self.problems)
                given.parameters.clear()
        else:
            made = self._ended(template, path, given)
            key = self.open[-1]
            if key in self.recursive:
                self._add(key[0], template, made)
                step["pipeline"] = {"name": self.open_name(key[1])}
            else:
                step["pipeline"] = {"steps": made[0], **made[1]}

    def _outputs(self, step, template, path, name):
        def kind(result):
            return "list" if (name, result) in self.lists.results and "forEach" not in step else "string"
        node = self.problems.fields(template.get("outputs"), f"{path}.outputs", ("parameters", "artifacts"))
        outputs, results = [], [{"name": "result", "type": kind("result")}] if name in self.wanted else []
        for i, artifact in enumerate(node.get("artifacts") or []):
            self.problems.fields(artifact, f"{path}.outputs.artifacts[{i}]", ("name", "path", "archive", "optional"),
                                 "is not covered: artifacts go into Penstock's store, by their digest")
            outputs.append({"name": self.names.of(artifact["name"]), "type": "file", **({"optional": True} if artifact.get("optional") else {})})
        for i, parameter in enumerate(node.get("parameters") or []):
            at = f"{path}.outputs.parameters[{i}]"
            self.problems.fields(parameter, at, ("name", "valueFrom", "description"))
            self.problems.fields(parameter.get("valueFrom"), f"{at}.valueFrom", ("path", "default"))
            results.append({"name": self.names.of(parameter["name"]), "type": kind(parameter["name"])})
        if outputs:
            step["outputs"] = outputs
        if results:
            step["results"] = results

    def _ended(self, template, path, given):
        """The graph of a template; within a step of finally the run's end comes by parameters."""
        before, self.ends = self.ends, set() if self.final else None
        made = self._graph(template, path, within(template, given, self.names))
        ends, self.ends = self.ends or set(), before
        for end in sorted(ends):
            ours = self.names.of(end.replace(".", " "))
            given.parameters[ours] = f"{OPEN}{end if before is None else f'parameters.{ours}'}{CLOSE}"
            if before is not None:
                before.add(end)
        return made

    def _taken(self):
        """The steps that must come before those that were made: what fetches their artifacts."""
        before, self.before = self.before, []
        return before

    def fetched(self, parameters):
        """The output of a step of the component git with these parameters, which comes before the others of its graph."""
        for step in self.before:
            if step["parameters"] == parameters:
                return f"$(steps.{step['name']}.outputs.folder)"
        name = f"repository-{len(self.before) + 1}"
        self.before.append({"name": name, "component": {"name": "git", "version": "1", "library": True}, "parameters": parameters})
        return f"$(steps.{name}.outputs.folder)"

    def _graph(self, template, path, artifacts):
        """(steps, outputs and results) of a template with steps or dag."""
        kind = "steps" if "steps" in template else "dag"
        names, outer = step_names(), self._taken()
        groups = [[(task, f"{path}.steps[{g}][{i}]") for i, task in enumerate(group if isinstance(group, list) else [group])]
                  for g, group in enumerate(template["steps"])] if kind == "steps" else [
                      [(task, f"{path}.dag.tasks[{i}]") for i, task in enumerate(template["dag"].get("tasks") or [])]]
        if kind == "dag":
            self.problems.fields(template["dag"], f"{path}.dag", ("tasks", "failFast"))
        tasks = [task for group in groups for task, _ in group]
        known = {task["name"]: names.of(task["name"]) for task in tasks}
        scope = Scope(self.problems, self.names, self.globals, input_names(template), [n for n, _ in named(template, "inputs", "artifacts")], known,
                      kinds={task["name"]: self._kind(task) for task in tasks}, ends=self.ends)
        steps, before, hooks = [], [], {}
        daemons = {known[name] for name, kind in scope.kinds.items() if kind == "daemon"}
        for group in groups:
            for task, at in group:
                step = self.step(task["name"], task, scope, at, artifacts)
                waits, condition = depends.waits(task, known, at, self.problems, tasks) if kind == "dag" else (
                    [{"step": known[b], "outcome": "SucceededOrSkipped"} for b in before], None)
                waits = [{"step": w["step"]} if w["step"] in daemons else w for w in waits]
                waits = waits + [{"step": h["name"], "outcome": "Any"} for w in waits for h in hooks.get(w["step"], [])]
                if condition:
                    step["when"] = f"({condition}) && ({step['when']})" if "when" in step else condition
                steps.append({"name": step.pop("name"), **({"dependsOn": waits} if waits else {}), **step})
                hooks[known[task["name"]]] = hooks_of(self, task, scope, at, artifacts, names)
                steps += hooks[known[task["name"]]]
            before = [task["name"] for task, _ in group]
        if template.get("parallelism"):
            self.problems.note(f"{path}.parallelism is left out: a limit stands at the run, and at forEach")
        gives = self._gives(template, path, scope, steps)
        steps[:0], self.before = self._taken(), outer
        return steps, gives

    def _gives(self, template, path, scope, steps):
        node = self.problems.fields(template.get("outputs"), f"{path}.outputs", ("parameters", "artifacts"))
        whens = {task: next((s.get("when") for s in steps if s["name"] == ours), None) for task, ours in scope.steps.items()}
        outputs, results = {}, []
        for i, parameter in enumerate(node.get("parameters") or []):
            at = f"{path}.outputs.parameters[{i}].valueFrom"
            source = self.problems.fields(parameter.get("valueFrom"), at, ("parameter", "default", "expression"))
            value = self._chosen(source["expression"], f"{at}.expression", scope, whens) if "expression" in source else scope.text(
                source.get("parameter", ""), at)
            value = FirstOf([value, source["default"]]) if "default" in source else value
            results.append({"name": self.names.of(parameter["name"]), "value": written(value)})
        for i, artifact in enumerate(node.get("artifacts") or []):
            at = f"{path}.outputs.artifacts[{i}]"
            self.problems.fields(artifact, at, ("name", "from", "fromExpression", "optional"))
            if "fromExpression" in artifact:
                value = self._chosen(artifact["fromExpression"], f"{at}.fromExpression", scope, whens)
                outputs[self.names.of(artifact["name"])] = self._passed_on(value, self.names.of(artifact["name"]), steps, at)
            else:
                outputs[self.names.of(artifact["name"])] = written(scope.text(artifact.get("from", ""), f"{at}.from"))
        return {k: v for k, v in (("outputs", outputs), ("results", results)) if v}

    def _chosen(self, text, at, scope, whens):
        try:
            return scope.valued(parse_expr(text), text, at, whens)
        except NotCovered as why:
            self.problems.no(at, str(why))
            return ""

    def _passed_on(self, value, name, steps, at):
        """An output of one of several steps: a further step takes the first that is there."""
        value = written(value)
        if isinstance(value, str):
            return value
        found = re.search(r"steps\.([^.]+)\.", str(value["firstOf"][0]))
        image = next((s["container"]["image"] for s in steps if found and s["name"] == found.group(1) and "container" in s), None)
        if image is None:
            self.problems.no(at, "is not covered of steps without a container: let the step that reads it take the first that is there (firstOf)")
            return ""
        step = step_names().of(f"choose-{name}")
        steps.append({"name": step, "inputs": {"chosen": value}, "container": {
            "image": image, "command": ["cp", "-R", "$(inputs.chosen.path)", "$(outputs.chosen.path)"]}, "outputs": [{"name": "chosen", "type": "file"}]})
        self.problems.note(f"the step {step} hands on whichever output is there, by cp of {image}")
        return f"$(steps.{step}.outputs.chosen)"
