"""The rows by KServe's SDK; its argument: json, binary or grpc."""
import asyncio
import json
import sys

import frame
import grpc
import httpx
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.utils.numpy_codec import from_np_dtype

url, address, rows = frame.read()
form = sys.argv[3]
inputs = []
for name in rows:
    values = rows[name].to_numpy()
    tensor = InferInput(name, [len(values)], from_np_dtype(values.dtype))
    tensor.set_data_from_numpy(values, binary_data=form != "json")
    inputs.append(tensor)


async def ask():
    request = InferRequest("flights", inputs)
    if form == "grpc":
        return await InferenceGRPCClient(address).infer(request)
    return await InferenceRESTClient(RESTConfig(protocol="v2")).infer(url, request, "flights")


try:
    answer = asyncio.run(ask())
    print(json.dumps(next(o for o in answer.outputs if o.name == "probability").as_numpy().ravel().tolist()))
except httpx.HTTPStatusError as problem:
    print(json.dumps(str(problem)))
except grpc.RpcError as problem:
    print(json.dumps(problem.details()))
