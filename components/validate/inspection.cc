#include "components/validate/inspection.h"

#include <arrow/api.h>

#include "components/sdk/dataset.h"
#include "components/statistics/summary/collect.h"
#include "components/validate/contract/comparators.h"
#include "components/validate/contract/proposal.h"
#include "components/validate/personal/mask.h"
#include "components/validate/rules/sql_rules.h"
#include "operator/base/try.h"

namespace penstock::validate {
namespace {

// Values of a column that are kept to be compared.
constexpr std::size_t kListed = 1000;

Result<statistics::Statistics> Collect(const std::string& dataset, const char* input) {
  statistics::CollectOptions options;
  options.top = kListed;
  options.sample = 0;
  options.correlated = 0;
  auto collected = statistics::CollectStatistics(dataset, options);
  if (!collected) return Wrap(std::string("input '") + input + "'", collected.error());
  return collected;
}

}  // namespace

Result<Inspection> Inspection::Create(const Options& options, const Sources& sources) {
  Inspection inspection(options, sources);
  PENSTOCK_ASSIGN(inspection.seen_, sdk::DatasetSchema(sources.dataset));
  inspection.schema_given_ = !sources.schema.empty();
  inspection.schema_ = inspection.seen_;
  if (inspection.schema_given_) {
    PENSTOCK_ASSIGN(inspection.schema_, sdk::LoadSchema(sources.schema));
  } else {
    inspection.report_.notes.emplace_back(
        "No schema was given: the data is held against the one beside it.");
  }
  inspection.described_ = inspection.seen_;
  sdk::CarryOver(inspection.schema_, sdk::Carry::kAll, inspection.described_);
  inspection.outcomes_.resize(options.rules.size());
  return inspection;
}

RuleContext Inspection::ContextOf(std::size_t rule) const {
  return {.scratch = sources_.scratch + "/rule-" + std::to_string(rule),
          .rows = rows_,
          .now = options_.now,
          .allowed = sources_.allowed};
}

Result<void> Inspection::LookAtRows() {
  PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(sources_.dataset));
  rows_ = report_.rows = reader->rows();
  PENSTOCK_ASSIGN(check_,
                  SchemaCheck::Create(schema_, *reader->source_schema(), options_.environment));
  std::vector<std::unique_ptr<RowRule>> rules(options_.rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Check kind = options_.rules[i].check;
    if (kind == Check::kSql || kind == Check::kStatistics) continue;
    PENSTOCK_ASSIGN(rules[i], MakeRowRule(options_.rules[i], *reader->schema(), ContextOf(i)));
  }
  personal::Scan scan(options_.personal, rows_);
  std::int64_t first_row = 0;
  for (;;) {
    PENSTOCK_ASSIGN(const auto batch, reader->Next());
    if (batch == nullptr) break;
    PENSTOCK_TRY(check_->Look(*batch, first_row));
    for (auto& rule : rules) {
      if (rule != nullptr) PENSTOCK_TRY(rule->Look(*batch, first_row));
    }
    scan.Look(*batch, first_row);
    first_row += batch->num_rows();
  }
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (rules[i] == nullptr) continue;
    PENSTOCK_TRY(rules[i]->Finish());
    outcomes_[i] = std::move(*rules[i]).TakeOutcome();
  }
  report_.anomalies = check_->Anomalies(rows_);
  const auto found = scan.Anomalies();
  report_.anomalies.insert(report_.anomalies.end(), found.begin(), found.end());
  for (const auto& [column, kinds] : scan.Columns()) {
    personal_.insert(column);
    for (const auto kind : kinds) report_.personal[column].emplace_back(Name(kind));
  }
  return {};
}

Result<const statistics::Statistics*> Inspection::DataStatistics() {
  if (!data_) {
    PENSTOCK_ASSIGN(data_, Collect(sources_.dataset, "dataset"));
  }
  return &*data_;
}

// Null where there is no run before.
Result<const statistics::Statistics*> Inspection::PreviousStatistics() {
  if (!previous_ && !sources_.statistics.empty()) {
    auto loaded = statistics::LoadStatistics(sources_.statistics);
    if (!loaded) return Wrap("input 'statistics'", loaded.error());
    previous_ = std::move(*loaded);
  }
  if (!previous_ && !sources_.previous.empty()) {
    PENSTOCK_ASSIGN(previous_, Collect(sources_.previous, "previous"));
  }
  return previous_ ? &*previous_ : nullptr;
}

Result<void> Inspection::CompareStatistics() {
  const auto add = [this](std::vector<Anomaly> anomalies) {
    std::move(anomalies.begin(), anomalies.end(), std::back_inserter(report_.anomalies));
  };
  if (NeedsDistinct(schema_)) {
    PENSTOCK_ASSIGN(const auto* data, DataStatistics());
    add(DistinctAnomalies(schema_, *data));
  }
  const auto compare = [&](const statistics::Statistics& other, Against against) -> Result<void> {
    PENSTOCK_ASSIGN(const auto* data, DataStatistics());
    auto result = Compare(schema_, *data, other, against);
    add(std::move(result.anomalies));
    std::move(result.measurements.begin(), result.measurements.end(),
              std::back_inserter(report_.measurements));
    return {};
  };
  if (Compares(schema_, true, false)) {
    PENSTOCK_ASSIGN(const auto* previous, PreviousStatistics());
    if (previous != nullptr) {
      PENSTOCK_TRY(compare(*previous, Against::kPrevious));
    } else {
      report_.notes.emplace_back("Nothing of a run before was given: drift was not looked at.");
    }
  }
  if (!Compares(schema_, false, true)) return {};
  if (sources_.serving.empty()) {
    report_.notes.emplace_back("Nothing of what is served was given: skew was not looked at.");
    return {};
  }
  PENSTOCK_ASSIGN(const auto serving, Collect(sources_.serving, "serving"));
  return compare(serving, Against::kServing);
}

Result<void> Inspection::RunSqlRules() {
  for (std::size_t i = 0; i < options_.rules.size(); ++i) {
    const auto& rule = options_.rules[i];
    if (rule.check == Check::kSql) {
      PENSTOCK_ASSIGN(outcomes_[i], RunRowSql(rule, sources_.dataset, ContextOf(i)));
    } else if (rule.check == Check::kStatistics) {
      PENSTOCK_ASSIGN(const auto* data, DataStatistics());
      PENSTOCK_ASSIGN(const auto* previous, PreviousStatistics());
      PENSTOCK_ASSIGN(outcomes_[i], RunStatisticsSql(rule, *data, previous, ContextOf(i)));
    }
  }
  return {};
}

void Inspection::AddRuleAnomalies() {
  for (std::size_t i = 0; i < outcomes_.size(); ++i) {
    if (auto anomaly = AnomalyOf(options_.rules[i], outcomes_[i])) {
      report_.anomalies.push_back(std::move(*anomaly));
    }
  }
}

// Nothing of a column with personal data is told but its form, whatever is wrong with it.
void Inspection::MaskPersonal() {
  for (auto& anomaly : report_.anomalies) {
    if (anomaly.type == "PERSONAL_DATA") continue;  // shows forms
    bool personal = false;
    for (const auto& column : personal_) {
      personal |= (", " + anomaly.column + ", ").find(", " + column + ", ") != std::string::npos;
    }
    if (!personal) continue;
    for (auto& example : anomaly.examples) example.value = personal::Form(example.value);
    const bool ends = anomaly.type.ends_with("_INT") || anomaly.type.ends_with("_FLOAT");
    if (!ends) continue;
    anomaly.measured.reset();
    anomaly.description = "Values are outside of the domain.";
  }
  for (auto& m : report_.measurements) {
    if (personal_.contains(m.column)) m.where = personal::Form(m.where);
  }
}

Result<void> Inspection::Run() {
  PENSTOCK_TRY(LookAtRows());
  PENSTOCK_TRY(CompareStatistics());
  PENSTOCK_TRY(RunSqlRules());
  AddRuleAnomalies();
  Grade(options_, report_.anomalies);
  MaskPersonal();
  SortBySeverity(report_.anomalies);
  for (const auto& column : schema_.columns) report_.checked.push_back("column " + column.name);
  for (const auto& rule : options_.rules) report_.checked.push_back("rule " + rule.name);
  return {};
}

std::vector<std::string> Inspection::BrokenBy(std::int64_t row) const {
  std::vector<std::string> names;
  if (options_.set_aside == SetAside::kNone) return names;
  if (options_.set_aside == SetAside::kAll && check_->IsBroken(row)) names.emplace_back("schema");
  for (std::size_t i = 0; i < outcomes_.size(); ++i) {
    const auto& rule = options_.rules[i];
    if (rule.quarantine && rule.IsOfRows() && outcomes_[i].breaches.rows().Has(row)) {
      names.push_back(rule.name);
    }
  }
  return names;
}

Result<sdk::Schema> Inspection::Proposal() {
  PENSTOCK_ASSIGN(const auto* data, DataStatistics());
  return Propose({.given = schema_given_ ? &schema_ : nullptr,
                  .seen = &seen_,
                  .data = data,
                  .anomalies = &report_.anomalies,
                  .environment = options_.environment,
                  .personal = personal_});
}

}  // namespace penstock::validate
