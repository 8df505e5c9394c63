"""Statistics of the flights against DuckDB's SUMMARIZE, start to exit, in turn; and memory over distinct rows.

SUMMARIZE gives of each column the ends, an approximate number of values, mean, deviation, three approximate quartiles and
nulls. Ours are those and 101 quantiles, two histograms, the frequent values, lengths and all correlations; the page too.
"""
import tempfile

import read

PARQUET_BOUND, CSV_BOUND, LOOK_SECONDS = 0.5, 1.0, 1.0


def run(table, options):
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        data = read.flights(folder)
        parts, csv = f"read_parquet('{data}/*.parquet')", f"read_csv('{folder}/flights.csv', sample_size=-1)"
        parquet, texts, looks = [], [], []
        for _ in range(options.rounds):
            theirs = read.duckdb(f"SUMMARIZE SELECT * FROM {parts}")
            ours = read.component("statistics", {"dataset": data}, {"statistics": f"{folder}/statistics", "page": f"{folder}/page.html"})
            parquet.append(ours.wall / theirs.wall)
            theirs = read.duckdb(f"SUMMARIZE SELECT * FROM {csv}")
            look = read.component("look", {"dataset": f"{folder}/flights.csv"}, {})
            texts.append(look.wall / theirs.wall)
            looks.append(read.component("look", {"dataset": data}, {}).wall)
        note = "336,776 rows, 19 columns, start to exit"
        table.at_most("statistics of Parquet against SUMMARIZE", parquet, PARQUET_BOUND, note=note)
        table.at_most("look at a CSV against SUMMARIZE", texts, CSV_BOUND, note=note)
        table.at_most("look at a dataset", looks, LOOK_SECONDS, unit="s", note=note)
    read.growth(table, options, "statistics", lambda folder, path, group: read.component(
        "statistics", {"dataset": path}, {"statistics": f"{folder}/statistics"}, group=group))
