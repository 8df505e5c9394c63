"""Argo's two languages of conditions as CEL: govaluate (`when`), and expr ({{=...}}, successCondition, hooks, fromExpression).

Languages: github.com/Knetic/govaluate's manual, expr-lang.org's "Language Definition"; functions: Argo's page on variables.
A text of theirs is a text here only if it is known to be one: a reference is compared as a text with texts, as a number with
numbers.
"""
import json
import re

_STRING = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_EXPR = re.compile(rf"\s*({_STRING}|\d+\.\d+|\d+|&&|\|\||\?\?|==|!=|<=|>=|[<>!?:,.()\[\]+\-*/%]|[A-Za-z_]\w*)")
_GOVALUATE = re.compile(rf"\s*({_STRING}|&&|\|\||==|!=|<=|>=|=~|!~|[<>!,()]|[^\s()<>=!&|,'\"]+)")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_COMPARED = ("==", "!=", "<", ">", "<=", ">=", "in", "not in", "contains", "startsWith", "endsWith", "matches", "=~", "!~")
_FUNCTIONS = {"asInt": ("int", "number"), "asFloat": ("double", "number"), "int": ("int", "number"), "float": ("double", "number"),
              "string": ("string", "text"), "len": ("size", "number"), "sprig.int": ("int", "number"), "sprig.float64": ("double", "number"),
              "sprig.toString": ("string", "text")}
_TURNED = {"sprig.contains": "contains", "sprig.hasPrefix": "startsWith", "sprig.hasSuffix": "endsWith", "sprig.regexMatch": "matches"}
_METHODS = {"contains": "contains", "startsWith": "startsWith", "endsWith": "endsWith", "matches": "matches", "=~": "matches", "!~": "matches"}


class NotCovered(Exception):
    """What of an expression has no counterpart."""


class Cel:
    """CEL text with its kind (reference, text, number, boolean, list) and how tightly it holds together."""

    def __init__(self, text, kind, level=9):
        self.text, self.kind, self.level = text, kind, level

    def within(self, level):
        return self.text if self.level >= level else f"({self.text})"


def parse_expr(text):
    """The tree of an expression in expr: tuples that begin with their sort."""
    return _Parser(_tokens(_EXPR, text), text).whole()


def parse_govaluate(text):
    """The tree of a condition in govaluate, whose variables stand as \ue010index\ue010."""
    return _Govaluate(_tokens(_GOVALUATE, text), text).whole()


def _tokens(pattern, text):
    out, at, text = [], 0, text.strip()
    while at < len(text):
        found = pattern.match(text, at)
        if not found:
            raise NotCovered(f"{text!r} is not covered")
        out.append(found.group(1))
        at = found.end()
    return out


def _unquoted(token):
    body = token[1:-1]
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t", "r": "\r"}.get(m.group(1), m.group(1)), body)


class _Parser:
    _LEVELS = [("||", "or"), ("&&", "and"), ("==", "!=", "<", ">", "<=", ">=", "in", "contains", "startsWith", "endsWith", "matches", "not"),
               ("+", "-"), ("*", "/", "%")]

    def __init__(self, tokens, text):
        self.tokens, self.text, self.at = tokens, text, 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, *wanted):
        token = self.peek()
        if token is None or (wanted and token not in wanted):
            raise NotCovered(f"{self.text!r} is not covered")
        self.at += 1
        return token

    def whole(self):
        tree = self.choice()
        if self.peek() is not None:
            raise NotCovered(f"{self.text!r} is not covered")
        return tree

    def choice(self):
        tree = self.otherwise()
        if self.peek() != "?":
            return tree
        self.take()
        first = self.choice()
        self.take(":")
        return ("choice", tree, first, self.choice())

    def otherwise(self):
        tree = self.binary(0)
        while self.peek() == "??":
            self.take()
            tree = ("else", tree, self.binary(0))
        return tree

    def binary(self, level):
        if level == len(self._LEVELS):
            return self.unary()
        tree = self.binary(level + 1)
        while self.peek() in self._LEVELS[level]:
            operator = self.take()
            if operator == "not":
                operator += " " + self.take("in")
            tree = ("binary", {"or": "||", "and": "&&"}.get(operator, operator), tree, self.binary(level + 1))
        return tree

    def unary(self):
        if self.peek() in ("!", "not"):
            self.take()
            return ("not", self.unary())
        if self.peek() == "-":
            self.take()
            return ("number", "-" + self.take()) if _NUMBER.fullmatch(self.peek() or "") else ("negative", self.unary())
        return self.postfix(self.primary())

    def primary(self):
        token = self.take()
        if token == "(":
            tree = self.choice()
            self.take(")")
            return tree
        if token == "[":
            return ("list", self.several("]"))
        if token[0] in "'\"":
            return ("text", _unquoted(token))
        if _NUMBER.fullmatch(token):
            return ("number", token)
        if token in ("true", "false"):
            return ("boolean", token)
        if not re.fullmatch(r"[A-Za-z_]\w*", token):
            raise NotCovered(f"{self.text!r} is not covered")
        return ("path", [token])

    def several(self, end):
        out = []
        while self.peek() != end:
            out.append(self.choice())
            if self.peek() != end:
                self.take(",")
        self.take(end)
        return out

    def postfix(self, tree):
        while self.peek() in (".", "[", "("):
            token = self.take()
            if tree[0] != "path":
                raise NotCovered(f"{self.text!r} is not covered")
            if token == "(":
                tree = ("call", ".".join(map(str, tree[1])), self.several(")"))
                continue
            if token == ".":
                part = self.take()
            else:
                key = self.choice()
                if key[0] not in ("text", "number"):
                    raise NotCovered(f"{self.text!r} is not covered")
                part = key[1] if key[0] == "text" else int(key[1])
                self.take("]")
            tree = ("path", [*tree[1], part])
        return tree


class _Govaluate(_Parser):
    _LEVELS = [("||",), ("&&",), ("==", "!=", "<", ">", "<=", ">=", "=~", "!~", "in")]

    def unary(self):
        if self.peek() == "!":
            self.take()
            return ("not", self.unary())
        if self.peek() == "(":
            self.take()
            first = self.binary(0)
            if self.peek() == ",":
                self.take()
                return ("list", [first, *self.several(")")])
            self.take(")")
            return first
        token = self.take()
        quoted = token[0] in "'\"" and len(token) > 1
        bare = _unquoted(token) if quoted else token
        if "\ue010" in bare:
            return ("glued", re.split("\ue010(\\d+)\ue010", bare), quoted)
        if not quoted and token in ("true", "false"):
            return ("boolean", bare)
        if not quoted and _NUMBER.fullmatch(bare):
            return ("number", bare)
        if not quoted and token in _COMPARED + ("&&", "||", ")", ","):
            raise NotCovered(f"{self.text!r} is not covered")
        return ("text", bare)

    choice = otherwise = lambda self: self.binary(0)


def cel(tree, reference):
    """A tree as Cel. `reference(parts)` gives the CEL of a path, of ["glued", index] that of a variable by its index."""
    sort = tree[0]
    if sort == "text":
        return Cel(json.dumps(tree[1], ensure_ascii=False), "text")
    if sort in ("number", "boolean"):
        return Cel(tree[1], sort)
    if sort == "path":
        return Cel(reference(tree[1]), "reference")
    if sort == "glued":
        return _glued(tree[1], reference)
    if sort == "list":
        return Cel("[" + ", ".join(cel(item, reference).text for item in tree[1]) + "]", "list")
    if sort == "not":
        return Cel("!" + truth(cel(tree[1], reference)).within(8), "boolean", 8)
    if sort == "negative":
        return Cel("-" + cel(tree[1], reference).within(8), "number", 8)
    if sort == "call":
        return _call(tree[1], tree[2], reference)
    if sort == "choice":
        asked, first, second = (cel(part, reference) for part in tree[1:])
        asked = truth(asked)
        return Cel(f"{asked.within(1)} ? {first.within(1)} : {second.within(1)}", first.kind if first.kind == second.kind else "reference", 0)
    if sort == "else":
        raise NotCovered("?? is covered where it gives a value, not in a condition")
    return _binary(tree[1], cel(tree[2], reference), cel(tree[3], reference))


def truth(value):
    """A value where a condition stands: a reference is the text "true" there."""
    if value.kind == "reference":
        return Cel(f'string({value.text}) == "true"', "boolean", 3)
    if value.kind != "boolean":
        raise NotCovered(f"{value.text} is no condition")
    return value


def _glued(parts, reference):
    told = [json.dumps(p, ensure_ascii=False) if i % 2 == 0 else f"string({reference(['glued', int(p)])})" for i, p in enumerate(parts)]
    kept = [t for i, t in enumerate(told) if i % 2 or parts[i]]
    if len(kept) == 1:
        return Cel(kept[0][len("string("):-1], "reference")
    return Cel(" + ".join(kept), "text", 4)


def _call(name, arguments, reference):
    told = [cel(a, reference) for a in arguments] if name != "jsonpath" else []
    if name in _FUNCTIONS and len(told) == 1:
        function, kind = _FUNCTIONS[name]
        return Cel(f"{function}({told[0].text})", kind)
    if name in _TURNED and len(told) == 2:
        return Cel(f"{_as_text(told[1])}.{_TURNED[name]}({_as_text(told[0])})", "boolean")
    if name == "jsonpath" and len(arguments) == 2 and arguments[0][0] == "path" and arguments[1][0] == "text":
        return Cel(reference([*arguments[0][1], *json_path(arguments[1][1])]), "reference")
    raise NotCovered(f"the function {name} is not covered: let a step compute it")


def json_path(text):
    """The steps of a JSONPath that only names fields and items."""
    parts = re.findall(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]|\[['\"]([^'\"]+)['\"]\]", text)
    put_together = "$" + "".join(f".{a}" if a else f"[{b}]" if b else "" for a, b, _ in parts)
    if not text.startswith("$") or (put_together != text and not any(c for _, _, c in parts)) or not parts:
        raise NotCovered(f"the JSONPath {text!r} is not covered: only fields and items by number are")
    return [int(b) if b else a or c for a, b, c in parts]


def _as_text(value):
    if value.kind == "reference":
        return f"string({value.text})"
    if value.kind != "text":
        raise NotCovered(f"{value.text} is no text")
    return value.within(9)


def _as_double(number):
    return number if "." in number else f"{number}.0"


def _binary(operator, left, right):
    if operator in ("&&", "||"):
        level = 2 if operator == "&&" else 1
        left, right = truth(left), truth(right)
        return Cel(f"{left.within(level)} {operator} {right.within(level + 1)}", "boolean", level)
    if operator in _METHODS:
        text = f"{_as_text(left)}.{_METHODS[operator]}({_as_text(right)})"
        return Cel("!" + text, "boolean", 8) if operator == "!~" else Cel(text, "boolean")
    if operator in ("in", "not in"):
        text = f"{left.within(4) if left.kind != 'reference' else _as_text(left)} in {right.within(4)}"
        return Cel(text, "boolean", 3) if operator == "in" else Cel(f"!({text})", "boolean", 8)
    if operator in _COMPARED:
        level = 3
        left, right = _alike(left, right), _alike(right, left)
    else:
        level = 4 if operator in "+-" else 5
        if {left.kind, right.kind} - {"number"} and (operator != "+" or {left.kind, right.kind} - {"text", "reference"}):
            raise NotCovered(f"{operator} is covered of numbers: write asInt(...) or asFloat(...)")
        if "number" not in (left.kind, right.kind):
            return Cel(f"{_as_text(left)} + {_as_text(right)}", "text", 4)
    kind = "boolean" if level == 3 else "number"
    return Cel(f"{left.within(level)} {operator} {right.within(level + 1)}", kind, level)


def _alike(value, other):
    """A value as it is compared with another: a reference is text there, whatever its type is here."""
    if value.kind == "reference" and other.kind == "number":
        return Cel(f"double({value.text})", "number")
    if value.kind == "reference" and other.kind in ("text", "boolean"):
        return Cel(f"string({value.text})", "text")
    if value.kind == "number" and other.kind == "reference":
        return Cel(_as_double(value.text) if _NUMBER.fullmatch(value.text) else value.text, "number", value.level)
    if value.kind == "boolean" and other.kind == "reference":
        if value.text not in ("true", "false"):
            raise NotCovered(f"({value.text}) is compared with a text")
        return Cel(json.dumps(value.text), "text")
    return value
