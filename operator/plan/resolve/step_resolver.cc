#include "operator/plan/resolve/step_resolver.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "operator/base/sha256.h"
#include "operator/plan/resolve/pod_values.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/step_merge.h"
#include "operator/plan/resolve/value_check.h"

namespace penstock::plan {
namespace {

Result<Json> Nothing(const Reference&) { return Json(); }

}  // namespace

StepResolver::StepResolver(const std::string& pipeline, const api::PipelineSpec& spec,
                           const Interfaces& picked, const Surroundings& around,
                           const std::map<std::string, Json>& values,
                           const std::map<std::string, std::string>& given_inputs, Findings& out)
    : pipeline_(pipeline),
      spec_(spec),
      listed_(StepsOf(spec)),
      picked_(picked),
      around_(around),
      values_(values),
      given_inputs_(given_inputs),
      out_(out),
      code_(spec, KnownDefaults(), around, out),
      installs_(spec, KnownDefaults(), around, out) {
  for (const ListedStep& s : listed_) steps_.emplace(s.step->name, s.step);
}

ResolvedStep StepResolver::Resolve(std::size_t index) {
  const api::StepSpec& step = *listed_[index].step;
  path_ = listed_[index].path;
  const auto it = picked_.specs.find(step.name);
  component_ = it == picked_.specs.end() ? nullptr : &it->second;
  ResolvedStep r = Merged(step);
  r.final_step = listed_[index].is_final;
  if (step.component && component_ != nullptr) r.component = picked_.names.at(step.name);
  if (step.pipeline) ResolveNested(step, r);
  r.wait = step.wait;
  if (step.approval) ResolveApproval(*step.approval, r);
  CheckResources(r.resources, path_ + ".resources", out_);
  ResolveForEach(step, r);
  r.run_volumes = MountedOf(spec_.volumes, r);
  FindEntryPoints(step, r);
  published_.clear();
  ResolveInputs(step, r);
  r.published = published_;
  ResolveParameters(step, r);
  CheckContainerParts(r);
  code_.Resolve(r, path_ + ".container.code");
  installs_.Resolve(r, path_ + ".container");
  const auto needs = ImpliedNeeds(step);
  for (const std::size_t on : DependsOn(index)) {
    const std::string& name = listed_[on].step->name;
    if (std::none_of(r.depends_on.begin(), r.depends_on.end(),
                     [&](const auto& d) { return d.step == name; }))
      r.depends_on.push_back({name, OutcomeOf(index, on, needs.at(name))});
  }
  return r;
}

std::vector<ResolvedStep> StepResolver::TakeFetches() {
  auto steps = code_.Take();
  auto installs = installs_.Take();
  std::move(installs.begin(), installs.end(), std::back_inserter(steps));
  return steps;
}

void StepResolver::ResolveNested(const api::StepSpec& step, ResolvedStep& r) const {
  r.nested = plan::ResolvedNested{step.pipeline->name, step.pipeline->library, {}};
  if (step.pipeline->name.empty()) r.nested->spec = InPlaceSpec(spec_, step, picked_.specs);
}

void StepResolver::ResolveApproval(const api::ApprovalStep& approval, ResolvedStep& r) {
  r.approval = approval;
  auto message = ExpandKnown(
      Json(approval.message), [this](const Reference& ref) { return Value(ref); },
      IsPipelineParameter);
  if (!message) return out_.Add(path_ + ".approval.message", message.error().message);
  r.approval->message = CanonicalText(*message);
  if (r.approval->message.size() > 1024)
    out_.Add(path_ + ".approval.message", "is over 1024 bytes with its parameters put in");
}

Result<Json> StepResolver::PodValue(const Reference& r) const {
  return values_.at(r.path[1]).is_null() ? Json() : Value(r);
}

api::StepDefaults StepResolver::KnownDefaults() const {
  api::StepDefaults known = spec_.defaults;
  // What is wrong with them each step says.
  const auto done = PutPlaces(known, [this](const Json& value, const std::string&) {
    return ExpandAll(value, [this](const Reference& r) { return PodValue(r); });
  });
  return done ? known : api::StepDefaults{};
}

ResolvedStep StepResolver::Merged(const api::StepSpec& step) {
  if (!HoldsTemplates(step, spec_.defaults)) return MergeStep(step, component_, spec_.defaults);
  const Lookup lookup = [this](const Reference& r) { return PodValue(r); };
  const auto own = PutKnownPodValues(step, lookup, IsPipelineParameter);
  const auto defaults = PutKnownPodValues(spec_.defaults, lookup, IsPipelineParameter);
  if (!own) out_.Add(path_, own.error().message);
  if (!defaults) out_.Add("spec.defaults", defaults.error().message);
  if (!own || !defaults) return MergeStep(step, component_, spec_.defaults);
  ResolvedStep r = MergeStep(*own, component_, *defaults);
  r.pod_pending = HasPodReferences(r);
  if (r.pod_pending) return r;
  auto put = PutPodValues(r, Nothing);
  if (!put) out_.Add(path_, put.error().message);
  return put ? std::move(*put) : r;
}

api::DependencyOutcome StepResolver::OutcomeOf(std::size_t index, std::size_t on,
                                               api::DependencyOutcome implied) const {
  return listed_[index].is_final && !listed_[on].is_final ? api::DependencyOutcome::kAny : implied;
}

void StepResolver::ResolveForEach(const api::StepSpec& step, ResolvedStep& r) {
  if (!step.for_each) return;
  auto loop = ResolveLoop(
      *step.for_each, [this](const Reference& ref) { return Value(ref); }, IsPipelineParameter);
  if (!loop) return out_.Add(path_ + ".forEach", loop.error().message);
  r.loop = std::move(*loop);
}

void StepResolver::FindEntryPoints(const api::StepSpec& step, ResolvedStep& r) {
  std::vector<api::ContainerSpec*> programs;
  if (step.container) programs.push_back(&r.container);
  for (api::StepContainer& c : r.containers) programs.push_back(&c.program);
  const auto written = ProgramsOf(step);
  for (std::size_t i = 0; i < programs.size(); ++i) {
    api::ContainerSpec& program = *programs[i];
    if (!program.command.empty()) continue;
    if (program.image.find("$(") != std::string::npos) {
      out_.Add(path_ + written[i].path + ".command",
               "is required where only the run knows the image: its registry is asked before");
      continue;
    }
    const auto found = around_.image ? around_.image(program.image) : std::nullopt;
    if (!found) continue;  // asked for, or said already why not
    const std::string path = path_ + written[i].path;
    for (const std::string& word : found->entrypoint)
      program.command.push_back(EscapeTemplate(word));
    if (program.args.empty())
      for (const std::string& word : found->command) program.args.push_back(EscapeTemplate(word));
    if (program.command.empty() && program.args.empty())
      out_.Add(path + ".command", "is required: the image has neither entry point nor command");
    if (program.image.find('@') == std::string::npos) program.image += "@" + found->digest;
    CheckProgramText(program, path, out_);
  }
}

void StepResolver::ResolveInputs(const api::StepSpec& step, ResolvedStep& r) {
  for (const auto& [name, source] : step.inputs) {
    ResolvedInput input;
    input.name = name;
    input.optional = source.optional;
    if (component_ != nullptr)
      for (const auto& declared : component_->inputs)
        if (declared.name == name) {
          input.type = declared.type;
          input.optional = declared.optional || source.optional;
        }
    const std::string path = api::ChildPath(path_ + ".inputs", name);
    std::vector<ResolvedSource> sources;
    for (std::size_t i = 0; i < source.first_of.size(); ++i) {
      const bool may_be_absent = input.optional || source.first_of.size() > 1;
      const std::string at =
          source.first_of.size() > 1 ? api::ItemPath(path + ".firstOf", i) : path;
      auto one = FillSource(source.first_of[i], at, may_be_absent, input.type);
      if (!one) continue;
      const bool is_certain = one->step.empty() && !one->pending;
      sources.push_back(std::move(*one));
      if (is_certain) break;
    }
    if (sources.empty() && !input.optional && source.first_of.size() > 1)
      out_.Add(path, "is required, but nothing of its firstOf is there");
    if (!sources.empty()) static_cast<ResolvedSource&>(input) = sources[0];
    if (sources.size() > 1) input.otherwise.assign(sources.begin() + 1, sources.end());
    r.inputs.push_back(std::move(input));
  }
}

std::optional<ResolvedSource> StepResolver::FillSource(const std::string& text,
                                                       const std::string& path, bool may_be_absent,
                                                       std::string& type) {
  const auto parsed = ParseTemplate(text);
  if (!parsed) return std::nullopt;  // said by the checks
  ResolvedSource source;
  const Reference* whole = parsed->Whole();
  if (whole != nullptr && whole->Is({"steps", "*", "outputs"})) {
    source.step = whole->path[1];
    source.output = whole->path[3];
    if (type.empty() || type == "file") {
      const auto from = InterfaceOf(*steps_.at(source.step), picked_.specs);
      for (const auto& o : *from.outputs)
        if (o.name == source.output) type = o.type;
      if (steps_.at(source.step)->for_each) type = "file";
    }
    return source;
  }
  if (whole != nullptr && whole->IsJust({"inputs", "*"})) {
    source.uri = GivenInput(whole->path[1], type);
    return Known(std::move(source), "input", path, may_be_absent, type);
  }
  if (whole != nullptr && whole->Is({"pipelines"}))
    return FillPublished(*whole, path, may_be_absent, type);
  auto known = ExpandKnown(
      Json(text), [this](const Reference& r) { return Value(r); }, IsPipelineParameter);
  if (!known) {
    if (known.error().kind != ErrorKind::kNotFound || !may_be_absent)
      out_.Add(path, known.error().message);
    return std::nullopt;
  }
  source.uri = CanonicalText(*known);
  const auto left = ParseTemplate(source.uri);
  if (left && !left->References().empty()) {
    source.pending = true;
    return source;
  }
  if (left) source.uri = CanonicalText(*ExpandAll(Json(source.uri), Nothing));
  return Known(std::move(source), "parameter", path, may_be_absent, type);
}

std::optional<ResolvedSource> StepResolver::Known(ResolvedSource source, const char* from,
                                                  const std::string& path, bool may_be_absent,
                                                  std::string& type) {
  if (source.uri.empty()) {
    if (!may_be_absent)
      out_.Add(path, std::string("is required, but the ") + from + " was not given");
    return std::nullopt;
  }
  if (auto wrong = CheckSource(source.uri)) out_.Add(path, *wrong);
  if (!IsDigest(source.uri)) return source;
  source.artifact = ArtifactRef{std::exchange(source.uri, ""), false, 0};
  source.put_by_hand = true;
  if (type.empty()) type = "file";
  return source;
}

std::string StepResolver::GivenInput(const std::string& name, std::string& type) const {
  for (const api::InputSpec& declared : spec_.inputs)
    if (declared.name == name && (type.empty() || type == "file")) type = declared.type;
  const auto given = given_inputs_.find(name);
  return given == given_inputs_.end() ? "" : given->second;
}

std::optional<ResolvedSource> StepResolver::FillPublished(const Reference& r,
                                                          const std::string& path,
                                                          bool may_be_absent, std::string& type) {
  const auto published = around_.pipeline_output ? around_.pipeline_output(r.path[1], r.path[3])
                                                 : std::optional<api::PublishedOutput>{};
  published_[r.path[1] + "/" + r.path[3]] = published;
  if (!published) {
    if (!may_be_absent)
      out_.Add(path, r.Text() + ": Pipeline " + r.path[1] + " has published no output '" +
                         r.path[3] + "' yet; run it first");
    return std::nullopt;
  }
  if (!type.empty() && type != "file" && published->type != type)
    out_.Add(path, "takes a " + type + ", but " + r.Text() + " is a " + published->type);
  if (type.empty() || type == "file") type = published->type;
  ResolvedSource source;
  source.artifact = ArtifactRef{published->digest, published->folder, published->bytes};
  source.of_own_pipeline = r.path[1] == pipeline_;
  return source;
}

void StepResolver::ResolveParameters(const api::StepSpec& step, ResolvedStep& r) {
  for (const auto& [name, text] : step.parameters) {
    auto value = ExpandKnown(
        text, [this](const Reference& ref) { return Value(ref); }, IsPipelineParameter);
    if (!value) {
      out_.Add(api::ChildPath(path_ + ".parameters", name), value.error().message);
      continue;
    }
    AddParameter(name, *value, r);
  }
  if (r.nested) return PassParameters(step, r);
  if (component_ != nullptr) {
    for (const api::ParameterSpec& p : component_->parameters) {
      if (r.parameters.contains(p.name)) continue;
      if (p.default_value && !p.default_value->is_null())
        r.parameters[p.name] = {*p.default_value, false, p};
      else if (!p.optional && !p.default_value)
        out_.Add(api::ChildPath(path_ + ".parameters", p.name),
                 "is required, but what it refers to was not given");
    }
    return;
  }
  NameContainerParameters(step, r);
}

void StepResolver::CheckContainerParts(const ResolvedStep& r) {
  std::vector<FoundReference> found;
  std::vector<api::FieldError> ignored;  // said by the checks
  CollectReferences(StepTemplates(r), "", found, ignored);
  for (const FoundReference& f : found) {
    if (!f.reference.Is({"parameters", "*"})) continue;
    if (f.reference.IsJust({"parameters", "*", "path"})) continue;
    const auto it = r.parameters.find(f.reference.path[1]);
    if (it == r.parameters.end() || it->second.pending) continue;
    if (const auto part = Select(it->second.value, f.reference, 2); !part)
      out_.Add(path_ + ".container", part.error().message);
  }
}

void StepResolver::NameContainerParameters(const api::StepSpec& step, ResolvedStep& r) {
  for (const api::ContainerSpec* program : r.Programs())
    for (const std::string& name : ContainerParameters(*program)) {
      if (r.parameters.contains(name) || step.parameters.contains(name)) continue;
      const auto it = values_.find(name);
      if (it != values_.end() && !it->second.is_null())
        r.parameters[name] = {it->second, false, {}};
    }
}

void StepResolver::AddParameter(const std::string& name, const Json& value, ResolvedStep& r) {
  if (value.is_null()) return;  // not given: the Component's default
  ResolvedParameter p;
  if (component_ != nullptr)
    for (const auto& declared : component_->parameters)
      if (declared.name == name && !declared.untyped) p.spec = declared;
  std::vector<FoundReference> left;
  std::vector<api::FieldError> ignored;
  CollectReferences(value, "", left, ignored);
  p.pending = !left.empty();
  p.value = value;
  if (!p.pending) {
    auto plain = ExpandAll(value, Nothing);
    if (plain) p.value = *plain;
    const std::string path = api::ChildPath(path_ + ".parameters", name);
    if (p.spec) {
      if (auto wrong = CheckValue(*p.spec, p.value)) out_.Add(path, *wrong);
    } else if (CanonicalText(p.value).size() > kMaxValueBytes) {
      out_.Add(path, "is over 64 KiB; hand it over as an input instead");
    }
  }
  r.parameters[name] = std::move(p);
}

void StepResolver::PassParameters(const api::StepSpec& step, ResolvedStep& r) const {
  if (!r.nested->spec) return;
  for (const api::ParameterSpec& p : spec_.parameters)
    if (const Json& value = values_.at(p.name);
        !step.parameters.contains(p.name) && !value.is_null())
      r.parameters[p.name] = {value, false, {}};
}

}  // namespace penstock::plan
