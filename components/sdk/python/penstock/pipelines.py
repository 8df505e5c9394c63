"""@pipeline: a function that calls steps as a Pipeline in YAML."""
import functools
import inspect
import json
import pathlib
import re
import tempfile

from penstock import emit, errors, trace, types
from penstock.command import penstock
from penstock.lock import Locks
from penstock.runs import Run
from penstock.tasks import Graph, Task
from penstock.values import FirstOf, Reference, written

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def pipeline(function=None, **options):
    """Makes a pipeline of a function that calls steps. Its parameters are the pipeline's; Input[...] are artifacts it is given.

    name, description   the function's name and docstring when left out
    defaults            for every step, as in YAML: {"retry": {"user": {"limit": 1}}}
    schedules           as in YAML: [{"name": "nightly", "cron": "0 3 * * *"}]
    timeout             of a whole run, such as "6h"
    more                further fields of spec, as in YAML: {"runPolicy": "Manual", "parallelism": 4}
    It returns {"name": step.output or step.result}: what it publishes.
    """
    if function is None:
        return lambda f: pipeline(f, **options)
    return Pipeline(function, **options)


class Pipeline:
    def __init__(self, function, name=None, description=None, defaults=None, schedules=None, timeout=None, more=None):
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name or function.__name__.strip("_").replace("_", "-").lower()
        self.description = description or " ".join((function.__doc__ or "").strip().split("\n\n")[0].split())
        self.defaults, self.schedules, self.timeout, self.more = defaults, schedules, timeout, more or {}
        self.locks = Locks(pathlib.Path(function.__code__.co_filename))
        if not _NAME.fullmatch(self.name) or len(self.name) > 52:
            self.refuse(f"{self.name!r} is no name of a Pipeline: at most 52 of a-z, 0-9 and -; give name=...")
        self.parameters, self.inputs = {}, {}
        self._read_signature()

    def refuse(self, problem, parameter=None, where=None):
        what = f"{self.function.__name__}()" + (f", parameter {parameter}" if parameter else "")
        errors.refuse(where or errors.place(self.function), what, problem)

    def _read_signature(self):
        try:
            annotations = types.annotations_of(self.function)
        except types.Unfit as unfit:
            self.refuse(str(unfit))
        for name, parameter in inspect.signature(self.function).parameters.items():
            if name not in annotations:
                self.refuse("has no annotation: say what it is, such as str, float or Input[Dataset]", name)
            inner, optional = types.optional_of(annotations[name])
            default = parameter.default
            port = types.port_of(inner)
            if port and port.direction == "Output":
                self.refuse("is an output; a pipeline returns {name: step.output}", name)
            if port:
                self.inputs[name] = {"type": port.kind, **({"optional": True} if optional or default is None else {})}
                continue
            try:
                schema = types.schema_of(inner)
            except types.Unfit as unfit:
                self.refuse(str(unfit), name)
            if default is not inspect.Parameter.empty and default is not None:
                unfit = types.misfit(default, schema)
                if unfit:
                    self.refuse(f"its default {unfit}", name)
                schema["default"] = default
            elif optional or default is None:
                schema["optional"] = True
            self.parameters[name] = schema

    def graph(self):
        """Calls the function once: its tasks, and what it returns."""
        given = {n: Reference(f"parameters.{n}", schema) for n, schema in self.parameters.items()}
        given.update({n: Reference(f"inputs.{n}", {"type": i["type"]}, kind="artifact") for n, i in self.inputs.items()})
        with trace.making(Graph(self.name, errors.place(self.function))) as graph:
            returned = self.function(**given)
        if not graph.tasks:
            self.refuse("calls no step")
        return graph, self._returned(returned)

    def _returned(self, returned):
        """(outputs, results) by name."""
        if returned is None:
            return {}, {}
        if hasattr(returned, "_asdict"):
            returned = returned._asdict()
        if isinstance(returned, Task):
            returned = {**returned.outputs, **returned.results}
        elif isinstance(returned, Reference):
            returned = {returned.resolved().rpartition(".")[2]: returned}
        if not isinstance(returned, dict):
            self.refuse(f"returns {returned!r}: return {{name: step.output or step.result}}")
        outputs, results = {}, {}
        for name, value in returned.items():
            if isinstance(value, Task):
                known = {**value.outputs, **value.results}
                if len(known) != 1:
                    self.refuse(f"returns {name}: the step {value.name} has {len(known)} outputs and results; say which")
                value = next(iter(known.values()))
            is_artifact = isinstance(value, Reference) and value._kind == "artifact"
            if isinstance(value, FirstOf) and any(isinstance(v, Reference) and v._kind == "artifact" for v in value.values):
                self.refuse(f"returns {name}: an output is one step's; a step with first_of as its input passes it on")
            (outputs if is_artifact else results)[name] = written(value)
        return outputs, results

    def compile(self, code="path"):
        """The pipeline as Compiled: its YAML and its code."""
        return Compiled(self, code)

    def yaml(self, code="path"):
        """The YAML. code="path": folders beside it, as write() makes them; "artifact": digests of a store."""
        return self.compile(code).text

    def write(self, folder=".", code="path"):
        """Writes NAME.yaml and the folders of code beside it; the path of the YAML."""
        return self.compile(code).write(folder)

    def lock(self, platforms=None, upgrade=False):
        """Locks the `packages` of all steps, to versions and hashes, into the lock file beside the module."""
        return self.locks.renew(self.graph()[0].tasks, platforms, upgrade)

    def run(self, parameters=None, inputs=None, state=None, isolation=None, cache=True, sample=None, quiet=False, **more):
        """Runs it on this machine, with the engine of the operator; the Run once it has ended.

        Parameters by name, or in `parameters`; `inputs` as digests, URIs or paths. A run that fails raises RunFailed.
        """
        given = {**(parameters or {}), **more}
        for name in list(given):
            if name in self.inputs:
                inputs = {**(inputs or {}), name: given.pop(name)}
            elif name not in self.parameters:
                self.refuse(f"has no parameter; it has {', '.join([*self.parameters, *self.inputs]) or 'none'}", name, errors.caller())
        arguments = []
        for name, value in given.items():
            unfit = types.misfit(value, self.parameters[name])
            if unfit:
                self.refuse(unfit, name, errors.caller())
            arguments += ["-p", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
        for name, value in (inputs or {}).items():
            arguments += ["-i", f"{name}={_source(value)}"]
        arguments += ["--isolation", isolation] if isolation else []
        arguments += ["--sample", sample] if sample else []
        arguments += [] if cache else ["--no-cache"]
        with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
            return Run.here(str(self.write(folder)), arguments, state, quiet)

    def apply(self, namespace=None, context=None):
        """Applies it to the cluster of your kubeconfig, code and all; what `penstock apply` said."""
        with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
            path = self.write(folder)
            where = (["-n", namespace] if namespace else []) + (["--context", context] if context else [])
            return penstock("apply", str(path), *where)

    def __call__(self, *arguments, **keywords):
        """Within another pipeline: a step that runs this one in place."""
        active = trace.active()
        if active is None:
            raise TypeError(f"{self.function.__name__} is a pipeline: {self.function.__name__}.run(...) runs it")
        names = list(inspect.signature(self.function).parameters)
        if len(arguments) > len(names):
            self.refuse(f"takes {len(names)} arguments, got {len(arguments)}", where=errors.caller())
        given = {**dict(zip(names, arguments)), **keywords}
        for name in given:
            if name not in names:
                self.refuse("is none of it", name, errors.caller())
        return active.add(PipelineTask(self, given, errors.caller()))

    def _repr_html_(self):
        from penstock.display import pipeline_html
        return pipeline_html(self)


def _source(value):
    """A digest or URI as it is; a path of this machine as a URI."""
    if isinstance(value, pathlib.Path) or (isinstance(value, str) and ":" not in value):
        if not pathlib.Path(value).exists():
            raise errors.CompileError(f"{errors.caller()}: there is no file {value}")
        return pathlib.Path(value).resolve().as_uri()
    return value


class PipelineTask(Task):
    """A pipeline within a pipeline."""

    def __init__(self, inner, given, where):
        super().__init__(inner.name[:40].rstrip("-"), where)
        self.inner = inner
        self.inner_graph, (self.inner_outputs, self.inner_results) = inner.graph()
        kinds = {t.name: t for t in self.inner_graph.tasks}
        self.outputs_of = {n: self._kind(kinds, text) for n, text in self.inner_outputs.items()}
        self.results_of = {n: {} for n in self.inner_results}
        self.inputs = {n: self.take_input(n, i["type"], given[n], i.get("optional", False))
                       for n, i in inner.inputs.items() if given.get(n) is not None}
        self.parameters = {}
        for name, schema in inner.parameters.items():
            if given.get(name) is not None:
                self.parameters[name] = self.take_parameter(name, schema, given[name])
            elif "default" in schema:
                self.parameters[name] = schema["default"]
            elif not schema.get("optional"):
                inner.refuse("is not given", name, where)
        for name, port in inner.inputs.items():
            if name not in self.inputs and not port.get("optional"):
                inner.refuse("is not given", name, where)

    @staticmethod
    def _kind(tasks, text):
        _, step, _, output = text[2:-1].split(".")
        return tasks[step].outputs_of[output]

    def yaml(self, compiled):
        body = {"steps": [task.yaml(compiled) for task in self.inner_graph.tasks]}
        if self.inner_outputs:
            body["outputs"] = self.inner_outputs
        if self.inner_results:
            body["results"] = [{"name": n, "value": v} for n, v in self.inner_results.items()]
        out = self.head()
        if self.inputs:
            out["inputs"] = self.inputs
        if self.parameters:
            out["parameters"] = self.parameters
        return {**out, "pipeline": body, **self.tail()}


class Compiled:
    """A pipeline's YAML (`text`, and `manifest` as dictionaries) and its folders of code by path."""

    def __init__(self, pipeline, code):
        if code not in ("path", "artifact"):
            raise ValueError(f'code is "path" or "artifact", not {code!r}')
        self.pipeline, self.how, self.locks, self.codes = pipeline, code, pipeline.locks, {}
        self.looked = {}
        graph, (outputs, results) = pipeline.graph()
        spec = {"description": pipeline.description} if pipeline.description else {}
        required = [n for n, s in {**pipeline.parameters, **pipeline.inputs}.items() if "default" not in s and not s.get("optional")]
        if required and not pipeline.schedules:
            spec["runPolicy"] = "Manual"  # by a change alone it could not run
        if pipeline.schedules:
            spec["schedules"] = pipeline.schedules
        if pipeline.timeout:
            spec["timeouts"] = {"run": pipeline.timeout}
        if pipeline.parameters:
            spec["parameters"] = [{"name": n, **schema} for n, schema in pipeline.parameters.items()]
        if pipeline.inputs:
            spec["inputs"] = [{"name": n, **port} for n, port in pipeline.inputs.items()]
        if pipeline.defaults:
            spec["defaults"] = pipeline.defaults
        spec["steps"] = [task.yaml(self) for task in graph.tasks if not task.is_final]
        final = [task.yaml(self) for task in graph.tasks if task.is_final]
        if final:
            spec["finally"] = final
        if outputs:
            spec["outputs"] = outputs
        if results:
            spec["results"] = [{"name": n, "value": v} for n, v in results.items()]
        spec.update(pipeline.more)
        self.manifest = {"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": pipeline.name}, "spec": spec}
        self.text = emit.text_of(self.manifest)

    def place_code(self, step, code):
        """Where a step finds its code: what stands under `code` in its container."""
        folder = f"code/{step.function.__name__}-{code.digest[7:19]}"
        self.codes[folder] = code
        return {"artifact": code.digest} if self.how == "artifact" else {"path": f"./{folder}"}

    def write(self, folder):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for path, code in self.codes.items():
            code.write(folder / path)
        manifest = folder / f"{self.pipeline.name}.yaml"
        manifest.write_text(self.text)
        return manifest
