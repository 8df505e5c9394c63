#include "components/audit/labels/predictions.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "components/sdk/arrow_result.h"
#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::audit {
namespace {

// The columns of the answer: "probability", or "probability_0", ...; else Invalid.
Result<std::vector<std::string>> AnswerColumns(const sdk::Schema& schema,
                                               const std::string& dataset) {
  if (schema.Find("probability") != nullptr) return std::vector<std::string>{"probability"};
  std::vector<std::string> names;
  for (;;) {
    const std::string name = "probability_" + std::to_string(names.size());
    if (schema.Find(name) == nullptr) break;
    names.push_back(name);
  }
  if (!names.empty()) return names;
  return Invalid("predictions: " + dataset +
                 " has no column probability or probability_0: label issues are found in a "
                 "classification's answers, as train's output predictions has them");
}

struct ByClass {
  bool operator()(const std::string& a, const std::string& b) const {
    char* end_a = nullptr;
    char* end_b = nullptr;
    const double x = std::strtod(a.c_str(), &end_a);
    const double y = std::strtod(b.c_str(), &end_b);
    const bool numbers = !a.empty() && !b.empty() && *end_a == 0 && *end_b == 0;
    return numbers && x != y ? x < y : a < b;
  }
};

// Classes in order, with the number of each as the rows first had it.
struct ClassNumbers {
  std::map<std::string, std::uint32_t> numbers;  // text of the label -> in order of first sight
  bool texts = false;
};

std::vector<std::string> InOrder(const ClassNumbers& seen) {
  std::vector<std::string> classes;
  for (const auto& [name, number] : seen.numbers) classes.push_back(name);
  if (!seen.texts) std::sort(classes.begin(), classes.end(), ByClass());
  return classes;
}

class Reader {
 public:
  Reader(std::string dataset, std::string label, std::vector<std::string> answers)
      : dataset_(std::move(dataset)), label_(std::move(label)), answers_(std::move(answers)) {}

  Result<void> Add(const arrow::RecordBatch& batch, bool has_row, bool has_dataset) {
    PENSTOCK_ASSIGN(const auto labels, sdk::FindColumn(batch, label_));
    seen.texts = labels.type == sdk::ColumnType::kString;
    std::vector<sdk::TypedColumn> columns;
    for (const auto& name : answers_) {
      PENSTOCK_ASSIGN(columns.emplace_back(), sdk::FindColumn(batch, name));
    }
    sdk::TypedColumn rows;
    sdk::TypedColumn parts;
    if (has_row) {
      PENSTOCK_ASSIGN(rows, sdk::FindColumn(batch, "row"));
    }
    if (has_dataset) {
      PENSTOCK_ASSIGN(parts, sdk::FindColumn(batch, "dataset"));
    }
    for (std::int64_t r = 0; r < batch.num_rows(); ++r, ++row_) {
      const auto label = CellAt(labels, r);
      if (label.index() == 0) return At("the label is null");
      const auto number = std::uint32_t(seen.numbers.size());
      read.labels.push_back(seen.numbers.try_emplace(sdk::CellToText(label), number).first->second);
      if (seen.numbers.size() > 1000) return At("there are more than 1,000 classes");
      PENSTOCK_TRY(AddAnswers(columns, r));
      const auto row = has_row ? CellAt(rows, r) : sdk::Cell(row_);
      const auto* of = std::get_if<std::int64_t>(&row);
      read.rows.push_back(of != nullptr ? *of : row_);
      const auto part = has_dataset ? CellAt(parts, r) : sdk::Cell();
      const auto* name = std::get_if<std::string_view>(&part);
      read.in_second.push_back(name != nullptr && *name == "valid" ? 1 : 0);
    }
    return {};
  }

  Predictions read;
  ClassNumbers seen;

 private:
  Error At(const std::string& problem) const {
    return Invalid("predictions: " + dataset_ + ": row " + std::to_string(row_) + ": " + problem);
  }

  Result<void> AddAnswers(const std::vector<sdk::TypedColumn>& columns, std::int64_t r) {
    double sum = 0;
    for (std::size_t k = 0; k < columns.size(); ++k) {
      const auto cell = CellAt(columns[k], r);
      const auto* p = std::get_if<double>(&cell);
      if (p == nullptr || !(*p >= 0 && *p <= 1)) {
        return At(answers_[k] + " is " + sdk::ShownCell(cell) + ", which is no probability");
      }
      sum += *p;
      if (columns.size() == 1) read.probabilities.push_back(1 - *p);
      read.probabilities.push_back(*p);
    }
    if (columns.size() > 1 && std::abs(sum - 1) > 1e-3) {
      return At("the probabilities add up to " + std::to_string(sum) + ", not to 1");
    }
    return {};
  }

  std::string dataset_;
  std::string label_;
  std::vector<std::string> answers_;
  std::int64_t row_ = 0;
};

template <typename Builder, typename Value>
Result<std::shared_ptr<arrow::Array>> ColumnOf(std::size_t rows, Value value) {
  Builder builder;
  for (std::size_t i = 0; i < rows; ++i) {
    PENSTOCK_TRY(sdk::FromArrow(builder.Append(value(i)), "issues"));
  }
  return sdk::FromArrow(builder.Finish(), "issues");
}

}  // namespace

Result<Predictions> LoadPredictions(const std::string& dataset, const std::string& label,
                                    const std::string& positive) {
  PENSTOCK_ASSIGN(const auto schema, sdk::DatasetSchema(dataset));
  PENSTOCK_ASSIGN(const auto answers, AnswerColumns(schema, dataset));
  if (schema.Find(label) == nullptr) {
    return Invalid("predictions: " + dataset + " has no column " + label + ", the label");
  }
  std::vector<std::string> read = answers;
  read.push_back(label);
  const bool has_row = schema.Find("row") != nullptr && label != "row";
  const bool has_dataset = schema.Find("dataset") != nullptr && label != "dataset";
  if (has_row) read.push_back("row");
  if (has_dataset) read.push_back("dataset");
  PENSTOCK_ASSIGN(const auto opened, sdk::DatasetReader::Open(dataset, read));
  const std::int64_t width = std::max<std::int64_t>(2, std::int64_t(answers.size()));
  if (opened->rows() * width > kMostProbabilities) {
    return Invalid("predictions: " + dataset + " has " + std::to_string(opened->rows()) +
                   " rows of " + std::to_string(width) +
                   " classes, more than fit in memory; take a sample with query");
  }
  Reader reader(dataset, label, answers);
  PENSTOCK_TRY(sdk::ForEachBatch(dataset, read, [&](const arrow::RecordBatch& batch) {
    return reader.Add(batch, has_row, has_dataset);
  }));
  auto classes = InOrder(reader.seen);
  if (std::int64_t(classes.size()) != width) {
    return Invalid("predictions: " + dataset + " has labels of " + std::to_string(classes.size()) +
                   " classes and answers of " + std::to_string(width));
  }
  if (!positive.empty() && width == 2) {
    if (classes[0] == positive) std::swap(classes[0], classes[1]);
    if (classes[1] != positive) return Invalid("positive: no label is " + positive);
  }
  std::vector<std::uint32_t> place(classes.size());
  for (std::size_t k = 0; k < classes.size(); ++k) {
    place[reader.seen.numbers.at(classes[k])] = std::uint32_t(k);
  }
  for (auto& l : reader.read.labels) l = place[l];
  reader.read.classes = std::move(classes);
  return std::move(reader.read);
}

Result<void> WriteIssues(const std::string& folder, const Predictions& predictions,
                         const std::vector<LabelIssue>& issues) {
  const auto schema =
      arrow::schema({arrow::field("dataset", arrow::utf8()), arrow::field("row", arrow::int64()),
                     arrow::field("label", arrow::utf8()), arrow::field("likely", arrow::utf8()),
                     arrow::field("quality", arrow::float64())});
  const std::size_t n = issues.size();
  arrow::ArrayVector columns;
  PENSTOCK_ASSIGN(
      columns.emplace_back(), ColumnOf<arrow::StringBuilder>(n, [&](std::size_t i) {
        return std::string(predictions.in_second[issues[i].row] != 0 ? "valid" : "train");
      }));
  PENSTOCK_ASSIGN(columns.emplace_back(), ColumnOf<arrow::Int64Builder>(n, [&](std::size_t i) {
                    return predictions.rows[issues[i].row];
                  }));
  PENSTOCK_ASSIGN(columns.emplace_back(), ColumnOf<arrow::StringBuilder>(n, [&](std::size_t i) {
                    return predictions.classes[issues[i].given];
                  }));
  PENSTOCK_ASSIGN(columns.emplace_back(), ColumnOf<arrow::StringBuilder>(n, [&](std::size_t i) {
                    return predictions.classes[issues[i].likely];
                  }));
  PENSTOCK_ASSIGN(columns.emplace_back(), ColumnOf<arrow::DoubleBuilder>(
                                              n, [&](std::size_t i) { return issues[i].quality; }));
  PENSTOCK_ASSIGN(const auto writer, sdk::DatasetWriter::Create(folder, schema));
  PENSTOCK_TRY(writer->Write(arrow::RecordBatch::Make(schema, std::int64_t(n), columns)));
  return writer->Finish();
}

}  // namespace penstock::audit
