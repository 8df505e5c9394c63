"""What is wrong is told when the pipeline is made: function, parameter and file:line."""
import unittest

from sdk_harness import InFolder

from penstock import CompileError

HEAD = "from typing import *\nfrom penstock import *\n\n"
FIT = HEAD + '''
@step
def fit(rows: Input[Dataset], model: Output[Model], rate: Annotated[float, Range(0, 1)] = 0.1) -> float:
    return rate


@step
def count(n: int, word: str = "x") -> int:
    return n

'''


class Errors(InFolder):
    def refused(self, text, expected):
        with self.assertRaises((CompileError, TypeError, AttributeError)) as caught:
            self.module(text).p.yaml()
        told = str(caught.exception)
        self.assertRegex(told, expected)
        return told

    def pipeline(self, body):
        return FIT + "@pipeline\ndef p(data: Input[Dataset], k: int = 1, name: str = 'a'):\n    " + body + "\n"

    def test_a_parameter_without_an_annotation(self):
        self.refused(HEAD + "@step\ndef f(x):\n    pass\n", r"^mine\.py:4: f\(\), parameter x: has no annotation")

    def test_an_annotation_that_yaml_has_no_type_for(self):
        self.refused(HEAD + "@step\ndef f(x: set):\n    pass\n", r"^mine\.py:4: f\(\), parameter x: set is no type")

    def test_a_default_out_of_bounds(self):
        self.refused(HEAD + "@step\ndef f(x: Annotated[int, Range(0, 3)] = 7):\n    pass\n",
                     r"^mine\.py:4: f\(\), parameter x: its default 7 is above the maximum 3")

    def test_a_value_of_the_wrong_type_names_the_line_of_the_call(self):
        self.refused(self.pipeline("count(n='three')"), r"^mine\.py:16: count\(\), parameter n: takes a whole number, got \"three\"")

    def test_a_value_out_of_bounds(self):
        self.refused(self.pipeline("fit(data, rate=2.0)"), r"^mine\.py:16: fit\(\), parameter rate: 2.0 is above the maximum 1")

    def test_a_reference_of_the_wrong_type(self):
        self.refused(self.pipeline("count(n=name)"), r"mine\.py:16: count\(\), parameter n: takes a whole number, and \$\(parameters.name\) is a text")

    def test_a_missing_argument_and_one_too_many(self):
        self.refused(self.pipeline("count()"), r"mine\.py:16: count\(\), parameter n: is not given")
        self.refused(self.pipeline("count(1, m=2)").replace("def p", "def p"), r"count\(\), parameter m: is none of it; it has n, word")

    def test_an_output_is_not_given_by_the_caller(self):
        self.refused(self.pipeline("fit(data, model='x')"), r"fit\(\), parameter model: is an output: Penstock says where")

    def test_an_artifact_of_another_kind(self):
        self.refused(self.pipeline("fit(fit(data).model)"), r"fit\(\), input rows: takes a dataset, and \$\(steps.fit.outputs.model\) is a model")

    def test_an_input_that_is_no_artifact(self):
        self.refused(self.pipeline("fit('rows.csv')"), r"input rows: 'rows.csv' is neither sha256:... nor a URI")

    def test_an_artifact_where_a_value_is_asked_for(self):
        self.refused(self.pipeline("count(data)"), r"parameter n: \$\(inputs.data\) is an artifact")

    def test_an_output_that_a_step_does_not_have(self):
        self.refused(self.pipeline("fit(data).rows"), "the step fit has no output or result rows; it has model, result")

    def test_python_s_if_over_what_is_not_known_yet(self):
        self.refused(self.pipeline("t = count(1)\n    if t.result > 3:\n        count(2)"),
                     r"\(steps.count.results.result > 3\) is known only when the pipeline runs: .*\.when")

    def test_python_s_loop_over_what_is_not_known_yet(self):
        self.refused(self.pipeline("for x in count(1).result:\n        count(x)"), r"loop over it with task.for_each")

    def test_a_condition_that_is_no_condition(self):
        self.refused(self.pipeline("count(1).when(True)"), r"mine\.py:16: count\(\), when: True is no condition")

    def test_a_pipeline_that_returns_what_has_no_name(self):
        self.refused(self.pipeline("count(1)\n    return 3"), r"mine\.py:14: p\(\): returns 3")

    def test_a_name_that_the_function_uses_and_nobody_defines(self):
        self.refused(HEAD + "@step\ndef f() -> int:\n    return missing\n\n@pipeline\ndef p():\n    f()\n",
                     r"mine\.py:4: f\(\), name missing: is defined neither")

    def test_a_value_that_cannot_be_packed(self):
        self.refused(HEAD + "import threading\ndef make():\n    lock = threading.Lock()\n    @step\n    def f() -> int:\n        return bool(lock)\n"
                     "    return f\nf = make()\n@pipeline\ndef p():\n    f()\n", r"f\(\), name lock: is a lock that cannot be written as source")

    def test_packages_that_are_not_locked(self):
        told = self.refused(HEAD + "@step(packages=['six'])\ndef f():\n    import six\n\n@pipeline\ndef p():\n    f()\n", r"mine\.py:4: f\(\): packages")
        self.assertIn("mine.lock.json", told)

    def test_a_component_s_parameter_of_another_type(self):
        self.refused(self.pipeline("library.split(dataset=data, by=3)"), r"mine\.py:16: component split, parameter by: takes a text, got 3")

    def test_a_component_that_the_library_does_not_have(self):
        self.refused(self.pipeline("library.trane(x=1)"), "the library has no component trane; it has audit")


if __name__ == "__main__":
    unittest.main()
