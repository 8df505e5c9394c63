#include "components/drift/weigher.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "components/drift/domain_rows.h"
#include "components/drift/sample.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::drift {
namespace {

constexpr std::size_t kNewTexts = 200'000;  // of a column, beyond those of the sample

// A value that the sample did not have is one of the others, or else the most frequent.
std::size_t BinOf(const Bins& bins, Kind kind, const Values& values, std::size_t row) {
  if (kind != Kind::kNumber && values.codes[row] >= bins.of_code.size()) {
    return bins.names.back() == kOtherValues ? bins.size() - 1 : 0;
  }
  return std::min<std::size_t>(bins.Of(kind, values, row), bins.size() - 1);
}

Result<void> CheckColumns(const sdk::Schema& schema, const std::string& weight) {
  if (schema.Find(weight) != nullptr) {
    return Invalid("parameter weightColumn: the reference has a column '" + weight +
                   "' already; name another");
  }
  const auto own = schema.Of(sdk::Role::kWeight);
  if (own.empty()) return {};
  return Invalid("parameter weigh: the reference's column '" + own.front() +
                 "' has the role weight already, and train takes one; take the role from it "
                 "(ingest's parameter roles), or say weigh: false");
}

class WeightedWriter {
 public:
  WeightedWriter(const std::string& name, double most) : name_(name), most_(most) {}

  Result<void> Open(const sdk::DatasetReader& reader, sdk::Schema described,
                    const std::string& folder) {
    schema_ = *reader.source_schema()->AddField(reader.source_schema()->num_fields(),
                                                arrow::field(name_, arrow::float64()));
    described.columns.push_back(
        {.name = name_, .type = "float64", .nullable = false, .role = sdk::Role::kWeight});
    PENSTOCK_ASSIGN(writer_, sdk::DatasetWriter::Create(folder, schema_));
    writer_->Describe(std::move(described), sdk::Carry::kAll);
    return {};
  }
  // A row, by its log odds.
  Result<void> Add(double score) {
    const double odds = std::exp(score);
    const double weight = std::min(odds, most_);
    weighed_.cut += odds > most_ ? 1 : 0;
    sum_ += weight;
    squares_ += weight * weight;
    ++weighed_.rows;
    return sdk::FromArrow(builder_.Append(weight), "drift");
  }
  Result<void> Write(const arrow::RecordBatch& rows) {
    PENSTOCK_ASSIGN(auto weights, sdk::FromArrow(builder_.Finish(), "drift"));
    auto columns = rows.columns();
    columns.push_back(std::move(weights));
    return writer_->Write(arrow::RecordBatch::Make(schema_, rows.num_rows(), std::move(columns)));
  }
  Result<Weighed> Finish() {
    PENSTOCK_TRY(writer_->Finish());
    weighed_.mean = sum_ / double(std::max<std::int64_t>(1, weighed_.rows));
    weighed_.effective_rows = squares_ > 0 ? sum_ * sum_ / squares_ : 0;
    return weighed_;
  }

 private:
  std::string name_;
  double most_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<sdk::DatasetWriter> writer_;
  arrow::DoubleBuilder builder_;
  Weighed weighed_;
  double sum_ = 0;
  double squares_ = 0;
};

}  // namespace

void Weigher::Keep(const Pair& pair, Dictionary dictionary, Bins bins) {
  kept_.push_back({pair, std::move(dictionary), std::move(bins)});
}

void Weigher::Learn(const DomainRows& rows, DomainModel model) {
  double odds = 0;
  for (std::size_t row = 0; row < rows.places.size(); ++row) {
    if (rows.is_current[row] != 0) continue;
    known_[rows.places[row]] = model.scores[row];
    odds += std::min(std::exp(model.scores[row]), options_.most_weight);
  }
  if (odds > 0) shift_ = -std::log(odds / double(known_.size()));
  model_ = std::move(model);
}

Result<std::vector<BinnedFeature>> Weigher::FeaturesOf(const arrow::RecordBatch& batch,
                                                       std::vector<ColumnValues>& columns) const {
  std::vector<std::int64_t> rows(std::size_t(batch.num_rows()));
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  std::vector<BinnedFeature> features;
  for (std::size_t c = 0; c < kept_.size(); ++c) {
    const Kind kind = kept_[c].pair.kind;
    const Bins& bins = kept_[c].bins;
    const auto array = batch.GetColumnByName(kept_[c].pair.name);
    if (array == nullptr) return Invalid("there is no column '" + kept_[c].pair.name + "'");
    PENSTOCK_ASSIGN(const auto typed, ColumnOf(array, kept_[c].pair));
    Values& values = columns[c].sides[0];
    values = Values();
    // Values that the sample did not have are all alike: what is held of them does not grow.
    if (columns[c].dictionary.size() > kept_[c].dictionary.size() + kNewTexts)
      columns[c].dictionary = kept_[c].dictionary;
    columns[c].Add(0, typed, rows);
    if (kind == Kind::kText) {
      auto words = WordFeatures(bins, rows.size());
      for (std::size_t row = 0; row < rows.size(); ++row) MarkWords(bins, values, row, row, words);
      std::move(words.begin(), words.end(), std::back_inserter(features));
      continue;
    }
    BinnedFeature feature;
    feature.bin_count = bins.size();
    for (std::size_t row = 0; row < rows.size(); ++row) {
      feature.bins.push_back(std::uint8_t(BinOf(bins, kind, values, row)));
    }
    features.push_back(std::move(feature));
  }
  return features;
}

double Weigher::MeanScore(const std::vector<BinnedFeature>& features, std::size_t row) const {
  double sum = 0;
  for (const BoostedTrees& trees : model_.folds) sum += trees.Score(features, row);
  return sum / double(model_.folds.size());
}

Result<Weighed> Weigher::Write(const std::string& reference, const std::string& folder) const {
  PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(reference));
  PENSTOCK_ASSIGN(const auto schema, sdk::DatasetSchema(reference));
  PENSTOCK_TRY(CheckColumns(schema, options_.weight_column));
  WeightedWriter writer(options_.weight_column, options_.most_weight);
  PENSTOCK_TRY(writer.Open(*reader, schema, folder));
  const bool differ = !model_.folds.empty();
  std::vector<ColumnValues> columns;
  for (const Kept& kept : kept_) {
    columns.emplace_back(kept.pair);
    columns.back().dictionary = kept.dictionary;
  }
  RowChoice choice = ChoiceOf(kReference, reader->rows(), options_);
  std::size_t chosen = 0;
  for (;;) {
    PENSTOCK_ASSIGN(const auto batch, reader->Next());
    if (batch == nullptr) break;
    std::vector<BinnedFeature> features;
    if (differ) {
      PENSTOCK_ASSIGN(features, FeaturesOf(*batch, columns));
    }
    for (std::size_t row = 0; row < std::size_t(batch->num_rows()); ++row) {
      const auto known = choice.Take() ? known_.find(chosen++) : known_.end();
      const double score = !differ                 ? 0
                           : known != known_.end() ? known->second
                                                   : MeanScore(features, row);
      PENSTOCK_TRY(writer.Add(score + shift_));
    }
    PENSTOCK_TRY(writer.Write(*reader->source()));
  }
  PENSTOCK_ASSIGN(auto weighed, writer.Finish());
  weighed.differ = differ;
  return weighed;
}

}  // namespace penstock::drift
