"""An input that is a digest or a URI is a file in the step's pod, or the step says by name why not."""
import hashlib
import pathlib
import tempfile
import time
import unittest

import harness as h

PENSTOCK = h.BUILD / "bin/penstock"
READ = 'cat "$IN" | head -c 200 > "$PENSTOCK_RESULTS/said"'
HEADER = "year,month,day"  # how the example's flights.csv begins


def reader(source, name="read"):
    """A step that hands on what its input begins with."""
    step = h.shell_step(name, READ, inputs={"data": source}, results=[{"name": "said", "type": "string"}])
    step["container"]["env"] = [{"name": "IN", "value": "$(inputs.data.path)"}]
    return step


def data_server(ns):
    """The example's data on a small http server of the namespace; its URL."""
    h.kubectl("apply", "-n", ns, "-f", h.ROOT / "examples/flights/data-server.yaml")
    h.sh("kubectl", "rollout", "status", "-n", ns, "deployment/flights-data", "--timeout=120s", timeout=150)
    return f"http://flights-data.{ns}.svc"


class Digest(h.ClusterTest):
    def put(self, path, ns):
        done = h.sh(PENSTOCK, "artifact", "put", path, "--cluster", "-n", ns)
        self.assertIn(f"namespace {ns} of the cluster", done.stderr)
        self.assertRegex(done.stdout, r"^sha256:[0-9a-f]{64}\n$", "standard output is the digest alone")
        return done.stdout.strip()

    def test_what_artifact_put_printed_is_a_file_in_the_step_and_a_folder_for_a_folder(self):
        with h.Namespace("e2e-digest") as ns, tempfile.TemporaryDirectory() as t:
            folder = pathlib.Path(t, "folder")
            folder.mkdir()
            (folder / "prices.csv").write_text("lamp,30\n")
            file_digest, folder_digest = self.put(folder / "prices.csv", ns), self.put(folder, ns)
            inside = reader(folder_digest, "folder")
            inside["container"]["command"][2] = READ.replace('"$IN"', '"$IN/prices.csv"')
            h.apply(ns, h.run_of("put", ns, [reader(file_digest), inside]))
            run = h.wait_finished("put", ns)
            for step in ("read", "folder"):
                self.assertEqual(h.step_of(run, step).get("results"), {"said": "lamp,30"}, run["status"])

    def test_a_digest_that_is_not_in_the_store_is_waited_for_by_name(self):
        with h.Namespace("e2e-missing") as ns, tempfile.TemporaryDirectory() as t:
            later = pathlib.Path(t, "later.csv")
            text = f"late but there {time.time_ns()}"  # the store keeps what an earlier run of this test put there
            later.write_text(text)
            digest = "sha256:" + hashlib.sha256(later.read_bytes()).hexdigest()
            h.apply(ns, h.run_of("missing", ns, [reader(digest)]))

            def waiting():
                step = h.step_of(h.get("pplr", "missing", ns), "read")
                return step if step.get("reason") == "InputMissing" else None
            step = h.wait_until("the step names what is missing", 30, waiting)
            self.assertIn(f"input 'data': the store of namespace {ns} has no {digest}", step["message"])
            self.assertEqual(self.put(later, ns), digest)
            run = h.wait_finished("missing", ns)
            self.assertEqual(h.step_of(run, "read")["results"], {"said": text})

    def test_a_digest_that_never_comes_fails_the_step_after_its_pending_time(self):
        with h.Namespace("e2e-never") as ns:
            step = {**reader("sha256:" + "0" * 64), "timeouts": {"pending": "10s"}}
            h.apply(ns, h.run_of("never", ns, [step]))
            run = h.wait_finished("never", ns, 60)
            self.assertIn("did not get it within 10s", h.step_of(run, "read")["message"])
            self.assertEqual(h.items("pods", ns), [])


class Uri(h.ClusterTest):
    def test_an_http_source_is_a_file_in_the_step_and_cached_while_it_stays_as_it_is(self):
        with h.Namespace("e2e-uri") as ns:
            step = reader(f"{data_server(ns)}/flights.csv")
            step["cache"] = {"trustTag": True}
            h.apply(ns, h.run_of("first", ns, [step]))
            first = h.step_of(h.wait_finished("first", ns), "read")
            self.assertTrue(first.get("results", {}).get("said", "").startswith(HEADER), first)
            h.apply(ns, h.run_of("second", ns, [step]))
            second = h.step_of(h.wait_finished("second", ns), "read")
            self.assertTrue(second.get("cached"), second)

    def test_a_source_that_answers_404_is_named_with_its_input_and_without_its_query(self):
        with h.Namespace("e2e-404") as ns:
            url = f"{data_server(ns)}/no-such.csv"
            h.apply(ns, h.run_of("gone", ns, [reader(f"{url}?signature=s3cret")]))
            run = h.wait_finished("gone", ns)
            step = h.step_of(run, "read")
            self.assertEqual(step["phase"], "Failed", step)
            self.assertIn(f"input 'data': {url}: the server answered 404", step["message"])
            self.assertNotIn("s3cret", step["message"])
            self.assertEqual(step["attempts"], 1, "it would end the same way")


if __name__ == "__main__":
    unittest.main()
