#include "components/train/predictions.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>

#include <algorithm>
#include <set>

#include "components/sdk/arrow_result.h"
#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

std::vector<std::string> AnswerNames(const Labels& labels) {
  if (!labels.classification()) return {"prediction"};
  if (labels.target.width() == 1) return {"probability"};
  std::vector<std::string> names;
  for (std::size_t k = 0; k < labels.target.width(); ++k) {
    names.push_back("probability_" + std::to_string(k));
  }
  return names;
}

// The rows of one dataset that were held out, with where each stands in `held_out`.
struct Wanted {
  std::vector<std::int64_t> row;    // in the dataset
  std::vector<std::size_t> answer;  // in held_out
};

std::vector<Wanted> Split(const std::vector<Source>& sources, const Labels& labels,
                          const HeldOutAnswers& held_out) {
  std::vector<Wanted> wanted(sources.size());
  for (std::size_t i = 0; i < held_out.rows.size(); ++i) {
    const std::size_t r = held_out.rows[i];
    const bool second = r >= labels.train_rows;
    const std::size_t at = second ? r - labels.train_rows : r;
    const Source& source = sources[second ? 1 : 0];
    wanted[second ? 1 : 0].row.push_back(source.sampled ? std::int64_t(source.keep[at])
                                                        : std::int64_t(at));
    wanted[second ? 1 : 0].answer.push_back(i);
  }
  return wanted;
}

template <typename Builder, typename Value>
Result<std::shared_ptr<arrow::Array>> Build(std::size_t count, Value value) {
  Builder builder;
  PENSTOCK_TRY(sdk::FromArrow(builder.Reserve(std::int64_t(count)), "predictions"));
  for (std::size_t i = 0; i < count; ++i) {
    PENSTOCK_TRY(sdk::FromArrow(builder.Append(value(i)), "predictions"));
  }
  return sdk::FromArrow(builder.Finish(), "predictions");
}

class Writer {
 public:
  Writer(const Labels& labels, const HeldOutAnswers& held_out, sdk::Schema schema)
      : labels_(labels), held_out_(held_out), schema_(std::move(schema)) {
    copied_ = schema_.Of(sdk::Role::kId);
    copied_.push_back(labels.label.column);
    answers_ = AnswerNames(labels);
  }

  // Finds the columns; Invalid where two would have one name.
  Result<void> Name(const std::string& dataset) {
    PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(dataset, copied_));
    arrow::FieldVector fields = reader->schema()->fields();
    const auto label = fields.back();
    fields.pop_back();
    fields.push_back(arrow::field("dataset", arrow::utf8()));
    fields.push_back(arrow::field("row", arrow::int64()));
    fields.push_back(arrow::field("fold", arrow::int64()));
    fields.push_back(label);
    for (const auto& name : answers_) fields.push_back(arrow::field(name, arrow::float64()));
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

  Result<void> Open(const std::string& folder, const std::string& dataset) {
    PENSTOCK_TRY(Name(dataset));
    PENSTOCK_ASSIGN(writer_, sdk::DatasetWriter::Create(folder, arrow_));
    writer_->Describe(schema_, sdk::Carry::kMeaning);
    return {};
  }

  Result<void> Add(const Source& source, const Wanted& wanted) {
    std::int64_t first = 0;
    std::size_t next = 0;
    return sdk::ForEachBatch(source.path, copied_,
                             [&](const arrow::RecordBatch& batch) -> Result<void> {
                               const std::size_t begin = next;
                               const std::int64_t end = first + batch.num_rows();
                               while (next < wanted.row.size() && wanted.row[next] < end) ++next;
                               if (next > begin)
                                 PENSTOCK_TRY(AddBatch(source, wanted, batch, first, begin, next));
                               first = end;
                               return {};
                             });
  }

  Result<void> Finish() { return writer_->Finish(); }

 private:
  Result<void> AddBatch(const Source& source, const Wanted& wanted, const arrow::RecordBatch& batch,
                        std::int64_t first, std::size_t begin, std::size_t end) {
    const std::size_t count = end - begin;
    PENSTOCK_ASSIGN(const auto at, (Build<arrow::Int64Builder>(count, [&](std::size_t i) {
                      return wanted.row[begin + i] - first;
                    })));
    arrow::ArrayVector columns;
    for (const auto& column : batch.columns()) {
      PENSTOCK_ASSIGN(const auto taken,
                      sdk::FromArrow(arrow::compute::Take(column, at), "predictions"));
      columns.push_back(taken.make_array());
    }
    const auto label = columns.back();
    columns.pop_back();
    PENSTOCK_ASSIGN(columns.emplace_back(),
                    (Build<arrow::StringBuilder>(count, [&](std::size_t) { return source.name; })));
    PENSTOCK_ASSIGN(
        columns.emplace_back(),
        (Build<arrow::Int64Builder>(count, [&](std::size_t i) { return wanted.row[begin + i]; })));
    PENSTOCK_ASSIGN(columns.emplace_back(), (Build<arrow::Int64Builder>(count, [&](std::size_t i) {
                      return std::int64_t(held_out_.fold[wanted.answer[begin + i]]);
                    })));
    columns.push_back(label);
    for (std::size_t k = 0; k < answers_.size(); ++k) {
      PENSTOCK_ASSIGN(columns.emplace_back(),
                      (Build<arrow::DoubleBuilder>(count, [&](std::size_t i) {
                        return held_out_.answers[wanted.answer[begin + i] * answers_.size() + k];
                      })));
    }
    return writer_->Write(arrow::RecordBatch::Make(arrow_, std::int64_t(count), columns));
  }

  const Labels& labels_;
  const HeldOutAnswers& held_out_;
  const sdk::Schema schema_;
  std::vector<std::string> copied_;  // ids, then the label
  std::vector<std::string> answers_;
  std::shared_ptr<arrow::Schema> arrow_;
  std::unique_ptr<sdk::DatasetWriter> writer_;
};

}  // namespace

Result<void> CheckPredictions(const std::vector<Source>& sources, const Labels& labels) {
  PENSTOCK_ASSIGN(auto schema, sdk::DatasetSchema(sources.front().path));
  const HeldOutAnswers none;
  Writer writer(labels, none, std::move(schema));
  for (const Source& source : sources) {
    auto named = writer.Name(source.path);
    if (!named) return Wrap("dataset " + source.name, named.error());
  }
  return {};
}

Result<void> WritePredictions(const std::string& folder, const std::vector<Source>& sources,
                              const Labels& labels, const HeldOutAnswers& held_out) {
  PENSTOCK_ASSIGN(auto schema, sdk::DatasetSchema(sources.front().path));
  Writer writer(labels, held_out, std::move(schema));
  PENSTOCK_TRY(writer.Open(folder, sources.front().path));
  const auto wanted = Split(sources, labels, held_out);
  for (std::size_t s = 0; s < sources.size(); ++s) {
    auto added = writer.Add(sources[s], wanted[s]);
    if (!added) return Wrap("dataset " + sources[s].name, added.error());
  }
  return writer.Finish();
}

}  // namespace penstock::train
