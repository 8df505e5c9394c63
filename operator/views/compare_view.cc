#include "operator/views/compare_view.h"

#include <map>

#include "operator/base/try.h"
#include "operator/views/run/run_ingredients.h"
#include "operator/views/run_rows.h"

namespace penstock::views {
namespace {

using Key = std::pair<std::string, std::string>;  // step, name
using Lines = std::map<Key, std::vector<Json>>;

constexpr std::size_t kMostCells = 1'000'000;  // of all lines together

class Comparison {
 public:
  explicit Comparison(std::size_t runs) : runs_(runs) {}

  void Set(Lines& lines, const Key& key, std::size_t run, Json value) {
    auto line = lines.find(key);
    if (line == lines.end()) {
      cells_ += runs_;
      if (cells_ > kMostCells) return;
      line = lines.emplace(key, std::vector<Json>(runs_)).first;
    }
    line->second[run] = std::move(value);
  }
  // Something was left out.
  [[nodiscard]] bool is_full() const { return cells_ > kMostCells; }

  // `what`: the member that holds the values.
  [[nodiscard]] Json Told(const Lines& lines, const char* what, bool with_step) const {
    Json list = Json::array();
    for (const auto& [key, values] : lines) {
      bool differs = false;
      for (const Json& value : values) differs = differs || value != values.front();
      Json line{{"name", key.second}, {what, values}, {"differs", differs}};
      if (with_step) line["step"] = key.first;
      list.push_back(std::move(line));
    }
    return list;
  }

 private:
  const std::size_t runs_;
  std::size_t cells_ = 0;
};

bool IsMetric(const Json& value) { return value.is_number() || value.is_boolean(); }

}  // namespace

Result<Json> CompareView(const Place& place, const std::string& ns,
                         const std::vector<std::string>& names) {
  if (names.empty()) return Invalid("runs: name the runs to compare, as runs=a&runs=b");
  if (names.size() > kMostCompared)
    return Invalid("runs: at most " + std::to_string(kMostCompared) + " can be compared");
  PENSTOCK_ASSIGN(auto runs, place.history().Compared(ns, names));
  Comparison comparison(runs.size());
  Lines parameters, metrics, inputs;
  Json rows = Json::array();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const auto& [name, value] : Leaves(runs[i].parameters))
      comparison.Set(parameters, {"", name}, i, value);
    for (const metadata::StepRecord& step : runs[i].steps) {
      for (const auto& [result, value] : step.results) {
        if (IsMetric(value)) {
          comparison.Set(metrics, {step.name, result}, i, value);
          continue;
        }
        if (!value.is_structured()) continue;
        for (const auto& [leaf, inner] : Leaves({{result, value}}))
          if (IsMetric(inner)) comparison.Set(metrics, {step.name, leaf}, i, inner);
      }
      for (const metadata::ArtifactUse& in : step.inputs) {
        const std::string& what = !in.digest.empty()        ? in.digest
                                  : !in.fingerprint.empty() ? in.fingerprint
                                                            : in.uri;
        comparison.Set(inputs, {step.name, in.name}, i, what);
      }
    }
    if (comparison.is_full())
      return Invalid("runs: they have over " + std::to_string(kMostCells) +
                     " values to stand side by side; name fewer");
    runs[i].steps.clear();
    rows.push_back(RunRow(place, std::move(runs[i])));
  }
  return Json{{"runs", std::move(rows)},
              {"parameters", comparison.Told(parameters, "values", false)},
              {"metrics", comparison.Told(metrics, "values", true)},
              {"inputs", comparison.Told(inputs, "digests", true)}};
}

}  // namespace penstock::views
