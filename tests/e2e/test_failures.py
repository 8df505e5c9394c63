"""What goes wrong shows in the run's condition within 30 s, with the step, the reason and whether it is tried again."""
import unittest

import harness as h

QUIET = (None, "", "Running", "Progressing", "Pending", "NotStalled", "Starting", "Resolving")


class Failures(h.ClusterTest):
    def failure(self, name, steps, says=lambda message: True, once_running=False, **spec):
        """The run and its Succeeded condition, as soon as that names a problem and `says` what is looked for:
        within 30 s of the run's creation, or of its pod's start where the step itself makes the problem."""
        with h.Namespace(f"e2e-{name}") as ns:
            h.apply(ns, h.run_of(name, ns, steps, **spec))
            if once_running:
                h.wait_until("the pod to run", 60, lambda: [  # or to have run: the kubelet may be quick to evict it
                    p for p in h.items("pods", ns) if p["status"].get("phase") in ("Running", "Failed")])

            def problem():
                run = h.get("pplr", name, ns)
                c = h.condition(run, "Succeeded")
                if c.get("reason") not in QUIET and says(c["message"]):
                    return run, c
                return None
            return h.wait_until(f"{name} in the condition Succeeded", 30, problem)

    def test_a_crashing_step_is_named_with_its_exit_code(self):
        run, c = self.failure("crash", [h.shell_step("boom", "echo it broke >&2; exit 7")])
        self.assertEqual(c["reason"], "StepFailed")
        self.assertIn("step boom (ExitCode): exit code 7", c["message"])
        self.assertIn("it is not tried again", c["message"])
        self.assertEqual(h.condition(run, "Stalled")["status"], "True")

    def test_a_crash_that_is_tried_again_says_so_and_when(self):
        run, c = self.failure("again", [h.shell_step("boom", "exit 7", retry={"user": {"limit": 1, "backoff": "20s"}})])
        self.assertEqual(c["reason"], "Retrying")
        self.assertIn("step boom (ExitCode): exit code 7", c["message"])
        self.assertIn("retry 1 of 1 for the step's own failure", c["message"])
        self.assertTrue(h.step_of(run, "boom")["retryAt"])

    def greedy(self, **more):
        step = h.shell_step("greedy", "tail /dev/zero", **more)
        step["resources"] = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}
        return step

    def test_a_step_above_its_memory_limit_is_out_of_memory_and_not_tried_again(self):
        run, c = self.failure("oom", [self.greedy()])
        self.assertEqual(c["reason"], "StepFailed")
        self.assertIn("step greedy (OutOfMemory)", c["message"])
        self.assertIn("OOMKilled", c["message"])
        self.assertIn("it is not tried again", c["message"])

    def test_a_step_above_its_memory_limit_is_tried_again_from_the_budget_of_its_own(self):
        run, c = self.failure("oom-again", [self.greedy(retry={"outOfMemory": {"limit": 1, "backoff": "20s"}})])
        self.assertEqual(c["reason"], "Retrying")
        self.assertIn("step greedy (OutOfMemory)", c["message"])
        self.assertIn("retry 1 of 1 for out of memory", c["message"])

    def test_a_missing_image_is_named_and_waits(self):
        step = h.shell_step("pull", "true")
        step["container"]["image"] = "registry.invalid/no/such:image"
        run, c = self.failure("image", [step], lambda message: "Image" in message)
        self.assertEqual(c["reason"], "Waiting")
        self.assertRegex(c["message"], r"step pull \((ErrImagePull|ImagePullBackOff)\)")
        self.assertIn("registry.invalid/no/such:image", c["message"])
        self.assertIn("it is tried again for up to 10m (timeouts.pending)", c["message"])
        self.assertEqual(h.step_of(run, "pull")["phase"], "Pending")

    def test_a_step_that_no_node_can_hold_says_so(self):
        step = h.shell_step("gpu", "true")
        step["resources"] = {"requests": {"nvidia.com/gpu": "64"}, "limits": {"nvidia.com/gpu": "64"}}
        run, c = self.failure("gpu", [step])
        self.assertEqual(c["reason"], "Waiting")
        self.assertIn("step gpu (Unschedulable)", c["message"])
        self.assertIn("nvidia.com/gpu", c["message"])

    def test_what_a_step_gave_last_stands_in_for_its_failure(self):
        with h.Namespace("e2e-last-good") as ns:
            fetch = h.shell_step("fetch", 'test -n "$DAY" || exit 9; printf %s "$DAY" > "$OUT"',
                                 outputs=[{"name": "day"}], onFailure={"use": "LastGood", "maxAge": "1h"},
                                 parameters={"day": "$(parameters.day)"})
            fetch["container"]["env"] = [{"name": "DAY", "value": "$(parameters.day)"},
                                         {"name": "OUT", "value": "$(outputs.day.path)"}]
            use = h.shell_step("use", 'cat "$IN" > "$OUT"', inputs={"day": "$(steps.fetch.outputs.day)"},
                               results=[{"name": "read"}])
            use["container"]["env"] = [{"name": "IN", "value": "$(inputs.day.path)"}, {"name": "OUT", "value": "$(results.read.path)"}]
            h.apply(ns, {"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": "days"},
                         "spec": {"runPolicy": "Manual", "parameters": [{"name": "day", "default": ""}], "freshness": {"maxAge": "1h"},
                                  "steps": [fetch, use]}})

            def run(name, day):
                h.apply(ns, {"apiVersion": "penstock.dev/v1alpha1", "kind": "PipelineRun", "metadata": {"name": name},
                             "spec": {"pipelineRef": {"name": "days"}, "parameters": {"day": day}}})
                return h.wait_until(f"the end of {name}", 120, lambda: (
                    r if h.condition(r := h.get("pplr", name, ns), "Finished").get("status") == "True" else None))

            self.assertEqual(h.condition(run("none", ""), "Succeeded")["status"], "False", "there was none before")
            self.assertEqual(h.condition(run("monday", "monday"), "Succeeded")["status"], "True")
            after = run("after", "")
            self.assertEqual(h.condition(after, "Succeeded")["status"], "True")
            self.assertEqual(h.condition(after, "LastGoodUsed")["status"], "True")
            self.assertEqual(h.step_of(after, "fetch")["phase"], "Failed")
            self.assertEqual(h.step_of(after, "fetch")["lastGood"]["run"], "monday")
            self.assertEqual(h.step_of(after, "use")["results"], {"read": "monday"})

    def test_a_cycle_is_named_in_order(self):
        a = h.shell_step("a", "true", dependsOn=[{"step": "b"}])
        b = h.shell_step("b", "true", dependsOn=[{"step": "a"}])
        run, c = self.failure("cycle", [a, b])
        self.assertEqual(c["reason"], "InvalidSpec")
        self.assertIn("a -> b -> a", c["message"])
        self.assertIn("correct it in another run", c["message"])
        self.assertEqual(h.condition(run, "Finished")["status"], "True")
        self.assertEqual(h.condition(run, "Stalled")["status"], "True")

    def test_a_wrong_parameter_is_named_with_its_path(self):
        run, c = self.failure("parameter", [h.shell_step("ok", "true")], parameters={"nosuch": 1})
        self.assertEqual(c["reason"], "InvalidSpec")
        self.assertIn("spec.parameters.nosuch", c["message"])
        self.assertIn("correct it in another run", c["message"])
        self.assertEqual(h.condition(run, "Finished")["status"], "True")
        self.assertEqual(h.condition(run, "Stalled")["status"], "True")

    def test_a_step_that_fills_the_disk_beyond_its_own_limit_spends_the_users_retries(self):
        step = h.shell_step("fill", "head -c 200M /dev/zero >/penstock/work/tmp/x; sleep 60",
                            retry={"user": {"limit": 2, "backoff": "20s"}})
        step["resources"] = {"requests": {"ephemeral-storage": "10Mi"}, "limits": {"ephemeral-storage": "20Mi"}}
        run, c = self.failure("disk", [step], once_running=True)
        self.assertEqual(c["reason"], "Retrying")
        self.assertIn("step fill (StorageLimit)", c["message"])
        # of the volume or of the pod, whichever the kubelet sums up first
        self.assertRegex(c["message"], r"exceeds the (total )?limit")
        self.assertIn("retry 1 of 2 for the step's own failure", c["message"])


class Logs(h.ClusterTest):
    def test_what_the_documents_show_tells_why(self):
        with h.Namespace("e2e-logs") as ns:
            def here(line):
                return line.replace("kubectl get", f"kubectl -n {ns} get")
            h.apply(ns, h.run_of("prices", ns, [h.shell_step("dearest", "echo it broke >&2; exit 7")]))
            h.wait_finished("prices", ns, 60)
            out = h.documented("docs/guide.md", "penstock logs", lambda line: f"{line} -n {ns}").stdout
            self.assertIn("it broke", out)
            table = h.documented("docs/guide.md", "kubectl get pplr", here).stdout
            self.assertRegex(table, r"prices +StepFailed +dearest: ExitCode ")
            self.assertLessEqual(max(map(len, table.splitlines())), 80, table)
            out = h.documented("docs/guide.md", "kubectl describe", lambda line: f"{line} -n {ns} pplr/prices").stdout
            self.assertIn("step dearest (ExitCode): exit code 7", out)


if __name__ == "__main__":
    unittest.main()
