#include "components/explain/run.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "components/explain/explain_page.h"
#include "components/explain/explainer.h"
#include "components/explain/importance.h"
#include "components/explain/options.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/dataset.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::explain {
namespace {

constexpr std::int64_t kSampledRows = 200;       // where nobody says how many
constexpr std::size_t kMostNumbers = 2'000'000;  // contributions held at once

// The output `contributions`: row, class (of several outputs), prediction, base, and a column an
// input; of sampled its standard error too.
class ContributionsWriter {
 public:
  static Result<ContributionsWriter> Open(const std::string& folder,
                                          const sdk::ModelManifest& manifest,
                                          const Explainer& explainer) {
    ContributionsWriter w;
    w.outputs_ = explainer.outputs();
    w.inputs_ = manifest.inputs.size();
    for (const auto& c : manifest.classes) {
      w.classes_.push_back(c.is_string() ? c.get<std::string>() : c.dump());
    }
    arrow::FieldVector fields{arrow::field("row", arrow::int64())};
    if (w.outputs_ > 1) fields.push_back(arrow::field("class", arrow::utf8()));
    fields.push_back(arrow::field("prediction", arrow::float64()));
    fields.push_back(arrow::field("base", arrow::float64()));
    for (const auto& input : manifest.inputs) {
      fields.push_back(arrow::field("contribution_" + input.name, arrow::float64()));
    }
    w.with_errors_ = std::string(explainer.method()) == "sampled";
    for (const auto& input : manifest.inputs) {
      if (w.with_errors_) {
        fields.push_back(arrow::field("error_" + input.name, arrow::float64()));
      }
    }
    std::set<std::string> names;
    for (const auto& field : fields) {
      if (names.insert(field->name()).second) continue;
      return Invalid("output contributions: two columns would be called '" + field->name() +
                     "'; rename an input with query");
    }
    w.schema_ = arrow::schema(std::move(fields));
    PENSTOCK_ASSIGN(w.writer_, sdk::DatasetWriter::Create(folder, w.schema_));
    return w;
  }

  Result<void> Write(const std::vector<std::int64_t>& rows, const Explained& e) {
    arrow::ArrayVector columns;
    arrow::Int64Builder row;
    arrow::StringBuilder name;
    for (std::size_t i = 0; i < e.size(); ++i) {
      PENSTOCK_TRY(sdk::FromArrow(row.Append(rows[i / outputs_]), "contributions"));
      if (outputs_ == 1) continue;
      PENSTOCK_TRY(sdk::FromArrow(name.Append(classes_.at(i % outputs_)), "contributions"));
    }
    PENSTOCK_ASSIGN(columns.emplace_back(), sdk::FromArrow(row.Finish(), "contributions"));
    if (outputs_ > 1) {
      PENSTOCK_ASSIGN(columns.emplace_back(), sdk::FromArrow(name.Finish(), "contributions"));
    }
    PENSTOCK_TRY(AddColumn(
        e.size(), [&](std::size_t i) { return e.predictions[i]; }, &columns));
    PENSTOCK_TRY(AddColumn(
        e.size(), [&](std::size_t i) { return e.bases[i]; }, &columns));
    for (const auto* values : {&e.contributions, &e.errors}) {
      if (values == &e.errors && !with_errors_) continue;
      for (std::size_t k = 0; k < inputs_; ++k) {
        PENSTOCK_TRY(AddColumn(
            e.size(), [&](std::size_t i) { return (*values)[i * inputs_ + k]; }, &columns));
      }
    }
    return writer_->Write(arrow::RecordBatch::Make(schema_, std::int64_t(e.size()), columns));
  }
  Result<void> Finish() { return writer_->Finish(); }

 private:
  template <typename Value>
  static Result<void> AddColumn(std::size_t rows, Value value, arrow::ArrayVector* columns) {
    arrow::DoubleBuilder builder;
    PENSTOCK_TRY(sdk::FromArrow(builder.Reserve(std::int64_t(rows)), "contributions"));
    for (std::size_t i = 0; i < rows; ++i) builder.UnsafeAppend(value(i));
    PENSTOCK_ASSIGN(columns->emplace_back(), sdk::FromArrow(builder.Finish(), "contributions"));
    return {};
  }

  std::size_t outputs_ = 1;
  std::size_t inputs_ = 0;
  bool with_errors_ = false;
  std::vector<std::string> classes_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<sdk::DatasetWriter> writer_;
};

// Which rows of a dataset are explained: all, or so many spread evenly.
class Chosen {
 public:
  Chosen(std::int64_t all, std::int64_t most) : all_(all), count_(std::min(all, most)) {}

  // Those of a batch that begins at row `first`, by their place in it.
  std::vector<std::int64_t> Of(std::int64_t first, std::int64_t rows) {
    std::vector<std::int64_t> places;
    for (; next_ < count_ && RowOf(next_) < first + rows; ++next_) {
      places.push_back(RowOf(next_) - first);
    }
    return places;
  }

 private:
  [[nodiscard]] std::int64_t RowOf(std::int64_t i) const {
    return std::int64_t(double(i) * double(all_) / double(count_));
  }
  std::int64_t all_;
  std::int64_t count_;
  std::int64_t next_ = 0;
};

Result<std::shared_ptr<arrow::RecordBatch>> Taken(const arrow::RecordBatch& batch,
                                                  std::span<const std::int64_t> places) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> rows;
  for (std::size_t begin = 0; begin < places.size();) {  // runs of rows beside each other
    std::size_t end = begin + 1;
    while (end < places.size() && places[end] == places[end - 1] + 1) ++end;
    rows.push_back(batch.Slice(places[begin], std::int64_t(end - begin)));
    begin = end;
  }
  return sdk::FromArrow(arrow::ConcatenateRecordBatches(rows), "explain");
}

// One dataset through the explainer, chunk by chunk.
struct Outcome {
  GlobalImportance importance;
  std::vector<double> bases;
};
Result<void> ExplainAll(const std::string& dataset, const std::vector<std::string>& names,
                        const Explainer& explainer, std::int64_t most, ContributionsWriter* writer,
                        Outcome* outcome) {
  PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(dataset, names));
  Chosen chosen(reader->rows(), most);
  const std::size_t together = std::clamp<std::size_t>(
      kMostNumbers / explainer.outputs() / std::max<std::size_t>(1, names.size()), 1, 8192);
  std::int64_t first = 0;
  return sdk::ForEachBatch(dataset, names, [&](const arrow::RecordBatch& batch) -> Result<void> {
    const auto places = chosen.Of(first, batch.num_rows());
    for (std::size_t begin = 0; begin < places.size(); begin += together) {
      const std::span<const std::int64_t> some(places.data() + begin,
                                               std::min(together, places.size() - begin));
      PENSTOCK_ASSIGN(const auto rows, Taken(batch, some));
      auto explained = explainer.Explain(*rows, first + some.front());
      if (!explained) {
        return Wrap("rows from " + std::to_string(first + some.front()) + " on", explained.error());
      }
      std::vector<std::int64_t> numbers;
      for (const std::int64_t place : some) numbers.push_back(first + place);
      PENSTOCK_TRY(writer->Write(numbers, *explained));
      outcome->importance.Add(*explained);
      if (outcome->bases.empty()) {
        outcome->bases.assign(explained->bases.begin(),
                              explained->bases.begin() + std::ptrdiff_t(explainer.outputs()));
      }
    }
    first += batch.num_rows();
    return {};
  });
}

Result<void> WriteOutcome(const sdk::Step& step, const sdk::ModelManifest& manifest,
                          const Explainer& explainer, const Outcome& outcome) {
  const auto inputs = outcome.importance.Inputs();
  const PageFacts facts{manifest.name,
                        explainer.method(),
                        explainer.space(),
                        outcome.importance.rows(),
                        outcome.importance.largest_residual(),
                        outcome.bases};
  Json report = {{"method", facts.method}, {"space", facts.space},
                 {"rows", facts.rows},     {"largestResidual", facts.largest_residual},
                 {"bases", facts.bases},   {"importance", ToJson(inputs)}};
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("importance"));
  PENSTOCK_TRY(WriteFileAtomically(
      output, report.dump(1, ' ', false, Json::error_handler_t::replace) + "\n"));
  if (step.HasOutput("report")) {
    PENSTOCK_ASSIGN(const auto page, step.OutputPath("report"));
    PENSTOCK_TRY(WriteFileAtomically(page, ExplainPage(facts, inputs)));
  }
  std::printf("explain: %s, %lld rows; the sums are right to %.3g\n", facts.method.c_str(),
              static_cast<long long>(facts.rows), facts.largest_residual);
  constexpr std::size_t kMostInAResult = 50;  // the launcher takes 8 KiB
  Json most = Json::object();
  for (const auto& i : inputs) {
    if (most.size() < kMostInAResult && i.input.size() <= 100) most[i.input] = i.mean_absolute;
  }
  PENSTOCK_TRY(step.WriteResult("method", facts.method));
  PENSTOCK_TRY(step.WriteResult("rows", facts.rows));
  PENSTOCK_TRY(step.WriteResult("largestResidual", facts.largest_residual));
  return step.WriteResult("importance", most);
}

}  // namespace

Result<void> RunExplain(sdk::Step& step) {
  PENSTOCK_ASSIGN(const auto options, ReadOptions(step.parameters()));
  PENSTOCK_ASSIGN(const auto model, step.InputPath("model"));
  PENSTOCK_ASSIGN(const auto dataset, step.InputPath("dataset"));
  std::string background = dataset;
  if (step.HasInput("background")) {
    PENSTOCK_ASSIGN(background, step.InputPath("background"));
  }
  PENSTOCK_ASSIGN(const auto served, evaluate::LoadServed(model));
  PENSTOCK_ASSIGN(const auto explainer, MakeExplainer(model, served, background, options.explain));
  std::vector<std::string> names;
  for (const auto& input : served.manifest.inputs) names.push_back(input.name);
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("contributions"));
  PENSTOCK_ASSIGN(auto writer, ContributionsWriter::Open(output, served.manifest, *explainer));
  const bool sampled = std::string(explainer->method()) == "sampled";
  const std::int64_t most = options.rows.value_or(sampled ? kSampledRows : INT64_MAX);
  Outcome outcome{GlobalImportance(names, explainer->outputs()), {}};
  PENSTOCK_TRY(ExplainAll(dataset, names, *explainer, most, &writer, &outcome));
  if (outcome.importance.rows() == 0) return Invalid(dataset + ": no rows");
  PENSTOCK_TRY(writer.Finish());
  return WriteOutcome(step, served.manifest, *explainer, outcome);
}

}  // namespace penstock::explain
