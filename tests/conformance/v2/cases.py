"""What a server of the Open Inference Protocol V2 over REST must do, one function a rule.

The texts: the protocol (open-inference-protocol, inference_rest.md), Triton's extensions for binary tensors, the model repository and
statistics, and RFC 9110 for HTTP. A server serves one model `m`: x FP32 [-1, 64] -> one FP32 output [-1, 10]. Where a text says
"typically 400", a fault of the client must be a 4xx with {"error": text}: proxies, retries and alerts go by the class of the code.

A rule raises AssertionError saying what came instead.
"""
import collections
import gzip
import http.client
import json
import math
import struct

Answer = collections.namedtuple("Answer", "status headers body")
VALUES = [round(((i * 37) % 101) / 101 - 0.5, 4) for i in range(64)]
OCTETS = {"Content-Type": "application/octet-stream"}


class Server:
    """One server under test; a connection for each call, so that one call's fault is not the next one's."""

    def __init__(self, port, input_name="x", batch=True):
        self.port, self.input, self.model = port, input_name, "/v2/models/m"

    def call(self, method, path, body=None, headers=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            if isinstance(body, (dict, list)):
                body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}
            c.request(method, path, body, headers or {})
            r = c.getresponse()
            return Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())
        except (ConnectionError, http.client.HTTPException, TimeoutError) as e:
            raise AssertionError(f"no answer: {type(e).__name__} {e}") from e
        finally:
            c.close()

    def get(self, path):
        return self.call("GET", path)

    def infer(self, body, headers=None, path=None):
        return self.call("POST", path or f"{self.model}/infer", body, headers)

    def x(self, data=None, shape=None, **more):
        data = VALUES if data is None else data
        return {"name": self.input, "shape": shape or [1, 64], "datatype": "FP32", "data": data, **more}

    def without(self, field):
        return {k: v for k, v in self.x().items() if k != field}

    def one(self, tensor=None, **more):
        return {"inputs": [tensor or self.x()], **more}

    def good(self, body=None, headers=None):
        a = self.infer(body or self.one(), headers)
        assert a.status == 200, f"{a.status} {a.body[:200]!r}"
        return a


def parsed(a):
    try:
        return json.loads(a.body)
    except ValueError as e:
        raise AssertionError(f"{a.status} with a body that is no JSON: {a.body[:100]!r}") from e


def output(a):
    out = parsed(a)["outputs"]
    assert len(out) == 1, f"{len(out)} outputs"
    flat = out[0]["data"]
    while flat and isinstance(flat[0], list):
        flat = [v for row in flat for v in row]
    assert len(flat) == math.prod(out[0]["shape"]), f"{len(flat)} values for shape {out[0]['shape']}"
    return flat


def near(a, b):
    assert len(a) == len(b) and all(math.isclose(x, y, rel_tol=1e-5, abs_tol=1e-6) for x, y in zip(a, b)), f"{a[:3]} is not {b[:3]}"


def refused(a, *codes):
    """A fault of the client, told as one."""
    text = a.body[:120].decode(errors="replace")
    assert a.status in (codes or (400,)), f"{a.status} {text}"
    error = parsed(a)
    assert isinstance(error, dict) and isinstance(error.get("error"), str) and error["error"], f"{a.status} without {{\"error\": text}}: {text}"


def alive(s):
    assert s.get("/v2/health/ready").status == 200, "not ready any more"
    s.good()


CASES = {}


def rule(group, text):
    def add(check):
        assert check.__name__ not in CASES
        CASES[check.__name__] = (group, text, check)
        return check
    return add


def faulty(name, text, make, group="faults in JSON", codes=(400,)):
    """A request that must be refused, and after which the server still serves."""
    def check(s):
        body = make(s)
        refused(s.infer(body if isinstance(body, (dict, list)) else body, {"Content-Type": "application/json"}), *codes)
        alive(s)
    check.__name__ = name
    rule(group, text)(check)


# Health and metadata

@rule("health and metadata", "live, ready and the model's ready answer 200")
def health(s):
    for path in ("/v2/health/live", "/v2/health/ready", f"{s.model}/ready"):
        assert s.get(path).status == 200, f"{path}: {s.get(path).status}"


@rule("health and metadata", "the server's metadata has name, version and a list of extensions")
def server_metadata(s):
    m = parsed(s.get("/v2"))
    assert isinstance(m.get("name"), str) and isinstance(m.get("version"), str), m
    assert isinstance(m.get("extensions"), list) and all(isinstance(e, str) for e in m["extensions"]), m


@rule("health and metadata", "the model's metadata has name, platform, inputs and outputs with datatype and shape")
def model_metadata(s):
    m = parsed(s.get(s.model))
    assert m.get("name") == "m" and isinstance(m.get("platform"), str) and m["platform"], m
    for side in ("inputs", "outputs"):
        assert len(m.get(side) or []) == 1, f"{side}: {m.get(side)}"
        t = m[side][0]
        assert t["datatype"] == "FP32" and isinstance(t["name"], str), t
        assert isinstance(t["shape"], list) and all(isinstance(d, int) for d in t["shape"]), t
    assert m["inputs"][0]["shape"][-1] == 64, m["inputs"][0]


@rule("health and metadata", "a version that the metadata lists has metadata, ready and infer of its own")
def versions(s):
    for v in parsed(s.get(s.model)).get("versions") or []:
        assert s.get(f"{s.model}/versions/{v}").status == 200
        assert s.get(f"{s.model}/versions/{v}/ready").status == 200
        assert s.infer(s.one(), path=f"{s.model}/versions/{v}/infer").status == 200


@rule("health and metadata", "an unknown model is 404 with an error, for metadata and infer; its ready is a 4xx")
def unknown_model(s):
    refused(s.get("/v2/models/nosuch"), 404)
    refused(s.infer(s.one(), path="/v2/models/nosuch/infer"), 404)
    assert 400 <= s.get("/v2/models/nosuch/ready").status < 500, f"ready: {s.get('/v2/models/nosuch/ready').status}"


@rule("health and metadata", "an unknown version is 404 with an error")
def unknown_version(s):
    refused(s.get(f"{s.model}/versions/77"), 404)
    refused(s.infer(s.one(), path=f"{s.model}/versions/77/infer"), 404)


@rule("HTTP", "an unknown path is 404 with an error")
def unknown_path(s):
    refused(s.get("/v2/nosuch"), 404)


@rule("HTTP", "a method that a path does not have is 405")
def wrong_method(s):
    for a in (s.get(f"{s.model}/infer"), s.call("POST", "/v2/health/live", b"")):
        assert a.status == 405, a.status


@rule("HTTP", "a 405 names the methods that the path has (Allow, RFC 9110 15.5.6)")
def allow(s):
    assert s.get(f"{s.model}/infer").headers.get("allow", "") == "POST", s.get(f"{s.model}/infer").headers


@rule("HTTP", "JSON answers say that they are JSON")
def content_type(s):
    for a in (s.get("/v2"), s.get(s.model), s.good()):
        assert a.headers.get("content-type", "").startswith("application/json"), a.headers.get("content-type")


@rule("HTTP", "a chunked request body is taken")
def chunked(s):
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=20)
    try:
        body = json.dumps(s.one()).encode()
        c.request("POST", f"{s.model}/infer", iter([body[:100], body[100:]]), {"Content-Type": "application/json"}, encode_chunked=True)
        assert c.getresponse().status == 200
    finally:
        c.close()


@rule("HTTP", "a connection serves one request after another, after a refused one too")
def keep_alive(s):
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=20)
    try:
        for body, want in ((s.one(), True), ({"inputs": []}, False), (s.one(), True)):
            c.request("POST", f"{s.model}/infer", json.dumps(body), {"Content-Type": "application/json"})
            socket = c.sock
            r = c.getresponse()
            r.read()
            assert (r.status == 200) == want, r.status
            assert c.sock is socket and socket is not None, "the connection was closed"
    finally:
        c.close()


@rule("HTTP", "a gzip body is taken")
def gzip_request(s):
    body = gzip.compress(json.dumps(s.one()).encode())
    near(output(s.good(body, {"Content-Type": "application/json", "Content-Encoding": "gzip"})), output(s.good()))


@rule("HTTP", "an answer is gzip where the client takes it and the answer is large, and right")
def gzip_answer(s):
    a = s.good(s.one(s.x(VALUES * 64, [64, 64])), {"Accept-Encoding": "gzip"})
    assert a.headers.get("content-encoding") == "gzip", "not compressed"
    assert len(output(a._replace(body=gzip.decompress(a.body)))) == 640


@rule("HTTP", "a body that is no gzip although it says so is 400")
def broken_gzip(s):
    refused(s.infer(b"not gzip at all", {"Content-Type": "application/json", "Content-Encoding": "gzip"}))
    alive(s)


@rule("HTTP", "a compression that the server does not know is a 4xx (415, RFC 9110 8.4)")
def unknown_compression(s):
    refused(s.infer(b"x", {"Content-Type": "application/json", "Content-Encoding": "br"}), 400, 415)
    alive(s)


# Infer

@rule("infer", "the answer has model_name and outputs with name, shape, datatype and data")
def infer(s):
    a = parsed(s.good())
    assert a["model_name"] == "m", a["model_name"]
    t = a["outputs"][0]
    assert isinstance(t["name"], str) and t["datatype"] == "FP32" and t["shape"] == [1, 10], t
    output(s.good())


@rule("infer", "the metadata's output is the answer's")
def as_described(s):
    described, t = parsed(s.get(s.model))["outputs"][0], parsed(s.good())["outputs"][0]
    assert (t["name"], t["datatype"]) == (described["name"], described["datatype"]), f"{t['name']}, described as {described['name']}"
    assert len(t["shape"]) == len(described["shape"]), f"shape {t['shape']}, described as {described['shape']}"


@rule("infer", "nested data are the same as flat")
def nested(s):
    near(output(s.good(s.one(s.x([VALUES])))), output(s.good()))


@rule("infer", "rows come back in order")
def rows(s):
    half = [v / 2 for v in VALUES]
    both = output(s.good(s.one(s.x(VALUES + half, [2, 64]))))
    near(both[:10], output(s.good()))
    near(both[10:], output(s.good(s.one(s.x(half)))))


@rule("infer", "integers are taken for FP32, as JSON has one kind of number")
def integers(s):
    s.good(s.one(s.x([1] * 64)))


@rule("infer", "the id is echoed")
def echo_id(s):
    assert parsed(s.good(s.one(id="a/b \"c\" 한글")))["id"] == "a/b \"c\" 한글", parsed(s.good(s.one(id="a/b \"c\" 한글"))).get("id")


@rule("infer", "parameters of request, input and output are taken")
def parameters(s):
    name = parsed(s.good())["outputs"][0]["name"]
    s.good({"parameters": {"a": 1, "b": "x", "c": True}, "inputs": [s.x(parameters={"d": 1})], "outputs": [{"name": name, "parameters": {"e": "y"}}]})


@rule("infer", "an output that is asked for by name comes back")
def chosen_output(s):
    name = parsed(s.good())["outputs"][0]["name"]
    output(s.good(s.one(outputs=[{"name": name}])))


@rule("infer", "an output that the model does not have is refused")
def unknown_output(s):
    refused(s.infer(s.one(outputs=[{"name": "nosuch"}])))


@rule("infer", "absent members are absent, not null (the schema has no null)")
def no_nulls(s):
    a = parsed(s.good())
    assert not [k for k, v in a.items() if v is None], [k for k, v in a.items() if v is None]
    assert not [k for k, v in a["outputs"][0].items() if v is None], a["outputs"][0]


# Faults of the client

faulty("no_json", "a body that is no JSON", lambda s: b"{nope")
faulty("empty_body", "an empty body", lambda s: b"")
faulty("no_object", "JSON that is no object", lambda s: b"[1]")
faulty("invalid_utf8", "JSON that is not UTF-8", lambda s: b'{"id": "\xff\xfe", "inputs": []}')
faulty("no_inputs", "no inputs", lambda s: {"id": "1"})
faulty("empty_inputs", "an empty list of inputs", lambda s: {"inputs": []})
faulty("inputs_no_list", "inputs that are no list", lambda s: {"inputs": s.x()})
faulty("data_short", "too few data", lambda s: s.one(s.x(VALUES[:63])))
faulty("data_long", "too many data", lambda s: s.one(s.x(VALUES + [0.5])))
faulty("data_text", "text where numbers belong", lambda s: s.one(s.x(["a"] * 64)))
faulty("data_numeric_text", "numbers in quotes", lambda s: s.one(s.x(["1.5"] * 64)))
faulty("data_null", "null in data", lambda s: s.one(s.x([None] * 64)))
faulty("data_boolean", "booleans in FP32 data", lambda s: s.one(s.x([True] * 64)))
faulty("data_objects", "objects in data", lambda s: s.one(s.x([{}] * 64)))
faulty("data_ragged", "rows of unequal length", lambda s: s.one(s.x([VALUES[:32], VALUES[:31], [0.5]], [2, 32])))
faulty("data_nested_otherwise", "nested otherwise than the shape", lambda s: s.one(s.x([[v] for v in VALUES])))
faulty("data_nan", "NaN, which JSON does not have", lambda s: json.dumps(s.one()).replace(str(VALUES[5]), "NaN", 1).encode())
faulty("data_1e400", "a number beyond any double", lambda s: json.dumps(s.one()).replace(str(VALUES[5]), "1e400", 1).encode())
faulty("no_data", "no data", lambda s: s.one(s.without("data")))
faulty("no_shape", "no shape", lambda s: s.one(s.without("shape")))
faulty("no_datatype", "no datatype", lambda s: s.one(s.without("datatype")))
faulty("no_name", "no name", lambda s: s.one(s.without("name")))
faulty("wrong_name", "a name that the model does not have", lambda s: s.one(s.x() | {"name": "nosuch"}))
faulty("wrong_datatype", "a datatype that cannot become the model's", lambda s: s.one(s.x(["a"] * 64) | {"datatype": "BYTES"}))
faulty("unknown_datatype", "a datatype that does not exist", lambda s: s.one(s.x() | {"datatype": "FP31"}))
faulty("fp16_json", "FP16, which has no JSON form", lambda s: s.one(s.x() | {"datatype": "FP16"}))
faulty("wrong_width", "63 values a row", lambda s: s.one(s.x(VALUES[:63], [1, 63])))
faulty("wrong_rank", "a dimension too many", lambda s: s.one(s.x(VALUES, [1, 1, 64])))
faulty("negative_dimension", "a negative dimension", lambda s: s.one(s.x(VALUES, [-1, 64])))
faulty("fraction_dimension", "a dimension with a fraction", lambda s: s.one(s.x(VALUES, [1.5, 64])))
faulty("huge_dimension", "a dimension of 2^63 - 1 (elements overflow)", lambda s: s.one(s.x(VALUES, [2**63 - 1, 64])))
faulty("overflowing_dimensions", "dimensions whose product is 2^64", lambda s: s.one(s.x(VALUES, [2**32, 2**32])))
faulty("input_twice", "the same input twice", lambda s: {"inputs": [s.x(), s.x()]})
faulty("input_extra", "an input that the model does not have, beside its own", lambda s: {"inputs": [s.x(), s.x() | {"name": "more"}]})
faulty("integer_id", "an id that is no text", lambda s: s.one(id=7))
faulty("deep_json", "JSON nested 100,000 deep", lambda s: b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")


# Binary tensors

def binary(s, blob=None, size=None, header=None, outputs=None, **more):
    blob = struct.pack("<64f", *VALUES) if blob is None else blob
    tensor = s.without("data") | {"parameters": {"binary_data_size": len(blob) if size is None else size}}
    body = json.dumps({"inputs": [tensor], **({"outputs": outputs} if outputs else {}), **more}).encode()
    return s.infer(body + blob, {**OCTETS, "Inference-Header-Content-Length": str(len(body) if header is None else header)})


def binary_output(a):
    n = int(a.headers["inference-header-content-length"])
    t = json.loads(a.body[:n])["outputs"][0]
    assert t["parameters"]["binary_data_size"] == len(a.body) - n and "data" not in t, t
    return list(struct.unpack(f"<{(len(a.body) - n) // 4}f", a.body[n:]))


@rule("binary tensors", "an input in binary")
def binary_in(s):
    a = binary(s)
    assert a.status == 200, f"{a.status} {a.body[:150]!r}"
    near(output(a), output(s.good()))


@rule("binary tensors", "all outputs in binary (binary_data_output)")
def binary_out(s):
    near(binary_output(s.good(s.one(parameters={"binary_data_output": True}))), output(s.good()))


@rule("binary tensors", "one output in binary (binary_data)")
def binary_out_one(s):
    name = parsed(s.good())["outputs"][0]["name"]
    near(binary_output(s.good(s.one(outputs=[{"name": name, "parameters": {"binary_data": True}}]))), output(s.good()))


@rule("binary tensors", "both ways in one request")
def binary_both(s):
    a = binary(s, parameters={"binary_data_output": True})
    assert a.status == 200, f"{a.status} {a.body[:150]!r}"
    near(binary_output(a), output(s.good()))


@rule("binary tensors", "a raw request: header length 0, the body is the tensor")
def binary_raw(s):
    a = s.infer(struct.pack("<64f", *VALUES), {**OCTETS, "Inference-Header-Content-Length": "0"})
    assert a.status == 200, f"{a.status} {a.body[:150]!r}"
    near(binary_output(a), output(s.good()))


def binary_fault(name, text, make):
    def check(s):
        refused(make(s))
        alive(s)
    check.__name__ = name
    rule("faults in binary tensors", text)(check)


BLOB = struct.pack("<64f", *VALUES)
binary_fault("blob_short", "4 bytes too few", lambda s: binary(s, BLOB[:-4], 256))
binary_fault("blob_long", "4 bytes too many", lambda s: binary(s, BLOB + b"\0\0\0\0", 256))
binary_fault("size_short", "a size that the shape does not have", lambda s: binary(s, BLOB[:-4]))
binary_fault("size_negative", "a negative size", lambda s: binary(s, size=-256))
binary_fault("size_huge", "a size of 2^63 - 1", lambda s: binary(s, size=2**63 - 1))
binary_fault("size_text", "a size that is text", lambda s: binary(s, size="256"))
binary_fault("header_beyond", "a header length beyond the body", lambda s: binary(s, header=10**6))
binary_fault("header_negative", "a negative header length", lambda s: binary(s, header=-1))
binary_fault("header_no_number", "a header length that is no number", lambda s: binary(s, header="ten"))
binary_fault("raw_short", "a raw request 4 bytes short", lambda s: s.infer(BLOB[:-4], {**OCTETS, "Inference-Header-Content-Length": "0"}))


@rule("faults in binary tensors", "data and binary_data_size for one input")
def data_twice(s):
    body = json.dumps(s.one(s.x(parameters={"binary_data_size": 256}))).encode()
    refused(s.infer(body + BLOB, {**OCTETS, "Inference-Header-Content-Length": str(len(body))}))
    alive(s)


# Repository and statistics

@rule("repository and statistics", "the index names the model and its state")
def index(s):
    a = s.call("POST", "/v2/repository/index", {})
    assert a.status == 200, a.status
    assert [m for m in parsed(a) if m["name"] == "m" and m.get("state") == "READY"], a.body[:200]


@rule("repository and statistics", "load of a model that the repository does not have is a 4xx")
def load_unknown(s):
    refused(s.call("POST", "/v2/repository/models/nosuch/load", {}), 400, 404)


@rule("repository and statistics", "the statistics count requests that succeeded and that failed")
def statistics(s):
    def stats():
        a = s.get(f"{s.model}/stats")
        assert a.status == 200, a.status
        return parsed(a)["model_stats"][0]["inference_stats"]
    before = stats()
    s.good()
    s.infer(s.one(s.x(VALUES[:63], [1, 63])))
    after = stats()
    assert after["success"]["count"] == before["success"]["count"] + 1, "success"
    assert after["fail"]["count"] == before["fail"]["count"] + 1, "fail"
