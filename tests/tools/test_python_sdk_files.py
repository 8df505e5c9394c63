"""What else belongs to the Python SDK: notebooks without outputs, schemas that take the examples and refuse what is wrong."""
import json
import pathlib
import re
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "charts/schemas"


def problems(value, schema, at=""):
    """Why a value does not fit a JSON Schema, of the words that ours use; a small validator, so that nothing need be installed."""
    kinds = schema.get("type")
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    kind = names[type(value)]
    if kinds and kind not in (kinds if isinstance(kinds, list) else [kinds]) and not (kind == "integer" and "number" in kinds):
        return [f"{at}: is {kind}, not {kinds}"]
    out = []
    if "const" in schema and value != schema["const"] or "enum" in schema and value not in schema["enum"]:
        out.append(f"{at}: {value!r} is not allowed")
    if kind == "object":
        out += [f"{at}: {name} is missing" for name in schema.get("required", []) if name not in value]
        for name, item in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if inner is False:
                out.append(f"{at}.{name}: is not known")
            elif isinstance(inner, dict):
                out += problems(item, inner, f"{at}.{name}")
    if kind == "array" and isinstance(schema.get("items"), dict):
        for i, item in enumerate(value):
            out += problems(item, schema["items"], f"{at}[{i}]")
    if kind == "string" and "pattern" in schema and not re.search(schema["pattern"], value):
        out.append(f"{at}: {value!r} does not match {schema['pattern']}")
    if kind in ("integer", "number"):
        out += [f"{at}: {value} is out of bounds" for word, worse in (("minimum", value < schema.get("minimum", value)),
                                                                      ("maximum", value > schema.get("maximum", value))) if worse]
    return out


def schema_of(document):
    path = SCHEMAS / f"{document['kind'].lower()}-v1alpha1.json"
    return json.loads(path.read_text()) if path.exists() else None


class Notebooks(unittest.TestCase):
    def test_each_is_committed_without_outputs(self):
        notebooks = sorted((ROOT / "examples/notebooks").glob("*.ipynb"))
        self.assertGreaterEqual(len(notebooks), 3)
        for path in notebooks:
            for cell in json.loads(path.read_text())["cells"]:
                self.assertEqual((cell.get("outputs", []), cell.get("execution_count")), ([], None), path.name)


class Schemas(unittest.TestCase):
    def documents(self):
        for path in sorted((ROOT / "examples").rglob("*.yaml")):
            if "invalid" not in path.name:
                for document in yaml.safe_load_all(path.read_text()):
                    if document and str(document.get("apiVersion", "")).startswith("penstock.dev/"):
                        yield path.relative_to(ROOT), document

    def test_every_example_fits_its_schema(self):
        seen = set()
        for path, document in self.documents():
            schema = schema_of(document)
            self.assertEqual(problems(document, schema), [], path)
            seen.add(document["kind"])
        self.assertLessEqual({"Pipeline", "ModelDeployment"}, seen)

    def test_a_misspelt_field_a_wrong_type_and_a_wrong_word_are_marked(self):
        document = next(d for p, d in self.documents() if p.name == "pipeline.yaml")
        schema = schema_of(document)
        document["spec"]["runpolicy"] = "Manual"
        document["spec"]["parallelism"] = "many"
        document["spec"]["runPolicy"] = "Sometimes"
        document["spec"]["steps"][0]["componant"] = {}
        self.assertEqual(problems(document, schema), [".spec.runPolicy: 'Sometimes' is not allowed", ".spec.steps[0].componant: is not known",
                                                      ".spec.runpolicy: is not known", ".spec.parallelism: is string, not integer"])

    def test_one_schema_chooses_by_the_kind(self):
        kinds = {p.name for p in SCHEMAS.glob("*-v1alpha1.json")}
        chosen = {rule["then"]["$ref"] for rule in json.loads((SCHEMAS / "all.json").read_text())["allOf"]}
        self.assertEqual(kinds, chosen)


if __name__ == "__main__":
    unittest.main()
