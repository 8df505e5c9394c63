"""Programs of this machine that a test's cluster works with: started, waited for, ended by their process ids."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess

import harness as h


def node_address():
    """The node's own address, at which pods reach what listens on this machine: of our cluster the one of its bridge."""
    node = h.items("nodes", "default")[0]
    return next(a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP")


def free_port(address):
    with socket.socket() as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def answers(address, port):
    with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=2):
        return True
    return False


def program(name):
    """The path of a program that tests/cluster builds of its pinned sources; the first time takes minutes."""
    return h.sh(h.ROOT / "tests/cluster/cluster", "program", name, timeout=3000).stdout.strip().splitlines()[-1]


class Process:
    """A program with its own environment, in a folder of its own; `log` is what it has said."""

    def __init__(self, folder, name, *command, port=None, address="127.0.0.1", user=None, env=None):
        self.log = pathlib.Path(folder) / f"{name}.log"
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen([str(c) for c in command], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          env={**os.environ, **(env or {})}, start_new_session=True, user=user)
        if port:
            h.wait_until(f"{name} to listen on {address}:{port}", 120, lambda: self.alive() and answers(address, port))

    def alive(self):
        if self.child.poll() is not None:
            raise AssertionError(f"{self.child.args[0]} ended with {self.child.returncode}:\n{self.log.read_text()[-3000:]}")
        return True

    def end(self, how=signal.SIGTERM):
        if self.child.poll() is None:
            self.child.send_signal(how)
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait(20)


def certificate(folder, name, *hosts, issuer=None, days=2):
    """A key and certificate for hosts (DNS:... or IP:...) in a folder, by its own authority or that of another call's."""
    folder = pathlib.Path(folder)
    key, cert = folder / f"{name}.key", folder / f"{name}.crt"
    by = ("-CA", issuer[1], "-CAkey", issuer[0]) if issuer else ()
    names = ("-addext", f"subjectAltName={','.join(hosts)}", "-addext", "basicConstraints=critical,CA:FALSE") if hosts else ()
    h.sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", days, "-keyout", key, "-out", cert, "-subj", f"/CN={name}", *names, *by)
    return key, cert
