"""Drift on the flights: what is found, what is not cried, a table of figures again, and time against statistics.

January against July; two random halves of January, `REPEATS` times, with the floors and with none (the test alone must keep
its alpha); one half shifted by half a standard deviation in one column, a column in turn; the figures of other months, as
scipy and numpy have them; and the wall time of the year's first half against its second.
"""
import json
import pathlib
import tempfile

import read

REPEATS, SHIFTS = 200, 30
NUMBERS = ["day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay", "flight", "air_time",
           "distance", "hour", "minute"]
MONTHS = (2, 7, 12)
# column -> figure -> of January against MONTHS; numpy 2.2 and scipy 1.15, of the values that are not null
FIGURES = {
    "dep_delay": {"psi": (0.0028, 0.0951, 0.0945), "ks": (0.0203, 0.1246, 0.1368), "wassersteinNormed": (0.0237, 0.3229, 0.1812),
                  "jensenShannon": (0.0001, 0.0063, 0.0012)},
    "air_time": {"psi": (0.0110, 0.1535, 0.0171), "ks": (0.0234, 0.0950, 0.0460), "wassersteinNormed": (0.0303, 0.0959, 0.0894),
                 "jensenShannon": (0.0017, 0.0240, 0.0028)},
    "carrier": {"lInfinity": (0.0029, 0.0078, 0.0088)},
    "dest": {"jensenShannon": (0.0008, 0.0167, 0.0141)},
}


class Flights:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.parts = f"read_parquet('{read.flights(folder)}/*.parquet')"

    def keep(self, name, sql):
        """A query over `flights`, which has a number a row, as a dataset of one file."""
        path = self.folder / f"{name}.parquet"
        read.duckdb(f"COPY (WITH flights AS (SELECT *, row_number() OVER () AS nth FROM {self.parts}) {sql}) TO '{path}' (FORMAT parquet)")
        return path

    def drift(self, reference, current, **parameters):
        """(the report, what ran)"""
        out = self.folder / "drift.json"
        ran = read.component("drift", {"reference": reference, "current": current}, {"drift": out},
                             {name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()})
        report = json.loads(out.read_text())
        out.unlink()
        return report, ran


def months(table, flights):
    january, july = (flights.keep(f"month-{m}", f"SELECT * EXCLUDE nth FROM flights WHERE month = {m}") for m in (1, 7))
    found = set(flights.drift(january, july)[0]["drifted"])
    print(f"  drift: January against July: {', '.join(sorted(found))}", flush=True)
    missed = {"dep_delay", "arr_delay", "air_time"} - found
    table.at_most("drift: January against July misses", [len(missed)], 0, unit="columns", note=", ".join(sorted(missed)))
    worst = 0
    for column, figures in FIGURES.items():
        paths = [flights.keep(f"{column}-{m}", f"SELECT {column} FROM flights WHERE month = {m} AND {column} IS NOT NULL") for m in (1, *MONTHS)]
        for at, path in enumerate(paths[1:]):
            methods = flights.drift(paths[0], path, columns=[column], classifier=False)[0]["columns"][0]["methods"]
            for name, expected in figures.items():
                value = methods[name]["value"] if isinstance(methods[name], dict) else methods[name]
                worst = max(worst, abs(value - expected[at]))
    table.at_most("drift: figures of the months, farthest off", [worst], 1e-4, unit="")


def halves(flights, seed, shift=""):
    january = "SELECT *, hash(nth, {seed}) % 2 AS side FROM flights WHERE month = 1".format(seed=seed)
    for side in (0, 1):
        changed = shift if side == 1 and shift else ""
        yield flights.keep(f"half-{side}", f"SELECT * EXCLUDE (nth, side){changed} FROM ({january}) WHERE side = {side}")


def chance(table, flights):
    flagged = {"with floors": 0, "without": 0}
    for seed in range(REPEATS):
        a, b = halves(flights, seed)
        flagged["with floors"] += flights.drift(a, b, seed=seed)[0]["verdict"] == "drift"
        none = {"number": 0, "category": 0, "text": 0, "clock": 0, "classifier": 0}
        flagged["without"] += flights.drift(a, b, seed=seed, floors=none)[0]["verdict"] == "drift"
    for name, count in flagged.items():
        table.at_most(f"drift: of {REPEATS} random halves flagged, {name}", [count], 6, unit="")


def shifts(table, flights):
    found, others = 0, 0
    for seed in range(SHIFTS):
        column = NUMBERS[seed % len(NUMBERS)]
        shifted = f" REPLACE (round({column} + (SELECT stddev_pop({column}) / 2 FROM flights WHERE month = 1))::BIGINT AS {column})"
        a, b = halves(flights, 1000 + seed, shifted)
        drifted = flights.drift(a, b, seed=seed)[0]["drifted"]
        found += column in drifted
        others += len(set(drifted) - {column})
    table.at_least(f"drift: of {SHIFTS} shifts found", [found], 28, unit="")
    table.fact("drift: other columns flagged beside them", [others], unit="")


def speed(table, flights, rounds):
    first, second = (flights.keep(name, f"SELECT * EXCLUDE nth FROM flights WHERE month {bound}") for name, bound in
                     (("first", "<= 6"), ("second", "> 6")))
    against, theirs = [], []
    for _ in range(rounds):
        ours = flights.drift(first, second)[1]
        summary = read.duckdb(f"SUMMARIZE SELECT * FROM {flights.parts}")
        against.append(ours.wall / summary.wall)
        try:
            statistics = read.component("statistics", {"dataset": flights.folder / "flights"}, {"statistics": flights.folder / "statistics"})
            theirs.append(ours.wall / statistics.wall)
        except RuntimeError as error:  # a build without that component
            print(f"  drift: no statistics to compare with: {str(error)[:100]}", flush=True)
    table.at_most("drift of the year's halves against SUMMARIZE", against, 1.5, note="336,776 rows, 19 columns, start to exit")
    if theirs:
        table.at_most("drift against statistics", theirs, 3.0, note="the same rows")


def run(table, options):
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        flights = Flights(folder)
        months(table, flights)
        shifts(table, flights)
        speed(table, flights, options.rounds)
        chance(table, flights)
    read.growth(table, options, "drift", lambda folder, path, group: read.component(
        "drift", {"reference": path, "current": path}, {"drift": f"{folder}/drift.json"}, group=group))
