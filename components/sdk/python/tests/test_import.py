"""Pipelines of KFP and Argo as Penstock's YAML. fixtures/kfp/*.yaml is what kfp 2.17 compiled of fixtures/kfp/make_ir.py."""
import json
import pathlib
import subprocess
import sys
import unittest

from sdk_harness import HERE, InFolder, needs_penstock
import yaml

from penstock import command
from penstock.convert import imported
from penstock.convert.reading import Refused
from penstock.errors import PenstockError

KFP = sorted((HERE / "fixtures/kfp").glob("*.yaml"))
ARGO = sorted((HERE / "fixtures/argo").glob("*.yaml"))
ALSO = {"calls.yaml": [str(HERE / "fixtures/argo/also/library.yaml")]}
FETCHES = ("imports.yaml", "nightly.yaml", "containers.yaml")  # from the network
KFP_RESULTS = {"arithmetic.yaml": {"Output": 13}, "artifacts.yaml": {"score": 6}, "conditions.yaml": {"Output": "it was heads"},
               "loops.yaml": {"Output": 210}, "nested.yaml": {"Output": 7}, "chosen.yaml": {"score": 6}, "lists.yaml": {"rows": 90, "sum": 9},
                "exits.yaml": None, "ignored.yaml": None}


class Import(InFolder):
    def convert(self, tool, path):
        """Writes the YAML with its code here; its path."""
        also = ALSO.get(path.name, []) if tool == "argo" else []
        done = subprocess.run([sys.executable, "-m", "penstock", "import", tool, str(path), *also, "-o", f"out/{path.name}"], capture_output=True, text=True,
                              env={"PYTHONPATH": str(HERE.parent), "PATH": "/usr/bin:/bin"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return self.folder / "out" / path.name

    def run_of(self, path, *more):
        _, printed = command.run(command.program(), "run", str(path), "--isolation", "process", "--state", "state", "-o", "json", *more)
        return json.loads(printed)["status"]

    def refused(self, tool, text):
        (self.folder / "w.yaml").write_text(text)
        with self.assertRaises(Refused) as caught:
            imported(tool, self.folder / "w.yaml")
        return str(caught.exception).splitlines()


class Kfp(Import):
    def test_there_are_fixtures(self):
        self.assertGreaterEqual(len(KFP), 9)

    @needs_penstock
    def test_each_compiled_pipeline_is_valid_with_code_beside_it_and_in_one_file(self):
        for path in KFP:
            with self.subTest(path.name):
                self.assertIn("valid", command.penstock("validate", str(self.convert("kfp", path))))
                (self.folder / "one.yaml").write_text(imported("kfp", path))
                self.assertIn("valid", command.penstock("validate", "one.yaml"))

    @needs_penstock
    def test_each_runs_and_gives_what_it_gave_there(self):
        for path in KFP:
            if path.name in FETCHES:
                continue
            with self.subTest(path.name):
                self.assertEqual(self.run_of(self.convert("kfp", path)).get("results"), KFP_RESULTS[path.name])

    @needs_penstock
    def test_in_one_file_it_gives_the_same(self):
        (self.folder / "one.yaml").write_text(imported("kfp", HERE / "fixtures/kfp/artifacts.yaml"))
        self.assertEqual(self.run_of("one.yaml")["results"], {"score": 6})

    def test_limits_retries_caching_and_packages_are_kept(self):
        steps = {s["name"]: s for s in yaml.safe_load(imported("kfp", HERE / "fixtures/kfp/arithmetic.yaml"))["spec"]["steps"]}
        self.assertEqual(steps["add"]["resources"], {"requests": {"memory": "128Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}})
        self.assertEqual(steps["add-2"]["retry"], {"user": {"limit": 2, "backoff": "5s", "backoffFactor": 2, "maxBackoff": "3600s"}})
        self.assertEqual(steps["add-2"]["cache"], {"enabled": False})
        self.assertEqual(steps["add-2"]["container"]["env"], [{"name": "LANG", "value": "C.UTF-8"}])
        self.assertEqual(steps["add-2"]["parameters"], {"a": "$(steps.add.results.Output)", "b": 10})
        steps = {s["name"]: s for s in yaml.safe_load(imported("kfp", HERE / "fixtures/kfp/containers.yaml"))["spec"]["steps"]}
        self.assertEqual(steps["packaged"]["container"]["code"], {"requirements": {"text": "six==1.16.0\n"}})

    def test_an_importer_becomes_the_uri_of_its_user_s_input(self):
        steps = yaml.safe_load(imported("kfp", HERE / "fixtures/kfp/imports.yaml"))["spec"]["steps"]
        self.assertEqual([(s["name"], s["inputs"]) for s in steps], [("fit", {"data": "https://data.example.com/rows.csv"})])

    def test_what_is_not_covered_is_refused_by_its_field_all_at_once(self):
        ir = yaml.safe_load((HERE / "fixtures/kfp/arithmetic.yaml").read_text())
        ir["root"]["dag"]["tasks"]["add"]["newThing"] = 1
        ir["deploymentSpec"]["executors"]["exec-add"]["container"]["lifecycle"] = {"preCacheCheck": {}}
        told = self.refused("kfp", yaml.safe_dump(ir))
        self.assertEqual(told, ["w.yaml: root.dag.tasks.add.newThing: is not covered",
                                "w.yaml: deploymentSpec.executors.exec-add.container.lifecycle: is not covered"])

    def test_lists_of_artifacts_that_no_loop_makes_are_refused(self):
        ir = yaml.safe_load((HERE / "fixtures/kfp/artifacts.yaml").read_text())
        ir["root"].setdefault("inputDefinitions", {})["artifacts"] = {"tables": {"artifactType": {"schemaTitle": "system.Dataset"}, "isArtifactList": True}}
        ir["components"]["comp-make"]["outputDefinitions"]["artifacts"]["data"]["isArtifactList"] = True
        self.assertEqual(self.refused("kfp", yaml.safe_dump(ir)), [
            "w.yaml: root.inputDefinitions.artifacts.tables.isArtifactList: a list of artifacts that a run is given is not covered: a loop of the pipeline "
            "makes one",
            "w.yaml: deploymentSpec.executors.exec-make: outputDefinitions.artifacts.data.isArtifactList: a list of artifacts that one task makes is not "
            "covered: let a loop make one each"])

    def test_packages_without_a_version_and_other_platforms_fields_are_refused(self):
        text = (HERE / "fixtures/kfp/containers.yaml").read_text().replace("six==1.16.0", "six")
        text += "---\nplatforms:\n  kubernetes:\n    deploymentSpec:\n      executors:\n        exec-shell: {pvcMount: [{mountPath: /x}]}\n"
        told = self.refused("kfp", text)
        self.assertIn("w.yaml: deploymentSpec.executors.exec-packaged.container.command: packages_to_install has 'six' without a version: write "
                      "name==version, and what it needs beside it (a lock), before compiling", told)
        self.assertIn("w.yaml: platforms.kubernetes.deploymentSpec.executors.exec-shell.pvcMount: is not covered", told)

    def test_secrets_and_node_selectors_of_the_platform_are_kept(self):
        text = (HERE / "fixtures/kfp/containers.yaml").read_text() + (
            "---\nplatforms:\n  kubernetes:\n    deploymentSpec:\n      executors:\n        exec-shell:\n          secretAsEnv: [{secretName: s, keyToEnv: "
            "[{secretKey: k, envVar: K}]}]\n          nodeSelector: {labels: {a: b}}\n")
        (self.folder / "w.yaml").write_text(text)
        step = next(s for s in yaml.safe_load(imported("kfp", self.folder / "w.yaml"))["spec"]["steps"] if s["name"] == "shell")
        self.assertEqual(step["container"]["env"], [{"name": "K", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}])
        self.assertEqual(step["nodeSelector"], {"a": "b"})

    def test_an_old_pipeline_is_told_to_be_compiled_by_kfp_2(self):
        self.assertEqual(self.refused("kfp", "schemaVersion: 1.0.0\nroot: {dag: {}}\n")[-1],
                         "w.yaml: schemaVersion: '1.0.0' is none of KFP's IR: compile the pipeline with kfp 2 first")


class Argo(Import):
    @needs_penstock
    def test_each_workflow_is_valid(self):
        self.assertGreaterEqual(len(ARGO), 4)
        for path in ARGO:
            with self.subTest(path.name):
                self.assertIn("valid", command.penstock("validate", str(self.convert("argo", path))))

    @needs_penstock
    def test_steps_loops_and_conditions_run_as_they_did_there(self):
        status = self.run_of(self.convert("argo", HERE / "fixtures/argo/harvest.yaml"))
        steps = {s["name"]: (s["phase"], s.get("results")) for s in status["steps"]}
        self.assertEqual(steps["weather"], ("Succeeded", {"result": "sun"}))
        self.assertEqual(steps["pick"], ("Succeeded", {"picked": ["apples", "pears"]}))
        self.assertEqual(steps["wait-inside"][0], "Skipped")
        self.assertEqual({steps[n][0] for n in ("weigh", "count", "objects", "bye")}, {"Succeeded"})

    @needs_penstock
    def test_a_dag_with_a_failure_that_is_allowed_and_nested_templates_runs(self):
        status = self.run_of(self.convert("argo", HERE / "fixtures/argo/diamond.yaml"))
        steps = {s["name"]: (s["phase"], s.get("results")) for s in status["steps"]}
        self.assertEqual((steps["c"][0], steps["d"], steps["large"]), ("Failed", ("Succeeded", {"out": "32"}), ("Succeeded", {"out": "2"})))

    @needs_penstock
    def test_a_suspended_workflow_becomes_an_approval_with_values(self):
        path = self.convert("argo", HERE / "fixtures/argo/approval.yaml")
        steps = {s["name"]: s["phase"] for s in self.run_of(path, "--approve", "ask=answer=no")["steps"]}
        self.assertEqual(steps, {"ask": "Succeeded", "ship": "Skipped"})

    def test_schedules_and_limits_of_a_cron_workflow_are_kept(self):
        spec = yaml.safe_load(imported("argo", HERE / "fixtures/argo/nightly.yaml"))["spec"]
        self.assertEqual(spec["schedules"], [{"name": "schedule-1", "cron": "0 3 * * *", "timeZone": "Asia/Seoul"},
                                             {"name": "schedule-2", "cron": "0 15 * * 6", "timeZone": "Asia/Seoul"}])
        self.assertEqual((spec["concurrency"], spec["historyLimits"]), ({"policy": "Forbid"}, {"succeeded": 4, "failed": 2}))
        self.assertEqual(spec["volumes"], [{"name": "scratch", "claim": {"size": "1Gi", "accessModes": ["ReadWriteOnce"]}}])

    @needs_penstock
    def test_expressions_give_the_values_and_the_branches_that_they_gave_there(self):
        status = self.run_of(self.convert("argo", HERE / "fixtures/argo/expressions.yaml"))
        steps = {s["name"]: s["phase"] for s in status["steps"]}
        self.assertEqual(steps.pop("slow"), "Skipped")
        self.assertEqual(set(steps.values()), {"Succeeded"})
        self.assertEqual(status["results"], {"said": "north", "late": "nobody"})

    @needs_penstock
    def test_hooks_run_when_their_step_has_ended_and_alternatives_decide_by_status(self):
        status = self.run_of(self.convert("argo", HERE / "fixtures/argo/hooks.yaml"))
        steps = {s["name"]: s["phase"] for s in status["steps"]}
        self.assertEqual(steps, {"good": "Succeeded", "good-exit": "Succeeded", "good-sad": "Skipped", "bad": "Failed", "bad-exit": "Succeeded",
                                 "either": "Succeeded", "neither": "Skipped", "say": "Succeeded", "say-failed": "Skipped"})
        self.assertEqual(next(s for s in status["steps"] if s["name"] == "bad").get("attempts", 1), 1)

    @needs_penstock
    def test_containers_in_turn_a_server_and_a_question_by_http_run(self):
        status = self.run_of(self.convert("argo", HERE / "fixtures/argo/several.yaml"))
        self.assertEqual({s["name"]: s["phase"] for s in status["steps"]},
                         {n: "Succeeded" for n in ("press", "greet", "shop", "ask", "check")})

    @needs_penstock
    def test_a_template_of_another_file_runs(self):
        path = self.convert("argo", HERE / "fixtures/argo/calls.yaml")
        status = self.run_of(path, "--pipeline", "calls")
        self.assertEqual({s["name"]: s["phase"] for s in status["steps"]}, {"twice": "Succeeded", "check": "Succeeded"})

    @needs_penstock
    def test_a_template_that_calls_itself_ends_by_its_condition(self):
        path = self.convert("argo", HERE / "fixtures/argo/recursion.yaml")
        status = self.run_of(path, "--pipeline", "recursion")
        self.assertEqual([(s["name"], s["phase"]) for s in status["steps"]], [("count-down", "Succeeded")])

    @needs_penstock
    def test_lists_come_by_parameters_and_results_and_the_end_is_known_within_an_exit_handler(self):
        path = self.convert("argo", HERE / "fixtures/argo/ends.yaml")
        status = self.run_of(path)
        self.assertEqual({s["name"]: s["phase"] for s in status["steps"]},
                         {"numbers": "Succeeded", "each-number": "Succeeded", "each-town": "Succeeded", "quote": "Succeeded", "bye": "Succeeded"})
        spec = yaml.safe_load(path.read_text())["spec"]
        self.assertEqual((spec["parameters"][0]["type"], spec["steps"][0]["results"]), ("list", [{"name": "result", "type": "list"}]))
        self.assertEqual(spec["finally"][0]["parameters"], {"run-duration": "$(run.duration)", "run-status": "$(run.status)"})
        self.assertEqual(spec["steps"][1]["container"]["image"], "debian:bookworm-slim")

    def test_a_workflow_of_a_template_has_its_steps_and_arguments(self):
        path = self.convert("argo", HERE / "fixtures/argo/calls.yaml")
        calls, evening = yaml.safe_load_all(path.read_text())
        self.assertEqual([s["container"]["imagePullPolicy"] for s in calls["spec"]["steps"][0]["pipeline"]["steps"]], ["IfNotPresent"] * 2)
        self.assertEqual({p["name"]: p["default"] for p in evening["spec"]["parameters"]}, {"dish": "soup", "guests": "4"})
        self.assertEqual([s["cron"] for s in evening["spec"]["schedules"]], ["0 19 * * *"])

    def test_objects_of_the_cluster_repositories_and_sidecars_become_components_and_fields(self):
        spec = yaml.safe_load(imported("argo", HERE / "fixtures/argo/cluster.yaml"))["spec"]
        steps = {s["name"]: s for s in spec["steps"]}
        self.assertEqual(spec["defaults"]["pod"], {"labels": {"team": "data"}, "securityContext": {"runAsUser": 1000}})
        make = steps["make"]["parameters"]
        self.assertEqual((make["action"], make["successCondition"], make["failureCondition"], make["setOwnerReference"]),
                         ("create", "status.succeeded > 2", 'status.failed > 1 && string(status.active) in ["1", "2"]', True))
        self.assertEqual((make["manifest"]["spec"]["completions"], make["manifest"]["metadata"]["labels"]), (3, {"who": "$(run.name)"}))
        self.assertEqual(make["manifest"]["spec"]["template"]["spec"]["containers"][0]["command"][2], "echo $$(date)")
        self.assertEqual(steps["wait"]["parameters"]["manifest"]["metadata"]["name"], "$(steps.make.results.values.job)")
        self.assertEqual(steps["repository-1"]["parameters"], {"url": "https://git.example.com/team/labels.git", "revision": "v1"})
        self.assertEqual(steps["look"]["inputs"], {"labels": "$(steps.repository-1.outputs.folder)", "rows": "https://data.example.com/open/rows.csv"})
        self.assertEqual(steps["look"]["sidecars"], [{"name": "cache", "image": "redis:7", "readiness": {"tcp": 6379}}])
        self.assertEqual(spec["parameters"], [{"name": "look-town", "type": "string", "valueFrom": {"configMapKeyRef": {"name": "site", "key": "town"}}}])

    def workflow(self, template, call="", extra=""):
        return ("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  entrypoint: main\n  arguments: {parameters: [{name: x, "
                f"value: a}}]}}\n{extra}  templates:\n  - name: main\n    steps:\n    - - {{name: one, template: one{call}}}\n  - name: one\n{template}")

    def test_what_is_not_covered_is_refused_by_its_field(self):
        one = "    container: {image: a, command: [b]%s}\n%s"
        for text, expected in [
                (self.workflow(one % ("", ""), extra="  hooks: {soon: {template: one, expression: workflow.status == 'Running'}}\n"),
                 """spec.hooks.soon.expression: "workflow.status == 'Running'" is not covered: a hook runs when what it belongs to has ended """
                 "(status == 'Succeeded' or 'Failed'), not while it runs"),
                (self.workflow("    resource: {action: replace}\n"),
                 "spec.templates[1].resource.action: 'replace' is not covered: create, apply, delete, get and patch are"),
                (self.workflow("    resource: {action: patch, manifest: '{kind: Pod}'}\n"),
                 "spec.templates[1].resource.mergeStrategy: strategic is not covered: merge is"),
                (self.workflow("    resource: {action: get, manifest: '{kind: Pod}', successCondition: '!status.x'}\n"),
                 "spec.templates[1].resource.successCondition: '!status.x' is not covered: field == word, field > number and field in (a, b), joined by "
                 "commas, are"),
                (self.workflow("    resource: {action: create, manifest: '{kind: Pod}'}\n    outputs: {parameters: [{name: o, valueFrom: {jqFilter: '.a | b'}}]}\n"),
                 "spec.templates[1].outputs.parameters[0].valueFrom: '.a | b' is not covered: a path such as {.status.phase} is"),
                (self.workflow("    http: {url: 'http://x', insecureSkipVerify: true}\n"),
                 "spec.templates[1].http.insecureSkipVerify: is not covered: certificates are verified; SSL_CERT_FILE of the step names authorities"),
                (self.workflow("    containerSet: {containers: [{name: a, image: i, command: [x]}, {name: main, image: i, command: [x]}]}\n"),
                 "spec.templates[1].containerSet.containers: a, main: run at the same time there, and in turn here: let each name the one before it in "
                 "`dependencies`"),
                (self.workflow("    daemon: true\n" + one % ("", "")),
                 "spec.templates[1].container.readinessProbe: is not there, so that nobody knows when the daemon serves: give its container one"),
                (self.workflow("    inputs: {parameters: [{name: i}]}\n    container: {image: '{{inputs.parameters.i}}', command: [b]}\n",
                               call=", withItems: [p, q], arguments: {parameters: [{name: i, value: '{{item}}'}]}"),
                 "spec.templates[1].container.image: differs by the item of a loop, which is not covered: let the loop run a template of steps"),
                (self.workflow("    data: {}\n"), "spec.templates[1].data: is not covered"),
                (self.workflow(one % (", lifecycle: {}", "")), "spec.templates[1].container.lifecycle: is not covered"),
                (self.workflow(one % ("", ""), call=", when: '{{=1 == 1}} && {{workflow.parameters.x}}'"),
                 "spec.templates[0].steps[0][0].when: an expression {{=...}} is covered where it is the whole condition: write it all as one"),
                (self.workflow(one % ("", ""), call=", when: '{{=len(sprig.trim(workflow.parameters.x)) > 1}}'"),
                 "spec.templates[0].steps[0][0].when: the function sprig.trim is not covered: let a step compute it"),
                (self.workflow("    container: {image: a, command: [b, '{{=asInt(workflow.parameters.x) * 2}}']}\n"),
                 "spec.templates[1].container.args: {{=asInt(workflow.parameters.x) * 2}}: let a step compute it, and hand on its result"),
                (self.workflow(one % ("", "")).replace("- name: one", "- name: two", 1).replace("template: one", "templateRef: {name: far, template: one}"),
                 "spec.templates[0].steps[0][0].templateRef: there is no WorkflowTemplate 'far' in the files: name its file behind this one"),
                (self.workflow(one % ("", "")).replace("entrypoint: main", "workflowTemplateRef: {name: far}"),
                 "spec.workflowTemplateRef: there is no WorkflowTemplate 'far' in the files: name its file behind this one"),
                (self.workflow("    container: {image: a, command: [b, '{{pod.name}}']}\n"), "spec.templates[1].container.args: {{pod.name}} is not covered"),
                (self.workflow(one % ("", "    retryStrategy: {limit: 1, expression: x}\n")), "spec.templates[1].retryStrategy.expression: 'x' is not covered: exit codes "
                 "(asInt(lastRetry.exitCode) == 75, or in [75, 76]) and lastRetry.status are"),
                (self.workflow("    script: {image: a, command: [python3], source: 'print({{workflow.parameters.x}})'}\n"),
                 "spec.templates[1].script.source: {{workflow.parameters.x}} stands within the text of a program: hand it over by env, and read it there"),
                (self.workflow(one % ("", "    outputs: {parameters: [{name: o, valueFrom: {path: /tmp/o}}]}\n")),
                 "spec.templates[1].container: its program does not name the path /tmp/o in command, args, env or source: let it write to or read from a "
                 "path that it is given ($(results.o.path))"),
                (self.workflow(one % ("", "    inputs: {artifacts: [{name: i, path: /i, s3: {key: k}}]}\n")).replace("[b]", "[b, /i]"),
                 "spec.templates[1].inputs.artifacts.i.s3: names its repository elsewhere: take the artifact `from` the step that made it, or say endpoint, bucket "
                 "and key"),
                (self.workflow("    steps: [[{name: again, template: main}]]\n"), "spec.templates[1].steps[0][0]: the template main calls itself without a "
                 "`when`, and would not end"),
                (self.workflow(one % ("", "")).replace("template: one", "template: two"), "spec.templates[0].steps[0][0].template: there is no template 'two' in the file")]:
            with self.subTest(expected):
                self.assertIn(f"w.yaml: {expected}", self.refused("argo", text))

    def test_conditions_of_all_forms_become_cel(self):
        for theirs, ours in [("{{workflow.parameters.x}} == a", 'string(parameters.x) == "a"'), ("'{{workflow.parameters.x}}' != 'b c'", 'string(parameters.x) != "b c"'),
                             ("{{workflow.parameters.x}} >= 5", "double(parameters.x) >= 5.0"),
                             ("!({{workflow.parameters.x}} == a) || true", '!(string(parameters.x) == "a") || true')]:
            text = self.workflow("    container: {image: a, command: [b]}\n", call=f", when: {json.dumps(theirs)}")
            (self.folder / "w.yaml").write_text(text)
            self.assertEqual(yaml.safe_load(imported("argo", self.folder / "w.yaml"))["spec"]["steps"][0]["when"], ours)

    def expression(self, text):
        """A `when` in expr as CEL."""
        (self.folder / "w.yaml").write_text(self.workflow("    container: {image: a, command: [b]}\n", call=f", when: {json.dumps('{{=' + text + '}}')}"))
        return yaml.safe_load(imported("argo", self.folder / "w.yaml"))["spec"]["steps"][0]["when"]

    def test_expressions_become_cel(self):
        x = "workflow.parameters.x"
        for theirs, ours in [(f"asInt({x}) % 2 == 0 ? true : false", "int(parameters.x) % 2 == 0 ? true : false"),
                             (f"sprig.contains('a', {x}) and not sprig.hasPrefix('b', {x})", 'string(parameters.x).contains("a") && !string(parameters.x).startsWith("b")'),
                             (f"{x} not in ['a', 'b']", '!(string(parameters.x) in ["a", "b"])'),
                             (f"{x} matches '^[a-c]+$' || {x} endsWith \"z\"", 'string(parameters.x).matches("^[a-c]+$") || string(parameters.x).endsWith("z")'),
                             (f"asFloat({x}) >= 1.5 && len({x}) < 4", "double(parameters.x) >= 1.5 && size(parameters.x) < 4"),
                             (f"(({x} == 'a') or ({x} == 'b')) && {x} != 'c'",
                              '(string(parameters.x) == "a" || string(parameters.x) == "b") && string(parameters.x) != "c"'),
                             (f"{x} == true", 'string(parameters.x) == "true"'), (x, 'string(parameters.x) == "true"'),
                             (f"{x} + '-1' == 'a-1'", 'string(parameters.x) + "-1" == "a-1"')]:
            with self.subTest(theirs):
                self.assertEqual(self.expression(theirs), ours)

    def test_a_choice_whose_branch_does_not_run_by_the_same_condition_is_refused(self):
        text = (HERE / "fixtures/argo/expressions.yaml").read_text().replace("== 'fast' && asInt(workflow.parameters.workers) > 2 ? steps.quick.outputs.result",
                                                                            "== 'slow' ? steps.quick.outputs.result")
        self.assertEqual(self.refused("argo", text), [
            "w.yaml: spec.templates[0].outputs.parameters[0].valueFrom.expression: a choice is covered where the step that gives the first value runs "
            "`when` the same condition holds; else let a step compute it, and hand on its result"])

    def test_alternatives_over_tasks_that_may_be_left_out_are_refused(self):
        text = (HERE / "fixtures/argo/hooks.yaml").read_text().replace("good.Succeeded || bad.Succeeded", "good.Skipped || bad.Succeeded")
        self.assertEqual(self.refused("argo", text), [
            "w.yaml: spec.templates[0].dag.tasks[2].depends: 'good.Skipped' is not covered: Succeeded, Failed, AnySucceeded and AllFailed are, and a task "
            "alone that has not both a `when` and tasks before it"])

    def test_arguments_that_a_template_does_not_have_are_left_out_with_a_note(self):
        (self.folder / "w.yaml").write_text(self.workflow("    container: {image: a, command: [b]}\n", call=", arguments: {parameters: [{name: q, value: 1}]}"))
        self.assertIn("\n# spec.templates[0].steps[0][0].arguments.parameters: q left out: the template one has no such input\n",
                      imported("argo", self.folder / "w.yaml"))

    def test_a_file_of_templates_alone_and_further_files_of_kfp_are_told(self):
        library = HERE / "fixtures/argo/also/library.yaml"
        with self.assertRaisesRegex(Refused, "w.yaml: spec.entrypoint: is missing: a file of templates alone is named behind that of the workflow"):
            (self.folder / "w.yaml").write_text(library.read_text().partition("---")[0])
            imported("argo", self.folder / "w.yaml")
        with self.assertRaisesRegex(PenstockError, "import kfp takes one file, not 1 more"):
            imported("kfp", KFP[0], also=[library])

    def test_only_a_whole_literal_of_python_is_a_value_of_the_environment(self):
        def source(text):
            (self.folder / "w.yaml").write_text(self.workflow(f"    script: {{image: a, command: [python3], source: {json.dumps(text)}}}\n"))
            return yaml.safe_load(imported("argo", self.folder / "w.yaml"))["spec"]["steps"][0]["container"]
        x = "{{workflow.parameters.x}}"
        made = source(f"# the word\nprint('{x}', \"{x}\")\n")
        self.assertEqual(made["command"][2], '# the word\nprint(__import__("os").environ["X"], __import__("os").environ["X"])\n')
        self.assertEqual(made["env"], [{"name": "X", "value": "$(parameters.x)"}])
        for text in (f"print('say \"{x}\"')", f"print('a' '{x}')", f"print({x})", f"print(r'{x}')", f"print(\"\"\"{x}\"\"\")", f"print('{x}"):
            with self.subTest(text), self.assertRaisesRegex(Refused, "stands within the text of a program: hand it over by env"):
                source(text)

    def test_what_is_of_another_sort_is_told_by_its_place_all_at_once(self):
        one = "    container: {image: a, command: [b]}\n"
        text = self.workflow(one, call=", arguments: {parameters: [x, {value: 1}]}, withItems: 7, when: 3").replace("image: a", "image: [a]")
        self.assertEqual(self.refused("argo", text), ["w.yaml: spec.templates[0].steps[0][0].arguments.parameters[0]: is no object but 'x'",
                                                      "w.yaml: spec.templates[0].steps[0][0].arguments.parameters[1].name: is missing",
                                                      "w.yaml: spec.templates[0].steps[0][0].withItems: is no list but 7",
                                                      "w.yaml: spec.templates[1].container.image: is no text but ['a']"])
        text = self.workflow("    container: {image: a, command: [b], resources: {limits: [3]}}\n    retryStrategy: {limit: 1, backoff: {factor: x}}\n")
        self.assertEqual([line.partition(" (")[0] for line in self.refused("argo", text)], [
            "w.yaml: spec.templates[1].retryStrategy.backoff: is not as the documentation has it, or something within it"])

    def test_what_is_no_workflow_and_no_yaml_is_told(self):
        self.assertEqual(self.refused("argo", "kind: Pod\nspec: {}\n"), ["w.yaml: kind: 'Pod' is no Workflow, WorkflowTemplate, ClusterWorkflowTemplate or CronWorkflow"])
        self.assertIn("is no YAML", self.refused("argo", "a: [\n")[0])
        done = subprocess.run([sys.executable, "-m", "penstock", "import", "argo", "gone.yaml"], capture_output=True, text=True,
                              env={"PYTHONPATH": str(HERE.parent)})
        self.assertEqual(done.returncode, 1)
        self.assertIn("gone.yaml", done.stderr)


if __name__ == "__main__":
    unittest.main()
