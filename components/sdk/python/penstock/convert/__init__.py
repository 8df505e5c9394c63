"""Pipelines of other tools as Penstock's YAML. What is not covered is refused, all of it at once, by file and field."""
import pathlib

from penstock import emit
from penstock.convert.reading import Problems, read_documents
from penstock.errors import PenstockError


def imported(tool, path, files=None, also=()):
    """The YAML that a file of "kfp" (compiled IR) or "argo" (Workflow, WorkflowTemplate, CronWorkflow) becomes.

    `also`: further files with WorkflowTemplates that the workflow refers to.
    `files`, a dictionary, gets the source of Python components by path beside the YAML; without it the YAML holds all.
    """
    path = pathlib.Path(path)
    if also and tool != "argo":
        raise PenstockError(f"import {tool} takes one file, not {len(also)} more")
    documents = read_documents(path)
    problems = Problems(path.name)
    if tool == "kfp":
        from penstock.convert.kfp import pipeline_of
    else:
        from penstock.convert.argo import pipeline_of
    others = [(pathlib.Path(p).name, d) for p in also for d in read_documents(p)]
    try:
        manifests = pipeline_of(documents, problems, files, others)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        problems.misread(error)
    problems.tell()
    head = f"# Made of {path.name} ({'Kubeflow Pipelines' if tool == 'kfp' else 'Argo Workflows'}) by penstock import.\n"
    notes = "".join(f"# {note}\n" for note in problems.notes)
    return head + notes + "---\n".join(emit.text_of(manifest) for manifest in manifests)
