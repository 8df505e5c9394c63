"""From the first release on fields of the kinds are only added: what a kept CRD takes, today's takes too."""
import copy
import pathlib
import re
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOWER = ("minLength", "minItems", "minimum", "minProperties")      # may not rise
UPPER = ("maxLength", "maxItems", "maximum", "maxProperties")      # may not fall
SAME = ("type", "format", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-int-or-string")


def narrowed(old, new, path):
    """What `new` refuses or forgets that `old` takes, a sentence each."""
    found = []
    for word in SAME:
        if old.get(word) != new.get(word):
            found.append(f"{path}: {word} was {old.get(word)}, is {new.get(word)}")
    for word, worse in [(w, lambda a, b: b > a) for w in LOWER] + [(w, lambda a, b: b < a) for w in UPPER]:
        if word in new and (word not in old or worse(old[word], new[word])):
            if not (word in LOWER and word not in old and new[word] == 0):
                found.append(f"{path}: {word} was {old.get(word)}, is {new[word]}")
    if "enum" in new and not set(old.get("enum", [None])) <= set(new["enum"]):
        found.append(f"{path}: enum lost {sorted(set(old.get('enum', [])) - set(new['enum']))}")
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        found.append(f"{path}: pattern was {old.get('pattern')}, is {new['pattern']}")
    if "default" in old and old["default"] != new.get("default"):
        found.append(f"{path}: default was {old['default']}, is {new.get('default')}")
    for field in sorted(set(new.get("required", [])) - set(old.get("required", []))):
        found.append(f"{path}.{field} is required, was not")
    rules = {r["rule"] for r in old.get("x-kubernetes-validations", [])}
    for rule in new.get("x-kubernetes-validations", []):
        if rule["rule"] not in rules:
            found.append(f"{path}: a new rule: {rule['rule']}")
    for name, schema in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            found.append(f"{path}.{name} is gone")
        else:
            found += narrowed(schema, new["properties"][name], f"{path}.{name}")
    for word, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(old.get(word), dict) and isinstance(new.get(word), dict):
            found += narrowed(old[word], new[word], path + mark)
        elif old.get(word) != new.get(word):
            found.append(f"{path}{mark}: {word} was {old.get(word)}, is {new.get(word)}")
    return found


# What looks narrower and is not: the end of the finding, and why whatever was taken still is.
WIDER = {
    "pattern was ^[a-zA-Z][a-zA-Z0-9_]*$, is ^[a-zA-Z][a-zA-Z0-9_-]*$": "names may hold - too",
    "pattern was ^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$, is ^(([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)|[^$]*[$][(].*)$":
        "a quantity, or a reference",
    "pattern was ^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?([0-9]{1,5}ms)?$, "
    "is ^(([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?([0-9]{1,5}ms)?|[^$]*[$][(].*)$": "a duration, or a reference",
    "steps[].inputs.*: type was string, is None": "a text, or an object with firstOf",
    "a new rule: has(self.rerun) == has(oldSelf.rerun) && (!has(self.rerun) || self.rerun == oldSelf.rerun)":
        "of a field that was not there",
    "a new rule: (has(self.type) && self.type == 'list') || (!has(self.items) && !has(self.minItems) && !has(self.maxItems))":
        "of fields that were not there",
    "a new rule: (has(self.type) && self.type == 'object') || (!has(self.properties) && !has(self.required) && "
    "(!has(self.additionalProperties) || self.additionalProperties))": "of fields that were not there",
    "a new rule: has(self.inputs) == has(oldSelf.inputs) && (!has(self.inputs) || self.inputs == oldSelf.inputs)":
        "of a field that was not there",
    "a new rule: !has(self.pipelineSpec) || (!has(self.pipelineSpec.schedules) && !has(self.pipelineSpec.triggers))":
        "of fields that were not there",
    "a new rule: has(self.scheduledTime) == has(oldSelf.scheduledTime) && "
    "(!has(self.scheduledTime) || self.scheduledTime == oldSelf.scheduledTime)": "of a field that was not there",
    "a new rule: [has(self.component), has(self.container), has(self.containers), has(self.pipeline), has(self.approval), has(self.wait)]"
    ".filter(x, x).size() == 1": "one of two was asked for before; four more are new",
    "a new rule: !has(self.containers) || (!has(self.env) && !has(self.envFrom) && !has(self.volumeMounts))":
        "of a field that was not there",
    "a new rule: [has(self.path), has(self.artifact), has(self.git), has(self.configMap)].filter(x, x).size() == 1 || "
    "(has(self.requirements) && !has(self.path) && !has(self.artifact) && !has(self.git) && !has(self.configMap))":
        "one of four as before, or none beside a field that was not there",
    "a new rule: !has(self.server) || !has(self.server.container) || !has(self.monitoring) || !has(self.monito"
    "ring.log) || !has(self.monitoring.log.columns) || size(self.monitoring.log.columns) == 0": "of a field that was not there",
    "a new rule: !has(self.server) || !has(self.server.container) || !has(self.resources)": "of a field that was not there",
    "a new rule: !has(self.server) || !has(self.server.container) || !has(self.rollout) || !has(self.rollout.gates) || "
    "self.rollout.gates.all(g, !has(g.metric) || !g.metric.matches('^(queue|compute|drift)'))": "of metrics that were not there",
    "a new rule: !has(self.server) || !has(self.server.container) || !has(self.rollout) || !has(self.rollout.experiment)":
        "of a field that was not there",
    "a new rule: !has(self.experiment) || (has(self.strategy) && self.strategy == 'Canary' && has(self.gates) && "
    "self.gates.exists(g, has(g.metric)))": "of a field that was not there",
    "a new rule: (has(self.strategy) && self.strategy == 'Canary') == (has(self.steps) && size(self.steps) > 0)":
        "of a strategy and a field that were not there",
    "a new rule: !has(self.strategy) || self.strategy == 'BlueGreen' || !has(self.autoPromote) || self.autoPromote":
        "of a field that was not there",
    "a new rule: !has(self.strategy) || self.strategy != 'Recreate' || (!has(self.shadow) && (!has(self.gates) || size(self.gates) == 0))":
        "of fields that were not there",
    "a new rule: (has(self.strategy) && self.strategy == 'Canary') || !has(self.gates) || self.gates.all(g, !has(g.metric))":
        "of a field that was not there",
    "a new rule: !has(self.transformer) || self.transformer.container.port != (has(self.server) && has(self.se"
    "rver.container) ? self.server.container.port : 8080)": "of a field that was not there",
    "a new rule: self.matches('^([$][(]pipelines[.][a-z0-9]([-a-z0-9]*[a-z0-9])?[.]outputs[.][a-zA-Z][a-zA-Z0-"
    "9_-]*[)]|[$][(]models[.][a-z0-9]([-a-z0-9]*[a-z0-9])?[.](versions[.][1-9][0-9]{0,8}|[a-z]([-a-z0-9]*[a-z0"
    "-9])?)[)]|[$][(]server[.]image[)]|(https?|oci|s3|gs|az|s?webhdfs)://[!-#%-?A-~]+(@sha256:[0-9a-f]{64})?|pvc://[a-z0-9]([-.a-z0-9]*[a-z0-9])?/[!-#%-?"
    "A-~]+(@sha256:[0-9a-f]{64})?|sha256:[0-9a-f]{64})$')": "the two forms as before, and more",
    "a new rule: !self.contains('://') || self.contains('@sha256:')": "of forms that were refused",
    "a new rule: self.model != '$(server.image)' || (has(self.server) && has(self.server.container) && "
    "self.server.container.image.matches('^[^@]{1,900}@sha256:[0-9a-f]{64}$'))": "of a form that was refused",
    "a new rule: self.model != '$(server.image)' || !(has(self.cache) || has(self.verify) || has(self.fetch) || "
    "(has(self.server) && has(self.server.container) && has(self.server.container.modelPath)))": "of a form that was refused",
    "a new rule: !self.startsWith('pvc://') || !self.contains('..')": "of forms that were refused",
    "a new rule: !has(self.container) || !(has(self.batching) || has(self.queue) || has(self.env) || has(self."
    "volumeMounts))": "of fields that were not there",
    "a new rule: has(self.container) || ((!has(self.protocol) || self.protocol == 'V2') && !has(self.readiness"
    "))": "of fields that were not there",
    "a new rule: !has(self.container) || !has(self.protocol) || self.protocol == 'V2' || has(self.readiness)": "of fields that were not there",
    "a new rule: !has(self.server) || !has(self.server.grpcPort) || self.server.grpcPort == 0 || self.server.grpcPort != "
    "(has(self.server.container) ? self.server.container.port : 8080)": "of a field that was not there",
    "a new rule: !has(self.transformer) || !has(self.server) || !has(self.server.grpcPort) || self.server.grpcPort == 0":
        "of a field that was not there",
}


def versions(file):
    crd = yaml.safe_load(file.read_text())
    return {v["name"]: v for v in crd["spec"]["versions"]}


def kept():
    return sorted((ROOT / "tests/upgrade").glob("*/crds/*.yaml"))


class KeptCrds(unittest.TestCase):
    def test_every_release_keeps_its_kinds(self):
        # a kind that has come since is kept with the next release
        self.assertEqual({f.name for f in kept()} - {f.name for f in (ROOT / "crds").glob("*.yaml")}, set())
        self.assertGreaterEqual(len({f.name for f in kept()}), 4)

    def test_no_field_of_a_release_is_gone_or_narrowed(self):
        met = set()
        for file in kept():
            today = versions(ROOT / "crds" / file.name)
            for name, version in versions(file).items():
                self.assertIn(name, today, f"{file}: a version that objects are stored in")
                self.assertTrue(today[name]["served"])
                found = narrowed(version["schema"]["openAPIV3Schema"], today[name]["schema"]["openAPIV3Schema"], "")
                met |= {end for end in WIDER for f in found if f.endswith(end)}
                found = [f for f in found if not f.endswith(tuple(WIDER))]
                self.assertEqual(found, [], f"{file}: objects that were taken would be refused or cut")
        self.assertEqual(set(WIDER) - met, set(), "excused, and not there")

    def test_a_pattern_that_is_called_wider_takes_what_the_old_one_took(self):
        old, new = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$", r"^(([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)|[^$]*[$][(].*)$"
        for text in ("1", "500m", "1.5Gi", "-1", "1e3", "12E"):
            self.assertTrue(re.search(old, text) and re.search(new, text), text)

    def test_what_is_gone_or_narrowed_is_found(self):
        old = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 5, "enum": ["x", "y"]},
                                                "b": {"type": "array", "maxItems": 3, "items": {"type": "integer", "minimum": 0}}}}
        self.assertEqual(narrowed(old, old, ""), [])

        def change(edit):
            new = copy.deepcopy(old)
            edit(new["properties"])
            return narrowed(old, new, "")
        self.assertEqual(change(lambda p: p.update(c={"type": "string"})), [])
        self.assertEqual(change(lambda p: p["a"].update(maxLength=6)), [])
        for edit in (lambda p: p.pop("a"), lambda p: p["a"].update(maxLength=4), lambda p: p["a"].update(enum=["x"]),
                     lambda p: p["a"].update(pattern="^x$"), lambda p: p["a"].update(type="integer"),
                     lambda p: p["b"].update(maxItems=2), lambda p: p["b"]["items"].update(minimum=1),
                     lambda p: p["a"].update({"x-kubernetes-validations": [{"rule": "true"}]})):
            self.assertEqual(len(change(edit)), 1)
        self.assertEqual(len(narrowed(old, {**old, "required": ["a"]}, "")), 1)


if __name__ == "__main__":
    unittest.main()
