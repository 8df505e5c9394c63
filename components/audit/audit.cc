#include "components/audit/audit.h"

#include <algorithm>
#include <cmath>

#include "components/audit/label_checks.h"
#include "components/audit/leakage/alone.h"
#include "components/audit/leakage/leakage.h"
#include "components/audit/rows/bias.h"
#include "components/audit/rows/near_duplicates.h"
#include "components/audit/rows/parts_agree.h"
#include "components/audit/rows/sufficiency.h"
#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::audit {
namespace {

// What no parameter names is taken from the roles.
Result<void> TakeRoles(const sdk::Schema& schema, Options* options) {
  const auto one_of = [&](sdk::Role role, std::string* column) {
    if (const auto named = sdk::TheColumnOf(schema, role); column->empty() && named)
      *column = *named;
  };
  if (options->label.empty() && schema.Of(sdk::Role::kLabel).size() > 1) {
    const auto several = sdk::TheColumnOf(schema, sdk::Role::kLabel);
    return Invalid(several.error().message + " label: audit looks at one label at a time");
  }
  one_of(sdk::Role::kLabel, &options->label);
  one_of(sdk::Role::kTime, &options->leakage.time);
  one_of(sdk::Role::kGroup, &options->leakage.group);
  if (options->leakage.moment.empty()) options->leakage.moment = options->leakage.time;
  for (const auto& name : schema.Of(sdk::Role::kProtected)) {
    auto& columns = options->protected_columns;
    if (std::find(columns.begin(), columns.end(), name) == columns.end()) columns.push_back(name);
  }
  const auto require = [&](const char* parameter, const std::string& column) -> Result<void> {
    if (column.empty() || schema.Find(column) != nullptr) return {};
    return Invalid(std::string(parameter) + ": there is no column " + column + " in the dataset");
  };
  PENSTOCK_TRY(require("label", options->label));
  PENSTOCK_TRY(require("time", options->leakage.time));
  PENSTOCK_TRY(require("group", options->leakage.group));
  PENSTOCK_TRY(require("moment", options->leakage.moment));
  for (const auto& name : options->protected_columns) PENSTOCK_TRY(require("protected", name));
  return {};
}

Result<void> AuditFeatures(const Given& given, const Table& table, const Target& target,
                           const Options& options, Audited* audited) {
  std::vector<std::string> paths;
  for (const auto& part : given.parts) paths.push_back(part.path);
  PENSTOCK_ASSIGN(const auto strengths,
                  CheckLeakage(paths, table, target, options.leakage, &audited->findings));
  Json listed = Json::array();
  for (const auto& s : strengths) {
    Json one = ToJson(s.strength);
    one["column"] = s.column;
    listed.push_back(std::move(one));
  }
  audited->report["strengths"] = std::move(listed);
  return {};
}

Result<void> AuditRows(const Given& given, const Options& options, Audited* audited) {
  DuplicateOptions duplicates;
  duplicates.label = options.label;
  PENSTOCK_ASSIGN(const auto found, FindDuplicates(given.parts, duplicates));
  SayDuplicates(given.parts, found, &audited->findings);
  audited->report["duplicates"] = ToJson(given.parts, found);
  PENSTOCK_ASSIGN(const auto near, FindNearDuplicates(given.parts, options.label, options.seed));
  SayNearDuplicates(given.parts, near, &audited->findings);
  audited->report["nearDuplicates"] = {
      {"rows", near.rows}, {"share", near.share}, {"pairs", near.found}};
  return {};
}

// The metric of a part that evaluate measured, or what so many rows would give.
Result<std::optional<Precision>> PrecisionOf(const Part& part, const Json& metrics,
                                             const Target* target, const Options& options) {
  PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(part.path));
  if (!metrics.is_null()) {
    auto measured = Measured(metrics, options.metric);
    if (measured && measured->rows == 0) measured->rows = reader->rows();
    if (measured) return measured;
  }
  if (target == nullptr) return std::optional<Precision>();
  std::string metric = options.metric;
  if (metric == "auto") {
    metric = !target->classification ? "rmse" : target->width() == 2 ? "auc" : "accuracy";
  }
  double positive = 0;  // the share of the second class in train
  double known = 0;
  for (const double y : target->values) {
    known += y == y ? 1 : 0;
    positive += y == 1 ? 1 : 0;
  }
  const auto positives = std::int64_t(std::lround(positive / known * double(reader->rows())));
  return Foreseen(metric, options.expected, reader->rows(), positives, options.leakage.confidence);
}

Result<void> AuditParts(const Given& given, const Target* target, const Options& options,
                        Audited* audited) {
  Json precisions = Json::object();
  std::map<std::string, Precision> measured;
  for (const auto& part : given.parts) {
    if (part.name == "train") continue;
    const Json& metrics = part.name == "valid" ? given.valid_metrics : given.test_metrics;
    PENSTOCK_ASSIGN(const auto precision, PrecisionOf(part, metrics, target, options));
    if (!precision) continue;
    precisions[part.name] = ToJson(*precision);
    SaySufficiency(part.name, *precision, options.difference, &audited->findings);
    if (precision->measured) measured[part.name] = *precision;
  }
  audited->report["precision"] = std::move(precisions);
  if (measured.size() == 2) {
    SayMetricsDisagree(measured["valid"], measured["test"], options.leakage.confidence,
                       &audited->findings);
  }
  if (given.parts.size() < 3) return {};
  TableOptions some;
  some.most_rows = std::min<std::int64_t>(20'000, options.most_rows);
  some.seed = options.seed;
  PENSTOCK_ASSIGN(const auto valid, LoadTable(given.parts[1].path, some));
  PENSTOCK_ASSIGN(const auto test, LoadTable(given.parts[2].path, some));
  SayDisagreements(DisagreementsOf(valid, test), options.label, &audited->findings);
  return {};
}

void AuditGroups(const Table& table, const Target* target, const Options& options,
                 Audited* audited) {
  Json biases = Json::array();
  for (const auto& name : options.protected_columns) {
    const TableColumn* column = table.Find(name);
    if (column == nullptr) continue;
    if (target != nullptr) {
      if (const auto bias = LabelBiasOf(*column, *target, options.leakage.confidence)) {
        SayLabelBias(*bias, options.most_gap, &audited->findings);
        biases.push_back(ToJson(*bias));
      }
    }
    SayProxies(ProxiesOf(table, name, options.label, options.proxy, options.leakage.confidence),
               &audited->findings);
  }
  audited->report["labelBias"] = std::move(biases);
}

}  // namespace

Result<Audited> Audit(const Given& given, const Options& asked) {
  Options options = asked;
  PENSTOCK_ASSIGN(const auto schema, sdk::DatasetSchema(given.parts.front().path));
  PENSTOCK_TRY(TakeRoles(schema, &options));
  Audited audited{Findings(options.severities), Json::object(), {}, {}};
  TableOptions rows;
  rows.most_rows = options.most_rows;
  rows.seed = options.seed;
  PENSTOCK_ASSIGN(const auto table, LoadTable(given.parts.front().path, rows));
  audited.report["rows"] = table.rows_total;
  audited.report["sampledRows"] = table.rows.size();
  audited.report["label"] = options.label.empty() ? Json() : Json(options.label);
  audited.report["notLookedAt"] = table.skipped;
  std::optional<Target> target;
  if (!options.label.empty()) {
    PENSTOCK_ASSIGN(target, TargetOf(table, options.label, options.task));
    PENSTOCK_TRY(AuditFeatures(given, table, *target, options, &audited));
  }
  const Target* known = target ? &*target : nullptr;
  PENSTOCK_TRY(AuditRows(given, options, &audited));
  PENSTOCK_TRY(AuditParts(given, known, options, &audited));
  AuditGroups(table, known, options, &audited);
  PENSTOCK_TRY(AuditLabels(given, table, known, options, &audited));
  return audited;
}

}  // namespace penstock::audit
