"""Steps that are no functions: an image of one's own, people's decisions, and whatever YAML has."""
from penstock import errors, trace
from penstock.tasks import Task, YamlTask
from penstock.types import kind_of
from penstock.values import Done, Reference, Verbatim


def raw_step(name, body, outputs=(), results=()):
    """A step as YAML has it: raw_step("ask", {"approval": {"message": "Serve it?"}}).

    outputs {name: kind} and results {name: type} say what later steps may take of it.
    """
    active = trace.active()
    if active is None:
        raise TypeError("a step is called within a function that @pipeline has made a pipeline of")
    return active.add(YamlTask(name, body, outputs, results, errors.caller()))


def container(name, image, command, inputs=None, parameters=None, outputs=(), results=(), env=None, **fields):
    """A step of an image's own program: $(inputs.x.path), $(outputs.x.path) and the like stand in command as in YAML."""
    body = {"container": {"image": image, "command": [Verbatim(word) if isinstance(word, str) else word for word in command]}}
    if env:
        body["container"]["env"] = [{"name": n, "value": Verbatim(v) if isinstance(v, str) else v} for n, v in env.items()]
    task = raw_step(name, body, outputs, results)
    for key, given in (("inputs", inputs), ("parameters", parameters)):
        if given:
            body[key] = {n: Done(task.take_input(n, "file", v) if key == "inputs" else task.take_parameter(n, {"type": _kind(v)}, v))
                         for n, v in given.items()}
    return task.set(**fields)


def _kind(value):
    if isinstance(value, Task):
        value = next(iter(value.results.values()), None)
    if isinstance(value, Reference):
        return value._schema.get("type", "string")
    return kind_of(value) or "string"


def approval(message, name="approval", values=(), **fields):
    """A step that waits for people. values: {name: type} that they give; fields as in YAML: timeout, need, approvers."""
    given = [{"name": n, "type": kind} for n, kind in dict(values).items()]
    return raw_step(name, {"approval": {"message": message, **fields, **({"values": given} if given else {})}}, results=values)


def published(pipeline, output):
    """The newest artifact that a Pipeline published, as an input."""
    return Reference(f"pipelines.{pipeline}.outputs.{output}", kind="artifact")
