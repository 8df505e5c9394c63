#!/usr/bin/env python3
"""usage: predict.py http://HOST:PORT MODEL '{"column": [values], ...}'     prints the outputs by name"""
import json
import sys
import urllib.error
import urllib.request


def datatype(values):
    kinds = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}
    found = {kinds[type(v)] for v in values if v is not None}
    return "FP64" if found == {"INT64", "FP64"} else (found or {"BYTES"}).pop()


url, model, columns = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
body = {"inputs": [{"name": n, "shape": [len(v)], "datatype": datatype(v), "data": v} for n, v in columns.items()]}
request = urllib.request.Request(f"{url}/v2/models/{model}/infer", json.dumps(body).encode(),
                                 {"Content-Type": "application/json"})
try:
    with urllib.request.urlopen(request, timeout=10) as response:
        print(json.dumps({o["name"]: o["data"] for o in json.load(response)["outputs"]}, ensure_ascii=False))
except urllib.error.HTTPError as e:  # the server says which column is wrong
    sys.exit(f"{e.code}: {json.load(e)['error']}")
