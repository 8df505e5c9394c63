"""An hour of hostile traffic beside good traffic: nothing crashes, nothing leaks, the good is served as before.

The hostile side is a process of its own that runs only where nothing else wants the cores (SCHED_IDLE), since an attacker brings his
own: mutated requests, bodies that never end, gzip bombs, clients that send a byte a second, and connections that are reset in their
middle; over gRPC mutated calls, bombs, and messages that do not come on. It says what it got back, so that an hour in which nothing
hostile arrived is no success.
"""
import json
import os
import pathlib
import random
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "serving"))
import raw_grpc  # noqa: E402

HOUR, SEGMENT = 3600, 60  # seconds
BETWEEN = ("http",) * 7 + ("grpc",) * 3  # who is hostile in the segments between two calm ones
RATE, CONNECTIONS = 500, 8
SLOW = 200
STALLED, STALLED_MIB = 32, 60
GIB = 2**30
LEAK_MIB = 16


def rss(pid):
    return int(pathlib.Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


class LeastMemory(threading.Thread):
    """What a process holds when it holds least: bodies that are on their way come and go, a leak stays. MiB."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.over, self.seen = pid, threading.Event(), [rss(pid)]

    def run(self):
        while not self.over.wait(0.1):
            self.seen.append(rss(self.pid))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def steal():
    """Seconds that the host has kept from this machine's processors, where it is a virtual one."""
    return int(pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[8]) / os.sysconf("SC_CLK_TCK")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def run(table, options):
    from serving import Mlp, load
    from serving_peers import Ours, free_port
    seconds = int(HOUR * options.size)
    segment = min(SEGMENT, max(5, seconds // SEGMENT))
    with tempfile.TemporaryDirectory(prefix="penstock-hostile-") as folder:
        scratch = pathlib.Path(folder)
        grpc_port = free_port()
        arm = Ours(Mlp(scratch), scratch / "hostile", flags=("--grpc-port", str(grpc_port)))
        traffic = {}
        try:
            def p99(seconds=segment / 2):
                return load(arm, CONNECTIONS, seconds, RATE, first=True)["us"]["p99"]

            calm_files = descriptors(arm.process.pid)
            p99()
            for kind in ("http", "grpc"):
                traffic[kind] = subprocess.Popen([sys.executable, __file__, kind, str(arm.port), arm.target, str(arm.body), str(grpc_port)],
                                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            p99()  # until every kind has been there, and the allocator has what it keeps
            now = None

            def only(kind):
                """The others hold still, with what they hold open."""
                nonlocal now
                if kind == now:
                    return
                now = kind
                for name, process in traffic.items():
                    process.send_signal(signal.SIGCONT if name == kind else signal.SIGSTOP)
                time.sleep(2)

            def calm():
                """The machine's pace changes within the hour, so calm is measured all along."""
                only("nobody")
                return p99()

            calms, beside, least, most, took = [calm()], {"http": [], "grpc": []}, [], 0, 0
            while took < seconds:
                between = []
                for kind in BETWEEN:
                    only(kind)
                    start = time.monotonic()
                    with LeastMemory(arm.process.pid) as memory:
                        stolen = steal()
                        between.append((kind, p99(segment)))
                    print(f"  minute {len(between) + sum(map(len, beside.values()))}, {kind}: p99 {between[-1][1]:.0f} us, {steal() - stolen:.1f} s stolen", file=sys.stderr, flush=True)
                    took += time.monotonic() - start
                    if kind == "http":  # over gRPC memory is what is held of messages on their way, up to its bound
                        least.append(min(memory.seen))
                    most = max(most, *memory.seen)
                calms.append(calm())
                for kind, one in between:
                    beside[kind].append((one, one / statistics.mean(calms[-2:])))
            counts = {}
            for process in traffic.values():
                process.send_signal(signal.SIGCONT)
                process.stdin.close()
                counts |= json.loads(process.stdout.read())
                process.wait(60)
            crashed = arm.process.poll() is not None
            time.sleep(2)
            left = descriptors(arm.process.pid) - calm_files
        finally:
            for process in traffic.values():
                process.kill()
                process.wait()
            arm.stop()
    what = f"{took / 60:.0f} minutes"
    said = ", ".join(f"{k} {v}" for k, v in sorted(counts.items()))
    print(f"  hostile: {said}", file=sys.stderr, flush=True)
    table.at_most(f"hostile traffic, {what}: crashes", [float(crashed)], 0, "", said)
    for kind, name in (("http", "good traffic's p99, hostile against calm"), ("grpc", "the same, hostile over gRPC")):
        table.at_most(name, [ratio for _, ratio in beside[kind]], 2.0,
                      note=f"{statistics.median(us for us, _ in beside[kind]):.0f} us against {statistics.median(calms):.0f} us at {RATE}/s; "
                           f"worst {max(us for us, _ in beside[kind]):.0f} us, calm {min(calms):.0f} to {max(calms):.0f} us")
    third = max(1, len(least) // 3)
    grown = statistics.median(least[-third:]) - statistics.median(least[:third])
    table.at_most("memory at least, last third against first", [grown], LEAK_MIB, "MiB", f"{least[0]:.0f} MiB at first, {least[-1]:.0f} at last; {most:.0f} at most, with bodies on their way")
    table.at_most("descriptors left open", [left], 2, "")


class Hostile:
    """Every method is one attack, over and over until stopped."""

    def __init__(self, port, target, body, grpc_port):
        self.port, self.target, self.body, self.grpc_port = port, target, body, grpc_port
        self.stop, self.lock, self.counts, self.rng = threading.Event(), threading.Lock(), {}, random.Random(1)

    def count(self, what, n=1):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + n

    def connect(self, timeout=15):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def head(self, length, *more):
        lines = [f"POST {self.target} HTTP/1.1", "Host: h", "Content-Type: application/json", *([f"Content-Length: {length}"] if length is not None else []), *more]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def answered(self, s, what):
        """Counts the class of the answer; 2xx, 4xx, 5xx, none."""
        try:
            text = s.recv(65536)
            self.count(f"{what}: {chr(text[9])}xx" if text.startswith(b"HTTP/1.1 ") else f"{what}: closed")
        except OSError:
            self.count(f"{what}: closed")

    def mutate(self, text):
        rng, text = self.rng, bytearray(text)
        for _ in range(rng.choice((1, 1, 2, 5, 20))):
            at, how = rng.randrange(len(text) + 1), rng.randrange(6)
            if how == 0:
                del text[at:at + rng.randrange(1, 9)]
            elif how == 1:
                text[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9)))
            elif how == 2:
                text[at:at] = rng.choice((b"[", b"{", b"]", b"}", b"null", b"-", b"1e400", b"9" * 30, b'"', b"\\u", b"\0", "한".encode()))
            elif how == 3 and at < len(text):
                text[at] ^= 1 << rng.randrange(8)
            elif how == 4:
                text[at:at] = text[at // 2:at][:2000]
            elif how == 5:
                del text[at:]
            if not text:
                text = bytearray(b"x")
        return bytes(text)

    def mutated_bodies(self):
        blob = struct.pack("<64f", *([0.5] * 64))
        tensor = b'{"inputs":[{"name":"x","shape":[1,64],"datatype":"FP32","parameters":{"binary_data_size":256}}]}'
        while not self.stop.is_set():
            with self.connect() as s:
                if self.rng.random() < 0.5:
                    body = self.mutate(self.body)
                    s.sendall(self.head(len(body)) + body)
                else:
                    head, tail = self.mutate(tensor), self.mutate(blob)
                    said = len(head) if self.rng.random() < 0.8 else self.rng.choice((-1, 0, 10**12, "x"))
                    s.sendall(self.head(len(head) + len(tail), f"Inference-Header-Content-Length: {said}") + head + tail)
                self.answered(s, "mutated body")
            time.sleep(0.005)

    def mutated_heads(self):
        while not self.stop.is_set():
            with self.connect(3) as s:
                s.sendall(self.mutate(self.head(len(self.body))) + self.body)
                s.shutdown(socket.SHUT_WR)
                self.answered(s, "mutated head")
            time.sleep(0.01)

    def resets(self):
        while not self.stop.is_set():
            s = self.connect()
            text = self.head(len(self.body)) + self.body
            s.sendall(text[:self.rng.randrange(1, len(text) + 1)])
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
            self.count("reset")
            time.sleep(0.01)

    def endless_bodies(self):
        """A gigabyte with its length said, and without an end in chunks; both must be refused long before."""
        block = b"[" * 65536
        while not self.stop.is_set():
            for head, frame in ((self.head(GIB), block), (self.head(None, "Transfer-Encoding: chunked"), b"10000\r\n" + block + b"\r\n")):
                with self.connect() as s:
                    sent = 0
                    try:
                        s.sendall(head)
                        while sent < GIB and not self.stop.is_set():
                            sent += s.send(frame)
                    except OSError:
                        pass
                    self.count("endless body: MiB taken", sent >> 20)
                    self.answered(s, "endless body")
            time.sleep(1)

    def bombs(self):
        """Gzip of a thousand times its size."""
        pack = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = b"".join([pack.compress(b" " * 2**20) for _ in range(256)]) + pack.flush()
        while not self.stop.is_set():
            with self.connect() as s:
                s.sendall(self.head(len(bomb), "Content-Encoding: gzip") + bomb)
                self.answered(s, "gzip bomb")
            time.sleep(1)

    def slow_clients(self):
        """Many connections that send a byte a second, of a head or of a body."""
        text, held = self.head(len(self.body)) + self.body, {}
        while not self.stop.is_set():
            for s, at in list(held.items()):
                try:
                    s.send(text[at:at + 1])
                    held[s] = at + 1
                except OSError:
                    s.close()
                    del held[s]
                    self.count("slow client cut off")
            while len(held) < SLOW:
                s = self.connect()
                at = self.rng.choice((0, text.index(b"\r\n\r\n") + 4))
                s.sendall(text[:at])
                held[s] = at
                self.count("slow client")
            self.stop.wait(1)
        for s in held:
            s.close()

    def call_ended(self, connection, stream, what):
        """Counts how: with an answer, with a status, without either."""
        end = "answered" if connection.answers.get(stream) else "refused" if stream in connection.ended else "cut off"
        self.count(f"{what}: {end}")

    def mutated_calls(self):
        """Of a call its message, or the frames that carry it."""
        request = raw_grpc.infer_request("m", "x", "FP32", [1, 64], struct.pack("<64f", *([0.5] * 64)))
        while not self.stop.is_set():
            with raw_grpc.Connection(self.grpc_port, 3) as c:
                if self.rng.random() < 0.5:
                    stream = c.begin()
                    c.send(stream, raw_grpc.message(self.mutate(request)))
                else:
                    stream, data = 1, raw_grpc.message(request)
                    c.expect(stream)
                    c.reply(self.mutate(raw_grpc.head(stream) + raw_grpc.frame(raw_grpc.DATA, raw_grpc.END_STREAM, stream, data)))
                c.wait(stream)
                self.call_ended(c, stream, "mutated call")
            time.sleep(0.01)

    def grpc_bombs(self):
        """Gzip of a thousand times its size, as much of it as a message may have."""
        pack = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = raw_grpc.message(b"".join([pack.compress(bytes(2**20)) for _ in range(1024)]) + pack.flush(), compressed=True)
        while not self.stop.is_set():
            with raw_grpc.Connection(self.grpc_port) as c:
                stream = c.begin(more={"grpc-encoding": "gzip"})
                c.send(stream, bomb)
                c.wait(stream)
                self.call_ended(c, stream, "gRPC bomb")
            time.sleep(1)

    def stalled_messages(self):
        """Calls that stop before the end of a message as large as may be, many more of them than there is room for."""
        part, held = bytes(STALLED_MIB << 20), []
        while not self.stop.is_set():
            held = [c for c in held if not c.is_closed()]
            if len(held) < STALLED:
                c = raw_grpc.Connection(self.grpc_port, 3)
                held.append(c)
                stream = c.begin()
                try:
                    whole = c.send(stream, raw_grpc.message(part, len(part) + 1), last=False) == len(part) + 5
                except TimeoutError:
                    whole = False
                self.count(f"message that stalls: {'cut off' if c.over(stream) else 'all but its end' if whole else 'a part'}")
            self.stop.wait(1)
        for c in held:
            c.socket.close()

    def over_and_over(self, attack):
        while not self.stop.is_set():
            try:
                attack()
            except OSError as e:
                self.count(f"{attack.__name__}: {type(e).__name__}")
                self.stop.wait(0.2)

    def run(self, kind):
        attacks = {"http": (self.mutated_bodies, self.mutated_heads, self.resets, self.endless_bodies, self.bombs, self.slow_clients),
                   "grpc": (self.mutated_calls, self.grpc_bombs, self.stalled_messages)}[kind]
        threads = [threading.Thread(target=self.over_and_over, args=(a,)) for a in attacks]
        for t in threads:
            t.start()
        sys.stdin.read()  # until the benchmark closes it
        self.stop.set()
        for t in threads:
            t.join()
        print(json.dumps(self.counts))


if __name__ == "__main__":
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    Hostile(int(sys.argv[2]), sys.argv[3], pathlib.Path(sys.argv[4]).read_bytes(), int(sys.argv[5])).run(sys.argv[1])
