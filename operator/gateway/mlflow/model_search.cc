#include "operator/gateway/mlflow/model_search.h"

#include <algorithm>

#include "operator/gateway/mlflow/mlflow_calls.h"

namespace penstock::gateway {
namespace {

using metadata::LoggedModel;
using metadata::ModelVersion;
using metadata::RegisteredModel;

// MLflow's client asks all models whether they are prompts; what does not say is none.
MaybeValue TagIn(const TextMap& tags, const std::string& name) {
  if (name == kPromptTag && !tags.contains(name)) return SearchedValue{"false", std::nullopt};
  return TextIn(tags, name);
}

MaybeValue ValueOf(const LoggedModel& m, const Comparison& key) {
  switch (key.of) {
    case Comparison::Of::kParameter:
      return TextIn(m.parameters, key.name);
    case Comparison::Of::kTag:
      return TextIn(m.tags, key.name);
    case Comparison::Of::kMetric:
      return MetricIn(m.metrics, key.name);
    case Comparison::Of::kAttribute:
      break;
  }
  if (key.name == "creation_timestamp") return NumberValue(MillisecondsOf(m.created));
  if (key.name == "last_updated_timestamp") return NumberValue(MillisecondsOf(m.changed));
  const TextMap texts{{"name", m.name},
                      {"model_id", m.id},
                      {"model_type", m.type},
                      {"status", m.status.substr(m.status.rfind('_') + 1)},
                      {"source_run_id", m.run}};
  return TextIn(texts, key.name);
}

MaybeValue ValueOf(const RegisteredModel& m, const Comparison& key) {
  if (key.of == Comparison::Of::kTag) return TagIn(m.tags, key.name);
  return SearchedValue{m.name, std::nullopt};
}

MaybeValue ValueOf(const ModelVersion& v, const Comparison& key) {
  if (key.of == Comparison::Of::kTag) return TagIn(v.tags, key.name);
  if (key.name == "version_number") return NumberValue(v.number);
  if (key.name == "run_id") return SearchedValue{v.run, std::nullopt};
  return SearchedValue{key.name == "name" ? v.name : v.source, std::nullopt};
}

template <typename T>
bool AllHold(const Comparisons& filter, const T& of) {
  return std::all_of(filter.begin(), filter.end(),
                     [&](const Comparison& c) { return Holds(ValueOf(of, c), c); });
}

}  // namespace

const SearchedBy& ByOfLoggedModels() {
  static const SearchedBy kBy{
      .texts = {"name", "model_id", "model_type", "status", "source_run_id"},
      .numbers = {"creation_timestamp", "last_updated_timestamp"},
      .values = true,
      .same = {{"creation_time", "creation_timestamp"},
               {"last_updated_time", "last_updated_timestamp"}}};
  return kBy;
}

const SearchedBy& ByOfRegistered() {
  static const SearchedBy kBy{.texts = {"name"}, .numbers = {}, .values = false, .same = {}};
  return kBy;
}

const SearchedBy& ByOfVersions() {
  static const SearchedBy kBy{.texts = {"name", "run_id", "source_path"},
                              .numbers = {"version_number"},
                              .values = false,
                              .same = {}};
  return kBy;
}

bool Matches(const Comparisons& filter, const LoggedModel& model) { return AllHold(filter, model); }
bool Matches(const Comparisons& filter, const RegisteredModel& model) {
  return AllHold(filter, model);
}
bool Matches(const Comparisons& filter, const ModelVersion& version) {
  return AllHold(filter, version);
}

void Sort(std::vector<LoggedModel>& models, const std::vector<Order>& orders) {
  std::stable_sort(models.begin(), models.end(), [&](const LoggedModel& a, const LoggedModel& b) {
    for (const Order& order : orders) {
      const int sign = CompareValues(ValueOf(a, order.by), ValueOf(b, order.by), order.down);
      if (sign != 0) return sign < 0;
    }
    return false;
  });
}

std::string OnlyName(const Comparisons& filter) {
  for (const Comparison& c : filter)
    if (c.of == Comparison::Of::kAttribute && c.name == "name" && c.how == "=") return c.text;
  return "";
}

}  // namespace penstock::gateway
