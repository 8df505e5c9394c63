// MLflow's requests and answers as JSON. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"
#include "operator/metadata/tracking.h"

namespace penstock::gateway {

// Members of a request's object. Invalid names the member; what is null is not there.
class Asked {
 public:
  explicit Asked(const Json& body) : body_(body) {}
  [[nodiscard]] const Json& body() const { return body_; }
  // "" where it is not there. No text holds a NUL, which not every database keeps.
  [[nodiscard]] Result<std::string> Text(const std::string& name) const;
  // The same, of at most so many bytes and at least one.
  [[nodiscard]] Result<std::string> Needed(const std::string& name, std::size_t most) const;
  // A whole number, as number or text.
  [[nodiscard]] Result<std::optional<std::int64_t>> Whole(const std::string& name) const;
  [[nodiscard]] Result<std::vector<std::string>> Texts(const std::string& name) const;
  [[nodiscard]] Result<bool> Flag(const std::string& name) const;  // false where it is not there
  // Objects of a list, `most` of them.
  [[nodiscard]] Result<std::vector<Json>> Objects(const std::string& name, std::size_t most) const;
  // {"key", "value", "timestamp", "step"}.
  [[nodiscard]] Result<metadata::MetricPoint> Metric() const;

 private:
  [[nodiscard]] const Json* Find(const std::string& name) const;
  const Json& body_;
};

// [{"key", "value"}] as a map, and back.
using TextMap = std::map<std::string, std::string>;
[[nodiscard]] Result<TextMap> ReadPairs(const std::vector<Json>& pairs, std::size_t longest);
[[nodiscard]] Json PairsJson(const TextMap& map);

[[nodiscard]] std::int64_t MillisecondsOf(const std::optional<TimePoint>& t);  // 0: none

[[nodiscard]] Json ExperimentJson(const metadata::Experiment& experiment);
[[nodiscard]] Json RunJson(const metadata::TrackedRun& run);
[[nodiscard]] Json MetricJson(const metadata::MetricPoint& point);

}  // namespace penstock::gateway
