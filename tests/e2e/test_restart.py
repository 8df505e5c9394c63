"""The operator is killed, or its database is lost, in the middle of a run; the run ends the same."""
import os
import pathlib
import sqlite3
import unittest

import harness as h


def kill_operator():
    """SIGKILL: no grace, no release of the lease."""
    h.kubectl("delete", "pod", "-n", h.SYSTEM, "-l", "app.kubernetes.io/name=penstock", "--grace-period=0", "--force",
              "--wait=false")


def chain(length):
    """Steps of a second each; each hands its output to the next."""
    steps = [h.shell_step("s0", "sleep 1; echo 0 >$OUT", outputs=[{"name": "out"}])]
    for i in range(1, length):
        steps.append(h.shell_step(f"s{i}", "sleep 1; cat $IN >$OUT", outputs=[{"name": "out"}],
                                  inputs={"in": f"$(steps.s{i - 1}.outputs.out)"}))
    for s in steps:
        s["container"]["env"] = [{"name": "OUT", "value": "$(outputs.out.path)"}]
        if "inputs" in s:
            s["container"]["env"].append({"name": "IN", "value": "$(inputs.in.path)"})
    return steps


class Restart(h.ClusterTest):
    def disturbed(self, name, length, moments, disturb):
        """Runs a chain, disturbs it whenever so many of its pods have been seen, and expects one pod a step."""
        with h.Namespace(f"e2e-{name}") as ns:
            h.apply(ns, h.run_of(name, ns, chain(length)))
            seen = {}

            def watch_pods():
                for p in h.items("pods", ns):
                    seen.setdefault(p["metadata"]["name"], set()).add(p["metadata"]["uid"])
                return len(seen)
            for count in moments:
                h.wait_until(f"{count} pods", 60, lambda: watch_pods() >= count)
                disturb()
            h.wait_until("the end", 180, lambda: watch_pods() and
                         h.condition(h.get("pplr", name, ns), "Finished").get("status") == "True")
            run = h.get("pplr", name, ns)
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))
            self.assertEqual(len(seen), length, "one pod a step")
            self.assertTrue(all(len(uids) == 1 for uids in seen.values()), f"one pod object an attempt: {seen}")
            return run

    def test_a_run_ends_the_same_when_the_operator_is_killed_in_its_middle(self):
        self.disturbed("killed", 6, (1, 3, 5), kill_operator)

    def test_a_run_ends_the_same_when_the_metadata_database_is_lost_in_its_middle(self):
        """Gone under the running operator, then gone with it, then damaged: no run is lost, and history fills again."""
        ways = iter(("rm -f /data/metadata.sqlite*", "rm -f /data/metadata.sqlite*",
                     "rm -f /data/metadata.sqlite-*; echo damaged >/data/metadata.sqlite"))

        def lose(kill):
            h.kubectl("rollout", "status", "-n", h.SYSTEM, "deployment/penstock", "--timeout=60s")
            h.kubectl("exec", "-n", h.SYSTEM, "deployment/penstock", "--", "sh", "-c", next(ways))
            if kill:
                kill_operator()
        turns = iter((False, True, True))
        run = self.disturbed("forgotten", 6, (1, 3, 5), lambda: lose(next(turns)))
        if h.OWN:
            uid = run["metadata"]["uid"]
            h.wait_until("the run in the new database", 30, lambda: recorded(uid) == ("Succeeded", 6))


def recorded(uid):
    """A run's outcome and its number of steps, as the database of the project's own cluster has them."""
    file = pathlib.Path(os.environ.get("CLUSTER_STATE", "/tmp/penstock-cluster")) / "volumes/penstock/metadata.sqlite"
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            outcome = db.execute("SELECT outcome FROM runs WHERE uid = ?", (uid,)).fetchone()
            steps = db.execute("SELECT count(*) FROM steps WHERE run = ?", (uid,)).fetchone()
            return (outcome[0], steps[0]) if outcome else None
    except sqlite3.OperationalError:
        return None


if __name__ == "__main__":
    unittest.main()
