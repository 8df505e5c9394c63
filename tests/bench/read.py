"""Reading data: a CSV against DuckDB and pandas, queries on one and on two threads, and what all costs as rows grow.

The rows of a component that grows with its data: `--rows N` rows (about 100 bytes each, 1 GB in memory for ten
million) against ten times as many, both in a control group of 1 GiB where this may make one (a pod of that limit); time a
row, on the clock and of the processors, and the largest resident set of the larger. `--cache FOLDER` keeps the rows that
were made. A component adds its own by a module of its own in PARTS.
"""
import contextlib
import importlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
DUCKDB = os.environ.get("PENSTOCK_DUCKDB") or shutil.which("duckdb") or str(
    pathlib.Path(os.environ.get("PENSTOCK_DEPS", pathlib.Path.home() / ".cache/penstock/deps")) / "duckdb_cli/duckdb")
PARTS = ["read_ingest", "read_query", "read_split"]
GROWTH = 10  # the larger data against the smaller
GIBIBYTE = 1 << 30


@contextlib.contextmanager
def memory_limit(limit):
    """The file of a control group of `limit` bytes into which processes write their ids; None where none can be made."""
    name = f"penstock-bench-{os.getpid()}"
    v1, v2 = pathlib.Path("/sys/fs/cgroup/memory") / name, pathlib.Path("/sys/fs/cgroup") / name
    group, bound = (v1, "memory.limit_in_bytes") if v1.parent.exists() else (v2, "memory.max")
    try:
        group.mkdir()
    except OSError:
        yield None
        return
    try:
        try:
            (group / bound).write_text(str(limit))
        except OSError:
            yield None
            return
        yield group / "cgroup.procs"
    finally:
        group.rmdir()


class Ran:
    """A command that ended well: seconds on the clock (wall) and of the processors (cpu), and the largest resident set of
    any of it and its children, in bytes. `group`: the file of memory_limit."""

    def __init__(self, argv, environment=None, group=None):
        start = time.monotonic()
        with tempfile.TemporaryFile() as said:
            child = subprocess.Popen([str(a) for a in argv], stdout=said, stderr=said, env=os.environ | (environment or {}),
                                     preexec_fn=group and (lambda: group.write_text(str(os.getpid()))))
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            self.wall = time.monotonic() - start
            self.cpu = usage.ru_utime + usage.ru_stime
            self.peak = usage.ru_maxrss * 1024
            said.seek(0)
            self.said = said.read().decode(errors="replace")
        if child.returncode != 0:
            raise RuntimeError(f"{argv[0]} {argv[1]}: {self.said[-2000:]}")


def component(name, inputs, outputs, parameters=None, environment=None, group=None):
    """Runs a component; its outputs' folders are made anew."""
    argv = [BUILD / "bin/penstock-components", name]
    for key, path in inputs.items():
        argv += ["--input", f"{key}={path}"]
    for key, path in outputs.items():
        shutil.rmtree(path, ignore_errors=True)
        argv += ["--output", f"{key}={path}"]
    for key, value in (parameters or {}).items():
        argv += ["--parameter", f"{key}={value}"]
    return Ran(argv, environment, group)


def duckdb(sql):
    return Ran([DUCKDB, "-init", "/dev/null", "-batch", "-bail", "-c", sql])


def flights(folder):
    """The example's flights as ingest reads them."""
    subprocess.run([ROOT / "examples/flights/fetch-data", folder], check=True)
    component("ingest", {"source": f"{folder}/flights.csv"}, {"dataset": f"{folder}/flights"})
    return f"{folder}/flights"


def made(folder, rows):
    """Distinct rows of about 100 bytes: two numbers, a time, a label, a group of 20 rows and a text of 60 bytes."""
    path = f"{folder}/made-{rows}.parquet"
    if not os.path.exists(path):
        duckdb(f"""SET threads = 2; SET memory_limit = '1GiB'; COPY (SELECT range AS n, hash(range) / 1e19 AS x,
            TIMESTAMP '2013-01-01' + to_seconds(range) AS t, hash(range, 1) % 10 = 0 AS late, range // 20 AS grp,
            md5(range::VARCHAR) || md5((range + 1)::VARCHAR)[1:28] AS s FROM range({rows}))
            TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 131072)""")
    return path


def growth(table, options, name, run):
    """run(folder, path of rows, group) -> Ran, on --rows and ten times as many: seconds a row, and the larger's memory.
    `folder` is for what it writes and is emptied after each; `group` goes to `component`."""
    sizes = [options.rows, options.rows * GROWTH]
    walls, cpus, peaks = [], [], []
    with contextlib.ExitStack() as stack:
        rows = options.cache or stack.enter_context(tempfile.TemporaryDirectory(prefix="penstock-bench-"))
        group = stack.enter_context(memory_limit(GIBIBYTE))
        for _ in range(max(1, options.rounds // 2)):
            ran = []
            for size in sizes:
                path = made(rows, size)
                with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
                    ran.append(run(folder, path, group))
                print(f"  {name}: {size} rows {ran[-1].wall:.2f} s, {ran[-1].cpu:.2f} CPU s, {ran[-1].peak >> 20} MiB",
                      file=sys.stderr, flush=True)
            walls.append(ran[1].wall / ran[0].wall / GROWTH)
            cpus.append(ran[1].cpu / ran[0].cpu / GROWTH)
            peaks.append(ran[1].peak / GIBIBYTE)
        limit = "in a control group of 1 GiB" if group else "without a limit"
    note = f"{sizes[0]} and {sizes[1]} rows"
    table.at_most(f"{name}: time a row, {GROWTH}x the rows", walls, 1.25, note=note)
    table.at_most(f"{name}: CPU time a row, {GROWTH}x the rows", cpus, 1.25, note=note)
    table.at_most(f"{name}: largest resident set", peaks, 1.0, unit="GiB", note=f"{sizes[1]} rows, {limit}")


def run(table, options):
    if not (BUILD / "bin/penstock-components").exists():
        table.cannot("read", None, f"{BUILD} holds no penstock-components")
        return
    for part in PARTS:
        importlib.import_module(part).run(table, options)
