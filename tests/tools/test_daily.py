"""examples/flights/daily.yaml on this machine: a day that passes, one that was read twice, the statistics of the good one kept."""
import datetime
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PENSTOCK = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release")) / "bin/penstock"
HEADER = "year,month,day,dep_time,arr_time,arr_delay,carrier,flight,tailnum,origin,dest,distance,hour,minute,time_hour\n"


def day(number, flights=400):
    """The flights of a day of January 2013."""
    rows = []
    for i in range(flights):
        hour, origin = 5 + i % 19, ("EWR", "JFK", "LGA")[i % 3]
        dep, arr, delay = ("NA", "NA", "NA") if i % 40 == 0 else (hour * 100 + 7, hour * 100 + 159, i % 50 - 10)
        rows.append(f"2013,1,{number},{dep},{arr},{delay},{('UA', 'AA', 'B6')[i % 3]},{100 + i},N{10000 + i % 90},{origin},IAH,"
                    f"{700 + i},{hour},7,2013-01-{number:02} {hour:02}:00:00\n")
    return rows


class Daily(unittest.TestCase):
    def run_day(self, folder, number):
        done = subprocess.run(
            [PENSTOCK, "run", ROOT / "examples/flights/daily.yaml", "-p", f"data=file://{folder}/flights.csv",
             "-p", f"day=2013-01-{number:02}", "-p", f"now={datetime.date(2013, 1, number) + datetime.timedelta(days=1)}T06:00:00Z", "--state", f"{folder}/state",
             "--isolation", "process", "-o", "json"], capture_output=True, text=True, timeout=300, cwd=folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return {step["name"]: step for step in json.loads(done.stdout)["status"]["steps"]}, done.stdout

    def test_what_is_not_fit_to_learn_from_is_not_learnt_from(self):
        with tempfile.TemporaryDirectory() as folder:
            twice = day(30)
            pathlib.Path(folder, "flights.csv").write_text(HEADER + "".join(day(29) + twice + twice + day(31)))
            steps, text = self.run_day(folder, 29)
            self.assertEqual({n: s["phase"] for n, s in steps.items()},
                             {"ingest": "Succeeded", "day": "Succeeded", "validate": "Succeeded", "statistics": "Succeeded",
                              "features": "Succeeded", "alert": "Skipped"}, text)
            steps, text = self.run_day(folder, 30)
            self.assertEqual([steps[n]["phase"] for n in ("validate", "statistics", "features", "alert")],
                             ["Succeeded", "Skipped", "Skipped", "Succeeded"], text)
            self.assertIn("RULE_DUPLICATE_KEY", text)
            steps, text = self.run_day(folder, 31)
            self.assertEqual(steps["features"]["phase"], "Succeeded", text)


if __name__ == "__main__":
    unittest.main()
