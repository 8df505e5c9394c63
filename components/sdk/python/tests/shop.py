"""A user's module: what the tests make pipelines of. Not a test."""
import csv
import re
from typing import Annotated, List, Literal, NamedTuple, Optional

from penstock import (Dataset, File, Input, Model, Output, Range, Report, approval, container, each, first_of, library, log_metric,
                      pipeline, published, run, step)

FACTOR = 2.5
NUMBER = re.compile(r"[0-9.]+")


class Facts(NamedTuple):
    rows: int
    mean: float


def load(path):
    with open(path, encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if NUMBER.fullmatch(row["price"])]


@step(cpu="100m", memory="256Mi", retries=1, timeout="5m", env={"TITLE": "Prices"})
def facts(table: Input[File], factor: Annotated[float, Range(0, 10)] = FACTOR) -> Facts:
    """Counts the rows."""
    rows = load(table)
    log_metric("rows", len(rows))
    return Facts(len(rows), factor * sum(float(row["price"]) for row in rows) / len(rows))


@step
def page(title: str, mean: float, report: Output[Report], names: List[str] = []) -> None:
    report.write_text(f"<h1>{title}</h1>{mean} {names}", encoding="utf-8")


@step(cache=False)
def square(x: int) -> int:
    return x * x


@step
def tell(status: str, failures: list, word: Optional[str] = None) -> str:
    return f"{status} {len(failures)} {word}"


@step
def size(report: Optional[Input[Report]] = None) -> int:
    return report.stat().st_size if report else 0


@pipeline(timeout="1h")
def prices(data: Input[File], title: str = "Prices", top: Annotated[int, "How many"] = 3):
    """What do things cost?"""
    known = facts(table=data)
    shown = page(title=f"{title}: $(x) {top}", mean=known.mean, names=["a b", "c"]).when((known.rows > 0) & (title != "x"))
    squares = square(each).for_each([1, 2, 3], parallelism=2)
    bytes_ = size(first_of(shown.report, optional=True))
    tell(run.status, run.failures).finally_()
    return {"report": shown.report, "mean": known.mean, "squares": squares.result, "bytes": bytes_.result}


@pipeline
def one_square(x: int):
    return {"result": square(x).result}


@pipeline(more={"runPolicy": "Manual"})
def many(numbers: List[int] = [4, 5], region: Literal["north", "south"] = "north"):
    inner = one_square(x=each).for_each(numbers)
    return {"squares": inner.results["result"]}


@pipeline
def flights(data: str = "https://data.example.com/flights.csv", minimum: float = 0.6):
    """The library's components from Python."""
    rows = library.ingest(source=data)
    parts = library.split(dataset=rows.dataset, by="hash")
    fitted = library.transform(dataset=parts.train, label="late")
    trained = library.train(train=parts.train, valid=parts.valid, transform=fitted, label="late")
    judged = library.evaluate(model=trained.model, dataset=parts.test)
    blessed = library.bless(model=trained.model, dataset=parts.test, baseline=published("flights", "model"),
                            thresholds=[{"metric": "auc", "min": minimum}]).after(judged)
    asked = approval("Serve it?", values={"who": "string"}, timeout="24h").after(blessed)
    container("say", "debian:bookworm-slim", ["/bin/echo", "$(parameters.who)"], parameters={"who": asked.who})
    return {"model": blessed.model}
