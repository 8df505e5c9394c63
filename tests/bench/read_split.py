"""Splitting distinct rows: every way that looks at all of them before it writes one."""
import json

import read

WAYS = {
    "by hash": {},
    "by group": {"by": "group", "column": "grp"},
    "stratified, five folds": {"stratify": "late", "folds": 5},
}


def run(table, options):
    for name, parameters in WAYS.items():
        given = {key: value if isinstance(value, str) else json.dumps(value) for key, value in parameters.items()}
        read.growth(table, options, f"split {name}", lambda folder, path, group, given=given: read.component(
            "split", {"dataset": path}, {part: f"{folder}/{part}" for part in ("train", "valid", "test")}, given, group=group))
