"""The API over a state folder or a kubeconfig's cluster: `penstock ui` at a free port, for as long as something is asked of it."""
import contextlib
import os
import pathlib
import queue
import subprocess
import threading
import time
import urllib.parse

from penstock.command import program
from penstock.errors import CommandError


@contextlib.contextmanager
def local_api(flags, timeout=30):
    """(URL, token) of a `penstock ui` that ends with the block. CommandError has what it said instead."""
    if not flags and not pathlib.Path(os.environ.get("PENSTOCK_HOME", ".penstock")).is_dir():
        flags = ["--cluster"]
    child = subprocess.Popen([program(), "ui", "--port", "0", *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
    try:
        yield _address(child, time.monotonic() + timeout)
    finally:
        child.terminate()
        child.wait()


def _address(child, end):
    lines = queue.Queue()

    def listen():  # to its end, so that the program never waits for somebody to read
        with child.stdout:
            for line in child.stdout:
                lines.put(line)
        lines.put(None)
    threading.Thread(target=listen, daemon=True).start()
    said = []
    while (left := end - time.monotonic()) > 0:
        with contextlib.suppress(queue.Empty):
            line = lines.get(timeout=left)
            if line is None:
                break
            found = next((word for word in line.split() if word.startswith("http://127.0.0.1:")), None)
            if found:
                parts = urllib.parse.urlsplit(found)
                return f"http://{parts.netloc}", urllib.parse.parse_qs(parts.query)["token"][0]
            said.append(line)
    raise CommandError(f"penstock ui: {''.join(said).strip() or 'said no address'}", child.poll())
