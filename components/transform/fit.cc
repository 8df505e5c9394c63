#include "components/transform/fit.h"

#include <algorithm>
#include <optional>
#include <set>

#include "components/model_format/prepared_step.h"
#include "components/sdk/dataset.h"
#include "components/sdk/matrix.h"
#include "components/transform/column_table.h"
#include "components/transform/profile.h"
#include "components/transform/refit.h"
#include "components/transform/vectors.h"
#include "operator/base/nearest.h"
#include "operator/base/try.h"

namespace penstock::transform {
namespace {

using sdk::Column;
using sdk::TransformOp;
using sdk::TransformSpec;

Error NoFeature(const std::vector<sdk::DroppedColumn>& dropped) {
  std::string why;
  for (const auto& d : dropped) {
    why += (why.empty() ? ": column '" : "; column '") + d.column + "' is left out: " + d.why;
  }
  return Invalid("the dataset has no column to make a feature of" + why);
}

Error NoColumn(const std::string& parameter, const std::string& name, const arrow::Schema& schema) {
  return Invalid(parameter + ": there is no column '" + name + "'" +
                 DidYouMean(name, schema.field_names()));
}

bool IsLabel(const FitOptions& options, const std::string& column) {
  const auto& more = options.more_labels;
  return column == options.label || std::find(more.begin(), more.end(), column) != more.end();
}

// What names a column that is not there, or one twice, would otherwise do nothing, or something
// twice.
Result<void> CheckNames(const std::vector<Operation>& operations, const FitOptions& options,
                        const arrow::Schema& schema) {
  if (!options.label.empty() && schema.GetFieldByName(options.label) == nullptr) {
    return NoColumn("label", options.label, schema);
  }
  for (const auto& label : options.more_labels) {
    if (schema.GetFieldByName(label) == nullptr) return NoColumn("labels", label, schema);
  }
  if (!options.weight.empty() && schema.GetFieldByName(options.weight) == nullptr) {
    return NoColumn("weight", options.weight, schema);
  }
  std::set<std::pair<std::string, std::vector<std::string>>> seen;
  for (const auto& operation : operations) {
    for (const auto& column : operation.columns) {
      if (IsLabel(options, column)) {
        return Invalid("column '" + column + "' is the label and cannot be a feature");
      }
      if (column == options.weight) {
        return Invalid("column '" + column + "' is the weight and cannot be a feature");
      }
      if (schema.GetFieldByName(column) == nullptr) return NoColumn(operation.name, column, schema);
    }
    if (!seen.insert({operation.name, operation.columns}).second) {
      return Invalid(operation.name + ": column '" + operation.columns.front() + "' stands twice");
    }
  }
  return {};
}

Result<void> CheckImpute(const Json& impute, const std::vector<std::string>& features) {
  for (const auto& [name, method] : impute.items()) {
    if (name == "*" || std::find(features.begin(), features.end(), name) != features.end())
      continue;
    return Invalid("impute: no feature is made of a column '" + name + "'" +
                   DidYouMean(name, features));
  }
  return {};
}

// The columns to make features of, in the dataset's order, and why others are not.
struct Candidates {
  std::vector<Column> columns;
  std::vector<sdk::DroppedColumn> dropped;

  [[nodiscard]] std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& column : columns) names.push_back(column.name);
    return names;
  }
};

Result<Candidates> FindCandidates(const std::string& dataset, const FitOptions& options,
                                  const std::vector<Operation>& operations) {
  PENSTOCK_ASSIGN(auto reader, sdk::DatasetReader::Open(dataset));
  PENSTOCK_ASSIGN(const auto described, sdk::DatasetSchema(dataset));
  PENSTOCK_TRY(CheckNames(operations, options, *reader->schema()));
  std::set<std::string> named;
  for (const auto& o : operations) named.insert(o.columns.begin(), o.columns.end());
  Candidates found;
  for (const auto& field : reader->schema()->fields()) {
    const std::string& name = field->name();
    if (IsLabel(options, name)) continue;
    const auto type = sdk::ColumnTypeOf(*field->type());
    const sdk::SchemaColumn& column = *described.Find(name);
    if (name == options.weight) {
      found.dropped.push_back({name, "it is the weight"});
    } else if (!operations.empty() && !named.contains(name)) {
      found.dropped.push_back({name, "no operation names it"});
    } else if (!operations.empty() && !type) {
      return Invalid("column '" + name + "' is a " + field->type()->ToString());
    } else if (operations.empty() && column.role != sdk::Role::kFeature) {
      found.dropped.push_back({name, std::string("its role is ") + Name(column.role)});
    } else if (!type) {
      found.dropped.push_back({name, "no feature is made of " + column.type});
    } else {
      found.columns.push_back({name, *type, true});
    }
  }
  return found;
}

// The spec with those columns only that a step uses.
TransformSpec SpecOf(const Plan& plan, const std::vector<Column>& columns) {
  TransformSpec spec;
  std::vector<bool> used(columns.size());
  for (const auto& step : plan.steps) {
    used[step.input] = true;
    if (step.op == TransformOp::kCross) used[step.other] = true;
  }
  std::vector<std::size_t> place(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    place[i] = spec.inputs.size();
    if (used[i]) spec.inputs.push_back(columns[i]);
  }
  spec.steps = plan.steps;
  for (auto& step : spec.steps) {
    step.input = place[step.input];
    step.other = step.op == TransformOp::kCross ? place[step.other] : 0;
  }
  return spec;
}

// The label of the table's rows, where a step encodes by it.
struct FittedLabel {
  std::vector<double> y;
  std::size_t classes = 0;
};

Result<std::optional<FittedLabel>> LabelFor(const TransformSpec& spec, const std::string& dataset,
                                            const ColumnTable& table) {
  const bool wanted = std::any_of(spec.steps.begin(), spec.steps.end(), [](const auto& step) {
    return step.op == TransformOp::kTargetEncode;
  });
  if (!wanted || spec.label.empty()) return std::optional<FittedLabel>();
  PENSTOCK_ASSIGN(const auto label, sdk::LearnLabel(dataset, spec.label, "auto"));
  PENSTOCK_ASSIGN(const auto codes, sdk::LoadLabels(dataset, label));
  FittedLabel fitted;
  fitted.classes = label.classes.size();
  for (std::size_t i = 0; i < table.rows(); ++i) {
    fitted.y.push_back(codes[table.kept().empty() ? i : table.kept()[i]]);
  }
  return std::optional<FittedLabel>(std::move(fitted));
}

Result<void> TakeVectors(TransformSpec& recipe, const ColumnTable& table, const std::string& file,
                         std::vector<std::string>* notes) {
  const bool needed = NeedsVectors(recipe);
  if (needed && file.empty()) {
    return Invalid("wordVectors: needs the input vectors, a file of word vectors (.vec)");
  }
  if (!needed && !file.empty()) {
    return Invalid("input vectors: no operation takes it; name a text column in wordVectors");
  }
  if (!needed) return {};
  return AddVectors(recipe, table, file, notes);
}

void NoteConstants(const TransformSpec& spec, const ColumnTable& table,
                   std::vector<std::string>& notes) {
  for (const auto& step : spec.steps) {
    if (step.op != TransformOp::kScale || step.source != sdk::Source::kValue ||
        (step.views & Only(sdk::View::kDense)) == 0 || step.std != 1) {
      continue;
    }
    const Profile profile = ProfileOf(table.column(step.input));
    if (!profile.constant || spec.inputs[step.input].type == sdk::ColumnType::kTimestamp) continue;
    notes.push_back("column '" + spec.inputs[step.input].name + "' is " +
                    Json(profile.most).dump() +
                    " in every row, within rounding: it scales to 0 and tells a model nothing");
  }
}

}  // namespace

std::vector<Operation> FitOptions::Operations() const {
  std::vector<Operation> all;
  for (const auto& c : scale) all.push_back({"scale", {c}, Json::object()});
  for (const auto& c : passthrough) all.push_back({"passthrough", {c}, Json::object()});
  for (const auto& c : one_hot) all.push_back({"oneHot", {c}, Json::object()});
  for (const auto& [c, v] : vocabulary) {
    all.push_back({"vocabulary", {c}, {{"topK", v.top_k}, {"oovBuckets", v.oov_buckets}}});
  }
  all.insert(all.end(), operations.begin(), operations.end());
  return all;
}

Result<TransformSpec> Fit(const std::string& dataset, const FitOptions& options,
                          std::vector<std::string>* notes) {
  const auto operations = options.Operations();
  PENSTOCK_ASSIGN(Candidates candidates, FindCandidates(dataset, options, operations));
  if (candidates.columns.empty()) return NoFeature(candidates.dropped);
  PENSTOCK_TRY(CheckImpute(options.impute, candidates.Names()));
  PENSTOCK_ASSIGN(const auto everything,
                  ColumnTable::LoadSample(dataset, candidates.Names(), options.most_bytes));
  PENSTOCK_ASSIGN(Plan plan, operations.empty()
                                 ? AutomaticSteps(everything, options.impute, candidates.columns)
                                 : NamedSteps(operations, options.impute, candidates.columns));
  plan.dropped.insert(plan.dropped.begin(), candidates.dropped.begin(), candidates.dropped.end());
  if (plan.steps.empty()) return NoFeature(plan.dropped);
  TransformSpec recipe = SpecOf(plan, candidates.columns);
  recipe.label = options.label;
  recipe.dropped = plan.dropped;
  std::vector<std::size_t> used;
  for (std::size_t i = 0, next = 0; i < candidates.columns.size(); ++i) {
    if (next == recipe.inputs.size() || recipe.inputs[next].name != candidates.columns[i].name) {
      continue;
    }
    // To say how nulls are imputed is to say that there will be some; so is to leave all to us.
    const bool imputed = options.impute.contains(recipe.inputs[next].name) ||
                         options.impute.contains("*") || operations.empty();
    recipe.inputs[next].nullable = everything.nulls(i) > 0 || imputed;
    used.push_back(i);
    ++next;
  }
  const ColumnTable table = everything.Columns(used);
  PENSTOCK_TRY(TakeVectors(recipe, table, options.vectors, notes));
  PENSTOCK_ASSIGN(const auto label, LabelFor(recipe, dataset, table));
  const LabelValues values = label ? LabelValues{label->y, label->classes} : LabelValues{};
  PENSTOCK_ASSIGN(auto spec, Refit(recipe, table, table.AllRows(), std::nullopt,
                                   label ? &values : nullptr, true));
  if (notes == nullptr) return spec;
  for (const auto& d : spec.dropped) {
    if (!operations.empty()) break;
    notes->push_back("column '" + d.column + "' is left out: " + d.why);
  }
  NoteConstants(spec, table, *notes);
  if (!table.kept().empty()) {
    notes->push_back("fitted on " + std::to_string(table.rows()) + " of " +
                     std::to_string(table.rows_of_dataset()) +
                     " rows, chosen by their hash: the columns are larger than " +
                     std::to_string(options.most_bytes >> 20) + " MiB");
  }
  return spec;
}

}  // namespace penstock::transform
