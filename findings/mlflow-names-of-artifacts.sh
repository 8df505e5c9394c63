#!/usr/bin/env bash
# mlflow-skinny 3.17.2: log_artifact to a tracking server (mlflow-artifacts:) quotes no name of a file. `a#1.txt` and `a#2.txt` are
# both uploaded as `a`, the second over the first, and the call says nothing; of `b?1.txt` the name is `b` and the rest a query;
# `c%20d.txt` becomes the file `c d.txt`. A server cannot tell the first from a file that is called `a`.
# Output seen: see `want` below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install --only-binary :all: mlflow-skinny==3.17.2 requests==2.34.2
cat >"$folder/look.py" <<'PYTHON'
import http.server
import pathlib
import sys
import threading
import urllib.parse


class Recorder(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        target = urllib.parse.urlsplit(self.path)
        name = urllib.parse.unquote(target.path.rsplit("/", 1)[1])
        print(f"uploaded as {name!r}" + (f", query {target.query!r}" if target.query else ""), flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Recorder)
threading.Thread(target=server.serve_forever, daemon=True).start()
from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository  # noqa: E402

repository = MlflowArtifactsRepository("mlflow-artifacts:/0/run/artifacts", tracking_uri=f"http://127.0.0.1:{server.server_address[1]}")
for name in ("a#1.txt", "a#2.txt", "b?1.txt", "c%20d.txt", "e.txt"):
    file = pathlib.Path(sys.argv[1]) / name
    file.write_text(name)
    print(name, end=": ", flush=True)
    repository.log_artifact(str(file))
PYTHON
want="a#1.txt: uploaded as 'a'
a#2.txt: uploaded as 'a'
b?1.txt: uploaded as 'b', query '1.txt'
c%20d.txt: uploaded as 'c d.txt'
e.txt: uploaded as 'e.txt'"
got=$("$folder/venv/bin/python" "$folder/look.py" "$folder" 2>/dev/null)
echo "$got"
[ "$got" = "$want" ] || { echo "this changed; expected:"; echo "$want"; exit 1; }
