"""The gateway's API as tables, against a server that speaks the contract."""
import http.server
import json
import os
import pathlib
import threading
import unittest
import urllib.parse

from sdk_harness import InFolder

from penstock import ApiError, CommandError, PenstockError, connect

RUNS = [{"namespace": "team", "name": f"r{i}", "pipeline": "prices", "phase": "Succeeded", "created": f"2026-11-30T0{i}:00:00Z",
         "steps": {"total": 2, "succeeded": 2}, "archived": False} for i in range(5)]
STORY = {**RUNS[0], "parameters": {"x": 1}, "results": {"auc": 0.7}, "outputs": [{"name": "model", "digest": "sha256:" + "a" * 64}],
         "steps": [{"name": "fit", "phase": "Succeeded", "attempt": 1, "cached": False, "times": {"started": "2026-11-30T00:00:01Z"}},
                   {"name": "<b>tell</b>", "phase": "Failed", "reason": "Error", "message": "no", "cached": False}]}
DIGEST, FILE = "sha256:" + "a" * 64, "sha256:" + "b" * 64


class Fake(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, code, body, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("X-Penstock-Request") != "1":
            return self.answer(403, {"error": {"code": "Forbidden", "message": "no header"}})
        self.server.posted.append(body)
        if self.path.endswith("/cancel"):
            return self.answer(202, {**RUNS[0], "name": self.path.split("/")[-2]})
        return self.answer(201, {**RUNS[0], "name": "made"})

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.server.asked.append((url.path, query, self.headers.get("Authorization")))
        if self.headers.get("Authorization") != "Bearer good":
            return self.answer(401, {"error": {"code": "Unauthorized", "message": "the token is none", "field": "Authorization"}})
        path = url.path.removeprefix("/api/v1")
        if path == "/me":
            return self.answer(200, {"user": "u", "groups": [], "mode": "cluster", "namespaces": self.server.namespaces})
        if path == "/namespaces/team/runs":
            first, most = int(query.get("after", 0)), min(int(query["limit"]), 2)
            page = {"items": RUNS[first:first + most]}
            return self.answer(200, {**page, "next": str(first + most)} if first + most < len(RUNS) else page)
        fixed = {
            "/namespaces/team/runs/r0": STORY,
            "/namespaces/team/runs/r0/steps/fit": {"name": "fit", "results": {"loss": 1}, "outputs": [{"name": "model", "digest": DIGEST}]},
            "/namespaces/team/runs/r0/steps/fit/metrics": {"series": [{"name": "loss", "points": [[0, 2.5, "2026-11-30T00:00:00Z"], [1, 1.5]]},
                                                                      {"name": "auc", "points": [[0, 0.5]]}]},
            "/namespaces/team/runs/r0/steps/%3Cb%3Etell%3C%2Fb%3E/metrics": {"series": []},
            f"/namespaces/team/artifacts/{urllib.parse.quote(DIGEST, safe='')}": {"digest": DIGEST, "folder": True, "files": [{"path": "a/b.txt"}, {"path": "c"}]},
            f"/namespaces/team/artifacts/{urllib.parse.quote(FILE, safe='')}": {"digest": FILE, "folder": True, "files": [{"path": "../evil"}]}}
        if path in fixed:
            return self.answer(200, fixed[path])
        if path.endswith("/log"):
            return self.answer(200, "first\n한\n".encode(), "text/plain")
        if "/content/" in path:
            return self.answer(200, path.rpartition("/content/")[2].encode(), "application/octet-stream")
        return self.answer(404, {"error": {"code": "NotFound", "message": f"there is no {path}"}})


class Client(InFolder):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Fake)
        self.server.asked, self.server.posted, self.server.namespaces = [], [], ["team"]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.api = connect(self.url, "good")

    def records(self, rows):
        return rows.to_dict("records") if hasattr(rows, "to_dict") else list(rows)

    def test_runs_come_page_by_page_as_one_table(self):
        self.assertEqual([r["name"] for r in self.records(self.api.runs(pipeline="prices"))], ["r0", "r1", "r2", "r3", "r4"])
        self.assertEqual([r["name"] for r in self.records(self.api.runs(limit=3))], ["r0", "r1", "r2"])
        self.assertTrue(all(q.get("pipeline") == "prices" for p, q, _ in self.server.asked[1:4]))

    def test_a_run_s_steps_results_metrics_and_log(self):
        run = self.api.run("r0")
        self.assertEqual((run.phase, run.results, run.parameters), ("Succeeded", {"auc": 0.7}, {"x": 1}))
        self.assertEqual(self.records(run.steps)[0]["name"], "fit")
        self.assertEqual(run.step_results("fit"), {"loss": 1})
        metrics = self.records(run.metrics())
        self.assertEqual([(m["step"], m["name"], m["at"], m["value"]) for m in metrics], [("fit", "loss", 0, 2.5), ("fit", "loss", 1, 1.5), ("fit", "auc", 0, 0.5)])
        self.assertEqual(len(self.records(self.api.metrics_of(["r0"], "fit", ["auc"]))), 1)
        self.assertEqual(run.log("fit"), "first\n한\n")

    def test_an_artifact_is_fetched_by_digest_and_by_name(self):
        for artifact in (DIGEST, "r0/fit/model"):
            folder = self.api.fetch(artifact)
            self.assertEqual((folder / "a/b.txt").read_text(), "a/b.txt")
        self.assertTrue(self.api.run("r0").artifact("model").is_dir())

    def test_a_file_that_would_lie_outside_of_the_folder_is_refused(self):
        with self.assertRaisesRegex(PenstockError, "outside of the artifact"):
            self.api.fetch(FILE, self.folder / "here")
        self.assertFalse((self.folder / "evil").exists())

    def test_a_run_is_started(self):
        self.assertEqual(self.api.start("prices", {"x": 1}).name, "made")
        self.assertEqual(self.server.posted, [{"pipeline": "prices", "parameters": {"x": 1}}])

    def test_a_run_is_cancelled_where_it_is(self):
        self.api.cancel("r0")
        self.assertEqual(self.server.posted, [{}])

    def test_what_the_gateway_refuses_is_told_in_its_words(self):
        with self.assertRaises(ApiError) as caught:
            connect(self.url, "bad", "team").runs()
        self.assertEqual((caught.exception.status, str(caught.exception)), (401, "Unauthorized: the token is none (field Authorization)"))
        with self.assertRaisesRegex(ApiError, "NotFound: there is no"):
            self.api.run("gone").phase

    def test_of_several_namespaces_one_must_be_named(self):
        self.server.namespaces = ["a", "b"]
        with self.assertRaisesRegex(PenstockError, "say which namespace: namespace=... of a, b"):
            connect(self.url, "good").runs()

    def test_a_gateway_that_does_not_answer_is_told(self):
        with self.assertRaisesRegex(ApiError, "does not answer"):
            connect("http://127.0.0.1:1", namespace="x").runs()

    def test_a_program_that_shows_no_api_is_told_in_its_words(self):
        (self.folder / "penstock").write_text("#!/bin/sh\necho one >&2; echo 'error: the state folder is locked' >&2; exit 1\n")
        (self.folder / "penstock").chmod(0o755)
        before = os.environ.get("PENSTOCK_BIN")
        self.addCleanup(lambda: os.environ.pop("PENSTOCK_BIN") if before is None else os.environ.update(PENSTOCK_BIN=before))
        os.environ["PENSTOCK_BIN"] = str(self.folder)
        with self.assertRaisesRegex(CommandError, "penstock ui: one\nerror: the state folder is locked$"):
            connect(state="state").run("r").metrics()

    def test_a_token_is_not_sent_in_the_clear(self):
        with self.assertRaisesRegex(PenstockError, "in the clear"):
            connect("http://gateway.example", "secret")

    def test_a_run_in_a_notebook_shows_hostile_names_as_text(self):
        shown = self.api.run("r0")._repr_html_()
        self.assertNotIn("<b>tell", shown)
        self.assertIn("&lt;b&gt;tell", shown)


if __name__ == "__main__":
    unittest.main()
