"""References, conditions and the YAML's text."""
import json
import random
import unittest

import sdk_harness  # noqa: F401  the path of the package
import yaml

from penstock import each, first_of, run
from penstock.emit import text_of
from penstock.values import Reference, written


class Conditions(unittest.TestCase):
    def test_python_s_comparisons_are_cel(self):
        n, rate = Reference("steps.a-b.results.n", {"type": "integer"}), Reference("parameters.rate", {"type": "number"})
        for condition, expected in [
                ((n > 3) & (n <= 10), 'steps["a-b"].results.n > 3 && steps["a-b"].results.n <= 10'),
                (~(n == 3) | (rate != 0.5), '!(steps["a-b"].results.n == 3) || parameters.rate != 0.5'),
                ((n == 1) & ((n == 2) | (n == 3)), 'steps["a-b"].results.n == 1 && (steps["a-b"].results.n == 2 || steps["a-b"].results.n == 3)'),
                (rate * 2 > 1, "parameters.rate * 2.0 > 1.0"),
                ((n + 1) * 2 == 4, '(steps["a-b"].results.n + 1) * 2 == 4'),
                (n.isin([1, 2]), 'steps["a-b"].results.n in [1, 2]'),
                (run.status == "Failed", 'run.status == "Failed"'),
                (each["os"] == 'a"b', 'each.value.os == "a\\"b"'),
                (Reference("parameters.x")["any key"][0] == True, 'parameters.x["any key"][0] == true')]:  # noqa: E712  a reference's
            self.assertEqual(condition.text, expected)

    def test_a_condition_cannot_be_asked_by_python(self):
        with self.assertRaisesRegex(TypeError, "known only when the pipeline runs"):
            if each == 1:
                self.fail()

    def test_a_condition_is_no_value(self):
        with self.assertRaisesRegex(TypeError, "it can stand in when"):
            written({"x": each == 1})

    def test_a_reference_has_no_format_and_no_length(self):
        for ask in (lambda: f"{each:.2f}", lambda: len(each), lambda: list(each), lambda: each[-1]):
            with self.assertRaises(TypeError):
                ask()

    def test_a_field_is_not_an_attribute(self):
        with self.assertRaisesRegex(AttributeError, r'a field of it is \["path"\]'):
            each.path

    def test_first_of_is_written_and_its_own_name_is_escaped(self):
        self.assertEqual(written(first_of(Reference("parameters.a"), 3)), {"firstOf": ["$(parameters.a)", 3]})
        self.assertEqual(written({"firstOf": [1]}), {"$firstOf": [1]})
        self.assertEqual(each["path"].resolved(), 'each.value["path"]')


class Text(unittest.TestCase):
    TEXTS = ["", " ", "a", "yes", "No", "on", "null", "~", "1", "1.5", "1e3", "0x1f", "02138", "12:30:00", "2026-11-30", ".5", ".inf", "-", "--x=1",
             "- a", "a: b", "a #b", "#a", "'a'", '"a"', "a\nb", "a\n", "\na", "a\n\n", " a\nb", "a \nb", "\ta\nb", "a\tb", "é한🚀", "\x07", "\x85",
             "\u2028", "\ufeff", "[a]", "{a: 1}", "*a", "&a", "!a", "%a", "@a", "`a", "$(parameters.x)", "$$(x)", "a, b", "k: |\n  x", "key:", ":", "?",
             "python:3.12-slim", "=", "<<", "a\r\nb", "---", "...", "sha256:00", "x" * 300, "a\n  b\n c", "#\n#", "/a b/", "2Gi", "100m", "y", "n"]

    def test_every_text_comes_back_from_any_place(self):
        for text in self.TEXTS:
            for value in (text, [text], {"k": text}, {text: "v"}, [[text]], {"a": [{"b": text, "c": [text, {"d": text}]}]}):
                self.assertEqual(yaml.safe_load(text_of(value)), value, repr(text_of(value)))

    def test_random_trees_come_back(self):
        draw = random.Random(7)

        def tree(depth):
            kind = draw.randrange(8 if depth else 5)
            if kind < 3:
                return draw.choice(self.TEXTS)
            if kind < 5:
                return draw.choice([None, True, False, 0, -3, 2.5, 1e30, 10 ** 20])
            if kind == 5:
                return [tree(depth - 1) for _ in range(draw.randrange(5))]
            return {draw.choice(self.TEXTS) + str(i): tree(depth - 1) for i in range(draw.randrange(9))}
        for _ in range(2000):
            value = {"root": tree(4)}
            self.assertEqual(json.dumps(yaml.safe_load(text_of(value))), json.dumps(value), text_of(value))

    def test_what_is_no_json_is_refused(self):
        for value in (float("nan"), object(), {1, 2}):
            with self.assertRaises(TypeError):
                text_of({"x": value})


if __name__ == "__main__":
    unittest.main()
