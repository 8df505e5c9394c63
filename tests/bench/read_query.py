"""Queries of the flights that may run on many threads are no slower for it; what the component adds to DuckDB."""
import tempfile

import read

SAFE = {
    "filter": "SELECT arr_delay > 15 AS late, carrier, origin, dest, distance, hour, minute, time_hour FROM {0} WHERE arr_delay IS NOT NULL",
    "counts": "SELECT count(*) AS n, min(distance) AS least, max(time_hour) AS last FROM {0}",
}
UNSAFE = "SELECT carrier, avg(arr_delay) AS delay FROM {0} GROUP BY carrier ORDER BY carrier"


def run(table, options):
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        data = read.flights(folder)
        parts = f"read_parquet('{data}/*.parquet')"
        for name, sql in SAFE.items():
            ratios, steps = [], []
            for _ in range(options.rounds):
                one, two = (read.duckdb(f"SET threads = {threads}; COPY ({sql.format(parts)}) TO '{folder}/out.parquet'"
                                        " (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 131072)") for threads in (1, 2))
                step = read.component("query", {"dataset": data}, {"dataset": f"{folder}/out"}, {"sql": sql.format("dataset")},
                                      {"OMP_NUM_THREADS": "2"})
                ratios.append(two.wall / one.wall)
                steps.append(step.wall / one.wall)
            table.at_most(f"query of flights, {name}: two threads against one", ratios, 1.0)
            table.fact(f"query of flights, {name}: the step against DuckDB on one", steps)
        ratios = []
        for _ in range(options.rounds):
            walls = [read.component("query", {"dataset": data}, {"dataset": f"{folder}/out"}, {"sql": UNSAFE.format("dataset")},
                                    {"OMP_NUM_THREADS": threads}).wall for threads in ("1", "4")]
            ratios.append(walls[1] / walls[0])
        table.fact("query of flights, averages: four threads against one", ratios, note="both run on one")
    sql = "SELECT n, x * 2 AS y, late, s FROM dataset WHERE n % 10 <> 0"
    read.growth(table, options, "query", lambda folder, path, group: read.component(
        "query", {"dataset": path}, {"dataset": f"{folder}/out"}, {"sql": sql}, group=group))
