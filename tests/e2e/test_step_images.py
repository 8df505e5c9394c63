"""The launcher inside images that have nothing in common: no file at all, musl's C library, Debian."""
import pathlib
import shutil
import tempfile
import unittest

import harness as h

SOURCE = h.ROOT / "tests/e2e/step-images/append.c"


def make_image(name, folder, files):
    """An image of these files alone ({path in the image: path here}), loaded into the node."""
    folder.mkdir()
    lines = ["FROM scratch"]
    for i, (inside, here) in enumerate(files.items()):
        h.sh("cp", "-L", here, folder / f"f{i}")
        lines.append(f"COPY f{i} {inside}")
    (folder / "Containerfile").write_text("\n".join(lines) + "\n")
    h.sh("buildah", "bud", "-q", "-t", f"localhost/{name}", folder)
    h.sh("buildah", "push", "-q", f"localhost/{name}", f"docker-archive:{folder}/i.tar:docker.io/{name}")
    h.sh(h.ROOT / "tests/cluster/cluster", "load", folder / "i.tar")


@unittest.skipUnless(shutil.which("musl-gcc"), "needs musl-tools")
@unittest.skipUnless(h.OWN, "makes images and loads them into the node: only on the project's own cluster")
class StepImages(h.ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with tempfile.TemporaryDirectory() as t:
            t = pathlib.Path(t)
            h.sh("gcc", "-static", SOURCE, "-o", t / "static")
            make_image("penstock-test/scratch:1", t / "scratch", {"/append": t / "static"})
            h.sh("musl-gcc", SOURCE, "-o", t / "musl")  # Alpine's C library, as Alpine links it: dynamically
            loader = next(pathlib.Path("/lib").glob("ld-musl-*.so.1"))
            make_image("penstock-test/musl:1", t / "musl-image", {"/append": t / "musl", str(loader): loader})

    def test_a_step_runs_in_each_and_hands_its_output_on(self):
        steps = [h.shell_step("seed", "echo seed >$OUT", outputs=[{"name": "out"}])]
        steps[0]["container"]["env"] = [{"name": "OUT", "value": "$(outputs.out.path)"}]
        for name, before in (("scratch", "seed"), ("musl", "scratch")):
            steps.append({"name": name, "inputs": {"in": f"$(steps.{before}.outputs.out)"}, "outputs": [{"name": "out"}],
                          "container": {"image": f"penstock-test/{name}:1", "imagePullPolicy": "IfNotPresent",
                                        "command": ["/append", "$(inputs.in.path)", "$(outputs.out.path)", name]},
                          "resources": {"requests": {"cpu": "50m", "memory": "32Mi"}}})
        last = h.shell_step("debian", 'tr "\\n" " " <$IN; echo debian', inputs={"in": "$(steps.musl.outputs.out)"})
        last["container"]["env"] = [{"name": "IN", "value": "$(inputs.in.path)"}]
        steps.append(last)
        with h.Namespace("e2e-images") as ns:
            h.apply(ns, h.run_of("images", ns, steps))
            run = h.wait_finished("images", ns, 120)
            self.assertEqual(h.condition(run, "Succeeded")["status"], "True", h.condition(run, "Succeeded"))
            pod = h.step_of(run, "debian")["pod"]
            self.assertIn("seed scratch musl debian", h.kubectl("logs", "-n", ns, pod))


if __name__ == "__main__":
    unittest.main()
