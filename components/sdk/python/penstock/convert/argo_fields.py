"""Fields of Argo that mean the same wherever they stand: retries, locks, loops, what a step's pod is made with."""
import json
import re

from penstock.convert.argo_values import VARIABLE, sole
from penstock.convert.reading import whole
from penstock.values import Done, written

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def retry(node, path, problems):
    """retryStrategy."""
    problems.fields(node, path, ("limit", "retryPolicy", "backoff", "expression"))
    told = {"limit": int(whole(node.get("limit", 100)))} if str(whole(node.get("limit", 100))).isdigit() else {"limit": 0}
    if not str(whole(node.get("limit", 100))).isdigit():
        problems.no(f"{path}.limit", f"{node['limit']!r} is no whole number")
    backoff = problems.fields(node.get("backoff"), f"{path}.backoff", ("duration", "factor", "maxDuration", "cap"))
    if backoff.get("duration"):
        told["backoff"] = duration(backoff["duration"])
    if backoff.get("factor"):
        told["backoffFactor"] = whole(float(backoff["factor"]))
    if backoff.get("cap"):
        told["maxBackoff"] = duration(backoff["cap"])
    most = {"maxDuration": duration(backoff["maxDuration"])} if backoff.get("maxDuration") else {}
    policy = node.get("retryPolicy", "Always" if "expression" in node else "OnFailure")
    classes = _CLASSES.get(policy)
    if classes is None:
        problems.no(f"{path}.retryPolicy", f"{policy} is not covered: failures of the program and of the infrastructure are told apart here")
        return {}
    codes = None
    if "expression" in node:
        asked, codes = _asked(str(node["expression"]))
        if asked is None:
            problems.no(f"{path}.expression", f"{node['expression']!r} is not covered: exit codes (asInt(lastRetry.exitCode) == 75, or in [75, 76]) and "
                        "lastRetry.status are")
            return {}
        classes = [c for c in classes if c in asked]
    return {**{c: {**told, **({"onExitCodes": codes} if codes and c == "user" else {})} for c in classes}, **most}


_CLASSES = {"Always": ["user", "infrastructure", "outOfMemory"], "OnFailure": ["user"], "OnError": ["infrastructure"]}
_STATUS = {"Failed": ["user", "outOfMemory"], "Error": ["infrastructure"]}


def _asked(text):
    """(classes, exit codes) of a retryStrategy's expression, (None, None) where it asks anything else."""
    text = text.strip().removeprefix("{{=").removesuffix("}}").strip() if hasattr(text, "removeprefix") else text
    found = re.fullmatch(r"""lastRetry\.status\s*(==|!=)\s*['"](Failed|Error)['"]""", text)
    if found:
        others = {"Failed": "Error", "Error": "Failed"}
        return _STATUS[found.group(2) if found.group(1) == "==" else others[found.group(2)]], None
    code = r"(?:asInt\(lastRetry\.exitCode\)|lastRetry\.exitCode)"
    listed = re.fullmatch(rf"""{code}\s+in\s+\[([\s\d,'"]+)\]""", text)
    if listed:
        return ["user"], [int(n) for n in re.findall(r"\d+", listed.group(1))]
    each = [re.fullmatch(rf"""{code}\s*==\s*['"]?(\d+)['"]?""", part.strip().strip("()")) for part in re.split(r"\|\||\bor\b", text)]
    return (None, None) if None in each else (["user"], [int(e.group(1)) for e in each])


def duration(value):
    text = str(value)
    return f"{text}s" if text.isdigit() else text


def locks(node, path, problems):
    """synchronization: mutexes and semaphores as locks of the namespace."""
    if not node:
        return []
    problems.fields(node, path, ("mutex", "mutexes", "semaphore", "semaphores"))
    out = []
    for entry in [*([node["mutex"]] if "mutex" in node else []), *(node.get("mutexes") or [])]:
        out.append(_lock(problems.fields(entry, f"{path}.mutex", ("name",)).get("name", ""), f"{path}.mutex.name", problems))
    for entry in [*([node["semaphore"]] if "semaphore" in node else []), *(node.get("semaphores") or [])]:
        ref = problems.fields(entry, f"{path}.semaphore", ("configMapKeyRef",)).get("configMapKeyRef", {})
        out.append(_lock(ref.get("key", ""), f"{path}.semaphore.configMapKeyRef.key", problems))
        problems.note(f"the size of the lock {ref.get('key')} stands in the ConfigMap penstock-locks (there it was {ref.get('name')})")
    return out


def _lock(name, path, problems):
    if not _NAME.fullmatch(str(name)) or len(str(name)) > 40:
        problems.no(path, f"{name!r} is no name of a lock: at most 40 of a-z, 0-9 and -")
    return {"name": name}


def loop(node, scope, path, problems):
    """withItems, withParam and withSequence as forEach; None without a loop."""
    if "withItems" in node:
        items = node["withItems"]
        if any(VARIABLE.search(json.dumps(item)) for item in items):
            items = deep(items, lambda text: scope.text(text, f"{path}.withItems"))
        return {"in": items}
    if "withParam" in node:
        found = sole(str(node["withParam"]).strip())
        if found:
            told = scope.value(node["withParam"], f"{path}.withParam")
            if not isinstance(told, str):
                problems.no(f"{path}.withParam", "a choice is not covered: a step before hands on the list")
            return {"in": Done(written(told))}
        try:
            return {"in": json.loads(node["withParam"])}
        except ValueError:
            problems.no(f"{path}.withParam", f"{node['withParam']!r} is neither one variable nor a list in JSON")
            return {"in": []}
    if "withSequence" in node and "format" in node["withSequence"]:
        return {"in": _formatted(node["withSequence"], f"{path}.withSequence", problems)}
    if "withSequence" in node:
        return {"range": _sequence(node["withSequence"], scope, f"{path}.withSequence", problems)}
    return None


def _formatted(node, path, problems):
    """A sequence whose numbers are written by a format, as the list that it is."""
    problems.fields(node, path, ("count", "start", "end", "format"))
    start, count, end = (str(node.get(f, "")) for f in ("start", "count", "end"))
    if any(v and not v.lstrip("-").isdigit() for v in (start, count, end)) or not re.fullmatch(r"[^%]*%0?\d*[dxXo][^%]*", str(node["format"])):
        problems.no(f"{path}.format", f"{node['format']!r} is covered of whole numbers that are known, with one %d, %x or %o")
        return []
    first = int(start or 0)
    last = first + int(count) - 1 if count else int(end or 0)
    numbers = range(first, last + 1) if last >= first or count else range(first, last - 1, -1)
    return [node["format"] % n for n in numbers]


def deep(value, change):
    """The value with each of its texts changed."""
    if isinstance(value, dict):
        return {k: deep(v, change) for k, v in value.items()}
    if isinstance(value, list):
        return [deep(v, change) for v in value]
    return change(value) if isinstance(value, str) else value


def _sequence(node, scope, path, problems):
    problems.fields(node, path, ("count", "start", "end"))

    def number(field, default):
        value = node.get(field, default)
        text = str(value)
        if text.lstrip("-").isdigit():
            return int(text)
        found = sole(text.strip())
        if not found:
            problems.no(f"{path}.{field}", f"{value!r} is no whole number")
            return 0
        return Done(f"$({scope.path(found.group(2), f'{path}.{field}')})")
    start = number("start", 0)
    if "count" in node:
        count = number("count", 0)
        if not isinstance(start, int) or (start and not isinstance(count, int)):
            problems.no(path, "count with a start is covered for whole numbers only")
            return {"to": 0}
        return {"to": count} if start == 0 else {"from": start, "to": start + count}
    end = number("end", 0)
    if not isinstance(end, int) or not isinstance(start, int):
        problems.no(f"{path}.end", "an end that is known only when the workflow runs is not covered: use count")
        return {"to": 0}
    return {"from": start, "to": end + 1} if end >= start else {"from": start, "to": end - 1, "step": -1}


def with_types(parameters, texts, lists, names, path, problems):
    """Parameters that loops go over are lists here, those that count a sequence whole numbers, and those of whom a JSONPath takes a part
    what they hold."""
    kinds = {name: "list" for name in lists}
    counted = re.findall(r'"(?:count|start|end)": "\{\{\s*workflow\.parameters\.([^{}]+?)\s*\}\}"', texts)
    kinds.update({name: "integer" for name in counted})
    parts = {a or b for a, b in re.findall(r"""jsonpath\(\s*workflow\.parameters(?:\.([\w-]+)|\[\\?['"]([^'"\]\\]+)\\?['"]\])""", texts)}
    for entry in parameters:
        theirs = next((n for n in {**kinds, **{p: "" for p in parts}} if names.of(n) == entry["name"]), None)
        if theirs is None:
            continue
        default = entry.get("default")
        if isinstance(default, str):
            try:
                entry["default"] = json.loads(default)
            except ValueError:
                problems.no(f"{path}.arguments.parameters.{theirs}", f"{default!r} is no JSON, and a loop or a JSONPath reads it")
        entry["type"] = kinds.get(theirs) or ("list" if isinstance(entry.get("default"), list) else "object")
    return parameters


def policies(template, spec, path, problems):
    """What a template says of the step's attempts and of its pod."""
    out = {}
    if "retryStrategy" in template:
        out["retry"] = retry(template["retryStrategy"], f"{path}.retryStrategy", problems)
    seconds = template.get("activeDeadlineSeconds") or template.get("timeout")
    if seconds:
        out["timeouts"] = {"attempt": duration(whole(seconds))}
    for field in ("nodeSelector", "tolerations", "affinity", "serviceAccountName", "priorityClassName", "schedulerName"):
        if field in template:
            out[field] = template[field]
    volumes = [*(template.get("volumes") or []), *(spec.get("volumes") or [])]
    volumes = [v for v in volumes if v["name"] in mounted(template)]
    if volumes:
        out["volumes"] = volumes
    told = pod(template, path, problems, "metadata")
    if told:
        out["pod"] = told
    wanted = locks(template.get("synchronization"), f"{path}.synchronization", problems)
    if wanted:
        out["locks"] = wanted
    if "memoize" in template:
        out["cache"] = _cache(template["memoize"], f"{path}.memoize", problems)
    return out


def mounted(template):
    """Names of the volumes that its programs mount."""
    nodes = [template.get("container"), template.get("script"), template.get("containerSet"), *((template.get("containerSet") or {}).get("containers") or []),
             *(template.get("initContainers") or []), *(template.get("sidecars") or [])]
    return {m["name"] for node in nodes if node for m in node.get("volumeMounts") or []}


def _cache(node, path, problems):
    memo = problems.fields(node, path, ("key", "cache"))
    out = {"enabled": True, "trustTag": True}
    if not VARIABLE.search(str(memo.get("key", ""))):
        out["salt"] = str(memo.get("key", ""))
    problems.note(f"{path}: a step is found again by its image, command, parameters and inputs")
    return out


def pod(node, path, problems, metadata):
    """What a workflow or a template says of pods: labels, users, hosts, devices."""
    out = dict(problems.fields(node.get(metadata), f"{path}.{metadata}", ("labels", "annotations")))
    if node.get("securityContext"):
        told = problems.fields(node["securityContext"], f"{path}.securityContext",
                               ("runAsUser", "runAsGroup", "fsGroup", "supplementalGroups", "runAsNonRoot", "seccompProfile"))
        context = {k: v for k, v in told.items() if k not in ("runAsNonRoot", "seccompProfile")}
        if told.get("runAsNonRoot") is False or 0 in context.values():
            problems.no(f"{path}.securityContext", "is not covered: nothing runs as root")
        out.update({"securityContext": context} if context else {})
    for theirs, ours in (("podResources", "resources"), ("resourceClaims", "resourceClaims"), ("hostAliases", "hostAliases"), ("dnsPolicy", "dnsPolicy"),
                         ("dnsConfig", "dnsConfig")):
        if theirs in node:
            out[ours] = node[theirs]
    if node.get("automountServiceAccountToken"):
        problems.no(f"{path}.automountServiceAccountToken", "is not covered: a step has no token but the component kubernetes")
    return out


def approval(template, path, names, problems):
    """A suspend template that waits for people."""
    values, given = [], {p["name"]: p for p in (template.get("inputs") or {}).get("parameters") or []}
    for i, parameter in enumerate((template.get("outputs") or {}).get("parameters") or []):
        problems.fields(parameter.get("valueFrom"), f"{path}.outputs.parameters[{i}].valueFrom", ("supplied",))
        told = given.get(parameter["name"], {})
        values.append({"name": names.of(parameter["name"]), "type": "string", **{k: told[k] for k in ("enum", "default") if k in told}})
    return {"message": f"Go on after {template.get('name')}?", **({"values": values} if values else {})}
