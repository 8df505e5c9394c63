#include "operator/plan/resolve/value_schema.h"

#include <gmock/gmock.h>

#include "operator/api/codec.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kTypes =
    "parameters:\n"
    "- {name: files, type: list, minItems: 1, maxItems: 3, items: {type: object, required: "
    "[path],\n"
    "   additionalProperties: false, properties: {path: {type: string, pattern: '[a-z/]+'},\n"
    "   rows: {type: integer, minimum: 1, maximum: 9007199254740991}}}}\n";
const std::string kUser =
    "steps: [{name: a, container: {image: i, command: [x, \"$(parameters.files[0].path)\"]}}]\n";

std::string Wrong(const std::string& value) {
  const api::PipelineSpec spec = Spec(kTypes + kUser);
  return CheckValue(spec.parameters[0], Json::parse(value)).value_or("");
}

TEST(CheckAgainst, SaysWhereInTheValueSomethingIsWrong) {
  EXPECT_EQ(Wrong(R"([{"path": "a/b", "rows": 9007199254740991}])"), "");
  EXPECT_EQ(Wrong(R"([{"path": "a"}, {"path": "b", "rows": null}])"), "") << "null is not given";
  EXPECT_EQ(Wrong("[]"), "has 0 items; at least 1 are needed");
  EXPECT_EQ(Wrong(R"([{"path":"a"},{"path":"a"},{"path":"a"},{"path":"a"}])"),
            "has 4 items; at most 3 are allowed");
  EXPECT_EQ(Wrong(R"([{"path": "a"}, 3])"), "[1]: 3 is no object");
  EXPECT_EQ(Wrong(R"([{"path": "a"}, {"rows": 3}])"), "[1]: has no 'path', which is required");
  EXPECT_EQ(Wrong(R"([{"path": "a", "row": 3}])"),
            "[0]: has 'row', which is not declared; it may have path, rows");
  EXPECT_EQ(Wrong(R"([{"path": "a", "rows": 0}])"), "[0].rows: 0 is below the minimum 1");
  EXPECT_EQ(Wrong(R"([{"path": "A"}])"), "[0].path: does not match the pattern '[a-z/]+'");
}

TEST(CheckAgainst, AWholeNumberIsComparedExactly) {
  EXPECT_EQ(Wrong(R"([{"path": "a", "rows": 9007199254740992}])"),
            "[0].rows: 9007199254740992 is above the maximum 9007199254740991");
  EXPECT_THAT(Wrong(R"([{"path": "a", "rows": 1e19}])"),
              HasSubstr("Kubernetes keeps those of 64 bits only"));
}

TEST(CheckDeclaration, FindsWhatIsWrongInsideASchema) {
  const auto wrong = [](const std::string& items) {
    api::ParameterSpec spec;
    spec.type = api::ValueType::kList;
    spec.items = Yaml(items);
    const auto found = CheckDeclaration(spec);
    return found ? found->field + ": " + found->message : "";
  };
  EXPECT_EQ(wrong("{type: string}"), "");
  EXPECT_THAT(wrong("{type: string, pattern: '('}"),
              HasSubstr(".items.pattern: '(' is no regular"));
  EXPECT_EQ(wrong("{type: integer, enum: [1, x]}"), ".items.enum[1]: \"x\" is no integer");
  EXPECT_EQ(wrong("{type: list, minItems: 2, maxItems: 1}"), ".items: minItems is above maxItems");
  EXPECT_EQ(wrong("{type: object, additionalProperties: false, required: [a]}"),
            ".items.required[0]: 'a' is not among the properties");
}

TEST(Schemas, AreReadWithTheirPathsAndHints) {
  const auto read =
      api::DecodePipelineSpec(Yaml("parameters:\n"
                                   "- {name: a, type: list, items: {type: array}}\n"
                                   "- {name: b, type: object, properties: {x: {typ: string}}}\n"
                                   "- {name: c, items: {type: string}}\n" +
                                   kUser),
                              "spec");
  std::vector<std::string> errors;
  for (const auto& e : read.errors) errors.push_back(e.path + ": " + e.message);
  EXPECT_THAT(errors,
              ElementsAre(HasSubstr("spec.parameters[0].items.type: must be one of \"string\""),
                          HasSubstr("spec.parameters[1].properties.x.type: is required"),
                          HasSubstr("spec.parameters[1].properties.x.typ: unknown field; did you"),
                          HasSubstr("spec.parameters[2]: items, minItems and maxItems are for")));
}

TEST(SchemaBelow, FollowsFieldsAndItems) {
  const Json schema = SchemaOf(Spec(kTypes + kUser).parameters[0]);
  const auto below = [&](const std::string& text) -> std::string {
    const auto found = SchemaBelow(schema, *ParseTemplate(text)->Whole(), 2);
    return found ? (found->is_null() ? "anything" : found->at("type").get<std::string>())
                 : found.error().message;
  };
  EXPECT_EQ(below("$(parameters.files)"), "list");
  EXPECT_EQ(below("$(parameters.files[2])"), "object");
  EXPECT_EQ(below("$(parameters.files[2].rows)"), "integer");
  EXPECT_EQ(below("$(parameters.files[*])"), "list");
  EXPECT_EQ(below("$(parameters.files.path)"),
            "$(parameters.files.path): what is declared as list has no field 'path'");
  EXPECT_EQ(below("$(parameters.files[0].row)"),
            "$(parameters.files[0].row): no field 'row' is declared");
  EXPECT_EQ(below("$(parameters.files[0].path[0])"),
            "$(parameters.files[0].path[0]): what is declared as string has no items");
  EXPECT_THAT(below("$(parameters.files[0][*])"), HasSubstr("[*] is for lists"));
}

std::vector<std::string> Errors(const std::string& yaml) {
  std::vector<std::string> out;
  for (const auto& e : Resolve("p", Spec(yaml), {}, {}).errors)
    out.push_back(e.path + ": " + e.message);
  return out;
}

TEST(Resolve, ReferencesAreHeldAgainstWhatIsDeclared) {
  EXPECT_THAT(
      Errors("parameters: [{name: cfg, type: object, default: {lr: 1}, properties: {lr: {type: "
             "number}, tags: {type: list}}, additionalProperties: false}]\n"
             "steps:\n"
             "- name: a\n"
             "  container: {image: i, command: [x, \"-t=$(parameters.cfg.tags[*])\", "
             "\"$(parameters.cfg.lrr)\", \"$(parameters.cfg.tags[*])\"]}\n"
             "  parameters: {p: \"$(parameters.cfg.tags[*])\", q: \"$(parameters.cfg.rate)\"}\n"),
      ElementsAre(
          "spec.steps[0].parameters.p: $(parameters.cfg.tags[*]): [*] puts all items into a "
          "list, so it stands as a whole item of one: [$(parameters.cfg.tags[*])]",
          "spec.steps[0].parameters.q: $(parameters.cfg.rate): no field 'rate' is declared",
          "spec.steps[0].container.command[1]: $(parameters.cfg.tags[*]): [*] makes a word "
          "of each item, so it stands as a whole word of command or args",
          "spec.steps[0].container.command[2]: $(parameters.cfg.lrr): no field 'lrr' is "
          "declared"));
}

TEST(Resolve, AFieldThatAParameterDoesNotHaveIsNamedBeforeTheRun) {
  EXPECT_THAT(Errors("parameters: [{name: cfg, type: object, default: {lr: 1}}]\n"
                     "steps: [{name: a, container: {image: i, command: [x]}, parameters: {p: "
                     "$(parameters.cfg.rate)}}]\n"),
              ElementsAre("spec.steps[0].parameters.p: $(parameters.cfg) has no field 'rate'; it "
                          "has lr"));
}

TEST(Resolve, HowARunEndsIsKnownInFinallyOnly) {
  EXPECT_THAT(Errors("steps: [{name: a, container: {image: i, command: [x, $(run.status)]}, "
                     "parameters: {p: $(run.when)}}]\n"
                     "finally: [{name: b, container: {image: i, command: [x, $(run.status)]}}]\n"
                     "results: [{name: r, value: $(run.duration)}]\n"),
              ElementsAre(HasSubstr("spec.steps[0].parameters.p: $(run.when): of a run there is"),
                          HasSubstr("spec.steps[0].container.command[1]: $(run.status) is known "
                                    "when all steps")));
}

TEST(Resolve, FirstOfIsTheDefaultOfWhatIsNotGiven) {
  const auto run = MustResolve(
      "parameters: [{name: x, optional: true}, {name: cfg, type: object, default: {}}]\n"
      "steps: [{name: a, container: {image: i, command: [x]}, parameters: {p: {firstOf: "
      "[$(parameters.x), $(parameters.cfg.lr), \"$$(kept)\"]}, q: {$firstOf: [1]}}}]\n");
  EXPECT_EQ(run.steps[0].parameters.at("p").value, "$(kept)");
  EXPECT_EQ(run.steps[0].parameters.at("q").value, Json::parse(R"({"firstOf": [1]})"));
}

TEST(ExpandKnown, AValueThatLooksLikeAFirstOfStaysData) {
  const Json hostile = Json::parse(R"j({"firstOf": [3, "$(x)"]})j");
  const Lookup lookup = [&](const Reference&) -> Result<Json> { return hostile; };
  const auto known = ExpandKnown(Json::parse(R"j({"a": "$(p.v)", "b": ["$(p.v)", "$(later)"]})j"),
                                 lookup, [](const Reference& r) { return r.Is({"p"}); });
  ASSERT_TRUE(known);
  const auto all = ExpandAll(*known, [](const Reference&) -> Result<Json> { return Json(7); });
  ASSERT_TRUE(all);
  EXPECT_EQ(all->at("a"), hostile);
  EXPECT_EQ(all->at("b"), Json::array({hostile, 7}));
}

Resolution FromConfigMap(const std::string& more, const std::string& text,
                         const std::map<std::string, Json>& given = {}) {
  Surroundings around;
  around.config_value = [&](const std::string& name, const std::string& key) {
    return name == "conf" && key == "k" && text != "absent" ? Result<std::string>(text)
                                                            : NotFound("there is no such key");
  };
  return Resolve(
      "p",
      Spec("parameters:\n- {name: x, valueFrom: {configMapKeyRef: {name: conf, key: "
           "k}}" +
           more + "}\nsteps: [{name: a, container: {image: i, command: [c, $(parameters.x)]}}]\n"),
      given, around);
}

TEST(ParametersFromAConfigMap, ArePinnedWithTheirTypeUnlessTheRunGivesThem) {
  EXPECT_EQ(FromConfigMap("", "7").run->parameters.at("x"), "7");
  EXPECT_EQ(FromConfigMap(", type: integer", "7\n").run->parameters.at("x"), 7);
  EXPECT_EQ(FromConfigMap(", type: list", "[1, 2]").run->parameters.at("x"), Json::array({1, 2}));
  EXPECT_EQ(FromConfigMap("", "7", {{"x", "8"}}).run->parameters.at("x"), "8");
  EXPECT_TRUE(FromConfigMap(", optional: true", "absent").run->parameters.at("x").is_null());
}

TEST(ParametersFromAConfigMap, ThatAreNotThereOrOfAnotherTypeAreNamed) {
  const std::string at = "spec.parameters[0].valueFrom: ConfigMap conf, key k: ";
  EXPECT_THAT(api::Describe(FromConfigMap("", "absent").errors),
              HasSubstr(at + "there is no such key"));
  EXPECT_THAT(api::Describe(FromConfigMap(", type: integer", "seven").errors),
              HasSubstr("it must be of type integer"));
  EXPECT_THAT(api::Describe(FromConfigMap(", enum: [a, b]", "c").errors), HasSubstr(at + "\"c\""));
  EXPECT_THAT(
      api::Describe(api::DecodePipelineSpec(Yaml("parameters: [{name: x, default: a, valueFrom: "
                                                 "{configMapKeyRef: {name: c}}}]\nsteps: []\n"),
                                            "spec")
                        .errors),
      AllOf(HasSubstr("spec.parameters[0]: a parameter has a default or valueFrom, not both"),
            HasSubstr("spec.parameters[0].valueFrom.configMapKeyRef.key: is required")));
}

}  // namespace
}  // namespace penstock::plan
