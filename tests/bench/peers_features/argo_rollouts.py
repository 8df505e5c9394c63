"""Which features an example of Argo Rollouts needs (examples/ and docs/ of argoproj/argo-rollouts)."""
import yaml

from . import walk

FOLDERS = ("examples", "docs")
PATTERN = "examples/**/*.y*ml, docs/**/*.y*ml"
KINDS = {"Rollout", "Experiment", "AnalysisTemplate", "ClusterAnalysisTemplate", "AnalysisRun"}
MESHES = {"istio", "smi", "appMesh"}


def examples(root):
    """(name, Example): every file with an object of Argo Rollouts'. A chart's templates are no YAML, and none."""
    for path in sorted(p for folder in FOLDERS for p in root.glob(f"{folder}/**/*.y*ml")):
        try:
            objects = walk.documents(path)
        except yaml.YAMLError:
            continue
        if any(o.get("kind") in KINDS for o in objects):
            yield str(path.relative_to(root)), Example(objects)


class Example:
    def __init__(self, objects):
        self.objects = objects
        self.ours = [o for o in objects if o.get("kind") in KINDS]
        self.rollouts = [o.get("spec") or {} for o in self.ours if o["kind"] == "Rollout"]
        self.canaries = [s["strategy"]["canary"] or {} for s in self.rollouts if "canary" in (s.get("strategy") or {})]
        self.blue_greens = [s["strategy"]["blueGreen"] for s in self.rollouts if (s.get("strategy") or {}).get("blueGreen")]
        self.steps = [step for c in self.canaries for step in c.get("steps") or []]
        self.routing = {name for c in self.canaries for name in c.get("trafficRouting") or {}} - {"managedRoutes"}
        self.pods = [s["template"] for s in self.rollouts if s.get("template")]
        self.containers = [c for p in self.pods for c in (p.get("spec") or {}).get("containers") or []]
        metrics = [m for o in self.ours if o["kind"].startswith(("Analysis", "ClusterAnalysis")) for m in (o.get("spec") or {}).get("metrics") or []]
        self.providers = {name for m in metrics for name in m.get("provider") or {}}

    def step(self, key):
        return [s[key] for s in self.steps if key in s]


def _experiments(e):
    return e.step("experiment") + [o.get("spec") or {} for o in e.ours if o["kind"] == "Experiment"]


def _mounted(e):
    return walk.has(e.pods, "volumes", "volumeMounts")


DETECTORS = {
    # what a version is
    "an image is the version": lambda e: bool(e.pods) or any("template" in t for x in _experiments(e) for t in x.get("templates") or []),
    "pods of another object (workloadRef)": lambda e: walk.has(e.rollouts, "workloadRef"),
    "replicas": lambda e: any("replicas" in s for s in e.rollouts),
    "resources": lambda e: walk.has(e.containers, "resources"),
    "a server's args and env": lambda e: walk.has(e.containers, "args", "env", "command"),
    "a server's volumes": _mounted,
    "labels or annotations of a server's pods": lambda e: walk.has([p.get("metadata") for p in e.pods], "annotations")
    or any(set((p.get("metadata") or {}).get("labels") or {}) - {"app"} for p in e.pods),
    "versions that are remembered (revisionHistoryLimit)": lambda e: walk.has(e.rollouts, "revisionHistoryLimit"),
    # how it comes in
    "canary by weight": lambda e: bool(e.step("setWeight")),
    "a step that holds for a time": lambda e: any((p or {}).get("duration") for p in e.step("pause")),
    "a step that waits for people": lambda e: any(not (p or {}).get("duration") for p in e.step("pause")),
    "blue-green": lambda e: bool(e.blue_greens),
    "preview until somebody promotes": lambda e: any(b.get("autoPromotionEnabled") is False for b in e.blue_greens),
    "a Service of the preview": lambda e: walk.has(e.blue_greens, "previewService"),
    "rolling update without steps": lambda e: any(not c.get("steps") for c in e.canaries),
    "surge of a rolling update": lambda e: walk.has(e.canaries, "maxSurge", "maxUnavailable"),
    "canary's number of servers by step (setCanaryScale, dynamicStableScale)": lambda e: bool(e.step("setCanaryScale"))
    or walk.has(e.canaries, "dynamicStableScale"),
    # who splits the traffic
    "weights kept by an ingress or Gateway": lambda e: bool(e.routing - MESHES),
    "weights kept by a mesh": lambda e: bool(e.routing & MESHES),
    "requests with a header to the canary (setHeaderRoute)": lambda e: bool(e.step("setHeaderRoute")),
    "copies of some requests in the middle of steps (setMirrorRoute)": lambda e: bool(e.step("setMirrorRoute")),
    # what judges
    "judged in a step": lambda e: bool(e.step("analysis")),
    "judged all the while": lambda e: walk.has([c.get("analysis") for c in e.canaries], "templates"),
    "measured by a query of Prometheus": lambda e: "prometheus" in e.providers,
    "measured by a value in an answer (web, jsonPath)": lambda e: "web" in e.providers,
    "measured by a Job": lambda e: "job" in e.providers,
    "experiment of other pods": lambda e: bool(_experiments(e)),
    "messages to people (notifications)": lambda e: any("notifications.argoproj.io" in key for o in e.ours
                                                       for key in (o.get("metadata") or {}).get("annotations") or {}),
}


def features(e):
    return {name for name, needed in DETECTORS.items() if needed(e)}
