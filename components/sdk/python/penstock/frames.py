"""Rows as a pandas DataFrame where pandas is installed, else as a list of dictionaries that shows itself as a table."""
import html


class Rows(list):
    """A list of dictionaries."""

    def _repr_html_(self):
        return table(self)


def frame(rows):
    """A DataFrame, or Rows."""
    rows = list(rows)
    try:
        import pandas
    except ImportError:
        return Rows(rows)
    out = pandas.DataFrame(rows)
    for column in out.columns:
        if column in ("created", "started", "finished", "time"):
            out[column] = pandas.to_datetime(out[column], utc=True, format="ISO8601")
    return out


def columns_of(rows):
    return list(dict.fromkeys(name for row in rows for name in row))


def table(rows, most=200):
    """Rows as an HTML table; every text is escaped."""
    names = columns_of(rows)
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(_text(row.get(name)))}</td>" for name in names) + "</tr>" for row in rows[:most])
    more = f"<p>{len(rows) - most} more</p>" if len(rows) > most else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _text(value):
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def flat(values, prefix):
    """{"parameters.x": ...}: scalars as they are, everything else as it is."""
    return {f"{prefix}.{name}": value for name, value in sorted((values or {}).items())}
