"""What the names of a user's module or notebook stand for: its imports, definitions and assignments, by their source."""
import ast
import linecache
import sys


class Space:
    """The top level of the module that a function is of."""

    def __init__(self, texts, package, path=None):
        self.path = path  # of the file; None of cells
        self.imports = {}  # bound name -> the import statement
        self.statements = {}  # bound name -> source of the definition or assignment
        for text in texts:
            try:
                tree = ast.parse(text)
            except SyntaxError:
                continue  # a notebook's cell of another language
            self._read(tree.body, text.splitlines(keepends=True), package)

    def function_at(self, code):
        """(source, tree) of the function of a code object without its decorators, where it is one of the file's own; else None."""
        text, node = self.statements.get(code.co_name, ("", None))
        if not isinstance(node, ast.FunctionDef) or code.co_filename != self.path or text.startswith("if True:"):
            return None
        first = min([node.lineno] + [d.lineno for d in node.decorator_list])
        if first != code.co_firstlineno:
            return None
        return "\n".join(text.split("\n")[node.lineno - first:]), node

    def _read(self, body, lines, package):
        for node in body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self.imports.update(bound_by(node, package))
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                first = min([node.lineno] + [d.lineno for d in node.decorator_list])
                self._state(node.name, lines, first, node)
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    for name in ast.walk(target):
                        if isinstance(name, ast.Name):
                            self._state(name.id, lines, node.lineno, node)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                self._state(node.target.id, lines, node.lineno, node)
            elif isinstance(node, (ast.Try, ast.If, ast.With)):
                for part in ("body", "handlers", "orelse", "finalbody"):
                    for inner in getattr(node, part, []):
                        self._read(inner.body if isinstance(inner, ast.ExceptHandler) else [inner], lines, package)

    def _state(self, name, lines, first, node):
        text = "".join(lines[first - 1:node.end_lineno]).rstrip("\n")
        self.statements[name] = ("if True:\n" + text if text[:1] in " \t" else text), node


def bound_by(node, package):
    """The names that an import statement binds: {name: statement}."""
    out = {}
    if isinstance(node, ast.Import):
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            line = f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
            out[name] = "\n".join(sorted({*out.get(name, "").split("\n"), line} - {""}))
        return out
    if node.module == "__future__":
        return out
    module = node.module or ""
    if node.level:
        above = package.split(".")[:len(package.split(".")) - node.level + 1]
        module = ".".join(above + ([module] if module else []))
    for alias in node.names:
        if alias.name != "*":
            out[alias.asname or alias.name] = f"from {module} import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
    return out


_spaces = {}


def space_of(function):
    """The Space of a function; read again only when its text changed."""
    names = function.__globals__
    filename = function.__code__.co_filename
    cells = names.get("In") if names.get("__name__") == "__main__" and "get_ipython" in names else None
    if cells is not None:
        key, texts = ("cells", id(names), len(cells)), [_without_magics(cell) for cell in cells]
    else:
        module = sys.modules.get(names.get("__name__"))
        path = getattr(module, "__file__", None) or filename
        linecache.checkcache(path)
        text = "".join(linecache.getlines(path, names))
        key, texts = ("file", path, hash(text)), [text]
    if key not in _spaces:
        if len(_spaces) > 100:
            _spaces.clear()
        _spaces[key] = Space(texts, names.get("__package__") or "", None if cells is not None else path)
    return _spaces[key]


def _without_magics(cell):
    lines = cell.split("\n")
    return "\n".join("" if line.lstrip()[:1] in ("%", "!") else line for line in lines) if lines[0][:2] != "%%" else ""
