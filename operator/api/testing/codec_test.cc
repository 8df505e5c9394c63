#include "operator/api/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/manifest.h"
#include "operator/base/file.h"

namespace penstock::api {
namespace {

using testing::HasSubstr;

Json Object(const std::string& yaml) {
  const auto documents = ParseManifests(yaml, "test");
  EXPECT_TRUE(documents) << documents.error().message;
  return documents->front().object;
}

Json Full(const std::string& name) {
  const std::string path = std::string(PENSTOCK_TEST_SOURCE_DIR) + "/testdata/" + name;
  return ParseManifests(ReadFile(path).value(), path).value().front().object;
}

std::string ErrorsOf(const std::vector<FieldError>& errors) {
  std::string out;
  for (const auto& e : errors) out += e.path + ": " + e.message + "\n";
  return out;
}

constexpr const char* kMinimal = R"(
apiVersion: penstock.dev/v1alpha1
kind: Pipeline
metadata: {name: p}
spec:
  steps:
  - {name: a, container: {image: x}})";

// What ParseJsonCut cuts lies far below.
TEST(Codec, RefusesAValueThatIsNestedDeeperThanSixtyFourLevelsByName) {
  const auto run = [](int levels) {
    Json object = Json::parse(R"({"apiVersion":"penstock.dev/v1alpha1","kind":"PipelineRun",
      "metadata":{"name":"r"},"spec":{"pipelineRef":{"name":"p"},"parameters":{"x":null}}})");
    object["spec"]["parameters"]["x"] =
        Json::parse(std::string(levels, '[') + std::string(levels, ']'));
    return ErrorsOf(DecodePipelineRun(object).errors);
  };
  EXPECT_EQ(run(64), "");
  EXPECT_EQ(run(65), "spec.parameters.x: must not be nested deeper than 64 levels\n");
}

// The files say every field with a value that is not its default; schema_test.cc and FullObjects
// below hold them complete.
TEST(Codec, CarriesEveryFieldOfEveryKindThereAndBack) {
  const Json pipeline = Full("full-pipeline.yaml");
  const auto p = DecodePipeline(pipeline);
  EXPECT_EQ(ErrorsOf(p.errors), "");
  EXPECT_EQ(Encode(p.value), pipeline) << Json::diff(pipeline, Encode(p.value)).dump(1);

  const Json run = Full("full-run.yaml");
  const auto r = DecodePipelineRun(run);
  EXPECT_EQ(ErrorsOf(r.errors), "");
  EXPECT_EQ(Encode(r.value), run) << Json::diff(run, Encode(r.value)).dump(1);

  const Json component = Full("full-component.yaml");
  const auto c = DecodeComponent(component);
  EXPECT_EQ(ErrorsOf(c.errors), "");
  EXPECT_EQ(Encode(c.value), component) << Json::diff(component, Encode(c.value)).dump(1);

  for (const char* file : {"full-approval.yaml", "full-approval-of-rollout.yaml"}) {
    const Json approval = Full(file);
    const auto a = DecodeApproval(approval);
    EXPECT_EQ(ErrorsOf(a.errors), "") << file;
    EXPECT_EQ(Encode(a.value), approval) << Json::diff(approval, Encode(a.value)).dump(1);
  }

  for (const char* file : {"full-model.yaml", "full-model-server.yaml", "full-model-keys.yaml"}) {
    const Json model = Full(file);
    const auto m = DecodeModelDeployment(model);
    EXPECT_EQ(ErrorsOf(m.errors), "") << file;
    EXPECT_EQ(Encode(m.value), model) << Json::diff(model, Encode(m.value)).dump(1);
  }
}

TEST(Codec, GivesDefaultsToAMinimalPipelineAndWritesNoneOfThem) {
  const Json object = Object(kMinimal);
  const auto p = DecodePipeline(object);
  ASSERT_EQ(ErrorsOf(p.errors), "");
  EXPECT_EQ(p.value.spec.run_policy, RunPolicy::kOnChange);
  EXPECT_EQ(p.value.spec.concurrency.max, 1);
  EXPECT_EQ(p.value.spec.history_limits.failed, 10);
  EXPECT_EQ(Encode(p.value), object);
}

TEST(Codec, SaysEveryErrorAtOnceWithItsPath) {
  const auto p = DecodePipeline(Object(R"(
apiVersion: penstock.dev/v1beta1
kind: Pipeline
metadata: {name: Not_A_Label, labels: {a: 1}}
spec:
  runPolicy: Sometimes
  parallelism: 0
  concurrency: {max: 101}
  defaults: {retires: {}, retry: {user: {limit: -1, backoff: 5}}, timeouts: {attempt: 90x}}
  parameters:
  - {name: a b, type: text}
  - {name: x, minimum: 1}
  - {name: x, type: integer, minimum: 2, maximum: 1, optional: true, default: 1}
  steps:
  - {name: a, container: {image: x, env: [{name: A, value: 1}, {name: A}, {value: b}]}}
  - name: a
    component: {name: train, version: 1}
    container: {image: ""}
    inputs: {train: 7, 2x: s3://a}
    dependsOn: [{step: b, outcome: Maybe}]
    resources: {requests: {cpu: lots}}
  - {name: c}
  outputs: {model: 1}
)"));
  const std::string e = ErrorsOf(p.errors);
  for (const char* line : {
           "apiVersion: must be penstock.dev/v1alpha1\n",
           "metadata.name: must be lower-case letters",
           "metadata.labels.a: must be a string, is a whole number; put it in quotes\n",
           "spec.runPolicy: must be one of \"OnChange\", \"Manual\", is \"Sometimes\"\n",
           "spec.parallelism: must be from 1 to 10000, is 0\n",
           "spec.concurrency.max: must be from 1 to 100, is 101\n",
           "spec.defaults.retires: unknown field; did you mean \"retry\"?\n",
           "spec.defaults.retry.user.limit: must be from 0 to 100, is -1\n",
           "spec.defaults.retry.user.backoff: must be a string, is a whole number",
           "spec.defaults.timeouts.attempt: '90x' is not a duration",
           "spec.parameters[0].name: must be a letter, then letters, digits, '_' and '-', is \"a "
           "b\"\n",
           "spec.parameters[0].type: must be one of",
           "spec.parameters[1]: minimum and maximum are for values of type integer or number\n",
           "spec.parameters[2]: minimum must not be above maximum\n",
           "spec.parameters[2]: a parameter with a default is never absent",
           "spec.parameters[2].name: \"x\" stands in the list already\n",
           ("spec.steps[0].container.env[0].value: must be a string, is a whole number; put it in "
            "quotes\n"),
           "spec.steps[0].container.env[1].name: \"A\" stands in the list already\n",
           "spec.steps[0].container.env[2].name: is required\n",
           ("spec.steps[1].component.version: must be a string, is a whole number; put it in "
            "quotes\n"),
           "spec.steps[1].container.image: must not be empty\n",
           "spec.steps[1]: a step has exactly one of component, container, containers, pipeline, "
           "approval and wait\n",
           "spec.steps[1].inputs.train: must be a string",
           "spec.steps[1].inputs.2x: name must be a letter",
           "spec.steps[1].dependsOn[0].outcome: must be one of \"Succeeded\", \"Failed\", "
           "\"Skipped\", "
           "\"SucceededOrSkipped\", \"Any\"",
           "spec.steps[1].resources.requests.cpu: must be a Kubernetes quantity",
           "spec.steps[1].name: \"a\" stands in the list already\n",
           "spec.steps[2]: a step has exactly one of component, container, containers, pipeline, "
           "approval and wait\n",
           "spec.outputs.model: must be a string",
       })
    EXPECT_THAT(e, HasSubstr(line));
  EXPECT_EQ(p.errors.size(), 29u) << e;
}

TEST(Codec, ReadsAPipelineWithinAPipelineWithItsOwnSteps) {
  const auto json = ParseJson(R"j({"inputs": [{"name": "rows", "type": "dataset"}], "steps": [
      {"name": "a", "pipeline": {"name": "q", "library": true}, "inputs": {"x": "$(inputs.rows)"}},
      {"name": "b", "pipeline": {"steps": [{"name": "c", "pipeline": {"steps": [
          {"name": "d", "container": {"image": "i"}, "outputs": [{"name": "o"}]}]}}],
        "outputs": {"o": "$(steps.c.outputs.o)"}}}]})j",
                              "spec");
  const auto p = DecodePipelineSpec(*json, "spec");
  EXPECT_EQ(Describe(p.errors), "");
  ASSERT_EQ(p.value.steps.size(), 2U);
  EXPECT_EQ(p.value.steps[0].pipeline->name, "q");
  EXPECT_TRUE(p.value.steps[0].pipeline->library);
  EXPECT_EQ(p.value.steps[1].pipeline->steps[0].pipeline->steps[0].name, "d");
  EXPECT_EQ(DecodePipelineSpec(Encode(p.value), "spec").value.steps[1].pipeline->outputs.at("o"),
            "$(steps.c.outputs.o)");
}

TEST(Codec, SaysWhatIsWrongDeepWithinAPipelineInPlace) {
  const auto json = ParseJson(R"({"steps": [{"name": "b", "pipeline": {"name": "q", "steps": [
      {"name": "c", "pipeline": {"library": true}}, {"name": "d", "contaner": {}}]}}]})",
                              "spec");
  const std::string e = Describe(DecodePipelineSpec(*json, "spec").errors);
  EXPECT_THAT(e, HasSubstr("spec.steps[0].pipeline: a pipeline has exactly one of name and steps"));
  EXPECT_THAT(e, HasSubstr("spec.steps[0].pipeline.steps[0].pipeline: a pipeline has exactly one"));
  EXPECT_THAT(e, HasSubstr("spec.steps[0].pipeline.steps[0].pipeline: library is for a pipeline"));
  EXPECT_THAT(e, HasSubstr("spec.steps[0].pipeline.steps[1].contaner: unknown field"));
}

TEST(Codec, NamesTheFieldThatIsMissingOrOfAWrongForm) {
  EXPECT_EQ(ErrorsOf(DecodePipeline(Json::array()).errors), ": must be an object, is a list\n");
  EXPECT_EQ(ErrorsOf(DecodePipeline(Object("metadata: {name: a}")).errors), "spec: is required\n");
  EXPECT_EQ(ErrorsOf(DecodePipeline(Object("metadata: {name: a}\nspec: {}")).errors),
            "spec.steps: is required\n");
  EXPECT_EQ(ErrorsOf(DecodePipeline(Object("metadata: {name: a}\nspec: {steps: {}}")).errors),
            "spec.steps: must be a list, is an object\n");
  EXPECT_EQ(ErrorsOf(DecodePipeline(Object("metadata: {name: a}\nspec: {steps: [7]}")).errors),
            "spec.steps[0]: must be an object, is a whole number\n");
  EXPECT_EQ(ErrorsOf(DecodePipeline(Object("metadata: {}\nspec: {steps: []}")).errors),
            "metadata.name: is required (or generateName)\n"
            "spec.steps: must have at least 1 items\n");
  EXPECT_EQ(ErrorsOf(DecodePipelineSpec(Json::object(), "spec.pipelineSpec").errors),
            "spec.pipelineSpec.steps: is required\n");
}

TEST(Codec, TakesANullParameterAsNotGiven) {
  const auto r = DecodePipelineRun(Object(R"(
metadata: {generateName: p-}
spec: {pipelineRef: {name: p}, parameters: {a: null, b: 0, c: false, d: ""}})"));
  ASSERT_EQ(ErrorsOf(r.errors), "");
  EXPECT_EQ(r.value.spec.parameters.size(), 3u);
  EXPECT_FALSE(r.value.spec.parameters.contains("a"));
  const auto p = DecodePipelineSpec(
      Object("parameters: [{name: x, default: null}]\nsteps: [{name: a, container: {image: x}}]"),
      "spec");
  EXPECT_FALSE(p.value.parameters[0].default_value);
}

TEST(Codec, RefusesAParameterAbove64KiB) {
  Json run = Object("metadata: {name: r}\nspec: {pipelineRef: {name: p}}");
  run["spec"]["parameters"]["big"] = std::string(64 * 1024, 'x');
  EXPECT_EQ(ErrorsOf(DecodePipelineRun(run).errors),
            "spec.parameters.big: must not be larger than 64 KiB as JSON\n");
}

TEST(Codec, RefusesARunOfNoPipelineOrTwo) {
  const char* message = "spec: a run has exactly one of pipelineRef and pipelineSpec\n";
  EXPECT_EQ(ErrorsOf(DecodePipelineRun(Object("metadata: {name: r}\nspec: {}")).errors), message);
  EXPECT_EQ(ErrorsOf(DecodePipelineRun(Object(R"(
metadata: {name: r}
spec: {pipelineRef: {name: p}, pipelineSpec: {steps: [{name: a, container: {image: x}}]}})"))
                         .errors),
            message);
}

TEST(Codec, ReadsEveryCancelModeAndNoOther) {
  const auto read = [](const std::string& word) {
    return DecodePipelineRun(
        Object("metadata: {name: r}\nspec: {pipelineRef: {name: p}, cancel: \"" + word + "\"}"));
  };
  EXPECT_EQ(read("").value.spec.cancel, CancelMode::kNone);
  EXPECT_EQ(read("Stop").value.spec.cancel, CancelMode::kStop);
  EXPECT_EQ(read("Now").value.spec.cancel, CancelMode::kNow);
  EXPECT_THAT(ErrorsOf(read("stop").errors),
              HasSubstr("spec.cancel: must be one of \"\", \"Stop\", \"Now\", is \"stop\""));
}

TEST(Codec, RefusesCodeFromTwoPlacesOrNone) {
  const auto errors = [](const std::string& code) {
    return ErrorsOf(
        DecodePipelineSpec(Object("steps: [{name: a, container: {image: x, code: " + code + "}}]"),
                           "spec")
            .errors);
  };
  EXPECT_EQ(errors("{path: ./a}"), "");
  EXPECT_THAT(errors("{}"), HasSubstr("spec.steps[0].container.code: say exactly one of"));
  EXPECT_THAT(errors("{path: ./a, configMap: {name: b}}"), HasSubstr("say exactly one of"));
}

TEST(Codec, HoldsAComponentToItsNameAndToItself) {
  const auto errors = [](const std::string& name, const std::string& more) {
    return ErrorsOf(DecodeComponent(Object("metadata: {name: " + name +
                                           "}\nspec: {name: train, version: 1.4.0, container: "
                                           "{image: x" +
                                           more + "}}"))
                        .errors);
  };
  EXPECT_EQ(errors("train-1.4.0", ""), "");
  EXPECT_EQ(errors("train", ""),
            "metadata.name: must be spec.name-spec.version: \"train-1.4.0\"\n");
  EXPECT_THAT(errors("train-1.4.0", ", envFrom: []"),
              HasSubstr("spec.container.envFrom: unknown field"));
  EXPECT_THAT(errors("train-1.4.0", ", env: [{name: A, valueFrom: {}}]"),
              HasSubstr("spec.container.env[0].valueFrom: unknown field"));
}

TEST(Codec, HoldsAModelDeploymentToAServicesName) {
  const auto errors = [](const std::string& name, const std::string& model) {
    return ErrorsOf(DecodeModelDeployment(
                        Object("metadata: {name: " + name + "}\nspec: {model: " + model + "}"))
                        .errors);
  };
  EXPECT_EQ(errors("flights", "$(pipelines.flights.outputs.model)"), "");
  EXPECT_EQ(errors("flights", "sha256:" + std::string(64, 'a')), "");
  EXPECT_THAT(errors("7flights", "$(pipelines.a.outputs.b)"), HasSubstr("metadata.name: must be"));
  EXPECT_THAT(errors(std::string(51, 'a'), "$(pipelines.a.outputs.b)"),
              HasSubstr("at most 50 characters, has 51"));
  EXPECT_THAT(errors("flights", "hf://team/model"), HasSubstr("spec.model: must be $(pipelines."));
}

TEST(Codec, ReadsTheStatusOfANewerOperator) {
  Json object = Object(kMinimal);
  object["status"] = {{"observedGeneration", 3}, {"somethingNew", {{"a", 1}}}};
  const auto p = DecodePipeline(object);
  EXPECT_EQ(ErrorsOf(p.errors), "");
  EXPECT_EQ(p.value.status.observed_generation, 3);
}

TEST(Codec, CutsTextThatAStatusCannotHold) {
  PipelineRunStatus status;
  status.steps.resize(1);
  status.steps[0].name = "a";
  for (int i = 0; i < 5000; ++i) status.steps[0].message += "é";
  const std::string message = Encode(status)["steps"][0]["message"];
  EXPECT_EQ(message.size(), 2u * 4093 + 3) << "4096 code points, none of them broken";
  EXPECT_TRUE(message.ends_with("é..."));
}

TEST(Codec, WritesAConditionWithAnEmptyMessageBecauseTheSchemaWantsOne) {
  std::vector<Condition> conditions;
  SetCondition(conditions, {"Ready", ConditionStatus::kTrue, "Fine", "", 1, {}}, TimePoint{});
  const Json j = Encode(conditions);
  EXPECT_EQ(j[0].at("message"), "");
  EXPECT_EQ(DecodeConditions(j), conditions);
}

TEST(DecodeMeta, NeverFails) {
  EXPECT_EQ(DecodeMeta(Json()).name, "");
  EXPECT_EQ(DecodeMeta(Json{{"metadata", 7}}).name, "");
  const ObjectMeta m = DecodeMeta(Json{
      {"metadata", {{"name", 7}, {"labels", {{"a", 1}, {"b", "c"}}}, {"finalizers", {1, "f"}}}}});
  EXPECT_EQ(m.name, "");
  EXPECT_EQ(m.labels, (std::map<std::string, std::string>{{"b", "c"}}));
  EXPECT_EQ(m.finalizers, std::vector<std::string>{"f"});
}

TEST(SetCondition, MovesTheTransitionTimeOnlyWithTheStatus) {
  std::vector<Condition> c;
  const TimePoint t1 = ParseTime("2026-11-21T03:40:00Z").value();
  const TimePoint t2 = t1 + std::chrono::minutes(1);
  SetCondition(c, {"Ready", ConditionStatus::kFalse, "A", "a", 1, {}}, t1);
  SetCondition(c, {"Ready", ConditionStatus::kFalse, "B", "b", 2, {}}, t2);
  ASSERT_EQ(c.size(), 1u);
  EXPECT_EQ(c[0].last_transition, t1);
  EXPECT_EQ(c[0].reason, "B");
  SetCondition(c, {"Ready", ConditionStatus::kTrue, "C", "", 2, {}}, t2);
  EXPECT_EQ(FindCondition(c, "Ready")->last_transition, t2);
  EXPECT_EQ(FindCondition(c, "Other"), nullptr);
}

TEST(Describe, CutsALongListAndSaysHowManyAreLeft) {
  std::vector<FieldError> errors(12, {"spec.a", "is wrong"});
  EXPECT_THAT(Describe(errors), testing::EndsWith("spec.a: is wrong; and 2 more"));
  EXPECT_EQ(Describe({{"", "is wrong"}}), "is wrong");
}

}  // namespace
}  // namespace penstock::api
