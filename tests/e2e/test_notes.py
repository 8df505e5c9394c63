"""What helm says after an install: its commands run as they stand there, in a namespace of the reader's own."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import harness as h


class Notes(h.ClusterTest):
    def see_the_page(self, command, env):
        """The command goes on until it is stopped; while it does, the page answers under the address that the notes say."""
        forward = subprocess.Popen(["bash", "-c", "exec " + command], cwd=h.ROOT, env=env, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            page = h.wait_until("the page", 30, lambda: h.sh("curl", "-sk", "https://127.0.0.1:8443/", check=False).stdout)
            self.assertIn("<title>Penstock", page)
        finally:
            forward.terminate()
            forward.wait()

    def test_the_commands_of_the_notes_run_verbatim_in_any_namespace(self):
        with h.Namespace(f"e2e-notes-{int(time.time())}") as ns:
            # the reader's own context: theirs is not the namespace "default"
            folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-notes-"))
            self.addCleanup(shutil.rmtree, folder)
            config = folder / "config"
            config.write_text(h.kubectl("config", "view", "--raw", "--flatten"))
            env = {**os.environ, "KUBECONFIG": str(config)}
            h.kubectl("config", "set-context", "--current", f"--namespace={ns}", env=env)
            notes = h.sh("helm", "get", "notes", "penstock", "-n", h.SYSTEM).stdout
            commands = [line.strip() for line in notes.splitlines() if line.startswith("  ")]
            self.assertGreaterEqual(len(commands), 5, notes)
            for command in commands:
                if "port-forward" in command:
                    self.see_the_page(command, env)
                else:
                    h.sh("bash", "-c", command, cwd=h.ROOT, env=env)
            # the example is at work there: its first step has read its data, which no namespace names
            run = h.wait_until("a run by change", 30, lambda: h.items("pplr", ns))[0]["metadata"]["name"]
            h.wait_until("the data to be there", 240, lambda: h.step_of(h.get("pplr", run, ns), "ingest")
                         .get("phase") == "Succeeded")


if __name__ == "__main__":
    unittest.main()
