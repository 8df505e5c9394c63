"""From the first release on fields of the kinds are only added: what a kept CRD takes, today's takes too."""
import copy
import pathlib
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


def versions(file):
    crd = yaml.safe_load(file.read_text())
    return {v["name"]: v for v in crd["spec"]["versions"]}


def kept():
    return sorted((ROOT / "tests/upgrade").glob("*/crds/*.yaml"))


class KeptCrds(unittest.TestCase):
    def test_every_release_keeps_its_kinds(self):
        self.assertEqual({f.name for f in kept()}, {f.name for f in (ROOT / "crds").glob("*.yaml")})

    def test_no_field_of_a_release_is_gone_or_narrowed(self):
        for file in kept():
            today = versions(ROOT / "crds" / file.name)
            for name, version in versions(file).items():
                self.assertIn(name, today, f"{file}: a version that objects are stored in")
                self.assertTrue(today[name]["served"])
                found = narrowed(version["schema"]["openAPIV3Schema"], today[name]["schema"]["openAPIV3Schema"], "")
                self.assertEqual(found, [], f"{file}: objects that were taken would be refused or cut")

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
