"""A Secret that steps and servers use stands nowhere but in the Secret."""
import base64
import json
import secrets
import unittest

import harness as h


def docker_config(password):
    auth = base64.b64encode(f"robot:{password}".encode()).decode()
    return json.dumps({"auths": {"registry.invalid": {"username": "robot", "password": password, "auth": auth}}})


def secret(name, ns, kind, **values):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": ns}, "type": kind, "stringData": values}


class Secrets(h.ClusterTest):
    def test_the_value_of_a_secret_is_in_no_log_event_status_or_file_of_the_operator(self):
        canary, pull_canary = f"canary{secrets.token_hex(12)}", f"canary{secrets.token_hex(12)}"
        control = f"control{secrets.token_hex(12)}"
        with h.Namespace("e2e-secrets") as ns:
            h.apply(ns, secret("password", ns, "Opaque", value=canary),
                    secret("pull", ns, "kubernetes.io/dockerconfigjson", **{".dockerconfigjson": docker_config(pull_canary)}))
            good, bad, unpullable = self.steps(control)
            h.apply(ns, h.run_of("good", ns, [good]), h.run_of("bad", ns, [bad]), h.run_of("unpullable", ns, [unpullable]),
                    {"apiVersion": "penstock.dev/v1alpha1", "kind": "ModelDeployment",
                     "metadata": {"name": "served", "namespace": ns},
                     "spec": {"model": "sha256:" + "0" * 64, "imagePullSecrets": [{"name": "pull"}]}})
            run = h.wait_finished("good", ns)
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))
            self.assertEqual(h.step_of(run, "use")["results"], {"length": len(canary)}, "the step had the value")
            h.wait_finished("bad", ns)
            h.wait_until("the pull to fail", 60, lambda: "Image" in h.condition(h.get("pplr", "unpullable", ns), "Succeeded")
                         .get("message", ""))
            places = self.places(ns)
            for what in (canary, pull_canary):
                encoded = base64.b64encode(what.encode()).decode().rstrip("=")
                for place, text in places.items():
                    self.assertNotIn(what, text, place)
                    self.assertNotIn(encoded, text, place)
                self.assertEqual(self.files_with(what), "", "a file of the operator's volume")
            # That the search would find it: a parameter is no secret, and stands where the Secret's value does not.
            self.assertIn(control, places["objects"])
            self.assertNotEqual(self.files_with(control), "")

    @staticmethod
    def steps(control):
        env = [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "password", "key": "value"}}}]
        mount = {"volumeMounts": [{"name": "password", "mountPath": "/password", "readOnly": True}]}
        volume = {"volumes": [{"name": "password", "secret": {"secretName": "password"}}]}
        good = h.shell_step("use", 'test "$PASSWORD" = "$$(cat /password/value)"; echo "$WORD" >"$OUT"; '
                                   'printf %s "${#PASSWORD}" >"$PENSTOCK_RESULTS/length"',
                            parameters={"word": control}, outputs=[{"name": "out"}],
                            results=[{"name": "length", "type": "integer"}], **volume)
        good["container"].update({**mount, "env": [*env, {"name": "WORD", "value": "$(parameters.word)"},
                                                   {"name": "OUT", "value": "$(outputs.out.path)"}]})
        bad = h.shell_step("use", 'test "$PASSWORD" = wrong || { echo "the password is not right" >&2; exit 1; }')
        bad["container"].update({"env": env, "envFrom": [{"secretRef": {"name": "password"}}]})
        unpullable = h.shell_step("use", "true", imagePullSecrets=[{"name": "pull"}])
        unpullable["container"]["image"] = "registry.invalid/no/such:image"
        return good, bad, unpullable

    @staticmethod
    def places(ns):
        """Everything that Penstock wrote or said, as text, by where it stands."""
        kinds = "penstock,pods,configmaps,controllerrevisions,deployments,services,events"
        pods = [p["metadata"]["name"] for p in h.items("pods", ns)]
        return {"objects": h.kubectl("get", kinds, "-n", ns, "-o", "json", "--show-managed-fields"),
                "events of the operator's namespace": h.kubectl("get", "events", "-n", h.SYSTEM, "-o", "json"),
                "the operator's log": h.kubectl("logs", "-n", h.SYSTEM, "deployment/penstock", "--tail=-1"),
                "metrics": h.kubectl("get", "--raw", f"/api/v1/namespaces/{h.SYSTEM}/services/penstock-metrics:http/proxy/metrics"),
                **{f"log of {p}": h.kubectl("logs", p, "-n", ns, "--all-containers", check=False) for p in pods}}

    @staticmethod
    def files_with(text):
        """Files of the operator's volume (artifacts, receipts, cache, the metadata database) that hold the text."""
        return h.kubectl("exec", "-n", h.SYSTEM, "deployment/penstock", "--", "sh", "-c", f"grep -rlF {text} /data || true")


if __name__ == "__main__":
    unittest.main()
