#!/usr/bin/env python3
"""Writes tfdv_cases.json: a flights-like table, its schema, corruptions of it, and the anomalies that TFDV 1.16.1 finds in each.

In an environment of its own (Python 3.11: tensorflow-data-validation 1.16.1, tfx-bsl 1.16.1, tensorflow-metadata 1.16.1,
apache-beam 2.72.0, tensorflow 2.16.2, pyarrow 10.0.1, pandas 1.5.3, numpy 1.26.4, protobuf 4.25.9):
    python tfdv_cases.py > tfdv_cases.json
"""
import json
import random

import pyarrow as pa
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_data_validation.statistics import stats_impl, stats_options
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

ROWS = 120
TYPES = {"string": pa.binary(), "int64": pa.int64(), "float64": pa.float64()}
# The same said twice: as validate reads it, and as TFDV does.
SCHEMA = """version: 1
environments: [training, serving]
rows: {minimum: 100, maximum: 200, drift: {minimum: 0.9, maximum: 1.5}}
columns:
- {name: key, type: string, nullable: false, role: id, distinct: {minimum: 120, maximum: 150}}
- {name: carrier, type: string, nullable: false, domain: [AA, B6, DL, UA], drift: {infinityNorm: 0.1}}
- {name: origin, type: string, nullable: true, domain: [EWR, JFK, LGA], domainMass: 0.9, presence: {fraction: 0.5}}
- {name: flight, type: int64, nullable: false}
- {name: hour, type: int64, nullable: false, domain: {minimum: 0, maximum: 23}}
- {name: distance, type: int64, nullable: false, domain: {minimum: 0}}
- {name: air_time, type: float64, nullable: true, domain: {minimum: 20, maximum: 700}, disallow: [nan, infinite], presence: {count: 1}}
- {name: arr_delay, type: float64, nullable: true, disallow: [infinite], presence: {count: 50}, drift: {jensenShannon: 0.2}}
- {name: stops, type: list<string>, nullable: false, valueCount: {minimum: 1, maximum: 3}}
- {name: late, type: int64, nullable: false, role: label, notIn: [serving]}
"""
TFDV_SCHEMA = """
default_environment: "training" default_environment: "serving"
dataset_constraints {
  min_examples_count: 100 max_examples_count: 200
  num_examples_drift_comparator { min_fraction_threshold: 0.9 max_fraction_threshold: 1.5 }
}
feature { name: "key" type: BYTES presence { min_fraction: 1 min_count: 1 } unique_constraints { min: 120 max: 150 } }
feature { name: "carrier" type: BYTES presence { min_fraction: 1 min_count: 1 }
  string_domain { value: "AA" value: "B6" value: "DL" value: "UA" }
  drift_comparator { infinity_norm { threshold: 0.1 } } }
feature { name: "origin" type: BYTES presence { min_fraction: 0.5 min_count: 1 } distribution_constraints { min_domain_mass: 0.9 }
  string_domain { value: "EWR" value: "JFK" value: "LGA" } }
feature { name: "flight" type: INT presence { min_fraction: 1 min_count: 1 } }
feature { name: "hour" type: INT presence { min_fraction: 1 min_count: 1 } int_domain { min: 0 max: 23 } }
feature { name: "distance" type: INT presence { min_fraction: 1 min_count: 1 } int_domain { min: 0 } }
feature { name: "air_time" type: FLOAT presence { min_count: 1 }
  float_domain { min: 20 max: 700 disallow_nan: true disallow_inf: true } }
feature { name: "arr_delay" type: FLOAT presence { min_count: 50 } float_domain { disallow_inf: true }
  drift_comparator { jensen_shannon_divergence { threshold: 0.2 } } }
feature { name: "stops" type: BYTES presence { min_fraction: 1 min_count: 1 } value_count { min: 1 max: 3 } }
feature { name: "late" type: INT presence { min_fraction: 1 min_count: 1 } not_in_environment: "serving" }
"""


def pristine(rows=ROWS, seed=1):
    r = random.Random(seed)
    carriers = ["AA", "B6", "DL", "UA"]
    return {
        "key": ("string", [f"2013-01-{i % 31 + 1:02d} {i}" for i in range(rows)]),
        "carrier": ("string", [carriers[i % 4] for i in range(rows)]),
        "origin": ("string", [None if i % 10 == 9 else ["EWR", "JFK", "LGA"][i % 3] for i in range(rows)]),
        "flight": ("int64", [r.randrange(1, 6000) for _ in range(rows)]),
        "hour": ("int64", [5 + i % 19 for i in range(rows)]),
        "distance": ("int64", [r.randrange(80, 4983) for _ in range(rows)]),
        "air_time": ("float64", [None if i % 17 == 3 else float(r.randrange(20, 600)) for i in range(rows)]),
        "arr_delay": ("float64", [None if i % 17 == 3 else round(r.gauss(5, 30), 1) for i in range(rows)]),
        "stops": ("list<string>", [["A", "B", "C"][: 1 + i % 3] for i in range(rows)]),
        "late": ("int64", [i % 2 for i in range(rows)]),
    }


def replaced(table, column, change, type_=None):
    """The column as change(row, value) has it."""
    kind, values = table[column]
    return {column: (type_ or kind, [change(i, v) for i, v in enumerate(values)])}


def at(rows, value):
    return lambda i, v: value if i in rows else v


def cases():
    t = pristine()
    few = range(60, 66)  # 5 % of the rows
    yield "pristine", {}, {}
    # The twelve.
    yield "a column is dropped", {}, {"drop": ["distance"]}
    yield "a column is new", {"gate": ("int64", list(range(ROWS)))}, {}
    yield "an integer column comes as text", replaced(t, "flight", lambda i, v: f"N{v}", "string"), {}
    yield "a carrier nobody knows", replaced(t, "carrier", at({7}, "ZZ")), {}
    yield "5 % nulls where there must be none", replaced(t, "hour", at(few, None)), {}
    yield "not a number", replaced(t, "air_time", at({12}, float("nan"))), {}
    yield "infinite", replaced(t, "arr_delay", at({12}, float("inf"))), {}
    yield "a negative distance", replaced(t, "distance", at({5}, -7)), {}
    yield "an hour of 25", replaced(t, "hour", at({5}, 25)), {}
    yield "a key that stands twice", replaced(t, "key", at({5}, t["key"][1][4])), {}
    yield "too many stops", replaced(t, "stops", at({5}, ["A", "B", "C", "D"])), {}
    yield "another mix of carriers than before", replaced(t, "carrier", lambda i, v: "AA" if i < 60 else v), {}
    # Others.
    yield "infinite and above the most", replaced(t, "air_time", at({12}, float("inf"))), {}
    yield "a time in the air below the least", replaced(t, "air_time", at({5}, 3.0)), {}
    yield "a time in the air above the most", replaced(t, "air_time", at({5}, 3000.0)), {}
    yield "infinite towards minus", replaced(t, "air_time", at({12}, float("-inf"))), {}
    yield "an empty list", replaced(t, "stops", at({5}, [])), {}
    yield "no list", replaced(t, "stops", at({5}, None)), {}
    yield "delays of another month", replaced(t, "arr_delay", lambda i, v: None if v is None else round(v + 60, 1)), {}
    yield "few values", replaced(t, "arr_delay", lambda i, v: v if i < 30 else None), {}
    yield "no value at all", replaced(t, "air_time", lambda i, v: None), {}
    yield "a required column has no value", replaced(t, "carrier", lambda i, v: None), {}
    yield "too few values and too small a share", replaced(t, "arr_delay", lambda i, v: None if i < 119 else 1.5), {}
    yield "an optional column is half there", replaced(t, "origin", lambda i, v: v if i < 60 else None), {}
    yield "an optional column is hardly there", replaced(t, "origin", lambda i, v: v if i < 30 else None), {}
    yield "some values outside of a domain with a mass", replaced(t, "origin", at({5}, "XXX")), {}
    yield "many values outside of a domain with a mass", replaced(t, "origin", at(range(20), "XXX")), {}
    yield "an integer column comes with fractions", replaced(t, "flight", lambda i, v: v + 0.5, "float64"), {}
    yield "a float column comes as integers", replaced(t, "arr_delay", lambda i, v: None if v is None else int(v), "int64"), {}
    yield "two faults in one column", replaced(t, "air_time", lambda i, v: {3: 3.0, 5: 3000.0, 9: float("nan")}.get(i, v)), {}
    yield "no label at training", {}, {"drop": ["late"], "environment": "training"}
    yield "no label at serving", {}, {"drop": ["late"], "environment": "serving"}
    yield "too few rows", {}, {"rows": 90}
    yield "too many rows", pristine(210), {"rows": 210}
    yield "more keys than are expected", pristine(160), {"rows": 160}
    yield "fewer rows than before", {}, {"rows": 105}
    yield "the run before had no carrier", {}, {"dropBefore": ["carrier"]}


def statistics(table, rows):
    arrays, names = [], []
    for name, (kind, values) in table.items():
        values = values[:rows]
        if kind.startswith("list"):
            lists = [None if v is None else [x.encode() for x in v] for v in values]
            arrays.append(pa.array(lists, pa.list_(pa.binary())))
        else:
            encoded = [None if v is None else [v.encode() if isinstance(v, str) else v] for v in values]
            arrays.append(pa.array(encoded, pa.list_(TYPES[kind])))
        names.append(name)
    options = stats_options.StatsOptions()
    options.schema = text_format.Parse(TFDV_SCHEMA, schema_pb2.Schema())  # what is categorical
    return stats_impl.generate_statistics_in_memory(pa.RecordBatch.from_arrays(arrays, names), options)


def plain(value):
    if isinstance(value, float) and value != value:
        return "nan"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    return value


def main():
    schema = text_format.Parse(TFDV_SCHEMA, schema_pb2.Schema())
    base = pristine()
    out = []
    for name, changed, more in cases():
        table = {**base, **changed}
        for column in more.get("drop", []):
            del table[column]
        rows = more.get("rows", ROWS)
        before = {k: v for k, v in base.items() if k not in more.get("dropBefore", [])}
        anomalies = tfdv.validate_statistics(
            statistics(table, rows), schema, environment=more.get("environment"),
            previous_statistics=statistics(before, ROWS))
        found = {}
        infos = [(key, info) for key, info in anomalies.anomaly_info.items()]
        if anomalies.HasField("dataset_anomaly_info"):
            infos.append(("", anomalies.dataset_anomaly_info))
        for key, info in infos:
            found[key] = sorted({anomalies_pb2.AnomalyInfo.Type.Name(r.type) for r in info.reason})
        measured = {}
        for skew in anomalies.drift_skew_info:
            for m in skew.drift_measurements:
                measured[skew.path.step[0]] = m.value
        case = {"name": name, "anomalies": found, "drift": measured, **more}
        case["set"] = {c: {"type": k, "values": [plain(v) for v in vs]} for c, (k, vs) in changed.items()}
        out.append(case)
    columns = {c: {"type": k, "values": [plain(v) for v in vs]} for c, (k, vs) in base.items()}
    lines = ",\n".join(json.dumps(case) for case in out)
    print('{"tfdv": "1.16.1", "rows": %d, "schema": %s,\n"columns": %s,\n"cases": [\n%s]}'
          % (ROWS, json.dumps(SCHEMA), json.dumps(columns), lines))


if __name__ == "__main__":
    main()
