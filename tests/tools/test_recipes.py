"""docs/recipes.md: its files are written out, and the commands of its `sh` blocks are run on this machine."""
import functools
import http.server
import importlib.util
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release")).resolve()
TEXT = (ROOT / "docs/recipes.md").read_text()
IRIS = "length,width,kind\n" + "".join(f"{4 + i % 5 / 10},{1 + i % 3 / 10},small\n{7 + i % 5 / 10},{3 + i % 3 / 10},large\n"
                                       for i in range(30))


def recipe(title):
    """The files of one recipe, and the commands that run here."""
    text = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.S | re.M).group(1)
    files = dict(re.findall(r"```(?:yaml|python)\n# (\S+)\n(.*?)```", text, re.S))
    commands = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
    return files, commands


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@unittest.skipUnless((BUILD / "bin/penstock").exists(), "nothing is built")
class Recipes(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="penstock-recipes-")
        self.addCleanup(scratch.cleanup)
        self.folder, self.web = pathlib.Path(scratch.name, "here"), pathlib.Path(scratch.name, "web")
        self.web.mkdir()
        handler = functools.partial(QuietHandler, directory=self.web)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_address[1]}/"

    def write(self, files):
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("https://data.example.com/", self.url))

    def command(self, line, expected=0):
        if line.startswith("penstock run"):
            line += " --isolation process"
        env = {k: v for k, v in os.environ.items() if k != "KUBECONFIG"}
        env["PATH"] = f"{BUILD / 'bin'}:{env['PATH']}"
        done = subprocess.run(["bash", "-c", line], cwd=self.folder, env=env, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, expected, f"{line}\n{done.stdout}{done.stderr}")
        return done.stdout

    def runs(self):
        return json.loads(self.command("penstock get runs -o json"))["items"]

    def test_every_day_for_three_regions_with_a_word_at_the_end(self):
        files, commands = recipe("Every day, for three regions, with a word at the end")
        self.write(files)
        self.assertEqual(set(files), {"daily.yaml", "runs.yaml", "clock.yaml"})
        (self.web / "north.csv").write_text("a\n1\n2\n")
        (self.web / "south.csv").write_text("a\n1\n")  # west has none today
        self.assertEqual([c.split()[1] for c in commands], ["validate", "run"])
        self.command(commands[0])
        self.command(commands[1], expected=1)
        steps = {r["spec"]["parameters"]["region"]: {s["name"]: s for s in r["status"]["steps"]} for r in self.runs()}
        self.assertEqual(set(steps), {"north", "south", "west"})
        self.assertEqual(steps["north"]["report"]["results"], {"rows": 2})
        self.assertEqual(steps["south"]["tell"]["phase"], "Succeeded")
        self.assertEqual(steps["south"]["tell-failure"]["phase"], "Skipped")
        self.assertIn("/west.csv: the server answered 404", steps["west"]["report"]["message"])
        self.assertEqual(steps["west"]["tell"]["phase"], "Skipped")
        self.assertEqual(steps["west"]["tell-failure"]["phase"], "Succeeded")
        for r in self.runs():
            region = r["spec"]["parameters"]["region"]
            tells = "tell-failure" if region == "west" else "tell"
            words = {"north": "north: 2 rows", "south": "south: 1 rows", "west": "west: failed, see " + r["metadata"]["name"]}
            self.assertIn(words[region], self.command(f"penstock logs {r['metadata']['name']} {tells}"))

    def test_what_is_applied_to_a_cluster_names_what_is_there(self):
        clock = recipe("Every day, for three regions, with a word at the end")[0]["clock.yaml"]
        for command in re.findall(r"```sh cluster\n(.*?)```", TEXT, re.S):
            for made in re.findall(r"create (?:configmap|secret generic) (\S+)", command):
                self.assertRegex(TEXT, rf"name: {made}\b|secretName: {made}\b")
        self.assertIn("resources: [pipelineruns], verbs: [create]", clock)

    def test_the_scikit_learn_pipeline_is_valid(self):
        files, _ = recipe("A scikit-learn model of one's own")
        self.write(files)
        self.assertIn("pipeline/iris valid", self.command("penstock validate iris.yaml"))

    @unittest.skipUnless(importlib.util.find_spec("sklearn"), "scikit-learn is not installed")
    def test_a_scikit_learn_model_of_ones_own(self):
        files, commands = recipe("A scikit-learn model of one's own")
        self.write(files)
        (self.web / "iris.csv").write_text(IRIS)
        for line in commands:
            self.command(line)
        [run] = self.runs()
        accuracy = next(s for s in run["status"]["steps"] if s["name"] == "fit")["results"]["accuracy"]
        self.assertGreater(accuracy, 0.9)
        self.command("penstock artifact get iris/predictions predictions.txt")
        self.assertEqual((self.folder / "predictions.txt").read_text().split(), [r.split(",")[2] for r in IRIS.split()[1:]])
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        server = subprocess.Popen([sys.executable, "code/serve.py", "model.pkl", str(port)], cwd=self.folder,
                                  stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.assertEqual(self.ask(f"http://127.0.0.1:{port}/", {"instances": [[7.1, 3.1]]}), {"predictions": ["large"]})

    def ask(self, url, body):
        end = time.monotonic() + 30
        while True:
            try:
                return json.load(urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode()), timeout=5))
            except urllib.error.URLError:
                if time.monotonic() > end:
                    raise


if __name__ == "__main__":
    unittest.main()
