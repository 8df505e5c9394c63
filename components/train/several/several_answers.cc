#include "components/train/several/several_answers.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include "components/sdk/arrow_result.h"
#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

// `value` gives an optional.
template <typename Builder, typename Value>
Result<std::shared_ptr<arrow::Array>> Build(std::size_t count, Value value) {
  Builder builder;
  PENSTOCK_TRY(sdk::FromArrow(builder.Reserve(std::int64_t(count)), "predictions"));
  for (std::size_t i = 0; i < count; ++i) {
    const auto one = value(i);
    PENSTOCK_TRY(sdk::FromArrow(one ? builder.Append(*one) : builder.AppendNull(), "predictions"));
  }
  return sdk::FromArrow(builder.Finish(), "predictions");
}

}  // namespace

Result<SeveralAnswers> SeveralAnswers::Make(std::vector<Source> datasets,
                                            std::vector<std::string> labels) {
  SeveralAnswers all;
  std::size_t rows = 0;
  for (const Source& source : datasets) {
    PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(source.path));
    all.first_.push_back(rows);
    rows += std::size_t(reader->rows());
  }
  all.first_.push_back(rows);
  all.held_out_.assign(rows, 0);
  all.datasets_ = std::move(datasets);
  all.labels_ = std::move(labels);
  return all;
}

void SeveralAnswers::Add(const LabelTraining& training) {
  const std::size_t rows = first_.back();
  const HeldOutAnswers& h = training.outcome.held_out;
  OfLabel& own = answers_.emplace_back();
  own.probability.assign(rows, 0);
  own.fold.assign(rows, -1);
  own.decided.assign(rows, 0);
  own.truth.assign(rows, sdk::Truth::kUnknown);
  if (!h.weight.empty() && weights_.empty()) weights_.assign(rows, 1);
  for (std::size_t i = 0; i < h.rows.size(); ++i) {
    const bool second = h.rows[i] >= training.labels.train_rows;
    const std::size_t at = second ? h.rows[i] - training.labels.train_rows : h.rows[i];
    const Source& source = training.inputs.sources[second ? 1 : 0];
    const std::size_t row = first_[second ? 1 : 0] + (source.sampled ? source.keep[at] : at);
    const auto probability = float(h.answers[i]);
    own.probability[row] = h.answers[i];
    own.fold[row] = std::int32_t(h.fold[i]);
    own.decided[row] = sdk::DecidedClass(training.outcome.manifest, {&probability, 1}) == 1 ? 1 : 0;
    own.truth[row] = h.y[i] > 0.5 ? sdk::Truth::kYes : sdk::Truth::kNo;
    if (!h.weight.empty()) weights_[row] = h.weight[i];
    held_out_[row] = 1;
  }
}

std::size_t SeveralAnswers::rows() const {
  return std::size_t(std::count(held_out_.begin(), held_out_.end(), 1));
}

sdk::Metrics SeveralAnswers::Measure(double confidence) const {
  std::vector<float> probability;
  std::vector<std::uint8_t> decided;
  std::vector<sdk::Truth> truth;
  std::vector<double> weights;
  for (std::size_t row = 0; row < held_out_.size(); ++row) {
    if (held_out_[row] == 0) continue;
    for (const OfLabel& own : answers_) {
      probability.push_back(float(own.probability[row]));
      decided.push_back(own.decided[row]);
      truth.push_back(own.truth[row]);
    }
    if (!weights_.empty()) weights.push_back(weights_[row]);
  }
  return sdk::MeasureLabels({labels_.size(), probability, decided, truth, weights, labels_},
                            confidence);
}

class SeveralAnswers::Writer {
 public:
  Writer(const SeveralAnswers& all, sdk::Schema schema) : all_(all), schema_(std::move(schema)) {
    copied_ = schema_.Of(sdk::Role::kId);
    ids_ = copied_.size();
    copied_.insert(copied_.end(), all.labels_.begin(), all.labels_.end());
  }

  // Finds the columns; Invalid where two would have one name.
  Result<void> Name(const Source& dataset) {
    PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(dataset.path, copied_));
    const arrow::FieldVector given = reader->schema()->fields();
    arrow::FieldVector fields(given.begin(), given.begin() + std::ptrdiff_t(ids_));
    fields.push_back(arrow::field("dataset", arrow::utf8()));
    fields.push_back(arrow::field("row", arrow::int64()));
    for (std::size_t k = 0; k < all_.labels_.size(); ++k) {
      fields.push_back(given[ids_ + k]);
      fields.push_back(arrow::field("fold_" + all_.labels_[k], arrow::int64()));
      fields.push_back(arrow::field("probability_" + all_.labels_[k], arrow::float64()));
    }
    std::set<std::string> names;
    for (const auto& field : fields) {
      if (names.insert(field->name()).second) continue;
      return Invalid("output predictions: '" + field->name() +
                     "' is a column of the dataset and one of the predictions; rename it with "
                     "query");
    }
    arrow_ = arrow::schema(std::move(fields));
    return {};
  }

  Result<void> Open(const std::string& folder) {
    PENSTOCK_TRY(Name(all_.datasets_.front()));
    PENSTOCK_ASSIGN(writer_, sdk::DatasetWriter::Create(folder, arrow_));
    writer_->Describe(schema_, sdk::Carry::kMeaning);
    return {};
  }

  Result<void> Add(std::size_t dataset) {
    const Source& source = all_.datasets_[dataset];
    std::size_t first = all_.first_[dataset];
    return sdk::ForEachBatch(source.path, copied_,
                             [&](const arrow::RecordBatch& batch) -> Result<void> {
                               std::vector<std::int64_t> places;  // in the batch
                               for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
                                 if (all_.held_out_[first + std::size_t(r)] != 0)
                                   places.push_back(r);
                               }
                               if (!places.empty())
                                 PENSTOCK_TRY(AddBatch(dataset, batch, first, places));
                               first += std::size_t(batch.num_rows());
                               return {};
                             });
  }

  Result<void> Finish() { return writer_->Finish(); }

 private:
  Result<void> AddBatch(std::size_t dataset, const arrow::RecordBatch& batch, std::size_t first,
                        const std::vector<std::int64_t>& places) {
    const std::size_t count = places.size();
    PENSTOCK_ASSIGN(const auto at, (Build<arrow::Int64Builder>(count, [&](std::size_t i) {
                      return std::optional(places[i]);
                    })));
    arrow::ArrayVector taken;
    for (const auto& column : batch.columns()) {
      PENSTOCK_ASSIGN(const auto own,
                      sdk::FromArrow(arrow::compute::Take(column, at), "predictions"));
      taken.push_back(own.make_array());
    }
    arrow::ArrayVector columns(taken.begin(), taken.begin() + std::ptrdiff_t(ids_));
    PENSTOCK_ASSIGN(columns.emplace_back(), (Build<arrow::StringBuilder>(count, [&](std::size_t) {
                      return std::optional(all_.datasets_[dataset].name);
                    })));
    const std::size_t before = first - all_.first_[dataset];
    PENSTOCK_ASSIGN(columns.emplace_back(), (Build<arrow::Int64Builder>(count, [&](std::size_t i) {
                      return std::optional(std::int64_t(before) + places[i]);
                    })));
    for (std::size_t k = 0; k < all_.labels_.size(); ++k) {
      columns.push_back(taken[ids_ + k]);
      PENSTOCK_TRY(AddLabel(all_.answers_[k], first, places, columns));
    }
    return writer_->Write(arrow::RecordBatch::Make(arrow_, std::int64_t(count), columns));
  }

  static Result<void> AddLabel(const OfLabel& own, std::size_t first,
                               const std::vector<std::int64_t>& places,
                               arrow::ArrayVector& columns) {
    const auto row = [&](std::size_t i) { return first + std::size_t(places[i]); };
    PENSTOCK_ASSIGN(columns.emplace_back(),
                    (Build<arrow::Int64Builder>(places.size(), [&](std::size_t i) {
                      const std::int32_t fold = own.fold[row(i)];
                      return fold < 0 ? std::nullopt : std::optional<std::int64_t>(fold);
                    })));
    PENSTOCK_ASSIGN(
        columns.emplace_back(), (Build<arrow::DoubleBuilder>(places.size(), [&](std::size_t i) {
          const bool held_out = own.fold[row(i)] >= 0;
          return held_out ? std::optional<double>(own.probability[row(i)]) : std::nullopt;
        })));
    return {};
  }

  const SeveralAnswers& all_;
  const sdk::Schema schema_;
  std::size_t ids_ = 0;
  std::vector<std::string> copied_;  // ids, then the labels
  std::shared_ptr<arrow::Schema> arrow_;
  std::unique_ptr<sdk::DatasetWriter> writer_;
};

Result<void> SeveralAnswers::CheckColumns() const {
  PENSTOCK_ASSIGN(auto schema, sdk::DatasetSchema(datasets_.front().path));
  Writer writer(*this, std::move(schema));
  for (const Source& dataset : datasets_) {
    auto named = writer.Name(dataset);
    if (!named) return Wrap("dataset " + dataset.name, named.error());
  }
  return {};
}

Result<void> SeveralAnswers::Write(const std::string& folder) const {
  PENSTOCK_ASSIGN(auto schema, sdk::DatasetSchema(datasets_.front().path));
  Writer writer(*this, std::move(schema));
  PENSTOCK_TRY(writer.Open(folder));
  for (std::size_t d = 0; d < datasets_.size(); ++d) {
    auto added = writer.Add(d);
    if (!added) return Wrap("dataset " + datasets_[d].name, added.error());
  }
  return writer.Finish();
}

}  // namespace penstock::train
