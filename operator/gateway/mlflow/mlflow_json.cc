#include "operator/gateway/mlflow/mlflow_json.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/mlflow/artifact_place.h"
#include "operator/gateway/mlflow/run_filter.h"

namespace penstock::gateway {
namespace {

constexpr std::size_t kLongestKey = 250;

std::optional<double> ReadNumber(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  const std::string text = value.get<std::string>();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> ReadWhole(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number > std::uint64_t(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_string()) return std::nullopt;
  const std::string text = value.get<std::string>();
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

// What reads it as a C string would take the text for a shorter one.
Result<std::string> TextOf(const std::string& name, const Json& value) {
  if (!value.is_string()) return Invalid(name + " is no text");
  auto text = value.get<std::string>();
  if (text.find('\0') != std::string::npos) return Invalid(name + " holds a NUL character");
  return text;
}

}  // namespace

std::int64_t MillisecondsOf(const std::optional<TimePoint>& t) {
  if (!t) return 0;
  return std::chrono::duration_cast<Milliseconds>(t->time_since_epoch()).count();
}

Json PairsJson(const TextMap& map) {
  Json list = Json::array();
  for (const auto& [key, value] : map) list.push_back({{"key", key}, {"value", value}});
  return list;
}

const Json* Asked::Find(const std::string& name) const {
  const auto found = body_.find(name);
  return found == body_.end() || found->is_null() ? nullptr : &*found;
}

Result<std::string> Asked::Text(const std::string& name) const {
  const Json* value = Find(name);
  if (value == nullptr) return std::string();
  return TextOf(name, *value);
}

Result<std::string> Asked::Needed(const std::string& name, std::size_t most) const {
  PENSTOCK_ASSIGN(std::string text, Text(name));
  if (text.empty()) return Invalid(name + " is missing");
  if (text.size() > most)
    return Invalid(name + " is over " + std::to_string(most) + " bytes: '" + plan::Shown(text, 40) +
                   "...'");
  return text;
}

Result<std::optional<std::int64_t>> Asked::Whole(const std::string& name) const {
  const Json* value = Find(name);
  if (value == nullptr) return std::optional<std::int64_t>();
  const auto number = ReadWhole(*value);
  if (!number) return Invalid(name + " is no whole number of 64 bits");
  return number;
}

Result<std::vector<std::string>> Asked::Texts(const std::string& name) const {
  std::vector<std::string> texts;
  const Json* value = Find(name);
  if (value == nullptr) return texts;
  // A query that names a thing once has one of it.
  Json alone = Json::array();
  if (value->is_string()) alone.push_back(*value);
  if (alone.empty() && !value->is_array()) return Invalid(name + " is no list");
  for (const Json& each : alone.empty() ? *value : alone) {
    PENSTOCK_ASSIGN(std::string text, TextOf("one of " + name, each));
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<bool> Asked::Flag(const std::string& name) const {
  const Json* value = Find(name);
  if (value == nullptr || *value == "false") return false;
  if (*value == "true") return true;
  if (!value->is_boolean()) return Invalid(name + " is neither true nor false");
  return value->get<bool>();
}

Result<std::vector<Json>> Asked::Objects(const std::string& name, std::size_t most) const {
  std::vector<Json> objects;
  const Json* value = Find(name);
  if (value == nullptr) return objects;
  if (!value->is_array()) return Invalid(name + " is no list");
  if (value->size() > most)
    return Invalid(name + " holds " + std::to_string(value->size()) + " of at most " +
                   std::to_string(most) + "; send them in several requests");
  for (const Json& object : *value) {
    if (!object.is_object()) return Invalid(name + " holds something that is no object");
    objects.push_back(object);
  }
  return objects;
}

Result<metadata::MetricPoint> Asked::Metric() const {
  metadata::MetricPoint point;
  PENSTOCK_ASSIGN(point.name, Needed("key", kLongestKey));
  const Json* value = Find("value");
  if (value == nullptr) return Invalid("value is missing, of the metric " + point.name);
  const auto number = ReadNumber(*value);
  if (!number) return Invalid("value is no number, of the metric " + point.name);
  point.value = *number;
  PENSTOCK_ASSIGN(const auto at, Whole("timestamp"));
  PENSTOCK_ASSIGN(const auto step, Whole("step"));
  point.at = at.value_or(0);
  point.step = step.value_or(0);
  return point;
}

Result<TextMap> ReadPairs(const std::vector<Json>& pairs, std::size_t longest) {
  TextMap map;
  for (const Json& pair : pairs) {
    const Asked asked(pair);
    PENSTOCK_ASSIGN(const std::string key, asked.Needed("key", kLongestKey));
    PENSTOCK_ASSIGN(const std::string value, asked.Text("value"));
    if (value.size() > longest)
      return Invalid("the value of " + key + " is over " + std::to_string(longest) + " bytes");
    const auto [entry, is_new] = map.emplace(key, value);
    if (!is_new && entry->second != value) return Invalid(key + " is there twice");
  }
  return map;
}

Json ExperimentJson(const metadata::Experiment& e) {
  return {{"experiment_id", e.id},
          {"name", e.name},
          {"artifact_location", "mlflow-artifacts:/" + e.id},
          {"lifecycle_stage", "active"},
          {"creation_time", MillisecondsOf(e.created)},
          {"last_update_time", MillisecondsOf(e.changed)},
          {"tags", PairsJson(e.tags)}};
}

Json MetricJson(const metadata::MetricPoint& p) {
  Json metric{{"key", p.name}, {"value", p.value}, {"timestamp", p.at}, {"step", p.step}};
  if (std::isnan(p.value)) metric["value"] = "NaN";
  if (std::isinf(p.value)) metric["value"] = p.value > 0 ? "Infinity" : "-Infinity";
  return metric;
}

Json RunJson(const metadata::TrackedRun& run) {
  Json info{{"run_id", run.record.uid},
            {"run_uuid", run.record.uid},
            {"run_name", NameOf(run)},
            {"experiment_id", run.experiment},
            {"user_id", run.record.user},
            {"status", StatusOf(run)},
            {"start_time", MillisecondsOf(run.record.started)},
            {"artifact_uri", ArtifactUriOf(run)},
            {"lifecycle_stage", run.deleted ? "deleted" : "active"}};
  if (run.record.finished) info["end_time"] = MillisecondsOf(run.record.finished);
  Json metrics = Json::array();
  for (const auto& [name, point] : run.metrics) metrics.push_back(MetricJson(point));
  Json models = Json::array();
  for (const auto& [id, step] : run.models) models.push_back({{"model_id", id}, {"step", step}});
  return {{"info", std::move(info)},
          {"data",
           {{"metrics", std::move(metrics)},
            {"params", PairsJson(run.parameters)},
            {"tags", PairsJson(run.tags)}}},
          {"inputs", Json::object()},
          {"outputs", {{"model_outputs", std::move(models)}}}};
}

}  // namespace penstock::gateway
