"""log_metric and log_progress: what a step says of itself while it runs."""
import json
import math
import os
import threading
import warnings

_lock = threading.Lock()
_counts = {}
_warned = []


def log_metric(name, value, step=None):
    """Appends {"name", "step", "value"} to $PENSTOCK_METRICS, where the launcher takes it from while the step runs.

    `step` counts from 0 by itself where it is left out. Outside of a Penstock step nothing is written, which a warning says once.
    """
    if not isinstance(name, str) or not name or len(name) > 200 or not name.isprintable():
        raise ValueError(f"a metric's name is a text of 1 to 200 printable characters, not {name!r}")
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"the metric {name} takes a number, got {value!r}")
    if step is not None and (isinstance(step, bool) or not isinstance(step, int)):
        raise TypeError(f"the step of the metric {name} is a whole number, got {step!r}")
    path = _path("log_metric")
    if not path:
        return
    with _lock:
        if step is None:
            step = _counts.get(name, -1) + 1
        _counts[name] = step
        # JSON has no NaN: a value that is no number is null, which the curve shows as a gap
        _write(path, {"name": name, "step": step, "value": value if math.isfinite(value) else None})


def log_progress(done, total):
    """Says how far the step is; the time that is left is told by it. Outside of a step as log_metric."""
    for number in (done, total):
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
            raise TypeError(f"progress takes two numbers, got {done!r} of {total!r}")
    path = _path("log_progress")
    if path:
        with _lock:
            _write(path, {"progress": {"done": done, "total": total}})


def _path(what):
    """Where it is written to, or None after a warning."""
    path = os.environ.get("PENSTOCK_METRICS")
    if not path and what not in _warned:
        _warned.append(what)
        warnings.warn(f"{what} writes nothing here: this is no step of a Penstock run (PENSTOCK_METRICS is not set)", stacklevel=3)
    return path


def _write(path, line):
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
