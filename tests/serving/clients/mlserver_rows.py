"""The rows as MLServer's codec for pandas writes a request."""
import json
import urllib.error
import urllib.request

from mlserver.codecs import NumpyCodec, PandasCodec
from mlserver.types import InferenceResponse

import frame

url, _, rows = frame.read()
body = PandasCodec.encode_request(rows, use_bytes=False).model_dump_json()
try:
    request = urllib.request.Request(f"{url}/v2/models/flights/infer", body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = InferenceResponse.model_validate_json(response.read())
    output = next(o for o in answer.outputs if o.name == "probability")
    print(json.dumps(NumpyCodec.decode_output(output).ravel().tolist()))
except urllib.error.HTTPError as problem:
    print(json.dumps(json.load(problem)["error"]))
