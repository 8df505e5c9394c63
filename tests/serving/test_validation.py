"""What the server answers to data that is not as in training: the table of docs/models.md, row by row. And Hangul
column names, from a CSV of either encoding to an answer."""
import json
import math
import random
import subprocess
import unittest

import harness as h

COMPONENTS = h.BUILD / "bin/penstock-components"


def column(name, datatype, data, shape=None):
    return {"name": name, "shape": shape or [len(data)], "datatype": datatype, "data": data}


class Validation(unittest.TestCase):
    """Columns: carrier (text), distance (float64), hour (int64), each with nulls in training, and 날씨 (text) without."""

    @classmethod
    def setUpClass(cls):
        cls.addCleanup = cls.addClassCleanup  # the server is the class's
        cls.model = h.folder(cls) / "columns"
        subprocess.run([h.SAMPLE, "columns", cls.model], check=True)
        text = (cls.model / "model.yaml").read_text()
        bounded = text.replace('"distance", type: float64', '"distance", type: float64, minimum: 0, maximum: 5000')
        assert bounded != text
        (cls.model / "model.yaml").write_text(bounded)
        cls.server = h.Server(cls, cls.model)
        assert cls.server.problem is None, cls.server.problem

    def ask(self, *changed, without=(), raw=None):
        good = {"carrier": column("carrier", "BYTES", ["UA"]), "distance": column("distance", "FP64", [700.5]),
                "날씨": column("날씨", "BYTES", ["비"]), "hour": column("hour", "INT64", [7])}
        good.update({c["name"]: c for c in changed})
        text = json.dumps({"inputs": [c for name, c in good.items() if name not in without]})
        return self.server.call("/v2/models/flights/infer", (text if raw is None else text.replace("700.5", raw)).encode())

    def probability(self, *changed):
        status, answer = self.ask(*changed)
        self.assertEqual(status, 200, answer)
        return answer["outputs"][0]["data"][0]

    def refused(self, message, *changed, **more):
        status, answer = self.ask(*changed, **more)
        self.assertEqual(status, 400, answer)
        self.assertIn(message, answer["error"])

    def test_an_unseen_category_goes_to_the_place_of_the_unseen(self):
        unseen = self.probability(column("carrier", "BYTES", ["ZZ"]))
        self.assertEqual(unseen, self.probability(column("carrier", "BYTES", ["아무도"])))
        self.assertNotEqual(unseen, self.probability())

    def test_a_missing_column_is_named(self):
        self.refused("input 'hour' is missing", without=["hour"])

    def test_an_extra_column_is_named(self):
        self.refused("unknown input 'minute'", column("minute", "INT64", [1]))

    def test_a_null_is_imputed_where_training_saw_nulls(self):
        self.assertEqual(self.probability(column("distance", "FP64", [None])),
                         self.probability(column("distance", "FP64", [500.0])))  # the transform's fill

    def test_a_null_is_refused_where_training_saw_none(self):
        self.refused("input '날씨': element 0 is null, and this input takes no nulls", column("날씨", "BYTES", [None]))

    def test_nan_is_no_json(self):
        for text in ("NaN", "Infinity", "-Infinity"):
            status, answer = self.ask(raw=text)
            self.assertEqual(status, 400, answer)

    def test_a_number_beyond_double_is_refused(self):
        for text in ("1e400", "-1e400"):
            status, answer = self.ask(raw=text)
            self.assertEqual(status, 400, answer)

    def test_an_integer_is_taken_where_a_float_was(self):
        self.assertEqual(self.probability(column("distance", "INT64", [700])),
                         self.probability(column("distance", "FP64", [700.0])))

    def test_a_whole_float_is_taken_where_an_integer_was(self):
        self.assertEqual(self.probability(column("hour", "FP64", [7.0])), self.probability())

    def test_a_fraction_is_refused_where_an_integer_was(self):
        self.refused("column 'hour' takes int64, got a number with a fraction", column("hour", "FP64", [7.5]))

    def test_an_integer_beyond_64_bits_is_refused(self):
        self.refused("hour", column("hour", "INT64", [2**63]))

    def test_text_is_refused_where_a_number_was(self):
        self.refused("input 'hour' has datatype BYTES", column("hour", "BYTES", ["7"]))

    def test_a_number_is_refused_where_text_was(self):
        self.refused("column 'carrier' takes string, got an integer", column("carrier", "INT64", [7]))

    def test_a_value_beyond_its_bounds_is_refused(self):
        self.refused("input 'distance': element 0 is 5000.5, above the maximum 5000", column("distance", "FP64", [5000.5]))
        self.refused("input 'distance': element 0 is -1, below the minimum 0", column("distance", "INT64", [-1]))

    def test_unequal_rows_are_refused(self):
        self.refused("rows", column("hour", "INT64", [7, 8]))

    def test_no_rows_are_refused(self):
        self.refused("has no rows", column("hour", "INT64", []))

    def test_another_shape_is_refused(self):
        self.refused("input 'hour' is a column", column("hour", "INT64", [7, 8], [1, 2]))


class Hangul(unittest.TestCase):
    """도시 (text) and 기온 (number) -> 지연 (yes or no), from a CSV to the server."""

    def component(self, folder, name, inputs, outputs, **parameters):
        command = [COMPONENTS, name]
        for key, value in inputs.items():
            command += ["--input", f"{key}={value}"]
        for key in outputs:
            command += ["--output", f"{key}={folder / key}"]
        for key, value in parameters.items():
            command += ["--parameter", f"{key}={json.dumps(value, ensure_ascii=False)}"]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def run_all(self, encoding, codec):
        folder = h.folder(self)
        rng = random.Random(1)
        rows = []
        for _ in range(600):
            city, degrees = rng.choice(["서울", "부산", "대구"]), rng.uniform(-10, 30)
            late = rng.random() < 1 / (1 + math.exp(-(degrees - 10) / 4 - (city == "서울")))
            rows.append(f"{city},{degrees:.2f},{'예' if late else '아니오'}")
        (folder / "data.csv").write_bytes(("도시,기온,지연\n" + "\n".join(rows) + "\n").encode(codec))
        self.component(folder, "ingest", {"source": folder / "data.csv"}, ["dataset"], encoding=encoding)
        self.component(folder, "transform", {"dataset": folder / "dataset"}, ["transform"], label="지연")
        self.component(folder, "train", {"train": folder / "dataset", "valid": folder / "dataset",
                                         "transform": folder / "transform"}, ["model", "metrics"],
                       label="지연", model="linear")
        server = h.Server(self, folder / "model")
        self.assertIsNone(server.problem)
        status, answer = server.call("/v2/models/%EC%A7%80%EC%97%B0/infer", {"inputs": [
            column("도시", "BYTES", ["서울", "부산", "평양"]), column("기온", "FP64", [30, -10, 10])]})
        self.assertEqual(status, 200, answer)
        label = next(o["data"] for o in answer["outputs"] if o["name"] == "label")
        self.assertEqual(label[:2], ["예", "아니오"])
        self.component(folder, "predict", {"model": folder / "model", "dataset": folder / "dataset"}, ["predictions"])
        return answer["outputs"]

    def test_cp949_and_utf8_with_a_bom_give_the_same_answers(self):
        self.assertEqual(self.run_all("cp949", "cp949"), self.run_all("utf-8", "utf-8-sig"))


if __name__ == "__main__":
    unittest.main()
