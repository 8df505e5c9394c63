"""The program `penstock`: $PENSTOCK_BIN (the program, or the folder it is in), or what is on PATH."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading

from penstock.errors import CommandError


def program(name="penstock"):
    """Where the program is; CommandError says how to have it."""
    told = os.environ.get("PENSTOCK_BIN")
    if told:
        path = pathlib.Path(told)
        path = path / name if path.is_dir() else path.with_name(name)
        if path.is_file():
            return str(path)
        raise CommandError(f"PENSTOCK_BIN is {told}, and there is no program {name}")
    found = shutil.which(name)
    if not found:
        raise CommandError(f"the program {name} is not on PATH: install Penstock, or set PENSTOCK_BIN to the folder it is in")
    return found


def penstock(*arguments, codes=(0,), show=False):
    """Runs `penstock ARGUMENTS` and returns what it printed. `show` passes on what it says meanwhile."""
    return run(program(), *arguments, codes=codes, show=show)[1]


def penstock_json(*arguments, codes=(0,)):
    return json.loads(penstock(*arguments, codes=codes))


def run(*command, codes=(0,), show=False):
    """(code, what was printed). Raises CommandError with the last words where the code is none of `codes`."""
    child = subprocess.Popen(list(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    said = []

    def listen():
        for line in child.stderr:
            said.append(line)
            if show:
                print(line, end="", file=sys.stderr, flush=True)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        printed = child.stdout.read()
        code = child.wait()
    except BaseException:
        child.terminate()
        child.wait()
        raise
    listener.join()
    child.stdout.close()
    child.stderr.close()
    if code not in codes:
        words = "".join(said).strip()
        lines = [line for line in words.splitlines() if line.strip()]
        shown = "\n".join(lines[-20:]) or f"ended with code {code}"
        raise CommandError(f"penstock {' '.join(command[1:2])}: {shown}", code, words)
    return code, printed
