"""Runs as OpenTelemetry spans."""
import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
import unittest

from sdk_harness import HERE, InFolder, needs_penstock

from penstock import PenstockError, connect, otel

TIMES = {"fetchStarted": "2026-11-30T10:00:02Z", "started": "2026-11-30T10:00:03.5Z", "uploadStarted": "2026-11-30T10:00:08Z", "finished": "2026-11-30T10:00:09Z"}
RUN = {"name": "p-1", "uid": "u", "namespace": "team", "pipeline": "p", "phase": "Failed", "message": "fit failed", "created": "2026-11-30T10:00:00Z",
       "started": "2026-11-30T10:00:00Z", "finished": "2026-11-30T10:01:00.25Z", "parameters": {"rate": 0.5, "many": [1]},
       "steps": [{"name": "fit", "phase": "Failed", "reason": "ExitCode", "message": "exit code 3", "times": TIMES}, {"name": "tell", "phase": "Skipped", "times": {}}]}
STEP = {"name": "fit", "results": {"auc": 0.7}, "attempts": [
    {"attempt": 1, "queued": "2026-11-30T10:00:00Z", "finished": "2026-11-30T10:00:01Z", "phase": "Failed", "reason": "Evicted", "pod": "p-1-fit-1", "node": "n1"},
    {"attempt": 2, "queued": "2026-11-30T10:00:01Z", "started": "2026-11-30T10:00:02Z", "finished": "2026-11-30T10:00:09Z", "phase": "Failed", "pod": "p-1-fit-2"}]}


class Source:
    """What a Gateway answers."""

    @contextlib.contextmanager
    def reading(self):
        yield self

    def story(self, name):
        return RUN if name == "p-1" else {"name": name, "phase": "Running"}

    def step(self, run, step):
        return STEP


class Collector(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path, self.headers.get("X-Team"), body))
        code, told = self.server.answers
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())


def spans_of(request):
    return request["resourceSpans"][0]["scopeSpans"][0]["spans"]


def attributes(span):
    return {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}


class Otel(InFolder):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
        self.server.got, self.server.answers = [], (200, {})
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def run_named(self, name):
        from penstock.runs import Run
        return Run(name, Source())

    def test_a_run_its_steps_attempts_and_their_parts_are_spans_of_one_trace(self):
        spans = spans_of(otel.request_of(self.run_named("p-1")))
        by_id = {s["spanId"]: s for s in spans}
        told = [(s["name"], by_id[s["parentSpanId"]]["name"] if "parentSpanId" in s else None,
                 (int(s["endTimeUnixNano"]) - int(s["startTimeUnixNano"])) / 1e9, s["status"].get("code")) for s in spans]
        self.assertEqual(told, [("run p", None, 60.25, 2), ("fit", "run p", 9, 2), ("attempt 1", "fit", 1, 2), ("attempt 2", "fit", 8, 2),
                                ("pending", "attempt 2", 1, None), ("fetch", "attempt 2", 1.5, None), ("program", "attempt 2", 4.5, None),
                                ("upload", "attempt 2", 1, None)])
        self.assertEqual((len({s["traceId"] for s in spans}), len(spans[0]["traceId"]), len(spans[0]["spanId"]), len(by_id)), (1, 32, 16, 8))
        self.assertEqual(attributes(spans[0]), {"cicd.pipeline.name": "p", "cicd.pipeline.run.id": "p-1", "cicd.pipeline.result": "failure",
                                                "penstock.parameter.rate": 0.5, "penstock.parameter.many": "[1]"})
        self.assertEqual(attributes(spans[1]), {"cicd.pipeline.task.name": "fit", "cicd.pipeline.task.run.id": "u/fit", "cicd.pipeline.task.run.result": "failure",
                                                "penstock.cached": False, "penstock.reason": "ExitCode", "penstock.attempts": "2", "penstock.result.auc": 0.7})
        self.assertEqual(attributes(spans[2]), {"k8s.pod.name": "p-1-fit-1", "k8s.node.name": "n1", "penstock.reason": "Evicted"})
        self.assertEqual(spans[0]["status"], {"code": 2, "message": "fit failed"})
        self.assertEqual(spans[0]["startTimeUnixNano"], "1796032800000000000")

    def test_a_run_that_is_sent_twice_is_one_trace(self):
        self.assertEqual(otel.request_of(self.run_named("p-1")), otel.request_of(self.run_named("p-1")))

    def test_it_is_sent_with_headers_and_what_the_collector_refuses_is_told(self):
        os.environ["OTEL_EXPORTER_OTLP_HEADERS"] = "x-team=data%20science"
        self.addCleanup(os.environ.pop, "OTEL_EXPORTER_OTLP_HEADERS")
        self.assertEqual(otel.export(self.run_named("p-1"), self.url), 8)
        path, team, body = self.server.got[0]
        self.assertEqual((path, team, len(spans_of(body))), ("/v1/traces", "data science", 8))
        for answers, told in (((400, {"message": "no traces here"}), "answered 400: .*no traces here"),
                              ((200, {"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too old"}}), "rejected 3 spans: too old")):
            self.server.answers = answers
            with self.assertRaisesRegex(PenstockError, told):
                otel.export(self.run_named("p-1"), self.url + "/v1/traces")
        with self.assertRaisesRegex(PenstockError, "took nothing"):
            otel.export(self.run_named("p-1"), "http://127.0.0.1:1")

    def test_a_run_that_goes_on_and_an_endpoint_that_is_none_are_refused(self):
        with self.assertRaisesRegex(PenstockError, "the run p-2 has not ended: it is Running"):
            otel.export(self.run_named("p-2"), self.url)
        with self.assertRaisesRegex(PenstockError, "say where to: --endpoint"):
            otel.export(self.run_named("p-1"))
        with self.assertRaisesRegex(PenstockError, "'collector:4318' is no URL"):
            otel.export(self.run_named("p-1"), "collector:4318")
        self.assertEqual(self.server.got, [])

    @needs_penstock
    def test_a_local_run_with_a_pipeline_as_a_step_is_sent_by_the_command_line(self):
        made = self.module("from penstock import *\n\n@step\ndef f(n: int) -> int:\n    return n\n\n@pipeline\ndef inner():\n    f(1)\n\n"
                           "@pipeline\ndef p():\n    inner()\n    f(each).for_each([1, 2]).named('many')\n")
        run = made.p.run(isolation="process", state="state", quiet=True)
        done = subprocess.run([sys.executable, "-m", "penstock", "otel", run.name, "--state", "state", "--endpoint", self.url], capture_output=True, text=True,
                              env={**os.environ, "PYTHONPATH": str(HERE.parent)})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        spans = spans_of(self.server.got[0][2])
        names = {s["spanId"]: s["name"] for s in spans}
        parents = {(s["name"], names.get(s.get("parentSpanId"))) for s in spans}
        self.assertLessEqual({("run p", None), ("inner", "run p"), ("many", "run p"), ("f", next(n for n in names.values() if n.startswith("run p-"))),
                              ("attempt 1", "f"), ("program", "attempt 1")}, parents)
        self.assertEqual(done.stdout, f"{len(spans)} spans of {run.name}\n")
        self.assertEqual(attributes(next(s for s in spans if s["name"] == "many"))["penstock.items.succeeded"], "2")
        self.assertEqual(connect(state="state").run(run.name).phase, "Succeeded")


if __name__ == "__main__":
    unittest.main()
