"""save_model: the folder that the server takes, proved by the server. Run with numpy, scikit-learn and skl2onnx
(tests/serving/test_python_models.py); with torch and xgboost where they are."""
import importlib.util
import json
import pathlib
import unittest

from sdk_harness import InFolder, needs_penstock, serves_models

from penstock import check_model, save_model
from penstock.models import ModelError, serve


def has(*modules):
    return all(importlib.util.find_spec(m) for m in modules)


def manifest():
    import yaml
    return yaml.safe_load(pathlib.Path("model/model.yaml").read_text())


needs_server = unittest.skipUnless(serves_models(), "penstock-serve is not built")
needs_sklearn = unittest.skipUnless(has("numpy", "sklearn", "skl2onnx"), "scikit-learn or skl2onnx is not here")


class Refused(InFolder):
    """What needs neither numpy nor a server."""

    def test_what_is_no_model_is_told(self):
        with self.assertRaisesRegex(ModelError, "builtins.dict is no model that can be saved: a torch.nn.Module"):
            save_model({}, [], "model")

    def test_a_folder_with_something_in_it_is_left_alone(self):
        pathlib.Path("model").mkdir()
        pathlib.Path("model/x").write_text("")
        with self.assertRaisesRegex(ModelError, "model is there already"):
            save_model(object(), [], "model")

    def test_a_folder_without_a_signature_is_no_model(self):
        with self.assertRaisesRegex(ModelError, "it has no model.yaml"):
            check_model(".")

    @needs_penstock
    def test_a_model_that_the_server_does_not_take_is_told_in_its_words(self):
        pathlib.Path("m").mkdir()
        pathlib.Path("m/model.yaml").write_text("formatVersion: 1\nname: m\nbackend: onnx\nfile: model.onnx\nbatchAxis: 0\n"
                                                "inputs: [{name: X, type: float32, shape: [-1, 2]}]\noutputs: [{name: y, type: float32, shape: [-1]}]\n")
        with self.assertRaises(ModelError) as caught:
            check_model("m")
        self.assertRegex(str(caught.exception), "model.onnx|penstock-serve")


@needs_server
@needs_sklearn
class Estimators(InFolder):
    def iris(self):
        import numpy
        from sklearn.datasets import load_iris
        x, y = load_iris(return_X_y=True)
        return x.astype(numpy.float32), y

    def test_a_classifier_is_served_with_its_own_answers(self):
        from sklearn.linear_model import LogisticRegression
        x, y = self.iris()
        model = LogisticRegression(max_iter=500).fit(x, y)
        save_model(model, x, "model")
        self.assertEqual(manifest()["outputs"], [{"name": "label", "type": "int64", "shape": [-1]},
                                                      {"name": "probabilities", "type": "float32", "shape": [-1, 3]}])
        with serve("model") as server:
            answers = server.predict([{"X": list(map(float, row))} for row in x[:5]])
        self.assertEqual([a["label"] for a in answers], [int(v) for v in model.predict(x[:5])])

    def test_a_table_with_texts_is_served_by_its_columns(self):
        import pandas
        from sklearn.compose import ColumnTransformer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler
        table = pandas.DataFrame({"town": ["Ghent", "대구", "Ghent", "Lyon"] * 30, "size": [float(i % 7) for i in range(120)]})
        kind = ["small" if s < 3 else "large" for s in table["size"]]
        model = make_pipeline(ColumnTransformer([("town", OneHotEncoder(handle_unknown="ignore"), ["town"]), ("size", StandardScaler(), ["size"])]),
                              LogisticRegression()).fit(table, kind)
        save_model(model, table, "model", name="towns")
        self.assertEqual([(i["name"], i["type"], i["shape"]) for i in manifest()["inputs"]], [("town", "string", [-1]), ("size", "float32", [-1])])
        with serve("model") as server:
            answers = server.predict([{"town": "대구", "size": 6.0}, {"town": "nowhere", "size": 0.0}])
        self.assertEqual([a["label"] for a in answers], ["large", "small"])

    def test_a_regressor_gives_one_number_a_row(self):
        from sklearn.ensemble import RandomForestRegressor
        x, y = self.iris()
        save_model(RandomForestRegressor(10, random_state=0).fit(x[:, :3], x[:, 3]), x[:, :3], "model")
        self.assertEqual(manifest()["outputs"], [{"name": "variable", "type": "float32", "shape": [-1]}])

    def test_a_model_that_its_converter_changes_is_refused_with_the_row(self):
        import numpy
        from sklearn.ensemble import RandomForestClassifier
        x, y = self.iris()
        holes = numpy.where(numpy.random.default_rng(0).random(x.shape) < 0.3, numpy.float32("nan"), x)
        with self.assertRaisesRegex(ModelError, r"example \d+: output '(label|probabilities)'"):
            save_model(RandomForestClassifier(30, random_state=0).fit(holes, y), holes, "model")

    def test_answers_that_are_changed_by_hand_are_refused(self):
        from sklearn.linear_model import LinearRegression
        x, _ = self.iris()
        save_model(LinearRegression().fit(x[:, :3], x[:, 3]), x[:, :3], "model")
        lines = pathlib.Path("model/examples.jsonl").read_text().splitlines()
        first = json.loads(lines[0])
        first["outputs"]["variable"] += 1
        pathlib.Path("model/examples.jsonl").write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n")
        with self.assertRaisesRegex(ModelError, "example 1: output 'variable'"):
            check_model("model")

    def test_an_onnx_file_is_taken_as_it_is(self):
        if not has("onnxruntime"):
            self.skipTest("onnxruntime is not here")
        from skl2onnx import to_onnx
        from sklearn.linear_model import LinearRegression
        x, _ = self.iris()
        onnx = to_onnx(LinearRegression().fit(x[:, :3], x[:, 3]), x[:1, :3], target_opset={"": 21, "ai.onnx.ml": 3})
        save_model(onnx, x[:, :3], "model")
        self.assertEqual(manifest()["outputs"][0]["name"], "variable")

    def test_a_value_that_is_no_json_is_told(self):
        from penstock.models import plain
        with self.assertRaisesRegex(ModelError, "is no number, text or boolean"):
            plain([object()])


@needs_server
@unittest.skipUnless(has("torch", "numpy"), "torch is not here")
class Networks(InFolder):
    def test_a_module_is_served_as_torchscript(self):
        import torch

        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = torch.nn.Linear(4, 3)

            def forward(self, x):
                return torch.softmax(self.layer(x), 1)
        torch.manual_seed(0)
        net, x = Net(), torch.rand(20, 4)
        save_model(net, x, "model", outputs=["probabilities"])
        written = pathlib.Path("model/model.yaml").read_text()
        self.assertIn("backend: torchscript\n", written)
        self.assertIn("inputs: [{name: x, type: float32, shape: [-1, 4]}]\n", written)
        with serve("model") as server:
            answer = server.predict([{"x": x[0].tolist()}])[0]
        answer = answer["probabilities"] if isinstance(answer, dict) else answer
        for got, want in zip(answer, net(x[:1])[0].tolist(), strict=True):
            self.assertAlmostEqual(got, want, places=5)

    def test_a_network_for_a_fixed_number_of_rows_is_refused(self):
        import torch

        class Fixed(torch.nn.Module):
            def forward(self, x):
                return x.reshape(20, 2, 2).sum(2)
        with self.assertRaises(ModelError):
            save_model(Fixed(), torch.rand(20, 4), "model")


@needs_server
@unittest.skipUnless(has("xgboost", "numpy", "sklearn"), "xgboost is not here")
class Trees(InFolder):
    def test_an_xgboost_classifier_is_served_from_its_own_file(self):
        import numpy
        import xgboost
        draw = numpy.random.default_rng(0)
        x = draw.normal(size=(300, 4)).astype(numpy.float32)
        save_model(xgboost.XGBClassifier(n_estimators=20, max_depth=3).fit(x, x[:, 0] > 0), x, "model")
        self.assertEqual(manifest()["outputs"], [{"name": "probability", "type": "float32", "shape": [-1]}])


if __name__ == "__main__":
    unittest.main()
