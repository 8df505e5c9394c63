#include "operator/metadata/tracked_values.h"

#include <cmath>
#include <cstdlib>
#include <tuple>

namespace penstock::metadata {

void TakeNewer(const MetricPoint& p, NewestMetrics& newest) {
  const auto [entry, is_new] = newest.emplace(p.name, p);
  const MetricPoint& old = entry->second;
  if (!is_new && std::tie(p.step, p.at, p.value) >= std::tie(old.step, old.at, old.value))
    entry->second = p;
}

// JSON has no number for these, and SQLite none for a NaN.
std::string TextOf(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return Json(value).dump();
}

double NumberOf(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

Json MetricsDocument(const NewestMetrics& metrics) {
  Json document = Json::object();
  for (const auto& [name, p] : metrics) document[name] = {TextOf(p.value), p.at, p.step};
  return document;
}

NewestMetrics ReadMetrics(const Json& document) {
  NewestMetrics metrics;
  for (const auto& [name, p] : document.items())
    metrics[name] = {name, NumberOf(p.at(0).get<std::string>()), p.at(1).get<std::int64_t>(),
                     p.at(2).get<std::int64_t>()};
  return metrics;
}

Json FilesDocument(const TrackedFiles& files) {
  Json document = Json::object();
  for (const auto& [path, file] : files) document[path] = {file.digest, file.bytes};
  return document;
}

TrackedFiles ReadFiles(const Json& document) {
  TrackedFiles files;
  for (const auto& [path, file] : document.items())
    files[path] = {file.at(0).get<std::string>(), file.at(1).get<std::uint64_t>()};
  return files;
}

}  // namespace penstock::metadata
