"""The example, as README and the guide have it: kubectl apply to a served model, then a changed parameter."""
import json
import pathlib
import shutil
import tempfile
import time
import unittest

import harness as h

ROW = {"carrier": "UA", "origin": "EWR", "dest": "IAH", "distance": 1400, "hour": 17, "minute": 29}


def request_for(url, model):
    """A V2 request with one row, its columns and types taken from the model's metadata."""
    import urllib.request
    with urllib.request.urlopen(f"{url}/v2/models/{model}", timeout=10) as answer:
        meta = json.loads(answer.read())
    inputs = []
    for column in meta["inputs"]:
        value = ROW.get(column["name"])
        inputs.append({"name": column["name"], "datatype": column["datatype"], "shape": [1], "data": [value]})
    return {"inputs": inputs}


def answered(url):
    """The request for the model behind url, or None while kube-proxy has not learned of its endpoints."""
    try:
        return request_for(url, "flights")
    except OSError:
        return None


class Flights(h.ClusterTest):
    def test_apply_becomes_a_served_model_and_a_change_rolls_out_without_a_failed_request(self):
        # a name of its own each time: the store keeps what was cached for a namespace
        with h.Namespace(f"e2e-flights-{int(time.time())}") as ns:
            # the example as it stands, in a namespace that it does not name
            folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-flights-"))
            self.addCleanup(shutil.rmtree, folder)
            shutil.copytree(h.ROOT / "examples/flights", folder, dirs_exist_ok=True)
            text = (folder / "pipeline.yaml").read_text()

            def there(line):
                return line.replace("examples/flights", str(folder)) + f" -n {ns}"

            def runs():  # those of the pipeline that makes the model: another looks at each day's data
                return h.items("pplr", ns, "-l", "penstock.dev/pipeline=flights")
            h.documented("README.md", "kubectl apply", there)
            run = h.wait_until("a run by change", 30, runs)[0]["metadata"]["name"]
            h.documented("README.md", "kubectl wait --for=condition=Finished",
                         lambda line: there(line).replace("<name>", run), timeout=660)
            first = h.get("pplr", run, ns)
            self.assertEqual(h.condition(first, "Succeeded")["status"], "True", h.condition(first, "Succeeded"))
            h.documented("README.md", "kubectl wait --for=condition=Ready", there, timeout=660)
            shown = h.documented("README.md", "kubectl get", there).stdout
            for word in ("pipeline.penstock.dev/flights", run, "modeldeployment.penstock.dev/flights"):
                self.assertIn(word, shown)
            self.assertIn("flights", h.documented("docs/guide.md", "kubectl get pmd", there).stdout)
            url = h.service_url("flights", ns)
            body = h.wait_until("the node to route the Service", 15, lambda: answered(url))
            answer = h.post(f"{url}/v2/models/flights/infer", body)
            outputs = {o["name"]: o["data"][0] for o in answer["outputs"]}
            self.assertGreater(outputs["probability"], 0.0)
            self.assertLess(outputs["probability"], 1.0)
            def to_service(line):
                return line.replace("http://flights/", f"{url}/")
            v2 = json.loads(h.documented("docs/guide.md", "curl -s http://flights/v2/", to_service).stdout)
            self.assertEqual({o["name"] for o in v2["outputs"]}, {"probability", "label"})
            v1 = json.loads(h.documented("docs/guide.md", "curl -s http://flights/v1/", to_service).stdout)
            self.assertAlmostEqual(v1["predictions"][0]["probability"], outputs["probability"], places=5)
            auc = h.step_of(first, "evaluate")["results"]["metrics"]["auc"]
            self.assertGreaterEqual(auc, 0.626, "0.636 of HistGradientBoosting less 0.01")

            self.assertIn("seed: 1", text)
            load = h.Load(f"{url}/v2/models/flights/infer", body)
            load.start()
            h.kubectl("apply", "-n", ns, "-f", "-", input=text.replace("seed: 1", "seed: 2"))
            second_name = h.wait_until("a second run", 30, lambda: [
                r["metadata"]["name"] for r in runs() if r["metadata"]["name"] != run])[0]
            second = h.wait_finished(second_name, ns, 400)
            self.assertEqual(h.condition(second, "Succeeded")["status"], "True", h.condition(second, "Succeeded"))
            cached = {s["name"] for s in second["status"]["steps"] if s.get("cached")}
            self.assertEqual(cached, {"ingest", "features", "split", "transform"}, "only what changed runs")
            digest = h.step_of(second, "bless")["outputs"][0]["digest"]
            h.wait_until("the new model to be stable", 120, lambda: h.get("pmd", "flights", ns)
                         .get("status", {}).get("stable", {}).get("digest") == digest)
            h.wait_until("requests answered by the new version", 60, lambda: len(load.versions) > 1)
            h.wait_until("the old Deployment to be gone", 120, lambda: len(h.items(
                "deployments", ns, "-l", "penstock.dev/model-deployment=flights")) == 1)
            load.stop()
            self.assertEqual(load.failures, [])
            self.assertGreater(load.answers, 50)
            self.assert_predictions_are_in_the_store(ns, folder, load.answers)

    def assert_predictions_are_in_the_store(self, ns, folder, answers):
        """The old version's servers have ended, so what they logged is there; 20 % of the requests."""
        h.wait_until("the old servers to have ended", 90, lambda: not h.items(
            "pods", ns, "-l", "penstock.dev/model-deployment=flights,penstock.dev/model-version=1"))
        h.documented("docs/guide.md", "penstock artifact predictions", lambda line: f"{line} -n {ns}", cwd=folder)
        rows = json.loads(h.sh(h.DUCKDB, "-json", "-c", (
            "select model, version, count(*) as n, min(probability) as low, max(probability) as high, "
            f"min(carrier) as carrier, count(distinct request_id) as ids from '{folder}/predictions/*.parquet' "
            "group by all order by version")).stdout)
        self.assertEqual((rows[0]["model"], rows[0]["version"], rows[0]["carrier"]), ("flights", "1", "UA"))
        self.assertEqual(rows[0]["n"], rows[0]["ids"])
        self.assertGreater(rows[0]["low"], 0)
        self.assertLess(rows[0]["high"], 1)
        self.assertLess(sum(r["n"] for r in rows), answers * 0.35 + 10)


if __name__ == "__main__":
    unittest.main()
