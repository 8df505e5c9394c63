// Pipelines in pipelines: what a step that is one may say, what it takes and gives.
#include <gmock/gmock.h>

#include "operator/plan/resolve/testing/component_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Pipelines of the namespace; of the library where the name says so.
Surroundings Knowing(const std::map<std::string, std::string>& specs, Surroundings around = {}) {
  around.pipeline = [specs](const std::string& name, bool library) {
    const auto it = specs.find((library ? "library/" : "") + name);
    if (it == specs.end()) return std::shared_ptr<api::Pipeline>();
    auto pipeline = std::make_shared<api::Pipeline>();
    pipeline->meta.name = name;
    pipeline->spec = Spec(it->second);
    return pipeline;
  };
  return around;
}

std::vector<std::string> Wrong(const std::string& yaml, const Surroundings& around = {}) {
  std::vector<std::string> out;
  for (const auto& e : Resolve("p", Spec(yaml), {}, around).errors)
    out.push_back(e.path + ": " + e.message);
  return out;
}

const std::string kInner = R"(
parameters: [{name: file, type: string}, {name: times, type: integer, default: 3}]
inputs: [{name: rows, type: dataset}, {name: prior, type: model, optional: true}]
steps:
- name: fit
  container: {image: i, command: [run, $(parameters.file), $(parameters.times), $(inputs.d.path)]}
  inputs: {d: $(inputs.rows)}
  outputs: [{name: o, type: model}]
outputs: {model: $(steps.fit.outputs.o)}
)";

std::string Outer(const std::string& call, const std::string& rest = "") {
  return R"(
parameters: [{name: where, type: string, default: here}, {name: depth, type: integer, default: 1}]
steps:
- {name: make, container: {image: i, command: [run]}, outputs: [{name: rows, type: dataset}, {name: m, type: metrics}], results: [{name: r, type: integer}]}
- name: call
  )" + call +
         "\n" + rest;
}

TEST(NestedPipelines, TakeAndGiveWhatTheNamedPipelineSays) {
  const auto run =
      MustResolve(Outer("pipeline: {name: one}\n  inputs: {rows: $(steps.make.outputs.rows)}\n"
                        "  parameters: {file: $(parameters.where), times: $(steps.make.results.r)}",
                        "outputs: {best: $(steps.call.outputs.model)}"),
                  {}, Knowing({{"one", kInner}}));
  const ResolvedStep& call = *run.Find("call");
  ASSERT_TRUE(call.nested);
  EXPECT_EQ(call.nested->pipeline, "one");
  EXPECT_FALSE(call.nested->spec);
  ASSERT_EQ(call.outputs.size(), 1U);
  EXPECT_EQ(call.outputs[0].type, "model");
  EXPECT_EQ(call.inputs.size(), 1U);
  EXPECT_EQ(call.inputs[0].type, "dataset");
  EXPECT_EQ(call.parameters.at("file").value, Json("here"));
  EXPECT_TRUE(call.parameters.at("times").pending);
  // Its own defaults are its own to fill in when it starts.
  EXPECT_EQ(call.parameters.size(), 2U);
  ASSERT_EQ(call.depends_on.size(), 1U);
  EXPECT_EQ(call.depends_on[0].step, "make");
}

TEST(NestedPipelines, AreHeldToTheInterfaceOfTheNamedPipeline) {
  EXPECT_THAT(
      Wrong(Outer("pipeline: {name: one}\n  inputs: {rows: $(steps.make.outputs.m), other: "
                  "https://a/b}\n"
                  "  parameters: {times: many, nope: 1}",
                  "outputs: {best: $(steps.call.outputs.other)}"),
            Knowing({{"one", kInner}})),
      UnorderedElementsAre(
          "spec.steps[1].inputs.other: the pipeline one has no such input; it has rows, prior",
          "spec.steps[1].inputs.rows: takes a dataset, but $(steps.make.outputs.m) is a metrics",
          "spec.steps[1].parameters.nope: the pipeline one has no such parameter; it has file, "
          "times",
          "spec.steps[1].parameters.times: \"many\" is no integer; the parameter is declared as "
          "one",
          "spec.steps[1].parameters: the pipeline one needs the parameter 'file' (string)",
          "spec.outputs.best: $(steps.call.outputs.other): step call has no output 'other'; it has "
          "model"));
}

TEST(NestedPipelines, NeedTheirRequiredInputs) {
  EXPECT_THAT(
      Wrong(Outer("pipeline: {name: one}\n  parameters: {file: a}"), Knowing({{"one", kInner}})),
      ElementsAre(HasSubstr("the pipeline one needs the input 'rows' (dataset)")));
}

TEST(NestedPipelines, NameAPipelineThatIsThere) {
  EXPECT_THAT(
      Wrong(Outer("pipeline: {name: two}"), Knowing({{"one", kInner}})),
      ElementsAre("spec.steps[1].pipeline.name: there is no Pipeline two in this namespace; "
                  "create it, or say library: true"));
  EXPECT_THAT(Wrong(Outer("pipeline: {name: one, library: true}"), Knowing({{"one", kInner}})),
              ElementsAre(HasSubstr("there is no Pipeline one in the library")));
  Surroundings files = Knowing({});
  files.knows_pipelines = false;
  EXPECT_THAT(Wrong(Outer("pipeline: {name: two}"), files), IsEmpty());
}

TEST(NestedPipelines, OfTheLibraryAreNotThoseOfTheNamespace) {
  const auto around = Knowing({{"library/one", kInner}, {"one", "steps:\n" + kSource}});
  const auto run =
      MustResolve(Outer("pipeline: {name: one, library: true}\n  parameters: {file: a}\n"
                        "  inputs: {rows: $(steps.make.outputs.rows)}"),
                  {}, around);
  EXPECT_TRUE(run.Find("call")->nested->library);
}

TEST(NestedPipelines, InPlaceSeeTheStepsOwnParametersAndThenThoseAround) {
  const auto run = MustResolve(Outer(R"(parameters: {file: $(steps.make.results.r)}
  inputs: {rows: $(steps.make.outputs.rows)}
  pipeline:
    steps:
    - {name: a, container: {image: i, command: [run, $(parameters.file), $(parameters.where), $(inputs.x.path)]}, inputs: {x: $(inputs.rows)}, outputs: [{name: o, type: model}]}
    outputs: {m: $(steps.a.outputs.o)})",
                                     "outputs: {best: $(steps.call.outputs.m)}"));
  const ResolvedStep& call = *run.Find("call");
  ASSERT_TRUE(call.nested && call.nested->spec);
  EXPECT_EQ(call.outputs.at(0).type, "model");
  const api::PipelineSpec& inner = *call.nested->spec;
  EXPECT_EQ(inner.inputs.at(0).type, "dataset");
  ASSERT_EQ(inner.parameters.size(), 3U);
  EXPECT_EQ(inner.parameters[0].name, "file");
  EXPECT_EQ(inner.parameters[0].type, api::ValueType::kInteger);
  EXPECT_EQ(call.parameters.at("where").value, Json("here"));
  EXPECT_EQ(call.parameters.at("depth").value, Json(1));
}

TEST(NestedPipelines, InPlaceTellWhatIsWrongWithinThemByItsPath) {
  EXPECT_THAT(
      Wrong(Outer(R"(inputs: {rows: $(steps.make.outputs.rows)}
  pipeline:
    steps:
    - {name: a, container: {image: i, command: [run, $(parameters.nowhere)]}, inputs: {x: $(inputs.no)}}
    - {name: b, pipeline: {steps: [{name: c, container: {image: i, command: [run, $(inputs.y.path)]}}]}}
    - {name: d, container: {image: i, command: [run]}, inputs: {x: $(steps.make.outputs.rows)}}
    outputs: {m: $(steps.a.outputs.o)})")),
      UnorderedElementsAre(
          HasSubstr("spec.steps[1].pipeline.steps[0].container.command[1]: $(parameters.nowhere): "
                    "neither the step nor the pipeline has a parameter 'nowhere'"),
          HasSubstr("spec.steps[1].pipeline.steps[0].inputs.x: $(inputs.no): the pipeline has no "
                    "input 'no'; it has rows"),
          HasSubstr("spec.steps[1].pipeline.steps[1].pipeline.steps[0].container.command[1]: "
                    "$(inputs.y.path): the step has no input 'y'"),
          HasSubstr(
              "spec.steps[1].pipeline.steps[2].inputs.x: $(steps.make.outputs.rows): there is "
              "no step 'make'"),
          HasSubstr(
              "spec.steps[1].pipeline.outputs.m: $(steps.a.outputs.o): step a has no output")));
}

TEST(NestedPipelines, TakeTheirComponentsInterfaceOnThroughTwoLevels) {
  auto around = With({Component(Train("1.0.0"))});
  EXPECT_THAT(
      Wrong(Outer(R"(inputs: {rows: $(steps.make.outputs.m)}
  pipeline:
    steps:
    - {name: a, component: {name: train, version: "1"}, inputs: {train: $(inputs.rows)}, parameters: {label: x, epochs: none}})"),
            around),
      UnorderedElementsAre(
          HasSubstr(
              "pipeline.steps[0].inputs.train: takes a dataset, but $(inputs.rows) is a metrics"),
          HasSubstr("pipeline.steps[0].parameters.epochs: \"none\" is no integer")));
}

TEST(NestedPipelines, GiveResultsWhoseTypesAreHeldToWhatTakesThem) {
  const auto around = Knowing({{"one",
                                "steps:\n- {name: s, container: {image: i, command: [run]}, "
                                "results: [{name: n1, type: integer}]}\nresults: [{name: "
                                "count, value: $(steps.s.results.n1)}, {name: text, value: "
                                "\"$(steps.s.results.n1) rows\"}]"},
                               {"two",
                                "parameters: [{name: much, type: number}]\nsteps:\n- {name: "
                                "s, container: {image: i, command: [run, $(parameters.much)]}}"}});
  const auto call = [](const std::string& result) {
    return "steps:\n- {name: a, pipeline: {name: one}}\n- {name: b, pipeline: {name: two}, "
           "parameters: {much: $(steps.a.results." +
           result + ")}}\n";
  };
  EXPECT_THAT(Wrong(call("count"), around), IsEmpty());
  EXPECT_THAT(Wrong(call("text"), around),
              ElementsAre(HasSubstr("is a string, but the parameter is a number")));
  EXPECT_THAT(Wrong(call("none"), around),
              ElementsAre(HasSubstr("step a has no result 'none'; it has count, text")));
}

TEST(NestedPipelines, HaveNoPodOfTheirOwn) {
  EXPECT_THAT(
      Wrong(Outer(
          "pipeline: {name: one}\n  resources: {limits: {cpu: 1}}\n  cache: {enabled: false}\n"
          "  nodeSelector: {a: b}\n  outputs: [{name: o}]\n  retry: {user: {limit: 2}}\n"
          "  timeouts: {attempt: 1h}")),
      UnorderedElementsAre(
          HasSubstr("spec.steps[1].resources: is for a pod, and a step with a pipeline has none"),
          HasSubstr("spec.steps[1].cache: is for the steps within the Pipeline"),
          HasSubstr("spec.steps[1].nodeSelector: is for a pod"),
          HasSubstr("spec.steps[1].outputs: is the Pipeline's own; remove it")));
}

std::string Calls(const std::string& name, const std::string& more = "") {
  return "- {name: c-" + name + ", pipeline: {name: " + name + "}" + more + "}\n";
}

TEST(NestedPipelines, ThatRunThemselvesWithoutEndAreFoundHoweverLongTheWay) {
  EXPECT_THAT(Wrong("steps:\n" + Calls("p"), Knowing({{"p", "steps:\n" + Calls("p")}})),
              ElementsAre(HasSubstr("the pipeline runs itself without end: p -> p;")));
  EXPECT_THAT(Wrong("steps:\n" + Calls("q"),
                    Knowing({{"q", "steps:\n- {name: x, pipeline: {steps: [" +
                                       std::string("{name: inner, pipeline: {name: r}}]}}\n")},
                             {"r", "steps:\n" + Calls("p")},
                             {"p", "steps:\n" + Calls("q")}})),
              ElementsAre(HasSubstr("p -> q -> r -> p")));
}

// What a loop over "one" gives: its outputs as folders, its results as lists.
TEST(NestedPipelines, InALoopGiveFoldersAndListsThatAreHeldToWhatTakesThem) {
  const auto around = Knowing({{"one",
                                "parameters: [{name: word, type: string}]\nsteps:\n- {name: s, "
                                "container: {image: i, command: [run, $(parameters.word)]}, "
                                "outputs: [{name: o, type: dataset}], results: [{name: n1, type: "
                                "integer}]}\noutputs: {rows: $(steps.s.outputs.o)}\nresults: "
                                "[{name: count, value: $(steps.s.results.n1)}, {name: any, value: "
                                "{firstOf: [$(steps.s.results.n1), none]}}]"}});
  const auto call = [](const std::string& take) {
    return "steps:\n- {name: a, pipeline: {name: one}, forEach: {in: [x, y]}, parameters: {word: "
           "$(each.value)}}\n- {name: b, container: {image: i, command: [run]}, " +
           take + "}\n";
  };
  const auto run = MustResolve(call("inputs: {all: $(steps.a.outputs.rows)}, parameters: {counts: "
                                    "$(steps.a.results.count), anys: $(steps.a.results.any)}"),
                               {}, around);
  ASSERT_TRUE(run.Find("a")->loop && run.Find("a")->nested);
  EXPECT_EQ(run.Find("a")->loop->items->size(), 2U);
  EXPECT_EQ(run.Find("b")->inputs.at(0).type, "file");
  const auto back = DecodeResolved(EncodeResolved(run));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(EncodeResolved(*back), EncodeResolved(run));
  EXPECT_THAT(Wrong(call("parameters: {counts: $(steps.a.results.nope)}"), around),
              ElementsAre(HasSubstr("step a has no result 'nope'; it has count, any")));
  const std::string two =
      "parameters: [{name: much, type: number}]\nsteps:\n- {name: s, container: {image: i, "
      "command: [run, $(parameters.much)]}}";
  EXPECT_THAT(
      Wrong("steps:\n- {name: a, pipeline: {name: two}, forEach: {in: [x, y]}, parameters: {much: "
            "$(each.index)}}\n- {name: b, pipeline: {name: two}, parameters: {much: "
            "$(steps.a.results.r)}}\n",
            Knowing({{"two", two + "\nresults: [{name: r, value: 1}]"}})),
      ElementsAre(HasSubstr("is a list, but the parameter is a number")));
}

TEST(NestedPipelines, InALoopGetTheItemByParameters) {
  EXPECT_THAT(Wrong("steps:\n- name: a\n  forEach: {in: [x]}\n  pipeline:\n    steps: [{name: s, "
                    "container: {image: i, command: [run]}, parameters: {w: $(each.value)}}]\n"),
              ElementsAre("spec.steps[0].pipeline.steps[0].parameters.w: $(each.value): the step "
                          "has no forEach, so there is no item; a Pipeline in place gets its item "
                          "by parameters of the step that it is"));
  // A loop within has items of its own.
  EXPECT_THAT(Wrong("steps:\n- name: a\n  forEach: {in: [[1, 2], [3]]}\n  parameters: {list: "
                    "$(each.value)}\n  pipeline:\n    steps: [{name: s, forEach: {in: "
                    "$(parameters.list)}, pipeline: {steps: [{name: t, container: {image: i, "
                    "command: [run, $(parameters.one)]}}]}, parameters: {one: $(each.value)}}]\n"),
              IsEmpty());
}

TEST(NestedPipelines, ThatLoopOverThemselvesWithoutEndAreFoundUnlessTheListMayBeEmpty) {
  const auto snake = [](const std::string& list) {
    return "parameters: [{name: list, type: list, default: []}]\nsteps:\n" +
           Calls("p", ", forEach: {in: " + list + "}");
  };
  EXPECT_THAT(Wrong(snake("[a, b]"), Knowing({{"p", snake("[a, b]")}})),
              ElementsAre(HasSubstr("the pipeline runs itself without end: p -> p;")));
  EXPECT_THAT(Wrong(snake("$(parameters.list)"), Knowing({{"p", snake("$(parameters.list)")}})),
              IsEmpty());
  EXPECT_THAT(Wrong(snake("[]"), Knowing({{"p", snake("[]")}})), IsEmpty());
}

TEST(NestedPipelines, MayNameThemselvesWhereAStepMayBeLeftOut) {
  const std::string spec =
      "steps:\n" + kSource + Calls("p", ", dependsOn: [{step: make, outcome: Failed}]");
  EXPECT_THAT(Wrong(spec, Knowing({{"p", spec}})), IsEmpty());
}

TEST(NestedPipelines, InPlaceStandWithinEachOtherTenDeepAtMost) {
  const auto deep = [](int levels) {
    std::string yaml = "{name: s, container: {image: i, command: [run]}}";
    for (int i = 1; i < levels; ++i) yaml = "{name: s, pipeline: {steps: [" + yaml + "]}}";
    return "steps: [" + yaml + "]";
  };
  EXPECT_THAT(Wrong(deep(10)), IsEmpty());
  EXPECT_THAT(Wrong(deep(11)), ElementsAre(HasSubstr("at most 10 deep")));
}

TEST(PipelineInputs, OfARunAreDigestsOrUrisOfDeclaredNames) {
  const api::PipelineSpec spec = Spec(kInner);
  const auto with = [&](const std::map<std::string, std::string>& inputs) {
    return Resolve("one", spec, {{"file", "a"}}, {}, inputs);
  };
  const auto good = with({{"rows", Digest('a')}});
  ASSERT_TRUE(good.run) << api::Describe(good.errors);
  const auto& inputs = good.run->Find("fit")->inputs;
  EXPECT_EQ(inputs.at(0).artifact->digest, Digest('a'));
  EXPECT_TRUE(inputs.at(0).put_by_hand);
  EXPECT_EQ(inputs.at(0).type, "dataset");
  EXPECT_THAT(api::Describe(with({{"rows", "nowhere"}, {"no", "https://a/b"}}).errors),
              testing::AllOf(HasSubstr("spec.inputs.rows: 'nowhere' is neither"),
                             HasSubstr("spec.inputs.no: the pipeline has no such input")));
  EXPECT_EQ(api::Describe(with({}).errors),
            "spec.inputs.rows: is required (dataset) and was not given");
}

TEST(ResolvedRuns, KeepPipelinesInPlaceThroughTheirRevision) {
  const auto run = MustResolve(Outer(R"(parameters: {file: a}
  pipeline:
    steps: [{name: a, container: {image: i, command: [run, $(parameters.file)]}, outputs: [{name: o}]}]
    outputs: {m: $(steps.a.outputs.o)})") +
                                   Calls("one"),
                               {}, Knowing({{"one", "steps:\n" + kSource}}));
  const auto back = DecodeResolved(EncodeResolved(run));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(EncodeResolved(*back), EncodeResolved(run));
  EXPECT_EQ(back->Find("call")->nested->spec->steps.at(0).name, "a");
  EXPECT_EQ(back->Find("call")->nested->pipeline, "");
  EXPECT_EQ(back->Find("c-one")->nested->pipeline, "one");
}

}  // namespace
}  // namespace penstock::plan
