"""References to what is known only when the pipeline runs, and conditions over them.

A reference in a text (f"{rate}") is kept apart from the text around it by two private characters until the YAML is
written: there it is $(...), and a literal $( of the user's is $$(.
"""
import json
import math
import re

OPEN, CLOSE = "\ue000", "\ue001"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_RESERVED = frozenset(["path", "address", "exitCode"])


class Condition:
    """A part of a condition, in Penstock's subset of CEL. Made by comparing and combining references."""

    __hash__ = object.__hash__

    def __init__(self, text, number=False, level=9):
        self.text, self.number, self.level = text, number, level

    def __bool__(self):
        raise TypeError(f"({self.text}) is known only when the pipeline runs: Python's if, and, or and not cannot ask it. "
                        "Use task.when(...), and & | ~ between conditions")

    def __repr__(self):
        return self.text

    def _join(self, operator, other, level, turned=False):
        left, right = self, literal(other, self.number)
        if turned:
            left, right = right, left
        return Condition(f"{left.within(level)} {operator} {right.within(level + 1)}", self.number or right.number, level)

    def within(self, level):
        return self.text if self.level >= level else f"({self.text})"

    def __eq__(self, other):
        return self._join("==", other, 3)

    def __ne__(self, other):
        return self._join("!=", other, 3)

    def __lt__(self, other):
        return self._join("<", other, 3)

    def __le__(self, other):
        return self._join("<=", other, 3)

    def __gt__(self, other):
        return self._join(">", other, 3)

    def __ge__(self, other):
        return self._join(">=", other, 3)

    def __and__(self, other):
        return self._join("&&", other, 2)

    def __rand__(self, other):
        return self._join("&&", other, 2, True)

    def __or__(self, other):
        return self._join("||", other, 1)

    def __ror__(self, other):
        return self._join("||", other, 1, True)

    def __invert__(self):
        return Condition("!" + self.within(8), level=8)

    def __add__(self, other):
        return self._join("+", other, 4)

    def __sub__(self, other):
        return self._join("-", other, 4)

    def __mul__(self, other):
        return self._join("*", other, 5)

    def __truediv__(self, other):
        return self._join("/", other, 5)

    def __mod__(self, other):
        return self._join("%", other, 5)

    def isin(self, values):
        """Is it one of these?"""
        return Condition(f"{self.within(4)} in {literal(values).text}", level=3)

    def startswith(self, text):
        return Condition(f"{self.within(9)}.startsWith({literal(text).text})")

    def endswith(self, text):
        return Condition(f"{self.within(9)}.endsWith({literal(text).text})")

    def matches(self, pattern):
        """RE2, anywhere in the text."""
        return Condition(f"{self.within(9)}.matches({literal(pattern).text})")

    def size(self):
        return Condition(f"size({self.text})")


def literal(value, as_double=False):
    """A Python value as CEL; a reference as what it is there."""
    if isinstance(value, Condition):
        return value
    if isinstance(value, bool):
        return Condition("true" if value else "false")
    if value is None:
        return Condition("null")
    if isinstance(value, int) and not as_double:
        return Condition(str(value))
    if isinstance(value, (int, float)) and math.isfinite(value):
        text = repr(float(value))
        return Condition(text, number=True)
    if isinstance(value, str):
        return Condition(json.dumps(value))
    if isinstance(value, (list, tuple)):
        return Condition("[" + ", ".join(literal(item).text for item in value) + "]")
    raise TypeError(f"{value!r} cannot stand in a condition")


class Reference(Condition):
    """$(...): a parameter, a result, an artifact, the item of a loop, or a value of the run."""

    def __init__(self, path, schema=None, task=None, kind="value"):
        self._path, self._schema, self._task, self._kind = path, dict(schema or {}), task, kind

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"{self!r} has no attribute {name}: a field of it is [{json.dumps(name)}]")

    @property
    def text(self):
        return _cel(self.resolved())

    @property
    def number(self):
        return self._schema.get("type") == "number"

    level = 9

    def resolved(self):
        """The path as it is when the YAML is written: a task may get its name late."""
        return self._path() if callable(self._path) else self._path

    def __str__(self):
        return f"{OPEN}{self.resolved()}{CLOSE}"

    def __format__(self, spec):
        if spec:
            raise TypeError(f"$({self.resolved()}) is known only when the pipeline runs, so that {spec!r} cannot format it")
        return str(self)

    def __repr__(self):
        return f"$({self.resolved()})"

    def __iter__(self):
        raise TypeError(f"$({self.resolved()}) is known only when the pipeline runs: loop over it with task.for_each(...)")

    def __len__(self):
        raise TypeError(f"the length of $({self.resolved()}) is known only when the pipeline runs; in a condition: .size()")

    def __getitem__(self, key):
        if self._kind == "artifact":
            raise TypeError(f"$({self.resolved()}) is an artifact: it has no fields")
        if isinstance(key, bool) or not isinstance(key, (int, str)):
            raise TypeError(f"$({self.resolved()})[{key!r}]: a field is a text, an item a whole number from 0")
        if isinstance(key, int) and key < 0:
            raise TypeError(f"$({self.resolved()})[{key}]: items are counted from 0")
        schema = self._schema.get("items") if isinstance(key, int) else self._schema.get("properties", {}).get(key)
        plain = isinstance(key, str) and _PATH_NAME.fullmatch(key) and key not in _RESERVED
        part = f".{key}" if plain else f"[{json.dumps(key)}]"
        return Reference(lambda: self.resolved() + part, schema, self._task, self._kind)


class Each(Reference):
    """The item of the loop that a task is: each, each["field"], each.index."""

    def __init__(self):
        super().__init__("each.value")

    @property
    def index(self):
        return Reference("each.index", {"type": "integer"})


class RunValues:
    """Values of the run: run.name, run.status, ..."""

    _TYPES = {"name": "string", "uid": "string", "namespace": "string", "pipeline": "string", "creationTime": "string",
              "scheduledTime": "string", "status": "string", "failures": "list", "duration": "integer"}

    def __getattr__(self, name):
        if name not in self._TYPES:
            raise AttributeError(f"a run has no {name}; it has {', '.join(self._TYPES)}")
        return Reference(f"run.{name}", {"type": self._TYPES[name]})


class Verbatim(str):
    """A text in which $(...) is a reference already."""


class Done:
    """A value that is as it stands in YAML already."""

    def __init__(self, value):
        self.value = value


class FirstOf:
    """The first of these that is there (docs/values.md)."""

    def __init__(self, values, optional=False):
        self.values, self.optional = list(values), optional


def first_of(*values, optional=False):
    """The first of the values that exists: joins branches of which one was skipped."""
    if not values:
        raise TypeError("first_of needs a value")
    return FirstOf(values, optional)


each, run = Each(), RunValues()


def _cel(path):
    """steps.one-file.results.n as CEL writes it: steps["one-file"].results["n"]."""
    head, *rest = re.split(r"\.(?![^\[]*\])", path)
    out = head
    for part in rest:
        name, bracket, tail = part.partition("[")
        out += (f".{name}" if _NAME.fullmatch(name) else f"[{json.dumps(name)}]") + bracket + tail
    return out


def written(value):
    """The value as it stands in YAML."""
    if isinstance(value, str):
        text = str.__str__(value)
        if not isinstance(value, Verbatim):
            text = text.replace("$(", "$$(")
        return text.replace(OPEN, "$(").replace(CLOSE, ")")
    if isinstance(value, Done):
        return value.value
    if isinstance(value, Reference):
        return f"$({value.resolved()})"
    if isinstance(value, FirstOf):
        out = {"firstOf": [written(item) for item in value.values]}
        return {**out, "optional": True} if value.optional else out
    if isinstance(value, Condition):
        raise TypeError(f"({value.text}) is a condition: it can stand in when(...) only")
    if isinstance(value, dict):
        keep = {"$firstOf" if list(value) == ["firstOf"] and key == "firstOf" else key: written(item)
                for key, item in value.items()}
        return keep
    if isinstance(value, (list, tuple)):
        return [written(item) for item in value]
    return value
