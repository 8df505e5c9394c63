"""Penstock in Python: pipelines of functions, runs as tables, models that are served. docs/python.md shows the way.

Imports nothing until it is used, so that a step that logs a metric starts as fast as one that does not.
"""
import importlib

__version__ = "0.1.0"

_HOME = {
    "step": "steps", "pipeline": "pipelines", "component": "library", "raw_step": "extras", "container": "extras",
    "approval": "extras", "published": "extras",
    "each": "values", "run": "values", "first_of": "values",
    "Input": "types", "Output": "types", "File": "types", "Dataset": "types", "Model": "types", "Report": "types",
    "Metrics": "types", "Schema": "types", "Statistics": "types", "Transform": "types", "Range": "types", "Pattern": "types",
    "connect": "client", "Run": "runs", "RunFailed": "runs",
    "read_table": "tables", "write_table": "tables", "log_metric": "metrics", "log_progress": "metrics", "save_model": "models", "check_model": "models", "serve": "models",
    "CompileError": "errors", "CommandError": "errors", "ApiError": "errors", "PenstockError": "errors",
}
__all__ = sorted([*_HOME, "library"])


def __getattr__(name):
    if name == "library":
        return importlib.import_module("penstock.library")
    if name not in _HOME:
        raise AttributeError(f"penstock has no {name}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"penstock.{_HOME[name]}"), name)


def __dir__():
    return __all__
