"""A component of KFP's IR as a container: of a container component its command, of a Python function the program that runs it.

Fields: kfp's pipeline_spec.proto (PipelineDeploymentConfig.PipelineContainerSpec) and kubernetes_executor_config.proto.
"""
import json
import pathlib
import re

from penstock.values import CLOSE, OPEN

MAIN = pathlib.Path(__file__).with_name("kfp_main.txt").read_text()
_PLACEHOLDER = re.compile(r"\{\{\$\.(inputs|outputs)\.(parameters|artifacts)\['([^']+)'\](\.\w+)?\}\}")
_PACKAGES = re.compile(r"pip install [^\n&]*?((?:'[^']+' *)+)")
_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?==[A-Za-z0-9.+!_-]+")
_SHELLS = ("sh", "bash", "ash", "dash", "/bin/sh", "/bin/bash", "/bin/ash", "/bin/dash")
TYPES = {"STRING": "string", "NUMBER_INTEGER": "integer", "NUMBER_DOUBLE": "number", "BOOLEAN": "boolean", "LIST": "list",
         "STRUCT": "object"}
ARTIFACTS = {"system.Dataset": "file", "system.Model": "file", "system.HTML": "report"}


def type_of(definition, path, problems):
    """The type of a parameter; old IR says it by `type`."""
    kind = definition.get("parameterType") or {"STRING": "STRING", "INT": "NUMBER_INTEGER", "DOUBLE": "NUMBER_DOUBLE"}.get(definition.get("type"))
    if kind not in TYPES:
        problems.no(path, f"the type {kind} is not covered")
        return "string"
    return TYPES[kind]


class ComponentProgram:
    """What is made of an executor for one task."""

    def __init__(self, component, executor, path, given, names, problems, files=None):
        """`files`, where there is a place for them, gets the source of Python components. `given` names the parameters and artifacts that the task gives; `names` maps theirs to ours."""
        self.files, self.label = files, path.rpartition(".")[2]
        self.component, self.path, self.given, self.names, self.problems = component, path, given, names, problems
        known = ("image", "command", "args", "env", "resources", "lifecycle")
        self.spec = problems.fields(executor.get("container"), f"{path}.container", known)
        if "lifecycle" in self.spec:
            problems.no(f"{path}.container.lifecycle")
        self.env = [{"name": e["name"], "value": e.get("value", "")} for e in self.spec.get("env", [])]
        self.inputs = component.get("inputDefinitions", {})
        self.outputs = component.get("outputDefinitions", {})

    def container(self):
        out = {"image": self.spec.get("image", "")}
        words = [*self.spec.get("command", []), *self.spec.get("args", [])]
        if "{{$}}" in words:
            packages = self._packages(words)
            if packages:
                out["code"] = {"requirements": {"text": "".join(f"{p}\n" for p in packages)}}
            out["command"] = self._python(words)
            if self.files is not None and len(out["command"]) > 3:
                folder = f"code/{self.label}"
                self.files[f"{folder}/main.py"], self.files[f"{folder}/component.py"] = MAIN, out["command"][3].lstrip("\n")
                out["code"] = {"path": f"./{folder}", **out.get("code", {})}
                out["command"] = ["python3", f"{OPEN}code.path{CLOSE}/main.py", *out["command"][4:]]
        else:
            out["command"] = self._own(words)
        if self.env:
            out["env"] = [{**e, "value": self._text(e["value"], f"{self.path}.container.env")} for e in self.env]
        return out

    def _packages(self, words):
        """packages_to_install, which the first script installs; kfp itself is not needed."""
        script = next((w for w in words if "pip install" in w), "")
        found = [p for group in _PACKAGES.findall(script) for p in re.findall(r"'([^']+)'", group)]
        found = [p for p in found if not p.startswith(("kfp==", "--", "typing-extensions"))]
        for package in found:
            if not _PINNED.fullmatch(package):
                self.problems.no(f"{self.path}.container.command", f"packages_to_install has {package!r} without a version: write name==version, "
                                 "and what it needs beside it (a lock), before compiling")
        if found:
            self.problems.note("code.requirements installs what it names and nothing else: name what those packages need, too")
        return found

    def _python(self, words):
        """A lightweight component: its source, run by a small program in the place of kfp's executor."""
        source = next((w for w in words if "import kfp" in w or "from kfp" in w), None)
        at = words.index("--function_to_execute") if "--function_to_execute" in words else None
        if source is None or at is None:
            self.problems.no(f"{self.path}.container.args", "takes {{$}}, and is no lightweight Python component")
            return words
        kinds, flags = {}, []
        for name, definition in self.inputs.get("parameters", {}).items():
            if definition.get("parameterType") == "TASK_FINAL_STATUS":
                kinds[name] = "status"
            else:
                kinds[name] = "text" if type_of(definition, self.path, self.problems) == "string" else "value"
            if name in self.given:
                flags.append(f"--{name}={OPEN}parameters.{self.names.of(name)}{CLOSE}")
        for name, definition in self.inputs.get("artifacts", {}).items():
            kinds[name] = "in list" if definition.get("isArtifactList") else "in"
            if name in self.given:
                flags.append(f"--{name}={OPEN}inputs.{self.names.of(name)}.path{CLOSE}")
        for name, definition in self.outputs.get("artifacts", {}).items():
            if definition.get("isArtifactList"):
                self.problems.no(f"{self.path}: outputDefinitions.artifacts.{name}.isArtifactList", "a list of artifacts that one task makes is not covered: let "
                                 "a loop make one each")
            kinds[name] = "out"
            flags.append(f"--{name}={OPEN}outputs.{self.names.of(name)}.path{CLOSE}")
        for name, definition in self.outputs.get("parameters", {}).items():
            kinds[name] = "result text" if type_of(definition, self.path, self.problems) == "string" else "result value"
            flags.append(f"--{name}={OPEN}results.{self.names.of(name)}.path{CLOSE}")
        return ["python3", "-c", MAIN, source, words[at + 1], json.dumps(kinds), *flags]

    def _own(self, words):
        out = []
        for i, word in enumerate(words):
            told = self._flat(word, f"{self.path}.container.command[{i}]")
            if told is None:
                continue
            in_shell = i > 0 and words[i - 1] in ("-c", "-ec", "-ce", "-xc") and words[0] in _SHELLS
            out.append(self._shell(told) if in_shell else self._text(told, f"{self.path}.container.command[{i}]"))
        return out

    def _flat(self, word, path):
        """The word of {"Concat": [...]} and {"IfPresent": ...}; None where it is left out."""
        if not isinstance(word, str) or not word.startswith(('{"Concat"', '{"IfPresent"')):
            return word
        try:
            node = json.loads(word)
        except ValueError:
            return word
        return self._placed(node, path)

    def _placed(self, node, path):
        if isinstance(node, str):
            return node
        if "Concat" in node:
            return "".join(self._placed(part, path) or "" for part in node["Concat"])
        chosen = node["IfPresent"]
        part = chosen.get("Then") if chosen["InputName"] in self.given else chosen.get("Else")
        if isinstance(part, list):
            if len(part) > 1:
                self.problems.no(path, "IfPresent with several words is not covered")
            part = part[0] if part else None
        return None if part is None else self._placed(part, path)

    def _text(self, text, path):
        """The text with placeholders as references."""
        return _PLACEHOLDER.sub(lambda m: self._reference(m, path), str(text))

    def _reference(self, match, path):
        side, what, name, field = match.groups()
        ours = self.names.of(name)
        if side == "inputs" and what == "parameters":
            if name in self.given:
                return f"{OPEN}parameters.{ours}{CLOSE}"
            default = self.inputs.get("parameters", {}).get(name, {}).get("defaultValue", "")
            return default if isinstance(default, str) else json.dumps(default)
        if side == "inputs" and self.inputs.get("artifacts", {}).get(name, {}).get("isArtifactList"):
            self.problems.no(path, f"{match.group()}: a list of artifacts is covered of Python components")
            return ""
        if side == "inputs" and field == ".path":
            return f"{OPEN}inputs.{ours}.path{CLOSE}"
        if side == "outputs" and what == "parameters":
            return f"{OPEN}results.{ours}.path{CLOSE}"
        if side == "outputs" and field == ".path":
            return f"{OPEN}outputs.{ours}.path{CLOSE}"
        self.problems.no(path, f"{match.group()}: a step has files, no {(field or '.?')[1:]}")
        return ""

    def _shell(self, script):
        """A script: values come by variables, since what is put into a program's text could be a program."""
        def variable(match):
            side, what, name, _ = match.groups()
            if side != "inputs" or what != "parameters":
                return self._reference(match, self.path)
            key = re.sub(r"\W", "_", name).upper()
            if name in self.given and all(e["name"] != key for e in self.env):
                self.env.append({"name": key, "value": match.group()})
                self.problems.note("values within scripts of sh come by variables of the environment")
            return f"${{{key}}}"
        return _PLACEHOLDER.sub(variable, script)

    def resources(self):
        node = self.problems.fields(self.spec.get("resources"), f"{self.path}.container.resources", (
            "cpuLimit", "memoryLimit", "cpuRequest", "memoryRequest", "accelerator", "resourceCpuLimit", "resourceMemoryLimit",
            "resourceCpuRequest", "resourceMemoryRequest"))
        limits, requests = {}, {}
        for place, side in ((limits, "Limit"), (requests, "Request")):
            for what in ("cpu", "memory"):
                text = node.get(f"resource{what.capitalize()}{side}")
                number = node.get(f"{what}{side}")
                if text:
                    place[what] = self._text(text, self.path)
                elif number:  # memory in gigabytes
                    place[what] = f"{number:g}" if what == "cpu" else str(round(number * 1e9))
        accelerator = node.get("accelerator") or {}
        if accelerator:
            kind = accelerator.get("resourceType") or accelerator.get("type")
            limits[kind] = str(accelerator.get("resourceCount") or accelerator.get("count"))
        return {k: v for k, v in (("requests", requests), ("limits", limits)) if v}
