"""Artifacts as tables, inside of a step and outside."""
import csv
import json
import pathlib

from penstock.errors import PenstockError
from penstock.frames import frame


def read_table(path):
    """A dataset (a folder of Parquet parts), a Parquet, CSV, JSON or JSON Lines file as a DataFrame.

    Without pandas: a pyarrow.Table of Parquet, and a list of dictionaries of the others.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise PenstockError(f"there is no {path}")
    parts = _parts(path)
    if _magic(parts[0]) == b"PAR1":
        return _parquet(parts)
    if len(parts) > 1:
        raise PenstockError(f"{path} is a folder of {len(parts)} files that are no Parquet: name one of them")
    return _text(parts[0])


def _parts(path):
    if path.is_file():
        return [path]
    parts = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith((".", "_")))
    if not parts:
        raise PenstockError(f"{path} is a folder without a table")
    return parts


def _magic(path):
    with open(path, "rb") as file:
        return file.read(4)


def _parquet(parts):
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise PenstockError(f"{parts[0]} is Parquet: pip install pyarrow reads it") from error
    table = pyarrow.parquet.read_table([str(p) for p in parts])
    try:
        import pandas  # noqa: F401  what to_pandas needs
    except ImportError:
        return table
    return table.to_pandas()


def _text(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        first = file.readline()
    if first.lstrip().startswith("{"):
        with open(path, encoding="utf-8") as file:
            try:
                return frame([json.loads(line) for line in file if line.strip()])
            except json.JSONDecodeError:
                file.seek(0)
                return frame([json.load(file)])
    if first.lstrip().startswith("["):
        return frame(json.loads(path.read_text(encoding="utf-8")))
    try:
        import pandas
        return pandas.read_csv(path)
    except ImportError:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return frame(csv.DictReader(file))


def write_table(rows, path):
    """Writes a DataFrame, a pyarrow.Table or a list of dictionaries as Parquet where pyarrow is there, else as CSV.

    The file is what `ingest` takes as its source.
    """
    path = pathlib.Path(path)
    if hasattr(rows, "to_dict") and hasattr(rows, "columns"):
        try:
            import pyarrow  # noqa: F401  what to_parquet needs
            rows.to_parquet(path, index=False)
        except ImportError:
            rows.to_csv(path, index=False)
        return
    if type(rows).__module__.startswith("pyarrow"):
        import pyarrow.parquet
        pyarrow.parquet.write_table(rows, str(path))
        return
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
