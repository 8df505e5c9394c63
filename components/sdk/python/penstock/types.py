"""What annotations say: artifacts that come in and go out, and the types of parameters and results.

    def fit(rows: Input[Dataset], model: Output[Model], rate: Annotated[float, Range(0, 1)] = 0.1) -> Scores: ...
"""
import enum
import json
import pathlib
import sys
import typing

if sys.version_info >= (3, 11):
    from typing import is_typeddict as _is_typed_dict
else:
    def _is_typed_dict(annotation):
        return isinstance(annotation, type) and issubclass(annotation, dict) and hasattr(annotation, "__total__")

_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}


class Artifact:
    """What is passed between steps as files. A step sees a pathlib.Path: a file, or a folder."""

    kind = "file"


class File(Artifact):
    """Any file or folder."""


class Dataset(Artifact):
    """A table: Parquet parts and their schema, as `ingest` writes it; read_table() reads it."""

    kind = "dataset"


class Model(Artifact):
    """A folder that Penstock serves; save_model() writes one."""

    kind = "model"


class Report(Artifact):
    """A page for people."""

    kind = "report"


class Metrics(Artifact):
    """Metrics of `evaluate`."""

    kind = "metrics"


class Schema(Artifact):
    """A dataset's schema."""

    kind = "schema"


class Statistics(Artifact):
    """Statistics of a dataset."""

    kind = "statistics"


class Transform(Artifact):
    """The constants of `transform`."""

    kind = "transform"


class Port:
    """An artifact of a function: which way it goes and of which kind it is."""

    def __init__(self, direction, kind):
        self.direction, self.kind = direction, kind

    def __repr__(self):
        return f"{self.direction}[{self.kind}]"


class _Direction(type):
    def __getitem__(cls, artifact):
        if not (isinstance(artifact, type) and issubclass(artifact, Artifact)):
            known = ", ".join(sorted(c.__name__ for c in Artifact.__subclasses__()))
            raise TypeError(f"{cls.__name__}[...] takes one of {known}, not {artifact!r}")
        return typing.Annotated[pathlib.Path, Port(cls.__name__, artifact.kind)]


class Input(metaclass=_Direction):
    """Input[Dataset]: the function reads this path."""


class Output(metaclass=_Direction):
    """Output[Model]: the function writes this path. Callers do not give it; later steps take it as task.NAME."""


class Range:
    """Bounds of a number: Annotated[float, Range(0, 1)]."""

    def __init__(self, minimum=None, maximum=None):
        self.schema = {k: v for k, v in (("minimum", minimum), ("maximum", maximum)) if v is not None}


class Pattern:
    """What the whole of a text must match (RE2): Annotated[str, Pattern("[a-z]+")]."""

    def __init__(self, pattern):
        self.schema = {"pattern": pattern}


class Unfit(Exception):
    """An annotation or a value that has no place in YAML; the message says why."""


def annotations_of(function):
    """The function's annotations, evaluated where they are texts."""
    out = {}
    for name, annotation in function.__annotations__.items():
        if isinstance(annotation, str):
            try:
                annotation = eval(annotation, function.__globals__)  # the user's own text, in their own module
            except Exception as error:
                raise Unfit(f"the annotation of {name}, {annotation!r}, cannot be read: {error}") from error
        out[name] = annotation
    return out


def optional_of(annotation):
    """(X, True) of Optional[X] or X | None."""
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    union = origin is typing.Union or type(annotation).__name__ == "UnionType"
    if not union or type(None) not in arguments:
        return annotation, False
    rest = [a for a in arguments if a is not type(None)]
    return (rest[0] if len(rest) == 1 else annotation), len(rest) == 1


def port_of(annotation):
    """The Port that an annotation holds, or None."""
    if isinstance(annotation, type) and issubclass(annotation, Artifact):
        return Port("Input", annotation.kind)
    for extra in getattr(annotation, "__metadata__", ()):
        if isinstance(extra, Port):
            return extra
    return None


def schema_of(annotation):
    """Type and bounds of a parameter or result, as its YAML has them. Raises Unfit."""
    extras = getattr(annotation, "__metadata__", ())
    if extras:
        out = schema_of(annotation.__origin__)
        for extra in extras:
            if isinstance(extra, str):
                out["description"] = extra
            elif isinstance(extra, (Range, Pattern)):
                out.update(extra.schema)
        return out
    if annotation in _SCALARS:
        return {"type": _SCALARS[annotation]}
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _one_of([member.value for member in annotation])
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return _one_of(list(arguments))
    if annotation is list or origin is list:
        return {"type": "list", **({"items": schema_of(arguments[0])} if arguments and arguments[0] is not typing.Any else {})}
    if _is_typed_dict(annotation):
        fields = {name: schema_of(optional_of(kind)[0]) for name, kind in typing.get_type_hints(annotation).items()}
        return {"type": "object", "properties": fields, "required": sorted(annotation.__required_keys__)}
    if annotation is dict or origin is dict:
        if arguments and arguments[0] is not str:
            raise Unfit(f"keys of an object are texts: {annotation} has {arguments[0]}")
        return {"type": "object"}
    raise Unfit(f"{getattr(annotation, '__name__', annotation)} is no type of a parameter or result: use str, int, float, bool, "
                "list, dict, a TypedDict, Literal[...], or Input[...] and Output[...] of an artifact")


def _one_of(values):
    kinds = {type(value) for value in values}
    if len(kinds) != 1 or not kinds <= set(_SCALARS):
        raise Unfit(f"the allowed values {values!r} are not all texts or all numbers")
    return {"type": _SCALARS[kinds.pop()], "enum": values}


def results_of(annotation):
    """The results that a return annotation names: {name: schema}. One value is called "result"."""
    if annotation is None or annotation is type(None):
        return {}
    fields = getattr(annotation, "_fields", None)
    if fields is not None or (_is_typed_dict(annotation)):
        hints = typing.get_type_hints(annotation, include_extras=True)
        missing = [name for name in fields or () if name not in hints]
        if missing:
            raise Unfit(f"{annotation.__name__} says no type of {missing[0]}: make it a typing.NamedTuple")
        return {name: schema_of(optional_of(kind)[0]) for name, kind in hints.items()}
    return {"result": schema_of(optional_of(annotation)[0])}


def misfit(value, schema, at=""):
    """Why a value is not what the schema asks for, or None."""
    kind = schema.get("type", "string")
    found = kind_of(value)
    if found is None:
        return f"{at}{value!r} is no text, number, boolean, list or object of these"
    if kind != found and not (kind == "number" and found == "integer"):
        return f"{at}takes {ARTICLE[kind]}, got {json.dumps(value, ensure_ascii=False, default=repr)[:80]}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{at}{value!r} is none of {', '.join(map(repr, schema['enum']))}"
    if "minimum" in schema and value < schema["minimum"]:
        return f"{at}{value} is below the minimum {schema['minimum']}"
    if "maximum" in schema and value > schema["maximum"]:
        return f"{at}{value} is above the maximum {schema['maximum']}"
    if kind == "list" and "items" in schema:
        return next(filter(None, (misfit(item, schema["items"], f"{at}[{i}]: ") for i, item in enumerate(value))), None)
    if kind == "object":
        absent = [name for name in schema.get("required", ()) if name not in value]
        if absent:
            return f"{at}the field {absent[0]} is missing"
        fields = schema.get("properties", {})
        return next(filter(None, (misfit(v, fields[k], f"{at}.{k}: ") for k, v in value.items() if k in fields)), None)
    return None


ARTICLE = {"string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
            "list": "a list", "object": "an object"}


def kind_of(value):
    """The type of a plain value, None where it is none."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, (list, tuple)):
        return "list"
    return "object" if isinstance(value, dict) else None
