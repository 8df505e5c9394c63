"""Templates that ask others, and artifacts that lie elsewhere, by components of the library (docs/outside.md).

A component's parameters are not the template's inputs, so that these are put in where they are named.
"""
import re

from penstock.convert import argo_expressions as expressions
from penstock.convert.argo_expressions import NotCovered
from penstock.convert.reading import whole
from penstock.values import CLOSE, OPEN, written

_HTTP = ("url", "method", "headers", "body", "bodyFrom", "successCondition", "timeoutSeconds", "insecureSkipVerify")
_RESOURCE = ("action", "manifest", "setOwnerReference", "successCondition", "failureCondition", "mergeStrategy", "flags")
_GIT = ("repo", "revision", "branch", "depth", "singleBranch", "fetch")
_REQUIREMENT = re.compile(r"\s*([\w.\[\]-]+)\s*(==|=|>|<|in)\s*(\(.*?\)|[^\s,()]+)\s*")


def http(step, template, path, scope):
    """An http template as the component http."""
    problems = scope.problems
    node = problems.fields(template["http"], f"{path}.http", _HTTP)
    out = {"url": scope.text(node.get("url", ""), f"{path}.http.url")}
    if node.get("method"):
        out["method"] = node["method"].upper()
    headers, env = {}, []
    for i, header in enumerate(node.get("headers") or []):
        at = f"{path}.http.headers[{i}]"
        header = problems.fields(header, at, ("name", "value", "valueFrom"))
        if "valueFrom" in header:
            name = "HEADER_" + re.sub(r"\W", "_", header["name"]).upper()
            secret = problems.fields(header["valueFrom"], f"{at}.valueFrom", ("secretKeyRef",)).get("secretKeyRef", {})
            env.append({"name": name, "valueFrom": {"secretKeyRef": {k: secret.get(k, "") for k in ("name", "key")}}})
            headers[header["name"]] = f"${{{name}}}"
        else:
            headers[header["name"]] = scope.text(header.get("value", ""), at).replace("${", "$${")
    if headers:
        out["headers"] = headers
    if "body" in node:
        out["body"] = scope.text(node["body"], f"{path}.http.body")
    if "bodyFrom" in node:
        problems.no(f"{path}.http.bodyFrom", "is not covered: write the text into `body`")
    if node.get("insecureSkipVerify"):
        problems.no(f"{path}.http.insecureSkipVerify", "is not covered: certificates are verified; SSL_CERT_FILE of the step names authorities")
    if "timeoutSeconds" in node:
        out["requestTimeout"] = f"{whole(node['timeoutSeconds'])}s"
    if "successCondition" in node:
        out["expected"] = ["100-599"]
        out["successCondition"] = _answer(node["successCondition"], f"{path}.http.successCondition", problems)
    _component(step, "http", out, env)


def _answer(text, at, problems):
    """A successCondition of http, over `response`."""
    def reference(parts):
        if parts == ["response", "statusCode"]:
            return "status"
        if parts == ["response", "body"]:
            problems.note("conditions over an answer's body see an object where the body is JSON")
            return "body"
        if len(parts) == 4 and parts[:2] == ["response", "headers"] and parts[3] == 0:
            return f'headers["{str(parts[2]).lower()}"]'
        raise NotCovered(f"{'.'.join(map(str, parts))} is not covered: response.statusCode, response.body and response.headers[\"Name\"][0] are")
    try:
        return expressions.truth(expressions.cel(_plain_status(expressions.parse_expr(text)), reference)).text
    except NotCovered as why:
        problems.no(at, str(why))
        return ""


def _plain_status(tree):
    """The tree with the status, a number, marked as one, so that it is compared as it is."""
    if tree == ("path", ["response", "statusCode"]):
        return ("number", "status")
    return tuple(_plain_status(part) if isinstance(part, tuple) else part for part in tree)


def resource(step, template, path, scope):
    """A resource template as the component kubernetes."""
    problems, at = scope.problems, f"{path}.resource"
    node = problems.fields(template["resource"], at, _RESOURCE, "is not covered: let a step write the manifest, or write it into `manifest`")
    action = node.get("action", "")
    if action not in ("create", "apply", "delete", "get", "patch"):
        problems.no(f"{at}.action", f"{action!r} is not covered: create, apply, delete, get and patch are")
    if action == "patch" and node.get("mergeStrategy", "strategic") != "merge":
        problems.no(f"{at}.mergeStrategy", f"{node.get('mergeStrategy', 'strategic')} is not covered: merge is")
    flags = [f for f in node.get("flags") or [] if (action, f) != ("delete", "--ignore-not-found")]
    if flags:
        problems.no(f"{at}.flags", f"{flags} are kubectl's, and no kubectl runs here: action, conditions and metadata say what is done")
    out = {"action": action, "manifest": _manifest(node.get("manifest", ""), f"{at}.manifest", scope)}
    if node.get("setOwnerReference"):
        out["setOwnerReference"] = True
    for field in ("successCondition", "failureCondition"):
        if field in node:
            out[field] = _selector(str(node[field]), f"{at}.{field}", problems)
    if action == "apply":
        problems.note("`apply` is a server-side apply here")
    results = {}
    for i, parameter in enumerate((template.get("outputs") or {}).get("parameters") or []):
        where = f"{path}.outputs.parameters[{i}].valueFrom"
        told = problems.fields(parameter.get("valueFrom"), where, ("jsonPath", "jqFilter"))
        results[scope.names.of(parameter["name"])] = _asked(told, where, problems)
    if results:
        out["results"] = results
    _component(step, "kubernetes", out)
    problems.note("a step of the component kubernetes acts as its service account, which must be allowed what kubectl did there")


def _component(step, name, parameters, env=()):
    step["component"] = {"name": name, "version": "1", "library": True}
    if env:
        step["env"] = list(env)
    step["parameters"] = written(parameters)


def _manifest(text, at, scope):
    """The manifest, with what is put in read as YAML with it, as there."""
    import yaml
    text = scope.text(text, at)
    try:
        documents = [d for d in yaml.safe_load_all(text) if d is not None]
    except yaml.YAMLError as error:
        scope.problems.no(at, f"is no YAML: {error}")
        return {}
    if len(documents) != 1 or not isinstance(documents[0], dict):
        scope.problems.no(at, "is not one object: a step is about one")
        return {}
    if re.search(rf"(?m):\s*{OPEN}[^{CLOSE}]*{CLOSE}\s*$", text):
        scope.problems.note("what is put into a manifest when it runs is text there: a number's field needs a parameter of type integer")
    return documents[0]


def _selector(text, at, problems):
    """A condition of a resource, which is written as a label selector over its fields."""
    out, left = [], text
    while left.strip():
        found = _REQUIREMENT.match(left)
        rest = left[found.end():] if found else ""
        if not found or (rest and not rest.startswith(",")):
            problems.no(at, f"{text!r} is not covered: field == word, field > number and field in (a, b), joined by commas, are")
            return ""
        field, operator, value = found.groups()
        if operator in ("<", ">"):
            out.append(f"{field} {operator} {value}")
        elif operator == "in":
            words = [w.strip() for w in value.strip("()").split(",")]
            out.append(f"string({field}) in [" + ", ".join(f'"{w}"' for w in words) + "]")
        else:
            out.append(f'string({field}) == "{value}"')
        left = rest[1:]
    return " && ".join(out)


def _asked(told, at, problems):
    """A JSONPath or jq filter that names a field."""
    text = str(told.get("jsonPath") or told.get("jqFilter") or "")
    inner = text[1:-1] if text.startswith("{") and text.endswith("}") else text
    if inner == ".":
        return "object"
    if re.fullmatch(r"(\.[A-Za-z_]\w*|\[\d+\])+", inner):
        return "object" + inner
    problems.no(at, f"{text!r} is not covered: a path such as {{.status.phase}} is")
    return ""


def git(artifact, at, problems, text):
    """The step that fetches an artifact's repository: its parameters of the component git."""
    node = problems.fields(artifact["git"], f"{at}.git", _GIT, "is not covered: `code.git` and the component git take keys from Secrets of the "
                           "platform (docs/guide.md)")
    revision = node.get("revision") or node.get("branch") or ""
    problems.note("the component git gives a repository's files, without submodules and without .git")
    return {"url": text(node.get("repo", ""), f"{at}.git.repo"), **({"revision": text(str(revision), f"{at}.git.revision")} if revision else {})}


def uri_of(artifact, path, problems, text):
    """The URI of an artifact that lies outside."""
    problems.fields(artifact, path, ("name", "http", "s3", "path", "optional", "archive"), "is not covered: put the file into the store (penstock "
                    "artifact put) and name its digest, or use http")
    if "http" in artifact:
        return text(problems.fields(artifact["http"], f"{path}.http", ("url",)).get("url", ""), f"{path}.http.url")
    if "s3" in artifact:
        return _public(problems.fields(artifact["s3"], f"{path}.s3", ("endpoint", "bucket", "key", "insecure", "region"),
                                       "is not covered: inputs are fetched without keys; hand over a signed https URL, or put the file into the store "
                                       "(penstock artifact put)"), f"{path}.s3", problems, text)
    if not any(field in artifact for field in ("gcs", "git", "raw", "hdfs", "oss", "azure", "artifactory", "plugin")):
        problems.no(path, "says nowhere where the file is")
    return ""


def _public(s3, at, problems, text):
    if not all(s3.get(field) for field in ("endpoint", "bucket", "key")):
        problems.no(at, "names its repository elsewhere: take the artifact `from` the step that made it, or say endpoint, bucket and key")
        return ""
    scheme = "http" if s3.get("insecure") else "https"
    return text(f"{scheme}://{s3['endpoint']}/{s3['bucket']}/{str(s3['key']).lstrip('/')}", at)

