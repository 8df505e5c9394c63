"""A run, and what it gave: as this machine's state folder, a cluster or the gateway tells it."""
import json
import pathlib
import tempfile

from penstock import command, display
from penstock.errors import CommandError, PenstockError
from penstock.frames import frame
from penstock.tables import read_table


class RunFailed(PenstockError):
    """The run did not succeed; `run` has it."""

    def __init__(self, run):
        super().__init__(f"run {run.name}: {run.phase}{': ' + run.message if run.message else ''}"
                         + "".join(f"\n  {s['name']}: {s.get('reason', '')}: {s.get('message', '')}" for s in run.failures()))
        self.run = run


class Run:
    """One run. `source` is where it is asked for: a Local or a Gateway (penstock.client)."""

    def __init__(self, name, source, story=None):
        self.name, self.source, self._story = name, source, story

    @classmethod
    def here(cls, manifest, arguments, state=None, quiet=False):
        """Runs a manifest with `penstock run`."""
        from penstock.client import Local
        local = Local(state=state)
        # 1: the run failed, which its own words tell better
        code, printed = command.run(command.program(), "run", manifest, *arguments, *local.flags(), "-o", "json",
                                    codes=(0, 1), show=not quiet)
        try:
            objects = json.loads(printed)
        except json.JSONDecodeError as error:
            raise CommandError(f"penstock run printed no run: {printed[-500:] or 'nothing'}", code) from error
        run = cls(objects["metadata"]["name"], local)
        if run.phase != "Succeeded":
            raise RunFailed(run)
        return run

    @property
    def story(self):
        """All that is told of the run, as a dictionary; refresh() asks again."""
        if self._story is None:
            self._story = self.source.story(self.name)
        return self._story

    def refresh(self):
        self._story = None
        return self

    @property
    def phase(self):
        return self.story.get("phase") or self.story.get("status", "")

    @property
    def message(self):
        return self.story.get("message", "")

    @property
    def parameters(self):
        return self.story.get("parameters") or {}

    @property
    def results(self):
        """The pipeline's results by name."""
        return self.story.get("results") or {}

    def failures(self):
        return [s for s in self.story.get("steps", []) if s.get("phase") == "Failed"]

    @property
    def steps(self):
        """The steps as rows: phase, reason, attempts, cached, and each result as a column of its own."""
        rows = []
        for step in self.story.get("steps", []):
            row = {k: step.get(k) for k in ("name", "phase", "reason", "attempts", "cached")}
            times = step.get("times", {})
            row["started"] = times.get("started") or step.get("startTime")
            row["finished"] = times.get("finished") or step.get("finishTime")
            rows.append({**row, **{f"results.{n}": v for n, v in (step.get("results") or {}).items()}})
        return frame(rows)

    def step_results(self, step):
        """The results of one step."""
        for known in self.story.get("steps", []):
            if known["name"] == step:
                if "results" in known:
                    return known["results"]
                return self.source.step(self.name, step).get("results", {})
        raise PenstockError(f"the run {self.name} has no step {step}")

    def artifact(self, output, folder=None):
        """A local copy of an artifact: "model" of the pipeline, or "train/model" of a step. Its path."""
        return self.source.fetch(f"{self.name}/{output}" if "/" in output else self._published(output), folder)

    def _published(self, output):
        for known in self.story.get("outputs", []):
            if known["name"] == output:
                return known["digest"]
        raise PenstockError(f"the run {self.name} published no {output}; of a step it is STEP/{output}")

    def table(self, output):
        """An artifact as a table (read_table)."""
        return read_table(self.artifact(output))

    def metrics(self, step=None, names=None, item=None):
        """What log_metric wrote, as rows of run, step, name, at, value; of a looped step with the item, from 0. Of all steps where none
        is named, of all items where none is."""
        from penstock.client import metric_rows
        with self.source.reading() as api:
            return frame(list(metric_rows(api, self.name, step, names, item)))

    def log(self, step):
        """The log of a step."""
        return self.source.log(self.name, step)

    def __repr__(self):
        return f"<run {self.name}: {self.phase}>"

    def _repr_html_(self):
        return display.run_html(self)


def new_folder():
    """A place for a copy, which is gone with the process's temporary files."""
    return str(pathlib.Path(tempfile.mkdtemp(prefix="penstock-artifact-")) / "artifact")
