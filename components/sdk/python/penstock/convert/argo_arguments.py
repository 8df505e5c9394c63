"""What a call gives to a template: parameters, and artifacts from other steps, from outside, or written in the workflow."""
import json

from penstock.convert import argo_outside as outside
from penstock.convert.argo_program import named, raw_name
from penstock.convert.argo_values import VARIABLE, sole
from penstock.values import CLOSE, OPEN, Done, FirstOf, written


class Given:
    """parameters: texts with references, or FirstOf; inputs, as YAML has them; raws: artifacts that are texts of the workflow."""

    def __init__(self):
        self.parameters, self.inputs, self.raws = {}, {}, set()


def input_names(template):
    return [name for name, _ in named(template, "inputs", "parameters")]


def arguments(templates, template, call, scope, at, path, artifacts):
    """What a call gives, as Given."""
    problems, names, out = templates.problems, templates.names, Given()
    problems.fields(template.get("inputs"), f"{path}.inputs", ("parameters", "artifacts"))
    told = problems.fields(call.get("arguments"), f"{at}.arguments", ("parameters", "artifacts"))
    given = {p["name"]: p for p in told.get("parameters") or []}
    for name, declared in named(template, "inputs", "parameters"):
        source, where = given.pop(name, None), f"{at}.arguments.parameters.{name}"
        if source is not None:
            problems.fields(source, where, ("name", "value"))
            out.parameters[names.of(name)] = scope.value(text_of(source.get("value", "")), where)
        elif "value" in declared or "default" in declared:
            out.parameters[names.of(name)] = scope.value(text_of(declared.get("value", declared.get("default"))), f"{path}.inputs.parameters.{name}")
        elif "configMapKeyRef" in (declared.get("valueFrom") or {}):
            out.parameters[names.of(name)] = _of_config_map(templates, template, name, declared, f"{path}.inputs.parameters.{name}")
        elif "suspend" not in template or name not in [n for n, _ in named(template, "outputs", "parameters")]:
            problems.no(where, "is not given")
    if given:
        problems.note(f"{at}.arguments.parameters: {', '.join(sorted(given))} left out: the template {template.get('name')} has no such input")
    sources = {a["name"]: a for a in told.get("artifacts") or []}
    for name, declared in named(template, "inputs", "artifacts"):
        where = f"{at}.arguments.artifacts.{name}"
        source = sources.get(name)
        if source is None and name in artifacts:
            source = artifacts[name]
        elif source is None:
            source, where = declared, f"{path}.inputs.artifacts.{name}"
        _artifact(templates, out, name, source, scope, artifacts, where, declared)
    return out


def within(template, given, names):
    """{input: artifact} of what a template of steps hands on to its own."""
    return {n: {"raw": {"data": f"{OPEN}parameters.{raw_name(n, names)}{CLOSE}"}} if n in given.raws else Done(f"$(inputs.{names.of(n)})")
            for n, _ in named(template, "inputs", "artifacts")}


def text_of(value):
    """A parameter's value as Argo has it: always text."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)


def _of_config_map(templates, template, name, declared, at):
    """An input that a ConfigMap gives: a parameter of the Pipeline."""
    source = templates.problems.fields(declared["valueFrom"], f"{at}.valueFrom", ("configMapKeyRef", "default"))
    ours = templates.names.of(f"{template.get('name')} {name}")
    ref = {k: source["configMapKeyRef"].get(k, "") for k in ("name", "key")}
    entry = {"name": ours, "type": "string", "valueFrom": {"configMapKeyRef": ref}}
    if VARIABLE.search(json.dumps(ref)):
        templates.problems.no(f"{at}.valueFrom", "{{...}} is not covered there: the ConfigMap and key of a parameter are fixed")
    if entry not in templates.parameters:
        templates.parameters.append(entry)
    return f"{OPEN}parameters.{ours}{CLOSE}"


def _artifact(templates, out, name, source, scope, artifacts, where, declared):
    names, problems = templates.names, templates.problems
    ours = names.of(name)
    passed = _passed(source)
    if passed in artifacts:
        return _artifact(templates, out, name, artifacts[passed], scope, artifacts, where, declared)
    if isinstance(source, (Done, str)):
        out.inputs[ours] = written(source)
        return
    if "raw" in source:
        problems.fields(source, where, ("name", "raw", "path", "optional", "description"))
        out.raws.add(name)
        out.parameters[raw_name(name, names)] = scope.text(str((source.get("raw") or {}).get("data", "")), f"{where}.raw.data")
        return
    if "git" in source:
        problems.fields(source, where, ("name", "git", "path", "optional"))
        out.inputs[ours] = templates.fetched(written(outside.git(source, where, problems, scope.text)))
        return
    if "from" not in source and "fromExpression" not in source:
        out.inputs[ours] = _uri(source, where, problems, scope, declared)
        return
    problems.fields(source, where, ("name", "from", "fromExpression", "optional"))
    out.inputs[ours] = _of_step(source, scope, where, declared)


def _passed(source):
    """The name of the caller's own input that an artifact is."""
    found = sole(str(source.get("from", "")).strip()) if isinstance(source, dict) else None
    return found.group(2)[len("inputs.artifacts."):] if found and found.group(2).startswith("inputs.artifacts.") else None


def _uri(source, where, problems, scope, declared):
    if declared.get("optional") and source is declared and not set(source) - {"name", "path", "optional"}:
        problems.no(where, "is not given; an optional input is covered where a step gives it")
        return ""
    return written(outside.uri_of(source, where, problems, scope.text))


def _of_step(source, scope, where, declared):
    text = source.get("from") or f"{{{{={source['fromExpression']}}}}}"
    found = sole(text.strip())
    if not found or found.group(2).startswith(("workflow.", "inputs.")):
        scope.problems.no(f"{where}.from", f"{text!r} is not covered")
        return ""
    told = scope.value(text, f"{where}.from")
    if declared.get("optional"):
        told = FirstOf(told.values if isinstance(told, FirstOf) else [told], optional=True)
    return written(told)
