// A ResolvedRun as JSON. What a step shares with the manifest is written as the manifest writes it
// (api::Encode of a Pipeline with these steps); the rest stands beside it.
#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/plan/resolve/resolve.h"

namespace penstock::plan {
namespace {

constexpr int kFormat = 1;

api::StepSpec AsStep(const ResolvedStep& r) {
  api::StepSpec s;
  s.name = r.name;
  s.container = r.container;
  s.depends_on = r.depends_on;
  s.outputs = r.outputs;
  s.results = r.results;
  s.resources = r.resources;
  s.retry = r.retry;
  s.timeouts = r.timeouts;
  s.cache = r.cache;
  s.scheduling = r.scheduling;
  s.volumes = r.volumes;
  return s;
}

ResolvedStep FromStep(api::StepSpec s) {
  ResolvedStep r;
  r.name = std::move(s.name);
  r.container = std::move(s.container).value_or(api::ContainerSpec{});
  r.depends_on = std::move(s.depends_on);
  r.outputs = std::move(s.outputs);
  r.results = std::move(s.results);
  r.resources = std::move(s.resources);
  r.retry = s.retry;
  r.timeouts = s.timeouts;
  r.cache = s.cache.value_or(api::CacheSpec{});
  r.scheduling = std::move(s.scheduling);
  r.volumes = std::move(s.volumes);
  return r;
}

Json EncodeDeclaration(const api::ParameterSpec& p) {
  Json j{{"name", p.name}, {"type", Name(p.type)}};
  if (p.minimum) j["minimum"] = *p.minimum;
  if (p.maximum) j["maximum"] = *p.maximum;
  if (p.max_length) j["maxLength"] = *p.max_length;
  if (!p.pattern.empty()) j["pattern"] = p.pattern;
  if (!p.enum_values.empty()) j["enum"] = p.enum_values;
  return j;
}

api::ParameterSpec DecodeDeclaration(const Json& j) {
  api::ParameterSpec p;
  p.name = j.at("name");
  const std::string type = j.at("type");
  for (auto t : {api::ValueType::kString, api::ValueType::kInteger, api::ValueType::kNumber,
                 api::ValueType::kBoolean, api::ValueType::kList, api::ValueType::kObject})
    if (type == Name(t)) p.type = t;
  if (j.contains("minimum")) p.minimum = j.at("minimum").get<double>();
  if (j.contains("maximum")) p.maximum = j.at("maximum").get<double>();
  if (j.contains("maxLength")) p.max_length = j.at("maxLength").get<std::int64_t>();
  p.pattern = j.value("pattern", "");
  if (j.contains("enum")) p.enum_values = j.at("enum").get<std::vector<Json>>();
  return p;
}

Json EncodeInput(const ResolvedInput& i) {
  Json j{{"name", i.name}, {"type", i.type}};
  if (i.optional) j["optional"] = true;
  if (!i.step.empty()) j["from"] = {{"step", i.step}, {"output", i.output}};
  if (i.artifact) j["artifact"] = *i.artifact;
  if (i.of_own_pipeline) j["ofOwnPipeline"] = true;
  if (i.put_by_hand) j["putByHand"] = true;
  if (!i.uri.empty()) j["uri"] = i.uri;
  return j;
}

ResolvedInput DecodeInput(const Json& j) {
  ResolvedInput i;
  i.name = j.at("name");
  i.type = j.at("type");
  i.optional = j.value("optional", false);
  if (j.contains("from")) {
    i.step = j.at("from").at("step");
    i.output = j.at("from").at("output");
  }
  if (j.contains("artifact")) i.artifact = j.at("artifact").get<ArtifactRef>();
  i.of_own_pipeline = j.value("ofOwnPipeline", false);
  i.put_by_hand = j.value("putByHand", false);
  i.uri = j.value("uri", "");
  return i;
}

Json EncodeExtras(const ResolvedStep& r) {
  Json j = Json::object();
  if (!r.component.empty()) j["component"] = r.component;
  if (r.library) j["library"] = true;
  if (!r.code_version.empty()) j["codeVersion"] = r.code_version;
  if (r.code) j["code"] = *r.code;
  if (r.code_from) j["codeFrom"] = {{"step", r.code_from->step}, {"output", r.code_from->output}};
  for (const auto& i : r.inputs) j["inputs"].push_back(EncodeInput(i));
  for (const auto& [name, p] : r.parameters) {
    Json& one = j["parameters"][name] = {{"value", p.value}};
    if (p.pending) one["pending"] = true;
    if (p.pending && p.spec) one["spec"] = EncodeDeclaration(*p.spec);
  }
  return j;
}

void DecodeExtras(const Json& j, ResolvedStep& r) {
  r.component = j.value("component", "");
  r.library = j.value("library", false);
  r.code_version = j.value("codeVersion", "");
  if (j.contains("code")) r.code = j.at("code").get<ArtifactRef>();
  if (j.contains("codeFrom")) {
    const Json& from = j.at("codeFrom");
    r.code_from = OutputRef{from.at("step"), from.at("output")};
  }
  if (j.contains("inputs"))
    for (const Json& i : j.at("inputs")) r.inputs.push_back(DecodeInput(i));
  if (j.contains("parameters"))
    for (const auto& [name, one] : j.at("parameters").items()) {
      ResolvedParameter p;
      p.value = one.at("value");
      p.pending = one.value("pending", false);
      if (one.contains("spec")) p.spec = DecodeDeclaration(one.at("spec"));
      r.parameters.emplace(name, std::move(p));
    }
}

Result<ResolvedRun> Decode(const Json& j) {
  ResolvedRun run;
  run.format = j.at("format");
  if (run.format != kFormat)
    return Invalid("the resolved spec has format " + std::to_string(run.format) +
                   "; this operator reads " + std::to_string(kFormat));
  auto spec = api::DecodePipelineSpec(j.at("spec"), "spec");
  if (!spec.errors.empty())
    return Invalid("the resolved spec is damaged: " + api::Describe(spec.errors));
  run.pipeline = j.value("pipeline", "");
  run.parameters = j.at("parameters").get<std::map<std::string, Json>>();
  run.parallelism = spec.value.parallelism;
  run.outputs = spec.value.outputs;
  run.warnings = j.value("warnings", std::vector<std::string>{});
  const Json& extras = j.at("steps");
  if (extras.size() != spec.value.steps.size())
    return Invalid("the resolved spec is damaged: it has two numbers of steps");
  for (std::size_t i = 0; i < extras.size(); ++i) {
    run.steps.push_back(FromStep(std::move(spec.value.steps[i])));
    DecodeExtras(extras[i], run.steps.back());
  }
  return run;
}

void ClearDescriptions(api::PipelineSpec& spec) {
  spec.description.clear();
  for (auto& p : spec.parameters) p.description.clear();
  for (auto& s : spec.steps) {
    s.description.clear();
    for (auto& o : s.outputs) o.description.clear();
    for (auto& r : s.results) r.description.clear();
  }
}

}  // namespace

Json EncodeResolved(const ResolvedRun& run) {
  api::PipelineSpec spec;
  spec.parallelism = run.parallelism;
  spec.outputs = run.outputs;
  Json extras = Json::array();
  for (const ResolvedStep& step : run.steps) {
    spec.steps.push_back(AsStep(step));
    extras.push_back(EncodeExtras(step));
  }
  return {{"format", kFormat},         {"pipeline", run.pipeline}, {"parameters", run.parameters},
          {"spec", api::Encode(spec)}, {"steps", extras},          {"warnings", run.warnings}};
}

Result<ResolvedRun> DecodeResolved(const Json& j) {
  try {
    return Decode(j);
  } catch (const Json::exception& e) {
    return Invalid(std::string("the resolved spec is damaged: ") + e.what());
  }
}

std::string RunHash(const api::PipelineSpec& spec) {
  api::PipelineSpec what = spec;
  ClearDescriptions(what);
  const api::PipelineSpec plain;
  what.run_policy = plain.run_policy;
  what.concurrency = plain.concurrency;
  what.history_limits = plain.history_limits;
  what.parallelism.reset();
  what.suspend = false;
  return Sha256Hex(CanonicalJson(api::Encode(what))).substr(0, 10);
}

}  // namespace penstock::plan
