"""What a task of a DAG waits for: `dependencies`, and `depends` as outcomes of steps or as a condition over their status.

States: Argo's page "Enhanced Depends Logic".
"""
import re

_TERM = re.compile(r"([A-Za-z0-9_-]+)(?:\.(Succeeded|Failed|Errored|Skipped|Daemoned|AnySucceeded|AllFailed))?")
_TOKEN = re.compile(r"\s*(&&|\|\||!|\(|\)|[A-Za-z0-9_-]+(?:\.[A-Za-z]+)?)")
_OUTCOMES = {frozenset(["Succeeded"]): None, frozenset(["Failed"]): "Failed", frozenset(["Failed", "Errored"]): "Failed",
             frozenset(["Skipped"]): "Skipped", frozenset(["Succeeded", "Skipped"]): "SucceededOrSkipped",
             frozenset(["Succeeded", "Skipped", "Daemoned"]): "SucceededOrSkipped", frozenset(["Succeeded", "Failed"]): "Any",
             frozenset(["Succeeded", "Failed", "Errored"]): "Any", frozenset(["Succeeded", "Failed", "Skipped"]): "Any",
             frozenset(["Succeeded", "Failed", "Errored", "Skipped"]): "Any"}


def waits(task, known, at, problems, tasks):
    """(dependsOn, condition or None) of a task. `known`: {task: our step}; `tasks`: all tasks of the DAG."""
    decided = {other["name"] for other in tasks if by_condition(other)}
    if "depends" not in task:
        return [{"step": known[name], **_unless(name in decided)} for name in task.get("dependencies") or [] if _is_known(name, known, at, problems)], None
    outcomes = _conjunction(task["depends"])
    if outcomes is not None and all(_is_known(name, known, at, problems) for name in outcomes):
        return [{"step": known[name], **({"outcome": told} if told else {})} for name, told in _plain(outcomes, decided).items()], None
    if outcomes is not None:
        return [], None
    return _condition(task["depends"], known, f"{at}.depends", problems, {other["name"]: other for other in tasks})


def by_condition(task):
    """Does a task's `depends` take a condition?"""
    return "depends" in task and _conjunction(task["depends"]) is None


def _unless(decided):
    return {} if decided else {"outcome": "SucceededOrSkipped"}


def _plain(outcomes, decided):
    """A task that a condition leaves out is omitted there, and what waits for it with it; here it is skipped."""
    return {name: None if told == "SucceededOrSkipped" and name in decided else told for name, told in outcomes.items()}


def _conjunction(text):
    """{task: outcome} where `depends` joins states of one task each by &&; None otherwise."""
    outcomes = {}
    for part in text.split("&&"):
        part = part.strip()
        if part.startswith("(") and part.endswith(")"):
            part = part[1:-1]
        terms = [_TERM.fullmatch(t.strip()) for t in part.split("||")]
        if None in terms or len({t.group(1) for t in terms}) != 1:
            return None
        ends = frozenset(t.group(2) or "plain" for t in terms)
        name = terms[0].group(1)
        if name in outcomes or (ends != {"plain"} and ends not in _OUTCOMES):
            return None
        outcomes[name] = "SucceededOrSkipped" if ends == {"plain"} else _OUTCOMES[ends]
    return outcomes


def _condition(text, known, at, problems, tasks):
    """Any end of each task that is named, and a condition over how they ended."""
    out, names, left = [], [], text.strip()
    while left:
        found = _TOKEN.match(left)
        if not found:
            problems.no(at, f"{text!r} is not covered")
            return [], None
        token, left = found.group(1), left[found.end():].strip()
        if token in ("&&", "||", "!", "(", ")"):
            out.append(f" {token} " if token in ("&&", "||") else token)
            continue
        name, _, state = token.partition(".")
        if not _is_known(name, known, at, problems):
            return [], None
        status = _state(state or None, known[name], tasks[name])
        if status is None:
            problems.no(at, f"{token!r} is not covered: Succeeded, Failed, AnySucceeded and AllFailed are, and a task alone that has not both a `when` and "
                        "tasks before it")
            return [], None
        if name not in names:
            names.append(name)
        # a negation binds closer than a comparison
        out.append(f"({status})" if out and out[-1] == "!" else status)
    return [{"step": known[name], "outcome": "Any"} for name in names], "".join(out)


def _state(state, step, task):
    """A state as a condition. What a `when` skipped and what was never reached (there Omitted) is Skipped here."""
    at = f'steps["{step}"]'
    if state == "AnySucceeded":
        return f"{at}.succeeded > 0"
    if state == "AllFailed":
        return f"{at}.failed == {at}.total"
    if state in ("Succeeded", "Failed"):
        return f'{at}.status == "{state}"'
    if state not in (None, "Skipped"):
        return None
    if "when" not in task:
        return f'{at}.status == "Succeeded"' if state is None else None
    if "depends" in task or task.get("dependencies"):
        return None
    return f'{at}.status in ["Succeeded", "Skipped"]' if state is None else f'{at}.status == "Skipped"'


def _is_known(name, known, at, problems):
    if name not in known:
        problems.no(at if at.endswith(".depends") else f"{at}.dependencies", f"there is no task {name}")
    return name in known
