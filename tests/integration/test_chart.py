"""The chart as rendered and as the real API server takes it."""
import base64
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/penstock"


def helm(command, *args):
    # the version is told, because a helm that was built from its module does not know any
    return subprocess.run(["helm", command, "--kube-version", "1.34.0", *map(str, args)], capture_output=True, text=True)


def render(*args):
    done = helm("template", "penstock", CHART, "-n", "penstock-system", *args)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


VALUES = yaml.safe_load((CHART / "values.yaml").read_text())


def switches(values, path=""):
    """The names of all values that are true or false."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from switches(value, f"{path}{key}.")
        elif isinstance(value, bool):
            yield path + key


NODES = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]"
ALL_ON = [arg for name in switches(VALUES) for arg in ("--set", f"{name}=true")] + [
    "--set", "namespaces={team-a,team-b}", "--set", "imagePullSecrets[0].name=pull", "--set", "image.registry=r.example.com/p",
    "--set", "storage.storageClassName=fast", "--set", "serviceAccount.annotations.a=b", "--set", "priorityClassName=high",
    "--set", "nodeSelector.pool=ml", "--set", "tolerations[0].key=ml", "--set", f"{NODES}.key=ml",
    "--set", f"{NODES}.operator=Exists", "--set", "podAnnotations.a=b"]
DIGESTS = {name: f"sha256:{i:064x}" for i, name in enumerate(VALUES["image"]["digests"])}


def of(kind, docs):
    return [d for d in docs if d["kind"] == kind]


class Chart(unittest.TestCase):
    def test_lint_is_clean(self):
        for args in ((), ALL_ON):
            done = helm("lint", "--strict", CHART, *args)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def images(self, *args):
        """The images of all pods, and those that the operator is told of."""
        docs = render(*args)
        pods = [d["spec"]["template"]["spec"] for d in of("Deployment", docs)] + [d["spec"] for d in of("Pod", docs)]
        containers = [c for pod in pods for c in pod["containers"] + pod.get("initContainers", [])]
        flags = [a for c in containers for a in c.get("args", []) if a.startswith("--") and "-image=" in a.split(" ")[0]]
        manifests = [m for c in of("ConfigMap", docs) for m in re.findall(r"image: (\S+)", c["data"].get("run.yaml", ""))]
        self.assertTrue(manifests and len(flags) >= 3)
        return [c["image"] for c in containers] + [f.partition("=")[2] for f in flags] + manifests

    def test_no_image_floats_and_a_digest_takes_the_tags_place(self):
        for image in self.images():
            self.assertRegex(image, r":\d+\.\d+\.\d+$", "named by the chart's version")
        sets = [arg for name, digest in DIGESTS.items() for arg in ("--set", f"image.digests.{name}={digest}")]
        pinned = {f"penstock/{name}@{digest}" for name, digest in DIGESTS.items()}
        self.assertEqual(set(self.images(*sets)), pinned)

    def test_helm_test_runs_a_pipeline_and_asks_a_model(self):
        docs = render()
        kinds = [line for c in of("ConfigMap", docs) for text in c["data"].values()
                 for line in text.splitlines() if line.startswith("kind: ")]
        self.assertEqual(sorted(kinds), ["kind: ModelDeployment", "kind: PipelineRun"])
        script = of("Pod", docs)[0]["spec"]["containers"][0]["args"][0]
        self.assertIn("penstock predict", script)
        self.assertEqual(subprocess.run(["sh", "-n"], input=script, text=True).returncode, 0)

    def test_artifacts_stand_in_the_buckets_that_the_values_name(self):
        operator = of("Deployment", render())[0]["spec"]["template"]["spec"]["containers"][0]
        self.assertFalse([a for a in operator["args"] if a.startswith("--stores")])
        values = {"stores": {"default": {"bucket": "all", "endpoint": "https://minio:9000", "secret": "minio", "ca": "-----BEGIN\nx\n"},
                             "namespaces": {"team-a": {"bucket": "team-a", "role": "arn:aws:iam::1:role/a", "pathStyle": False}}}}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump(values, file)
            file.flush()
            docs = render("-f", file.name)
        pod = of("Deployment", docs)[0]["spec"]["template"]
        config = next(c for c in of("ConfigMap", docs) if c["metadata"]["name"].endswith("-stores"))["data"]
        self.assertEqual(json.loads(config["stores.json"]), {
            "default": {"bucket": "all", "endpoint": "https://minio:9000", "credentials": "/etc/penstock/keys/default",
                        "caFile": "/etc/penstock/stores/default.crt"},
            "namespaces": {"team-a": {"bucket": "team-a", "role": "arn:aws:iam::1:role/a", "pathStyle": False,
                                      "tokenFile": "/var/run/secrets/penstock/sts/token"}}})
        self.assertEqual(config["default.crt"].strip(), "-----BEGIN\nx")
        mounts = {m["mountPath"]: m["name"] for m in pod["spec"]["containers"][0]["volumeMounts"]}
        volumes = {v["name"]: v for v in pod["spec"]["volumes"]}
        self.assertEqual(volumes[mounts["/etc/penstock/keys/default"]]["secret"]["secretName"], "minio")
        self.assertIn("--stores=/etc/penstock/stores/stores.json", pod["spec"]["containers"][0]["args"])
        self.assertIn("penstock.dev/stores", pod["metadata"]["annotations"])

    def test_a_store_that_cannot_be_is_refused_at_the_install(self):
        for store in ("stores.default.endpoint=https://m", "stores.default.bucket=A", "stores.default.bukcet=abc",
                      "stores.default.bucket=abc,stores.default.secret=s,stores.default.role=r"):
            done = helm("template", "penstock", CHART, "--set", store)
            self.assertNotEqual(done.returncode, 0, store)
            self.assertIn("stores", done.stderr)

    def test_the_policy_for_approvals_is_the_one_that_the_operator_is_told_of(self):
        docs = render()
        policy, = of("ValidatingAdmissionPolicy", docs)
        bound, = of("ValidatingAdmissionPolicyBinding", docs)
        name = policy["metadata"]["name"]
        self.assertEqual((bound["metadata"]["name"], bound["spec"]["policyName"], bound["spec"]["validationActions"]), (name, name, ["Deny"]))
        self.assertEqual(policy["spec"]["failurePolicy"], "Fail")
        self.assertIn(f"--approval-policy={name}", of("Deployment", docs)[0]["spec"]["template"]["spec"]["containers"][0]["args"])
        operator = of("ServiceAccount", docs)[0]["metadata"]
        self.assertIn(f"'system:serviceaccount:penstock-system:{operator['name']}'", json.dumps(policy))
        self.assertEqual(of("ValidatingAdmissionPolicy", render("--set", "approvals.policy=false")), [])

    def test_a_decision_is_changed_by_nobody_and_taken_back_by_its_own_person(self):
        policy, = of("ValidatingAdmissionPolicy", render())
        rule = next(r for r in policy["spec"]["matchConstraints"]["resourceRules"] if "approvals" in r["resources"])
        self.assertEqual(rule["operations"], ["CREATE", "UPDATE", "DELETE"])
        of_approvals = [v["expression"] for v in policy["spec"]["validations"] if v["expression"].startswith("request.resource.resource != 'approvals' ||")]
        # there is no object when one is deleted: whatever reads it asks for the operation first
        for expression in of_approvals:
            if " object." in expression or "(object." in expression:
                self.assertRegex(expression, r"request\.operation != '(CREATE|UPDATE)' \|\|")
        self.assertTrue(any("object.spec == oldObject.spec" in e for e in of_approvals))
        own = next(e for e in of_approvals if "'DELETE'" in e)
        self.assertIn("oldObject.spec.approver.user == request.userInfo.username", own)
        cleaners = next(v["expression"] for v in policy["spec"]["variables"] if v["name"] == "isCleaner")
        self.assertIn("generic-garbage-collector", cleaners)
        self.assertIn("namespace-controller", cleaners)

    def test_the_operator_of_another_release_may_say_who_started_a_run(self):
        policy, = of("ValidatingAdmissionPolicy", render())
        operator = next(v["expression"] for v in policy["spec"]["variables"] if v["name"] == "isOperator")
        self.assertIn("authorizer.group('penstock.dev').resource('pipelineruns').subresource('status').namespace(request.namespace).check('update').allowed()", operator)
        # only operators have that right
        for role in of("ClusterRole", render()):
            writes = any("pipelineruns/status" in r["resources"] for r in role["rules"])
            self.assertFalse(writes and role["metadata"]["name"] in ("penstock-edit", "penstock-approve", "penstock-view"), role["metadata"]["name"])

    def test_nobody_may_decide_who_was_not_told_to(self):
        rights = {r["metadata"]["name"]: r for r in of("ClusterRole", render())}
        for name, role in rights.items():
            makes = any("approvals" in rule["resources"] and "create" in rule["verbs"] for rule in role["rules"])
            self.assertEqual(makes, name == "penstock-approve", name)
        self.assertFalse(any("aggregate" in label for label in rights["penstock-approve"]["metadata"]["labels"]))

    def test_nobody_removes_from_the_store_who_was_not_told_to(self):
        rights = {r["metadata"]["name"]: r for r in of("ClusterRole", render())}
        for name, role in rights.items():
            self.assertEqual(any("stores" in rule["resources"] for rule in role["rules"]), name == "penstock-store", name)
        self.assertFalse(any("aggregate" in label for label in rights["penstock-store"]["metadata"]["labels"]))

    def test_the_store_is_collected_where_that_is_turned_on(self):
        def flags(*args):
            operator, = of("Deployment", render(*args))
            return [a for a in operator["spec"]["template"]["spec"]["containers"][0]["args"] if a.startswith("--store-gc")]
        self.assertEqual(flags(), ["--store-gc-interval=0s", "--store-gc-grace=168h", "--store-gc-keep-cache=720h"])
        on = ("--set", "store.gc.enabled=true")
        self.assertEqual(flags(*on)[0], "--store-gc-interval=24h")
        self.assertEqual(flags(*on, "--set", "store.gc.interval=6h", "--set", "store.gc.grace=48h")[:2],
                         ["--store-gc-interval=6h", "--store-gc-grace=48h"])

    def test_namespaces_have_the_quotas_that_were_written(self):
        def flags(*args):
            operator, = of("Deployment", render(*args))
            return [a for a in operator["spec"]["template"]["spec"]["containers"][0]["args"] if a.startswith("--store-quota")]
        self.assertEqual(flags(), [])
        self.assertEqual(flags("--set", "store.quota.default=10Gi", "--set", "store.quota.namespaces.team-a=1Ti"),
                         ["--store-quota=10Gi", "--store-quota=team-a=1Ti"])

    def test_people_log_in_where_an_issuer_is_named(self):
        values = {"people": {"url": "https://p.example.com", "from": [{"podSelector": {}}], "oidc": {
            "issuerUrl": "https://i.example.com", "clientId": "penstock", "clientSecret": {"name": "client"}, "scopes": ["email", "groups"],
            "usernamePrefix": "oidc:", "groupsClaim": "groups", "ca": "-----BEGIN\nx\n"}}}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump(values, file)
            file.flush()
            docs = render("-f", file.name)
            own = render("-f", file.name, "--set", "people.sessions.keySecret=mine")
        pod = of("Deployment", docs)[0]["spec"]["template"]["spec"]
        flags = [a for a in pod["containers"][0]["args"] if a.startswith(("--oidc", "--session", "--public", "--client"))]
        self.assertEqual(flags, [
            "--public-url=https://p.example.com", "--oidc-issuer-url=https://i.example.com", "--oidc-client-id=penstock",
            "--oidc-client-secret-file=/etc/penstock/oidc/client-secret", "--oidc-ca-file=/etc/penstock/people/oidc-ca.crt",
            "--oidc-scopes=email", "--oidc-scopes=groups", "--oidc-username-claim=sub", "--oidc-username-prefix=oidc:",
            "--oidc-groups-claim=groups", "--session-key-file=/etc/penstock/session/key", "--session-lifetime=12h"])
        key, = of("Secret", docs)
        self.assertGreaterEqual(len(base64.b64decode(key["data"]["key"])), 32)
        mounts = {m["mountPath"]: m["name"] for m in pod["containers"][0]["volumeMounts"]}
        volumes = {v["name"]: v for v in pod["volumes"]}
        self.assertEqual(volumes[mounts["/etc/penstock/session"]]["secret"]["secretName"], key["metadata"]["name"])
        self.assertEqual(volumes[mounts["/etc/penstock/oidc"]]["secret"]["secretName"], "client")
        people = next(c for c in of("ConfigMap", docs) if c["metadata"]["name"].endswith("-people"))
        self.assertEqual(people["data"]["oidc-ca.crt"].strip(), "-----BEGIN\nx")
        policy = next(p for p in of("NetworkPolicy", docs) if p["metadata"]["name"] == "penstock")
        self.assertIn([{"podSelector": {}}], [rule.get("from") for rule in policy["spec"]["ingress"]])
        self.assertEqual(of("Secret", own), [], "one's own Secret is used, and none is made")
        for setting, word in (("people.oidc.issuerUrl=https://i", "people.url"), ("people.url=http://p", "url"),
                              ("people.oidc.issuerUrl=http://i", "issuerUrl")):
            done = helm("template", "penstock", CHART, "--set", setting)
            self.assertNotEqual(done.returncode, 0, setting)
            self.assertIn(word, done.stderr)

    def test_the_operator_acts_for_people_only_where_that_was_turned_on(self):
        def impersonates(*args):
            return [rule for role in of("Role", render(*args)) + of("ClusterRole", render(*args)) for rule in role["rules"]
                    if "impersonate" in rule["verbs"]]
        self.assertEqual(impersonates(), [])
        self.assertEqual(impersonates("--set", "people.clientCertificates.enabled=true"), [])
        known = ("--set", "people.clientCertificates.enabled=true")
        every = impersonates(*known, "--set", "people.act.enabled=true")
        self.assertEqual([(r["resources"], r.get("resourceNames")) for r in every], [(["users"], None), (["groups"], None)])
        some = impersonates(*known, "--set", "people.act.enabled=true", "--set", "people.act.users={ada}", "--set", "people.act.groups={ml}")
        self.assertEqual([(r["resources"], r.get("resourceNames")) for r in some], [(["users"], ["ada"]), (["groups"], ["ml"])])

    def test_the_right_to_impersonate_is_not_given_where_nobody_can_be_known(self):
        act = ("--set", "people.act.enabled=true")
        done = helm("template", "penstock", CHART, *act)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("clientCertificates", done.stderr)
        self.assertIn("issuerUrl", done.stderr)
        render(*act, "--set", "people.clientCertificates.enabled=true")
        render(*act, "--set", "people.oidc.issuerUrl=https://i.example.com", "--set", "people.oidc.clientId=p",
               "--set", "people.url=https://p.example.com")

    def test_certificates_are_of_the_clusters_authority_or_of_the_one_that_is_given(self):
        def seen(*args):
            docs = render(*args)
            flags = [a for a in of("Deployment", docs)[0]["spec"]["template"]["spec"]["containers"][0]["args"] if a.startswith("--client")]
            return flags, [b["roleRef"]["name"] for b in of("RoleBinding", docs) if b["metadata"]["namespace"] == "kube-system"]
        on = ("--set", "people.clientCertificates.enabled=true")
        self.assertEqual(seen(), ([], []))
        self.assertEqual(seen(*on), (["--client-certificates"], ["extension-apiserver-authentication-reader"]))
        self.assertEqual(seen(*on, "--set", "people.clientCertificates.ca=x"), (["--client-ca-file=/etc/penstock/people/client-ca.crt"], []))

    def test_a_wrong_value_is_refused_by_name(self):
        for setting, word in (("replicas=0", "replicas"), ("replicas=9", "replicas"), ("replicas=2", "accessMode"), ("replicas=2", "secretRef"), ("storage.accessMode=Any", "accessMode"),
                              ("logLevel=loud", "logLevel"), ("nosuch=1", "nosuch"),
                              ("image.digests.operator=latest", "digest"), ("storage.maxFileSize=big", "maxFileSize"),
                              ("store.gc.grace=0s", "grace"), ("store.quota.default=10GB", "quota"), ("store.gc.keep=1h", "keep"),
                              ("podsPerSecond=-1", "podsPerSecond"), ("metadata.postgres.url=x", "postgres"), ("maxPodsPerNamespace=1.5", "maxPodsPerNamespace"), ("networkPolicy.apiServer.cidrs={here}", "cidrs"),
                              ("sources.deny={10.0.0.0/8,minio}", "deny")):
            done = helm("template", "penstock", CHART, "--set", setting)
            self.assertNotEqual(done.returncode, 0, setting)
            self.assertIn(word, done.stderr)

    def test_no_role_has_a_wildcard_or_reads_secrets(self):
        for args in ((), ("--set", "namespaces={a,b}")):
            for role in of("Role", render(*args)) + of("ClusterRole", render(*args)):
                for rule in role["rules"]:
                    self.assertNotIn("*", rule["verbs"] + rule["resources"] + rule["apiGroups"], role["metadata"]["name"])
                    self.assertNotIn("secrets", rule["resources"], role["metadata"]["name"])

    def test_of_secrets_the_operator_gets_the_keys_of_webhooks_that_are_named_and_no_others(self):
        named = ("--set-json", 'webhooks.secrets={"a": ["push", "tag"]}')
        def of_secrets(*args):
            return [(role["kind"], role["metadata"].get("namespace"), rule) for kind in ("Role", "ClusterRole")
                    for role in of(kind, render(*args)) for rule in role["rules"] if "secrets" in rule["resources"]]
        self.assertEqual(of_secrets(*named), [], "without webhooks.enabled")
        self.assertEqual(of_secrets("--set", "webhooks.enabled=true"), [])
        self.assertEqual(of_secrets("--set", "webhooks.enabled=true", *named), [
            ("Role", "a", {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["push", "tag"], "verbs": ["get"]})])
        binding = next(b for b in of("RoleBinding", render("--set", "webhooks.enabled=true", *named))
                       if b["metadata"]["name"] == "penstock-webhooks")
        self.assertEqual((binding["metadata"]["namespace"], binding["subjects"][0]["name"]), ("a", "penstock"))

    def test_an_openlineage_server_is_told_where_the_values_name_one(self):
        def pod(*args):
            return of("Deployment", render(*args))[0]["spec"]["template"]["spec"]
        self.assertNotIn("openlineage", str(pod()))
        self.assertNotIn("openlineage", str(pod("--set", "openlineage.apiKeySecret.name=k")), "without a url")
        url = ("--set", "openlineage.url=http://marquez:5000/api/v1/lineage")
        self.assertIn("--openlineage-url=http://marquez:5000/api/v1/lineage", pod(*url)["containers"][0]["args"])
        self.assertNotIn("key-file", str(pod(*url)))
        keyed = pod(*url, "--set", "openlineage.apiKeySecret.name=k")
        self.assertIn("--openlineage-key-file=/etc/penstock/openlineage/token", keyed["containers"][0]["args"])
        self.assertIn({"name": "openlineage", "mountPath": "/etc/penstock/openlineage", "readOnly": True},
                      keyed["containers"][0]["volumeMounts"])
        self.assertIn({"name": "openlineage", "secret": {"secretName": "k", "optional": True}}, keyed["volumes"],
                      "the operator starts without it")

    def test_history_is_kept_on_the_postgresql_server_that_the_values_name(self):
        def pod(*args):
            return of("Deployment", render(*args))[0]["spec"]["template"]["spec"]
        self.assertNotIn("metadata-postgres", str(pod()))
        self.assertNotIn("metadata-postgres", str(pod("--set", "metadata.postgres.caSecretRef.name=ca")), "without a server")
        plain = pod("--set", "metadata.postgres.secretRef.name=db")
        self.assertIn("--metadata-postgres=/etc/penstock/metadata/url", plain["containers"][0]["args"])
        self.assertIn({"name": "metadata", "mountPath": "/etc/penstock/metadata", "readOnly": True}, plain["containers"][0]["volumeMounts"])
        url = {"secret": {"name": "db", "optional": True, "items": [{"key": "uri", "path": "url"}]}}
        volume = {"name": "metadata", "projected": {"defaultMode": 0o440, "sources": [url]}}
        self.assertIn(volume, plain["volumes"], "the operator starts without it")
        held = pod("--set", "metadata.postgres.secretRef.name=db,metadata.postgres.caSecretRef.name=ca,metadata.postgres.caSecretRef.key=root.pem")
        volume["projected"]["sources"].append({"secret": {"name": "ca", "optional": True, "items": [{"key": "root.pem", "path": "ca.crt"}]}})
        self.assertIn(volume, held["volumes"])

    def test_several_replicas_share_a_volume_and_a_database_and_are_replaced_one_by_one(self):
        shared = ("--set", "storage.accessMode=ReadWriteMany,metadata.postgres.secretRef.name=db")
        docs = render(*shared, "--set", "replicas=2")
        deployment = of("Deployment", docs)[0]["spec"]
        self.assertEqual(deployment["replicas"], 2)
        self.assertEqual(deployment["strategy"], {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}})
        self.assertEqual(of("PersistentVolumeClaim", docs)[0]["spec"]["accessModes"], ["ReadWriteMany"])
        gateway = next(s for s in of("Service", docs) if s["metadata"]["name"].endswith("-gateway"))
        self.assertEqual(gateway["spec"]["sessionAffinity"], "ClientIP")
        one = of("Deployment", render(*shared))[0]["spec"]
        self.assertEqual(one["strategy"], {"type": "Recreate"})
        for missing in ("storage.accessMode=ReadWriteMany", "metadata.postgres.secretRef.name=db"):
            self.assertNotEqual(helm("template", "penstock", CHART, "--set", "replicas=2", "--set", missing).returncode, 0, missing)

    def test_deliveries_of_webhooks_are_taken_where_that_is_turned_on_from_whom_the_values_name(self):
        ingress = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}
        from_it = ("--set-json", f"webhooks.from=[{json.dumps(ingress)}]")
        def flags_and_peers(*args):
            docs = render(*args)
            rules = next(p for p in of("NetworkPolicy", docs) if p["metadata"]["name"] == "penstock")["spec"]["ingress"]
            return ("--webhooks" in of("Deployment", docs)[0]["spec"]["template"]["spec"]["containers"][0]["args"],
                    [{"from": [ingress], "ports": [{"port": "gateway", "protocol": "TCP"}]}] == rules[1:-1])
        self.assertEqual(flags_and_peers(*from_it), (False, False))
        self.assertEqual(flags_and_peers("--set", "webhooks.enabled=true"), (True, False))
        self.assertEqual(flags_and_peers("--set", "webhooks.enabled=true", *from_it), (True, True))

    def test_with_a_list_of_namespaces_the_operator_has_no_cluster_role_but_for_token_reviews(self):
        docs = render("--set", "namespaces={a,b}")
        bound = {b["roleRef"]["name"] for b in of("ClusterRoleBinding", docs)}
        self.assertEqual(bound, {"penstock-token-review"})

    def test_the_platform_says_what_steps_may_say_of_their_pods(self):
        for given, flag in (("[]", "--pod-fields=none"), ('["labels", "dnsConfig"]', "--pod-fields=labels,dnsConfig")):
            docs = render("--set-json", f"podFields={given}")
            container = of("Deployment", docs)[0]["spec"]["template"]["spec"]["containers"][0]
            self.assertIn(flag, container["args"])

    def test_the_bounds_and_the_environment_of_the_operator_are_values(self):
        docs = render("--set", "storage.maxFileSize=1Gi", "--set", "podsPerSecond=20", "--set", "maxPodsPerNamespace=40", "--set-json",
                      'env=[{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}]')
        container = of("Deployment", docs)[0]["spec"]["template"]["spec"]["containers"][0]
        self.assertIn("--max-file-size=1Gi", container["args"])
        self.assertIn("--pods-per-second=20", container["args"])
        self.assertIn("--max-pods-per-namespace=40", container["args"])
        names = [e["name"] for e in container["env"]]
        self.assertEqual(names, ["POD_UID", "HTTPS_PROXY"])

    def test_disruption_priority_and_spread_are_rendered_only_when_asked_for(self):
        plain = render()
        pod = of("Deployment", plain)[0]["spec"]["template"]["spec"]
        self.assertEqual(of("PodDisruptionBudget", plain), [], "it would block the drain of the one replica's node")
        self.assertFalse({"priorityClassName", "topologySpreadConstraints"} & set(pod))
        spread = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
        docs = render("--set", "podDisruptionBudget.enabled=true", "--set", "priorityClassName=high",
                      "--set-json", f"topologySpreadConstraints=[{json.dumps(spread)}]")
        pod = of("Deployment", docs)[0]["spec"]["template"]
        budget = of("PodDisruptionBudget", docs)[0]["spec"]
        self.assertEqual(budget["minAvailable"], 1)
        self.assertEqual(budget["selector"]["matchLabels"], pod["metadata"]["labels"])
        self.assertEqual(pod["spec"]["priorityClassName"], "high")
        self.assertEqual(pod["spec"]["topologySpreadConstraints"], [spread])

    def test_default_deny_leaves_what_each_pod_of_the_release_needs_and_no_more(self):
        def policies(*args):
            return {p["metadata"]["name"]: p["spec"] for p in of("NetworkPolicy", render(*args))}
        self.assertEqual({n: p["policyTypes"] for n, p in policies().items()}, {"penstock": ["Ingress"]})
        denied = policies("--set", "networkPolicy.defaultDeny=true", "--set", "networkPolicy.enabled=false",
                          "--set", "networkPolicy.apiServer.cidrs={10.0.0.1/32}", "--set-json",
                          'networkPolicy.egress=[{"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}]')
        self.assertEqual(denied["penstock-default-deny"], {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
        dns = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
        api = {"to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}], "ports": [{"port": 443, "protocol": "TCP"},
                                                                      {"port": 6443, "protocol": "TCP"}]}
        more = {"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}
        routers = {"to": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"penstock.dev/router": "true"}}}],
                   "ports": [{"port": 9402, "protocol": "TCP"}]}
        servers = {"to": [{"namespaceSelector": {}, "podSelector": {
            "matchExpressions": [{"key": "penstock.dev/model-version", "operator": "Exists"}]}}]}
        self.assertEqual(denied["penstock"]["egress"], [dns, api, routers, servers, more])
        self.assertEqual(denied["penstock-test"]["egress"], [dns, api])
        operator = denied["penstock"]["podSelector"]
        gateway = {"to": [{"podSelector": operator}], "ports": [{"port": 8443, "protocol": "TCP"}]}
        self.assertEqual(denied["penstock-steps"]["egress"], [dns, gateway, more])

    def test_the_operator_is_told_which_addresses_to_ask_for_nobody(self):
        args = of("Deployment", render("--set", "sources.deny={10.0.0.0/8,fd00::/8}", "--set", "sources.allow={10.1.2.3}"))[0]
        args = args["spec"]["template"]["spec"]["containers"][0]["args"]
        self.assertIn("--source-deny=10.0.0.0/8,fd00::/8", args)
        self.assertIn("--source-allow=10.1.2.3", args)
        args = of("Deployment", render())[0]["spec"]["template"]["spec"]["containers"][0]["args"]
        self.assertFalse([a for a in args if a.startswith("--source")])

    def test_the_operator_may_learn_the_addresses_that_it_asks_for_nobody(self):
        may = [(role["metadata"]["namespace"], rule["resources"], rule["verbs"])
               for role in of("Role", render("--set", "namespaces={a,b}")) for rule in role["rules"]]
        for resource in ("services", "endpointslices"):
            self.assertIn(("penstock-system", [resource], ["list"]), may)
        self.assertIn(("default", ["endpointslices"], ["get"]), may)

    def test_the_operator_has_the_same_rights_in_a_namespace_as_in_all(self):
        """controllers_test holds what the code asks for against the rules of the template; these are they."""
        everywhere = [r for r in of("ClusterRole", render()) if r["metadata"]["name"] == "penstock"]
        one = [r for r in of("Role", render("--set", "namespaces={a}")) if r["metadata"].get("namespace") == "a"]
        self.assertEqual(len(everywhere), 1)
        self.assertEqual([r["rules"] for r in one], [everywhere[0]["rules"]])
        verbs = {v for rule in everywhere[0]["rules"] if "pipelineruns" in rule["resources"] for v in rule["verbs"]}
        self.assertEqual(verbs, {"get", "list", "watch", "create", "patch", "delete"})

    def test_of_accounts_and_roles_the_operator_makes_those_of_routers_alone(self):
        rules = next(r for r in of("ClusterRole", render()) if r["metadata"]["name"] == "penstock")["rules"]
        for resource in ("serviceaccounts", "roles", "rolebindings"):
            found = [r for r in rules if resource in r["resources"]]
            self.assertEqual([r["resourceNames"] for r in found], [["penstock-router"]], resource)
        # Budgets of servers too, under their ModelDeployment's name.
        watched = [r.get("resourceNames") for r in rules
                   if "poddisruptionbudgets" in r["resources"] and "watch" in r["verbs"]]
        self.assertEqual(watched, [["penstock-router"]])
        args = of("Deployment", render("--set", "image.tag=v9"))[0]["spec"]["template"]["spec"]["containers"][0]["args"]
        self.assertIn("--router-image=penstock/router:v9", args)

    def test_the_operator_may_lead_from_a_gateway_to_a_model_and_touches_no_gateway(self):
        rules = next(r for r in of("ClusterRole", render()) if r["metadata"]["name"] == "penstock")["rules"]
        found = [r for r in rules if "gateway.networking.k8s.io" in r["apiGroups"]]
        self.assertEqual([(r["resources"], set(r["verbs"])) for r in found],
                         [(["httproutes"], {"get", "list", "create", "patch", "delete"})])

    def test_crds_are_templates_that_are_kept(self):
        crds = of("CustomResourceDefinition", render())
        kinds = {yaml.safe_load(path.read_text())["metadata"]["name"] for path in (ROOT / "crds").glob("*.yaml")}
        self.assertEqual({crd["metadata"]["name"] for crd in crds}, kinds)
        for crd in crds:
            self.assertEqual(crd["metadata"]["annotations"]["helm.sh/resource-policy"], "keep")
        self.assertEqual(of("CustomResourceDefinition", render("--set", "crds.enabled=false")), [])

    def test_the_operator_is_told_to_make_the_library_and_may(self):
        docs = render("--set", "image.registry=r.example.com/p", "--set", "image.tag=v9")
        # A kind of a CRD in the same chart cannot be installed with it: helm looks all kinds up first.
        self.assertEqual(of("Component", docs), [])
        args = of("Deployment", docs)[0]["spec"]["template"]["spec"]["containers"][0]["args"]
        self.assertIn("--library-dir=/usr/local/share/penstock/library", args)
        self.assertIn("--components-image=r.example.com/p/components:v9", args)
        self.assertIn("--git-image=r.example.com/p/git:v9", args)
        may = {"apiGroups": ["penstock.dev"], "resources": ["components"], "verbs": ["get", "create"]}
        self.assertIn(may, [rule for role in of("Role", docs) for rule in role["rules"]])
        docs = render("--set", "library.enabled=false")
        args = of("Deployment", docs)[0]["spec"]["template"]["spec"]["containers"][0]["args"]
        self.assertFalse([a for a in args if a.startswith("--library-dir")])
        self.assertNotIn(may, [rule for role in of("Role", docs) for rule in role["rules"]])

    def test_every_pod_is_restricted(self):
        docs = render()
        pods = [d["spec"]["template"]["spec"] for d in of("Deployment", docs)] + [d["spec"] for d in of("Pod", docs)]
        self.assertTrue(pods)
        for pod in pods:
            self.assertTrue(pod["securityContext"]["runAsNonRoot"])
            self.assertEqual(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault")
            for c in pod["containers"]:
                self.assertTrue(c["securityContext"]["readOnlyRootFilesystem"])
                self.assertFalse(c["securityContext"]["allowPrivilegeEscalation"])
                self.assertEqual(c["securityContext"]["capabilities"]["drop"], ["ALL"])

    def test_nothing_of_monitoring_is_made_unless_it_is_asked_for(self):
        made = {d["kind"] for d in render()}
        self.assertFalse(made & {"ServiceMonitor", "PodMonitor", "PrometheusRule"})
        self.assertFalse([c for c in of("ConfigMap", render()) if "dashboard" in c["metadata"]["name"]])

    def test_monitors_rules_and_dashboards_are_what_their_operators_read(self):
        docs = render(*[a for part in ("monitors", "rules", "dashboards") for a in ("--set", f"monitoring.{part}.enabled=true")],
                      "--set", "monitoring.monitors.labels.release=prometheus", "--set", "monitoring.rules.runbooks=https://wiki.example.com/r")
        monitor, = of("ServiceMonitor", docs)
        service = next(s for s in of("Service", docs) if s["metadata"]["name"].endswith("-metrics"))
        wanted = monitor["spec"]["selector"]["matchLabels"]
        self.assertEqual(wanted, {k: service["metadata"]["labels"][k] for k in wanted})
        self.assertIn(monitor["spec"]["endpoints"][0]["port"], [p["name"] for p in service["spec"]["ports"]])
        self.assertEqual(monitor["metadata"]["labels"]["release"], "prometheus")
        self.assertEqual(len(of("PodMonitor", docs)), 2)
        rules, = of("PrometheusRule", docs)
        source = yaml.safe_load((CHART / "files/monitoring/alerts.yaml").read_text())
        made = [r for g in rules["spec"]["groups"] for r in g["rules"]]
        self.assertEqual([(r["alert"], r["expr"]) for r in made], [(r["alert"], r["expr"]) for g in source["groups"] for r in g["rules"]])
        self.assertEqual(made[0]["annotations"]["runbook_url"], "https://wiki.example.com/r#penstocknoleader")
        boards = [c for c in of("ConfigMap", docs) if "dashboard" in c["metadata"]["name"]]
        self.assertEqual([json.loads(text)["uid"] for c in boards for text in c["data"].values()], ["penstock-operator", "penstock-models"])
        self.assertEqual(boards[0]["metadata"]["labels"]["grafana_dashboard"], "1")

    def test_the_real_api_server_takes_all_of_it(self):
        crds = helm("template", "penstock", CHART, "-s", "templates/crds.yaml").stdout
        done = subprocess.run(["kubectl", "apply", "--server-side", "--force-conflicts", "-f", "-"], input=crds,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        # The API server's own schemas and admission, which know more than a linter's copy of them.
        for args in ((), [*ALL_ON, "--set", "namespaces={default}"]):
            # monitors and rules are kinds of Prometheus' operator, which this cluster does not have
            text = helm("template", "penstock", CHART, "-n", "default", "--no-hooks", *args, "--set", "monitoring.monitors.enabled=false",
                        "--set", "monitoring.rules.enabled=false").stdout
            done = subprocess.run(["kubectl", "apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "-"],
                                  input=text, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
