"""Whether a workflow's parts are of the sort that Argo's fields are: lists, objects and texts, by the names of the fields."""

_OBJECTS = frozenset("spec workflowSpec arguments inputs outputs dag container script containerSet http resource retryStrategy backoff synchronization valueFrom "
                     "configMapKeyRef metadata podMetadata hooks memoize raw git s3 templateRef workflowTemplateRef templateDefaults withSequence readinessProbe "
                     "httpGet tcpSocket exec mutex semaphore continueOn ttlStrategy inline securityContext exit".split())
_NAMED = frozenset("templates parameters artifacts tasks env containers initContainers sidecars volumes volumeMounts mutexes headers".split())
_LISTS = frozenset("withItems args command dependencies schedules volumeClaimTemplates envFrom semaphores imagePullSecrets flags".split())
_TEXTS = frozenset("name entrypoint onExit source url method manifest action expression from fromExpression depends timezone concurrencyPolicy generateName "
                   "successCondition failureCondition workingDir path template image".split())
_ELSEWHERE = frozenset("withItems affinity tolerations labels annotations nodeSelector resources podSpecPatch value default enum data azure gcs oss hdfs artifactory "
                       "plugin".split())


def check(node, path, problems):
    """Tells what is of another sort, each by its path."""
    before = len(problems.lines)
    _look(node, path.rstrip("."), problems)
    return len(problems.lines) == before


def _look(node, path, problems):
    for key, value in node.items():
        at = f"{path}.{key}" if path else str(key)
        if value is None:
            continue
        if key in _OBJECTS and not isinstance(value, dict):
            problems.no(at, f"is no object but {value!r}")
        elif key in _TEXTS and not isinstance(value, str):
            problems.no(at, f"is no text but {value!r}")
        elif key in _LISTS | _NAMED | {"steps"} and not isinstance(value, list):
            problems.no(at, f"is no list but {value!r}")
        elif key == "steps":
            for i, group in enumerate(value):
                _entries(group if isinstance(group, list) else [group], f"{at}[{i}]", problems)
        elif key in _NAMED:
            _entries(value, at, problems)
        elif isinstance(value, dict) and key not in _ELSEWHERE:
            _look(value, at, problems)


def _entries(entries, path, problems):
    for i, entry in enumerate(entries):
        at = f"{path}[{i}]"
        if not isinstance(entry, dict):
            problems.no(at, f"is no object but {entry!r}")
        elif not isinstance(entry.get("name"), str):
            problems.no(f"{at}.name", "is missing" if "name" not in entry else f"is no text but {entry['name']!r}")
        else:
            _look(entry, at, problems)
