"""Which values are lists: all of Argo's are texts, and a list here where a loop goes over it.

By names, of all templates at once: what is a list in one place is one wherever it is called so.
"""
from penstock.convert.argo_values import sole


class Lists:
    """parameters: names of inputs and of the workflow's; results: {(task, its result or output parameter)}."""

    def __init__(self, specs):
        self.parameters, self.results = set(), set()
        tasks = [task for spec in specs for template in spec.get("templates") or [] for task in _tasks(template)]
        for task in tasks:
            self._mark(task.get("withParam"))
        before = -1
        while before != len(self.parameters):
            before = len(self.parameters)
            for task in tasks:
                for given in (task.get("arguments") or {}).get("parameters") or []:
                    if given.get("name") in self.parameters:
                        self._mark(given.get("value"))

    def _mark(self, value):
        found = sole(str(value).strip()) if value is not None else None
        parts = found.group(2).split(".") if found and not found.group(1) else []
        if len(parts) == 3 and parts[:2] in (["workflow", "parameters"], ["inputs", "parameters"]):
            self.parameters.add(parts[2])
        elif len(parts) > 3 and parts[0] in ("steps", "tasks") and parts[2] == "outputs":
            self.results.add((parts[1], parts[-1]))


def _tasks(template):
    for group in template.get("steps") or []:
        yield from group if isinstance(group, list) else [group]
    yield from (template.get("dag") or {}).get("tasks") or []
