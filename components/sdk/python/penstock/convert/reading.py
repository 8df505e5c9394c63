"""Files of other tools, read strictly: a field that nobody has looked at is refused, not left out."""
import hashlib
import re

from penstock.errors import PenstockError


class Refused(PenstockError):
    """What of a file is not covered: one line a field."""


class Problems:
    """Gathers what is refused, and notes on what changes its form."""

    def __init__(self, name):
        self.name, self.lines, self.notes, self.last = name, [], [], ""

    def no(self, path, why="is not covered"):
        self.lines.append(f"{self.name}: {path}: {why}")

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def tell(self):
        if self.lines:
            raise Refused("\n".join(dict.fromkeys(self.lines)))

    def misread(self, error):
        """A node of another shape than its tool's documentation has it, where nothing looked at that before."""
        self.no(self.last or "its beginning", f"is not as the documentation has it, or something within it ({type(error).__name__}: {error})")

    def fields(self, node, path, known, why="is not covered"):
        """The node, after refusing its fields that are not among `known`."""
        self.last = path
        if node is None:
            return {}
        if not isinstance(node, dict):
            self.no(path, f"is no object but {node!r}")
            return {}
        for name in node:
            if name not in known:
                self.no(f"{path}.{name}" if path else name, why)
        return node


def read_documents(path):
    """All documents of a YAML file."""
    try:
        import yaml
    except ImportError as error:
        raise PenstockError("import reads YAML by PyYAML: pip install pyyaml") from error
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        with open(path, encoding="utf-8") as file:
            documents = [d for d in yaml.load_all(file, Loader=loader) if d is not None]
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Refused(f"{path}: is no YAML: {error}") from error
    if not documents or not all(isinstance(d, dict) for d in documents):
        raise Refused(f"{path}: holds no object")
    return documents


class Names:
    """Names as Penstock takes them, the same for the same original, and no two alike."""

    def __init__(self, pattern=r"[^a-zA-Z0-9_-]", most=40, lower=False):
        self._other, self._most, self._lower = re.compile(pattern), most, lower
        self._known, self._taken = {}, set()

    def of(self, original):
        if original not in self._known:
            name = self._other.sub("-", str(original).replace("pipelinechannel--", ""))
            name = (name.lower() if self._lower else name).strip("-_") or "x"
            if not name[0].isalpha():
                name = "n" + name
            if len(name) > self._most or name in self._taken:
                name = f"{name[:self._most - 7].rstrip('-_')}-{hashlib.sha256(str(original).encode()).hexdigest()[:6]}"
            self._known[original] = name
            self._taken.add(name)
        return self._known[original]


def step_names():
    return Names(r"[^a-zA-Z0-9-]", 40, lower=True)


def pipeline_name(text):
    return Names(r"[^a-zA-Z0-9-]", 52, lower=True).of(text)


def whole(value):
    """Numbers without a fraction as integers, at any depth: YAML and protobuf wrote 3 as 3.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {k: whole(v) for k, v in value.items()}
    if isinstance(value, list):
        return [whole(v) for v in value]
    return value
