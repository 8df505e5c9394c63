"""A function as a folder of code that runs exactly it: its source, what of its module it uses, and local modules.

Each step has a folder of its own with no more than it needs, so that a change of one function runs one step again.
What is installed (pandas, numpy) is the image's or `packages`', not packed.
"""
import ast
import builtins
import hashlib
import importlib.util
import inspect
import json
import pathlib
import sys
import sysconfig
import types

from penstock import errors
from penstock.space import bound_by, space_of

MOST_BYTES = 16 << 20
_OWN_ROOT = __name__.partition(".")[0]
_INSTALLED = [pathlib.Path(p).resolve() for p in {*sysconfig.get_paths().values(), sysconfig.get_paths()["stdlib"]}]
# What a step itself may use of this package. Its code holds these files alone where it asks for nothing else, so that a newer
# SDK makes no step run again that would do the same.
_FOR_STEPS = {"log_metric", "log_progress", "read_table", "write_table", "save_model", "check_model", "PenstockError", "CommandError"}
_STEP_FILES = {"__init__.py", "command.py", "converters.py", "emit.py", "errors.py", "frames.py", "metrics.py", "models.py", "tables.py"}
_MAIN = pathlib.Path(__file__).with_name("step_main.txt").read_text(encoding="utf-8").rstrip("\n")


class Code:
    """A packed folder: `files` by path, and `digest` as Penstock's artifact store has it."""

    def __init__(self, files):
        self.files = dict(sorted(files.items()))
        entries = [{"path": path, "sha256": sha256(data), "size": len(data)} for path, data in self.files.items()]
        manifest = json.dumps({"files": entries, "version": 1}, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        self.digest = "sha256:" + hashlib.sha256(manifest.encode()).hexdigest()

    def write(self, folder):
        """Writes the files; what is there already as it should be is left alone."""
        for path, data in self.files.items():
            target = pathlib.Path(folder, path)
            if target.is_file() and target.read_bytes() == data:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


_digests = {}


def sha256(data):
    """SHA-256 in hex; kept for the files that many steps share."""
    if data not in _digests:
        if len(_digests) > 4096:
            _digests.clear()
        _digests[data] = hashlib.sha256(data).hexdigest()
    return _digests[data]


def pack(function, kinds, results, looked=None):
    """The Code of a step's function. `kinds` says how each argument is read, `results` the type of each result.

    `looked` keeps what was read of the disk, for all steps of one pipeline.
    """
    packer = _Packer(function, {} if looked is None else looked)
    text = packer.text(function)
    name = function.__name__
    lines = ["# Made by penstock-sdk; edit the function that it was made of.", "from __future__ import annotations", ""]
    lines += sorted(packer.imports) + ([""] if packer.imports else [])
    for definition in packer.definitions:
        lines += ["", definition, ""]
    lines += ["", text, _MAIN, "", "",
              'if __name__ == "__main__":', f"    _penstock_main({name}, {kinds!r}, {results!r})", ""]
    files = {"step.py": "\n".join(lines).encode()}
    files.update(packer.modules())
    size = sum(map(len, files.values()))
    if size > MOST_BYTES:
        largest = max(files, key=lambda path: len(files[path]))
        packer.refuse(f"its code has {size >> 20} MiB, {largest} alone {len(files[largest]) >> 10} KiB; at most "
                      f"{MOST_BYTES >> 20} MiB are packed: hand data over as an input")
    return Code(files)


class _Packer:
    def __init__(self, function, looked):
        module = function.__globals__.get("__name__")
        if ("space", module) not in looked:
            looked["space", module] = space_of(function)
        self.function, self.space, self.looked = function, looked["space", module], looked
        self.imports, self.definitions = set(), []
        self.done, self.roots, self.whole_sdk = {}, set(), False

    def refuse(self, problem, name=None):
        what = f"{self.function.__name__}()" + (f", name {name}" if name else "")
        errors.refuse(errors.place(self.function), what, problem)

    def text(self, function):
        """The function's source without decorators; what it uses is gathered on the way."""
        if inspect.iscoroutinefunction(function) or function.__name__ == "<lambda>":
            self.refuse("a step is a plain function, made with def")
        text, node = self.space.function_at(function.__code__) or self._source(function)
        used, loaded = [n for n in ast.walk(node) if not isinstance(n, (ast.expr_context, ast.operator))], _names_of(function.__code__)
        names = {n.id for n in used if isinstance(n, ast.Name) and n.id in loaded}
        self.gather(names | _default_names(node), function)
        self.gather_imports(used)
        return text

    def _source(self, function):
        """(text, tree) of a function that is no top-level one of a file."""
        try:
            source = inspect.getsource(function)
        except (OSError, TypeError) as error:
            self.refuse(f"its source is not there ({error}): write it into a file or a notebook's cell")
        indented = source[:1] in " \t"
        tree = ast.parse("if True:\n" + source if indented else source)
        node = tree.body[0].body[0] if indented else tree.body[0]
        if not isinstance(node, ast.FunctionDef):
            self.refuse("a step is a plain function, made with def")
        lines = source.split("\n")
        text = "\n".join(lines[node.lineno - 1 - indented:]).rstrip("\n")
        return ("if True:\n" + text if indented else text), node

    def gather(self, names, function):
        """Packs what each global name of a function stands for."""
        closure = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
        for name in sorted(names | set(closure)):
            if name in self.done or name.startswith("__"):
                continue
            if name in closure:
                try:
                    value = closure[name].cell_contents
                except ValueError:
                    self.refuse("is not set when the step is made", name)
                if value is self.function:
                    continue
                self.add(name, value, in_module=False)
            elif name in function.__globals__ and not _is_ipython_s(name, function.__globals__[name]):
                self.add(name, function.__globals__[name])
            elif not hasattr(builtins, name):
                self.refuse("is defined neither in the function nor in its module", name)

    def add(self, name, value, in_module=True):
        plain = getattr(value, "function", value) if type(value).__name__ == "Step" else value
        if plain is self.function:
            return
        self.done[name] = True
        if in_module and name in self.space.imports:
            return self.add_import(self.space.imports[name])
        if isinstance(value, types.ModuleType):
            return self.add_import(f"import {value.__name__}" + (f" as {name}" if value.__name__ != name else ""))
        own = getattr(plain, "__module__", None) == self.function.__module__
        if isinstance(plain, types.FunctionType) and own and plain.__name__ != "<lambda>":
            text = self.text(plain)
            self.definitions.append(text if plain.__name__ == name else f"{text}\n\n\n{name} = {plain.__name__}")
            return None
        if _is_literal(value) and len(repr(value)) <= 65536:
            return self.definitions.append(f"{name} = {value!r}")
        if in_module and name in self.space.statements:
            return self.add_statement(name)
        module, qualified = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
        if module and not own and "." not in qualified and getattr(sys.modules.get(module), qualified, None) is value:
            return self.add_import(f"from {module} import {qualified}" + (f" as {name}" if qualified != name else ""))
        return self.refuse(f"is a {type(value).__name__} that cannot be written as source: make it within the function, or hand it "
                           "over as a parameter or an input", name)

    def add_import(self, lines):
        for line in lines.split("\n"):
            self.imports.add(line)
            self.add_root(line)

    def add_root(self, line):
        """The module that an import statement asks for, which is packed where it is a local one."""
        words = line.split()
        root = words[1].partition(".")[0]
        self.roots.add(root)
        if root == _OWN_ROOT and not (words[:3] == ["from", _OWN_ROOT, "import"] and words[3] in _FOR_STEPS):
            self.whole_sdk = True

    def add_statement(self, name):
        """A class, or an assignment whose value has no literal: its statement, after what it uses."""
        text, node = self.space.statements[name]
        for other in ast.walk(node):
            if isinstance(other, ast.Name) and isinstance(other.ctx, ast.Store):
                self.done[other.id] = True
        used = sorted({n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)})
        names = self.function.__globals__
        for other in used:
            if other not in self.done and other in names and not other.startswith("__"):
                self.add(other, names[other])
        self.gather_imports(ast.walk(node))
        if text not in self.definitions:
            self.definitions.append(text)

    def gather_imports(self, nodes):
        """Local modules that are imported within a function."""
        package = self.function.__globals__.get("__package__") or ""
        for inner in nodes:
            if isinstance(inner, (ast.Import, ast.ImportFrom)):
                for lines in bound_by(inner, package).values():
                    for line in lines.split("\n"):
                        self.add_root(line)

    def modules(self):
        """The files of local modules, and of those that they import."""
        files, todo, seen = {}, sorted(self.roots), set()
        while todo:
            root = todo.pop()
            if root in seen:
                continue
            seen.add(root)
            if root not in self.looked:
                self.looked[root] = _local_module(root)
            found, imported = self.looked[root]
            files.update(found)
            self.whole_sdk |= _OWN_ROOT in imported
            todo += sorted(imported - seen)
        if self.whole_sdk:
            return files
        return {path: data for path, data in files.items()
                if not path.startswith(_OWN_ROOT + "/") or path.partition("/")[2] in _STEP_FILES}


def _names_of(code):
    """Names that a function's code, and what is defined within it, looks up: globals, and attributes too."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names_of(constant)
    return names.difference(code.co_varnames, code.co_cellvars)


def _is_ipython_s(name, value):
    """Does a notebook's own `open`, `exit` or `display` stand for a builtin?"""
    own = str(getattr(value, "__module__", "")).partition(".")[0] in ("IPython", "io", "_io")
    return hasattr(builtins, name) and (own or getattr(value, "__wrapped__", None) is getattr(builtins, name))


def _default_names(node):
    """Names in the defaults of the parameters, which are looked up when the function is defined."""
    defaults = [d for d in node.args.defaults + node.args.kw_defaults if d is not None]
    return {n.id for d in defaults for n in ast.walk(d) if isinstance(n, ast.Name)}


def _is_literal(value):
    if isinstance(value, (str, bytes, int, float, bool, type(None))):
        return value == value and value not in (float("inf"), -float("inf")) if isinstance(value, float) else True
    if type(value) in (list, tuple, set, frozenset):
        return type(value) is not frozenset and bool(value or type(value) is not set) and all(map(_is_literal, value))
    return type(value) is dict and all(_is_literal(k) and _is_literal(v) for k, v in value.items())


_modules = {}


def _local_module(root):
    """(files, names of modules that they import) of a module beside the user's own; nothing of one that is installed."""
    origin = getattr(sys.modules.get(root), "__file__", None)
    if root not in sys.modules:
        try:
            spec = importlib.util.find_spec(root)
        except (ImportError, ValueError):
            spec = None
        origin = spec.origin if spec else None
    if not origin or root == "__main__" or not str(origin).endswith(".py"):
        return {}, set()
    path = pathlib.Path(origin).resolve()
    installed = {"site-packages", "dist-packages"} & set(path.parts) or any(place in path.parents for place in _INSTALLED)
    if root != _OWN_ROOT and installed:
        return {}, set()
    paths = [path]
    if path.name == "__init__.py":
        paths = sorted(p for p in path.parent.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        paths = [p for p in paths if not any(part.startswith(".") for part in p.relative_to(path.parent).parts)]
    stamp = tuple((p, p.stat().st_mtime_ns, p.stat().st_size) for p in paths)
    if _modules.get(root, (None,))[0] == stamp:
        return _modules[root][1]
    base = path.parent.parent if path.name == "__init__.py" else path.parent
    if sum(size for _, _, size in stamp) > MOST_BYTES:
        raise errors.CompileError(f"{errors.shown(str(path))}: the package {root} has more than {MOST_BYTES >> 20} MiB")
    files = {str(p.relative_to(base)): p.read_bytes() for p in paths}
    imported = set()
    for name, data in files.items():
        if name.endswith(".py") and root != _OWN_ROOT:
            for node in ast.walk(ast.parse(data)):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    imported.add(node.module.partition(".")[0])
    _modules[root] = stamp, (files, imported)
    return _modules[root][1]
