#!/usr/bin/env python3
"""How many of Argo's own example workflows `import argo` translates, each checked by `penstock validate`.

usage: tests/bench/import_count.py CLONE [--refused]   (of argo-workflows; docs/python.md says of which commit; PENSTOCK_BIN has penstock)
"""
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "components/sdk/python"))
from penstock import command  # noqa: E402
from penstock.convert import imported  # noqa: E402
from penstock.convert.reading import Refused  # noqa: E402
from penstock.errors import CommandError  # noqa: E402

WORKFLOW = re.compile(r"^kind: (Workflow|WorkflowTemplate|CronWorkflow|ClusterWorkflowTemplate)\s*$", re.M)
TEMPLATES = re.compile(r"^kind: (Cluster)?WorkflowTemplate\s*$", re.M)


def main(clone, *flags):
    command.program()  # or nothing could be checked
    examples = [p for p in sorted((pathlib.Path(clone) / "examples").rglob("*.yaml")) if WORKFLOW.search(p.read_text())]
    templates = [p for p in examples if TEMPLATES.search(p.read_text())]
    translated, invalid = 0, []
    for path in examples:
        others = [p for p in templates if p != path] if "emplateRef" in path.read_text() else []
        try:
            text = imported("argo", path, also=others)
        except Refused as refused:
            if "--refused" in flags:
                print(refused)
            continue
        translated += 1
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            try:
                command.penstock("validate", file.name)
            except CommandError as error:
                invalid.append(f"{path.name}: {error}")
    print("\n".join([*invalid, f"{translated} of {len(examples)} translated, {len(invalid)} of these not valid"]))
    return 1 if invalid else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 1 else __doc__)
