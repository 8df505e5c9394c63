// A ResolvedRun as JSON. What a step shares with the manifest is written as the manifest writes it
// (api::Encode of a Pipeline with these steps); the rest stands beside it.
#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/plan/resolve/value_schema.h"

namespace penstock::plan {
namespace {

constexpr int kFormat = 1;

api::StepSpec AsStep(const ResolvedStep& r) {
  api::StepSpec s;
  s.name = r.name;
  s.containers = r.containers;
  s.sidecars = r.sidecars;
  s.daemon = r.daemon;
  s.pod = r.pod;
  s.when = r.when;
  s.allow_failure = r.allow_failure;
  s.on_failure = r.on_failure;
  if (r.nested)  // the rest of one in place stands beside it
    s.pipeline = api::NestedPipeline{
        r.nested->spec ? r.name : r.nested->pipeline, r.nested->library, {}, {}, {}};
  else if (r.containers.empty() && !r.HasNoPod())
    s.container = r.container;
  s.approval = r.approval;
  s.wait = r.wait;
  s.locks = r.locks;
  if (r.loop) s.for_each = r.loop->spec;
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
  r.when = std::move(s.when);
  r.allow_failure = s.allow_failure;
  r.on_failure = s.on_failure;
  r.container = std::move(s.container).value_or(api::ContainerSpec{});
  if (s.pipeline) r.nested = ResolvedNested{s.pipeline->name, s.pipeline->library, {}};
  r.approval = std::move(s.approval);
  r.wait = s.wait;
  r.locks = std::move(s.locks);
  r.containers = std::move(s.containers);
  r.sidecars = std::move(s.sidecars);
  r.daemon = std::move(s.daemon);
  r.pod = std::move(s.pod);
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
  Json j = SchemaOf(p);
  j["name"] = p.name;
  return j;
}

api::ParameterSpec DecodeDeclaration(const Json& j) {
  // The codec of manifests reads it, with steps as it asks for.
  auto read = api::DecodePipelineSpec(
      Json{{"parameters", Json::array({j})},
           {"steps", Json::array({{{"name", "s"}, {"container", {{"image", "i"}}}}})}},
      "spec");
  return read.value.parameters.empty() ? api::ParameterSpec{} : read.value.parameters[0];
}

Json EncodeSource(const ResolvedSource& s) {
  Json j = Json::object();
  if (!s.step.empty()) j["from"] = {{"step", s.step}, {"output", s.output}};
  if (s.artifact) j["artifact"] = *s.artifact;
  if (s.of_own_pipeline) j["ofOwnPipeline"] = true;
  if (s.put_by_hand) j["putByHand"] = true;
  if (!s.uri.empty()) j["uri"] = s.uri;
  if (s.pending) j["pending"] = true;
  return j;
}

Json EncodeInput(const ResolvedInput& i) {
  Json j = EncodeSource(i);
  j["name"] = i.name;
  j["type"] = i.type;
  if (i.optional) j["optional"] = true;
  for (const ResolvedSource& s : i.otherwise) j["otherwise"].push_back(EncodeSource(s));
  return j;
}

ResolvedSource DecodeSource(const Json& j) {
  ResolvedSource s;
  if (j.contains("from")) {
    s.step = j.at("from").at("step");
    s.output = j.at("from").at("output");
  }
  if (j.contains("artifact")) s.artifact = j.at("artifact").get<ArtifactRef>();
  s.of_own_pipeline = j.value("ofOwnPipeline", false);
  s.put_by_hand = j.value("putByHand", false);
  s.uri = j.value("uri", "");
  s.pending = j.value("pending", false);
  return s;
}

ResolvedInput DecodeInput(const Json& j) {
  ResolvedInput i;
  static_cast<ResolvedSource&>(i) = DecodeSource(j);
  i.name = j.at("name");
  i.type = j.at("type");
  i.optional = j.value("optional", false);
  if (j.contains("otherwise"))
    for (const Json& s : j.at("otherwise")) i.otherwise.push_back(DecodeSource(s));
  return i;
}

Json EncodePublished(const std::optional<api::PublishedOutput>& o) {
  if (!o) return nullptr;
  return {{"name", o->name},
          {"type", o->type},
          {"digest", o->digest},
          {"folder", o->folder},
          {"bytes", o->bytes}};
}

std::optional<api::PublishedOutput> DecodePublished(const Json& j) {
  if (j.is_null()) return std::nullopt;
  return api::PublishedOutput{j.at("name"),
                              j.at("type"),
                              j.at("digest"),
                              j.at("folder").get<bool>(),
                              j.at("bytes").get<std::uint64_t>(),
                              ""};
}

Json EncodeExtras(const ResolvedStep& r) {
  Json j = Json::object();
  if (!r.component.empty()) j["component"] = r.component;
  if (r.final_step) j["final"] = true;
  if (r.library) j["library"] = true;
  if (r.service_account_token) j["serviceAccountToken"] = true;
  if (!r.run_volumes.empty()) j["runVolumes"] = r.run_volumes;
  if (!r.code_version.empty()) j["codeVersion"] = r.code_version;
  if (r.nested && r.nested->spec) j["inPlace"] = api::Encode(*r.nested->spec);
  if (r.pod_pending) j["podPending"] = true;
  if (r.code) j["code"] = *r.code;
  if (r.code_from) j["codeFrom"] = {{"step", r.code_from->step}, {"output", r.code_from->output}};
  if (r.packages_from)
    j["packagesFrom"] = {{"step", r.packages_from->step}, {"output", r.packages_from->output}};
  for (const auto& i : r.inputs) j["inputs"].push_back(EncodeInput(i));
  for (const auto& [name, output] : r.published) j["published"][name] = EncodePublished(output);
  for (const auto& [name, p] : r.parameters) {
    Json& one = j["parameters"][name] = {{"value", p.value}};
    if (p.pending) one["pending"] = true;
    if (p.pending && p.spec) one["spec"] = EncodeDeclaration(*p.spec);
  }
  return j;
}

void DecodeExtras(const Json& j, ResolvedStep& r) {
  r.component = j.value("component", "");
  r.final_step = j.value("final", false);
  r.library = j.value("library", false);
  r.service_account_token = j.value("serviceAccountToken", false);
  r.run_volumes = j.value("runVolumes", std::vector<std::string>{});
  r.code_version = j.value("codeVersion", "");
  if (r.nested && j.contains("inPlace")) {
    r.nested->pipeline.clear();
    r.nested->spec = api::DecodePipelineSpec(j.at("inPlace"), "inPlace").value;
  }
  r.pod_pending = j.value("podPending", false);
  if (j.contains("code")) r.code = j.at("code").get<ArtifactRef>();
  if (j.contains("codeFrom")) {
    const Json& from = j.at("codeFrom");
    r.code_from = OutputRef{from.at("step"), from.at("output")};
  }
  if (j.contains("packagesFrom")) {
    const Json& from = j.at("packagesFrom");
    r.packages_from = OutputRef{from.at("step"), from.at("output")};
  }
  if (j.contains("inputs"))
    for (const Json& i : j.at("inputs")) r.inputs.push_back(DecodeInput(i));
  if (j.contains("published"))
    for (const auto& [name, output] : j.at("published").items())
      r.published.emplace(name, DecodePublished(output));
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
  run.inputs = j.value("inputs", std::map<std::string, std::string>{});
  run.number_parameters = j.value("numberParameters", std::vector<std::string>{});
  run.parallelism = spec.value.parallelism;
  run.volumes = std::move(spec.value.volumes);
  run.locks = std::move(spec.value.locks);
  run.labels = std::move(spec.value.run_labels);
  run.timeout = spec.value.timeouts.run;
  run.outputs = spec.value.outputs;
  run.results = spec.value.results;
  run.warnings = j.value("warnings", std::vector<std::string>{});
  const Json& extras = j.at("steps");
  if (extras.size() != spec.value.steps.size())
    return Invalid("the resolved spec is damaged: it has two numbers of steps");
  for (std::size_t i = 0; i < extras.size(); ++i) {
    const auto for_each = std::move(spec.value.steps[i].for_each);
    run.steps.push_back(FromStep(std::move(spec.value.steps[i])));
    DecodeExtras(extras[i], run.steps.back());
    if (!for_each) continue;
    auto loop = ResolveLoop(
        *for_each, [](const Reference& r) -> Result<Json> { return Invalid(r.Text()); },
        [](const Reference&) { return false; });
    if (!loop) return Wrap("the resolved spec is damaged", loop.error());
    run.steps.back().loop = std::move(*loop);
  }
  return run;
}

void ClearDescriptions(api::PipelineSpec& spec) {
  spec.description.clear();
  for (auto& p : spec.parameters) p.description.clear();
  for (auto& i : spec.inputs) i.description.clear();
  for (auto& r : spec.results) r.description.clear();
  api::ForEachStep(spec, "spec", [](api::StepSpec& s, const std::string&) {
    s.description.clear();
    for (auto& o : s.outputs) o.description.clear();
    for (auto& r : s.results) r.description.clear();
    if (s.pipeline)
      for (auto& r : s.pipeline->results) r.description.clear();
  });
}

}  // namespace

Json EncodeResolved(const ResolvedRun& run) {
  api::PipelineSpec spec;
  spec.parallelism = run.parallelism;
  spec.volumes = run.volumes;
  spec.locks = run.locks;
  spec.run_labels = run.labels;
  spec.timeouts.run = run.timeout;
  spec.outputs = run.outputs;
  spec.results = run.results;
  Json extras = Json::array();
  for (const ResolvedStep& step : run.steps) {
    spec.steps.push_back(AsStep(step));
    extras.push_back(EncodeExtras(step));
  }
  Json out{{"format", kFormat},         {"pipeline", run.pipeline}, {"parameters", run.parameters},
           {"spec", api::Encode(spec)}, {"steps", extras},          {"warnings", run.warnings}};
  if (!run.inputs.empty()) out["inputs"] = run.inputs;
  if (!run.number_parameters.empty()) out["numberParameters"] = run.number_parameters;
  return out;
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
  api::ForEachStep(what, "spec", [](api::StepSpec& s, const std::string&) { s.locks.clear(); });
  const api::PipelineSpec plain;
  what.locks.clear();
  what.run_policy = plain.run_policy;
  what.concurrency = plain.concurrency;
  what.history_limits = plain.history_limits;
  what.parallelism.reset();
  what.run_labels.clear();
  what.timeouts = {};
  what.suspend = false;
  what.schedules.clear();
  what.schedule_policy = plain.schedule_policy;
  what.triggers.clear();
  what.ttl_after_finished = plain.ttl_after_finished;
  what.freshness = plain.freshness;
  what.registers.clear();
  return Sha256Hex(CanonicalJson(api::Encode(what))).substr(0, 10);
}

}  // namespace penstock::plan
