"""ingest of the flights' CSV against DuckDB's command line and pandas, each from start to exit, to a Parquet file.

DuckDB sees the types from all rows, as ingest does (sample_size=-1); pandas reads as it reads. Neither is told anything.
"""
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

from read import BUILD, DUCKDB, ROOT, component, duckdb, growth

PYTHON = os.environ.get("PENSTOCK_BENCH_PYTHON", sys.executable)
BOUND = 0.6


def ran(command, folder):
    """(wall, CPU) seconds."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def arms():
    sql = "COPY (SELECT * FROM read_csv('flights.csv', sample_size=-1)) TO 'duckdb.parquet' (FORMAT parquet)"
    yield "DuckDB", [DUCKDB, "-init", "/dev/null", "-batch", "-bail", "-c", sql]
    if subprocess.run([PYTHON, "-c", "import pandas, pyarrow"], capture_output=True).returncode == 0:
        yield "pandas", [PYTHON, "-c", "import pandas; pandas.read_csv('flights.csv').to_parquet('pandas.parquet')"]


def run(table, options):
    others = dict(arms())
    if "pandas" not in others:
        table.cannot("ingest of a CSV against pandas", BOUND, "PENSTOCK_BENCH_PYTHON must be a Python with pandas and pyarrow")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([ROOT / "examples/flights/fetch-data", folder], check=True)
        ours = [BUILD / "bin/penstock-components", "ingest", "--input", "source=flights.csv", "--output", "dataset=ours"]
        walls, cpus = {name: [] for name in others}, {name: [] for name in others}
        for _ in range(options.rounds):
            shutil.rmtree(f"{folder}/ours", ignore_errors=True)
            b = ran(ours, folder)
            for name, command in others.items():
                a = ran(command, folder)
                walls[name].append(b[0] / a[0])
                cpus[name].append(b[1] / a[1])
                print(f"  ingest: {name} {a[0]:.2f} s, {a[1]:.2f} CPU s; Penstock {b[0]:.2f} s, {b[1]:.2f} CPU s", file=sys.stderr, flush=True)
        for name in others:
            table.at_most(f"ingest of a CSV against {name}", walls[name], BOUND, note="336,776 rows, start to exit, to Parquet")
            table.at_most(f"ingest of a CSV against {name}, CPU time", cpus[name], BOUND, note="the same, as CPU seconds")
    growth(table, options, "ingest", of_made)


def of_made(folder, path, group):
    csv = f"{path}.csv"
    if not os.path.exists(csv):
        duckdb(f"SET threads = 1; SET memory_limit = '1GiB'; COPY (SELECT * FROM '{path}') TO '{csv}' (FORMAT csv, HEADER)")
    return component("ingest", {"source": csv}, {"dataset": f"{folder}/ingested"}, group=group)
