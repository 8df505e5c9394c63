"""What goes wrong, with the place in the user's own file."""
import os
import sys

_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep


class PenstockError(Exception):
    """The base of all errors of this package."""


class CompileError(PenstockError):
    """A function that cannot become YAML, or a value that does not fit. Names function, parameter and file:line."""


class CommandError(PenstockError):
    """`penstock` ended with a code other than 0; `code` and `said` have it."""

    def __init__(self, message, code=None, said=""):
        super().__init__(message)
        self.code, self.said = code, said


class ApiError(PenstockError):
    """The gateway refused a request; `status` is HTTP's, `reason` its own word, such as NotFound."""

    def __init__(self, message, status=None, reason=""):
        super().__init__(message)
        self.status, self.reason = status, reason


def caller():
    """file:line of the nearest frame that is none of this package."""
    frame = sys._getframe(1)
    while frame is not None and os.path.abspath(frame.f_code.co_filename).startswith(_OWN):
        frame = frame.f_back
    if frame is None:
        return "?"
    return f"{shown(frame.f_code.co_filename)}:{frame.f_lineno}"


def place(function):
    """file:line of a function's first line."""
    code = function.__code__
    return f"{shown(code.co_filename)}:{code.co_firstlineno}"


def shown(path):
    """The path from here where it is below, else as it is; a notebook's cell as it is."""
    here = os.getcwd() + os.sep
    return path[len(here):] if path.startswith(here) else path


def refuse(where, what, problem):
    """Raises CompileError: `where` is file:line, `what` such as "train(), parameter rate"."""
    raise CompileError(f"{where}: {what}: {problem}")
