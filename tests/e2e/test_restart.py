"""The operator is killed at different moments of a run; the run ends the same."""
import unittest

import harness as h


def kill_operator():
    """SIGKILL: no grace, no release of the lease."""
    h.kubectl("delete", "pod", "-n", h.SYSTEM, "-l", "app.kubernetes.io/name=penstock", "--grace-period=0", "--force",
              "--wait=false")


class Restart(h.ClusterTest):
    def test_a_run_ends_the_same_when_the_operator_is_killed_in_its_middle(self):
        with h.Namespace("e2e-restart") as ns:
            steps = [h.shell_step("s0", "sleep 1; echo 0 >$OUT", outputs=[{"name": "out"}])]
            for i in range(1, 6):
                steps.append(h.shell_step(f"s{i}", "sleep 1; cat $IN >$OUT", outputs=[{"name": "out"}],
                                          inputs={"in": f"$(steps.s{i - 1}.outputs.out)"}))
            for s in steps:
                s["container"]["env"] = [{"name": "OUT", "value": "$(outputs.out.path)"}]
                if "inputs" in s:
                    s["container"]["env"].append({"name": "IN", "value": "$(inputs.in.path)"})
            h.apply(ns, h.run_of("killed", ns, steps))
            seen = {}

            def watch_pods():
                for p in h.items("pods", ns):
                    seen.setdefault(p["metadata"]["name"], set()).add(p["metadata"]["uid"])
                return len(seen)
            for count in (1, 3, 5):
                h.wait_until(f"{count} pods", 60, lambda: watch_pods() >= count)
                kill_operator()
            h.wait_until("the end", 180, lambda: watch_pods() and
                         h.condition(h.get("pplr", "killed", ns), "Finished").get("status") == "True")
            run = h.get("pplr", "killed", ns)
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))
            self.assertEqual(len(seen), 6, "one pod a step")
            self.assertTrue(all(len(uids) == 1 for uids in seen.values()), f"one pod object an attempt: {seen}")


if __name__ == "__main__":
    unittest.main()
