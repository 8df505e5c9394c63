#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "components/explain/explainer.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/dataset.h"
#include "components/sdk/row_hash.h"
#include "operator/base/try.h"

namespace penstock::explain {
namespace {

using Inputs = std::vector<model::InputTensor>;
using Places = std::vector<std::vector<std::size_t>>;  // by permutation and input

constexpr std::size_t kMostValues = 2'000'000;  // that the model is given at once

// Element by element from one of two tensors of the same input: (is it the first, its row).
struct Pick {
  bool explained;
  std::size_t row;
};

Result<model::InputTensor> Mixed(const model::InputTensor& explained,
                                 const model::InputTensor& background,
                                 const std::vector<Pick>& picks) {
  if (explained.data.index() != background.data.index()) {
    return Invalid("input '" + explained.name +
                   "' is of another type in the background than in the dataset");
  }
  model::InputTensor mixed = explained;
  mixed.shape.front() = std::int64_t(picks.size());
  std::visit(
      [&](auto& to) {
        using Values = std::remove_reference_t<decltype(to)>;
        const auto& a = std::get<Values>(explained.data);
        const auto& b = std::get<Values>(background.data);
        to.clear();
        for (const Pick& pick : picks) to.push_back((pick.explained ? a : b)[pick.row]);
      },
      mixed.data);
  mixed.nulls.clear();
  if (explained.nulls.empty() && background.nulls.empty()) return mixed;
  for (const Pick& pick : picks) {
    const auto& nulls = pick.explained ? explained.nulls : background.nulls;
    mixed.nulls.push_back(nulls.empty() ? 0 : nulls[pick.row]);
  }
  return mixed;
}

// Rows spread evenly over a dataset, in one batch.
Result<std::shared_ptr<arrow::RecordBatch>> SpreadRows(const std::string& dataset,
                                                       const std::vector<std::string>& names,
                                                       std::int64_t most) {
  PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(dataset, names));
  const std::int64_t all = reader->rows();
  if (all == 0) return Invalid(dataset + ": no rows");
  const std::int64_t count = std::min(most, all);
  std::vector<std::shared_ptr<arrow::RecordBatch>> rows;
  std::int64_t first = 0;
  std::int64_t next = 0;
  PENSTOCK_TRY(
      sdk::ForEachBatch(dataset, names, [&](const arrow::RecordBatch& batch) -> Result<void> {
        for (; next < count && next * all / count < first + batch.num_rows(); ++next) {
          rows.push_back(batch.Slice(next * all / count - first, 1));
        }
        first += batch.num_rows();
        return {};
      }));
  return sdk::FromArrow(arrow::ConcatenateRecordBatches(rows), dataset);
}

class SampledExplainer : public Explainer {
 public:
  SampledExplainer(const evaluate::ServedModel& served, std::shared_ptr<arrow::RecordBatch> rows,
                   Inputs background, std::uint64_t seed)
      : served_(served), rows_(std::move(rows)), background_(std::move(background)), seed_(seed) {}

  const char* method() const override { return "sampled"; }
  const char* space() const override { return "answer"; }
  std::size_t outputs() const override { return served_.manifest.RawWidth(); }

  Result<Explained> Explain(const arrow::RecordBatch& rows, std::int64_t first) const override {
    PENSTOCK_ASSIGN(const auto fitted, evaluate::FittedInputs(served_, rows));
    Explained explained;
    for (std::int64_t r = 0; r < rows.num_rows(); ++r) {
      PENSTOCK_TRY(AddRow(fitted, std::size_t(r), std::uint64_t(first + r), &explained));
    }
    return explained;
  }

 private:
  std::size_t permutations() const { return std::size_t(rows_->num_rows()); }

  // The place of each input in permutation m of a row; the odd ones are those before them, turned
  // round.
  std::vector<std::size_t> PlacesOf(std::uint64_t row, std::size_t m) const {
    const std::size_t inputs = background_.size();
    std::vector<std::size_t> places(inputs);
    std::iota(places.begin(), places.end(), 0);
    const std::uint64_t draw = sdk::MixBits(sdk::MixBits(seed_ ^ sdk::MixBits(row)) + m / 2);
    for (std::size_t i = inputs; i > 1; --i) {
      const double u = sdk::UnitInterval(sdk::MixBits(draw + i));
      std::swap(places[i - 1], places[std::size_t(u * double(i))]);
    }
    if (m % 2 == 1) {
      for (auto& place : places) place = inputs - 1 - place;
    }
    return places;
  }

  // Answers with the first t inputs of each permutation from the row, the others from the
  // permutation's row of the background: permutations x (inputs + 1) x outputs.
  Result<std::vector<float>> AnswersAlong(const Inputs& fitted, std::size_t row,
                                          const Places& places) const {
    const std::size_t inputs = std::max<std::size_t>(1, background_.size());
    const std::size_t together = std::max<std::size_t>(1, kMostValues / inputs / (inputs + 1));
    std::vector<float> answers;
    for (std::size_t begin = 0; begin < places.size(); begin += together) {
      const std::size_t end = std::min(places.size(), begin + together);
      PENSTOCK_ASSIGN(const auto some, AnswersOf(fitted, row, places, begin, end));
      answers.insert(answers.end(), some.begin(), some.end());
    }
    return answers;
  }

  Result<std::vector<float>> AnswersOf(const Inputs& fitted, std::size_t row, const Places& places,
                                       std::size_t begin, std::size_t end) const {
    Inputs mixed;
    for (std::size_t i = 0; i < background_.size(); ++i) {
      std::vector<Pick> picks;
      for (std::size_t m = begin; m < end; ++m) {
        for (std::size_t t = 0; t <= background_.size(); ++t) {
          const bool explained = places[m][i] < t;
          picks.push_back({explained, explained ? row : m});
        }
      }
      PENSTOCK_ASSIGN(mixed.emplace_back(), Mixed(fitted[i], background_[i], picks));
    }
    return evaluate::Answer(served_, std::move(mixed));
  }

  Result<void> AddRow(const Inputs& fitted, std::size_t row, std::uint64_t number,
                      Explained* explained) const {
    const std::size_t inputs = background_.size();
    Places places;
    for (std::size_t m = 0; m < permutations(); ++m) places.push_back(PlacesOf(number, m));
    PENSTOCK_ASSIGN(const auto answers, AnswersAlong(fitted, row, places));
    if (answers.size() != permutations() * (inputs + 1) * outputs()) {
      return Internal("the model answers another number of rows than it was given");
    }
    const auto at = [&](std::size_t m, std::size_t t, std::size_t o) {
      return double(answers[(m * (inputs + 1) + t) * outputs() + o]);
    };
    for (std::size_t o = 0; o < outputs(); ++o) {
      double base = 0;
      for (std::size_t m = 0; m < permutations(); ++m) base += at(m, 0, o);
      explained->bases.push_back(base / double(permutations()));
      explained->predictions.push_back(at(0, inputs, o));
      for (std::size_t i = 0; i < inputs; ++i) {
        AddInput(
            places,
            [&](std::size_t m) { return at(m, places[m][i] + 1, o) - at(m, places[m][i], o); },
            explained);
      }
    }
    return {};
  }

  // The mean over the permutations, and its standard error over their pairs.
  template <typename Gain>
  void AddInput(const Places& places, Gain gain, Explained* explained) const {
    std::vector<double> pairs;
    double mean = 0;
    const std::size_t all = places.size() / 2;
    for (std::size_t m = 0; m + 1 < places.size(); m += 2) {
      pairs.push_back((gain(m) + gain(m + 1)) / 2);
      mean += pairs.back() / double(all);
    }
    double squares = 0;
    for (const double p : pairs) squares += (p - mean) * (p - mean);
    const auto n = double(pairs.size());
    explained->contributions.push_back(mean);
    explained->errors.push_back(n > 1 ? std::sqrt(squares / (n - 1) / n) : 0);
  }

  const evaluate::ServedModel& served_;
  std::shared_ptr<arrow::RecordBatch> rows_;  // background_ borrows their texts
  Inputs background_;
  std::uint64_t seed_;
};

}  // namespace

Result<std::unique_ptr<Explainer>> MakeSampledExplainer(const evaluate::ServedModel& served,
                                                        const std::string& background,
                                                        const ExplainOptions& options) {
  std::vector<std::string> names;
  for (const auto& input : served.manifest.inputs) names.push_back(input.name);
  PENSTOCK_ASSIGN(auto rows, SpreadRows(background, names, options.background));
  if (rows->num_rows() % 2 == 1) rows = rows->Slice(0, rows->num_rows() - 1);
  if (rows->num_rows() < 4) {
    return Invalid("background: sampled needs four rows or more, and " + background + " has fewer");
  }
  auto fitted = evaluate::FittedInputs(served, *rows);
  if (!fitted) return Wrap("background", fitted.error());
  return std::unique_ptr<Explainer>(std::make_unique<SampledExplainer>(
      served, std::move(rows), *std::move(fitted), options.seed));
}

Result<std::unique_ptr<Explainer>> MakeExplainer(const std::string& model,
                                                 const evaluate::ServedModel& served,
                                                 const std::string& background,
                                                 const ExplainOptions& options) {
  const bool trees = served.manifest.backend == "xgboost";
  if (options.method == "trees" && !trees) {
    return Invalid("method: trees explains the back end xgboost, and this model's is " +
                   served.manifest.backend + "; take auto");
  }
  if (trees && (options.method == "trees" || options.method == "auto")) {
    return MakeTreesExplainer(model, served);
  }
  const bool linear = options.method == "auto" && IsLinear(model, served.manifest);
  if (linear || options.method == "linear") return MakeLinearExplainer(model, served, background);
  return MakeSampledExplainer(served, background, options);
}

}  // namespace penstock::explain
