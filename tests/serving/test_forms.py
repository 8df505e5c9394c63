"""One row in every form that clients and files give it: the same row has the same answer, or the same refusal. The forms are
written as their clients write them: tritonclient (binary tensors), KServe's SDK, MLServer's codecs, TensorFlow Serving's clients,
gRPC, and a CSV that ingest reads and predict scores. docs/models.md has the table, "Missing, infinite, exact"."""
import base64
import json
import math
import struct
import subprocess
import unittest
import urllib.error
import urllib.request

import harness as h
import raw_grpc

COMPONENTS = h.BUILD / "bin/penstock-components"
FORMATS = {"FP64": "<d", "INT64": "<q", "UINT64": "<Q"}
TYPES = {"carrier": "BYTES", "distance": "FP64", "날씨": "BYTES", "hour": "INT64"}
ROW = {"carrier": "UA", "distance": 700.5, "날씨": "비", "hour": 7}


class Asked(unittest.TestCase):
    """carrier (text), distance (float64) and hour take nulls, 날씨 (text) takes none."""
    HOUR = "int64"

    @classmethod
    def setUpClass(cls):
        cls.addCleanup = cls.addClassCleanup  # the server is the class's
        cls.model = h.folder(cls) / "columns"
        subprocess.run([h.SAMPLE, "columns", cls.model], check=True)
        # A missing carrier is AA, and so no unseen one; the examples are those of another transform.
        transform = json.loads((cls.model / "transform.json").read_text())
        carrier = next(s for s in transform["steps"] if s.get("column") == "carrier")
        carrier["fill"] = "AA"
        next(c for c in transform["inputs"] if c["name"] == "hour")["type"] = cls.HOUR
        manifest = (cls.model / "model.yaml").read_text().replace('"hour", type: int64', f'"hour", type: {cls.HOUR}')
        (cls.model / "model.yaml").write_text(manifest)
        (cls.model / "transform.json").write_text(json.dumps(transform, ensure_ascii=False))
        (cls.model / "examples.jsonl").unlink()
        cls.server = h.Server(cls, cls.model, "--grpc-port", "0")
        assert cls.server.problem is None, cls.server.problem

    # --- forms; each gives (probability, None) or (None, why not)

    def post(self, path, body, **headers):
        request = urllib.request.Request(self.server.url + path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as e:
            self.assertEqual(e.code, 400)
            return None, json.load(e)["error"]
        if "predictions" in answer:
            return answer["predictions"][0]["probability"], None
        if isinstance(answer["outputs"], dict):
            return answer["outputs"]["probability"][0], None
        return answer["outputs"][0]["data"][0], None

    def infer(self, tensors, **request):
        text = json.dumps({"inputs": tensors, **request}, ensure_ascii=False)
        return self.post("/v2/models/flights/infer", text.encode(), Content_Type="application/json")

    def v2(self, row, types=TYPES):
        """KServe's SDK and MLServer write null for what is missing or no number."""
        plain = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
        return self.infer([{"name": n, "shape": [1], "datatype": types[n], "data": [v]} for n, v in plain.items()])

    def v2_late(self, row):
        return self.infer([{"data": [[v]], "shape": [1, 1], "datatype": TYPES[n], "name": n} for n, v in row.items()])

    @staticmethod
    def raw(value, datatype):
        """As tritonclient packs it: None becomes the text None, and NaN where a number is."""
        if datatype == "BYTES":
            text = str(value).encode()
            return struct.pack("<I", len(text)) + text
        return struct.pack(FORMATS[datatype], math.nan if value is None else value)

    def packed(self, row, types):
        types = {n: "FP64" if types[n] == "INT64" and (row[n] is None or row[n] != row[n]) else types[n] for n in row}
        return [(n, types[n], self.raw(v, types[n])) for n, v in row.items()]

    def binary(self, row, types=TYPES):
        packed = self.packed(row, types)
        head = json.dumps({"inputs": [{"name": n, "shape": [1], "datatype": t, "parameters": {"binary_data_size": len(raw)}}
                                      for n, t, raw in packed]}).encode()
        return self.post("/v2/models/flights/infer", head + b"".join(raw for _, _, raw in packed),
                         Inference_Header_Content_Length=str(len(head)), Content_Type="application/octet-stream")

    def grpc(self, row, types=TYPES):
        f = raw_grpc.field
        packed = self.packed(row, types)
        content = f(1, "flights") + b"".join(f(5, f(1, n) + f(2, t) + f(3, b"\1")) for n, t, _ in packed)
        content += b"".join(f(7, raw) for _, _, raw in packed)
        with raw_grpc.Connection(self.server.grpc_port) as c:
            stream = c.begin()
            c.send(stream, raw_grpc.message(content))
            answer = c.wait(stream)
        if not answer:
            return None, "refused"
        at = answer.rindex(b"\x32\x04", 0, answer.rindex(b"\x32"))  # raw_output_contents: four bytes of probability
        return struct.unpack("<f", answer[at + 2:at + 6])[0], None

    def predict(self, row):
        return self.post("/v1/models/flights:predict", json.dumps({"instances": [row]}).encode())

    def predict_columns(self, row):
        return self.post("/v1/models/flights:predict", json.dumps({"inputs": {n: [v] for n, v in row.items()}}).encode())

    def mlserver(self, row):
        """PandasCodec of a frame whose columns are all objects."""
        return self.infer([{"name": n, "shape": [1, 1], "datatype": "BYTES", "parameters": {"content_type": "pd_json"},
                            "data": [json.dumps(v)]} for n, v in row.items()], parameters={"content_type": "pd"})

    def mlserver_base64(self, row):
        return self.infer([{"name": n, "shape": [1], "datatype": t, "parameters": {"content_type": "base64"} if t == "BYTES" else {},
                            "data": [base64.b64encode(str(row[n]).encode()).decode() if t == "BYTES" else row[n]]}
                           for n, t in TYPES.items()])

    def run_component(self, folder, name, inputs, output, **parameters):
        command = [COMPONENTS, name, "--output", f"{output}={folder / output}"]
        for key, value in inputs.items():
            command += ["--input", f"{key}={value}"]
        for key, value in parameters.items():
            command += ["--parameter", f"{key}={json.dumps(value, ensure_ascii=False)}"]
        return subprocess.run(command, capture_output=True, text=True)

    def file(self, row):
        """As pandas writes a CSV."""
        folder = h.folder(self)
        cells = ["" if v is None or v != v else str(v) for v in row.values()]
        (folder / "rows.csv").write_text(",".join(row) + "\n" + ",".join(cells) + "\n")
        done = self.run_component(folder, "ingest", {"source": folder / "rows.csv"}, "dataset", types={"carrier": "string"})
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.run_component(folder, "predict", {"model": self.model, "dataset": folder / "dataset"}, "predictions", keep=[])
        return (None, done.stderr) if done.returncode else (folder / "predictions", None)

    def same(self, row, *forms):
        answers = [form(row) for form in forms]
        for form, (got, problem) in zip(forms, answers):
            self.assertIsNone(problem, form.__name__)
            self.assertAlmostEqual(got, answers[0][0], places=6, msg=form.__name__)
        return answers[0][0]

    def every(self, row):
        answer = self.same(row, self.v2, self.v2_late, self.binary, self.grpc, self.predict, self.predict_columns, self.mlserver)
        self.assertIsNone(self.file(row)[1])
        return answer

    def refused(self, message, *answers):
        for got, problem in answers:
            self.assertIsNone(got)
            self.assertIn(message, problem)



class Forms(Asked):
    def test_a_whole_row_has_one_answer(self):
        self.assertAlmostEqual(self.every(ROW), self.mlserver_base64(ROW)[0], places=6)

    def test_what_is_missing_has_one_answer(self):
        for name, fill in ("distance", 500.0), ("carrier", "AA"), ("hour", 0):  # the transform's
            self.assertAlmostEqual(self.every({**ROW, name: None}), self.v2({**ROW, name: fill})[0], places=6)

    def test_the_words_that_ingest_reads_as_null_are_null(self):
        null = self.v2({**ROW, "carrier": None})[0]
        for word in "", "None", "nan", "NULL", "N/A":
            self.assertEqual(self.same({**ROW, "carrier": word}, self.v2, self.binary, self.grpc, self.predict, self.mlserver), null)
            self.assertIsNone(self.file({**ROW, "carrier": word})[1])
        self.assertNotEqual(self.v2({**ROW, "carrier": "none"})[0], null)  # ingest reads that as a text

    def test_missing_values_are_refused_where_training_saw_none(self):
        for value in None, "None", "nan":
            row = {**ROW, "날씨": value}
            self.refused("날씨", self.v2(row), self.binary(row), self.predict(row), self.mlserver(row))
            self.assertEqual(self.grpc(row), (None, "refused"))
        self.refused("날씨", self.file({**ROW, "날씨": None}))

    def test_nan_and_infinity_of_a_column_are_as_in_training(self):
        null = self.v2({**ROW, "distance": None})[0]
        for value in math.nan, math.inf, -math.inf:
            row = {**ROW, "distance": value}
            self.assertEqual(self.same(row, self.v2, self.binary, self.grpc, self.mlserver), null)
            self.refused("JSON", self.predict(row))  # bare NaN and Infinity are none

    def test_whole_numbers_beyond_2_53_are_exact_or_refused(self):
        big = 2**53 + 1
        for form in self.v2, self.binary, self.predict, self.mlserver:
            self.assertIsNone(form({**ROW, "hour": big})[1])
        self.refused("round", self.v2({**ROW, "distance": big}), self.predict({**ROW, "distance": big}),
                     self.binary({**ROW, "distance": big}, {**TYPES, "distance": "INT64"}))
        self.refused("2^53", self.binary({**ROW, "hour": float(2**60)}, {**TYPES, "hour": "FP64"}))
        self.refused("above 2^63 - 1", self.v2({**ROW, "hour": 2**64 - 1}, {**TYPES, "hour": "UINT64"}),
                     self.binary({**ROW, "hour": 2**64 - 1}, {**TYPES, "hour": "UINT64"}))

    def test_text_that_is_not_utf8_is_refused_by_name(self):
        bad = base64.b64encode(b"\xff\xfe").decode()
        tensors = [{"name": n, "shape": [1], "datatype": t, "data": [ROW[n]]} for n, t in TYPES.items()]
        tensors[0].update(data=[bad], parameters={"content_type": "base64"})
        self.refused("input 'carrier': element 0 is not UTF-8", self.infer(tensors), self.predict({**ROW, "carrier": {"b64": bad}}))

    def test_leading_zeros_of_a_text_stay(self):
        for form in self.v2, self.binary, self.mlserver, self.predict:
            self.assertIsNone(form({**ROW, "carrier": "00501"})[1])
        self.assertIsNone(self.file({**ROW, "carrier": "00501"})[1])

    def test_a_content_type_that_is_not_known_is_refused_by_name(self):
        tensors = [{"name": n, "shape": [1], "datatype": t, "data": [ROW[n]]} for n, t in TYPES.items()]
        self.refused("'img'", self.infer([{**t, "parameters": {"content_type": "img"}} for t in tensors]))
        self.refused("'hf'", self.infer(tensors, parameters={"content_type": "hf"}))
        self.assertIsNone(self.infer(tensors, parameters={"content_type": "np"})[1])


class Booleans(Asked):
    HOUR = "bool"

    def test_true_is_also_1_in_every_form(self):
        row = {**ROW, "hour": 1}
        types = [{**TYPES, "hour": t} for t in ("INT64", "FP64", "UINT64")]
        true = self.v2({**ROW, "hour": True}, {**TYPES, "hour": "BOOL"})
        self.assertIsNone(true[1])
        for answer in [*(form(row, t) for t in types for form in (self.v2, self.binary, self.grpc)),
                       self.predict(row), self.predict_columns(row), self.predict({**ROW, "hour": True}), self.mlserver(row)]:
            self.assertIsNone(answer[1])
            self.assertAlmostEqual(answer[0], true[0], places=6)
        self.assertIsNone(self.file(row)[1])
        self.assertIsNone(self.file({**ROW, "hour": "true"})[1])

    def test_another_number_is_no_boolean(self):
        for value, datatype in (2, "INT64"), (0.5, "FP64"):
            row, types = {**ROW, "hour": value}, {**TYPES, "hour": datatype}
            self.refused("hour", self.v2(row, types), self.binary(row, types), self.predict(row), self.mlserver(row), self.file(row))


class Times(Asked):
    HOUR = "timestamp"

    def test_pandas_word_for_a_missing_time_is_null(self):
        types = {**TYPES, "hour": "BYTES"}
        null = self.v2({**ROW, "hour": None}, types)[0]
        for answer in [*(form({**ROW, "hour": "NaT"}, types) for form in (self.v2, self.binary, self.grpc)),
                       self.predict({**ROW, "hour": "NaT"})]:
            self.assertIsNone(answer[1])
            self.assertAlmostEqual(answer[0], null, places=6)
        self.assertIsNone(self.v2({**ROW, "carrier": "NaT", "hour": None}, types)[1])

    def test_seconds_of_a_file_are_no_microseconds(self):
        seconds = {**ROW, "hour": 1_714_910_400}
        self.refused("is it of another unit?", self.v2(seconds), self.predict(seconds), self.file(seconds))
        self.assertIsNone(self.file({**ROW, "hour": 1_714_910_400_000_000})[1])
        self.assertIsNone(self.file({**ROW, "hour": "2024-05-05T12:00:00"})[1])
        self.assertIsNone(self.file({**ROW, "hour": "2024-05-05"})[1])


if __name__ == "__main__":
    unittest.main()
