#include "components/evaluate/importance.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "components/evaluate/rows.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/dataset.h"
#include "components/sdk/delong.h"
#include "operator/base/try.h"

namespace penstock::evaluate {
namespace {

Result<std::shared_ptr<arrow::RecordBatch>> ReadRows(const ServedModel& served,
                                                     const Scored& scored,
                                                     const std::string& dataset,
                                                     const std::vector<std::uint32_t>& chosen) {
  std::vector<std::string> names;
  for (const auto& input : served.manifest.inputs) names.push_back(input.name);
  std::vector<std::shared_ptr<arrow::RecordBatch>> rows;
  std::int64_t first = 0;
  std::size_t next = 0;
  PENSTOCK_TRY(
      sdk::ForEachBatch(dataset, names, [&](const arrow::RecordBatch& batch) -> Result<void> {
        const std::int64_t end = first + batch.num_rows();
        for (; next < chosen.size() && scored.RowOf(chosen[next]) < end; ++next) {
          rows.push_back(batch.Slice(scored.RowOf(chosen[next]) - first, 1));
        }
        first = end;
        return {};
      }));
  return sdk::FromArrow(arrow::ConcatenateRecordBatches(rows), dataset);
}

// The tensor with its rows in another order; each has as many elements.
model::InputTensor Shuffled(const model::InputTensor& tensor,
                            const std::vector<std::uint32_t>& order) {
  model::InputTensor shuffled = tensor;
  const auto take = [&order](const auto& from, auto& to) {
    const std::size_t each = from.size() / order.size();
    for (std::size_t r = 0; r < order.size(); ++r) {
      for (std::size_t e = 0; e < each; ++e) to[r * each + e] = from[order[r] * each + e];
    }
  };
  std::visit(
      [&](auto& to) { take(std::get<std::remove_reference_t<decltype(to)>>(tensor.data), to); },
      shuffled.data);
  if (!tensor.nulls.empty()) take(tensor.nulls, shuffled.nulls);
  return shuffled;
}

// Fisher and Yates, with draws that are the same with every library.
void Shuffle(std::mt19937_64& random, std::vector<std::uint32_t>& order) {
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[std::size_t((random() >> 32U) * std::uint64_t(i) >> 32U)]);
  }
}

// The chosen rows with their labels, and the metric of answers to them.
class Sample {
 public:
  Sample(const ServedModel& served, const Scored& scored, const std::vector<std::uint32_t>& chosen,
         std::string metric)
      : served_(served), manifest_(scored.manifest), metric_(std::move(metric)) {
    for (const std::uint32_t r : chosen) {
      labels_.push_back(scored.labels[r]);
      if (!scored.exact.empty()) exact_.push_back(scored.exact[r]);
      if (!scored.weights.empty()) weights_.push_back(scored.weights[r]);
    }
  }

  Result<sdk::Metric> Of(std::vector<model::InputTensor> inputs) const {
    PENSTOCK_ASSIGN(const auto raw, Answer(served_, std::move(inputs)));
    const auto all = sdk::Measure(manifest_, {raw, labels_, exact_, weights_});
    const auto found = all.find(metric_);
    return found == all.end() ? sdk::Metric{{}, {}, 0, "there is no such metric"} : found->second;
  }

 private:
  const ServedModel& served_;
  const sdk::ModelManifest& manifest_;
  std::string metric_;
  std::vector<float> labels_;
  std::vector<double> exact_, weights_;
};

InputImportance Summary(const std::string& column, const std::vector<double>& drops,
                        double confidence) {
  const auto n = double(drops.size());
  const double mean = std::accumulate(drops.begin(), drops.end(), 0.0) / n;
  double squares = 0;
  for (const double drop : drops) squares += (drop - mean) * (drop - mean);
  const double half = sdk::StudentQuantile((1 + confidence) / 2, drops.size() - 1) *
                      std::sqrt(squares / (n - 1) / n);
  return {column, mean, mean - half, mean + half};
}

double Drop(const std::string& metric, double base, double shuffled) {
  switch (sdk::DirectionOf(metric)) {
    case sdk::Direction::kLess:
      return shuffled - base;
    case sdk::Direction::kNearZero:
      return std::abs(shuffled) - std::abs(base);
    default:
      return base - shuffled;
  }
}

}  // namespace

Result<Importance> ImportanceOf(const ServedModel& served, const Scored& scored,
                                const std::string& dataset, const ImportanceOptions& options) {
  constexpr double kMostValues = 5e8;  // rows x inputs, once for each input and repeat
  constexpr std::size_t kLeastRows = 200;
  Importance importance;
  importance.metric = options.metric;
  const std::size_t inputs = served.manifest.inputs.size();
  const double columns = double(std::max<std::size_t>(1, inputs));
  const double row_cost = columns * columns * options.repeats;
  const auto rows_allowed = std::max(kLeastRows, std::size_t(kMostValues / row_cost));
  const auto chosen = SpreadRows(scored.labels.size(), std::min(options.rows, rows_allowed));
  importance.rows = std::int64_t(chosen.size());
  if (double(chosen.size()) * row_cost > 10 * kMostValues) {
    importance.why = "it would take too long for " + std::to_string(inputs) + " inputs";
    return importance;
  }
  PENSTOCK_ASSIGN(const auto rows, ReadRows(served, scored, dataset, chosen));
  PENSTOCK_ASSIGN(const auto fitted, FittedInputs(served, *rows));
  const Sample sample(served, scored, chosen, options.metric);
  PENSTOCK_ASSIGN(const auto base, sample.Of(fitted));
  if (!base.defined() || sdk::DirectionOf(options.metric) == sdk::Direction::kNone) {
    importance.why = base.defined() ? options.metric + " has no direction" : base.why;
    return importance;
  }
  importance.base = base.value;
  std::mt19937_64 random(options.seed);
  for (std::size_t i = 0; i < inputs; ++i) {
    std::vector<double> drops;
    for (int repeat = 0; repeat < options.repeats; ++repeat) {
      std::vector<std::uint32_t> order(chosen.size());
      std::iota(order.begin(), order.end(), 0U);
      Shuffle(random, order);
      auto changed = fitted;
      changed[i] = Shuffled(fitted[i], order);
      PENSTOCK_ASSIGN(const auto metric, sample.Of(std::move(changed)));
      drops.push_back(Drop(options.metric, base.value, metric.value));
    }
    importance.inputs.push_back(Summary(served.manifest.inputs[i].name, drops, options.confidence));
  }
  std::stable_sort(
      importance.inputs.begin(), importance.inputs.end(),
      [](const InputImportance& a, const InputImportance& b) { return a.drop > b.drop; });
  return importance;
}

Json ToJson(const Importance& importance) {
  Json j = {{"metric", importance.metric}, {"rows", importance.rows}, {"inputs", Json::array()}};
  if (!importance.why.empty()) {
    j["why"] = importance.why;
    return j;
  }
  j["base"] = importance.base;
  for (const auto& input : importance.inputs) {
    j["inputs"].push_back(
        {{"column", input.column}, {"drop", input.drop}, {"low", input.low}, {"high", input.high}});
  }
  return j;
}

}  // namespace penstock::evaluate
