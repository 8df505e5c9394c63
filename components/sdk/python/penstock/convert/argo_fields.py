"""Fields of Argo that mean the same wherever they stand: retries, locks, loops, artifacts' places."""
import json
import re

from penstock.convert.argo_values import VARIABLE
from penstock.convert.reading import whole
from penstock.values import Done

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def retry(node, path, problems):
    """retryStrategy."""
    problems.fields(node, path, ("limit", "retryPolicy", "backoff"))
    limit = int(whole(node.get("limit", 100)))
    user = {"limit": limit}
    backoff = problems.fields(node.get("backoff"), f"{path}.backoff", ("duration", "factor", "maxDuration", "cap"))
    if backoff.get("duration"):
        user["backoff"] = _duration(backoff["duration"])
    if backoff.get("factor"):
        user["backoffFactor"] = whole(float(backoff["factor"]))
    if backoff.get("cap"):
        user["maxBackoff"] = _duration(backoff["cap"])
    most = {"maxDuration": _duration(backoff["maxDuration"])} if backoff.get("maxDuration") else {}
    policy = node.get("retryPolicy", "OnFailure")
    if policy == "Always":
        return {"user": user, "infrastructure": dict(user), "outOfMemory": dict(user), **most}
    if policy in ("OnFailure", "OnError"):
        return {"user" if policy == "OnFailure" else "infrastructure": user, **most}
    problems.no(f"{path}.retryPolicy", f"{policy} is not covered: failures of the program and of the infrastructure are told apart here")
    return {}


def _duration(value):
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
            items = _deep(items, lambda text: scope.text(text, f"{path}.withItems"))
        return {"in": items}
    if "withParam" in node:
        found = VARIABLE.fullmatch(str(node["withParam"]).strip())
        if found and not found.group(1):
            told = scope.path(found.group(2), f"{path}.withParam")
            return {"in": Done(f"$({told})")}
        try:
            return {"in": json.loads(node["withParam"])}
        except ValueError:
            problems.no(f"{path}.withParam", f"{node['withParam']!r} is neither one variable nor a list in JSON")
            return {"in": []}
    if "withSequence" in node:
        return {"range": _sequence(node["withSequence"], scope, f"{path}.withSequence", problems)}
    return None


def _deep(value, change):
    if isinstance(value, dict):
        return {k: _deep(v, change) for k, v in value.items()}
    if isinstance(value, list):
        return [_deep(v, change) for v in value]
    return change(value) if isinstance(value, str) else value


def _sequence(node, scope, path, problems):
    problems.fields(node, path, ("count", "start", "end"))

    def number(field, default):
        value = node.get(field, default)
        text = str(value)
        if text.lstrip("-").isdigit():
            return int(text)
        found = VARIABLE.fullmatch(text.strip())
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


def uri_of(artifact, path, problems):
    """The URI of an artifact that lies outside."""
    problems.fields(artifact, path, ("name", "http", "path", "optional", "archive"), "is not covered: put the file into the store (penstock artifact put) "
                    "and name its digest, or use http")
    if "http" in artifact:
        return problems.fields(artifact["http"], f"{path}.http", ("url",)).get("url", "")
    if not any(field in artifact for field in ("s3", "gcs", "git", "raw", "hdfs", "oss", "azure", "artifactory")):
        problems.no(path, "says nowhere where the file is")
    return ""


def with_list_types(parameters, node, names):
    """Parameters that a withParam loops over are lists here, and those that count a sequence whole numbers."""
    lists, numbers = set(), set()
    for template in node.get("templates") or []:
        tasks = [t for group in template.get("steps") or [] for t in (group if isinstance(group, list) else [group])]
        for task in tasks + list((template.get("dag") or {}).get("tasks") or []):
            found = VARIABLE.fullmatch(str(task.get("withParam", "")).strip())
            if found:
                lists.add(found.group(2))
            for value in (task.get("withSequence") or {}).values():
                found = VARIABLE.fullmatch(str(value).strip())
                if found:
                    numbers.add(found.group(2))
    for entry in parameters:
        for wanted, kind in ((lists, "list"), (numbers, "integer")):
            if any(names.of(v.rpartition(".")[2]) == entry["name"] and v.startswith("workflow.parameters.") for v in wanted):
                entry["type"] = kind
                if isinstance(entry.get("default"), str):
                    entry["default"] = json.loads(entry["default"])
    return parameters
