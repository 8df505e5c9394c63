"""What is said of data before a model learns from it: statistics, and what is made of them. A part is a module in PARTS."""
import importlib

PARTS = ["data_statistics", "data_drift", "data_audit"]


def run(table, options):
    for part in PARTS:
        importlib.import_module(part).run(table, options)
