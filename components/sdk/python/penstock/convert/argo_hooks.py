"""What runs when a task has ended: hooks.exit, onExit, and hooks that wait for one end."""
import re

from penstock.convert.reading import step_names

_ENDS = re.compile(r"""\s*(?:steps|tasks|workflow)(?:\.[\w-]+|\[['"][^'"]+['"]\])?\.?status\s*==\s*['"](Succeeded|Failed|Error)['"]\s*""")
_HOOK = ("template", "templateRef", "arguments", "expression")


def hooks_of(templates, task, scope, at, artifacts, names):
    """The steps that come after one, whatever became of it."""
    out = []
    for name, hook, where in _listed(task, at, templates.problems):
        if any(w in task for w in ("withItems", "withParam", "withSequence")):
            templates.problems.no(where, "is not covered of a loop: make a template of steps that the loop runs, and let that have the hook")
            continue
        ours = names.of(f"{task['name']} {name}")
        step = templates.step(f"{task['name']} {name}", {k: v for k, v in hook.items() if k != "expression"}, scope, where, artifacts)
        step.pop("name")
        ended = f'steps["{scope.steps[task["name"]]}"].status'
        when = condition(hook, where, scope, templates.problems) if "expression" in hook else f'{ended} != "Skipped"'
        out.append({"name": ours, "dependsOn": [{"step": scope.steps[task["name"]], "outcome": "Any"}], "when": when, **step})
    return out


def _listed(task, at, problems):
    if task.get("onExit"):
        yield "exit", {"template": task["onExit"]}, f"{at}.onExit"
    for name, hook in (task.get("hooks") or {}).items():
        yield name, problems.fields(hook, f"{at}.hooks.{name}", _HOOK), f"{at}.hooks.{name}"


def at_the_end(templates, spec, path, scope, taken):
    """The steps of finally, by names that are not `taken`."""
    out, templates.final = [], True
    for name, hook, where in _listed({k: spec[k] for k in ("onExit", "hooks") if k in spec}, path, templates.problems):
        step = templates.step(hook.get("template") or name, {k: v for k, v in hook.items() if k != "expression"}, scope, where, {})
        if "expression" in hook:
            step["when"] = condition(hook, where, scope, templates.problems)
        elif name != "exit":
            templates.problems.no(where, "says no expression, and is no `exit`")
        if step["name"] in taken:
            step["name"] = step_names().of(f"{step['name']} {name}")
        taken = {*taken, step["name"]}
        out.append(step)
    return out


def condition(hook, at, scope, problems):
    """A hook's expression, where it waits for an end."""
    if not _ENDS.search(hook["expression"]):
        problems.no(f"{at}.expression", f"{hook['expression']!r} is not covered: a hook runs when what it belongs to has ended (status == 'Succeeded' or "
                    "'Failed'), not while it runs")
    return scope.expression(hook["expression"], f"{at}.expression").replace('"Error"', '"Failed"')
