"""The proxy of tests/e2e/crash_sweep.py: what it hands on, and what has come to the API server when it has killed."""
import http.client
import http.server
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))  # last: its tests share names with ours
import killing_proxy  # noqa: E402


class ApiServer(http.server.ThreadingHTTPServer):
    """Keeps what it was asked; a watch gives two events, the second when it is told to."""
    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Answers)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=api", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/key", "-out", f"{folder}/crt"], check=True, capture_output=True)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(f"{folder}/crt", f"{folder}/key")
        self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.asked, self.more = [], threading.Event()
        self.url, self.tls = urllib.parse.urlparse(f"https://127.0.0.1:{self.server_port}"), ssl.create_default_context(cafile=f"{folder}/crt")
        threading.Thread(target=self.serve_forever, daemon=True).start()

    connect = killing_proxy.Upstream.connect

    def handle_error(self, request, client_address):
        pass


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, self.headers.get("Authorization"), body))
        self.send_response(201 if self.command == "POST" else 200)
        if "watch=" not in self.path:
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in (b"first", b"other"):
            self.wfile.write(b"5\r\n" + event + b"\r\n")
            self.server.more.wait(30)
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = answer

    def log_message(self, *args):
        pass


class KillingProxy(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.api = ApiServer(folder)
        self.addCleanup(self.api.server_close)
        self.addCleanup(self.api.shutdown)
        self.proxy = killing_proxy.Proxy(self.api)
        self.addCleanup(self.proxy.end)
        self.killed = []

    def ask(self, method, path, connection=None):
        connection = connection or http.client.HTTPConnection("127.0.0.1", self.proxy.server_port, timeout=30)
        self.addCleanup(connection.close)
        connection.request(method, path, b"body" if method == "POST" else None, {"Authorization": "Bearer me"})
        return connection.getresponse()

    def test_calls_and_watches_are_handed_on(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.server_port, timeout=30)
        for _ in range(2):
            answer = self.ask("POST", "/pods", connection)
            self.assertEqual((answer.status, answer.read()), (201, b"hello"))
        self.assertEqual(self.api.asked, [("POST", "/pods", "Bearer me", b"body")] * 2)
        watch = self.ask("GET", "/pods?watch=1")
        self.assertEqual(watch.read1(), b"first", "at once, not at the watch's end")
        self.api.more.set()
        self.assertEqual(watch.read(), b"other")

    def killed_at_the_second(self, mode):
        self.ask("GET", "/before-it-is-armed").read()
        self.proxy.arm(lambda: self.killed.append(mode), 2, mode)
        self.assertEqual(self.ask("GET", "/1").read(), b"hello")
        for path in ("/2", "/3"):
            with self.assertRaises(http.client.RemoteDisconnected):
                self.ask("POST", path)
        self.assertEqual((self.killed, self.proxy.killed_at, self.proxy.disarm()), ([mode], "POST /2", ["GET /1", "POST /2"]))
        return [path for _, path, _, _ in self.api.asked]

    def test_killed_before_a_call_the_api_server_never_hears_of_it(self):
        self.assertEqual(self.killed_at_the_second(killing_proxy.BEFORE), ["/before-it-is-armed", "/1"])

    def test_killed_after_a_call_the_api_server_has_done_it_and_nobody_has_the_answer(self):
        self.assertEqual(self.killed_at_the_second(killing_proxy.AFTER), ["/before-it-is-armed", "/1", "/2"])

    def test_unarmed_or_never_reached_it_kills_nobody(self):
        self.ask("GET", "/1").read()
        self.proxy.arm(lambda: self.killed.append(1), 3, killing_proxy.BEFORE)
        self.ask("GET", "/2").read()
        self.assertEqual((self.proxy.disarm(), self.killed, self.proxy.killed_at), (["GET /2"], [], None))
        self.ask("GET", "/3").read()
        self.ask("GET", "/4").read()
        self.assertEqual(self.killed, [])


if __name__ == "__main__":
    unittest.main()
