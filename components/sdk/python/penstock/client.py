"""Where runs are asked for: a state folder or cluster by the program `penstock`, or a gateway by HTTP.

    penstock.connect()                              .penstock here, or the kubeconfig's cluster
    penstock.connect("https://gateway.example", token=..., namespace="team")
"""
import contextlib
import json
import os
import pathlib
import ssl
import urllib.error
import urllib.parse
import urllib.request

from penstock import command
from penstock.errors import ApiError, PenstockError
from penstock.frames import flat, frame
from penstock.local_api import local_api
from penstock.runs import Run, new_folder


def connect(url=None, token=None, namespace=None, state=None, context=None, ca_file=None):
    """A Local, or with a URL (or PENSTOCK_URL) a Gateway. The token is also read from PENSTOCK_TOKEN."""
    url = url or (os.environ.get("PENSTOCK_URL") if state is None and context is None else None)
    if url:
        return Gateway(url, token or os.environ.get("PENSTOCK_TOKEN"), namespace, ca_file)
    return Local(state, namespace, context)


class Source:
    """What a Local and a Gateway have alike."""

    def run(self, name):
        return Run(name, self)

    def runs(self, pipeline=None, phase=None, limit=None):
        """Runs as rows, newest first."""
        return frame(self.run_rows(pipeline, phase, limit))

    def metrics_of(self, runs, step=None, names=None):
        """Metrics of several runs under each other, for one plot."""
        with self.reading() as api:
            return frame([row for name in runs for row in metric_rows(api, name, step, names)])


class Local(Source):
    """By `penstock ... -o json`: a state folder of this machine, or a cluster with context or namespace."""

    def __init__(self, state=None, namespace=None, context=None):
        self.state, self.namespace, self.context = state, namespace, context

    def flags(self):
        out = ["--state", str(self.state)] if self.state else []
        out += ["-n", self.namespace] if self.namespace else []
        return out + (["--context", self.context] if self.context else [])

    def story(self, name):
        return command.penstock_json("describe", name, "-o", "json", *self.flags())

    def step(self, run, step):
        return next((s for s in self.story(run)["steps"] if s["name"] == step), {})

    def run_rows(self, pipeline=None, phase=None, limit=None):
        answer = command.penstock_json("get", "runs", "-o", "json", *self.flags())
        rows = [run_row(run) for run in answer["items"]]
        rows = [r for r in rows if (not pipeline or r["pipeline"] == pipeline) and (not phase or r["phase"] == phase)]
        rows.sort(key=lambda r: (r["created"] or "", r["name"]), reverse=True)
        return rows[:limit]

    def pipelines(self):
        answer = command.penstock_json("get", "pipelines", "-o", "json", *self.flags())
        return frame([{"name": p["metadata"]["name"], "lastRun": p.get("status", {}).get("lastRun", {}).get("name"),
                       "outcome": p.get("status", {}).get("lastRun", {}).get("outcome")} for p in answer["items"]])

    def log(self, run, step):
        return command.penstock("logs", run, step, *self.flags())

    @contextlib.contextmanager
    def reading(self):
        """A Gateway over the same runs, on this machine and for this block alone."""
        with local_api(self.flags()) as (url, token):
            yield Gateway(url, token, self.namespace)

    def metrics(self, run, step, names=None, item=None):
        with self.reading() as api:
            return api.metrics(run, step, names, item)

    def compare(self, before, after):
        """Two runs: parameters, code, data, metrics."""
        return command.penstock_json("diff", before, after, "-o", "json", *self.flags(), codes=(0, 1))

    def fetch(self, artifact, folder=None):
        """A copy of sha256:..., RUN/STEP/OUTPUT or PIPELINE/OUTPUT; its path."""
        folder = str(folder or new_folder())
        command.penstock("artifact", "get", artifact, folder, *self.flags())
        return pathlib.Path(folder)

    def put(self, path):
        """Stores a file or folder; its digest, which is an input as it stands."""
        return command.penstock("artifact", "put", str(path), *self.flags()).strip()

    def __repr__(self):
        return f"<penstock {' '.join(self.flags()) or 'here'}>"


def run_row(run):
    """The row of a PipelineRun as the API server has it."""
    meta, spec, status = run["metadata"], run.get("spec", {}), run.get("status", {})
    conditions = {c["type"]: c for c in status.get("conditions", [])}
    succeeded = conditions.get("Succeeded", {})
    if conditions.get("Finished", {}).get("status") == "True":
        phase = {"True": "Succeeded"}.get(succeeded.get("status"), "Cancelled" if succeeded.get("reason") == "Cancelled" else "Failed")
    elif conditions.get("Stalled", {}).get("status") == "True":
        phase = "Invalid"
    else:
        phase = "Running" if status.get("summary") else "Pending"
    return {"name": meta["name"], "pipeline": spec.get("pipelineRef", {}).get("name", ""), "phase": phase,
            "reason": succeeded.get("reason", ""), "message": succeeded.get("message", ""), "created": meta.get("creationTimestamp"),
            "started": status.get("startTime"), "finished": status.get("finishTime"),
            **flat(spec.get("parameters"), "parameters"), **flat(status.get("results"), "results")}


def metric_rows(api, run, step=None, names=None, item=None):
    """Rows of run, step, item (of a looped step), name, at, value, time. Without `item` all items of it."""
    steps = {s["name"]: s for s in Run(run, api).story.get("steps", [])}
    if step is not None and step not in steps:
        raise PenstockError(f"the run {run} has no step {step}")
    if item is not None and (step is None or "items" not in steps[step]):
        raise PenstockError(f"item={item} is of a looped step: " + ("name the step" if step is None else f"{step} of {run} is none"))
    for one in [step] if step else steps:
        total = steps[one].get("items", {}).get("total")
        if item is not None and not 0 <= item < total:
            raise PenstockError(f"the step {one} of {run} has {total} items, counted from 0, and no item {item}")
        which = [None] if total is None else [item] if item is not None else range(total)
        yield from _rows_of(api, run, one, which, names, strict=step is not None)


def _rows_of(api, run, step, which, names, strict):
    """What has no pod has no metrics (a skipped item, a Pipeline, an approval); `strict`: that is told where nothing else is."""
    refused, seen = None, 0
    for item in which:
        try:
            points = api.metrics(run, step, names, item)
        except ApiError as error:
            if error.status != 404:
                raise
            refused = refused or error
            continue
        seen += 1
        yield from ({"run": run, "step": step, **({} if item is None else {"item": item}), **point} for point in points)
    if strict and refused and not seen:
        raise refused


def points_of(answer, names=None):
    """Points of the API's {series: [{name, points: [[step, value, time]]}]}: {name, at, value, time}."""
    out = []
    for series in answer.get("series", []):
        if names and series["name"] not in names:
            continue
        for point in series["points"]:
            step, value, *time = point
            out.append({"name": series["name"], "at": step, "value": value, "time": time[0] if time else None})
    return out


class Gateway(Source):
    """The gateway's API, v1, as whoever the token says."""

    def __init__(self, url, token=None, namespace=None, ca_file=None):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise PenstockError(f"{url!r} is no URL of a gateway: https://...")
        if token and parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise PenstockError(f"a token is not sent to {url} in the clear: use https://")
        self.url, self.token = url.rstrip("/"), token
        self._tls = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
        self._namespace = namespace

    @property
    def namespace(self):
        """The one that was given, or the only one that there is."""
        if self._namespace is None:
            known = self.get("/api/v1/me")["namespaces"]
            if len(known) != 1:
                raise PenstockError(f"say which namespace: namespace=... of {', '.join(known) or 'none'}")
            self._namespace = known[0]
        return self._namespace

    def send(self, method, path, query=None, body=None):
        """The response's bytes and headers; ApiError has the gateway's own words."""
        url = self.url + path
        query = {k: v for k, v in (query or {}).items() if v is not None}
        if query:
            url += "?" + urllib.parse.urlencode(query, doseq=True)
        headers = {"Accept": "application/json", "User-Agent": "penstock-sdk"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None
        if method != "GET":
            headers["X-Penstock-Request"] = "1"
            data, headers["Content-Type"] = json.dumps(body or {}).encode(), "application/json"
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60, context=self._tls) as answer:
                return answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            raise self._told(error) from error
        except (urllib.error.URLError, OSError) as error:
            raise ApiError(f"{self.url} does not answer: {getattr(error, 'reason', error)}") from error

    def _told(self, error):
        text = error.read(65536)
        try:
            told = json.loads(text)["error"]
            field = f" (field {told['field']})" if told.get("field") else ""
            return ApiError(f"{told['code']}: {told['message']}{field}", error.code, told["code"])
        except (ValueError, KeyError, TypeError):
            return ApiError(f"{self.url} answered {error.code} {error.reason}", error.code)

    def get(self, path, **query):
        return json.loads(self.send("GET", path, query)[0])

    def items(self, path, limit=None, **query):
        """All items of a list, page by page."""
        out, after = [], None
        while limit is None or len(out) < limit:
            page = self.get(path, limit=min(500, (limit or len(out) + 500) - len(out)), after=after, **query)
            out += page["items"]
            after = page.get("next")
            if not after:
                break
        return out

    def at(self, *parts):
        return "/".join(["/api/v1/namespaces", *(urllib.parse.quote(p, safe="") for p in (self.namespace, *parts))])

    def story(self, name):
        return self.get(self.at("runs", name))

    def step(self, run, step):
        return self.get(self.at("runs", run, "steps", step))

    def run_rows(self, pipeline=None, phase=None, limit=None):
        return self.items(self.at("runs"), limit or 500, pipeline=pipeline, phase=phase)

    def pipelines(self):
        return frame(self.items(self.at("pipelines")))

    def log(self, run, step):
        return self.send("GET", self.at("runs", run, "steps", step, "log"))[0].decode(errors="replace")

    @contextlib.contextmanager
    def reading(self):
        yield self

    def metrics(self, run, step, names=None, item=None):
        """Points of a step; of a looped one those of the item, from 0."""
        path = self.at("runs", run, "steps", step, "metrics")
        return points_of(self.get(path, names=",".join(names) if names else None, item=item), names)

    def compare(self, *runs):
        return self.get(self.at("compare"), runs=list(runs))

    def start(self, pipeline, parameters=None, name=None):
        """Starts a run of a Pipeline that is there; the Run."""
        body = {"pipeline": pipeline, "parameters": parameters or {}, **({"name": name} if name else {})}
        row = json.loads(self.send("POST", self.at("runs"), body=body)[0])
        return Run(row["name"], self)

    def cancel(self, run):
        """Asks a run to end; what it does already is done to its end."""
        self.send("POST", self.at("runs", run, "cancel"))

    def lineage(self, **query):
        """Of artifact=, model= or request=: nodes and edges."""
        return self.get(self.at("lineage"), **query)

    def fetch(self, artifact, folder=None):
        """A copy of an artifact by its digest, or RUN/STEP/OUTPUT; its path."""
        if not artifact.startswith("sha256:"):
            run, step, output = artifact.split("/")
            known = {use["name"]: use for use in self.step(run, step).get("outputs", [])}
            if output not in known:
                raise PenstockError(f"the step {step} of {run} has no output {output}; it has {', '.join(known) or 'none'}")
            artifact = known[output]["digest"]
        told = self.get(self.at("artifacts", artifact))
        target = pathlib.Path(folder or new_folder())
        if not told.get("folder"):
            target.write_bytes(self._content(artifact, told["files"][0]["path"] if told.get("files") else ""))
            return target
        for file in told["files"]:
            path = target / file["path"]
            if target.resolve() not in path.resolve().parents:
                raise PenstockError(f"the gateway names a file outside of the artifact: {file['path']!r}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._content(artifact, file["path"]))
        return target

    def _content(self, digest, path):
        return self.send("GET", f"{self.at('artifacts', digest, 'content')}/{urllib.parse.quote(path)}")[0]

    def __repr__(self):
        return f"<penstock at {self.url}>"
