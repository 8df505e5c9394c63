"""@step: a function of the user's as a step that runs it in a container."""
import functools
import inspect
import pathlib
import re

from penstock import errors, trace, types
from penstock.packing import pack

IMAGE = "python:3.12-slim"
_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?==[A-Za-z0-9.+!_-]+(\s+--hash=\w+:[0-9a-f]+)*")
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,39}")


def step(function=None, **options):
    """Makes a step of a function. Called outside of a pipeline it is still that function.

    image      what it runs in; python:3.12-slim when left out. It needs python3 of 3.9 or newer
    packages   what pip installs for it: names with versions, locked by `pipeline.lock()`; lines with hashes; or a lock file's path
    cpu, memory, gpu   what it reserves ("500m", "2Gi", 1); memory is the limit too. Or resources={...} as in YAML
    retries    how often a failure of the program is tried again. Or retry={...} as in YAML
    cache      False: never taken from an earlier run. Or {...} as in YAML; a tag is taken as the image's identity when left out
    timeout    of one attempt, such as "30m"
    env, secrets   variables: {"TITLE": "Prices"}, {"TOKEN": "chat/token"} of the Secret chat's key token
    name, description   of the step; the function's name and docstring when left out
    more       further fields of the step, as in YAML: {"nodeSelector": {...}}
    """
    if function is None:
        return lambda f: step(f, **options)
    if not inspect.isfunction(function):
        raise TypeError(f"@step is for functions, not {function!r}")
    return Step(function, **options)


class Step:
    def __init__(self, function, image=IMAGE, packages=None, cpu=None, memory=None, gpu=None, resources=None, retries=None,
                 retry=None, cache=None, timeout=None, env=None, secrets=None, name=None, description=None, more=None):
        functools.update_wrapper(self, function)
        self.function, self.image = function, image
        self.name = name or function.__name__.strip("_").replace("_", "-").lower()
        self.description = description
        self.packages = self._packages(packages)
        self.env = {str(k): str(v) for k, v in (env or {}).items()}
        self.secrets = secrets or {}
        self.fields = self._fields(cpu, memory, gpu, resources, retries, retry, cache, timeout, more)
        self.inputs, self.outputs, self.parameters, self.results = {}, {}, {}, {}
        self.optional, self.required = set(), []
        self._read_signature()

    @property
    def where(self):
        return errors.place(self.function)

    def refuse(self, problem, parameter=None, where=None):
        what = f"{self.function.__name__}()" + (f", parameter {parameter}" if parameter else "")
        errors.refuse(where or self.where, what, problem)

    def _packages(self, packages):
        if packages is None:
            return None
        if isinstance(packages, (str, pathlib.Path)):
            path = pathlib.Path(self.function.__code__.co_filename).parent / packages
            if not path.is_file():
                self.refuse(f"packages: there is no lock file {packages}; a list is packages=[{str(packages)!r}]")
            return path
        return sorted(map(str, packages))

    def _fields(self, cpu, memory, gpu, resources, retries, retry, cache, timeout, more):
        """The step's further fields, as the YAML has them."""
        for short, long, name in ((cpu or memory or gpu, resources, "resources"), (retries, retry, "retry")):
            if short and long:
                self.refuse(f"{name} is said twice: by its short form and by {name}={{...}}")
        out = {}
        if resources is None and (cpu or memory or gpu):
            requests = {k: str(v) for k, v in (("cpu", cpu), ("memory", memory)) if v}
            limits = {k: str(v) for k, v in (("memory", memory), ("nvidia.com/gpu", gpu)) if v}
            resources = {k: v for k, v in (("requests", requests), ("limits", limits)) if v}
        if resources:
            out["resources"] = resources
        if retries is not None or retry:
            out["retry"] = retry or {"user": {"limit": retries}}
        if timeout:
            out["timeouts"] = {"attempt": timeout}
        if cache is None and "@sha256:" not in self.image:
            cache = {"trustTag": True}
        if cache is not None and cache is not True:
            out["cache"] = {"enabled": False} if cache is False else cache
        out.update(more or {})
        return out

    def _read_signature(self):
        try:
            annotations = types.annotations_of(self.function)
        except types.Unfit as unfit:
            self.refuse(str(unfit))
        for name, parameter in inspect.signature(self.function).parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                self.refuse("*arguments and **keywords have no names and types", name)
            if not _NAME.fullmatch(name):
                self.refuse("a name has at most 40 letters, digits and _, and begins with a letter", name)
            if name not in annotations:
                self.refuse("has no annotation: say what it is, such as str, float or Input[Dataset]", name)
            self._read_parameter(name, annotations[name], parameter.default)
        try:
            self.results = types.results_of(types.optional_of(annotations.get("return"))[0])
        except types.Unfit as unfit:
            self.refuse(f"what it returns: {unfit}")
        for name in self.results:
            if name in self.outputs:
                self.refuse("is an output and a result; give one of them another name", name)

    def _read_parameter(self, name, annotation, default):
        inner, optional = types.optional_of(annotation)
        port = types.port_of(inner)
        needed = default is inspect.Parameter.empty
        if port and port.direction == "Output":
            self.outputs[name] = port.kind
            return
        if port:
            self.inputs[name] = port.kind
        else:
            try:
                self.parameters[name] = types.schema_of(inner)
            except types.Unfit as unfit:
                self.refuse(str(unfit), name)
            if not needed and default is not None:
                unfit = types.misfit(default, self.parameters[name])
                if unfit:
                    self.refuse(f"its default {unfit}", name)
        if optional or default is None:
            self.optional.add(name)
        if needed:
            self.required.append(name)

    def __call__(self, *arguments, **keywords):
        active = trace.active()
        if active is None:
            return self.function(*arguments, **keywords)
        return active.add_step(self, self.bind(arguments, keywords, errors.caller()), errors.caller())

    def bind(self, arguments, keywords, where):
        """{name: value} of a call in a pipeline; outputs are not given."""
        names = [name for name in inspect.signature(self.function).parameters if name not in self.outputs]
        if len(arguments) > len(names):
            self.refuse(f"takes {len(names)} arguments, got {len(arguments)}", where=where)
        given = dict(zip(names, arguments))
        for name, value in keywords.items():
            if name in self.outputs:
                self.refuse("is an output: Penstock says where it is written; later steps take it as task." + name, name, where)
            if name not in names:
                self.refuse(f"is none of it; it has {', '.join(names) or 'none'}", name, where)
            if name in given:
                self.refuse("is given twice", name, where)
            given[name] = value
        for name in self.required:
            if name not in given:
                self.refuse("is not given", name, where)
        return {name: given[name] for name in names if name in given}

    def kinds(self, given):
        """How step.py reads each argument."""
        out = {}
        for name in given:
            if name in self.inputs:
                kind = "path"
            else:
                kind = "text" if self.parameters[name]["type"] == "string" else "value"
            out[name] = f"optional {kind}" if name in self.optional and kind != "value" else kind
        return {**out, **{name: "path" for name in self.outputs}}

    def code(self, given, looked=None):
        """What the step runs, as a Code; `given` names the arguments that it gets."""
        return pack(self.function, self.kinds(given), {name: schema["type"] for name, schema in self.results.items()}, looked)

    def lock_text(self, locks):
        """The lines of the step's lock, or None. `locks` is what pipeline.lock() wrote."""
        if self.packages is None:
            return None
        if isinstance(self.packages, pathlib.Path):
            return self.packages.read_text()
        if all(_PINNED.fullmatch(line) and "--hash=" in line for line in self.packages):
            return "".join(f"{line}\n" for line in self.packages)
        text = locks.find(self.packages, self.image)
        if text is None:
            self.refuse(f"packages {self.packages} are not locked for {self.image}: call .lock() of the pipeline once "
                        f"(or `python3 -m penstock lock FILE`), which writes {locks.path.name}")
        return text
