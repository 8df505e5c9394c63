"""Argo's {{...}} as references, and its conditions as CEL.

Fields and variables: Argo Workflows' pages on workflow variables and on its fields (v3.6).
"""
import json
import re

from penstock.values import CLOSE, OPEN, _cel

VARIABLE = re.compile(r"\{\{\s*(=?)([^{}]*?)\s*\}\}")
_WORKFLOW = {"workflow.name": "run.name", "workflow.uid": "run.uid", "workflow.namespace": "run.namespace",
             "workflow.creationTimestamp": "run.creationTime", "workflow.status": "run.status", "workflow.failures": "run.failures",
             "workflow.duration": "run.duration", "workflow.scheduledTime": "run.scheduledTime"}
_TOKEN = re.compile(r"\s*(\(|\)|&&|\|\||==|!=|<=|>=|=~|<|>|!|'[^']*'|\"[^\"]*\"|[^\s()<>=!&|]+)")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


class Scope:
    """What names mean within one template: our reference of each variable, or a problem."""

    def __init__(self, problems, names, globals_, inputs=(), artifacts=(), steps=None, in_loop=False, in_container=False):
        self.problems, self.names, self.globals = problems, names, set(globals_)
        self.inputs, self.artifacts, self.steps = set(inputs), set(artifacts), steps or {}
        self.in_loop, self.in_container = in_loop, in_container

    def path(self, variable, at):
        """The reference's path ("parameters.x"), or None after a problem."""
        parts = variable.split(".")
        if variable in _WORKFLOW:
            return _WORKFLOW[variable]
        if variable == "item" and self.in_loop:
            return "each.value"
        if parts[0] == "item" and self.in_loop:
            return "each.value" + "".join(f"[{json.dumps(p)}]" if p == "path" else f".{p}" for p in parts[1:])
        if parts[:2] == ["workflow", "parameters"] and len(parts) == 3:
            if parts[2] not in self.globals:
                self.problems.no(at, f"{{{{{variable}}}}}: the workflow has no parameter {parts[2]}")
            elif parts[2] in self.inputs:
                self.problems.no(at, f"{{{{{variable}}}}}: an input of the template has the same name and hides it: rename one")
            return f"parameters.{self.names.of(parts[2])}"
        if parts[:2] == ["inputs", "parameters"] and len(parts) == 3 and parts[2] in self.inputs:
            return f"parameters.{self.names.of(parts[2])}"
        if parts[:2] == ["inputs", "artifacts"] and self.in_container and len(parts) == 4 and parts[3] == "path" and parts[2] in self.artifacts:
            return f"inputs.{self.names.of(parts[2])}.path"
        if parts[:1] == ["outputs"] and self.in_container and len(parts) == 4 and parts[3] == "path":
            return f"{'results' if parts[1] == 'parameters' else 'outputs'}.{self.names.of(parts[2])}.path"
        if parts[0] in ("steps", "tasks") and len(parts) >= 3 and parts[1] in self.steps:
            return self._of_step(parts, variable, at)
        self.problems.no(at, f"{{{{{variable}}}}} is not covered")
        return None

    def _of_step(self, parts, variable, at):
        step = self.steps[parts[1]]
        rest = parts[2:]
        if rest == ["outputs", "result"]:
            return f"steps.{step}.results.result"
        if rest[:2] == ["outputs", "parameters"] and len(rest) == 3:
            return f"steps.{step}.results.{self.names.of(rest[2])}"
        if rest[:2] == ["outputs", "artifacts"] and len(rest) == 3:
            return f"steps.{step}.outputs.{self.names.of(rest[2])}"
        if rest in (["status"], ["exitCode"]):
            return f"steps.{step}.{rest[0]}"
        self.problems.no(at, f"{{{{{variable}}}}} is not covered")
        return None

    def text(self, value, at):
        """A text with references in the place of its variables (penstock.values' private form)."""
        def put(match):
            if match.group(1):
                self.problems.no(at, f"{match.group()}: expressions are not covered; `when` and a step's own program compute")
                return ""
            told = self.path(match.group(2), at)
            return f"{OPEN}{told}{CLOSE}" if told else ""
        return VARIABLE.sub(put, str(value))

    def condition(self, text, at):
        """Argo's `when` (govaluate) as CEL."""
        if "{{=" in text:
            self.problems.no(at, "an expression {{=...}} is not covered: write the condition without it")
            return "true"
        variables = []

        def keep(match):
            variables.append(match.group(2))
            return f"\ue010{len(variables) - 1}\ue010"
        tokens = _tokens(VARIABLE.sub(keep, text))
        if tokens is None:
            self.problems.no(at, f"{text!r} is not covered")
            return "true"
        operands = [None if t in _OPERATORS else self._operand(t, variables, at) for t in tokens]
        out = []
        for i, token in enumerate(tokens):
            if token in _OPERATORS:
                if token == "=~":
                    self.problems.no(at, "=~ is not covered: write x.matches(\"...\")")
                out.append(token)
                continue
            kind, told = operands[i]
            other = self._other(tokens, operands, i)
            if kind == "reference" and other == "number":
                told = f"double({told})"
            elif kind == "reference" and other == "text":
                told = f"string({told})"
            out.append(_as_double(told) if kind == "number" else told)
        return " ".join(out).replace("( ", "(").replace(" )", ")").replace("! ", "!")

    @staticmethod
    def _other(tokens, operands, i):
        """The kind of what an operand is compared with."""
        for operator, at in ((i - 1, i - 2), (i + 1, i + 2)):
            if 0 <= operator < len(tokens) and tokens[operator] in _COMPARISONS and 0 <= at < len(tokens) and operands[at]:
                return operands[at][0]
        return None

    def _operand(self, token, variables, at):
        bare = token[1:-1] if token[0] in "'\"" else token
        parts = re.split("\ue010(\\d+)\ue010", bare)
        if len(parts) > 1:
            told = [json.dumps(p) if i % 2 == 0 else f"string({_cel(self.path(variables[int(p)], at) or 'x')})" for i, p in enumerate(parts)]
            kept = [t for i, t in enumerate(told) if i % 2 or parts[i]]
            if len(kept) == 1:
                return "reference", kept[0][len("string("):-1]
            return "text", "(" + " + ".join(kept) + ")"
        if token == bare and bare in ("true", "false"):
            return "boolean", bare
        if token == bare and _NUMBER.fullmatch(bare):
            return "number", bare
        return "text", json.dumps(bare)


_COMPARISONS = ("==", "!=", "<", ">", "<=", ">=")
_OPERATORS = ("(", ")", "&&", "||", "!", "=~", *_COMPARISONS)


def _tokens(text):
    out, at = [], 0
    text = text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            return None
        out.append(found.group(1))
        at = found.end()
    return out


def _as_double(number):
    return number if "." in number else f"{number}.0"
