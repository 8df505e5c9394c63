"""A stand-in for the gateway's API, as far as the Airflow example asks: runs that are started, stand, end and are cancelled."""
import http.server
import json
import threading


class Gateway(http.server.ThreadingHTTPServer):
    """`runs`: {name: story}; a run is Running for `looks` looks, then as `ends` says. `away`: looks that are answered with 503."""

    def __init__(self, looks=2, ends=None):
        super().__init__(("127.0.0.1", 0), Api)
        self.runs, self.started, self.cancelled, self.looks, self.away = {}, [], [], looks, 0
        self.ends = ends or {"phase": "Succeeded", "results": {"auc": 0.7}, "outputs": [{"name": "model", "digest": "sha256:aa"}]}
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class Api(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, code, body):
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refused(self, code, word, message):
        self.answer(code, {"error": {"code": word, "message": message}})

    def do_POST(self):
        body, server = json.loads(self.rfile.read(int(self.headers["Content-Length"]))), self.server
        parts = self.path.split("/")[3:]
        if self.headers.get("X-Penstock-Request") != "1" or self.headers.get("Authorization") != "Bearer secret":
            return self.refused(401, "Unauthorized", "no token, or no header")
        if parts == ["namespaces", "team", "runs"]:
            if body["name"] in server.runs:
                return self.refused(409, "AlreadyExists", f"there is a run {body['name']}")
            if body["pipeline"] != "flights":
                return self.refused(404, "NotFound", f"there is no pipeline {body['pipeline']}")
            server.runs[body["name"]] = {"looks": 0, "ends": server.ends}
            server.started.append(body)
            return self.answer(201, {"name": body["name"]})
        if len(parts) == 5 and parts[4] == "cancel" and parts[3] in server.runs:
            server.runs[parts[3]]["ends"], server.runs[parts[3]]["looks"] = {"phase": "Cancelled", "message": "cancelled"}, server.looks
            server.cancelled.append(parts[3])
            return self.answer(202, {"name": parts[3]})
        return self.refused(404, "NotFound", f"there is no {self.path}")

    def do_GET(self):
        server, name = self.server, self.path.rpartition("/")[2]
        if server.away > 0:
            server.away -= 1
            return self.refused(503, "Unavailable", "not now")
        if name not in server.runs:
            return self.refused(404, "NotFound", f"there is no run {name}")
        run = server.runs[name]
        run["looks"] += 1
        return self.answer(200, {"name": name, **(run["ends"] if run["looks"] > server.looks else {"phase": "Running"})})
