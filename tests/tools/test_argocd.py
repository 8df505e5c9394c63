"""The health checks for Argo CD, run by Lua on objects as the operator writes their status."""
import json
import pathlib
import shutil
import subprocess
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "charts/argocd"
LUA = shutil.which("lua5.4") or shutil.which("lua5.1") or shutil.which("lua")


def lua(value):
    """A JSON value as a Lua literal."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{json.dumps(k)}] = {lua(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(map(lua, value)) + "}"
    return "nil" if value is None else json.dumps(value)


def condition(kind, status, message="", reason="Because"):
    return {"type": kind, "status": status, "reason": reason, "message": message}


@unittest.skipUnless(LUA, "Lua is not installed: tools/install-deps test")
class Health(unittest.TestCase):
    def health(self, kind, status=None, spec=None, generation=1):
        obj = {"metadata": {"name": "x", "generation": generation}, "spec": spec or {}}
        if status is not None:
            obj["status"] = {"observedGeneration": 1, **status}
        script = f"obj = {lua(obj)}\nlocal function check()\n{(FOLDER / f'{kind}.lua').read_text()}\nend\nlocal hs = check()\nprint(hs.status)\nprint(hs.message)\n"
        done = subprocess.run([LUA, "-"], input=script, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return tuple(done.stdout.rstrip("\n").split("\n", 1))

    def test_what_the_operator_has_not_seen_is_progressing(self):
        for kind in ("pipeline", "pipelinerun", "modeldeployment"):
            self.assertEqual(self.health(kind), ("Progressing", "the operator has not looked at it yet"))
        ready = {"conditions": [condition("Ready", "True", "x")]}
        for kind in ("pipeline", "modeldeployment"):  # a run's spec does not change
            self.assertEqual(self.health(kind, ready, generation=2)[0], "Progressing")

    def test_a_pipeline(self):
        conditions = [condition("Ready", "True"), condition("Stalled", "False")]
        self.assertEqual(self.health("pipeline", {"conditions": conditions}), ("Healthy", "in effect"))
        self.assertEqual(self.health("pipeline", {"conditions": [*conditions, condition("LastRunSucceeded", "False", "train: exit code 1")]}),
                         ("Healthy", "in effect: the last run did not succeed: train: exit code 1"))
        self.assertEqual(self.health("pipeline", {"conditions": conditions}, {"suspend": True}), ("Suspended", "starts no runs"))
        self.assertEqual(self.health("pipeline", {"conditions": [condition("Ready", "False", "spec.steps[0]: no"), condition("Stalled", "True", "spec.steps[0]: no")]}),
                         ("Degraded", "spec.steps[0]: no"))
        self.assertEqual(self.health("pipeline", {"conditions": [condition("Ready", "False", "waits for Component c")]}), ("Progressing", "waits for Component c"))

    def test_a_run(self):
        for conditions, spec, extra, expected in [
                ([condition("Succeeded", "True", "7 of 7 steps have succeeded"), condition("Finished", "True")], {}, {}, ("Healthy", "7 of 7 steps have succeeded")),
                ([condition("Succeeded", "False", "train failed"), condition("Finished", "True")], {}, {}, ("Degraded", "train failed")),
                ([condition("Succeeded", "Unknown"), condition("Stalled", "True", "no such parameter")], {}, {}, ("Degraded", "no such parameter")),
                ([condition("Succeeded", "Unknown", "3 of 7")], {"suspend": True}, {}, ("Suspended", "starts no further steps")),
                ([condition("Succeeded", "Unknown", "3 of 7")], {}, {"trouble": "train: Unschedulable"}, ("Progressing", "train: Unschedulable")),
                ([condition("Succeeded", "Unknown", "3 of 7")], {}, {}, ("Progressing", "3 of 7"))]:
            self.assertEqual(self.health("pipelinerun", {"conditions": conditions, **extra}, spec), expected)

    def test_a_model_deployment(self):
        for conditions, candidate, expected in [
                ([condition("Ready", "True", "version 2 serves")], None, ("Healthy", "version 2 serves")),
                ([condition("Ready", "False", "x"), condition("Available", "True"), condition("Stalled", "True", "example 3: output 'label'")], None,
                 ("Degraded", "example 3: output 'label'")),
                ([condition("Ready", "False", "RollingOut")], {"version": 3, "phase": "Step"}, ("Progressing", "RollingOut")),
                ([condition("Ready", "False", "RollingOut")], {"version": 3, "phase": "Preview"}, ("Suspended", "version 3 waits to be promoted")),
                ([condition("Ready", "False", "", "Unschedulable")], None, ("Progressing", "Unschedulable"))]:
            status = {"conditions": conditions, **({"candidate": candidate} if candidate else {})}
            self.assertEqual(self.health("modeldeployment", status), expected)

    def test_the_patch_holds_the_files_under_argo_cd_s_keys(self):
        data = yaml.safe_load((FOLDER / "argocd-cm.yaml").read_text())["data"]
        self.assertEqual({key.rpartition("_")[2].lower(): text for key, text in data.items()}, {p.stem: p.read_text() for p in FOLDER.glob("*.lua")})
        for key in data:
            self.assertTrue(key.startswith("resource.customizations.health.penstock.dev_"))


if __name__ == "__main__":
    unittest.main()
