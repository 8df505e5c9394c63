"""A finished run as OpenTelemetry spans: of the run, its steps, their attempts, and what an attempt spent its time on.

    python3 -m penstock otel RUN --endpoint http://collector:4318

Attributes are those of OpenTelemetry's semantic conventions for CI/CD, and penstock.*. Trace and span ids come of the run's uid, so that a run
that is sent twice is one trace. Encoding: OTLP/HTTP in JSON (opentelemetry.io/docs/specs/otlp).
"""
import calendar
import hashlib
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request

from penstock.errors import PenstockError

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")
_RESULTS = {"Succeeded": "success", "Failed": "failure", "Cancelled": "cancellation", "Skipped": "skip", "Invalid": "error"}
_INTERNAL, _OK, _ERROR = 1, 1, 2


def request_of(run):
    """The ExportTraceServiceRequest of a Run that has ended, and of the runs of its steps that are Pipelines."""
    with run.source.reading() as api:
        story = api.story(run.name)
        if "finished" not in story:
            raise PenstockError(f"the run {run.name} has not ended: it is {story.get('phase', 'unknown')}")
        spans = _Spans(api, story["uid"]).of_run(story, None)
    resource = {"attributes": _attributes({"service.name": "penstock", "service.namespace": story.get("namespace", "")})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "penstock"}, "spans": spans}]}]}


def send(request, endpoint, headers=None):
    """Sends it to a collector's OTLP/HTTP endpoint. PenstockError says what it answered instead of taking all."""
    if urllib.parse.urlsplit(endpoint).scheme not in ("http", "https"):
        raise PenstockError(f"{endpoint!r} is no URL of a collector: http://collector:4318")
    url = endpoint.rstrip("/") + ("" if endpoint.rstrip("/").endswith("/v1/traces") else "/v1/traces")
    asked = urllib.request.Request(url, json.dumps(request).encode(), {"Content-Type": "application/json", **(headers or {})}, method="POST")
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            told = json.loads(answer.read() or b"{}").get("partialSuccess", {})
    except urllib.error.HTTPError as error:
        raise PenstockError(f"{url} answered {error.code}: {error.read(1000).decode(errors='replace')}") from error
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise PenstockError(f"{url} took nothing: {getattr(error, 'reason', error)}") from error
    if int(told.get("rejectedSpans", 0)):
        raise PenstockError(f"{url} rejected {told['rejectedSpans']} spans: {told.get('errorMessage', '')}")


def headers_of(text):
    """OTEL_EXPORTER_OTLP_HEADERS: name=value, joined by commas, values percent-encoded."""
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    return {name.strip(): urllib.parse.unquote(value.strip()) for name, _, value in pairs}


def export(run, endpoint=None):
    """Sends a run; the endpoint, where none is given, is that of OTEL_EXPORTER_OTLP_ENDPOINT. The number of spans."""
    endpoint = endpoint or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if not endpoint:
        raise PenstockError("say where to: --endpoint http://collector:4318, or OTEL_EXPORTER_OTLP_ENDPOINT")
    request = request_of(run)
    send(request, endpoint, headers_of(os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "")))
    return len(request["resourceSpans"][0]["scopeSpans"][0]["spans"])


class _Spans:
    def __init__(self, api, uid):
        self.api, self.trace = api, hashlib.sha256(uid.encode()).hexdigest()[:32]

    def of_run(self, story, parent):
        own = self._span(f"run {story.get('pipeline') or story['name']}", story["uid"], parent, story.get("started") or story["created"], story["finished"],
                         story, {"cicd.pipeline.name": story.get("pipeline", ""), "cicd.pipeline.run.id": story["name"],
                                 "cicd.pipeline.result": _RESULTS.get(story["phase"], "error"),
                                 **{f"penstock.parameter.{k}": v for k, v in story.get("parameters", {}).items()}})
        out = [own]
        for step in story.get("steps", []):
            out += self._of_step(story, step, own["spanId"])
        return out

    def _of_step(self, story, row, parent):
        times = row.get("times", {})
        if "finished" not in times:
            return []  # it never came to its turn
        step = self.api.step(story["name"], row["name"])
        attempts = [a for a in step.get("attempts", []) if "finished" in a] if isinstance(step.get("attempts"), list) else []
        begun = [_first(a) for a in attempts] + [times.get("started") or times["finished"]]
        key = f"{story['uid']}/{row['name']}"
        counts = {f"penstock.items.{k}": v for k, v in row.get("items", {}).items()}
        own = self._span(row["name"], key, parent, min(begun), times["finished"], row, {
            "cicd.pipeline.task.name": row["name"], "cicd.pipeline.task.run.id": key, "cicd.pipeline.task.run.result": _RESULTS.get(row["phase"], "error"),
            "penstock.cached": bool(row.get("cached")), "penstock.reason": row.get("reason", ""), "penstock.attempts": len(attempts), **counts,
            **{f"penstock.result.{k}": v for k, v in step.get("results", {}).items()}})
        out = [own]
        for attempt in attempts:
            out += self._of_attempt(attempt, key, own["spanId"], times if attempt is attempts[-1] else {})
        if row.get("run"):
            nested = self.api.story(row["run"])
            if "finished" in nested:
                out += self.of_run(nested, own["spanId"])
        return out

    def _of_attempt(self, attempt, key, parent, times):
        key = f"{key}/{attempt['attempt']}"
        own = self._span(f"attempt {attempt['attempt']}", key, parent, _first(attempt), attempt["finished"], attempt, {
            "k8s.pod.name": attempt.get("pod", ""), "k8s.node.name": attempt.get("node", ""), "penstock.reason": attempt.get("reason", "")})
        parts = [("pending", attempt.get("queued"), attempt.get("started")), ("fetch", times.get("fetchStarted"), times.get("started")),
                 ("program", times.get("started"), times.get("uploadStarted") or times.get("finished")),
                 ("upload", times.get("uploadStarted"), times.get("finished"))]
        return [own, *(self._span(name, f"{key}/{name}", own["spanId"], begin, end, {}, {}) for name, begin, end in parts if begin and end)]

    def _span(self, name, key, parent, begin, end, told, attributes):
        begin, end = _nanoseconds(begin), _nanoseconds(end)
        failed = told.get("phase") in ("Failed", "Invalid")
        status = {"code": _ERROR, "message": told.get("message", "")[:1000]} if failed else {"code": _OK} if told.get("phase") == "Succeeded" else {}
        return {"traceId": self.trace, "spanId": hashlib.sha256(key.encode()).hexdigest()[:16], **({"parentSpanId": parent} if parent else {}),
                "name": name, "kind": _INTERNAL, "startTimeUnixNano": str(begin), "endTimeUnixNano": str(max(begin, end)), "status": status,
                "attributes": _attributes(attributes)}


def _first(attempt):
    return attempt.get("queued") or attempt.get("started") or attempt["finished"]


def _nanoseconds(text):
    found = _TIME.fullmatch(text)
    if not found:
        raise PenstockError(f"{text!r} is no time")
    whole = calendar.timegm(time.strptime(found.group(1), "%Y-%m-%dT%H:%M:%S"))
    return whole * 10**9 + int((found.group(2) or "0").ljust(9, "0"))


def _attributes(values):
    return [{"key": key, "value": _value(value)} for key, value in values.items() if value != ""]


def _value(value):
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and -2**63 <= value < 2**63:
        return {"intValue": str(value)}
    if isinstance(value, (int, float)):
        return {"doubleValue": float(value)}
    return {"stringValue": (value if isinstance(value, str) else json.dumps(value))[:4096]}
