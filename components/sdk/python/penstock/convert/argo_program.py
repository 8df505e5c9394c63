"""Container, script and containerSet templates as a step's containers, with what stands beside them.

Argo copies files to and from paths that the template names; a Penstock step is told its paths. So where a template's program
names such a path, the reference stands there instead; a program that does not name it is refused.
"""
import io
import re
import tokenize

from penstock.convert.argo_values import VARIABLE
from penstock.values import CLOSE, OPEN, written

_SHELLS = ("sh", "bash", "ash", "dash")
_CONTAINER = ("name", "image", "command", "args", "env", "envFrom", "resources", "imagePullPolicy", "volumeMounts", "workingDir", "source",
              "securityContext", "ports")
_INTERPRETERS = {**{shell: "-c" for shell in _SHELLS}, "python": "-c", "python3": "-c", "node": "-e", "perl": "-e", "ruby": "-e"}
# What the program says on standard output, as its result too: Argo's outputs.result.
_CAPTURE = 'o=$("$@"); c=$?; printf "%s\\n" "$o"; printf %s "$o" >"$PENSTOCK_RESULTS/result"; exit $c'
_LITERAL = re.compile(r"""(["'])(\{\{\s*([\w.-]+)\s*\}\})\1""")
_NO_ENTRY = ("a container without `command` runs its image's own program, which the operator asks the registry for (the chart's "
             "registries.ask); a local run needs it written")


class Paths:
    """The files of a template: {path in its programs: our reference}, and which of them a program was seen to name."""

    def __init__(self, template, names, raws=()):
        self.found, out = set(), {}
        for name, artifact in named(template, "inputs", "artifacts"):
            if "path" in artifact:
                out[artifact["path"]] = f"parameters.{raw_name(name, names)}.path" if name in raws else f"inputs.{names.of(name)}.path"
        for name, artifact in named(template, "outputs", "artifacts"):
            if "path" in artifact:
                out[artifact["path"]] = f"outputs.{names.of(name)}.path"
        for name, parameter in named(template, "outputs", "parameters"):
            told = (parameter.get("valueFrom") or {}).get("path")
            if told:
                out[told] = f"results.{names.of(name)}.path"
        self.references = dict(sorted(out.items(), key=lambda entry: -len(entry[0])))

    def place(self, text):
        """The text with our references in the place of the paths that Argo fills."""
        for path, reference in self.references.items():
            text, count = re.subn(rf"(?<![\w./-]){re.escape(path.rstrip('/'))}(?![\w.-])", f"{OPEN}{reference}{CLOSE}", text)
            if count or f"{OPEN}{reference}{CLOSE}" in text:
                self.found.add(reference)
        return text

    def check(self, at, problems):
        for path, reference in self.references.items():
            if reference not in self.found:
                problems.no(at, f"its program does not name the path {path} in command, args, env or source: let it write to or read from a path "
                            f"that it is given ($({reference}))")


def named(template, side, what):
    return [(entry["name"], entry) for entry in (template.get(side) or {}).get(what) or []]


def raw_name(artifact, names):
    """The parameter that holds an artifact of text written in the workflow."""
    return names.of(f"{artifact} as text")


class Program:
    """One container: `node` at `at`."""

    def __init__(self, node, at, scope, paths, wants_result=False, is_script=False, also=()):
        self.problems, self.scope, self.paths, self.at = scope.problems, scope, paths, at
        self.spec = self.problems.fields(node, at, (*_CONTAINER, *also))
        self.is_script, self.wants_result, self.env = is_script, wants_result, []

    def container(self):
        """The container as YAML has it, without resources."""
        command = self._words()
        out = {"image": self.scope.outer.text(self.spec.get("image", ""), f"{self.at}.image")}
        if f"{OPEN}each." in out["image"]:
            self.problems.no(f"{self.at}.image", "differs by the item of a loop, which is not covered: let the loop run a template of steps")
        if self.wants_result:
            command = ["/bin/sh", "-c", _CAPTURE, "sh", *command]
            self.problems.note("a step whose standard output is a result is run by /bin/sh of its image")
        if self.spec.get("command") or self.wants_result or self.is_script:
            out["command"] = command
        else:
            out.update({"args": command} if command else {})
            if self.wants_result:
                self.problems.no(f"{self.at}.command", "is not there, and its standard output is a result: write the image's own program")
            self.problems.note(_NO_ENTRY)
        for field in ("imagePullPolicy", "volumeMounts", "envFrom"):
            if field in self.spec:
                out[field] = self.spec[field]
        if "workingDir" in self.spec:
            out["workingDir"] = self.scope.text(self.spec["workingDir"], f"{self.at}.workingDir")
        if "securityContext" in self.spec:
            self.problems.no(f"{self.at}.securityContext", "is not covered: pod.securityContext of the step says as whom it runs")
        if "ports" in self.spec:
            self.problems.note("`ports` of containers are left out: they open nothing")
        env = [self._variable(e, f"{self.at}.env[{i}]") for i, e in enumerate(self.spec.get("env") or [])] + self.env
        if env:
            out["env"] = env
        return written(out)

    def resources(self):
        return dict(self.problems.fields(self.spec.get("resources"), f"{self.at}.resources", ("requests", "limits", "claims")))

    def _variable(self, entry, at):
        entry = self.problems.fields(entry, at, ("name", "value", "valueFrom"))
        if "valueFrom" in entry:
            return dict(entry)
        return {"name": entry["name"], "value": self.paths.place(self.scope.text(entry.get("value", ""), at))}

    def _words(self):
        words = [str(w) for w in self.spec.get("command") or []]
        if self.is_script:
            program = words[0].rpartition("/")[2] if words else ""
            if program not in _INTERPRETERS:
                self.problems.no(f"{self.at}.command", f"{words} is no interpreter that is known ({', '.join(_INTERPRETERS)})")
                return words
            words = [*words, *([_INTERPRETERS[program]] if words[-1] != _INTERPRETERS[program] else []), self.spec.get("source", "")]
        words += [str(w) for w in self.spec.get("args") or []]
        known = words[0].rpartition("/")[2] if words and (self.spec.get("command") or self.is_script) else ""
        out = []
        for i, word in enumerate(words):
            is_program = i > 0 and re.fullmatch(r"-[a-z]*[ce]", words[i - 1]) and known in _INTERPRETERS
            if is_program and VARIABLE.search(word):
                word = self._script(word, f"{self.at}.{'source' if self.is_script else 'args'}", known)
            else:
                word = self.scope.text(word, f"{self.at}.args")
            out.append(self.paths.place(word))
        return out

    def _script(self, text, at, language):
        """A program's text: values come by variables of the environment, in a shell's anywhere, in others where a whole literal is one."""
        if language in ("python", "python3"):
            text = _with_literals(text, lambda variable, whole: f'__import__("os").environ["{self._key(variable, self.scope.text(whole, at))}"]')

        def put(match):
            told = self.scope.text(match.group(), at)
            if not told:
                return ""
            path = told[1:-1] if told[0] == OPEN and told[-1] == CLOSE else ""
            if path.endswith(".path") and not path.startswith("parameters."):
                self.paths.found.add(path)
                return told
            if language not in _SHELLS:
                self.problems.no(at, f"{match.group()} stands within the text of a program: hand it over by env, and read it there")
                return ""
            return f"${{{self._key(match.group(2), told)}}}"
        return VARIABLE.sub(put, text)

    def _key(self, variable, told):
        """The variable of the environment that holds a value."""
        key = re.sub(r"\W+", "_", re.sub(r"^(inputs|workflow)\.parameters\.", "", variable)).strip("_").upper()
        if all(e["name"] != key for e in self.env):
            self.env.append({"name": key, "value": told})
        self.problems.note("values within scripts come by variables of the environment")
        return key


def _with_literals(text, read):
    """Python's text where each literal that is one variable and nothing else is read(variable, {{variable}})."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return text
    lines, beside = text.splitlines(True), (tokenize.STRING, getattr(tokenize, "FSTRING_START", -1), getattr(tokenize, "FSTRING_END", -1))
    for before, token, after in reversed(list(zip([None, *tokens], tokens, [*tokens[1:], None]))):
        found = _LITERAL.fullmatch(token.string) if token.type == tokenize.STRING else None
        joined = any(other is not None and other.type in beside for other in (before, after))  # literals side by side are one
        if found and not joined and not found.group(3).endswith(".path"):
            line, (row, begin), (_, end) = lines[token.start[0] - 1], token.start, token.end
            lines[row - 1] = line[:begin] + read(found.group(3), found.group(2)) + line[end:]
    return "".join(lines)


def programs(step, template, path, scope, wants_result, raws=()):
    """Gives a step its container or containers, sidecars, daemon and resources."""
    problems, paths = scope.problems, Paths(template, scope.names, raws)
    if "containerSet" in template:
        told = problems.fields(template["containerSet"], f"{path}.containerSet", ("containers", "volumeMounts"))
        nodes = in_turn(told.get("containers") or [], f"{path}.containerSet.containers", problems)
        mounts = told.get("volumeMounts") or []
        made = [Program({**{k: v for k, v in node.items() if k != "dependencies"}, **_mounts(node, mounts)}, at, scope, paths,
                        wants_result and node.get("name") == "main") for node, at in nodes]
        if wants_result and all(node.get("name") != "main" for node, _ in nodes):
            problems.no(f"{path}.containerSet", "its result is that of a container `main`, which it does not have")
        _several(step, made, [node.get("name", "") for node, _ in nodes])
    else:
        kind = "script" if "script" in template else "container"
        also = ("readinessProbe",) if template.get("daemon") else ()
        main = Program(template[kind], f"{path}.{kind}", scope, paths, wants_result, kind == "script", also)
        if template.get("initContainers"):
            first = [Program(node, f"{path}.initContainers[{i}]", scope, paths) for i, node in enumerate(template["initContainers"])]
            _several(step, [*first, main], [*(node.get("name", "") for node in template["initContainers"]), "main"])
        else:
            step["container"] = main.container()
            if main.spec.get("resources"):
                step["resources"] = main.resources()
        if template.get("daemon"):
            step["daemon"] = {"readiness": readiness(main.spec.get("readinessProbe"), f"{path}.{kind}.readinessProbe", problems)}
    paths.check(f"{path}.{next(k for k in ('container', 'script', 'containerSet') if k in template)}", problems)
    if template.get("sidecars"):
        step["sidecars"] = [_sidecar(node, f"{path}.sidecars[{i}]", scope) for i, node in enumerate(template["sidecars"])]


def _mounts(node, mounts):
    own = [*mounts, *(node.get("volumeMounts") or [])]
    return {"volumeMounts": own} if own else {}


def _several(step, made, names):
    containers = []
    for program, name in zip(made, names):
        container = {"name": name, **program.container()}
        if program.spec.get("resources"):
            container["resources"] = program.resources()
        containers.append(container)
    step["containers"] = containers


def in_turn(containers, at, problems):
    """[(container, its path)] in the order of their dependencies, each of which must wait for the one before."""
    left, out, done = [(node, f"{at}[{i}]") for i, node in enumerate(containers)], [], []
    while left:
        ready = [entry for entry in left if set(entry[0].get("dependencies") or []) <= set(done)]
        if len(ready) != 1:
            names = ", ".join(node.get("name", "?") for node, _ in ready or left)
            problems.no(at, f"{names}: " + ("run at the same time there, and in turn here: let each name the one before it in `dependencies`"
                                            if ready else "wait for each other, or for a container that is not there"))
            return out + left
        out.append(ready[0])
        done.append(ready[0][0].get("name"))
        left.remove(ready[0])
    return out


def readiness(probe, at, problems):
    """A readinessProbe; what it says of times is left out."""
    times = ("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold")
    probe = problems.fields(probe, at, ("httpGet", "tcpSocket", "exec", *times))
    if any(t in probe for t in times):
        problems.note("of readiness probes the times are left out: it is asked again until timeouts.pending")
    if "httpGet" in probe:
        told = problems.fields(probe["httpGet"], f"{at}.httpGet", ("path", "port"))
        return {"http": {"port": _port(told.get("port"), f"{at}.httpGet.port", problems), **({"path": told["path"]} if "path" in told else {})}}
    if "tcpSocket" in probe:
        return {"tcp": _port(problems.fields(probe["tcpSocket"], f"{at}.tcpSocket", ("port",)).get("port"), f"{at}.tcpSocket.port", problems)}
    if "exec" in probe:
        return {"exec": [str(word) for word in problems.fields(probe["exec"], f"{at}.exec", ("command",)).get("command") or []]}
    problems.no(at, "is not there, so that nobody knows when the daemon serves: give its container one")
    return {}


def _port(port, at, problems):
    if isinstance(port, int):
        return port
    if isinstance(port, str) and port.isdigit():
        return int(port)
    problems.no(at, f"{port!r} is no number of a port")
    return 0


def _sidecar(node, at, scope):
    """A sidecar's words are Kubernetes' own: they hold no references."""
    node = scope.problems.fields(node, at, ("name", "image", "command", "args", "env", "envFrom", "imagePullPolicy", "volumeMounts", "resources",
                                            "readinessProbe", "ports", "workingDir"))
    out = {k: v for k, v in node.items() if k not in ("readinessProbe", "ports")}
    if VARIABLE.search(repr(out)):
        scope.problems.no(at, "{{...}} is not covered in a sidecar, which Kubernetes starts by itself")
    if "readinessProbe" in node:
        out["readiness"] = readiness(node["readinessProbe"], f"{at}.readinessProbe", scope.problems)
    return out
