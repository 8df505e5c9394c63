#include "operator/plan/resolve/pod_values.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "operator/plan/resolve/value_check.h"

namespace penstock::plan {
namespace {

using Known = std::function<bool(const Reference&)>;

constexpr std::size_t kMaxImage = 1024;
constexpr std::size_t kMaxObjectName = 253;

void Refuse(const Json& value, const std::string& path, const std::string& why, Findings& out) {
  if (HasTemplate(value)) out.Add(path, "cannot hold references: " + why);
}

// All of a volume that may hold none.
void CheckVolumes(const api::StepSpec& step, const std::string& path, Findings& out) {
  std::vector<Json> rest = step.volumes;
  // With nothing in those that may, what is left holds none.
  const auto done = PutVolumePlaces(
      rest, ".", [](const Json&, const std::string&) -> Result<Json> { return Json("x"); });
  if (!done) return out.Add(path + ".volumes", done.error().message);
  for (std::size_t i = 0; i < rest.size(); ++i)
    Refuse(rest[i], api::ItemPath(path + ".volumes", i),
           "of a volume the names of the claim, the ConfigMap and the Secret, emptyDir.sizeLimit "
           "and the size and class of an ephemeral claim may; folders of nodes are the "
           "pipeline's to name",
           out);
}

void CheckScheduling(const api::SchedulingSpec& s, const std::string& path, Findings& out) {
  constexpr const char* kWho = "its rank and its sandbox are the pipeline's to say";
  Refuse(s.priority_class_name, path + ".priorityClassName", kWho, out);
  Refuse(s.runtime_class_name, path + ".runtimeClassName", kWho, out);
  Refuse(s.scheduler_name, path + ".schedulerName", kWho, out);
}

// It stands apart from the places that are put in: another pool, when the budget runs out.
void CheckLastAttempt(const api::RetrySpec& retry, const std::string& path, Findings& out) {
  if (!retry.last_attempt) return;
  constexpr const char* kWho = "where the last attempt goes is the pipeline's to say";
  const std::string place = path + ".retry.lastAttempt";
  for (const auto& [label, value] : retry.last_attempt->node_selector)
    Refuse(value, api::ChildPath(place + ".nodeSelector", label), kWho, out);
  for (std::size_t i = 0; i < retry.last_attempt->tolerations.size(); ++i)
    Refuse(retry.last_attempt->tolerations[i], api::ItemPath(place + ".tolerations", i), kWho, out);
}

void CheckLabelValues(const api::SchedulingSpec& s, const std::string& path, Findings& out) {
  constexpr std::size_t kMaxLabelValue = 63;
  for (const auto& [label, value] : s.node_selector)
    if (!HasTemplate(value) && value.size() > kMaxLabelValue)
      out.Add(api::ChildPath(path + ".nodeSelector", label),
              "is over 63 characters, and no label of a node is");
}

// What comes of templates, as Kubernetes would refuse it late and in other words

Complaint CheckImageName(const std::string& image) {
  const bool odd = std::any_of(image.begin(), image.end(), [](char c) {
    return std::isgraph(static_cast<unsigned char>(c)) == 0 || c == '$' || c == '(';
  });
  if (!image.empty() && image.size() <= kMaxImage && !odd && std::isalnum(image[0]) != 0)
    return std::nullopt;
  return "'" + image.substr(0, 80) + "' is no image; write for example debian:bookworm-slim";
}

bool IsLabelValue(const std::string& value) {
  const auto edge = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  if (value.empty()) return true;
  return value.size() <= 63 && edge(value.front()) && edge(value.back()) &&
         std::all_of(value.begin(), value.end(),
                     [&](char c) { return edge(c) || c == '-' || c == '_' || c == '.'; });
}

bool IsObjectName(const std::string& name) {
  const auto edge = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kMaxObjectName && edge(name.front()) &&
         edge(name.back()) && std::all_of(name.begin(), name.end(), [&](char c) {
           return edge(c) || c == '-' || c == '.';
         });
}

// Says the first text at a way that names no object.
struct NameCheck {
  std::string wrong;
  void Name(const std::string& name, const std::string& where) {
    if (wrong.empty() && !IsObjectName(name))
      wrong = where + ": '" + name.substr(0, 80) + "' names no object";
  }
  void At(const Json& object, const std::vector<std::string>& way, const std::string& where) {
    const Json* now = &object;
    for (const std::string& name : way) {
      if (!now->is_object() || !now->contains(name)) return;
      now = &now->at(name);
    }
    if (now->is_string()) Name(now->get<std::string>(), where);
  }
  void Program(const api::ContainerSpec& program) {
    for (const Json& e : program.env)
      for (const char* kind : {"secretKeyRef", "configMapKeyRef"})
        At(e, {"valueFrom", kind, "name"}, "env " + TextAt(e, "name"));
    for (const Json& e : program.env_from)
      for (const char* kind : {"secretRef", "configMapRef"}) At(e, {kind, "name"}, "envFrom");
  }
  void Volume(const Json& volume) {
    At(volume, {"persistentVolumeClaim", "claimName"}, "volumes");
    At(volume, {"configMap", "name"}, "volumes");
    At(volume, {"secret", "secretName"}, "volumes");
    const auto projected = volume.find("projected");
    if (projected == volume.end() || !projected->is_object()) return;
    const auto sources = projected->find("sources");
    if (sources == projected->end() || !sources->is_array()) return;
    for (const Json& source : *sources)
      for (const char* kind : {"secret", "configMap"}) At(source, {kind, "name"}, "volumes");
  }
};

std::string WrongName(const ResolvedStep& step) {
  NameCheck check;
  if (!step.scheduling.service_account_name.empty())
    check.Name(step.scheduling.service_account_name, "serviceAccountName");
  for (const Json& one : step.scheduling.image_pull_secrets)
    check.At(one, {"name"}, "imagePullSecrets");
  for (const api::ContainerSpec* program : step.Programs()) check.Program(*program);
  for (const Json& volume : step.volumes) check.Volume(volume);
  return check.wrong;
}

std::string NoLabelValue(const std::string& path, const std::string& value) {
  const std::string why = WhyNoLabelValue(value);
  return why.empty() ? "" : path + ": " + why;
}

// What is wrong with a pod's fields once all is put in; "": nothing.
std::string WhatIsWrong(const ResolvedStep& step) {
  if (step.containers.empty())
    if (auto wrong = CheckImageName(step.container.image)) return "container.image: " + *wrong;
  Findings found;
  CheckResources(step.resources, "resources", found);
  if (!found.errors.empty()) return found.errors[0].path + ": " + found.errors[0].message;
  for (const auto& [label, value] : step.scheduling.node_selector)
    if (auto wrong = NoLabelValue("nodeSelector." + label, value); !wrong.empty()) return wrong;
  if (step.pod.is_object() && step.pod.contains("labels"))
    for (const auto& [label, value] : step.pod.at("labels").items())
      if (auto wrong = NoLabelValue("pod.labels." + label, value); !wrong.empty()) return wrong;
  for (const auto& [name, text] : {std::pair("attempt", &step.timeouts.attempt_text),
                                   std::pair("pending", &step.timeouts.pending_text)})
    if (!text->empty())
      return std::string("timeouts.") + name + ": '" + text->substr(0, 80) + "' is no duration";
  return WrongName(step);
}

}  // namespace

void CheckPodReferences(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  for (const PodPlace& place : PlacesOf(step)) {
    std::vector<FoundReference> found;
    CollectReferences(place.value, path + place.path, found, c.out.errors);
    for (const FoundReference& f : found)
      if (place.path.starts_with(".timeouts.") && !f.reference.Is({"parameters", "*"}))
        c.out.Add(f.path, f.reference.Text() +
                              " cannot stand here: what a step may take is known when the run "
                              "starts; it may hold $(parameters.x) of the pipeline");
      else
        CheckValueReference(c, nullptr, f, f.path);
  }
  CheckVolumes(step, path, c.out);
  CheckScheduling(step.scheduling, path, c.out);
  CheckLabelValues(step.scheduling, path, c.out);
  CheckLastAttempt(step.retry, path, c.out);
}

void CheckDefaultReferences(const CheckContext& c) {
  const api::StepDefaults& d = c.spec.defaults;
  for (const PodPlace& place : PlacesOf(d)) {
    std::vector<FoundReference> found;
    CollectReferences(place.value, "spec.defaults" + place.path, found, c.out.errors);
    for (const FoundReference& f : found)
      if (f.reference.Is({"parameters", "*"}))
        CheckValueReference(c, nullptr, f, f.path);
      else
        c.out.Add(f.path, f.reference.Text() +
                              " cannot stand in defaults; they may hold $(parameters.x), and a "
                              "step's own field the rest");
  }
  CheckScheduling(d.scheduling, "spec.defaults", c.out);
  CheckLabelValues(d.scheduling, "spec.defaults", c.out);
  CheckLastAttempt(d.retry, "spec.defaults", c.out);
}

Result<api::StepSpec> PutKnownPodValues(api::StepSpec step, const Lookup& lookup,
                                        const Known& known) {
  const auto done = PutPlaces(step, [&](const Json& value, const std::string&) {
    return ExpandKnown(value, lookup, known);
  });
  if (!done) return done.error();
  return step;
}

Result<api::StepDefaults> PutKnownPodValues(api::StepDefaults defaults, const Lookup& lookup,
                                            const Known& known) {
  const auto done = PutPlaces(defaults, [&](const Json& value, const std::string&) {
    return ExpandKnown(value, lookup, known);
  });
  if (!done) return done.error();
  return defaults;
}

bool HoldsTemplates(const api::StepSpec& step, const api::StepDefaults& defaults) {
  return !PlacesOf(step).empty() || !PlacesOf(defaults).empty();
}

bool HasPodReferences(const ResolvedStep& step) { return !PodReferences(step).empty(); }

std::vector<FoundReference> PodReferences(const ResolvedStep& step) {
  std::vector<FoundReference> found;
  std::vector<api::FieldError> ignored;  // said by the checks
  for (const PodPlace& place : PlacesOf(step))
    CollectReferences(place.value, place.path.substr(1), found, ignored);
  return found;
}

Result<ResolvedStep> PutPodValues(ResolvedStep step, const Lookup& lookup) {
  const auto done = PutPlaces(
      step, [&](const Json& value, const std::string&) { return ExpandAll(value, lookup); });
  if (!done) return done.error();
  if (std::string wrong = WhatIsWrong(step); !wrong.empty()) return Invalid(std::move(wrong));
  return step;
}

std::string WhyNoLabelValue(const std::string& value) {
  if (IsLabelValue(value)) return "";
  return "'" + value.substr(0, 80) +
         "' is no label value: letters, digits, '-', '_' and '.', at most 63";
}

}  // namespace penstock::plan
