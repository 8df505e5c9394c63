#include "components/kubernetes/wait.h"

#include <cstdint>
#include <optional>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::kubernetes {
namespace {

// The condition of this type in an object's status; null: there is none.
const Json* FindCondition(const Json& object, const std::string& type) {
  const auto status = object.find("status");
  if (status == object.end() || !status->is_object()) return nullptr;
  const auto all = status->find("conditions");
  if (all == status->end() || !all->is_array()) return nullptr;
  for (const Json& one : *all)
    if (one.is_object() && one.value("type", "") == type) return &one;
  return nullptr;
}

std::string TextOf(const Json& condition, const char* field) {
  const auto it = condition.find(field);
  return it != condition.end() && it->is_string() ? it->get<std::string>() : "";
}

std::string Said(const Json& condition) {
  std::string text = TextOf(condition, "type") + " is " + TextOf(condition, "status");
  for (const char* field : {"reason", "message"})
    if (const std::string said = TextOf(condition, field); !said.empty())
      text += (field[0] == 'r' ? " (" : ": ") + said + (field[0] == 'r' ? ")" : "");
  return plan::Shown(text, 500);
}

// Of which generation of the object these words are; nullopt: they do not say.
std::optional<std::int64_t> GenerationIn(const Json& words, const char* field) {
  const auto it = words.find(field);
  if (it == words.end() || !IsInt64(*it)) return std::nullopt;
  return it->get<std::int64_t>();
}

// What a controller said before it saw the object as it is now: an apply has just changed it.
bool IsOld(const Json& object, const Json* condition, std::string& why) {
  const auto now = GenerationIn(object.value("metadata", Json::object()), "generation");
  const auto status = object.find("status");
  if (!now || status == object.end() || !status->is_object()) return false;
  auto seen = GenerationIn(*status, "observedGeneration");
  if (condition != nullptr)
    if (const auto own = GenerationIn(*condition, "observedGeneration")) seen = own;
  if (!seen || *seen >= *now) return false;
  why = "its status is of generation " + std::to_string(*seen) + ", and it is at " +
        std::to_string(*now);
  return true;
}

Result<bool> ConditionHolds(const Json& object, const std::string& type, std::string& why) {
  const Json* wanted = FindCondition(object, type);
  if (IsOld(object, wanted, why)) return false;
  if (wanted != nullptr && TextOf(*wanted, "status") == "True") return true;
  why = wanted != nullptr ? "its condition " + Said(*wanted)
                          : "its status has no condition " + type + " yet";
  const Json* failed = FindCondition(object, "Failed");
  if (failed != nullptr && TextOf(*failed, "status") == "True" && !IsOld(object, failed, why))
    return Invalid("its condition " + Said(*failed));
  return false;
}

}  // namespace

const std::vector<std::string>& KnownVariables() {
  static const std::vector<std::string> kKnown = {"object", "metadata", "spec", "status", "data"};
  return kKnown;
}

outside::Variables VariablesOf(const Json& object) {
  Json fields{{"object", object}};
  for (const char* name : {"metadata", "spec", "status", "data"})
    fields[name] = object.value(name, Json::object());
  return outside::VariablesOf(fields);
}

Result<bool> IsAsWanted(const Json& object, const Awaited& awaited, std::string& why) {
  const auto variables = VariablesOf(object);
  if (awaited.failure.IsGiven()) {
    const auto failed = awaited.failure.Holds(variables);
    if (failed && *failed)
      return Invalid("failureCondition (" + awaited.failure.text() + ") is true");
    // A field that is not there yet.
    if (!failed) why = failed.error().message;
  }
  if (!awaited.condition.empty()) {
    PENSTOCK_ASSIGN(const bool holds, ConditionHolds(object, awaited.condition, why));
    if (!holds) return false;
  }
  if (!awaited.success.IsGiven()) return true;
  const auto holds = awaited.success.Holds(variables);
  if (holds && *holds) return true;
  why =
      holds ? "successCondition (" + awaited.success.text() + ") is false" : holds.error().message;
  return false;
}

}  // namespace penstock::kubernetes
