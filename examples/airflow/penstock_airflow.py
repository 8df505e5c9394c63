"""A task of Airflow that is a run of a Penstock Pipeline: started by a worker, waited for by the triggerer, which holds no worker.

The connection `penstock` (or conn_id) says where: host the gateway's URL, password a token, extra {"namespace": ..., "ca_file": ...}.
Airflow 3.3 or newer; `penstock-sdk` where workers and the triggerer are.
"""
import asyncio
import hashlib
import re

import penstock
from airflow.sdk import BaseHook, BaseOperator
from airflow.sdk.exceptions import AirflowFailException
from airflow.triggers.base import BaseTrigger, TriggerEvent
from penstock.errors import ApiError

ENDED = ("Succeeded", "Failed", "Cancelled", "Invalid")


def gateway(connection):
    """The API that a connection of Airflow names."""
    extra = connection.extra_dejson
    return penstock.connect(connection.host, connection.password, extra.get("namespace"), ca_file=extra.get("ca_file"))


def run_name(ti, attempt):
    """The same for the same attempt of the same task instance, whoever asks: a second submission finds the first."""
    key = f"{ti.dag_id}/{ti.run_id}/{ti.task_id}/{ti.map_index}"
    words = re.sub(r"[^a-z0-9]+", "-", f"{ti.dag_id}-{ti.task_id}".lower()).strip("-")[:30].strip("-")
    return f"af-{words}-{hashlib.sha256(key.encode()).hexdigest()[:10]}-{attempt}"


class PenstockRunOperator(BaseOperator):
    """Runs a Pipeline. XCom gets {"run", "results", "outputs": {name: digest}}."""

    template_fields = ("pipeline", "parameters")

    def __init__(self, *, pipeline, parameters=None, conn_id="penstock", poll_interval=10.0, **kwargs):
        super().__init__(**kwargs)
        self.pipeline, self.parameters = pipeline, parameters or {}
        self.conn_id, self.poll_interval = conn_id, poll_interval

    def execute(self, context):
        ti = context["ti"]
        api = gateway(BaseHook.get_connection(self.conn_id))
        name = self.under_way(api, ti) or run_name(ti, ti.try_number)
        try:
            api.start(self.pipeline, self.parameters, name)
        except ApiError as error:
            if error.status != 409:  # 409: this attempt has submitted it already
                raise
        self.log.info("waits for the run %s of the pipeline %s", name, self.pipeline)
        self.defer(trigger=PenstockRunTrigger(self.conn_id, name, self.poll_interval), method_name="resume")

    def under_way(self, api, ti):
        """The run of an attempt before, whose worker was lost, that has not ended."""
        for attempt in range(ti.try_number - 1, 0, -1):
            try:
                if api.story(run_name(ti, attempt))["phase"] not in ENDED:
                    return run_name(ti, attempt)
            except ApiError as error:
                if error.status != 404:
                    raise
        return None

    def resume(self, context, event):
        if event["phase"] == "Succeeded":
            return {name: event[name] for name in ("run", "results", "outputs")}
        told = f"the run {event['run']}: {event['phase']}: {event['message']}"
        if event["phase"] == "Invalid":  # trying again changes nothing
            raise AirflowFailException(told)
        raise RuntimeError(told)


class PenstockRunTrigger(BaseTrigger):
    """Asks for a run until it has ended. All that it knows is in serialize(): another triggerer goes on with it."""

    def __init__(self, conn_id, run, poll_interval):
        super().__init__()
        self.conn_id, self.name, self.poll_interval = conn_id, run, poll_interval

    def serialize(self):
        return f"{type(self).__module__}.{type(self).__name__}", {"conn_id": self.conn_id, "run": self.name, "poll_interval": self.poll_interval}

    async def run(self):
        api = gateway(await BaseHook.aget_connection(self.conn_id))
        while True:
            try:
                story = await asyncio.to_thread(api.story, self.name)
                if story["phase"] in ENDED:
                    yield self.event(story["phase"], story.get("message", ""), story.get("results", {}),
                                     {o["name"]: o["digest"] for o in story.get("outputs", [])})
                    return
            except ApiError as error:
                if error.status in (400, 401, 403, 404):
                    yield self.event("Unknown", str(error))
                    return
                self.log.warning("asks again for %s: %s", self.name, error)
            await asyncio.sleep(self.poll_interval)

    def event(self, phase, message, results=None, outputs=None):
        return TriggerEvent({"run": self.name, "phase": phase, "message": message, "results": results or {}, "outputs": outputs or {}})

    async def on_kill(self):
        """Whoever marks the task or clears it ends the run; a triggerer that ends does not."""
        api = gateway(await BaseHook.aget_connection(self.conn_id))
        await asyncio.to_thread(api.cancel, self.name)
