#include "components/evaluate/scoring.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "components/predict/arrow_tensors.h"
#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "components/sdk/labels/label_columns.h"
#include "components/sdk/matrix.h"
#include "operator/base/try.h"

namespace penstock::evaluate {
namespace {

constexpr std::int64_t kChunkRows = 8192;

bool IsNoNumber(const sdk::Cell& cell) {
  const auto* number = std::get_if<double>(&cell);
  return cell.index() == 0 || (number != nullptr && !std::isfinite(*number));
}

// Why the signature refuses one value; nullopt where it takes it.
Result<std::optional<std::string>> WhyRefused(const model::InputSpec& spec,
                                              const sdk::Column& column, const arrow::Array& one,
                                              const sdk::Cell& cell) {
  if (!spec.nullable && IsNoNumber(cell)) {
    return std::optional<std::string>("this input takes no nulls, as training saw none");
  }
  PENSTOCK_ASSIGN(auto input, predict::ToInput(one, spec));
  model::Signature alone;
  alone.inputs = {spec};
  std::vector<model::InputTensor> inputs;
  inputs.push_back(std::move(input));
  if (auto fits = model::FitInputs(alone, &inputs); !fits) {
    return std::optional<std::string>(fits.error().message);
  }
  if (auto is = sdk::Coerce(cell, column); !is) {
    return std::optional<std::string>(is.error().message);
  }
  return std::optional<std::string>();
}

// Whether a value of these may be refused. One look at the whole column: WhyRefused costs a
// microsecond a value, and tables have hundreds of columns.
bool IsSuspect(const model::InputSpec& spec, const sdk::Column& column,
               const sdk::TypedColumn& values) {
  if (values.type != column.type) return true;
  auto input = predict::ToInput(*values.array, spec);
  if (!input) return true;
  model::Signature alone;
  alone.inputs = {spec};
  std::vector<model::InputTensor> inputs;
  inputs.push_back(std::move(*input));
  if (!model::FitInputs(alone, &inputs)) return true;
  if (spec.nullable) return false;
  for (std::int64_t r = 0; r < values.array->length(); ++r) {
    if (IsNoNumber(CellAt(values, r))) return true;
  }
  return false;
}

// The places of the inputs with values that may be refused.
Result<std::vector<std::size_t>> SuspectsOf(const ServedModel& served,
                                            const arrow::RecordBatch& rows) {
  const auto& specs = served.loaded.model->signature().inputs;
  std::vector<std::size_t> suspects;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    PENSTOCK_ASSIGN(const auto values, sdk::FindColumn(rows, specs[i].name));
    if (IsSuspect(specs[i], served.manifest.inputs[i], values)) suspects.push_back(i);
  }
  return suspects;
}

Result<Refusal> RefusalOf(const ServedModel& served, const std::vector<std::size_t>& suspects,
                          const arrow::RecordBatch& rows, std::int64_t r) {
  const auto& specs = served.loaded.model->signature().inputs;
  for (const std::size_t i : suspects) {
    PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(rows, specs[i].name));
    const sdk::Cell cell = CellAt(column, r);
    PENSTOCK_ASSIGN(const auto why, WhyRefused(specs[i], served.manifest.inputs[i],
                                               *column.array->Slice(r, 1), cell));
    if (!why) continue;
    return Refusal{
        r, specs[i].name, sdk::CellToJson(cell),
        "is " + sdk::ShownCell(cell) + ", which a server of this model refuses: " + *why};
  }
  return Refusal{};
}

Result<void> CheckFinite(const std::vector<float>& raw, std::size_t width, std::int64_t first) {
  const auto at =
      std::find_if(raw.begin(), raw.end(), [](float v) { return !std::isfinite(v); }) - raw.begin();
  if (std::size_t(at) == raw.size()) return {};
  return Invalid("row " + std::to_string(first + at / std::int64_t(width)) +
                 ": the model answers " + std::to_string(raw[std::size_t(at)]) +
                 ", which is no number to judge");
}

}  // namespace

Result<ServedModel> LoadServed(const std::string& folder) {
  ServedModel served;
  PENSTOCK_ASSIGN(served.manifest, sdk::LoadModelManifest(folder));
  if (served.manifest.label.empty()) {
    return Invalid(folder + ": model.yaml names no label, so there is nothing to compare with");
  }
  PENSTOCK_ASSIGN(served.loaded, model::LoadModel(folder));
  const auto& inputs = served.loaded.model->signature().inputs;
  bool columns = inputs.size() == served.manifest.inputs.size();
  for (const model::InputSpec& input : inputs) columns = columns && input.is_column;
  if (!columns) {
    return Invalid(folder + ": takes tensors; rows of a dataset are given to a model with " +
                   sdk::kTransformFile);
  }
  return served;
}

Result<std::vector<model::InputTensor>> FittedInputs(const ServedModel& served,
                                                     const arrow::RecordBatch& rows) {
  const model::Signature& signature = served.loaded.model->signature();
  std::vector<model::InputTensor> inputs;
  for (const model::InputSpec& spec : signature.inputs) {
    PENSTOCK_ASSIGN(auto input, predict::ToInput(*rows.GetColumnByName(spec.name), spec));
    inputs.push_back(std::move(input));
  }
  PENSTOCK_TRY(model::FitInputs(signature, &inputs));
  return inputs;
}

Result<std::vector<float>> Answer(const ServedModel& served,
                                  std::vector<model::InputTensor> fitted) {
  PENSTOCK_ASSIGN(const auto prepared, served.loaded.model->Prepare(std::move(fitted)));
  PENSTOCK_ASSIGN(auto raw, served.loaded.model->Run(prepared));
  return std::get<std::vector<float>>(std::move(raw.front().data));
}

namespace {

// Answers a dataset's rows one after the other, without those that are refused.
class Scorer {
 public:
  explicit Scorer(const ServedModel& served) : served_(served) {}

  Result<void> Take(const arrow::RecordBatch& batch) {
    for (std::int64_t at = 0; at < batch.num_rows(); at += kChunkRows) {
      PENSTOCK_TRY(TakeChunk(*batch.Slice(at, std::min(kChunkRows, batch.num_rows() - at))));
    }
    return {};
  }

  [[nodiscard]] std::int64_t seen() const { return first_; }
  std::vector<float> raw;
  std::vector<std::uint32_t> rows;
  Refusals refused;

 private:
  Result<void> TakeChunk(const arrow::RecordBatch& chunk) {
    auto answered = AnswerOf(chunk);
    if (answered) {
      PENSTOCK_TRY(Keep(*answered, 0, chunk.num_rows()));
    } else {
      PENSTOCK_TRY(TakeWhatIsTaken(chunk, answered.error()));
    }
    first_ += chunk.num_rows();
    return {};
  }

  Result<std::vector<float>> AnswerOf(const arrow::RecordBatch& chunk) {
    PENSTOCK_ASSIGN(auto inputs, FittedInputs(served_, chunk));
    return Answer(served_, std::move(inputs));
  }

  // `error`: of the whole chunk. It stands where no single value is at fault.
  Result<void> TakeWhatIsTaken(const arrow::RecordBatch& chunk, const Error& error) {
    const auto before = refused.count;
    PENSTOCK_ASSIGN(const auto suspects, SuspectsOf(served_, chunk));
    std::int64_t begin = 0;  // of the rows since the last refused one
    for (std::int64_t r = 0; r <= chunk.num_rows(); ++r) {
      Refusal refusal;
      if (r < chunk.num_rows()) {
        PENSTOCK_ASSIGN(refusal, RefusalOf(served_, suspects, chunk, r));
        if (refusal.row < 0) continue;
      } else if (refused.count == before) {
        return Wrap("rows from " + std::to_string(first_) + " on", error);
      }
      if (r > begin) {
        auto answered = AnswerOf(*chunk.Slice(begin, r - begin));
        if (!answered) {
          return Wrap("rows from " + std::to_string(first_ + begin) + " on", answered.error());
        }
        PENSTOCK_TRY(Keep(*answered, begin, r - begin));
      }
      begin = r + 1;
      if (r == chunk.num_rows()) break;
      ++refused.count;
      refusal.row += first_;
      if (refused.first.size() < kShownRefusals) refused.first.push_back(std::move(refusal));
    }
    return {};
  }

  Result<void> Keep(const std::vector<float>& answers, std::int64_t from, std::int64_t count) {
    PENSTOCK_TRY(CheckFinite(answers, served_.manifest.RawWidth(), first_ + from));
    raw.insert(raw.end(), answers.begin(), answers.end());
    for (std::int64_t r = 0; r < count; ++r) rows.push_back(std::uint32_t(first_ + from + r));
    return {};
  }

  const ServedModel& served_;
  std::int64_t first_ = 0;  // row of the next chunk's beginning
};

Error ErrorOf(const Refusals& refused, std::int64_t rows) {
  const Refusal& first = refused.first.front();
  std::string text =
      "row " + std::to_string(first.row) + ", column '" + first.column + "', " + first.why;
  if (refused.count > 1) {
    text += "; " + std::to_string(refused.count) + " of " + std::to_string(rows) +
            " rows are refused, also row";
    for (std::size_t i = 1; i < refused.first.size(); ++i) {
      text += (i > 1 ? ", " : " ") + std::to_string(refused.first[i].row) + " (column '" +
              refused.first[i].column + "')";
    }
    if (std::size_t(refused.count) > refused.first.size()) text += ", ...";
  }
  return Invalid(text);
}

template <typename T>
void KeepRows(const std::vector<std::uint32_t>& rows, std::vector<T>* values) {
  if (values->empty()) return;
  for (std::size_t i = 0; i < rows.size(); ++i) (*values)[i] = (*values)[rows[i]];
  values->resize(rows.size());
}

// Answers of `answered` rows and labels of `labelled` ones, both ascending, become those of rows
// that are both.
void KeepBoth(const std::vector<std::uint32_t>& answered,
              const std::vector<std::uint32_t>& labelled, Scored* scored) {
  const std::size_t width = scored->manifest.RawWidth();
  std::vector<float> raw, labels;
  std::size_t l = 0;
  scored->rows.clear();
  for (std::size_t a = 0; a < answered.size(); ++a) {
    while (l < labelled.size() && labelled[l] < answered[a]) ++l;
    if (l == labelled.size()) break;
    if (labelled[l] != answered[a]) continue;
    const auto own = scored->raw.begin() + std::ptrdiff_t(a * width);
    raw.insert(raw.end(), own, own + std::ptrdiff_t(width));
    labels.push_back(scored->labels[l]);
    scored->rows.push_back(answered[a]);
  }
  scored->raw = std::move(raw);
  scored->labels = std::move(labels);
}

}  // namespace

Result<Scored> Score(const ServedModel& served, const std::string& dataset, Refusal* refused,
                     OnRefused on_refused, OnUnlabelled on_unlabelled) {
  Scored scored;
  scored.manifest = served.manifest;
  std::vector<std::uint32_t> labelled;
  std::size_t all = 0;
  if (on_unlabelled == OnUnlabelled::kLeaveOut) {
    PENSTOCK_ASSIGN(labelled, sdk::LabelledRows(dataset, served.manifest.label, &all));
    if (labelled.empty() && all > 0) {
      return Invalid(dataset + ": label '" + served.manifest.label + "' is null in every row");
    }
  }
  const bool some = labelled.size() < all;
  PENSTOCK_ASSIGN(scored.labels, sdk::LoadLabels(dataset, sdk::LabelOf(served.manifest),
                                                 &scored.exact, some ? &labelled : nullptr));
  std::vector<std::string> names;
  for (const sdk::Column& column : served.manifest.inputs) names.push_back(column.name);
  Scorer scorer(served);
  PENSTOCK_TRY(sdk::ForEachBatch(
      dataset, names, [&](const arrow::RecordBatch& batch) { return scorer.Take(batch); }));
  scored.raw = std::move(scorer.raw);
  if (scorer.refused.count == 0 && some) KeepBoth(scorer.rows, labelled, &scored);
  if (scorer.refused.count == 0) return scored;
  if (refused != nullptr) *refused = scorer.refused.first.front();
  if (on_refused == OnRefused::kFail || scorer.rows.empty()) {
    return ErrorOf(scorer.refused, scorer.seen());
  }
  if (some) {
    KeepBoth(scorer.rows, labelled, &scored);
    if (scored.rows.empty()) return ErrorOf(scorer.refused, scorer.seen());
  } else {
    KeepRows(scorer.rows, &scored.labels);
    KeepRows(scorer.rows, &scored.exact);
    scored.rows = std::move(scorer.rows);
  }
  scored.refused = std::move(scorer.refused);
  return scored;
}

Result<Scored> ScoreModel(const std::string& model, const std::string& dataset) {
  PENSTOCK_ASSIGN(const auto served, LoadServed(model));
  return Score(served, dataset);
}

Result<void> LoadWeights(const std::string& dataset, const std::string& name, Scored* scored) {
  std::vector<double> weights;
  double sum = 0;
  PENSTOCK_TRY(
      sdk::ForEachBatch(dataset, {name}, [&](const arrow::RecordBatch& batch) -> Result<void> {
        PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, name));
        for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
          const sdk::Cell cell = CellAt(column, r);
          const auto* number = std::get_if<double>(&cell);
          const auto* integer = std::get_if<std::int64_t>(&cell);
          const double w = number != nullptr ? *number : integer != nullptr ? double(*integer) : -1;
          if (!std::isfinite(w) || w < 0 || column.type == sdk::ColumnType::kTimestamp) {
            return Invalid(dataset + ": row " + std::to_string(weights.size()) + ", column '" +
                           name + "', is " + sdk::ShownCell(cell) +
                           "; a weight is a number from 0 on. Mend it with query, or name another "
                           "column in weight");
          }
          weights.push_back(w);
        }
        return {};
      }));
  if (!scored->rows.empty()) KeepRows(scored->rows, &weights);
  for (const double w : weights) sum += w;
  if (sum <= 0 || !std::isfinite(sum)) {
    return Invalid(dataset + ": the weights of column '" + name + "' sum up to " +
                   std::to_string(sum) + ", so no row counts");
  }
  scored->weights = std::move(weights);
  return {};
}

}  // namespace penstock::evaluate
