"""The rows by tritonclient; its argument: http-binary, http-json or grpc."""
import json
import sys

import numpy as np
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

import frame

url, grpc, rows = frame.read()
form = sys.argv[3]
library = tritonclient.grpc if form == "grpc" else tritonclient.http
client = library.InferenceServerClient(grpc if form == "grpc" else url.removeprefix("http://"))
inputs = []
for name in rows:
    values = rows[name].to_numpy()
    datatype = np_to_triton_dtype(values.dtype)
    tensor = library.InferInput(name, [len(values)], datatype)
    if form == "grpc":
        tensor.set_data_from_numpy(values)
    else:
        tensor.set_data_from_numpy(np.array(values), binary_data=form == "http-binary")
    inputs.append(tensor)
try:
    print(json.dumps(client.infer("flights", inputs).as_numpy("probability").ravel().tolist()))
except InferenceServerException as problem:
    print(json.dumps(problem.message()))
