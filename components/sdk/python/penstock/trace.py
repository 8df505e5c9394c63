"""Which pipeline is being made in this thread: what a call of a step belongs to."""
import contextlib
import threading

_local = threading.local()


def active():
    stack = getattr(_local, "stack", None)
    return stack[-1] if stack else None


@contextlib.contextmanager
def making(graph):
    stack = _local.__dict__.setdefault("stack", [])
    stack.append(graph)
    try:
        yield graph
    finally:
        stack.pop()
