"""A step within a pipeline that is being made, and the graph of them."""
import re

from penstock import errors, types
from penstock.values import Condition, FirstOf, Reference, written

_STEP_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SOURCE = re.compile(r"(sha256:[0-9a-f]{64}|(https?|file)://.+)", re.S)
_OUTCOMES = ("Succeeded", "Failed", "Skipped", "SucceededOrSkipped", "Any")


class Graph:
    """The tasks of a pipeline, in the order in which they were called."""

    def __init__(self, name, where):
        self.name, self.where, self.tasks = name, where, []

    def add_step(self, step, given, where):
        return self.add(FunctionTask(step, given, where))

    def add(self, task):
        task.graph, base = self, task.name
        taken = {other.name for other in self.tasks}
        number = 2
        while task.name in taken:
            task.name, number = f"{base[:37]}-{number}", number + 1
        self.tasks.append(task)
        return task


class Task:
    """A step of a pipeline. Its outputs and results are attributes: task.model, task.accuracy; task.result of one value."""

    outputs_of, results_of = {}, {}  # name -> kind, name -> schema

    def __init__(self, name, where):
        self.name, self.where, self.graph = name, where, None
        self.fields, self.loop, self.is_final, self.waits = {}, None, False, []

    def refuse(self, problem, parameter=None, where=None):
        what = f"step {self.name}" + (f", {parameter}" if parameter else "")
        errors.refuse(where or self.where, what, problem)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self.outputs_of:
            return self.outputs[name]
        if name in self.results_of:
            return self.results[name]
        known = ", ".join([*self.outputs_of, *self.results_of]) or "none"
        raise AttributeError(f"the step {self.name} has no output or result {name}; it has {known}")

    @property
    def outputs(self):
        """References to the artifacts that it writes, by name."""
        return {name: Reference(lambda name=name: f"steps.{self.name}.outputs.{name}", {"type": kind}, self, "artifact")
                for name, kind in self.outputs_of.items()}

    @property
    def results(self):
        """References to the values that it gives, by name; lists where the step is a loop."""
        wrap = (lambda s: {"type": "list", "items": s}) if self.loop else (lambda s: s)
        return {name: Reference(lambda name=name: f"steps.{self.name}.results.{name}", wrap(schema), self)
                for name, schema in self.results_of.items()}

    @property
    def status(self):
        """How it ended: "Succeeded", "Failed", "Skipped", "Cancelled"."""
        return Reference(lambda: f"steps.{self.name}.status", {"type": "string"}, self)

    @property
    def exit_code(self):
        return Reference(lambda: f"steps.{self.name}.exitCode", {"type": "integer"}, self)

    def named(self, name):
        """Another name for the step than the function's."""
        if not _STEP_NAME.fullmatch(name) or len(name) > 40:
            self.refuse(f"{name!r} is no name of a step: at most 40 of a-z, 0-9 and -", where=errors.caller())
        if self.graph and any(other.name == name and other is not self for other in self.graph.tasks):
            self.refuse(f"another step is called {name}", where=errors.caller())
        self.name = name
        return self

    def when(self, condition):
        """Runs it only where the condition holds: check.rows > 100, or a text in CEL."""
        if not isinstance(condition, (Condition, str)):
            self.refuse(f"{condition!r} is no condition: compare a reference, such as check.rows > 100", "when", errors.caller())
        if isinstance(condition, Reference) and condition._schema.get("type", "boolean") != "boolean":
            self.refuse(f"{condition!r} is no boolean: compare it", "when", errors.caller())
        text = condition if isinstance(condition, str) else condition.text
        before = self.fields.get("when")
        self.fields["when"] = f"({before}) && ({text})" if before else text
        return self

    def after(self, *tasks, outcome=None):
        """Waits for steps that it takes nothing of. `outcome`: Succeeded, Failed, Skipped, SucceededOrSkipped or Any."""
        if outcome is not None and outcome not in _OUTCOMES:
            self.refuse(f"outcome {outcome!r} is none of {', '.join(_OUTCOMES)}", "after", errors.caller())
        self.waits += [(task, outcome) for task in tasks]
        return self

    def allow_failure(self):
        """Its failure is not the run's."""
        self.fields["allowFailure"] = True
        return self

    def finally_(self):
        """Runs when all other steps have ended, however they did."""
        self.is_final = True
        return self

    def for_each(self, items, parallelism=None, min_success=None):
        """Runs it once for each item, which `each` names in its arguments. Items: a list, a reference to one, or a range."""
        where = errors.caller()
        if isinstance(items, range):
            how = {"range": {"from": items.start, "to": items.stop, **({"step": items.step} if items.step != 1 else {})}}
        elif isinstance(items, dict):
            how = {"matrix": {axis: self._items(values, where) for axis, values in items.items()}}
        else:
            how = {"in": self._items(items, where)}
        if parallelism:
            how["parallelism"] = parallelism
        if min_success is not None:
            how["minSuccess"] = min_success
        self.loop = how
        return self

    def _items(self, items, where):
        if isinstance(items, Reference):
            if items._schema.get("type", "list") != "list":
                self.refuse(f"{items!r} is no list", "for_each", where)
        elif not isinstance(items, (list, tuple)):
            self.refuse(f"{items!r} is no list", "for_each", where)
        return items

    def set(self, **fields):
        """Further fields of the step as in YAML: set(nodeSelector={...}, locks=[{"name": "gpu"}])."""
        self.fields.update(fields)
        return self

    def take_input(self, name, kind, value, optional=False):
        """The value of an input as YAML has it; refuses what cannot be one."""
        if isinstance(value, FirstOf):
            for item in value.values:
                self.take_input(name, kind, item)
            return written(value)
        if isinstance(value, Task):
            value = self._only_output(value, name)
        if isinstance(value, Reference):
            found = value._schema.get("type", kind)
            if value._kind == "artifact":
                if kind not in ("file", found) and not (value._task and value._task.loop):
                    self.refuse(f"takes a {kind}, and {value!r} is a {found}", f"input {name}")
            elif found not in ("string", kind):
                self.refuse(f"takes an artifact, and {value!r} is a {found}", f"input {name}")
        elif not isinstance(value, str):
            self.refuse(f"takes an output of another step, a digest or a URI, got {value!r}", f"input {name}")
        elif not _SOURCE.fullmatch(value) and "\ue000" not in value:
            self.refuse(f"{value!r} is neither sha256:... nor a URI (file:///..., https://...)", f"input {name}")
        if optional and isinstance(value, Reference) and value._kind == "artifact":
            return {"firstOf": [written(value)], "optional": True}
        return written(value)

    def take_parameter(self, name, schema, value):
        """The value of a parameter as YAML has it; refuses what is of another type."""
        if isinstance(value, FirstOf):
            for item in value.values:
                self.take_parameter(name, schema, item)
            return written(value)
        if isinstance(value, Task):
            value = self._only_result(value, name)
        if isinstance(value, Reference):
            kind, found = schema.get("type", "string"), value._schema.get("type")
            if value._kind == "artifact":
                self.refuse(f"{value!r} is an artifact; a function reads one by a parameter of Input[...]", f"parameter {name}")
            if found not in (None, kind) and not (kind == "number" and found == "integer"):
                self.refuse(f"takes {types.ARTICLE[kind]}, and {value!r} is {types.ARTICLE[found]}", f"parameter {name}")
            return written(value)
        if value is None:
            return None
        if not any(True for _ in _references_within(value)):
            unfit = types.misfit(value, schema)
            if unfit:
                self.refuse(unfit, f"parameter {name}")
        return written(value)

    def _only_output(self, task, name):
        if len(task.outputs_of) != 1:
            self.refuse(f"the step {task.name} has {len(task.outputs_of)} outputs "
                        f"({', '.join(task.outputs_of) or 'none'}): say which, as task.NAME", f"input {name}")
        return next(iter(task.outputs.values()))

    def _only_result(self, task, name):
        if len(task.results_of) != 1:
            self.refuse(f"the step {task.name} has {len(task.results_of)} results "
                        f"({', '.join(task.results_of) or 'none'}): say which, as task.NAME", f"parameter {name}")
        return next(iter(task.results.values()))

    def head(self):
        """name, forEach, when: what stands first in the YAML."""
        out = {"name": self.name}
        if self.loop:
            out["forEach"] = written(self.loop)
        if "when" in self.fields:
            out["when"] = self.fields["when"]
        if self.waits:
            out["dependsOn"] = [{"step": task if isinstance(task, str) else task.name, **({"outcome": outcome} if outcome else {})}
                                for task, outcome in self.waits]
        return out

    def tail(self):
        return {k: written(v) for k, v in self.fields.items() if k != "when"}

    def yaml(self, compiled):
        """The step as YAML; `compiled` takes its code."""
        raise NotImplementedError


def _references_within(value):
    if isinstance(value, (Reference, FirstOf)) or (isinstance(value, str) and "\ue000" in value):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _references_within(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _references_within(item)


class FunctionTask(Task):
    """A call of a function that @step has made a step of."""

    def __init__(self, step, given, where):
        super().__init__(step.name, where)
        self.step, self.given = step, given
        self.outputs_of, self.results_of = step.outputs, step.results
        if not _STEP_NAME.fullmatch(self.name) or len(self.name) > 40:
            step.refuse(f"{self.name!r} is no name of a step: at most 40 of a-z, 0-9 and -; give name=...")
        self.inputs = {n: self.take_input(n, kind, given[n], n in step.optional)
                       for n, kind in step.inputs.items() if given.get(n) is not None}
        self.parameters = {n: self.take_parameter(n, schema, given[n]) for n, schema in step.parameters.items()
                           if given.get(n) is not None}

    def refuse(self, problem, parameter=None, where=None):
        what = f"{self.step.function.__name__}()" + (f", {parameter}" if parameter else "")
        errors.refuse(where or self.where, what, problem)

    def yaml(self, compiled):
        step = self.step
        code = compiled.place_code(step, step.code([*self.inputs, *self.parameters], compiled.looked))
        lock = step.lock_text(compiled.locks)
        if lock:
            code["requirements"] = {"text": lock}
        words = [f"--{n}=$(inputs.{n}.path)" for n in self.inputs] + [f"--{n}=$(parameters.{n})" for n in self.parameters]
        words += [f"--{n}=$(outputs.{n}.path)" for n in step.outputs]
        container = {"image": step.image, "code": code, "command": ["python3", "$(code.path)/step.py", *words]}
        env = [{"name": n, "value": written(text)} for n, text in step.env.items()]
        env += [{"name": n, "valueFrom": {"secretKeyRef": dict(zip(("name", "key"), key.split("/", 1)))}}
                for n, key in step.secrets.items()]
        if env:
            container["env"] = env
        out = self.head()
        description = step.description or (step.function.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
        if description:
            out["description"] = " ".join(description.split())[:1024]
        out["container"] = container
        if self.inputs:
            out["inputs"] = self.inputs
        if self.parameters:
            out["parameters"] = self.parameters
        if step.outputs:
            out["outputs"] = [{"name": n, "type": kind} for n, kind in step.outputs.items()]
        if step.results:
            out["results"] = [{"name": n, **schema} for n, schema in step.results.items()]
        return {**out, **step.fields, **self.tail()}


class YamlTask(Task):
    """A step that is written as YAML has it: an approval, an image of one's own, a Pipeline by name."""

    def __init__(self, name, body, outputs, results, where):
        super().__init__(name, where)
        self.body = body
        self.outputs_of = dict(outputs)
        self.results_of = {n: (s if isinstance(s, dict) else {"type": s}) for n, s in dict(results).items()}

    def yaml(self, compiled):
        out = {**self.head(), **written(self.body)}
        if "container" in self.body or "containers" in self.body:
            if self.outputs_of:
                out.setdefault("outputs", [{"name": n, "type": kind} for n, kind in self.outputs_of.items()])
            if self.results_of:
                out.setdefault("results", [{"name": n, **s} for n, s in self.results_of.items()])
        return {**out, **self.tail()}
