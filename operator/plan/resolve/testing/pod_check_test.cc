#include <gmock/gmock.h>

#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Every error of a spec of one step, a line each.
std::string Wrong(const std::string& step, const std::string& rest = "") {
  return api::Describe(Validate(Spec("steps:\n- {name: a, " + step + "}\n" + rest)));
}

const std::string kTwo =
    "containers: [{name: w, image: i, command: [a]}, {name: z, image: i, command: [b]}]";
const std::string kOne = "container: {image: i, command: [run]}";

TEST(Containers, MayUseTheWorkspaceInputsOutputsAndParameters) {
  EXPECT_EQ(Wrong("containers: [{name: w, image: i, command: [clone, $(parameters.repo), "
                  "$(workspace.path)/src]}, {name: z, image: i, workingDir: $(workspace.path)/src, "
                  "command: [make, $(inputs.d.path), $(outputs.o.path), $(results.r.path)]}], "
                  "inputs: {d: \"https://h/x\"}, outputs: [{name: o}], results: [{name: r}]",
                  "parameters: [{name: repo, default: z}]\n"),
            "");
}

TEST(Containers, AreCheckedEachWithItsPath) {
  const std::string wrong = Wrong(
      "containers: [{name: w, image: i}, {name: z, image: i, command: [$(inputs.n.path)], "
      "resources: {requests: {cpu: 2}, limits: {cpu: 1}}, volumeMounts: [{name: v, "
      "mountPath: /v}]}]");
  EXPECT_THAT(wrong, HasSubstr("spec.steps[0].containers[1].command[0]: $(inputs.n.path)"));
  EXPECT_THAT(wrong, HasSubstr("spec.steps[0].containers[1].resources.requests.cpu"));
  EXPECT_THAT(wrong, HasSubstr("containers[1].volumeMounts[0].name: the step has no volume 'v'"));
}

TEST(Containers, NeedACommandWhereRegistriesAreNotAsked) {
  const auto spec = Spec("steps:\n- {name: a, containers: [{name: w, image: i}]}\n");
  EXPECT_THAT(api::Describe(Check(spec, {}).errors),
              HasSubstr("spec.steps[0].containers[0].command: is required"));
  Surroundings asks;
  asks.image = [](const std::string&) { return std::optional<ImageProgram>(); };
  EXPECT_EQ(api::Describe(Check(spec, asks).errors), "");
  std::vector<std::string> warnings;
  EXPECT_TRUE(Validate(spec, &warnings).empty());
  EXPECT_THAT(warnings, testing::Contains(HasSubstr("containers[0].command is left out")));
}

TEST(EntryPoints, OfTheImageAreTakenAsTheyAreAndPinIt) {
  Surroundings asks;
  asks.image = [](const std::string& image) {
    EXPECT_EQ(image, "alpine/git:2");
    return ImageProgram{{"git", "$(HOME)"}, {"--help"}, Digest('c')};
  };
  const auto run = MustResolve(
      "steps:\n- {name: a, container: {image: \"alpine/git:2\"}}\n"
      "- {name: b, container: {image: \"alpine/git:2\", args: [clone]}}\n"
      "- {name: c, container: {image: other, command: [run]}}\n",
      {}, asks);
  const auto& a = run.Find("a")->container;
  EXPECT_EQ(a.image, "alpine/git:2@" + Digest('c'));
  EXPECT_THAT(a.command, ElementsAre("git", "$$(HOME)")) << "no reference of ours";
  EXPECT_THAT(a.args, ElementsAre("--help"));
  EXPECT_THAT(run.Find("b")->container.args, ElementsAre("clone"));
  EXPECT_EQ(run.Find("c")->container.image, "other");
}

TEST(EntryPoints, AParameterMustNotBecomeProgramTextOfAShellThatTheImageStarts) {
  Surroundings asks;
  asks.image = [](const std::string&) { return ImageProgram{{"sh", "-c"}, {}, Digest('c')}; };
  const auto resolved = Resolve(
      "p",
      Spec("parameters: [{name: q, default: z}]\nsteps:\n- {name: a, container: {image: i, args: "
           "[\"echo $(parameters.q)\"]}}\n"),
      {}, asks);
  EXPECT_THAT(api::Describe(resolved.errors), HasSubstr("would be run as code"));
}

TEST(Containers, OutputsAndResultsOfAStepWithContainersAreItsOwn) {
  const auto errors = Validate(Spec("steps:\n- {name: a, " + kTwo +
                                    ", outputs: [{name: o, type: dataset}]}\n- {name: b, " + kOne +
                                    ", inputs: {i: $(steps.a.outputs.o)}}\n"));
  EXPECT_EQ(api::Describe(errors), "");
}

TEST(Containers, AreInTheResolvedRunAndSurviveIt) {
  const ResolvedRun run = MustResolve(
      "volumes: [{name: scratch, claim: {size: 1Gi}}]\ndefaults: {pod: {labels: {team: ml}}}\n"
      "steps:\n- {name: a, containers: [{name: w, image: i, command: [a], onError: Continue}, "
      "{name: z, image: i, command: [b, $(parameters.p)], volumeMounts: [{name: scratch, "
      "mountPath: "
      "/s}]}], sidecars: [{name: db, image: pg, readiness: {tcp: 5432}}], pod: {labels: {a: b}}, "
      "retry: {user: {onExitCodes: [75]}, lastAttempt: {nodeSelector: {pool: od}}}, parameters: "
      "{p: "
      "1}}\n");
  const auto again = DecodeResolved(EncodeResolved(run));
  ASSERT_TRUE(again) << again.error().message;
  for (const ResolvedRun* r : {&run, &*again}) {
    const ResolvedStep& s = r->steps.at(0);
    ASSERT_EQ(s.containers.size(), 2U);
    EXPECT_EQ(s.containers[0].on_error, api::ErrorPolicy::kContinue);
    EXPECT_EQ(s.containers[1].program.command[1], "$(parameters.p)");
    EXPECT_THAT(s.run_volumes, ElementsAre("scratch"));
    EXPECT_EQ(s.sidecars.at(0).readiness["tcp"], 5432);
    EXPECT_EQ(s.pod["labels"], Json({{"team", "ml"}, {"a", "b"}}));
    EXPECT_EQ(s.retry.last_attempt->node_selector.at("pool"), "od");
    EXPECT_EQ(s.retry.user.on_exit_codes.at(0), 75);
    EXPECT_EQ(s.parameters.at("p").value, 1);
    EXPECT_EQ(r->volumes.at(0).claim->size, "1Gi");
  }
}

TEST(Sidecars, AreKubernetesOwnAndHoldNoReferencesOfOurs) {
  EXPECT_EQ(Wrong(kOne + ", sidecars: [{name: db, image: pg, env: [{name: A, value: x}], args: "
                         "[\"$(A)\"]}]"),
            "");
  EXPECT_THAT(Wrong(kOne + ", sidecars: [{name: db, image: pg, args: [$(parameters.x)]}]"),
              HasSubstr("spec.steps[0].sidecars[0].args[0]: $(parameters.x): a sidecar is started "
                        "by Kubernetes, which does not know it"));
}

TEST(Sidecars, SayOneWayInWhichTheyAreReady) {
  EXPECT_THAT(Wrong(kOne + ", sidecars: [{name: db, image: pg, readiness: {tcp: 1, exec: [a]}}]"),
              HasSubstr("sidecars[0].readiness: say exactly one of tcp, http and exec"));
  EXPECT_THAT(Wrong(kOne + ", sidecars: [{name: db, image: pg, readiness: {http: {port: 0}}}]"),
              HasSubstr("readiness.http.port: is no port"));
}

const std::string kDaemon =
    "- {name: db, container: {image: i, command: [serve]}, daemon: {readiness: {tcp: 80}}}\n";

std::string WrongWithDaemon(const std::string& step, const std::string& finally = "") {
  return api::Describe(Validate(
      Spec("steps:\n" + kDaemon + (step.empty() ? "" : "- {name: a, " + step + "}\n") + finally)));
}

TEST(Daemons, AreUsedByTheirAddressOnceTheyAreReady) {
  EXPECT_EQ(WrongWithDaemon("container: {image: i, command: [ask, $(parameters.db)]}, parameters: "
                            "{db: \"http://$(steps.db.address):80\"}"),
            "");
  EXPECT_EQ(WrongWithDaemon(kOne + ", dependsOn: [{step: db}]"), "");
  const auto run = MustResolve("steps:\n" + kDaemon +
                               "- {name: a, container: {image: i, command: "
                               "[ask]}, parameters: {db: $(steps.db.address)}}\n");
  ASSERT_EQ(run.steps.size(), 2U);
  EXPECT_TRUE(run.steps[0].daemon);
  EXPECT_FALSE(run.steps[0].cache.enabled);
  ASSERT_EQ(run.steps[1].depends_on.size(), 1U);
  EXPECT_EQ(run.steps[1].depends_on[0].step, "db");
  const auto back = DecodeResolved(EncodeResolved(run));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->steps[0].daemon->readiness, Json({{"tcp", 80}}));
}

TEST(Daemons, NobodyWaitsForTheirEndBecauseTheyWaitForTheirUsers) {
  EXPECT_THAT(WrongWithDaemon(kOne + ", dependsOn: [{step: db, outcome: Any}]"),
              HasSubstr("dependsOn[0].outcome: step db is a daemon: it ends after those"));
  EXPECT_THAT(WrongWithDaemon(kOne + ", parameters: {s: $(steps.db.status)}"),
              HasSubstr("$(steps.db.status): the daemon db ends after this step; "
                        "$(steps.db.address) is where it serves"));
  EXPECT_THAT(WrongWithDaemon(kOne + ", when: \"steps.db.status == 'Failed'\""),
              HasSubstr("when: names step db, a daemon"));
  EXPECT_THAT(
      WrongWithDaemon(
          "", "finally:\n- {name: z, " + kOne + ", parameters: {s: $(steps.db.address)}}\n"),
      HasSubstr("$(steps.db.address): the daemon db has ended when steps of finally start"));
  EXPECT_EQ(WrongWithDaemon(
                "", "finally:\n- {name: z, " + kOne + ", parameters: {s: $(steps.db.status)}}\n"),
            "");
}

TEST(Daemons, HandNoAddressToAPipelineWhoseStepsItsCacheWouldKeep) {
  EXPECT_THAT(WrongWithDaemon("pipeline: {steps: [{name: z, " + kOne +
                              "}]}, parameters: {host: $(steps.db.address)}"),
              HasSubstr("$(steps.db.address): the steps of a Pipeline would be cached by an "
                        "address"));
}

TEST(Daemons, AreOneContainerWithoutAnEndOfItsOwn) {
  const std::string ready = ", daemon: {readiness: {tcp: 80}}";
  EXPECT_THAT(Wrong(kTwo + ready), HasSubstr("daemon: is for a step with a container"));
  EXPECT_THAT(Wrong(kOne + ready + ", forEach: {in: [1]}"), HasSubstr("a daemon is one"));
  EXPECT_THAT(Wrong(kOne + ready + ", outputs: [{name: o}]"),
              HasSubstr("it gives no outputs and no results"));
  EXPECT_THAT(Wrong(kOne + ", daemon: {readiness: {tcp: 80, exec: [a]}}"),
              HasSubstr("daemon.readiness: say exactly one of tcp, http and exec"));
  EXPECT_THAT(Wrong(kOne + ready + ", allowFailure: true"),
              HasSubstr("allowFailure: steps that use a daemon start while it serves"));
  EXPECT_THAT(WrongWithDaemon("", "finally:\n- {name: z, " + kOne + ready + "}\n"),
              HasSubstr("finally[0].daemon: nothing comes after finally"));
  EXPECT_THAT(Wrong(kOne + ", parameters: {s: $(steps.b.address)}", "- {name: b, " + kOne + "}\n"),
              HasSubstr("there is no step 'b' with daemon, and no other has an address"));
  const auto decoded =
      api::DecodePipelineSpec(Yaml("steps:\n- {name: a, " + kOne + ", daemon: {}}\n"), "spec");
  EXPECT_THAT(api::Describe(decoded.errors), HasSubstr("daemon.readiness: is required"));
}

TEST(RunVolumes, AreMountedByNameAndNeedASize) {
  const std::string mounts =
      "container: {image: i, command: [run], volumeMounts: [{name: scratch, mountPath: /s}]}";
  EXPECT_EQ(Wrong(mounts, "volumes: [{name: scratch, claim: {size: 10Gi}}]\n"), "");
  EXPECT_THAT(Wrong(mounts,
                    "volumes: [{name: scratch, claim: {size: \"0\"}}]\n"
                    ""),
              HasSubstr("spec.volumes[0].claim.size"));
  EXPECT_THAT(Wrong(mounts + ", volumes: [{name: scratch, emptyDir: {}}]",
                    "volumes: [{name: scratch, claim: {size: 1Gi}}]\n"),
              HasSubstr("spec.steps[0].volumes[0].name: 'scratch' is a volume of the pipeline"));
  EXPECT_THAT(Wrong(mounts, "volumes: [{name: scratch, claim: {size: 1Gi, accessModes: [Any]}}]\n"),
              HasSubstr("spec.volumes[0].claim.accessModes[0]: 'Any' is none of"));
}

TEST(PodFields, AreAnAllowListAndNeverRoot) {
  EXPECT_EQ(Wrong(kOne + ", pod: {labels: {team: ml, example.com/x: \"1\"}, annotations: "
                         "{sidecar.istio.io/inject: \"false\"}, securityContext: {runAsUser: 1000, "
                         "fsGroup: 2000}, hostAliases: [{ip: 10.0.0.1, hostnames: [db]}]}"),
            "");
  EXPECT_THAT(Wrong(kOne + ", pod: {securityContext: {runAsUser: 0}}"),
              HasSubstr("spec.steps[0].pod.securityContext.runAsUser: 0 is root"));
  for (const char* id : {"runAsGroup: 0", "fsGroup: 0", "supplementalGroups: [5, 0]"})
    EXPECT_THAT(Wrong(kOne + ", pod: {securityContext: {runAsUser: 1000, " + id + "}}"),
                HasSubstr("0 is root's group, and a step never runs as root"))
        << id;
  const auto spec =
      Spec("defaults: {pod: {securityContext: {fsGroup: 0}}}\nsteps:\n- {name: a, " + kOne + "}\n");
  EXPECT_THAT(api::Describe(Validate(spec)),
              HasSubstr("spec.defaults.pod.securityContext.fsGroup: 0 is root's group"));
  for (const char* key : {"penstock.dev/step", "x.kubernetes.io/a", "k8s.io/a"})
    EXPECT_THAT(Wrong(kOne + ", pod: {labels: {\"" + key + "\": a}}"),
                HasSubstr("are not the step's to give"))
        << key;
  EXPECT_THAT(Wrong(kOne + ", pod: {labels: {a: \"not a value\"}}"),
              HasSubstr("is no label value"));
  EXPECT_THAT(Wrong(kOne + ", pod: {dnsPolicy: Mine}"), HasSubstr("is none of ClusterFirst"));
}

TEST(PodFields, DevicesAreClaimedBeforeAContainerUsesThem) {
  const std::string claim =
      ", pod: {resourceClaims: [{name: gpu, resourceClaimTemplateName: one-gpu}]}";
  EXPECT_EQ(Wrong(kOne + claim + ", resources: {claims: [{name: gpu, request: r}]}"), "");
  EXPECT_THAT(Wrong(kOne + claim + ", resources: {claims: [{name: fpga}]}"),
              HasSubstr("spec.steps[0].resources.claims[0].name: the pod has no claim 'fpga'"));
  EXPECT_THAT(Wrong(kOne + ", pod: {resourceClaims: [{name: gpu}, {name: gpu, resourceClaimName: "
                           "a, resourceClaimTemplateName: b}]}"),
              AllOf(HasSubstr("spec.steps[0].pod.resourceClaims[0]: say exactly one of"),
                    HasSubstr("spec.steps[0].pod.resourceClaims[1]: say exactly one of"),
                    HasSubstr("spec.steps[0].pod.resourceClaims[1].name: 'gpu' stands there")));
  EXPECT_THAT(Wrong("containers: [{name: c, image: i, command: [x], resources: {claims: [{name: "
                    "gpu}]}}]"),
              HasSubstr("spec.steps[0].containers[0].resources.claims[0].name"));
}

TEST(PodFields, WhatAllContainersShareIsCheckedAsResources) {
  EXPECT_EQ(Wrong(kOne + ", pod: {resources: {requests: {cpu: 1}, limits: {memory: 2Gi}}}"), "");
  EXPECT_THAT(Wrong(kOne + ", pod: {resources: {requests: {cpu: 2}, limits: {cpu: 1}}}"),
              HasSubstr("spec.steps[0].pod.resources.requests.cpu: 2 is above the limit 1"));
}

TEST(PodFields, WhatIsNotOnTheListIsRefusedByName) {
  const auto decoded =
      api::DecodePipelineSpec(Yaml("steps:\n- {name: a, " + kOne +
                                   ", pod: {hostNetwork: true, securityContext: {sysctls: "
                                   "[]}}}\n"),
                              "spec");
  EXPECT_THAT(api::Describe(decoded.errors), HasSubstr("spec.steps[0].pod.hostNetwork: unknown"));
  EXPECT_THAT(api::Describe(decoded.errors),
              HasSubstr("spec.steps[0].pod.securityContext.sysctls: unknown"));
}

TEST(PodFields, WhatThePlatformDoesNotAllowIsRefusedAndWhatItAllowsIsNot) {
  Surroundings around;
  around.pod_fields = {"labels"};
  const auto spec = Spec("defaults: {pod: {dnsPolicy: Default}}\nsteps:\n- {name: a, " + kOne +
                         ", pod: {labels: {a: b}, hostAliases: []}}\n");
  for (const auto& errors : {Check(spec, around).errors, Resolve("p", spec, {}, around).errors}) {
    const std::string wrong = api::Describe(errors);
    EXPECT_THAT(wrong, HasSubstr("spec.steps[0].pod.hostAliases: the platform's policy does not "
                                 "allow it; it allows labels"));
    EXPECT_THAT(wrong, HasSubstr("spec.defaults.pod.dnsPolicy: the platform's policy"));
    EXPECT_EQ(errors.size(), 2U) << wrong;
  }
}

TEST(MemoryFactor, NeedsMemoryToMultiply) {
  const std::string retry = ", retry: {outOfMemory: {limit: 2, memoryFactor: 1.5}}";
  EXPECT_THAT(Wrong(kOne + retry), HasSubstr("retry.outOfMemory.memoryFactor: multiplies"));
  EXPECT_EQ(Wrong(kOne + retry + ", resources: {limits: {memory: 1Gi}}"), "");
  EXPECT_EQ(Wrong(kOne + retry, "defaults: {resources: {requests: {memory: 1Gi}}}\n"), "");
}

TEST(ExitCodes, DoNotNameSuccess) {
  EXPECT_THAT(Wrong(kOne + ", retry: {user: {limit: 1, onExitCodes: [75, 0]}}"),
              HasSubstr("retry.user.onExitCodes[1]: 0 is no failure"));
}

}  // namespace
}  // namespace penstock::plan
