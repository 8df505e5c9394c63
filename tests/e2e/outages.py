"""A model behind routers, under load, while a node's drain evicts every pod, and while the API server is away for a minute.

For `tests/run full`: three minutes beside what test_rollout.py does in the default run.
"""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

import harness as h
import test_rollout

AWAY = 60  # seconds
STATE = pathlib.Path(os.environ.get("CLUSTER_STATE", "/tmp/penstock-cluster"))


def evict(ns, pod):
    """Whether the Eviction API took it; a PodDisruptionBudget may say to come again."""
    review = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": ns}}
    done = h.sh("kubectl", "create", "--raw", f"/api/v1/namespaces/{ns}/pods/{pod}/eviction", "-f", "-", input=json.dumps(review), check=False)
    refused = "disruption budget" in done.stderr or "TooManyRequests" in done.stderr
    if done.returncode and not refused:
        raise AssertionError(done.stderr)
    return not done.returncode


def begin_anew(program):
    """Starts a program of the cluster once more, as tests/cluster did."""
    file = STATE / "pid" / program
    arguments = pathlib.Path(f"/proc/{file.read_text().strip()}/cmdline").read_text().rstrip("\0").split("\0")
    os.kill(int(file.read_text()), signal.SIGKILL)

    def begin():
        with open(STATE / f"log/{program}.log", "a") as log:
            file.write_text(str(subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True).pid))
    return begin


@contextlib.contextmanager
def no_api_server():
    """It stands still: it takes connections and answers none. Controller manager and scheduler end, as those do that lose their lease
    meanwhile, and begin anew with it: a manager that went by what it remembers would take all of the node's pods out of their Services."""
    server = int((STATE / "pid/apiserver").read_text())
    others = [begin_anew(program) for program in ("kcm", "sched")]
    os.kill(server, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server, signal.SIGCONT)
        for begin in others:
            begin()


@unittest.skipUnless(h.OWN, "it stops the API server's process")
class Outages(test_rollout.UnderLoad):
    def ready(self):
        deployments = h.items("deployments", self.ns)
        return deployments and all(d["status"].get("readyReplicas", 0) == d["spec"]["replicas"] and
                                   d["status"].get("unavailableReplicas", 0) == 0 for d in deployments)

    def drain(self):
        """As kubectl drain does: all at once, and again those that a budget holds."""
        pods = [p["metadata"]["name"] for p in h.items("pods", self.ns)]
        self.assertEqual(len(pods), 4, "two servers and two routers")
        left = list(pods)

        def evict_rest():
            left[:] = [p for p in left if not evict(self.ns, p)]
            return not left
        h.wait_until("every pod to be evicted", 120, evict_rest, every=1)
        h.wait_until("others in their place", 120, lambda: self.ready() and not {
            p["metadata"]["name"] for p in h.items("pods", self.ns)} & set(pods), every=1)

    def test_no_request_is_lost_while_every_pod_is_evicted_and_while_the_api_server_is_away(self):
        with self.under_load(replicas=2):
            self.move_to_routers()
            with self.phase("every pod evicted"):
                self.drain()
                time.sleep(2)
            with self.phase(f"the API server away for {AWAY} s") as seen, no_api_server():
                time.sleep(AWAY)
            self.assertGreater(seen["version 1"], AWAY, "answers went on")
            with self.phase("afterwards a canary is promoted"):
                two = test_rollout.put(self.ns, lambda f: test_rollout.write_scale(f, 3))
                self.follow(two, replicas=2)
                self.wait_stable(two, 120)


if __name__ == "__main__":
    unittest.main()
