#include "operator/plan/run/step_inputs.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/value_check.h"

namespace penstock::plan {
namespace {

const api::StepOutput* FindOutput(const api::StepStatus* status, const std::string& name) {
  if (status == nullptr) return nullptr;
  const auto it = std::find_if(status->outputs.begin(), status->outputs.end(),
                               [&](const auto& o) { return o.name == name; });
  return it == status->outputs.end() ? nullptr : &*it;
}

std::optional<ArtifactRef> Made(const OutputRef& output, const StatusOf& status_of) {
  const api::StepOutput* o = FindOutput(status_of(output.step), output.output);
  if (o == nullptr) return std::nullopt;
  return ArtifactRef{o->digest, o->folder, o->bytes};
}

void AddInput(const ResolvedInput& input, const StatusOf& status_of, Ingredients& out) {
  TaskInput in{input.name, input.type, input.artifact, input.uri, ""};
  if (!input.step.empty()) {
    in.artifact = Made({input.step, input.output}, status_of);
    if (!in.artifact && !input.optional && out.skip_reason.empty()) {
      out.skip_reason = "OutputAbsent";
      out.message = "step " + input.step + " gave no output '" + input.output +
                    "', which the input '" + input.name + "' needs";
    }
  }
  if (in.artifact || !in.uri.empty()) out.inputs.push_back(std::move(in));
}

void AddCode(const ResolvedStep& step, const StatusOf& status_of, Ingredients& out) {
  out.code = step.code_from ? Made(*step.code_from, status_of) : step.code;
  if (out.code || !step.code_from || !out.skip_reason.empty()) return;
  out.skip_reason = "OutputAbsent";
  out.message = "step " + step.code_from->step + " fetched no code";
}

Result<Json> Look(const Reference& r, const std::string& run_name, const StatusOf& status_of) {
  if (r.Is({"run", "name"})) return Json(run_name);
  if (r.Is({"steps", "*", "results", "*"})) {
    const api::StepStatus* status = status_of(r.path[1]);
    if (status != nullptr)
      if (const auto it = status->results.find(r.path[3]); it != status->results.end())
        return it->second;
    return NotFound("step " + r.path[1] + " gave no result '" + r.path[3] + "'");
  }
  return Invalid(r.Text() + " cannot stand in a parameter");
}

}  // namespace

Ingredients Gather(const ResolvedStep& step, const std::string& run_name,
                   const StatusOf& status_of) {
  Ingredients out;
  for (const ResolvedInput& input : step.inputs) AddInput(input, status_of, out);
  AddCode(step, status_of, out);
  for (const auto& [name, p] : step.parameters) {
    Result<Json> value = p.value;
    if (p.pending)
      value = ExpandAll(p.value, [&](const Reference& r) { return Look(r, run_name, status_of); });
    if (!value) {
      const bool absent = value.error().kind == ErrorKind::kNotFound;
      std::string& reason = absent ? out.skip_reason : out.fail_reason;
      if (reason.empty()) out.message = "parameter '" + name + "': " + value.error().message;
      if (reason.empty()) reason = absent ? "ResultAbsent" : "InvalidParameter";
      continue;
    }
    if (value->is_null()) continue;
    Complaint wrong;
    if (p.pending && p.spec) wrong = CheckValue(*p.spec, *value);
    if (p.pending && !p.spec && CanonicalText(*value).size() > kMaxValueBytes)
      wrong = "is over 64 KiB; hand it over as an output instead";
    if (wrong && out.fail_reason.empty()) {
      out.fail_reason = "InvalidParameter";
      out.message = "parameter '" + name + "': " + *wrong;
    }
    out.parameters[name] = std::move(*value);
  }
  return out;
}

bool AsksRunName(const ResolvedStep& step) {
  std::vector<FoundReference> found;
  std::vector<api::FieldError> ignored;
  const auto& c = step.container;
  CollectReferences(Json(c.command), "", found, ignored);
  CollectReferences(Json(c.args), "", found, ignored);
  CollectReferences(Json(c.working_dir), "", found, ignored);
  for (const Json& e : c.env)
    if (e.contains("value")) CollectReferences(e.at("value"), "", found, ignored);
  return std::any_of(found.begin(), found.end(), [](const auto& f) {
    return f.reference.Is({"run", "name"});
  });
}

}  // namespace penstock::plan
