"""What steps say of their pods, on real ones: sidecars, users, labels, containers that are killed."""
import unittest

import harness as h

IMAGE = f"penstock/operator:{h.VERSION}"


def program(name, script, **more):
    return {"name": name, "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script], **more}


class Pods(h.ClusterTest):
    def ended(self, ns, name, steps, **spec):
        h.apply(ns, h.run_of(name, ns, steps, **spec))
        return h.wait_finished(name, ns)

    def test_a_step_waits_for_its_sidecar_and_the_kubelet_ends_that_after_it(self):
        with h.Namespace("e2e-sidecar") as ns:
            step = h.shell_step("ask", "grep -q ready /shared/state")
            step["container"]["volumeMounts"] = [{"name": "shared", "mountPath": "/shared"}]
            step["volumes"] = [{"name": "shared", "emptyDir": {}}]
            step["sidecars"] = [program("db", "sleep 3; echo ready > /shared/state; trap 'exit 0' TERM; while :; do sleep 1; done",
                                        volumeMounts=[{"name": "shared", "mountPath": "/shared"}],
                                        readiness={"exec": ["test", "-e", "/shared/state"]})]
            run = self.ended(ns, "sidecar", [step])
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))
            pod = h.step_of(run, "ask")["pod"]
            h.wait_until("the pod to end", 60, lambda: h.get("pod", pod, ns)["status"]["phase"] == "Succeeded")

    def test_containers_in_turn_share_a_folder_and_the_one_that_is_killed_is_named(self):
        with h.Namespace("e2e-turns") as ns:
            good = {"name": "build", "results": [{"name": "n", "type": "integer"}], "containers": [
                program("one", "echo a > $(workspace.path)/x"),
                program("two", "cd $(workspace.path) && wc -l < x | tr -d ' \\n' > $(results.n.path)")]}
            bad = {"name": "build", "containers": [
                program("fine", "true"),
                program("big", "head -c 300M /dev/zero | tail -c 300M >/dev/null",
                        resources={"limits": {"memory": "32Mi"}}),
                program("never", "true")]}
            h.apply(ns, h.run_of("good", ns, [good]), h.run_of("bad", ns, [bad]))
            run = h.wait_finished("good", ns)
            self.assertEqual(h.step_of(run, "build")["results"], {"n": 1}, run["status"])
            run = h.wait_finished("bad", ns)
            step = h.step_of(run, "build")
            self.assertEqual(step["reason"], "OutOfMemory", step)
            self.assertIn("container 'big'", step["message"])

    def test_a_pod_runs_as_the_user_and_with_the_labels_that_its_step_says(self):
        with h.Namespace("e2e-user") as ns:
            step = h.shell_step("who", 'test "$$(id -u)" = 1234 && getent hosts warehouse | grep -q 10.1.2.3')
            step["pod"] = {"labels": {"team": "ml"}, "securityContext": {"runAsUser": 1234},
                           "hostAliases": [{"ip": "10.1.2.3", "hostnames": ["warehouse"]}]}
            run = self.ended(ns, "user", [step])
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))
            pod = h.get("pod", h.step_of(run, "who")["pod"], ns)
            self.assertEqual(pod["metadata"]["labels"]["team"], "ml")


if __name__ == "__main__":
    unittest.main()
