"""Argo's {{...}} as references, and its conditions as CEL.

Fields and variables: Argo Workflows' pages on workflow variables and on its fields (v3.6).
"""
import json
import re

from penstock.convert import argo_expressions as expressions
from penstock.convert.argo_expressions import NotCovered
from penstock.values import CLOSE, OPEN, FirstOf, _cel

VARIABLE = re.compile(r"\{\{\s*(=?)((?<==).*?|[^{}]*?)\s*\}\}", re.DOTALL)
_WORKFLOW = {"workflow.name": "run.name", "workflow.uid": "run.uid", "workflow.namespace": "run.namespace",
             "workflow.creationTimestamp": "run.creationTime", "workflow.creationTimestamp.RFC3339": "run.creationTime",
             "workflow.status": "run.status", "workflow.failures": "run.failures",
             "workflow.duration": "run.duration", "workflow.scheduledTime": "run.scheduledTime"}
_ENDS = ("run.status", "run.failures", "run.duration")
_PLAIN = re.compile(r"[A-Za-z_][\w-]*")
COMPUTE = "let a step compute it, and hand on its result"


def sole(text):
    """The match of a text that is one variable and nothing else."""
    found = VARIABLE.fullmatch(text)
    return found if found and "{{" not in found.group(2) else None


class Scope:
    """What names mean within one template: our reference of each variable, or a problem.

    steps: {task: our name}; kinds: {task: what it runs}; values: {input: text with references} where a template's inputs stand
    for what they are given (of a component, which has parameters of its own). ends: gets what is asked of the run's end within a
    Pipeline in place, which it comes to by parameters.
    """

    def __init__(self, problems, names, globals_, inputs=(), artifacts=(), steps=None, in_loop=False, in_container=False, kinds=None,
                 values=None, ends=None):
        self.problems, self.names, self.globals = problems, names, set(globals_)
        self.inputs, self.artifacts, self.steps, self.kinds = set(inputs), set(artifacts), steps or {}, kinds or {}
        self.in_loop, self.in_container, self.values, self.ends = in_loop, in_container, values, ends

    def of_item(self, in_loop):
        """The same within a loop."""
        return Scope(self.problems, self.names, self.globals, self.inputs, self.artifacts, self.steps, in_loop=in_loop, kinds=self.kinds,
                     values=self.values, ends=self.ends)

    def path(self, variable, at):
        """The reference's path ("parameters.x"), or None after a problem."""
        return self.path_of(variable.split("."), variable, at)

    def path_of(self, parts, variable, at):
        told = self._path_of(parts, variable, at)
        if told is None:
            self.problems.no(at, f"{{{{{variable}}}}} is not covered")
        return told

    def _path_of(self, parts, variable, at):
        if ".".join(map(str, parts)) in _WORKFLOW:
            told = _WORKFLOW[".".join(parts)]
            if self.ends is None or told not in _ENDS:
                return told
            self.ends.add(told)
            return f"parameters.{self.names.of(told.replace('.', ' '))}"
        if parts[0] == "item" and self.in_loop:
            return "each.value" + _fields(parts[1:])
        if parts[:2] == ["workflow", "parameters"] and len(parts) >= 3:
            if parts[2] not in self.globals:
                self.problems.no(at, f"{{{{{variable}}}}}: the workflow has no parameter {parts[2]}")
            elif parts[2] in self.inputs:
                self.problems.no(at, f"{{{{{variable}}}}}: an input of the template has the same name and hides it: rename one")
            return f"parameters.{self.names.of(parts[2])}" + _fields(parts[3:])
        if parts[:2] == ["inputs", "parameters"] and len(parts) == 3 and parts[2] in self.inputs and self.values is None:
            return f"parameters.{self.names.of(parts[2])}"
        if parts[:2] == ["inputs", "artifacts"] and self.in_container and len(parts) == 4 and parts[3] == "path" and parts[2] in self.artifacts:
            return f"inputs.{self.names.of(parts[2])}.path"
        if parts[:1] == ["outputs"] and self.in_container and len(parts) == 4 and parts[3] == "path":
            return f"{'results' if parts[1] == 'parameters' else 'outputs'}.{self.names.of(parts[2])}.path"
        if parts[0] in ("steps", "tasks") and len(parts) >= 3 and parts[1] in self.steps:
            return self._of_step(self.steps[parts[1]], self.kinds.get(parts[1]), parts[2:])
        return None

    def _of_step(self, step, kind, rest):
        if rest[:2] == ["outputs", "result"]:
            return f"steps.{step}.results.{'body' if kind == 'http' else 'result'}" + _fields(rest[2:])
        if rest[:2] == ["outputs", "parameters"] and len(rest) >= 3:
            within = "values." if kind == "resource" else ""
            return f"steps.{step}.results.{within}{self.names.of(rest[2])}" + _fields(rest[3:])
        if rest[:2] == ["outputs", "artifacts"] and len(rest) == 3:
            return f"steps.{step}.outputs.{self.names.of(rest[2])}"
        if rest in (["status"], ["exitCode"]):
            return f"steps.{step}.{rest[0]}"
        if rest == ["ip"] and kind == "daemon":
            return f"steps.{step}.address"
        return None

    def text(self, value, at):
        """A text with references in the place of its variables (penstock.values' private form)."""
        def put(match):
            told = self._expression(match.group(2), at) if match.group(1) else self._variable(match.group(2), at)
            if isinstance(told, FirstOf):
                self.problems.no(at, f"{match.group()}: a choice is covered where it is the whole value, not within a text")
                return ""
            return told
        return VARIABLE.sub(put, str(value))

    def value(self, value, at):
        """The same; of a whole text that chooses, a FirstOf."""
        found = sole(str(value).strip())
        return self._expression(found.group(2), at) if found and found.group(1) else self.text(value, at)

    def _variable(self, variable, at):
        parts = variable.split(".")
        if self.values is not None and parts[:2] == ["inputs", "parameters"] and ".".join(parts[2:]) in self.values:
            return self.values[".".join(parts[2:])]
        told = self.path(variable, at)
        return f"{OPEN}{told}{CLOSE}" if told else ""

    def _expression(self, text, at):
        try:
            return self.valued(expressions.parse_expr(text), text, at)
        except NotCovered as why:
            self.problems.no(at, f"{{{{={text}}}}}: {why}")
            return ""

    def valued(self, tree, text, at, whens=None):
        """What an expression gives: a text with references, or a FirstOf. `whens`: {task: the CEL under which it runs}."""
        if tree[0] in ("text", "number", "boolean"):
            return tree[1]
        if tree[0] == "path":
            return self._variable(".".join(map(str, tree[1])), at) if self.values is not None else self._reference(tree[1], text, at)
        if tree[0] == "call" and tree[1] == "jsonpath" and len(tree[2]) == 2 and tree[2][0][0] == "path" and tree[2][1][0] == "text":
            return self._reference([*tree[2][0][1], *expressions.json_path(tree[2][1][1])], text, at)
        if tree[0] == "call" and tree[1] in ("string", "toJson") and len(tree[2]) == 1:
            return self.valued(tree[2][0], text, at, whens)
        if tree[0] == "else":
            return FirstOf([self.valued(part, text, at, whens) for part in tree[1:]])
        if tree[0] == "choice":
            return self._choice(tree, text, at, whens or {})
        raise NotCovered(COMPUTE)

    def _choice(self, tree, text, at, whens):
        """condition ? a : b, where the step that gives one of them runs just when it is chosen."""
        told = self._cel(tree[1], text, at)
        for first, second, asked in ((tree[2], tree[3], told.text), (tree[3], tree[2], f"!{told.within(8)}")):
            task = first[1][1] if first[0] == "path" and first[1][0] in ("steps", "tasks") and len(first[1]) > 2 else None
            if task is not None and whens.get(task) == asked:
                return FirstOf([self.valued(part, text, at, whens) for part in (first, second)])
        raise NotCovered("a choice is covered where the step that gives the first value runs `when` the same condition holds; else " + COMPUTE)

    def _reference(self, parts, text, at):
        told = self.path_of(parts, text, at)
        return f"{OPEN}{told}{CLOSE}" if told else ""

    def _cel(self, tree, text, at, variables=()):
        def reference(parts):
            variable = variables[parts[1]] if parts[0] == "glued" else text
            told = self.path(variable, at) if parts[0] == "glued" else self.path_of(parts, text, at)
            return _cel(told) if told else "true"
        return expressions.truth(expressions.cel(tree, reference))

    def expression(self, text, at):
        """A condition in expr as CEL, of hooks and `{{=...}}`."""
        try:
            return self._cel(expressions.parse_expr(text), text, at).text
        except NotCovered as why:
            self.problems.no(at, str(why))
            return "true"

    def condition(self, text, at):
        """Argo's `when` as CEL: govaluate, or all of it an expression {{=...}}."""
        found = sole(text.strip())
        if found and found.group(1):
            return self.expression(found.group(2), at)
        if "{{=" in text:
            self.problems.no(at, "an expression {{=...}} is covered where it is the whole condition: write it all as one")
            return "true"
        variables = []

        def keep(match):
            variables.append(match.group(2))
            return f"\ue010{len(variables) - 1}\ue010"
        try:
            return self._cel(expressions.parse_govaluate(VARIABLE.sub(keep, text)), text, at, variables).text
        except NotCovered as why:
            self.problems.no(at, _MARK.sub(lambda m: f"{{{{{variables[int(m.group(1))]}}}}}", str(why)))
            return "true"


_MARK = re.compile(r"\\ue010(\d+)\\ue010")


def _fields(parts):
    """Fields and items as a reference's path has them."""
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" if _PLAIN.fullmatch(p) and p not in ("path", "address", "exitCode")
                   else f"[{json.dumps(p)}]" for p in parts)
