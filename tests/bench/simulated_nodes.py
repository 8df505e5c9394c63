"""Nodes that exist only as objects: every pod bound to one succeeds at once, with the launcher's word and receipt.

usage: simulated_nodes.py NAMESPACE COUNT [ARTIFACTS]     prints `ready`; removes the nodes when its standard input ends
ARTIFACTS is a JSON list: a step whose name ends in -N gives the Nth for each of its outputs.
One status write a pod, for pods of Penstock and bare ones alike, so that what is measured is not a kubelet.
"""
import datetime
import json
import queue
import sys
import threading
import time

from api import Api

TAINT = {"key": "penstock.dev/simulated", "effect": "NoSchedule"}
# What a pod (or a step's `scheduling`) says to come here.
SCHEDULING = {"nodeSelector": {"penstock.dev/simulated": "true"}, "tolerations": [dict(TAINT, operator="Exists")]}
WRITERS = 8
HEARTBEAT = 10


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def node(name):
    room = {"cpu": "10000", "memory": "10Ti", "pods": "10000", "ephemeral-storage": "10Ti"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": SCHEDULING["nodeSelector"]},
            "spec": {"taints": [TAINT]}, "status": {"capacity": room, "allocatable": room, "conditions": ready()}}


def ready():
    return [{"type": "Ready", "status": "True", "reason": "Simulated", "message": "", "lastHeartbeatTime": now()}]


def outputs(pod, artifacts):
    task, step = json.loads(pod["metadata"]["annotations"].get("penstock.dev/task", "{}")), pod["metadata"]["labels"]["penstock.dev/step"]
    number = step.rpartition("-")[2]
    return [{"name": o["name"], "type": o["type"], "artifact": artifacts[int(number)]} for o in task.get("outputs", [])
            if number.isdigit() and int(number) < len(artifacts)]


def message(pod, artifacts):
    """The launcher's termination message; empty for a pod that is none of Penstock's."""
    labels, ms = pod["metadata"].get("labels", {}), int(time.time() * 1000)
    if "penstock.dev/run-uid" not in labels:
        return ""
    receipt = {"protocol": 1, "runUid": labels["penstock.dev/run-uid"], "step": labels["penstock.dev/step"],
               "pod": pod["metadata"]["name"], "attempt": int(labels["penstock.dev/attempt"]), "results": {},
               "startedMs": ms, "finishedMs": ms, "outputs": outputs(pod, artifacts)}
    return json.dumps({"protocol": 1, "outcome": "Succeeded", "exitCode": 0, "receipt": receipt})


def succeed(api, pod, artifacts):
    at = now()
    container = pod["spec"]["containers"][0]
    end = {"exitCode": 0, "reason": "Completed", "message": message(pod, artifacts), "startedAt": at, "finishedAt": at}
    status = {"phase": "Succeeded", "startTime": at, "containerStatuses": [
        {"name": container["name"], "image": container["image"], "imageID": "", "ready": False, "restartCount": 0,
         "state": {"terminated": end}}]}
    api.call("PATCH", f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}/status",
             {"status": status}, content="application/merge-patch+json")


def write(work, artifacts):
    api = Api()
    while True:
        pod = work.get()
        try:
            succeed(api, pod, artifacts)
        except RuntimeError as e:
            if ": 404 " not in str(e):
                print(e, file=sys.stderr, flush=True)


def follow(ns, version, work):
    api, seen = Api(), set()
    for pod in api.watch(f"/api/v1/namespaces/{ns}/pods", version):
        uid = pod["metadata"]["uid"]
        if pod["spec"].get("nodeName", "").startswith("simulated-") and uid not in seen:
            seen.add(uid)
            work.put(pod)


def main():
    ns = sys.argv[1]
    names = [f"simulated-{ns}-{i}" for i in range(int(sys.argv[2]))]
    artifacts = json.loads(sys.argv[3]) if len(sys.argv) > 3 else []
    api, work = Api(), queue.SimpleQueue()
    version = api.call("GET", f"/api/v1/namespaces/{ns}/pods?limit=1")["metadata"]["resourceVersion"]
    for _ in range(WRITERS):
        threading.Thread(target=write, args=(work, artifacts), daemon=True).start()
    threading.Thread(target=follow, args=(ns, version, work), daemon=True).start()
    for name in names:
        api.call("POST", "/api/v1/nodes", node(name))
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    print("ready", flush=True)
    while not ended.wait(HEARTBEAT):
        for name in names:
            api.call("PATCH", f"/api/v1/nodes/{name}/status", {"status": {"conditions": ready()}},
                     content="application/strategic-merge-patch+json")
    for name in names:
        api.call("DELETE", f"/api/v1/nodes/{name}")


if __name__ == "__main__":
    main()
