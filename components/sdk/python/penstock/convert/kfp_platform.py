"""What kfp-kubernetes adds to an executor: the second document of a compiled file, platforms.kubernetes.

Fields: kfp-kubernetes' kubernetes_executor_config.proto.
"""
_TOLERATION = ("key", "operator", "value", "effect", "tolerationSeconds")


class Platform:
    def __init__(self, documents, problems):
        self.problems, self.executors = problems, {}
        for document in documents:
            platforms = problems.fields(document, "", ("platforms",)).get("platforms", {})
            kubernetes = problems.fields(platforms, "platforms", ("kubernetes",)).get("kubernetes", {})
            spec = problems.fields(kubernetes, "platforms.kubernetes", ("deploymentSpec",)).get("deploymentSpec", {})
            self.executors.update(spec.get("executors", {}))

    def apply(self, label, step):
        """Adds what stands there for an executor to its step."""
        path = f"platforms.kubernetes.deploymentSpec.executors.{label}"
        node = self.problems.fields(self.executors.get(label), path, (
            "secretAsEnv", "configMapAsEnv", "nodeSelector", "tolerations", "imagePullPolicy", "imagePullSecret", "activeDeadlineSeconds",
            "podMetadata"))
        env = step["container"].setdefault("env", [])
        for field, ref, key in (("secretAsEnv", "secretKeyRef", "secretKey"), ("configMapAsEnv", "configMapKeyRef", "configMapKey")):
            for i, entry in enumerate(node.get(field, [])):
                name = self._name(entry, field.replace("AsEnv", "Name"), f"{path}.{field}[{i}]")
                for pair in entry.get("keyToEnv", []):
                    told = {"name": name, "key": pair[key], **({"optional": True} if entry.get("optional") else {})}
                    env.append({"name": pair["envVar"], "valueFrom": {ref: told}})
        if not env:
            del step["container"]["env"]
        if "nodeSelector" in node:
            step["nodeSelector"] = self.problems.fields(node["nodeSelector"], f"{path}.nodeSelector", ("labels",)).get("labels", {})
        if "tolerations" in node:
            step["tolerations"] = [dict(self.problems.fields(t, f"{path}.tolerations[{i}]", _TOLERATION)) for i, t in enumerate(node["tolerations"])]
        if "imagePullPolicy" in node:
            step["container"]["imagePullPolicy"] = node["imagePullPolicy"]
        if "imagePullSecret" in node:
            step["imagePullSecrets"] = [{"name": self._name(s, "secretName", f"{path}.imagePullSecret")} for s in node["imagePullSecret"]]
        if node.get("activeDeadlineSeconds"):
            step["timeouts"] = {"attempt": f"{int(node['activeDeadlineSeconds'])}s"}
        if "podMetadata" in node:
            step["pod"] = dict(self.problems.fields(node["podMetadata"], f"{path}.podMetadata", ("labels", "annotations")))

    def _name(self, entry, field, path):
        """A name, written as it is or as the constant of a parameter."""
        told = entry.get(f"{field}Parameter", {}).get("runtimeValue", {}).get("constant") or entry.get(field)
        if not isinstance(told, str):
            self.problems.no(f"{path}.{field}Parameter", "a name that is known only when the pipeline runs is not covered")
        return told
