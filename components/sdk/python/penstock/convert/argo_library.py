"""The templates that a workflow may call: its own, and those of WorkflowTemplates in the same files."""

_FROM_TEMPLATE = ("name", "clusterScope")
_TEMPLATE_REF = ("name", "template", "clusterScope")
_DEFAULTABLE = ("retryStrategy", "timeout", "activeDeadlineSeconds", "nodeSelector", "tolerations", "affinity", "serviceAccountName",
                "priorityClassName", "schedulerName", "metadata", "container", "script", "podResources", "resourceClaims")


class Library:
    """WorkflowTemplates and ClusterWorkflowTemplates by name; `at` of each is its spec's path in its file."""

    def __init__(self, documents, problems):
        self.problems, self.known = problems, {}
        for document, at in documents:
            if document.get("kind") in ("WorkflowTemplate", "ClusterWorkflowTemplate"):
                name = (document.get("metadata") or {}).get("name")
                self.known[(document["kind"] == "ClusterWorkflowTemplate", name)] = (document.get("spec") or {}, at)

    def workflow(self, ref, at):
        """(spec, its path) of a workflowTemplateRef, or None after a problem."""
        ref = self.problems.fields(ref, at, _FROM_TEMPLATE)
        return self._find(ref, at)

    def template(self, ref, at):
        """(owner, name of the template, templates of its owner), or None after a problem."""
        ref = self.problems.fields(ref, at, _TEMPLATE_REF)
        found = self._find(ref, at)
        if found is None:
            return None
        return (bool(ref.get("clusterScope")), ref.get("name")), ref.get("template"), named_templates(*found, self.problems)

    def _find(self, ref, at):
        found = self.known.get((bool(ref.get("clusterScope")), ref.get("name")))
        if found is None:
            kind = "ClusterWorkflowTemplate" if ref.get("clusterScope") else "WorkflowTemplate"
            self.problems.no(at, f"there is no {kind} {ref.get('name')!r} in the files: name its file behind this one")
        return found


def named_templates(spec, path, problems):
    """{name: (template, its path)} of a spec, with what templateDefaults says."""
    defaults = problems.fields(spec.get("templateDefaults"), f"{path}.templateDefaults", _DEFAULTABLE)
    return {t.get("name"): (_with_defaults(t, defaults), f"{path}.templates[{i}]") for i, t in enumerate(spec.get("templates") or [])}


def _with_defaults(template, defaults):
    out = dict(template)
    runs = "container" in template or "script" in template
    for field, value in defaults.items():
        if field in ("container", "script"):
            if field in template:
                out[field] = {**value, **template[field]}
        elif field in ("timeout", "activeDeadlineSeconds") and ("timeout" in template or "activeDeadlineSeconds" in template):
            continue
        elif field not in template and (runs or field in ("timeout", "retryStrategy")):
            out[field] = value
    return out


def merged(spec, base):
    """A workflow's spec over that of the WorkflowTemplate that it refers to, arguments joined by their names."""
    out = {**base, **{k: v for k, v in spec.items() if k not in ("workflowTemplateRef", "arguments")}}
    arguments = {}
    for what in ("parameters", "artifacts"):
        entries = {e["name"]: e for e in (base.get("arguments") or {}).get(what) or []}
        for entry in (spec.get("arguments") or {}).get(what) or []:
            entries[entry["name"]] = {**entries.get(entry["name"], {}), **entry}
        if entries:
            arguments[what] = list(entries.values())
    return {**out, **({"arguments": arguments} if arguments else {})}
