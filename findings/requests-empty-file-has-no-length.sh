#!/usr/bin/env bash
# requests 2.34.2: put(url, data=file) says the file's length (Content-Length), but of an empty file it says none: it is sent with
# "Transfer-Encoding: chunked". A server that wants a length takes every file but those that are empty; MLflow's client, which
# uploads artifacts so, is one of those who meet it. An empty bytes object has "Content-Length: 0" instead.
# Output seen: see `want` below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install --only-binary :all: requests==2.34.2
cat >"$folder/look.py" <<'PYTHON'
import pathlib
import sys

import requests


def told(data):
    headers = requests.Request("PUT", "http://127.0.0.1/", data=data).prepare().headers
    return f"Content-Length {headers.get('Content-Length')}, Transfer-Encoding {headers.get('Transfer-Encoding')}"


folder = pathlib.Path(sys.argv[1])
for name, content in (("empty", b""), ("full", b"x")):
    (folder / name).write_bytes(content)
    with open(folder / name, "rb") as file:
        print(f"{name} file: {told(file)}")
print(f"empty bytes: {told(b'')}")
PYTHON
want="empty file: Content-Length None, Transfer-Encoding chunked
full file: Content-Length 1, Transfer-Encoding None
empty bytes: Content-Length 0, Transfer-Encoding None"
got=$("$folder/venv/bin/python" "$folder/look.py" "$folder")
echo "$got"
[ "$got" = "$want" ] || { echo "this changed; expected:"; echo "$want"; exit 1; }
