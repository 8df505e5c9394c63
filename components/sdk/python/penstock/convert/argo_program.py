"""A container or script template as a step's container.

Argo copies files to and from paths that the template names; a Penstock step is told its paths. So where a template's program
names such a path, the reference stands there instead; a program that does not name it is refused.
"""
import re

from penstock.convert.argo_values import VARIABLE
from penstock.values import CLOSE, OPEN, written

_SHELLS = ("sh", "bash", "ash", "dash")
_CONTAINER = ("name", "image", "command", "args", "env", "envFrom", "resources", "imagePullPolicy", "volumeMounts", "workingDir", "source",
              "securityContext")
_INTERPRETERS = {**{shell: "-c" for shell in _SHELLS}, "python": "-c", "python3": "-c", "node": "-e", "perl": "-e", "ruby": "-e"}
# What the program says on standard output, as its result too: Argo's outputs.result.
_CAPTURE = 'o=$("$@"); c=$?; printf "%s\\n" "$o"; printf %s "$o" >"$PENSTOCK_RESULTS/result"; exit $c'


class Program:
    def __init__(self, template, path, scope, problems, wants_result):
        self.template, self.path, self.scope, self.problems, self.wants_result = template, path, scope, problems, wants_result
        self.kind = "script" if "script" in template else "container"
        self.spec = problems.fields(template.get(self.kind), f"{path}.{self.kind}", _CONTAINER)
        self.env, self.found = [], set()
        self.paths = self._paths()

    def _paths(self):
        """{path in the program: our reference} of artifacts and output parameters."""
        out = {}
        for name, artifact in self._named("inputs", "artifacts"):
            if "path" in artifact:
                out[artifact["path"]] = f"inputs.{self.scope.names.of(name)}.path"
        for name, artifact in self._named("outputs", "artifacts"):
            if "path" in artifact:
                out[artifact["path"]] = f"outputs.{self.scope.names.of(name)}.path"
        for name, parameter in self._named("outputs", "parameters"):
            told = parameter.get("valueFrom", {}).get("path")
            if told:
                out[told] = f"results.{self.scope.names.of(name)}.path"
        return dict(sorted(out.items(), key=lambda entry: -len(entry[0])))

    def _named(self, side, what):
        return [(entry["name"], entry) for entry in (self.template.get(side) or {}).get(what) or []]

    def container(self):
        """The step's container as YAML has it."""
        at = f"{self.path}.{self.kind}"
        command = self._words()
        out = {"image": self.scope.text(self.spec.get("image", ""), f"{at}.image")}
        if self.wants_result:
            command = ["/bin/sh", "-c", _CAPTURE, "sh", *command]
            self.problems.note("a step whose standard output is a result is run by /bin/sh of its image")
        out["command"] = command
        for field in ("imagePullPolicy", "volumeMounts", "envFrom"):
            if field in self.spec:
                out[field] = self.spec[field]
        if "workingDir" in self.spec:
            out["workingDir"] = self.scope.text(self.spec["workingDir"], f"{at}.workingDir")
        if "securityContext" in self.spec:
            self.problems.no(f"{at}.securityContext", "is not covered: pod.securityContext of the step says as whom it runs")
        env = [self._variable(e, f"{at}.env[{i}]") for i, e in enumerate(self.spec.get("env") or [])] + self.env
        if env:
            out["env"] = env
        for path, reference in self.paths.items():
            if reference not in self.found:
                self.problems.no(at, f"its program does not name the path {path} in command, args, env or source: let it write to or read from a path "
                                 f"that it is given ($({reference}))")
        return written(out)

    def _variable(self, entry, at):
        entry = self.problems.fields(entry, at, ("name", "value", "valueFrom"))
        if "valueFrom" in entry:
            return dict(entry)
        return {"name": entry["name"], "value": self._place(self.scope.text(entry.get("value", ""), at))}

    def _words(self):
        at = f"{self.path}.{self.kind}"
        words = [str(w) for w in self.spec.get("command") or []]
        if self.kind == "script":
            program = words[0].rpartition("/")[2] if words else ""
            if program not in _INTERPRETERS:
                self.problems.no(f"{at}.command", f"{words} is no interpreter that is known ({', '.join(_INTERPRETERS)})")
                return words
            words = [*words, *([_INTERPRETERS[program]] if words[-1] != _INTERPRETERS[program] else []), self.spec.get("source", "")]
        words += [str(w) for w in self.spec.get("args") or []]
        if not words:
            self.problems.no(f"{at}.command", "is not there, and the entry point of the image is not known here: write it")
        shell = bool(words) and words[0].rpartition("/")[2] in _SHELLS
        out = []
        for i, word in enumerate(words):
            is_program = i > 0 and re.fullmatch(r"-[a-z]*[ce]", words[i - 1]) and words[0].rpartition("/")[2] in _INTERPRETERS
            if is_program and VARIABLE.search(word):
                word = self._script(word, f"{at}.{'source' if self.kind == 'script' else 'args'}", shell)
            else:
                word = self.scope.text(word, f"{at}.args")
            out.append(self._place(word))
        return out

    def _script(self, text, at, shell):
        """A program's text: of a shell's, values come by variables of the environment."""
        def put(match):
            told = None if match.group(1) else self.scope.path(match.group(2), at)
            if match.group(1):
                self.problems.no(at, f"{match.group()}: expressions are not covered")
            if not told:
                return ""
            if told.endswith(".path") and not told.startswith("parameters."):
                self.found.add(told)
                return f"{OPEN}{told}{CLOSE}"
            if not shell:
                self.problems.no(at, f"{match.group()} stands within the text of a program: hand it over by env, and read it there")
                return ""
            key = re.sub(r"\W+", "_", match.group(2).replace("inputs.parameters.", "").replace("workflow.parameters.", "")).strip("_").upper()
            if all(e["name"] != key for e in self.env):
                self.env.append({"name": key, "value": f"{OPEN}{told}{CLOSE}"})
            self.problems.note("values within scripts of sh come by variables of the environment")
            return f"${{{key}}}"
        return VARIABLE.sub(put, text)

    def _place(self, text):
        """The text with our references in the place of the paths that Argo fills."""
        for path, reference in self.paths.items():
            text, count = re.subn(rf"(?<![\w./-]){re.escape(path.rstrip('/'))}(?![\w.-])", f"{OPEN}{reference}{CLOSE}", text)
            if count or f"{OPEN}{reference}{CLOSE}" in text:
                self.found.add(reference)
        return text
