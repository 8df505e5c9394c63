"""The component library as functions: library.ingest(source=..., roles={...}) within a pipeline.

library.json is made by tools/generate-sdk from components/*/component.yaml. Inputs and parameters are told apart by their
names; where one name is both, inputs={...} and parameters={...} say which.
"""
import json
import pathlib

from penstock import errors, trace
from penstock.tasks import Task

COMPONENTS = json.loads(pathlib.Path(__file__).with_name("library.json").read_text(encoding="utf-8"))


class Component:
    """A component of the library, or of the namespace: component("mine", "1", inputs=..., ...)."""

    def __init__(self, name, version, inputs, outputs, parameters, results, library, description=""):
        self.name, self.version, self.library = name, version, library
        self.inputs, self.outputs, self.parameters, self.results = inputs, outputs, parameters, results
        self.__name__ = name
        self.__doc__ = "\n".join([description, "", *(f"  {n}: {kind['type']}" for n, kind in {**inputs, **parameters}.items())])

    def __repr__(self):
        return f"<component {self.name} {self.version}>"

    def __call__(self, inputs=None, parameters=None, **given):
        active = trace.active()
        where = errors.caller()
        if active is None:
            raise TypeError(f"the component {self.name} is called within a function that @pipeline has made a pipeline of")
        inputs, parameters = dict(inputs or {}), dict(parameters or {})
        for name, value in given.items():
            if name in self.inputs and name in self.parameters:
                errors.refuse(where, f"component {self.name}", f"{name} is an input and a parameter: give it within "
                              "inputs={...} or parameters={...}")
            (inputs if name in self.inputs else parameters)[name] = value
        return active.add(ComponentTask(self, inputs, parameters, where))


class ComponentTask(Task):
    def __init__(self, component, inputs, parameters, where):
        super().__init__(component.name, where)
        self.component = component
        self.outputs_of = {n: kind["type"] for n, kind in component.outputs.items()}
        self.results_of = component.results
        for given, known, what in ((inputs, component.inputs, "input"), (parameters, component.parameters, "parameter")):
            for name in given:
                if name not in known:
                    self.refuse(f"is none of it; it has {', '.join(known) or 'none'}", f"{what} {name}")
        for known, given, what in ((component.inputs, inputs, "input"), (component.parameters, parameters, "parameter")):
            for name, port in known.items():
                if name not in given and not port.get("optional") and "default" not in port:
                    self.refuse("is not given", f"{what} {name}")
        self.inputs = {n: self.take_input(n, component.inputs[n]["type"], v) for n, v in inputs.items() if v is not None}
        self.parameters = {n: self.take_parameter(n, component.parameters[n], v) for n, v in parameters.items() if v is not None}

    def refuse(self, problem, parameter=None, where=None):
        what = f"component {self.component.name}" + (f", {parameter}" if parameter else "")
        errors.refuse(where or self.where, what, problem)

    def yaml(self, compiled):
        asked = {"name": self.component.name, "version": self.component.version}
        out = {**self.head(), "component": {**asked, "library": True} if self.component.library else asked}
        if self.inputs:
            out["inputs"] = self.inputs
        if self.parameters:
            out["parameters"] = self.parameters
        return {**out, **self.tail()}


def __getattr__(name):
    known = COMPONENTS.get(name)
    if known is None:
        raise AttributeError(f"the library has no component {name}; it has {', '.join(sorted(COMPONENTS))}")
    return Component(name, known["version"].split(".")[0], known["inputs"], known["outputs"], known["parameters"],
                     known["results"], True, known["description"])


def __dir__():
    return sorted(COMPONENTS)


def component(name, version, inputs=(), outputs=(), parameters=None, results=None):
    """A Component of the namespace. inputs, outputs: {name: kind}; parameters, results: {name: type}."""
    def port(ports):
        return {n: (s if isinstance(s, dict) else {"type": s}) for n, s in dict(ports or {}).items()}

    optional = {n: {**s, "optional": s.get("optional", True)} for n, s in port(parameters).items()}
    return Component(name, str(version), port(inputs), port(outputs), optional, port(results), False)
