#include "operator/plan/resolve/resolve.h"

#include <gmock/gmock.h>

#include "operator/plan/resolve/testing/component_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

TEST(Resolve, NamesTheStepsOfACircleInOrder) {
  EXPECT_THAT(Errors("steps:\n" + Step("a", "dependsOn: [{step: b}]") +
                     Step("b", "dependsOn: [{step: c}]") + Step("c", "dependsOn: [{step: b}]")),
              ElementsAre(HasSubstr("b -> c -> b")));
}

TEST(Resolve, AStepThatDependsOnItselfIsACircle) {
  EXPECT_THAT(Errors("steps:\n" + Step("a", "dependsOn: [{step: a}]")),
              ElementsAre(HasSubstr("a -> a")));
}

TEST(Resolve, SaysEveryErrorAtOnceWithItsPath) {
  const auto errors = Errors(
      "parameters: [{name: num, type: integer, default: x}]\nsteps:\n" + kSource +
      Step("use", "inputs: {data: $(steps.mak.outputs.data), more: $(steps.make.outputs.dat)}"));
  EXPECT_THAT(errors, UnorderedElementsAre(
                          HasSubstr("spec.parameters[0].default: \"x\" is no integer"),
                          HasSubstr("spec.steps[1].inputs.data: $(steps.mak.outputs.data): there "
                                    "is no step 'mak'"),
                          HasSubstr("spec.steps[1].inputs.more: $(steps.make.outputs.dat): step "
                                    "make has no output 'dat'; it has data")));
}

TEST(Resolve, AReferenceIsAnEdgeAndStepsStandInTopologicalOrder) {
  const auto run = MustResolve("steps:\n" +
                               Step("use",
                                    "inputs: {data: $(steps.make.outputs.data)}, "
                                    "parameters: {num: $(steps.make.results.rows)}") +
                               kSource);
  ASSERT_EQ(run.steps.size(), 2u);
  EXPECT_EQ(run.steps[0].name, "make");
  ASSERT_EQ(run.steps[1].depends_on.size(), 1u);
  EXPECT_EQ(run.steps[1].depends_on[0].step, "make");
  EXPECT_TRUE(run.steps[1].parameters.at("num").pending);
  EXPECT_EQ(run.steps[1].inputs[0].type, "dataset");
}

TEST(Resolve, AnExplicitOutcomeReplacesTheOneThatAReferenceImplies) {
  const auto run = MustResolve("steps:\n" + kSource +
                               Step("use",
                                    "inputs: {data: $(steps.make.outputs.data)}, "
                                    "dependsOn: [{step: make, outcome: Any}]"));
  ASSERT_EQ(run.steps[1].depends_on.size(), 1u);
  EXPECT_EQ(run.steps[1].depends_on[0].outcome, api::DependencyOutcome::kAny);
}

TEST(Resolve, AParameterKeepsItsTypeWhereItIsTheWholeValue) {
  const auto run =
      MustResolve("parameters: [{name: k, type: integer, default: 3}]\nsteps:\n" +
                      Step("a",
                           "parameters: {whole: $(parameters.k), text: \"k=$(parameters.k)\", "
                           "deep: [{min: $(parameters.k)}]}"),
                  {{"k", 4}});
  const auto& p = run.steps[0].parameters;
  EXPECT_EQ(p.at("whole").value, Json(4));
  EXPECT_EQ(p.at("text").value, Json("k=4"));
  EXPECT_EQ(p.at("deep").value, Json::parse(R"([{"min":4}])"));
}

TEST(Resolve, AValueThatLooksLikeAReferenceStaysText) {
  const std::string trap = "$(steps.make.results.rows)";
  const auto run = MustResolve("parameters: [{name: t, type: string}]\nsteps:\n" + kSource +
                                   Step("a",
                                        "parameters: {plain: $(parameters.t), "
                                        "mixed: \"$(parameters.t) $(run.name)\"}"),
                               {{"t", trap}});
  const auto* a = run.Find("a");
  EXPECT_FALSE(a->parameters.at("plain").pending);
  EXPECT_EQ(a->parameters.at("plain").value, Json(trap));
  EXPECT_EQ(a->parameters.at("mixed").value, Json("$$(steps.make.results.rows) $(run.name)"));
  EXPECT_TRUE(a->depends_on.empty());
}

TEST(Resolve, RefusesAParameterInsideAProgramsText) {
  const std::string head = "parameters: [{name: x, type: string, default: dflt}]\nsteps:\n";
  for (const char* command :
       {"[sh, -c, \"echo $(parameters.x)\"]", "[/bin/bash, -ec, \"echo $(parameters.x)\"]",
        "[env, python3.11, -c, \"print($(parameters.x))\"]",
        "[perl, -e, \"print $(parameters.x)\"]"}) {
    const auto errors =
        Errors(head + "- {name: a, container: {image: i, command: " + command + "}}\n");
    EXPECT_THAT(errors, ElementsAre(HasSubstr("give it an env variable"))) << command;
  }
  const auto args = Errors(head +
                           "- {name: a, container: {image: i, command: [sh], args: [-c, "
                           "\"$(parameters.x)\"]}}\n");
  EXPECT_THAT(args, ElementsAre(HasSubstr("spec.steps[0].container.args[1]")));
}

TEST(Resolve, AParameterBehindAProgramsTextIsData) {
  EXPECT_THAT(Errors("parameters: [{name: x, type: string, default: dflt}]\nsteps:\n"
                     "- {name: a, container: {image: i, command: [sh, -c, 'echo \"$1\"', sh, "
                     "$(parameters.x)]}}\n"),
              ElementsAre());
  EXPECT_THAT(Errors("parameters: [{name: x, type: string, default: dflt}]\nsteps:\n"
                     "- {name: a, container: {image: i, command: [tar, -c, $(parameters.x)]}}\n"),
              ElementsAre());
}

TEST(Resolve, RefusesAUriWithAPasswordWhereverItComesFrom) {
  EXPECT_THAT(Errors("steps:\n" + Step("a", "inputs: {d: \"https://me:secret@host/x\"}")),
              ElementsAre(HasSubstr("password")));
  EXPECT_THAT(Errors("parameters: [{name: u, type: string}]\nsteps:\n" +
                         Step("a", "inputs: {d: $(parameters.u)}"),
                     {}, {{"u", "https://me:secret@host/x"}}),
              ElementsAre(HasSubstr("password")));
  EXPECT_THAT(Errors("steps:\n" + Step("a", "inputs: {d: \"https://me@host/a:b@c\"}")),
              ElementsAre());
}

TEST(Resolve, AUriCannotCarryASecondRequest) {
  for (const char* uri : {"http://h/x HTTP/1.1\\r\\nHost: h\\r\\n\\r\\nDELETE /y",
                          "https://h/a\\tb", "http://h\\u0000/x", "https://h/\\u007f",
                          "https://h/a b", "file:///a\\nb", "s3://b/a\\rb"}) {
    EXPECT_THAT(Errors("steps:\n" + Step("a", "inputs: {d: \"" + std::string(uri) + "\"}")),
                ElementsAre(HasSubstr("space or control character")))
        << uri;
  }
  EXPECT_THAT(Errors("parameters: [{name: u, type: string}]\nsteps:\n" +
                         Step("a", "inputs: {d: $(parameters.u)}"),
                     {}, {{"u", "http://h/x\r\nDELETE /y"}}),
              ElementsAre(HasSubstr("space or control character")));
  EXPECT_THAT(Errors("steps:\n" + Step("a", "inputs: {d: \"file:///my folder/d.csv\"}")),
              ElementsAre());
}

TEST(Resolve, ATableOfALakeMayBeAnInput) {
  const auto errors_of = [](const std::string& uri) {
    return Errors("steps:\n" + Step("a", "inputs: {d: \"" + uri + "\"}"));
  };
  EXPECT_THAT(errors_of("delta+s3://b/t?version=1&table=x"), ElementsAre());
  EXPECT_THAT(errors_of("iceberg+file:///lake/t"), ElementsAre());
  EXPECT_THAT(errors_of("delta+s3://b/t?snapshot=1"), ElementsAre(HasSubstr("version=NUMBER")));
  EXPECT_THAT(errors_of("delta+https://h/t"), ElementsAre(HasSubstr("delta+s3://bucket/orders")));
}

TEST(Resolve, AnInputThatIsNeitherReferenceNorUriSaysWhatItMayBe) {
  EXPECT_THAT(Errors("steps:\n" + Step("a", "inputs: {d: data.csv}")),
              ElementsAre(HasSubstr("neither a reference")));
}

TEST(Resolve, WarnsOfAParameterThatNobodyUses) {
  const auto r = Resolve(
      "p", Spec("parameters: [{name: idle, type: string, default: x}]\nsteps:\n" + Step("a")), {},
      {});
  EXPECT_TRUE(r.run);
  EXPECT_THAT(r.warnings, ElementsAre(HasSubstr("'idle'")));
}

TEST(Resolve, ChecksWhatARunGives) {
  const std::string spec =
      "parameters: [{name: num, type: integer, minimum: 1, maximum: 3}, {name: s, type: string, "
      "pattern: \"[a-z]+\", default: a}, {name: e, type: string, enum: [x, z2], default: x}]\n"
      "steps:\n" +
      Step("a", "parameters: {num: $(parameters.num), s: $(parameters.s), e: $(parameters.e)}");
  EXPECT_THAT(Errors(spec), ElementsAre(HasSubstr("spec.parameters.num: is required")));
  EXPECT_THAT(Errors(spec, {}, {{"num", 9}, {"s", "A1"}, {"e", "z"}, {"q", 1}}),
              UnorderedElementsAre(HasSubstr("9 is above the maximum 3"),
                                   HasSubstr("does not match the pattern"),
                                   HasSubstr("is none of [\"x\",\"z2\"]"),
                                   HasSubstr("spec.parameters.q: the pipeline has no such")));
}

TEST(Resolve, RefusesAValueOver64KiB) {
  EXPECT_THAT(Errors("parameters: [{name: s, type: string}]\nsteps:\n" +
                         Step("a", "parameters: {s: $(parameters.s)}"),
                     {}, {{"s", std::string(65537, 'x')}}),
              ElementsAre(HasSubstr("over 64 KiB")));
}

TEST(Resolve, AnUnknownReferenceInACommandNamesWhatThereIs) {
  const auto errors = Errors(
      "steps:\n- {name: a, container: {image: i, command: [x, $(inputs.no.path), "
      "$(outputs.o.path), $(steps.b.outputs.o), $(code.path), $(item)]}, outputs: [{name: p}]}\n");
  EXPECT_THAT(errors,
              UnorderedElementsAre(HasSubstr("no input 'no'"), HasSubstr("no output 'o'; it has p"),
                                   HasSubstr("outputs go through inputs: add `inputs: {o: "
                                             "$(steps.b.outputs.o)}`"),
                                   HasSubstr("has no code"), HasSubstr("is $(each.value)")));
}

TEST(Resolve, TellsAShellsOwnReferenceToDoubleItsDollar) {
  for (const std::string own : {"hostname", "NF", "date", "tasks.x.y"})
    EXPECT_THAT(Errors("steps:\n- {name: a, container: {image: i, command: [sh, -c, \"echo $(" +
                       own + ")\"]}}\n"),
                ElementsAre(HasSubstr("write $$(" + own + ")")));
}

TEST(Resolve, AResultInACommandOrEnvIsSentThroughParameters) {
  const std::string how =
      "results go through parameters: add `parameters: {rows: $(steps.make.results.rows)}` to the "
      "step and write $(parameters.rows) here";
  EXPECT_THAT(Errors("steps:\n" + kSource +
                     "- {name: b, container: {image: i, command: [x, $(steps.make.results.rows)], "
                     "env: [{name: R, value: $(steps.make.results.rows)}]}}\n"),
              ElementsAre(HasSubstr(how), HasSubstr(how)));
}

TEST(Resolve, SaysThatAStepWithoutNamesHasNone) {
  auto spec = api::DecodePipelineSpec(
      Yaml("steps:\n- {name: a, container: {image: i, command: [$(outputs.x.path)]}, "
           "outputs: [{name: true}]}\n"),
      "spec");
  const auto errors = Validate(spec.value);
  ASSERT_FALSE(errors.empty());
  EXPECT_THAT(errors.back().message, HasSubstr("has no output 'x'; it has none"));
}

TEST(Resolve, ADigestIsAnArtifactThatSomebodyPutIntoTheStore) {
  const std::string text = "parameters: [{name: d, type: string}]\nsteps:\n" +
                           Step("a", "inputs: {v: \"" + Digest('a') + "\", w: $(parameters.d)}");
  const auto run = MustResolve(text, {{"d", Digest('b')}});
  ASSERT_EQ(run.steps[0].inputs.size(), 2u);
  EXPECT_EQ(run.steps[0].inputs[0].artifact->digest, Digest('a'));
  EXPECT_EQ(run.steps[0].inputs[1].artifact->digest, Digest('b'));
  EXPECT_TRUE(run.steps[0].inputs[1].put_by_hand);
  const auto back = DecodeResolved(EncodeResolved(run));
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->steps[0].inputs[0].put_by_hand);

  EXPECT_THAT(Errors("steps:\n" + Step("a", "inputs: {x: \"sha256:12\"}")),
              ElementsAre(HasSubstr("'sha256:12' is no digest")));
  EXPECT_THAT(Errors(text, {}, {{"d", "sha256:12"}}),
              ElementsAre(HasSubstr("inputs.w: 'sha256:12' is no digest")));
}

TEST(Resolve, AnArtifactHasNoUri) {
  EXPECT_THAT(
      Errors(
          "steps:\n- {name: a, container: {image: i, command: [x, $(inputs.d.uri)]}, inputs: {d: "
          "\"" +
          Digest('a') + "\"}}\n"),
      ElementsAre(HasSubstr("the input is an artifact; write $(inputs.d.path)")));
}

TEST(Resolve, AStepThatWantsAFailureAndWhatOnlyASuccessGivesCanNeverRun) {
  const std::string failed = "dependsOn: [{step: make, outcome: Failed}]";
  EXPECT_THAT(Errors("steps:\n" + kSource +
                     Step("b", failed + ", inputs: {d: $(steps.make.outputs.data)}")),
              ElementsAre(HasSubstr("spec.steps[1].dependsOn[0].outcome: the step can never run: "
                                    "it wants step 'make' to fail")));
  for (const std::string wants : {"parameters: {n: $(steps.make.results.rows)}",
                                  "inputs: {d: {firstOf: [$(steps.make.outputs.data), s3://b/k]}}"})
    EXPECT_THAT(Errors("steps:\n" + kSource + Step("b", failed + ", " + wants)), ElementsAre())
        << "a failed step may have results, and firstOf goes on to the next";
  // Through another step; what comes after it says nothing of its own.
  EXPECT_THAT(Errors("steps:\n" + kSource + Step("b", "inputs: {d: $(steps.make.outputs.data)}") +
                     Step("c", "dependsOn: [{step: b}, {step: make, outcome: Failed}]") +
                     Step("d", "dependsOn: [{step: c}]")),
              ElementsAre(HasSubstr("spec.steps[2].dependsOn[1].outcome: the step can never run")));
  EXPECT_THAT(
      Errors("steps:\n" + kSource + Step("b", failed) + Step("c", "dependsOn: [{step: b}]") +
             Step("d",
                  "dependsOn: [{step: b, outcome: Any}], "
                  "inputs: {d: $(steps.make.outputs.data)}")),
      ElementsAre());
}

TEST(Resolve, MergesResourcesWithTheStepOnTop) {
  const auto run =
      MustResolve("defaults: {resources: {requests: {cpu: 500m, memory: 1Gi}}}\nsteps:\n" +
                  Step("a", "resources: {requests: {nvidia.com/gpu: 1}, limits: {memory: 512Mi}}"));
  EXPECT_EQ(run.steps[0].resources,
            Json::parse(R"({"requests":{"cpu":"500m","memory":"512Mi","nvidia.com/gpu":1},
                            "limits":{"memory":"512Mi","nvidia.com/gpu":1}})"));
}

TEST(Resolve, RefusesQuantitiesThatAreNoneAndRequestsAboveLimits) {
  EXPECT_THAT(Errors("steps:\n" + Step("a",
                                       "resources: {requests: {cpu: \"2\", memory: 1Qi}, "
                                       "limits: {cpu: 1500m}}")),
              ::testing::IsSupersetOf({HasSubstr("is no Kubernetes quantity"),
                                       HasSubstr("2 is above the limit 1500m")}));
}

TEST(Resolve, OurFoldersAndVolumeNamesAreTaken) {
  EXPECT_THAT(Errors("steps:\n- {name: a, container: {image: i, command: [x], volumeMounts: "
                     "[{name: penstock-x, mountPath: /penstock/work}, {name: none, mountPath: "
                     "/d}]}, volumes: [{name: penstock-x, emptyDir: {}}]}\n"),
              UnorderedElementsAre(HasSubstr("names that begin with penstock-"),
                                   HasSubstr("/penstock is the operator's"),
                                   HasSubstr("has no volume 'none'")));
}

TEST(Resolve, CodeBesideTheManifestMustHaveBeenUploaded) {
  const std::string spec =
      "steps:\n- {name: a, container: {image: i, code: {path: ./x}, command: "
      "[python, $(code.path)/x.py]}}\n";
  EXPECT_THAT(Errors(spec), ElementsAre(HasSubstr("penstock apply")));
  Surroundings around;
  around.code = [](const api::CodeSpec&) { return ArtifactRef{Digest('d'), true, 1}; };
  EXPECT_EQ(MustResolve(spec, {}, around).steps[0].code->digest, Digest('d'));
}

}  // namespace
}  // namespace penstock::plan
