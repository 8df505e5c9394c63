#include "components/transform/fit.h"

#include <algorithm>
#include <optional>
#include <set>

#include "components/sdk/dataset.h"
#include "components/transform/column_summary.h"
#include "operator/base/nearest.h"
#include "operator/base/try.h"

namespace penstock::transform {
namespace {

using sdk::Category;
using sdk::Column;
using sdk::ColumnType;
using sdk::TransformOp;
using sdk::TransformStep;

constexpr std::size_t kMaxOneHot = 1000;
// Without orders, up to so many categories become indicators; more become a vocabulary.
constexpr std::size_t kAutomaticOneHot = 32;

bool IsCategory(TransformOp op) {
  return op == TransformOp::kOneHot || op == TransformOp::kVocabulary;
}

// One operation that the options ask for.
struct Order {
  TransformOp op;
  std::string column;
  VocabularyOptions vocabulary;
  bool automatic = false;  // may turn from oneHot into vocabulary
};

std::vector<Order> OrdersOf(const FitOptions& options) {
  std::vector<Order> orders;
  for (const auto& c : options.scale) orders.push_back({TransformOp::kScale, c, {}, false});
  for (const auto& c : options.passthrough) {
    orders.push_back({TransformOp::kPassthrough, c, {}, false});
  }
  for (const auto& c : options.one_hot) orders.push_back({TransformOp::kOneHot, c, {}, false});
  for (const auto& [c, v] : options.vocabulary) {
    orders.push_back({TransformOp::kVocabulary, c, v, false});
  }
  return orders;
}

// Why no feature is made of a column unasked; empty: one is.
std::string WhyLeftOut(const sdk::SchemaColumn& column, const arrow::DataType& type) {
  if (column.role != sdk::Role::kFeature) return std::string("its role is ") + Name(column.role);
  const auto canonical = sdk::ColumnTypeOf(type);
  if (!canonical) return "no feature is made of " + column.type;
  if (canonical == ColumnType::kTimestamp) {
    return "times are used only where they are named, in scale or passthrough";
  }
  return "";
}

std::vector<Order> AutomaticOrders(const arrow::Schema& schema, const sdk::Schema& described,
                                   const std::string& label, std::vector<std::string>& notes) {
  std::vector<Order> orders;
  for (const auto& field : schema.fields()) {
    if (field->name() == label) continue;
    if (const auto why = WhyLeftOut(*described.Find(field->name()), *field->type()); !why.empty()) {
      notes.push_back("column '" + field->name() + "' is left out: " + why);
      continue;
    }
    const auto type = sdk::ColumnTypeOf(*field->type());
    const TransformOp op = type == ColumnType::kString ? TransformOp::kOneHot
                           : type == ColumnType::kBool ? TransformOp::kPassthrough
                                                       : TransformOp::kScale;
    orders.push_back({op, field->name(), {}, true});
  }
  return orders;
}

// The columns in the dataset's order, each with what its orders need.
struct Plan {
  std::vector<Order> orders;
  std::vector<std::string> names;
  std::vector<ColumnSummary> summaries;
  std::vector<std::string> notes;  // what is left out, and why

  ColumnSummary& SummaryOf(const std::string& name) { return summaries[IndexOf(name)]; }
  [[nodiscard]] std::size_t IndexOf(const std::string& name) const {
    return std::size_t(std::find(names.begin(), names.end(), name) - names.begin());
  }
};

Error NoFeature(const std::vector<std::string>& notes) {
  std::string why;
  for (const auto& note : notes) why += (why.empty() ? ": " : "; ") + note;
  return Invalid("the dataset has no column to make a feature of" + why);
}

Error NoColumn(const std::string& parameter, const std::string& name, const arrow::Schema& schema) {
  return Invalid(parameter + ": there is no column '" + name + "'" +
                 DidYouMean(name, schema.field_names()));
}

// What names a column that is not there, or one twice, would otherwise do nothing, or something
// twice.
Result<void> CheckNames(const std::vector<Order>& orders, const FitOptions& options,
                        const arrow::Schema& schema) {
  if (!options.label.empty() && schema.GetFieldByName(options.label) == nullptr) {
    return NoColumn("label", options.label, schema);
  }
  std::set<std::pair<TransformOp, std::string>> seen;
  std::vector<std::string> features;
  for (const auto& order : orders) {
    if (order.column == options.label) {
      return Invalid("column '" + order.column + "' is the label and cannot be a feature");
    }
    if (schema.GetFieldByName(order.column) == nullptr) {
      return NoColumn(Name(order.op), order.column, schema);
    }
    if (!seen.insert({order.op, order.column}).second) {
      return Invalid(std::string(Name(order.op)) + ": column '" + order.column + "' stands twice");
    }
    features.push_back(order.column);
  }
  for (const auto& [name, method] : options.impute.items()) {
    if (name == "*" || std::find(features.begin(), features.end(), name) != features.end())
      continue;
    return Invalid("impute: no feature is made of a column '" + name + "'" +
                   DidYouMean(name, features));
  }
  return {};
}

Result<Plan> MakePlan(const std::string& dataset, const FitOptions& options) {
  PENSTOCK_ASSIGN(auto reader, sdk::DatasetReader::Open(dataset));
  PENSTOCK_ASSIGN(const auto described, sdk::DatasetSchema(dataset));
  Plan plan;
  plan.orders = options.Automatic()
                    ? AutomaticOrders(*reader->schema(), described, options.label, plan.notes)
                    : OrdersOf(options);
  PENSTOCK_TRY(CheckNames(plan.orders, options, *reader->schema()));
  if (plan.orders.empty()) return NoFeature(plan.notes);
  for (const auto& field : reader->schema()->fields()) {
    bool numbers = false;
    bool categories = false;
    for (const auto& order : plan.orders) {
      if (order.column != field->name()) continue;
      (IsCategory(order.op) ? categories : numbers) = true;
    }
    if (!numbers && !categories) continue;
    const auto type = sdk::ColumnTypeOf(*field->type());
    if (!type) return Invalid("column '" + field->name() + "' is a " + field->type()->ToString());
    if (numbers && type == ColumnType::kString) {
      return Invalid("column '" + field->name() + "' is a string and cannot be scaled; use oneHot");
    }
    plan.names.push_back(field->name());
    plan.summaries.emplace_back(*type, numbers, categories);
  }
  return plan;
}

Json ImputeOf(const FitOptions& options, const std::string& column) {
  if (options.impute.contains(column)) return options.impute[column];
  return options.impute.contains("*") ? options.impute["*"] : Json("auto");
}

Result<double> NumberFill(const Json& method, ColumnSummary& summary) {
  if (method == "auto" || method == "median") return summary.Median();
  if (method == "mean") return summary.Moments().mean;
  if (method == "mostFrequent") return summary.MostFrequentNumber();
  if (method.is_number()) return method.get<double>();
  return Invalid("impute " + method.dump() +
                 ": a number takes auto, mean, median, mostFrequent or a number");
}

// The index of the category that a null becomes; -1 for the place of the unseen.
Result<std::int64_t> CategoryFill(const Json& method, const TransformStep& step,
                                  const std::vector<ColumnSummary::Counted>& counted) {
  if (method == "auto" || method == "unseen") return std::int64_t{-1};
  std::optional<Category> wanted;
  if (method == "mostFrequent") {
    wanted = counted.front().first;
  } else if (method.is_object() && method.contains("value") && method["value"].is_string()) {
    wanted = method["value"].get<std::string>();
  } else {
    return Invalid("impute " + method.dump() +
                   ": a category takes auto, unseen, mostFrequent or {value: text}");
  }
  const auto at = std::find(step.categories.begin(), step.categories.end(), *wanted);
  if (at == step.categories.end()) return Invalid("impute: that value is no category");
  return std::int64_t(at - step.categories.begin());
}

Result<void> FitCategories(const Order& order, const Json& impute, ColumnSummary& summary,
                           TransformStep& step) {
  const auto counted = summary.ByCount();
  if (order.automatic && counted.size() > kAutomaticOneHot) step.op = TransformOp::kVocabulary;
  std::size_t keep = counted.size();
  if (step.op == TransformOp::kVocabulary) {
    keep = std::min(keep, std::size_t(order.vocabulary.top_k));
    step.oov_buckets = order.vocabulary.oov_buckets;
  } else if (keep > kMaxOneHot) {
    return Invalid("oneHot: " + std::to_string(keep) + " categories; use vocabulary above 1000");
  }
  for (std::size_t i = 0; i < keep; ++i) step.categories.push_back(counted[i].first);
  if (step.op == TransformOp::kOneHot) std::sort(step.categories.begin(), step.categories.end());
  PENSTOCK_ASSIGN(step.fill_category, CategoryFill(impute, step, counted));
  return {};
}

Result<TransformStep> FitStep(const Order& order, const FitOptions& options, Plan& plan,
                              std::vector<std::string>* notes) {
  ColumnSummary& summary = plan.SummaryOf(order.column);
  if (summary.only_nulls()) return Invalid("has nulls only; leave it out");
  TransformStep step;
  step.op = order.op;
  step.input = plan.IndexOf(order.column);
  const Json impute = ImputeOf(options, order.column);
  if (IsCategory(order.op)) {
    PENSTOCK_TRY(FitCategories(order, impute, summary, step));
    return step;
  }
  // The mean and std are of the values that are there; imputing changes neither's meaning.
  PENSTOCK_ASSIGN(step.fill, NumberFill(impute, summary));
  if (order.op == TransformOp::kScale) {
    const sdk::Moments moments = summary.Moments();
    step.mean = moments.mean;
    step.std = moments.constant ? 1 : moments.std;
    if (moments.constant && notes != nullptr) {
      notes->push_back("column '" + order.column + "' is " + Json(moments.mean).dump() +
                       " in every row, within rounding: it scales to 0 and tells a model nothing");
    }
  }
  return step;
}

// Columns that nobody named and that have no value, of whatever type.
void DropEmptyColumns(Plan& plan) {
  Plan kept;
  kept.notes = plan.notes;
  for (std::size_t i = 0; i < plan.names.size(); ++i) {
    if (plan.summaries[i].only_nulls()) {
      kept.notes.push_back("column '" + plan.names[i] + "' is left out: it has no value");
      continue;
    }
    kept.names.push_back(plan.names[i]);
    kept.summaries.push_back(std::move(plan.summaries[i]));
  }
  for (auto& order : plan.orders) {
    if (kept.IndexOf(order.column) < kept.names.size()) kept.orders.push_back(std::move(order));
  }
  plan = std::move(kept);
}

}  // namespace

Result<sdk::TransformSpec> Fit(const std::string& dataset, const FitOptions& options,
                               std::vector<std::string>* notes) {
  PENSTOCK_ASSIGN(Plan plan, MakePlan(dataset, options));
  PENSTOCK_TRY(
      sdk::ForEachBatch(dataset, plan.names, [&](const arrow::RecordBatch& batch) -> Result<void> {
        for (std::size_t i = 0; i < plan.names.size(); ++i) {
          PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, plan.names[i]));
          plan.summaries[i].Add(column, batch.num_rows());
        }
        return {};
      }));
  if (options.Automatic()) DropEmptyColumns(plan);
  if (plan.orders.empty()) return NoFeature(plan.notes);
  if (notes != nullptr) notes->insert(notes->end(), plan.notes.begin(), plan.notes.end());
  sdk::TransformSpec spec;
  spec.label = options.label;
  for (std::size_t i = 0; i < plan.names.size(); ++i) {
    const ColumnSummary& s = plan.summaries[i];
    // To say how nulls are imputed is to say that there will be some.
    const bool imputed = options.impute.contains(plan.names[i]) || options.impute.contains("*");
    spec.inputs.push_back({plan.names[i], s.type(), s.has_nulls() || imputed});
  }
  for (const auto& order : plan.orders) {
    auto step = FitStep(order, options, plan, notes);
    if (!step) return Wrap("column '" + order.column + "'", step.error());
    spec.steps.push_back(std::move(*step));
  }
  PENSTOCK_ASSIGN(const auto transform, sdk::Transform::Make(spec));
  // A word for null that a vocabulary had no room for is one from here on.
  for (std::size_t i = 0; i < plan.names.size(); ++i) {
    for (const auto& text : transform.null_texts(i)) {
      if (plan.summaries[i].HasText(text)) spec.inputs[i].nullable = true;
    }
  }
  return spec;
}

}  // namespace penstock::transform
