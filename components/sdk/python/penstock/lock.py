"""The lock file: what `packages=[...]` of steps stands for, to versions and hashes.

It stands beside the user's module as NAME.lock.json and belongs into version control; compiling reads it and asks no index.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from penstock import errors

_PYTHON = re.compile(r"python:(\d+\.\d+)")


class Locks:
    """Lock texts by what was asked for. Made per pipeline; the file is read when it is first needed."""

    def __init__(self, module):
        stem = module.stem if module.suffix == ".py" else "notebook"
        folder = module.parent if module.suffix == ".py" else pathlib.Path.cwd()
        self.path = folder / f"{stem}.lock.json"
        self._stamp, self._known = None, {}

    def _read(self):
        stamp = self.path.stat().st_mtime_ns if self.path.is_file() else None
        if stamp != self._stamp or stamp is None:
            self._known = json.loads(self.path.read_text()) if stamp else {}
            self._stamp = stamp
        return self._known

    def find(self, packages, image):
        """The lock's text, or None where it is not locked."""
        lines = self._read().get(_key(packages, image))
        return None if lines is None else "".join(f"{line}\n" for line in lines)

    def renew(self, tasks, platforms=None, upgrade=False):
        """Locks what is not locked yet (all with upgrade) and forgets what no step asks for; the file's path."""
        known, now = self._read(), {}
        for task in tasks:
            step = getattr(task, "step", None)
            if step is None:
                for inner in getattr(getattr(task, "inner_graph", None), "tasks", ()):
                    tasks = tasks + [inner] if inner not in tasks else tasks
                continue
            if not isinstance(step.packages, list):
                continue
            key = _key(step.packages, step.image)
            if key not in now:
                now[key] = known[key] if key in known and not upgrade else resolve(step.packages, step.image, platforms)
        self.path.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
        self._stamp = None
        return self.path


def _key(packages, image):
    found = _PYTHON.search(image)
    return f"{found.group(1) if found else image}: {' '.join(packages)}"


def resolve(packages, image, platforms=None):
    """Lines name==version --hash=... of the packages and all that they need. Asks pip's index as pip is configured."""
    found = _PYTHON.search(image)
    version = found.group(1) if found else f"{sys.version_info[0]}.{sys.version_info[1]}"
    uv = shutil.which("uv")
    if uv:
        return _by_uv(uv, packages, version)
    hashes = {}
    for platform in platforms or [None]:
        for name, kept in _by_pip(packages, version, platform).items():
            hashes.setdefault(name, set()).update(kept)
    return [" ".join([name, *sorted(f"--hash={h}" for h in kept)]) for name, kept in sorted(hashes.items())]


def _by_uv(uv, packages, version):
    with tempfile.TemporaryDirectory() as folder:
        asked = pathlib.Path(folder, "requirements.in")
        asked.write_text("\n".join(packages) + "\n")
        done = subprocess.run([uv, "pip", "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate",
                               "--python-version", version, str(asked)], capture_output=True, text=True)
    if done.returncode != 0:
        raise errors.CompileError(f"uv cannot lock {packages} for Python {version}: {done.stderr.strip()}")
    joined = done.stdout.replace("\\\n", " ")
    return [" ".join(line.split()) for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def _by_pip(packages, version, platform):
    """{name==version: hashes} as pip would install them."""
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    with tempfile.TemporaryDirectory() as folder:
        if platform or version != own:
            command += ["--only-binary", ":all:", "--python-version", version, "--target", folder]
            command += ["--platform", platform] if platform else []
        done = subprocess.run([*command, *packages], capture_output=True, text=True)
    if done.returncode != 0:
        raise errors.CompileError(f"pip cannot lock {packages} for Python {version}: {done.stderr.strip()}")
    out = {}
    for entry in json.loads(done.stdout)["install"]:
        archive = entry["download_info"].get("archive_info", {})
        hashes = archive.get("hashes") or dict([archive["hash"].split("=", 1)] if archive.get("hash") else [])
        if not hashes:
            raise errors.CompileError(f"{entry['metadata']['name']} comes from {entry['download_info']['url']}, which has no hash")
        out[f"{entry['metadata']['name'].lower()}=={entry['metadata']['version']}"] = {f"{k}:{v}" for k, v in hashes.items()}
    return out
