#include "components/train/target.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "components/sdk/labels/label_columns.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

std::string TextOf(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string Classes(const std::vector<Json>& classes) {
  std::string text;
  for (std::size_t i = 0; i < classes.size() && i < 10; ++i) {
    text += (i > 0 ? ", " : "") + sdk::ShownClass(classes[i]);
  }
  return text + (classes.size() > 10 ? ", ..." : "");
}

// The cells of one column, of the rows that are kept.
template <typename Visit>
Result<void> ForEachCell(const Source& source, const std::string& column, Visit visit) {
  std::int64_t row = 0;
  std::size_t next = 0;
  return sdk::ForEachBatch(source.path, {column},
                           [&](const arrow::RecordBatch& batch) -> Result<void> {
                             PENSTOCK_ASSIGN(const auto values, sdk::FindColumn(batch, column));
                             for (std::int64_t r = 0; r < batch.num_rows(); ++r, ++row) {
                               if (source.sampled) {
                                 if (next == source.keep.size()) break;
                                 if (source.keep[next] != row) continue;
                                 ++next;
                               }
                               PENSTOCK_TRY(visit(sdk::CellAt(values, r), row));
                             }
                             return {};
                           });
}

Result<std::vector<double>> LoadWeights(const std::vector<Source>& sources,
                                        const std::string& column) {
  std::vector<double> weights;
  for (const Source& source : sources) {
    auto read =
        ForEachCell(source, column, [&](const sdk::Cell& cell, std::int64_t row) -> Result<void> {
          double weight = std::nan("");
          if (const auto* n = std::get_if<std::int64_t>(&cell)) weight = double(*n);
          if (const auto* x = std::get_if<double>(&cell)) weight = *x;
          if (const auto* b = std::get_if<bool>(&cell)) weight = *b ? 1 : 0;
          if (!std::isfinite(weight) || weight < 0) {
            return Invalid("weight '" + column + "' is " + sdk::ShownCell(cell) + " in row " +
                           std::to_string(row) +
                           ", and a weight is a number of 0 or more; leave such rows out with "
                           "query");
          }
          weights.push_back(weight);
          return {};
        });
    if (!read) return Wrap("dataset " + source.name, read.error());
  }
  if (std::accumulate(weights.begin(), weights.end(), 0.0) <= 0) {
    return Invalid("weight '" + column + "' is 0 in every row");
  }
  return weights;
}

// A null is a group of its own.
Result<std::vector<std::uint32_t>> LoadGroups(const std::vector<Source>& sources,
                                              const std::string& column) {
  std::vector<std::uint32_t> groups;
  std::map<std::string, std::uint32_t> codes;
  std::uint32_t next = 0;
  for (const Source& source : sources) {
    auto read =
        ForEachCell(source, column, [&](const sdk::Cell& cell, std::int64_t) -> Result<void> {
          if (cell.index() == 0) {
            groups.push_back(next++);
            return {};
          }
          const auto [at, added] = codes.try_emplace(sdk::CellToText(cell), next);
          if (added) ++next;
          groups.push_back(at->second);
          return {};
        });
    if (!read) return Wrap("dataset " + source.name, read.error());
  }
  return groups;
}

bool IsOfRegression(const std::string& loss) { return loss != "auto"; }

// The task that LearnLabel is asked for: what is said by task, by loss, or by the schema's list of
// values.
std::string WantedTask(const TrainOptions& options, const sdk::SchemaColumn* column) {
  if (options.task != "auto") return options.task;
  if (IsOfRegression(options.loss)) return "regression";
  if (column != nullptr && column->domain.is_array()) return "classification";
  return "auto";
}

void NoteTask(const sdk::Label& label, const TrainOptions& options,
              std::vector<std::string>& notes) {
  const bool classes = label.task == sdk::ModelTask::kClassification;
  std::string note = "label '" + label.column + "': ";
  note += classes ? "classification of " + std::to_string(label.classes.size()) + " classes (" +
                        Classes(label.classes) + ")"
                  : "regression";
  if (classes && label.classes.size() == 2) {
    note += ", positive is " + sdk::ShownClass(label.classes[1]);
  }
  const bool numbers = classes && label.classes.front().is_number();
  if (options.task == "auto" && numbers) {
    note += "; counts? set task: regression, loss: poisson";
  } else if (options.task == "auto" && !classes) {
    note += "; classes? set task: classification";
  }
  notes.push_back(std::move(note));
}

Result<void> SetPositive(const Json& positive, sdk::Label& label) {
  if (positive.is_null()) return {};
  if (label.classes.size() != 2) {
    return Invalid("parameter positive: is of two classes, and label '" + label.column + "' has " +
                   (label.classes.empty() ? "values" : std::to_string(label.classes.size())));
  }
  for (std::size_t i = 0; i < 2; ++i) {
    if (label.classes[i] != positive && TextOf(label.classes[i]) != TextOf(positive)) continue;
    if (i == 0) std::swap(label.classes[0], label.classes[1]);
    return {};
  }
  return Invalid("parameter positive: '" + TextOf(positive) + "' is none of the classes (" +
                 Classes(label.classes) + ")");
}

Result<Loss> LossOf(const std::string& name, const Labels& labels) {
  if (labels.classification()) {
    if (name == "auto") return Loss::kLog;
    return Invalid("parameter loss: " + name +
                   " is of a regression, and task is classification; leave one of them out");
  }
  if (name == "absolute") return Loss::kAbsolute;
  if (name == "huber") return Loss::kHuber;
  if (name == "poisson") return Loss::kPoisson;
  if (name == "quantile") return Loss::kQuantile;
  return Loss::kSquared;
}

Result<void> CheckCounts(const Labels& labels) {
  if (labels.target.loss != Loss::kPoisson) return {};
  double sum = 0;
  for (std::size_t r = 0; r < labels.y.size(); ++r) {
    sum += labels.y[r];
    if (labels.y[r] >= 0) continue;
    const bool in_valid = r >= labels.train_rows;
    return Invalid("dataset " + std::string(in_valid ? "valid" : "train") + ": label '" +
                   labels.label.column + "' is " + Json(labels.y[r]).dump() + " in row " +
                   std::to_string(in_valid ? r - labels.train_rows : r) +
                   ", and loss poisson takes counts of 0 or more");
  }
  if (sum > 0) return {};
  return Invalid("label '" + labels.label.column + "' is 0 in every row");
}

// n / (classes * rows of the class), as scikit-learn's "balanced"; weighted rows count by weight.
Result<std::vector<double>> ClassWeights(const Json& wanted, const Labels& labels) {
  const auto& classes = labels.label.classes;
  std::vector<double> weights(classes.size(), 1);
  if (wanted == "balanced") {
    std::vector<double> sums(classes.size(), 0);
    double all = 0;
    for (std::size_t r = 0; r < labels.rows(); ++r) {
      const double w = labels.weight.empty() ? 1 : labels.weight[r];
      sums[std::size_t(labels.y[r])] += w;
      all += w;
    }
    for (std::size_t k = 0; k < sums.size(); ++k) {
      weights[k] = sums[k] > 0 ? all / (double(sums.size()) * sums[k]) : 0;
    }
    return weights;
  }
  for (const auto& [name, weight] : wanted.items()) {
    bool found = false;
    for (std::size_t k = 0; k < classes.size(); ++k) {
      if (TextOf(classes[k]) != name) continue;
      weights[k] = weight.get<double>();
      found = true;
    }
    if (!found) {
      return Invalid("parameter classWeights: '" + name + "' is none of the classes (" +
                     Classes(classes) + ")");
    }
  }
  return weights;
}

Result<void> SetFitWeights(const Json& wanted, Labels& labels) {
  labels.fit_weight = labels.weight;
  if (wanted == "none") return {};
  if (!labels.classification()) {
    return Invalid("parameter classWeight: is of a classification, and this is a regression");
  }
  PENSTOCK_ASSIGN(const auto by_class, ClassWeights(wanted, labels));
  if (labels.fit_weight.empty()) labels.fit_weight.assign(labels.rows(), 1);
  double sum = 0;
  for (std::size_t r = 0; r < labels.rows(); ++r) {
    labels.fit_weight[r] *= by_class[std::size_t(labels.y[r])];
    sum += labels.fit_weight[r];
  }
  if (sum > 0) return {};
  return Invalid("parameter classWeight: leaves no row any weight");
}

Result<void> LoadY(const std::vector<Source>& sources, Labels& labels) {
  for (const Source& source : sources) {
    std::vector<double> exact;
    const auto y =
        sdk::LoadLabels(source.path, labels.label, &exact, source.sampled ? &source.keep : nullptr);
    if (!y) return Wrap("dataset " + source.name, y.error());
    if (exact.empty()) {
      labels.y.insert(labels.y.end(), y->begin(), y->end());
    } else {
      labels.y.insert(labels.y.end(), exact.begin(), exact.end());
    }
    if (labels.train_rows == 0) labels.train_rows = labels.y.size();
  }
  return {};
}

}  // namespace

Result<Labels> LoadTarget(const std::vector<Source>& sources, const TrainOptions& options, As as) {
  Labels labels;
  PENSTOCK_ASSIGN(const sdk::Schema schema, sdk::DatasetSchema(sources.front().path));
  const std::string& train = sources.front().path;
  auto label =
      as == As::kOneOfSeveral
          ? sdk::LearnTwoClasses(train, options.label)
          : sdk::LearnLabel(train, options.label, WantedTask(options, schema.Find(options.label)));
  if (!label) return Wrap("dataset train", label.error());
  labels.label = std::move(*label);
  PENSTOCK_TRY(SetPositive(options.positive, labels.label));
  NoteTask(labels.label, options, labels.notes);
  PENSTOCK_TRY(LoadY(sources, labels));

  labels.target.task = labels.label.task;
  labels.target.classes = labels.label.classes.size();
  labels.target.quantile = options.quantile;
  PENSTOCK_ASSIGN(labels.target.loss, LossOf(options.loss, labels));
  PENSTOCK_TRY(CheckCounts(labels));

  std::string weight = options.weight;
  if (weight.empty() && !schema.Of(sdk::Role::kWeight).empty()) {
    PENSTOCK_ASSIGN(weight, sdk::TheColumnOf(schema, sdk::Role::kWeight));
  }
  if (!weight.empty()) {
    PENSTOCK_ASSIGN(labels.weight, LoadWeights(sources, weight));
    labels.notes.push_back("rows count by their column '" + weight + "'");
  }
  if (!schema.Of(sdk::Role::kGroup).empty()) {
    PENSTOCK_ASSIGN(const auto group, sdk::TheColumnOf(schema, sdk::Role::kGroup));
    PENSTOCK_ASSIGN(labels.group, LoadGroups(sources, group));
    labels.notes.push_back("rows of one '" + group + "' stay in one fold");
  }
  PENSTOCK_TRY(SetFitWeights(options.class_weight, labels));
  return labels;
}

}  // namespace penstock::train
