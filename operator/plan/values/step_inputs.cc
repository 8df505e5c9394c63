#include "operator/plan/values/step_inputs.h"

#include <algorithm>
#include <utility>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/plan/expression/expression.h"
#include "operator/plan/resolve/loop.h"
#include "operator/plan/resolve/pod_values.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/step_merge.h"
#include "operator/plan/resolve/value_check.h"
#include "operator/protocol/span_uri.h"

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

// Of an output that is not known though it was given.
void RefuseLost(const OutputRef& output, const StatusOf& status_of, Ingredients& out) {
  const api::StepStatus* status = status_of(output.step);
  if (status == nullptr || !HasNoEntry(*status) || !out.fail_reason.empty()) return;
  out.fail_reason = kNoEntry;
  out.message = "the output '" + output.output + "': " + WhyOutOfReach(*status, output.output);
}

// NotFound: absent, and the input's next source is looked at; `given` then says that its result was
// given, and what is asked for of it is not there.
Result<TaskInput> FromSource(const ResolvedSource& from, const ResolvedInput& input,
                             const ValueSource& source, Ingredients& out, bool& given) {
  TaskInput in{input.name, input.type, from.artifact, from.uri, ""};
  bool put_by_hand = from.put_by_hand;
  if (!from.step.empty()) {
    in.artifact = Made({from.step, from.output}, source.status_of);
    if (!in.artifact) RefuseLost({from.step, from.output}, source.status_of, out);
    if (!in.artifact)
      return NotFound("step " + from.step + " gave no output '" + from.output +
                      "', which the input '" + input.name + "' needs");
  } else if (from.pending) {
    const auto text = ExpandAll(from.uri, [&](const Reference& r) {
      auto found = LookUp(r, source);
      if (!found) given = !IsAbsentResult(r, source);
      return found;
    });
    if (!text) return Wrap("input '" + input.name + "'", text.error());
    in.uri = CanonicalText(*text);
    if (in.uri.empty()) return NotFound("input '" + input.name + "': " + from.uri + " is empty");
    if (auto wrong = CheckSource(in.uri)) return Invalid("input '" + input.name + "': " + *wrong);
    put_by_hand = IsDigest(in.uri);
    if (put_by_hand) in.artifact = ArtifactRef{std::exchange(in.uri, ""), false, 0};
  } else if (!in.artifact && in.uri.empty()) {
    return NotFound("input '" + input.name + "' is absent");
  }
  if (put_by_hand) out.put_by_hand.insert(input.name);
  // One window in all attempts and steps of a run.
  in.uri = WithWindowEnd(in.uri, api::ScheduledTime(source.run));
  return in;
}

void AddInput(const ResolvedInput& input, const ValueSource& source, Ingredients& out) {
  std::optional<Error> absent;
  bool has_no_entry = false;  // the first that is absent
  for (const ResolvedSource* from : input.Sources()) {
    bool given = false;
    auto in = FromSource(*from, input, source, out, given);
    if (in) return out.inputs.push_back(std::move(*in));
    if (in.error().kind != ErrorKind::kNotFound) {
      if (out.fail_reason.empty()) out.message = in.error().message;
      if (out.fail_reason.empty()) out.fail_reason = "InvalidInput";
      return;
    }
    if (!absent) has_no_entry = given;
    if (!absent) absent = in.error();
  }
  if (has_no_entry && !input.optional && out.fail_reason.empty()) {
    out.fail_reason = "InvalidInput";
    out.message = absent->message;
  }
  if (input.optional || !out.fail_reason.empty() || !out.skip_reason.empty()) return;
  out.skip_reason = input.step.empty() ? "ResultAbsent" : "OutputAbsent";
  out.message = absent->message;
}

void AddCode(const ResolvedStep& step, const StatusOf& status_of, Ingredients& out) {
  out.code = step.code_from ? Made(*step.code_from, status_of) : step.code;
  if (step.packages_from) out.packages = Made(*step.packages_from, status_of);
  const bool code_is_absent = step.code_from && !out.code;
  const bool packages_are_absent = step.packages_from && !out.packages;
  if (!code_is_absent && !packages_are_absent) return;
  RefuseLost(code_is_absent ? *step.code_from : *step.packages_from, status_of, out);
  if (!out.fail_reason.empty() || !out.skip_reason.empty()) return;
  out.skip_reason = "OutputAbsent";
  out.message = code_is_absent ? "step " + step.code_from->step + " fetched no code"
                               : "step " + step.packages_from->step + " installed no packages";
}

// A parameter's value, or why the step has none.
Result<Json> ValueOf(const ResolvedParameter& p, const ValueSource& source, bool& absent) {
  if (!p.pending) return p.value;
  auto value = ExpandAll(p.value, [&](const Reference& r) {
    auto found = LookUp(r, source);
    if (!found) absent = IsAbsentResult(r, source);
    return found;
  });
  if (value) absent = false;
  return value;
}

// What the container's texts ask for of the run and of the item. Absent fields are the launcher's
// to tell of: it has the text.
void AddValues(const ResolvedStep& step, const ValueSource& source, Ingredients& out) {
  std::vector<FoundReference> found;
  std::vector<api::FieldError> ignored;  // said when the run was resolved
  CollectReferences(StepTemplates(step), "", found, ignored);
  for (const FoundReference& f : found) {
    const Reference& r = f.reference;
    if (!r.Is({"run", "*"}) && !r.Is({"each", "*"})) continue;
    auto value = LookUp(Reference{{r.path[0], r.path[1]}}, source);
    if (value) {
      out.values[r.path[0]][r.path[1]] = std::move(*value);
    } else if (out.fail_reason.empty()) {
      out.fail_reason = "InvalidParameter";
      out.message = value.error().message;
    }
  }
}

void PutPod(const ResolvedStep& step, const ValueSource& source, Ingredients& out) {
  if (!step.pod_pending) return;
  bool absent = false;
  auto put = PutPodValues(step, [&](const Reference& r) {
    auto found = LookUp(r, source);
    if (!found) absent = IsAbsentResult(r, source);
    return found;
  });
  if (put) {
    out.step = std::move(*put);
    return;
  }
  std::string& reason = absent ? out.skip_reason : out.fail_reason;
  if (!reason.empty()) return;
  out.message = put.error().message;
  reason = absent ? "ResultAbsent" : "InvalidSpec";
}

}  // namespace

std::set<std::string> StepsRead(const ResolvedStep& step) {
  std::set<std::string> read;
  for (const OutputRef& taken : step.Takes()) read.insert(taken.step);
  std::vector<FoundReference> found;
  std::vector<api::FieldError> ignored;  // said when the run was resolved
  for (const auto& [name, p] : step.parameters)
    if (p.pending) CollectReferences(p.value, "", found, ignored);
  for (const ResolvedInput& input : step.inputs)
    for (const ResolvedSource* source : input.Sources())
      if (source->pending) CollectReferences(source->uri, "", found, ignored);
  if (step.pod_pending)
    for (FoundReference& f : PodReferences(step)) found.push_back(std::move(f));
  if (step.loop && step.loop->pending) CollectLoopReferences(step.loop->spec, "", found, ignored);
  for (const FoundReference& f : found)
    if (f.reference.Is({"steps", "*"}) && !f.reference.IsJust({"steps", "*", "status"}) &&
        !f.reference.IsJust({"steps", "*", "exitCode"}))
      read.insert(f.reference.path[1]);
  const auto when = expression::Expression::Parse(step.when);
  if (step.when.empty() || !when) return read;
  for (const expression::Path& path : PathsOf(*when))
    if (path.names.size() > 2 && path.names[0] == "steps" && path.names[2] != "status" &&
        path.names[2] != "exitCode")
      read.insert(path.names[1]);
  return read;
}

Ingredients Gather(const ResolvedStep& step, const ValueSource& source) {
  Ingredients out;
  for (const ResolvedInput& input : step.inputs) AddInput(input, source, out);
  AddCode(step, source.status_of, out);
  AddValues(step, source, out);
  PutPod(step, source, out);
  for (const auto& [name, p] : step.parameters) {
    bool absent = false;
    Result<Json> value = ValueOf(p, source, absent);
    if (!value) {
      std::string& reason = absent ? out.skip_reason : out.fail_reason;
      if (reason.empty()) out.message = "parameter '" + name + "': " + value.error().message;
      if (reason.empty()) reason = absent ? "ResultAbsent" : "InvalidParameter";
      continue;
    }
    if (value->is_null()) continue;  // not given
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

}  // namespace penstock::plan
