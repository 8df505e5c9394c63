"""What goes wrong shows in the run's condition within 30 s, with the step, the reason and whether it is tried again."""
import unittest

import harness as h


class Failures(h.ClusterTest):
    def failure(self, name, steps, seconds=30, **spec):
        """The Succeeded condition's reason and message, as soon as they name a problem."""
        with h.Namespace(f"e2e-{name}") as ns:
            h.apply(ns, h.run_of(name, ns, steps, **spec))

            def problem():
                run = h.get("pplr", name, ns)
                for kind in ("Succeeded", "Stalled", "Reconciling"):
                    c = h.condition(run, kind)
                    if c.get("reason") not in (None, "", "Running", "Progressing", "Pending", "NotStalled", "Starting"):
                        return run, c
                return None
            return h.wait_until(f"{name} in a condition", seconds, problem)

    def test_a_crashing_step_is_named_with_its_exit_code(self):
        run, c = self.failure("crash", [h.shell_step("boom", "echo it broke >&2; exit 7")])
        self.assertIn("boom", c["message"])
        self.assertIn("7", c["message"])

    def test_a_missing_image_is_named_and_waits(self):
        step = h.shell_step("pull", "true")
        step["container"]["image"] = "registry.invalid/no/such:image"
        run, c = self.failure("image", [step])
        text = c["message"] + str(h.step_of(run, "pull"))
        self.assertIn("pull", text)
        self.assertIn("Image", text)

    def test_a_step_that_no_node_can_hold_says_so(self):
        step = h.shell_step("gpu", "true")
        step["resources"] = {"requests": {"nvidia.com/gpu": "64"}, "limits": {"nvidia.com/gpu": "64"}}
        run, c = self.failure("gpu", [step])
        self.assertIn("nvidia.com/gpu", c["message"] + str(h.step_of(run, "gpu")))

    def test_a_cycle_is_named_in_order(self):
        a = h.shell_step("a", "true", dependsOn=[{"step": "b"}])
        b = h.shell_step("b", "true", dependsOn=[{"step": "a"}])
        run, c = self.failure("cycle", [a, b], seconds=10)
        self.assertIn("a -> b -> a", c["message"])

    def test_a_wrong_parameter_is_named_with_its_path(self):
        run, c = self.failure("parameter", [h.shell_step("ok", "true")], seconds=10, parameters={"nosuch": 1})
        self.assertIn("nosuch", c["message"])

    def test_a_full_disk_is_named(self):
        step = h.shell_step("fill", "head -c 200M /dev/zero >/penstock/work/tmp/x; sleep 60")
        step["resources"] = {"requests": {"ephemeral-storage": "10Mi"}, "limits": {"ephemeral-storage": "20Mi"}}
        run, c = self.failure("disk", [step], seconds=90)
        self.assertIn("fill", c["message"] + str(run["status"]))


class Logs(h.ClusterTest):
    def test_penstock_logs_shows_why(self):
        with h.Namespace("e2e-logs") as ns:
            h.apply(ns, h.run_of("logs", ns, [h.shell_step("boom", "echo it broke >&2; exit 7")]))
            h.wait_finished("logs", ns, 60)
            out = h.sh(h.BUILD / "bin/penstock", "logs", "logs", "boom", "-n", ns).stdout
            self.assertIn("it broke", out)


if __name__ == "__main__":
    unittest.main()
