"""How runs and pipelines show themselves in a notebook. Static HTML; every text of others is escaped."""
import html

from penstock.frames import columns_of, table

_MARKS = {"Succeeded": "#1a7f37", "Failed": "#cf222e", "Invalid": "#cf222e", "Running": "#0969da", "Skipped": "#6e7781",
          "Cancelled": "#6e7781"}


def run_html(run):
    story = run.story
    rows = []
    for step in story.get("steps", []):
        row = {"step": step.get("name"), "phase": step.get("phase"), "reason": step.get("reason") or "",
               "cached": "yes" if step.get("cached") else ""}
        rows.append({**row, **(step.get("results") or {})})
    head = f"<p><b>{html.escape(run.name)}</b> {_mark(run.phase)} {html.escape(run.message)}</p>"
    results = "".join(f"<li>{html.escape(str(n))}: {html.escape(str(v))}</li>" for n, v in run.results.items())
    outputs = "".join(f"<li>{html.escape(o['name'])}: <code>{html.escape(o.get('digest', ''))}</code></li>"
                      for o in story.get("outputs", []))
    lists = f"<ul>{results}{outputs}</ul>" if results or outputs else ""
    return f"<div>{head}{table(rows)}{lists}</div>"


def _mark(phase):
    return f'<span style="color:{_MARKS.get(phase, "#6e7781")}">{html.escape(phase)}</span>'


def pipeline_html(pipeline):
    graph, (outputs, results) = pipeline.graph()
    rows = []
    for task in graph.tasks:
        rows.append({"step": task.name, "takes": ", ".join([*getattr(task, "inputs", {}), *getattr(task, "parameters", {})]),
                     "gives": ", ".join([*task.outputs_of, *task.results_of]), "when": task.fields.get("when", ""),
                     "loop": "yes" if task.loop else ""})
    keep = [name for name in columns_of(rows) if any(row.get(name) for row in rows)]
    head = f"<p><b>{html.escape(pipeline.name)}</b> {html.escape(pipeline.description)}</p>"
    gives = ", ".join([*outputs, *results])
    tail = f"<p>gives: {html.escape(gives)}</p>" if gives else ""
    return f"<div>{head}{table([{name: row.get(name) for name in keep} for row in rows])}{tail}</div>"
