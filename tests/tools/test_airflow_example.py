"""examples/airflow against a stand-in for the gateway and `penstock ui`, with stand-ins for Airflow's classes. tests/airflow has it with Airflow."""
import asyncio
import importlib
import os
import pathlib
import sys
import tempfile
import types
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("PENSTOCK_BIN") or str(pathlib.Path(os.environ.get("BUILD", ROOT / "build/release")).resolve() / "bin")
PIPELINE = """
apiVersion: penstock.dev/v1alpha1
kind: Pipeline
metadata: {name: small}
spec:
  steps:
  - name: make
    container: {image: debian, command: [sh, -c, 'echo 7 >"$1"; echo x >"$2"', sh, $(results.seven.path), $(outputs.page.path)]}
    results: [{name: seven, type: integer}]
    outputs: [{name: page}]
  results: [{name: seven, value: $(steps.make.results.seven)}]
  outputs: {page: $(steps.make.outputs.page)}
"""
FOLDERS = [str(ROOT / folder) for folder in ("components/sdk/python", "examples/airflow", "tests/airflow")]


class Deferred(Exception):
    def __init__(self, trigger, method_name):
        super().__init__(method_name)
        self.trigger, self.method_name = trigger, method_name


class Log:
    def info(self, *args):
        pass

    warning = info


class Operator:
    log = Log()

    def __init__(self, task_id):
        self.task_id = task_id

    def defer(self, trigger, method_name):
        raise Deferred(trigger, method_name)


class Trigger:
    log = Log()


class Event:
    def __init__(self, payload):
        self.payload = payload


def stand_ins(url, token="secret", namespace="team"):
    """Modules in the place of Airflow's, whose connection is to `url`."""
    connection = types.SimpleNamespace(host=url, password=token, extra_dejson={"namespace": namespace})

    async def aget_connection(_):
        return connection
    hook = types.SimpleNamespace(get_connection=lambda _: connection, aget_connection=aget_connection)
    fail = type("AirflowFailException", (Exception,), {})
    made = {"airflow": {}, "airflow.sdk": {"BaseHook": hook, "BaseOperator": Operator}, "airflow.sdk.exceptions": {"AirflowFailException": fail},
            "airflow.triggers": {}, "airflow.triggers.base": {"BaseTrigger": Trigger, "TriggerEvent": Event}}
    out = {}
    for name, values in made.items():
        out[name] = types.ModuleType(name)
        vars(out[name]).update(values)
    return out


class Example(unittest.TestCase):
    def setUp(self):
        sys.path[:0] = FOLDERS
        self.addCleanup(lambda: [sys.path.remove(f) for f in FOLDERS])
        self.gateway = importlib.import_module("gateway").Gateway()
        self.addCleanup(self.gateway.close)
        self.use(stand_ins(self.gateway.url))
        self.operator = self.example.PenstockRunOperator(task_id="train", pipeline="flights", parameters={"day": "2026-11-30"}, poll_interval=0.01)

    def use(self, modules):
        before = {name: sys.modules.get(name) for name in [*modules, "penstock_airflow"]}
        self.addCleanup(self.back, before)
        sys.modules.pop("penstock_airflow", None)
        sys.modules.update(modules)
        self.example = importlib.import_module("penstock_airflow")

    @staticmethod
    def back(before):
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module

    def context(self, attempt=1, run_id="scheduled__2026-11-30"):
        return {"ti": types.SimpleNamespace(dag_id="Flights_daily", run_id=run_id, task_id="train", map_index=-1, try_number=attempt)}

    def deferred(self, attempt=1):
        with self.assertRaises(Deferred) as caught:
            self.operator.execute(self.context(attempt))
        self.assertEqual(caught.exception.method_name, "resume")
        return caught.exception.trigger

    @staticmethod
    def events(trigger):
        async def all_of():
            return [event.payload async for event in trigger.run()]
        return asyncio.run(all_of())

    def test_a_run_is_started_waited_for_and_gives_its_results(self):
        event, = self.events(self.deferred())
        self.assertEqual([(s["pipeline"], s["parameters"]) for s in self.gateway.started], [("flights", {"day": "2026-11-30"})])
        name = self.gateway.started[0]["name"]
        self.assertRegex(name, r"^af-flights-daily-train-[0-9a-f]{10}-1$")
        self.assertEqual(self.operator.resume({}, event), {"run": name, "results": {"auc": 0.7}, "outputs": {"model": "sha256:aa"}})

    def test_a_second_submission_of_an_attempt_finds_the_run_of_the_first(self):
        first, second = self.deferred(), self.deferred()
        self.assertEqual((first.name, len(self.gateway.started)), (second.name, 1))

    def test_another_triggerer_goes_on_by_what_the_trigger_says_of_itself(self):
        path, arguments = self.deferred().serialize()
        self.assertEqual(path, "penstock_airflow.PenstockRunTrigger")
        event, = self.events(self.example.PenstockRunTrigger(**arguments))
        self.assertEqual((event["phase"], len(self.gateway.started)), ("Succeeded", 1))

    def test_an_attempt_goes_on_with_a_run_that_has_not_ended_and_else_starts_another(self):
        first = self.deferred(1)
        self.assertEqual(self.deferred(2).name, first.name)
        self.events(first)
        self.assertTrue(self.deferred(3).name.endswith("-3"))
        self.assertEqual(len(self.gateway.started), 2)

    def test_a_gateway_that_is_away_is_asked_again_and_a_run_that_is_gone_is_told(self):
        trigger = self.deferred()
        self.gateway.away = 3
        self.assertEqual(self.events(trigger)[0]["phase"], "Succeeded")
        self.gateway.runs.clear()
        event, = self.events(trigger)
        self.assertEqual(event["phase"], "Unknown")
        with self.assertRaisesRegex(RuntimeError, "Unknown: NotFound: there is no run af-"):
            self.operator.resume({}, event)

    def test_a_kill_cancels_the_run_and_an_end_of_the_triggerer_does_not(self):
        self.gateway.looks = 10**9
        trigger = self.deferred()

        async def ended():
            waits = asyncio.ensure_future(anext_of(trigger))
            await asyncio.sleep(0.1)
            waits.cancel()
            await asyncio.gather(waits, return_exceptions=True)
            left = list(self.gateway.cancelled)
            await trigger.on_kill()
            return left

        async def anext_of(one):
            async for event in one.run():
                return event
        self.assertEqual(asyncio.run(ended()), [])
        self.assertEqual(self.gateway.cancelled, [trigger.name])
        event, = self.events(trigger)
        with self.assertRaisesRegex(RuntimeError, "Cancelled: cancelled"):
            self.operator.resume({}, event)

    @unittest.skipUnless(os.path.exists(os.path.join(BIN, "penstock")), "penstock is not built")
    def test_a_trigger_reads_what_the_api_itself_says_of_a_run(self):
        from unittest import mock

        from penstock import command
        from penstock.local_api import local_api
        with tempfile.TemporaryDirectory(prefix="penstock-airflow-") as scratch, mock.patch.dict(os.environ, PENSTOCK_BIN=BIN):
            (pathlib.Path(scratch) / "small.yaml").write_text(PIPELINE)
            state = ["--state", f"{scratch}/state"]
            command.penstock("run", f"{scratch}/small.yaml", "--isolation", "process", *state)
            with local_api(state) as (url, token):
                self.use(stand_ins(url, token, "default"))
                api = self.example.gateway(sys.modules["airflow.sdk"].BaseHook.get_connection("penstock"))
                name = api.run_rows()[0]["name"]
                event, = self.events(self.example.PenstockRunTrigger("penstock", name, 0.01))
                gone, = self.events(self.example.PenstockRunTrigger("penstock", "gone", 0.01))
        self.assertEqual((event["run"], event["phase"], event["results"], list(event["outputs"])), (name, "Succeeded", {"seven": 7}, ["page"]))
        self.assertRegex(event["outputs"]["page"], "^sha256:[0-9a-f]{64}$")
        self.assertEqual(gone["phase"], "Unknown")

    def test_an_invalid_pipeline_is_not_tried_again_and_what_is_refused_is_told(self):
        fail = sys.modules["airflow.sdk.exceptions"].AirflowFailException
        with self.assertRaises(fail):
            self.operator.resume({}, {"run": "r", "phase": "Invalid", "message": "no such step"})
        self.operator.pipeline = "trains"
        with self.assertRaisesRegex(Exception, "NotFound: there is no pipeline trains"):
            self.operator.execute(self.context())


if __name__ == "__main__":
    unittest.main()
