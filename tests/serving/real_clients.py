"""Rows as the real clients send them, each in the environment of its own that tools/install-deps makes (clients, peers): what
test_forms.py imitates. tests/run full runs this, CI does not.

The clients' own answer to a frame stands here too where it is no request: MLServer's codec cannot write a text beside None.
"""
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import harness as h
import test_forms

PEERS = pathlib.Path(os.environ.get("PENSTOCK_PEERS", pathlib.Path.home() / ".cache/penstock/peers"))
SCRIPTS = pathlib.Path(__file__).resolve().parent / "clients"
ROW = test_forms.ROW
NAN, INFINITY = {"float": "nan"}, {"float": "inf"}


class RealClients(test_forms.Asked):
    def sent(self, client, rows):
        """What a client gets: a list of probabilities, or why not."""
        name, *form = client.split()
        command = [PEERS / name / "bin/python", SCRIPTS / f"{name}_rows.py", self.server.url, f"127.0.0.1:{self.server.grpc_port}", *form]
        done = subprocess.run(command, input=json.dumps(rows), capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, f"{client}: {done.stderr[-2000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def expected(self, rows):
        """The answers to the rows, each by itself, missing values as null."""
        null = [{name: None if isinstance(value, dict) else value for name, value in row.items()} for row in rows]
        return [self.v2(row)[0] for row in null]

    def same(self, rows, *clients):
        expected = self.expected(rows)
        self.assertNotIn(None, expected)
        for client in clients:
            with self.subTest(client):
                got = self.sent(client, rows)
                self.assertIsInstance(got, list, got)
                self.assertEqual(len(got), len(expected))
                for value, wanted in zip(got, expected):
                    self.assertAlmostEqual(value, wanted, places=6)

    def refused(self, rows, word, *clients):
        for client in clients:
            with self.subTest(client):
                got = self.sent(client, rows)
                self.assertIsInstance(got, str, got)
                self.assertIn(word, got)

    TRITON = ["tritonclient http-binary", "tritonclient http-json", "tritonclient grpc"]
    KSERVE = ["kserve json", "kserve binary", "kserve grpc"]
    ALL = [*TRITON, *KSERVE, "mlserver"]

    def test_whole_rows(self):
        self.same([ROW, {**ROW, "carrier": "AA", "distance": -0.5, "hour": 23}], *self.ALL)

    def test_a_missing_integer_makes_floats_of_the_column(self):
        self.same([ROW, {**ROW, "hour": None}], *(c for c in self.ALL if c != "tritonclient http-json"))

    def test_a_missing_number(self):
        self.same([ROW, {**ROW, "distance": NAN}], *(c for c in self.ALL if c != "tritonclient http-json"))

    def test_an_infinite_number_is_a_missing_one(self):
        self.same([ROW, {**ROW, "distance": INFINITY}], "tritonclient http-binary", "tritonclient grpc", *self.KSERVE, "mlserver")

    def test_bare_nan_of_tritonclient_is_no_json_and_says_so(self):
        self.refused([ROW, {**ROW, "distance": NAN}], "NaN", "tritonclient http-json")

    def test_a_missing_text_is_the_word_none(self):
        self.same([ROW, {**ROW, "carrier": None}], *self.TRITON, *self.KSERVE)
        self.refused([ROW, {**ROW, "날씨": None}], "날씨", *self.TRITON, *self.KSERVE)

    def test_objects_of_pandas_are_read_as_the_json_that_mlserver_makes_of_them(self):
        self.refused([{**ROW, "carrier": "00501"}, {**ROW, "carrier": 7}], "carrier", "mlserver")
        self.same([{**ROW, "carrier": "00501"}, {**ROW, "carrier": "UA"}], "mlserver")


if __name__ == "__main__":
    unittest.main()
